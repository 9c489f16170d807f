//! The process that records: opens the interfaces, starts the threads, runs the writer.

use crossbeam_channel::{Receiver, bounded};
use segment::{LinkType, LossCause, TimeRange, Timestamp};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::batch;
use crate::cli::{CaptureConfig, WorkerArgs};
use crate::clock;
use crate::data::DataDir;
use crate::error::Error;
use crate::event::Event;
use crate::ledger::Missing;
use crate::privileges::{Passing, keep_only_net_raw};
use crate::report::SourceCounters;
use crate::source::lane::{self, Orders};
use crate::source::{self, ANY, Source};
use crate::writer::Writer;
use crate::writer::disk;
use crate::writer::recording::Recording;
use crate::writer::segments::SourceInfo;

/// Records until a signal; says whether everything was sealed. Standard input is the directory's
/// lock, which the supervisor handed over: it lives as long as either process.
///
/// # Errors
/// Where recording can't begin.
pub fn run(args: &WorkerArgs) -> Result<bool, Error> {
    let config = CaptureConfig::new(&args.capture).map_err(Error::Config)?;
    keep_only_net_raw(Passing::ToNobody)?;
    // If the supervisor dies, this process seals what it has and ends.
    let no_signal = |e: rustix::io::Errno| Error::Config(format!("can't watch the supervisor: {e}"));
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))
        .map_err(no_signal)?;
    let stops = stops()?;
    let data = DataDir::prepare(&config.data)?;
    let key = data.key()?;
    let end = data.chain_end()?;

    let opened = open_all(&config, args.lost_since.is_some())?;
    let sources: Vec<SourceInfo> = config
        .interfaces
        .iter()
        .zip(&opened)
        .map(|(name, source)| SourceInfo {
            name: name.clone(),
            link_type: source.as_ref().map_or_else(|| guess_link_type(name), |source| source.link_type),
            up: source.is_some(),
            counters: SourceCounters::default(),
        })
        .collect();
    Event::Started {
        pid: std::process::id(),
        chain: end.chain.to_string(),
        interfaces: config.interfaces.clone(),
        data: config.data.display().to_string(),
    }
    .print();
    for source in &sources {
        let state = if source.up { "up" } else { "down" };
        let link_type = Some(source.link_type.0);
        Event::Interface {
            interface: source.name.clone(),
            state: state.to_owned(),
            link_type,
            problem: None,
        }
        .print();
    }

    let (outlet, inlet) = batch::queue();
    let orders = Orders::default();
    let no_thread = |source| Error::Io { action: "start a thread for", path: config.data.clone(), source };
    let disk = disk::start(data.clone(), key.clone(), config.budget).map_err(no_thread)?;
    for (number, (interface, source)) in config.interfaces.iter().zip(opened).enumerate() {
        lane::start(number, interface.clone(), source, config.clone(), outlet.clone(), orders.clone())
            .map_err(no_thread)?;
    }
    // The queue ends when the last capture thread drops its outlet.
    drop(outlet);
    let mut recording = Recording::start(config, data, key, end, sources, orders.clone(), disk);
    if let Some(since) = args.lost_since {
        let range = TimeRange::covering(Timestamp::from_nanos(since), clock::now());
        recording.add_loss(LossCause::Restart, Missing { range, packets: None, bytes: None }, &args.lost_why);
    }
    Ok(Writer { inlet, stops, orders, recording }.run())
}

/// Opens every interface. After a restart one may be away; its thread waits for it.
fn open_all(config: &CaptureConfig, after_restart: bool) -> Result<Vec<Option<Source>>, Error> {
    let mut opened = Vec::new();
    for interface in &config.interfaces {
        match source::open(interface, config) {
            Ok(source) => opened.push(Some(source)),
            Err(_) if after_restart => opened.push(None),
            Err(error) => return Err(error),
        }
    }
    Ok(opened)
}

/// What an interface that is away will most likely be.
fn guess_link_type(interface: &str) -> LinkType {
    if interface == ANY { LinkType::LINUX_SLL2 } else { LinkType::ETHERNET }
}

/// A message per SIGINT or SIGTERM.
///
/// # Errors
/// If the handlers can't be set.
pub fn stops() -> Result<Receiver<()>, Error> {
    let failed = |e: std::io::Error| Error::Config(format!("can't listen for signals: {e}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    // One stop is enough; more change nothing.
    let (tell, stops) = bounded(1);
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for _ in signals.forever() {
                if let Err(crossbeam_channel::TrySendError::Disconnected(())) = tell.try_send(()) {
                    return;
                }
            }
        })
        .map_err(failed)?;
    Ok(stops)
}
