//! `remora endpoints`: what was asked of whom, how often, how fast and with which success.

use std::cmp::Reverse;
use std::io::{self, Write};

use clap::{Args, ValueEnum};

use super::filter;
use super::range::Range;
use super::{Place, coverage, stdout};
use crate::dto::totals;
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::Screen;
use crate::terminal::paint::Style;
use crate::terminal::quantity::{bytes, count, counted, micros, percent};
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use indexer::{EndpointTotals, Scope, Tally};

const ABOUT: &str = "Show endpoints with their rates, errors and latencies

An endpoint is what can be asked of someone: destination, protocol, method and path or statement, with ids and values \
taken out (`/carts/{id}`, `SELECT … WHERE id = {id}`). Errors are exchanges at which the server failed (HTTP 5xx, error \
answers of other protocols); client errors are HTTP 4xx; latencies run from the first byte of the request to the last of \
the response and are told within 0.8 %, the greatest exactly. The rate is per second of the range asked for, as far as \
something was recorded in it.";

const AFTER: &str = "EXAMPLES
  remora endpoints
  remora endpoints 'dst.name == \"shop\"' --from -1h --sort p95
  remora endpoints http --sort errors --limit 10
  remora endpoints --json | jq '.endpoints[] | select(.latency.p99 > 1000000)'";

/// Show endpoints with their rates, errors and latencies
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Endpoints {
    /// Which exchanges count [default: all]
    #[arg(default_value = "", hide_default_value = true)]
    kfl: String,
    #[command(flatten)]
    range: Range,
    /// What comes first: the greatest of this, or names in order
    #[arg(long, value_enum, default_value_t = Sort::Count)]
    sort: Sort,
    /// Most endpoints to show [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum, Debug)]
enum Sort {
    Count,
    Errors,
    ErrorRate,
    ClientErrors,
    Unanswered,
    P50,
    P90,
    P95,
    P99,
    Max,
    Bytes,
    Name,
}

impl Sort {
    /// What the greatest of comes first.
    fn key(self, tally: &Tally) -> u64 {
        let quantile = |share| tally.latencies.quantile_us(share).unwrap_or(0);
        match self {
            Self::Count => tally.count,
            Self::Errors => tally.errors,
            Self::ErrorRate => tally.errors.saturating_mul(1_000_000) / tally.count.max(1),
            Self::ClientErrors => tally.client_errors,
            Self::Unanswered => tally.unanswered,
            Self::P50 => quantile(0.5),
            Self::P90 => quantile(0.9),
            Self::P95 => quantile(0.95),
            Self::P99 => quantile(0.99),
            Self::Max => tally.latencies.max_us().unwrap_or(0),
            Self::Bytes => tally.request_bytes.saturating_add(tally.response_bytes),
            Self::Name => 0,
        }
    }
}

const COLUMNS: &[Column] = &[
    Column { title: "destination", fit: Fit::CutEnd(12, None), align: Align::Left },
    Column { title: "proto", fit: Fit::Whole(Some(2)), align: Align::Left },
    Column { title: "method", fit: Fit::CutEnd(6, None), align: Align::Left },
    Column { title: "endpoint", fit: Fit::CutEnd(12, None), align: Align::Left },
    Column { title: "count", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "rate/s", fit: Fit::Whole(Some(6)), align: Align::Right },
    Column { title: "errors", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "error %", fit: Fit::Whole(Some(5)), align: Align::Right },
    Column { title: "client err.", fit: Fit::Whole(Some(7)), align: Align::Right },
    Column { title: "unanswered", fit: Fit::Whole(Some(8)), align: Align::Right },
    Column { title: "p50", fit: Fit::Whole(Some(3)), align: Align::Right },
    Column { title: "p90", fit: Fit::Whole(Some(10)), align: Align::Right },
    Column { title: "p95", fit: Fit::Whole(Some(1)), align: Align::Right },
    Column { title: "p99", fit: Fit::Whole(Some(9)), align: Align::Right },
    Column { title: "max", fit: Fit::Whole(Some(11)), align: Align::Right },
    Column { title: "bytes", fit: Fit::Whole(Some(12)), align: Align::Right },
];

impl Endpoints {
    /// Writes the endpoints to stdout and the coverage to stderr.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let query = filter::parse_counted(&self.kfl)?;
        let scope = Scope { range: self.range.parse()?, ..Scope::default() };
        let mut totals = place.open()?.endpoints(&query, &scope)?;
        // Stable: what is equal stays in order of names.
        totals.endpoints.sort_by_key(|(_, tally)| Reverse(self.sort.key(tally)));
        let all = totals.endpoints.len() as u64;
        totals.endpoints.truncate(self.limit.unwrap_or(usize::MAX));
        let mut out = stdout();
        if place.json {
            json::write_line(&mut out, &totals::endpoints(&totals))?;
        } else {
            table(&mut out, Screen::of_stdout(), &totals)?;
        }
        out.flush()?;
        coverage::tell(&counted(all, "endpoint"), &totals.coverage);
        Ok(())
    }
}

