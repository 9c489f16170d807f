//! `remora record`: records this machine, and indexes what it records.
//!
//! `remora-recorder` captures and writes, with a supervisor of its own that restarts it, because this process
//! can't: it gave up the privileges that starting a capture takes. This one indexes, shows how it goes, passes
//! signals on, and says so clearly should the recorder end unasked.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitStatus;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::{Value, json};
use tracing::{error, info, warn};

use super::Place;
use crate::confine::confine;
use crate::directory;
use crate::failure::Failure;
use crate::format::json;
use crate::http::{Config, Duty, Options, Server};
use crate::recorder::{Event, Happening, Input, Recorder};
use crate::terminal::quantity::{bytes, count, counted};
use crate::terminal::{escape, progress};
use indexer::Indexing;

/// How often the status line is drawn anew when nothing happens.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

const ABOUT: &str = "Record this machine

Everything that passes the interfaces is kept in compressed segments, encrypted traffic too, and is searchable within a \
second; `remora query` may be asked meanwhile, and the dashboard at http://127.0.0.1:8898/ shows it. What can't be kept \
is counted, shown, and written into the segment: a loss is never silent. Ctrl-C or SIGTERM seals the open segment and ends.

Capturing needs CAP_NET_RAW for `remora-recorder` alone: run this as root, or once
  sudo setcap cap_net_raw+ep \"$(command -v remora-recorder)\"
Old segments are removed when a budget is given and reached, oldest first.";

const AFTER: &str = "EXAMPLES
  sudo remora record
  sudo remora record -i eth0 -i lo --bpf 'not port 22'
  sudo remora record --budget-bytes 50GiB --budget-age 30d
  sudo remora record --no-serve --json >> events.jsonl";

/// Record this machine
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Record {
    /// Interface to record, may be given several times [default: any]
    #[arg(short, long = "interface", value_name = "IF")]
    interface: Vec<String>,
    /// Record only packets that match, as tcpdump would
    #[arg(long, value_name = "EXPR")]
    bpf: Option<String>,
    /// Most bytes to keep of each packet [default: all]
    #[arg(long, value_name = "N")]
    snap_length_bytes: Option<u32>,
    /// Size of the kernel's buffer, e.g. 64MiB
    #[arg(long, value_name = "SIZE")]
    buffer_bytes: Option<String>,
    /// Seal a segment when its file has this size [default: 256MiB]
    #[arg(long, value_name = "SIZE")]
    rotate_bytes: Option<String>,
    /// Seal a segment when it is this old [default: 5m]
    #[arg(long, value_name = "DURATION")]
    rotate_after: Option<String>,
    /// Remove the oldest segments when all take more than this
    #[arg(long, value_name = "SIZE")]
    budget_bytes: Option<String>,
    /// Remove segments older than this, e.g. 30d
    #[arg(long, value_name = "DURATION")]
    budget_age: Option<String>,
    /// Remove the oldest segments while less of the disk is free [default: 5]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..100))]
    free_percent_min: Option<u8>,
    #[command(flatten)]
    options: Options,
    /// Serve no dashboard
    #[arg(long, help_heading = "Dashboard")]
    no_serve: bool,
}

impl Record {
    /// Records until a signal comes.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let config = if self.no_serve { None } else { Some(self.options.check()?) };
        directory::create(place.path())?;
        let mut recorder = Recorder::start(&self.recorder_arguments(place), Input::Nothing)?;
        let writes = confine(Some(place.path()))?;
        let watch = if place.json { Watch::Json } else { Watch::of_stderr() };
        watch.tell(&json!({ "event": "confined", "capabilities": "none", "writes": writes.name() }))?;
        let happenings = recorder.happenings()?;
        // Recording comes first: without an index there is still the evidence.
        let indexing = Indexing::start(place.path());
        let indexing = indexing
            .inspect_err(
                |error| warn!(%error, "recording goes on without an index: run `remora reindex` later"),
            )
            .ok();
        let server = config.and_then(|config| serve(config, place, &watch));
        let mut recording = Recording {
            recorder,
            indexing,
            server,
            watch,
            has_started: false,
            asked_to_stop: false,
            losses: 0,
            disk: Disk::Writing,
        };
        let status = loop {
            match happenings.recv_timeout(STATUS_INTERVAL) {
                Ok(Happening::Closed) | Err(RecvTimeoutError::Disconnected) => {
                    break recording.recorder.wait().context("cannot wait for the recorder")?;
                }
                Ok(happening) => recording.apply(happening)?,
                Err(RecvTimeoutError::Timeout) => {}
            }
            recording.draw(place);
        };
        recording.end(status, place)
    }

    fn recorder_arguments(&self, place: &Place) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec!["capture".into(), "--data".into(), place.path().into()];
        let any = ["any".to_owned()];
        for interface in if self.interface.is_empty() { &any[..] } else { &self.interface } {
            // With `=`, a value that begins with `-` stays a value.
            arguments.push(format!("--interface={interface}").into());
        }
        let options = [
            ("bpf", self.bpf.clone()),
            ("snap-length-bytes", self.snap_length_bytes.map(|number| number.to_string())),
            ("buffer-bytes", self.buffer_bytes.clone()),
            ("rotate-bytes", self.rotate_bytes.clone()),
            ("rotate-after", self.rotate_after.clone()),
            ("budget-bytes", self.budget_bytes.clone()),
            ("budget-age", self.budget_age.clone()),
            ("free-percent-min", self.free_percent_min.map(|number| number.to_string())),
        ];
        for (name, value) in options {
            arguments.extend(value.map(|value| OsString::from(format!("--{name}={value}"))));
        }
        arguments
    }
}

