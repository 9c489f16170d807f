//! `remora map`: who spoke with whom.

use std::cmp::Reverse;
use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::filter;
use super::range::Range;
use super::{Place, coverage, stdout};
use crate::dto::totals;
use crate::failure::Failure;
use crate::format::{graph, json};
use crate::terminal::Screen;
use crate::terminal::paint::Style;
use crate::terminal::quantity::{bytes, count, counted, micros};
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use indexer::{Edge, Scope, ServiceMap, Tally};

const ABOUT: &str = "Show who spoke with whom

Each line is one source, destination and protocol, with its exchanges, errors and latencies, its flows (whole connections), \
and the bytes both ways. Exchanges and the flows they were part of are told apart, because the bytes of a flow hold those \
of its exchanges. An end is called by the name it had at that time, else by its address.

`--format dot` is for Graphviz, `--format mermaid` for Markdown.";

const AFTER: &str = "EXAMPLES
  remora map --from -1h
  remora map 'dst.name == \"shop\"'
  remora map http --format dot | dot -Tsvg > map.svg
  remora map --format mermaid
  remora map --json | jq '.nodes[].name'";

/// Show who spoke with whom
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Map {
    /// Which entries count [default: all]
    #[arg(default_value = "", hide_default_value = true)]
    kfl: String,
    #[command(flatten)]
    range: Range,
    /// How to write the answer
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Format {
    Table,
    Json,
    Dot,
    Mermaid,
}

const COLUMNS: &[Column] = &[
    Column { title: "source", fit: Fit::CutEnd(12, None), align: Align::Left },
    Column { title: "destination", fit: Fit::CutEnd(12, None), align: Align::Left },
    Column { title: "proto", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "exchanges", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "errors", fit: Fit::Whole(Some(1)), align: Align::Right },
    Column { title: "client err.", fit: Fit::Whole(Some(6)), align: Align::Right },
    Column { title: "unanswered", fit: Fit::Whole(Some(7)), align: Align::Right },
    Column { title: "p50", fit: Fit::Whole(Some(4)), align: Align::Right },
    Column { title: "p95", fit: Fit::Whole(Some(2)), align: Align::Right },
    Column { title: "p99", fit: Fit::Whole(Some(8)), align: Align::Right },
    Column { title: "flows", fit: Fit::Whole(Some(3)), align: Align::Right },
    Column { title: "asked", fit: Fit::Whole(Some(9)), align: Align::Right },
    Column { title: "answered", fit: Fit::Whole(Some(5)), align: Align::Right },
];

impl Map {
    /// Writes the map to stdout and the coverage to stderr.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let query = filter::parse_counted(&self.kfl)?;
        let scope = Scope { range: self.range.parse()?, ..Scope::default() };
        let format = self.format.unwrap_or(if place.json { Format::Json } else { Format::Table });
        let mut map = place.open()?.service_map(&query, &scope)?;
        let mut out = stdout();
        match format {
            Format::Json => json::write_line(&mut out, &totals::service_map(&map))?,
            Format::Dot => out.write_all(graph::dot(&map).as_bytes())?,
            Format::Mermaid => out.write_all(graph::mermaid(&map).as_bytes())?,
            Format::Table => {
                // Stable: what is equal stays in order of names.
                map.edges.sort_by_key(|(_, tally)| Reverse(tally.count.saturating_add(tally.flows)));
                table(&mut out, Screen::of_stdout(), &map)?;
            }
        }
        out.flush()?;
        let ends = map.nodes.len() as u64;
        let found = format!("{} between {}", counted(map.edges.len() as u64, "edge"), counted(ends, "end"));
        coverage::tell(&found, &map.coverage);
        Ok(())
    }
}

fn table(out: &mut impl Write, screen: Screen, map: &ServiceMap) -> io::Result<()> {
    let mut table = Table::new(out, screen, COLUMNS);
    for (Edge { source, destination, protocol }, tally) in &map.edges {
        table.row(cells([source, destination, protocol], tally))?;
    }
    if let Some(others) = &map.others {
        table.row(cells(["(all others)", "", ""], others))?;
    }
    table.finish()
}

fn cells(names: [&str; 3], tally: &Tally) -> Vec<Cell> {
    let quantile = |share| tally.latencies.quantile_us(share).map_or_else(|| "-".to_owned(), micros);
    let bad =
        |number: u64, style| Cell::styled(&count(number), if number > 0 { style } else { Style::Faint });
    let mut cells: Vec<Cell> = names.into_iter().map(Cell::new).collect();
    cells.extend([
        Cell::new(&count(tally.count)),
        bad(tally.errors, Style::Bad),
        bad(tally.client_errors, Style::Notice),
        bad(tally.unanswered, Style::Notice),
        Cell::new(&quantile(0.5)),
        Cell::new(&quantile(0.95)),
        Cell::new(&quantile(0.99)),
        Cell::new(&count(tally.flows)),
        Cell::new(&bytes(tally.request_bytes.saturating_add(tally.flow_request_bytes))),
        Cell::new(&bytes(tally.response_bytes.saturating_add(tally.flow_response_bytes))),
    ]);
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use indexer::Coverage;

    #[test]
    fn an_edge_takes_a_line() {
        let edge = |protocol: &str| Edge {
            source: "front".to_owned(),
            destination: "10.0.0.2".to_owned(),
            protocol: protocol.to_owned(),
        };
        let exchanges = Tally { count: 7, errors: 2, response_bytes: 1_500, ..Tally::default() };
        let flows = Tally { flows: 3, flow_request_bytes: 900, ..Tally::default() };
        let map = ServiceMap {
            edges: vec![(edge("HTTP"), exchanges), (edge("TCP"), flows)],
            nodes: Vec::new(),
            others: None,
            coverage: Coverage::default(),
        };
        let mut out = Vec::new();
        table(&mut out, Screen::PLAIN, &map).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
source  destination  proto  exchanges  errors  client err.  unanswered  p50  p95  p99  flows  asked  answered
front   10.0.0.2     HTTP           7       2            0           0    -    -    -      0    0 B    1.5 kB
front   10.0.0.2     TCP            0       0            0           0    -    -    -      3  900 B       0 B
"
        );
    }
}