fn table(out: &mut impl Write, screen: Screen, totals: &EndpointTotals) -> io::Result<()> {
    let mut table = Table::new(out, screen, COLUMNS);
    for (endpoint, tally) in &totals.endpoints {
        let names = [&endpoint.destination, &endpoint.protocol, &endpoint.method, &endpoint.template];
        table.row(cells(names.map(String::as_str), tally, totals.rate(tally.count)))?;
    }
    if let Some(others) = &totals.others {
        table.row(cells(["(all others)", "", "", ""], others, totals.rate(others.count)))?;
    }
    table.finish()
}

fn cells(names: [&str; 4], tally: &Tally, rate: Option<f64>) -> Vec<Cell> {
    let quantile = |share| tally.latencies.quantile_us(share).map_or_else(|| "-".to_owned(), micros);
    let bad =
        |number: u64, style| Cell::styled(&count(number), if number > 0 { style } else { Style::Faint });
    let mut cells: Vec<Cell> = names.into_iter().map(Cell::new).collect();
    cells.extend([
        Cell::new(&count(tally.count)),
        Cell::new(&rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.2}"))),
        bad(tally.errors, Style::Bad),
        Cell::new(&percent(tally.errors, tally.count)),
        bad(tally.client_errors, Style::Notice),
        bad(tally.unanswered, Style::Notice),
        Cell::new(&quantile(0.5)),
        Cell::new(&quantile(0.9)),
        Cell::new(&quantile(0.95)),
        Cell::new(&quantile(0.99)),
        Cell::new(&tally.latencies.max_us().map_or_else(|| "-".to_owned(), micros)),
        Cell::new(&bytes(tally.request_bytes.saturating_add(tally.response_bytes))),
    ]);
    cells
}

#[cfg(test)]
mod tests {
    use segment::{TimeRange, Timestamp};

    use super::*;
    use indexer::{Coverage, Endpoint, Latencies};

    #[test]
    fn an_endpoint_takes_a_line() {
        let mut latencies = Latencies::default();
        (1..=100).for_each(|millis| latencies.add(millis * 1_000));
        let slow = Tally {
            count: 120,
            errors: 3,
            client_errors: 1,
            request_bytes: 4_000,
            response_bytes: 50_000,
            latencies,
            ..Tally::default()
        };
        let endpoint = |method: &str, template: &str| Endpoint {
            destination: "shop".to_owned(),
            protocol: "HTTP".to_owned(),
            method: method.to_owned(),
            template: template.to_owned(),
        };
        let quick = Tally { count: 1, unanswered: 1, ..Tally::default() };
        let totals = EndpointTotals {
            endpoints: vec![(endpoint("GET", "/carts/{id}"), slow), (endpoint("POST", "/orders"), quick)],
            others: Some(Tally::default()),
            window: TimeRange::new(Timestamp::from_nanos(0), Timestamp::from_nanos(60_000_000_000)),
            coverage: Coverage::default(),
        };
        let mut out = Vec::new();
        table(&mut out, Screen::PLAIN, &totals).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
destination   proto  method  endpoint     count  rate/s  errors  error %  client err.  unanswered   p50   p90   p95   p99    max  bytes
shop          HTTP   GET     /carts/{id}    120    2.00       3     2.5%            1           0  49ms  89ms  94ms  98ms  100ms  54 kB
shop          HTTP   POST    /orders          1    0.02       0       0%            0           1     -     -     -     -      -    0 B
(all others)                                  0    0.00       0        -            0           0     -     -     -     -      -    0 B
"
        );
    }
}
