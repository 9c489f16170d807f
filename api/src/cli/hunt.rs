//! `remora hunt`: bytes, wherever they were sent.

use std::io::{self, BufWriter, StdoutLock, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use clap::Args;
use indexer::hunt::pattern::{Case, Pattern};
use indexer::hunt::{self, End, Event, Hit, Outcome};
use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};

use super::range::Range;
use super::{Place, coverage, filter, stdout};
use crate::dto;
use crate::failure::Failure;
use crate::format::json;
use crate::instant;
use crate::terminal::paint::Style;
use crate::terminal::quantity::counted;
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use crate::terminal::{Screen, progress};

/// Matches that are told unless another number is asked for.
const LIMIT: u64 = 1000;

const ABOUT: &str = "Find bytes in everything that was recorded

Looks into the payload itself, whatever protocol it belongs to and whether or not anything understood it: into both \
directions of every TCP connection, put in order, and into each datagram of UDP and ICMP. So a match may lie in several \
packets. What was encrypted or compressed is looked at as it was sent.

With --filter only matches count whose first byte came in a packet of an exchange that satisfies the KFL text.

The answer says for each match when, from whom to whom, where in the stream, in which packet, and what is around it. \
Ctrl-C or --time-max ends a hunt early; it then prints a token to go on with. How much was looked at goes to stderr.";

const AFTER: &str = "EXAMPLES
  remora hunt 'BEGIN RSA PRIVATE KEY' --from -1h
  remora hunt --ignore-case 'password=' --filter 'http and dst.name == \"shop\"'
  remora hunt --hex 'de ad be ef ?? 01' --json
  remora hunt --regex '[0-9]{4}(-[0-9]{4}){3}' --limit 10

WHAT CAN BE MISSED
  A match across a hole, where bytes were lost or cut off by the snap length. A match of a regular expression that is \
longer than 64 KiB, or needs to see further than that. Streams whose last bytes had to be let go to save memory are \
counted on stderr. Where --resume goes on, offsets in streams that began long before are not known.

JSON
  A line for each match, then {\"coverage\": ..., \"scannedBytes\", \"gaps\", \"cuts\", \"resume\"}. In before, match and \
after, bytes that are no printable ASCII are written as \\xNN; matchBytes has the first 256 bytes in base64.";

/// Find bytes in everything that was recorded
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Hunt {
    /// What to find
    #[arg(allow_hyphen_values = true)]
    pattern: String,
    /// The pattern is a text, in UTF-8 (the default)
    #[arg(long, group = "kind")]
    text: bool,
    /// The pattern is bytes in hex, ?? for any byte
    #[arg(long, group = "kind", conflicts_with = "ignore_case")]
    hex: bool,
    /// The pattern is a regular expression over bytes; (?-u:\xff) is a byte
    #[arg(long, group = "kind")]
    regex: bool,
    /// Small letters match capitals
    #[arg(short, long)]
    ignore_case: bool,
    #[command(flatten)]
    range: Range,
    /// Only in the packets of exchanges that match
    #[arg(long, value_name = "KFL")]
    filter: Option<String>,
    /// Most matches to give
    #[arg(long, value_name = "N", default_value_t = LIMIT)]
    limit: u64,
    /// Go on where another hunt was stopped
    #[arg(long, value_name = "TOKEN")]
    resume: Option<String>,
    /// Stop after so long (30s, 5m)
    #[arg(long, value_name = "DURATION")]
    time_max: Option<String>,
}

const COLUMNS: &[Column] = &[
    Column { title: "time", fit: Fit::KeepEnd(13), align: Align::Left },
    Column { title: "source", fit: Fit::CutEnd(15, Some(3)), align: Align::Left },
    Column { title: "destination", fit: Fit::CutEnd(15, Some(2)), align: Align::Left },
    Column { title: "packet", fit: Fit::Whole(Some(1)), align: Align::Left },
    Column { title: "offset", fit: Fit::Whole(Some(0)), align: Align::Right },
    Column { title: "before", fit: Fit::KeepEnd(12), align: Align::Right },
    Column { title: "match", fit: Fit::CutEnd(12, None), align: Align::Left },
    Column { title: "after", fit: Fit::CutEnd(12, None), align: Align::Left },
];

impl Hunt {
    /// Writes the matches to stdout and the coverage to stderr.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let case = if self.ignore_case { Case::Ignored } else { Case::Exact };
        let pattern = match (self.hex, self.regex) {
            (true, _) => Pattern::hex(&self.pattern)?,
            (_, true) => Pattern::regex(&self.pattern, case)?,
            _ => Pattern::text(&self.pattern, case)?,
        };
        let why = "a hunt looks at packets as they were seen";
        let filter = self.filter.as_deref().map(|kfl| filter::selection(kfl, why)).transpose()?;
        let resume = self.resume.as_deref().map(str::parse).transpose()?;
        let time_max = self.time_max.as_deref().map(instant::length_ns).transpose();
        let time_max = time_max.map_err(|error| Failure::CommandLine(format!("--time-max: {error}")))?;
        let wanted = hunt::Hunt { pattern, range: self.range.parse()?, filter, resume };
        let data = place.open()?;
        let stop = stop_flag().context("cannot catch signals")?;
        let until = time_max.map(|duration_ns| instant::now().plus_nanos(duration_ns));
        let prepared = hunt::prepare(&data, &wanted)?;
        let bar = progress::of_bytes("hunting");
        bar.set_length(prepared.size().bytes);
        let mut answer = Answer::begin(place.json);
        let (mut refused, mut left) = (None, self.limit);
        let outcome = prepared.run(&mut |event| {
            let is_over = until.is_some_and(|until| instant::now() >= until);
            if is_over || stop.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            match event {
                Event::Hit(_) if left == 0 => return ControlFlow::Break(()),
                Event::Hit(hit) => {
                    left -= 1;
                    if let Err(error) = bar.suspend(|| answer.hit(hit)) {
                        refused = Some(error);
                        return ControlFlow::Break(());
                    }
                }
                Event::Scanned(bytes) => bar.set_position(bytes),
            }
            ControlFlow::Continue(())
        });
        bar.finish_and_clear();
        if let Some(error) = refused {
            return Err(error.into());
        }
        answer.end(&outcome)?;
        tell(&outcome);
        if stop.load(Ordering::Relaxed) { Err(Failure::Told(1)) } else { Ok(()) }
    }
}