/// Who looks on.
enum Watch {
    /// A program reads events on stdout.
    Json,
    /// A person sees one line that changes, and what is worth knowing above it.
    Terminal(ProgressBar),
    /// A log.
    Log,
}

impl Watch {
    fn of_stderr() -> Self {
        if io::stderr().is_terminal() { Self::Terminal(progress::status_line()) } else { Self::Log }
    }

    /// Passes an event on, if events are what is wanted.
    fn tell(&self, event: &Value) -> Result<(), Failure> {
        if !matches!(self, Self::Json) {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        let written = json::write_line(&mut stdout, event).and_then(|()| stdout.flush());
        match written {
            // Whoever reads the events may go; the recording goes on.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => Ok(other?),
        }
    }

    /// Says where the dashboard is.
    fn serving(&self, server: &Server) {
        let url = server.url();
        match self {
            // Whoever reads the events may have gone; the recording goes on.
            Self::Json => {
                drop(self.tell(&json!({ "event": "serving", "url": url, "token": server.new_token })));
            }
            Self::Terminal(line) => match &server.new_token {
                Some(token) => line.println(format!("dashboard at {url}, token {token}")),
                None => line.println(format!("dashboard at {url}")),
            },
            Self::Log => {
                info!(%url, "dashboard");
                if let Some(token) = &server.new_token {
                    // Whoever doesn't want it in a log has it in a file.
                    let _ = writeln!(io::stderr(), "remora: token {token}");
                }
            }
        }
    }

    /// Says what the recorder reports.
    fn report(&self, event: &Event) {
        let fields = event.fields();
        match (self, event.kind()) {
            (Self::Terminal(line), kind @ ("repaired" | "expired" | "loss" | "disk" | "restarted")) => {
                line.println(escape::line(&format!("{kind}: {fields}")));
            }
            (Self::Terminal(line), "started") => {
                line.println(escape::line(&format!("recording into {} (Ctrl-C ends)", event.text("data"))));
            }
            (Self::Terminal(line), "interface") if !event.object["problem"].is_null() => {
                line.println(escape::line(&format!("interface: {fields}")));
            }
            (Self::Log, "loss") => error!(event = "loss", "{}", escape::line(&fields)),
            (Self::Log, kind @ ("repaired" | "restarted" | "disk")) => {
                warn!(event = kind, "{}", escape::line(&fields));
            }
            (Self::Log, kind) => info!(event = kind, "{}", escape::line(&fields)),
            (Self::Terminal(_) | Self::Json, _) => {}
        }
    }
}

/// The dashboard. Without one the recording goes on: another program may have its port.
fn serve(config: Config, place: &Place, watch: &Watch) -> Option<Server> {
    match place.opened().map_err(Into::into).and_then(|data| Server::start(data, config, Duty::Records)) {
        Ok(server) => {
            watch.serving(&server);
            Some(server)
        }
        Err(error) => {
            warn!(error = format!("{error:#}"), "recording goes on without a dashboard");
            None
        }
    }
}

/// Everything that is running.
struct Recording {
    recorder: Recorder,
    indexing: Option<Indexing>,
    server: Option<Server>,
    watch: Watch,
    has_started: bool,
    asked_to_stop: bool,
    losses: u64,
    /// Whether the recorder said that the disk refuses to be written.
    disk: Disk,
}

/// What the recorder last said of the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Disk {
    Writing,
    Refusing,
}

