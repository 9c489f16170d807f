//! `remora segments`: what lies in the data directory.

use std::io::{self, Write};

use clap::Args;
use serde_json::json;

use super::{Place, stdout};
use crate::dto;
use crate::failure::Failure;
use crate::format::json;
use crate::instant;
use crate::terminal::paint::Style;
use crate::terminal::quantity::{bytes, count};
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use crate::terminal::{Screen, escape};
use store::State;

const ABOUT: &str = "List the segments

One line for each segment: its state (open: being written; sealed: complete and signed, never changed again; indexed: \
sealed and searchable from its index), the time its packets cover, its packets, their bytes, the size of its file and \
of its index, its exchanges and losses, and where it came from. Segments of one chain form a row in which a missing \
number is a visible hole.";

const AFTER: &str = "EXAMPLES
  remora segments
  remora segments --json | jq '.segments[] | select(.losses > 0).id'

Every sealed segment is a pcapng file inside zstd, readable without Remora:
  zstd -dc DATA/sealed/ID.pcapng.zst | tshark -r -";

/// List the segments
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Segments {}

const COLUMNS: &[Column] = &[
    Column { title: "segment", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "state", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "from", fit: Fit::KeepEnd(13), align: Align::Left },
    Column { title: "to", fit: Fit::KeepEnd(13), align: Align::Left },
    Column { title: "packets", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "captured", fit: Fit::Whole(Some(2)), align: Align::Right },
    Column { title: "on disk", fit: Fit::Whole(Some(1)), align: Align::Right },
    Column { title: "index", fit: Fit::Whole(Some(3)), align: Align::Right },
    Column { title: "exchanges", fit: Fit::Whole(Some(4)), align: Align::Right },
    Column { title: "losses", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "origin", fit: Fit::CutEnd(8, Some(5)), align: Align::Left },
];

impl Segments {
    /// Writes the list to stdout.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let data = place.open()?;
        let (segments, unreadable) = data.segments()?;
        let mut out = stdout();
        if place.json {
            let list: Vec<_> =
                segments.iter().map(|segment| dto::segment(segment, data.entries_of(&segment.id))).collect();
            let unreadable: Vec<_> = unreadable.iter().map(ToString::to_string).collect();
            json::write_pretty(&mut out, &json!({ "segments": list, "unreadable": unreadable }))?;
            return Ok(out.flush()?);
        }
        let mut table = Table::new(out, Screen::of_stdout(), COLUMNS);
        for segment in &segments {
            let (from, to) = match segment.range {
                Some(range) => (instant::short(range.start()), instant::short(range.end())),
                None => ("-".to_owned(), "-".to_owned()),
            };
            let style = match segment.state {
                State::Open => Style::Notice,
                State::Sealed => Style::Normal,
                State::Indexed => Style::Good,
            };
            let losses = u64::try_from(segment.losses.len()).unwrap_or(u64::MAX);
            table.row(vec![
                Cell::new(&segment.id.to_string()),
                Cell::styled(dto::state(segment.state), style),
                Cell::styled(&from, Style::Faint),
                Cell::styled(&to, Style::Faint),
                Cell::new(&count(segment.packets)),
                Cell::new(&bytes(segment.bytes)),
                Cell::new(&bytes(segment.file_bytes)),
                Cell::new(&bytes(segment.index_bytes)),
                Cell::new(&count(data.entries_of(&segment.id))),
                Cell::styled(&count(losses), if losses == 0 { Style::Normal } else { Style::Bad }),
                Cell::new(&dto::origin(&segment.origin)),
            ])?;
        }
        table.finish()?;
        for problem in unreadable {
            writeln!(io::stderr().lock(), "not listed: {}", escape::line(&problem.to_string()))?;
        }
        Ok(())
    }
}
