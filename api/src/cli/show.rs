//! `remora show`: one exchange in full.

use std::io::Write;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::{Place, stdout};
use crate::dto;
use crate::failure::Failure;
use crate::format::headers::{self, Headers};
use crate::format::{detail, json, packet};
use crate::instant;
use crate::terminal::Screen;
use crate::terminal::paint::Style;
use crate::terminal::quantity::count;
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use indexer::EntryPacket;

const ABOUT: &str = "Show one exchange in full

Both ends, the times, the headers and the bodies: JSON indented, other text as it is, anything else as a hex dump. \
Bodies are not stored twice: the exchange is taken apart anew from its packets in the segment. Text from the wire is \
shown with control characters escaped; --json has everything exactly and whole.";

const AFTER: &str = "EXAMPLES
  remora show web1-3f9a2c-0000000042.17.3
  remora show web1-3f9a2c-0000000042.17.3 --packets
  remora show web1-3f9a2c-0000000042.17.3 --json | jq .response.headers";

/// Show one exchange in full
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Show {
    /// The exchange's id, as `remora query` gives it
    #[arg(value_name = "ENTRY")]
    id: String,
    /// List the packets that carried it, each with its headers field by field and its bytes
    #[arg(long)]
    packets: bool,
}

const COLUMNS: &[Column] = &[
    Column { title: "packet time", fit: Fit::KeepEnd(19), align: Align::Left },
    Column { title: "after", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "place", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "interface", fit: Fit::CutEnd(5, Some(5)), align: Align::Left },
    Column { title: "source", fit: Fit::CutEnd(15, Some(3)), align: Align::Left },
    Column { title: "destination", fit: Fit::CutEnd(15, Some(3)), align: Align::Left },
    Column { title: "flags", fit: Fit::Whole(Some(1)), align: Align::Left },
    Column { title: "length", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "captured", fit: Fit::Whole(Some(4)), align: Align::Right },
];

impl Show {
    /// Writes the exchange to stdout.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let data = place.open()?;
        let Some(entry) = data.entry(&self.id)? else {
            let directory = place.path().display();
            return Err(
                anyhow!("no exchange {} in {directory}: ids are given by `remora query`", self.id).into()
            );
        };
        let packets = if self.packets { data.packets(&entry)? } else { Vec::new() };
        let mut out = stdout();
        if place.json {
            let whole = match self.packets {
                true => {
                    json!({ "entry": entry, "packets": packets.iter().map(dto::packet).collect::<Vec<_>>() })
                }
                false => entry,
            };
            json::write_pretty(&mut out, &whole)?;
            return Ok(out.flush()?);
        }
        let screen = Screen::of_stdout();
        out.write_all(detail::render(&entry, screen.paint).as_bytes())?;
        if !packets.is_empty() {
            writeln!(out)?;
            packet_table(&packets, &mut out, screen)?;
            for (number, one) in (1..).zip(&packets) {
                write!(out, "\n{}", packet::render(number, one, screen.paint))?;
            }
        }
        Ok(out.flush()?)
    }
}

fn packet_table(packets: &[EntryPacket], out: &mut impl Write, screen: Screen) -> std::io::Result<()> {
    let mut table = Table::new(out, screen, COLUMNS);
    let first = packets.first().map(|packet| packet.timestamp);
    for packet in packets {
        let headers = headers::read(packet.link_type, &packet.data);
        let of_headers = |part: fn(&Headers) -> &str| Cell::new(headers.as_ref().map_or("-", part));
        let since_nanos = packet.timestamp.since(first.unwrap_or(packet.timestamp));
        table.row(vec![
            Cell::styled(&instant::rfc3339(packet.timestamp), Style::Faint),
            Cell::new(&format!("+{:.6}s", Duration::from_nanos(since_nanos.unsigned_abs()).as_secs_f64())),
            Cell::new(&format!("{}.{}.{}", packet.at.sequence, packet.at.frame, packet.at.index)),
            Cell::new(&packet.interface),
            of_headers(|headers| &headers.source),
            of_headers(|headers| &headers.destination),
            of_headers(|headers| &headers.flags),
            Cell::new(&count(u64::from(packet.original_length_bytes))),
            Cell::new(&count(u64::try_from(packet.data.len()).unwrap_or(u64::MAX))),
        ])?;
    }
    table.finish()
}
