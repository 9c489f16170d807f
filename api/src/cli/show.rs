//! `remora show`: one exchange in full.

use std::io::Write;

use anyhow::anyhow;
use clap::Args;
use serde_json::json;

use super::{Place, stdout};
use crate::dto;
use crate::engine;
use crate::failure::Failure;
use crate::format::{detail, json};
use crate::instant;
use crate::terminal::Screen;
use crate::terminal::paint::Style;
use crate::terminal::quantity;
use crate::terminal::table::{Align, Cell, Column, Fit, Table};

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
    /// List the packets that carried it
    #[arg(long)]
    packets: bool,
}

const COLUMNS: &[Column] = &[
    Column { title: "packet time", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "after", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "place", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "length", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "captured", fit: Fit::Whole(Some(1)), align: Align::Right },
    Column { title: "comment", fit: Fit::CutEnd(10, Some(2)), align: Align::Left },
];

impl Show {
    /// Writes the exchange to stdout.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let data = place.open()?;
        let Some(entry) = engine::entry(&data, &self.id)? else {
            let directory = place.path().display();
            return Err(
                anyhow!("no exchange {} in {directory}: ids are given by `remora query`", self.id).into()
            );
        };
        let mut out = stdout();
        if place.json {
            let mut whole = entry;
            if self.packets {
                let mut packets = Vec::new();
                engine::packets(&data, &self.id, &mut |place, packet| {
                    packets.push(dto::packet(place, packet))
                })?;
                whole = json!({ "entry": whole, "packets": packets });
            }
            json::write_pretty(&mut out, &whole)?;
            return Ok(out.flush()?);
        }
        let screen = Screen::of_stdout();
        out.write_all(detail::render(&entry, screen.paint).as_bytes())?;
        if self.packets {
            writeln!(out)?;
            packet_table(&data, &self.id, &mut out, screen)?;
        }
        Ok(out.flush()?)
    }
}

fn packet_table(data: &engine::Data, id: &str, out: &mut impl Write, screen: Screen) -> Result<(), Failure> {
    let mut table = Table::new(out, screen, COLUMNS);
    let mut first = None;
    let mut refused = None;
    engine::packets(data, id, &mut |place, packet| {
        let since_nanos = packet.timestamp.since(*first.get_or_insert(packet.timestamp));
        let row = vec![
            Cell::styled(&instant::rfc3339(packet.timestamp), Style::Faint),
            Cell::new(&format!(
                "+{}.{:06}s",
                since_nanos / 1_000_000_000,
                since_nanos % 1_000_000_000 / 1_000
            )),
            Cell::new(&format!("{}.{}.{}", place.sequence, place.frame, place.index)),
            Cell::new(&quantity::bytes(u64::from(packet.original_length_bytes))),
            Cell::new(&quantity::bytes(u64::try_from(packet.data.len()).unwrap_or(u64::MAX))),
            Cell::new(packet.comment.unwrap_or_default()),
        ];
        if refused.is_none() {
            refused = table.row(row).err();
        }
    })?;
    if let Some(error) = refused {
        return Err(error.into());
    }
    Ok(table.finish()?)
}