/// Set by the first Ctrl-C; a second one ends the process.
fn stop_flag() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// The matches on their way out.
enum Answer {
    Table(Box<Table<BufWriter<StdoutLock<'static>>>>),
    Lines(BufWriter<StdoutLock<'static>>),
}

impl Answer {
    fn begin(as_json: bool) -> Self {
        if as_json {
            return Self::Lines(stdout());
        }
        Self::Table(Box::new(Table::new(stdout(), Screen::of_stdout(), COLUMNS)))
    }

    fn hit(&mut self, hit: &Hit) -> io::Result<()> {
        match self {
            Self::Table(table) => table.row(cells(hit)),
            Self::Lines(out) => {
                json::write_line(out, &dto::hit(hit))?;
                // The next match may be long in coming.
                out.flush()
            }
        }
    }

    fn end(self, outcome: &Outcome) -> io::Result<()> {
        match self {
            Self::Table(table) => table.finish(),
            Self::Lines(mut out) => {
                let told = json!({
                    "coverage": dto::coverage(&outcome.coverage),
                    "scannedBytes": outcome.scanned_bytes,
                    "gaps": outcome.gaps,
                    "cuts": outcome.cuts,
                    "resume": outcome.resume.as_ref().map(ToString::to_string),
                });
                json::write_line(&mut out, &told)?;
                out.flush()
            }
        }
    }
}

fn cells(hit: &Hit) -> Vec<Cell> {
    let [before, after] = &hit.context;
    let packet = format!("{}.{}.{}", hit.segment, hit.packet.frame, hit.packet.index);
    vec![
        Cell::styled(&instant::short(hit.time), Style::Faint),
        Cell::new(&label(&hit.source)),
        Cell::new(&label(&hit.destination)),
        Cell::styled(&packet, Style::Faint),
        Cell::new(&hit.offset.map_or_else(|| "-".to_owned(), |offset| offset.to_string())),
        Cell::styled(&escaped(before), Style::Faint),
        Cell::styled(&escaped(&hit.bytes), Style::Notice),
        Cell::styled(&escaped(after), Style::Faint),
    ]
}

fn label(end: &End) -> String {
    let (ip, port) = (end.ip.to_string(), end.port.to_string());
    let port = if end.port == 0 { "" } else { &port };
    crate::format::row::End { ip: &ip, port, name: &end.name }.label()
}

/// Bytes as a person can read them: what is no printable ASCII is written as `\xNN`.
fn escaped(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Says on stderr what the answer covers, what may have been missed, and how to go on.
fn tell(outcome: &Outcome) {
    let found = counted(outcome.coverage.entries, "hit");
    coverage::tell(&found, &outcome.coverage);
    let mut stderr = io::stderr().lock();
    // As with the coverage: nobody may be there to hear.
    if outcome.gaps > 0 {
        let _ = writeln!(stderr, "no match can span the {} in these streams", counted(outcome.gaps, "hole"));
    }
    if outcome.cuts > 0 {
        let streams = counted(outcome.cuts, "stream");
        let _ = writeln!(stderr, "matches across packets may be missing: {streams} cut to save memory");
    }
    if let Some(resume) = &outcome.resume {
        let _ = writeln!(stderr, "to go on, add: --resume {resume}");
    }
}