impl Recording {
    fn apply(&mut self, happening: Happening) -> Result<(), Failure> {
        match happening {
            Happening::Event(event) => {
                self.losses += u64::from(event.kind() == "loss");
                self.has_started |= event.kind() == "started";
                if event.kind() == "disk" {
                    self.disk = if event.text("state") == "waiting" { Disk::Refusing } else { Disk::Writing };
                }
                self.watch.report(&event);
                self.watch.tell(&event.object)?;
            }
            Happening::Signal(signal) => {
                self.asked_to_stop = true;
                self.recorder.signal(signal);
            }
            Happening::Closed => {}
        }
        Ok(())
    }

    fn draw(&self, place: &Place) {
        let Watch::Terminal(line) = &self.watch else { return };
        let status = place.recorder_status();
        let entries = self.indexing.as_ref().map_or(0, Indexing::entries);
        line.set_message(status_text(&status, entries, self.losses, self.disk));
    }

    /// The recorder has ended: what is sealed gets its index, then the reason is told.
    fn end(self, status: ExitStatus, place: &Place) -> Result<(), Failure> {
        drop(self.server);
        if let Some(indexing) = self.indexing {
            indexing.drain();
        }
        if let Watch::Terminal(line) = &self.watch {
            line.finish_and_clear();
        }
        self.watch.tell(&json!({ "event": "indexed" }))?;
        if self.asked_to_stop && status.success() {
            return Ok(());
        }
        // A recorder that could not start has said in one line what is missing and how to give it.
        if let Some(code @ 1..=2) = status.code()
            && !self.has_started
        {
            return Err(Failure::Told(u8::try_from(code).unwrap_or(1)));
        }
        Err(anyhow!(
            "recording has ended: remora-recorder {} (its reason is above); what was recorded until then is kept in {}",
            ended(status),
            place.path().display()
        )
        .into())
    }
}

/// `exited with status 1`, `was killed by signal 9`.
pub fn ended(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// The status line: what was recorded, what was lost, what is searchable.
fn status_text(status: &Value, entries: u64, losses: u64, disk: Disk) -> String {
    let report = if status["report"].is_object() { &status["report"] } else { status };
    let number = |name: &str| report[name].as_u64().unwrap_or(0);
    let of_sources = |name: &str| -> u64 {
        let sources = report["sources"].as_array();
        sources.into_iter().flatten().map(|source| source[name].as_u64().unwrap_or(0)).sum()
    };
    let lost = number("disk_lost") + of_sources("kernel_dropped") + of_sources("queue_lost");
    let lost = match (lost, losses) {
        (0, 0) => "nothing lost".to_owned(),
        (0, losses) => format!("{} in the ledger", counted(losses, "loss report")),
        (lost, _) => format!("{} LOST", counted(lost, "packet")),
    };
    let waiting = if disk == Disk::Refusing { "  DISK REFUSES" } else { "" };
    format!(
        "{} packets  {}  {}  {lost}{waiting}",
        count(number("appended")),
        bytes(number("appended_bytes")),
        counted(entries, "exchange"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_shows_losses_loudly() {
        let status =
            json!({ "appended": 12_345, "appended_bytes": 9_900_000, "sources": [{ "kernel_dropped": 0 }] });
        assert_eq!(
            status_text(&status, 7, 0, Disk::Writing),
            "12 345 packets  9.9 MB  7 exchanges  nothing lost"
        );
        let status = json!({ "disk_lost": 1, "sources": [{ "kernel_dropped": 2 }, { "queue_lost": 3 }] });
        assert!(status_text(&status, 0, 0, Disk::Refusing).ends_with("6 packets LOST  DISK REFUSES"));
    }

    #[test]
    fn any_is_recorded_unless_interfaces_are_named() {
        let place = Place { data: "/data".into(), json: false, proto_descriptors: Vec::new() };
        let arguments = |line: &[&str]| {
            use clap::Parser;
            let arguments = super::super::Arguments::try_parse_from(line).unwrap();
            match arguments.command {
                super::super::Command::Record(record) => record.recorder_arguments(&place),
                _ => unreachable!(),
            }
        };
        assert_eq!(arguments(&["remora", "record"]), ["capture", "--data", "/data", "--interface=any"]);
        assert_eq!(
            arguments(&[
                "remora",
                "record",
                "-i",
                "a",
                "-i",
                "b",
                "--bpf",
                "port 80",
                "--free-percent-min",
                "9"
            ]),
            [
                "capture",
                "--data",
                "/data",
                "--interface=a",
                "--interface=b",
                "--bpf=port 80",
                "--free-percent-min=9"
            ]
        );
    }
}
