//! `remora query`: exchanges that match a KFL text.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::cost::Cost;
use super::output::Output;
use super::range::Range;
use super::{Place, coverage, explain, filter};
use crate::dto;
use crate::failure::Failure;
use crate::format::parquet::ParquetFile;
use crate::format::row::Row;
use crate::format::{csv, har, json};
use crate::terminal::Screen;
use crate::terminal::paint::Style;
use crate::terminal::quantity::{self, counted};
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use indexer::Coverage;

const ABOUT: &str = "Find exchanges that match a KFL text

KFL, the filter language, compares the fields of an exchange: `http and response.status == 404`, \
`dns and request.questions[0].name == \"shop\"`, `src.ip == \"10.0.0.5\"`. An empty text matches everything. The \
segments that are still being written are searched as well. The text may say where the answer begins: `rlimit(20)` \
gives the latest 20, `leftOff(\"ID\")` what comes behind this entry, `leftOff(\"latest\")` behind all there is.

The answer goes to stdout; how much of the recording it covers (segments searched and missing, packets lost in the \
range asked for) goes to stderr, and with --format json into the answer itself. Text from the wire is shown with \
control characters escaped.";

const AFTER: &str = "EXAMPLES
  remora query 'http and response.status >= 400' --from -15m
  remora query 'dns' --from 2026-11-21T10:00:00Z --to 2026-11-21T10:05:00Z --order desc --limit 20
  remora query 'http' --format har > shop.har
  remora query 'http' --format jsonl | jq -r .request.url
  remora query '' --from -1d --format parquet -o day.parquet
  remora query 'http and rlimit(20)' --follow
  remora query 'http and leftOff(\"web1-3f9a2c-0000000042.17.203\")'

FORMATS
  table  for people: fits the terminal (default)
  json   one object: {\"entries\": [...], \"coverage\": {...}}; --json means this
  jsonl  one entry on each line
  har    HTTP archive 1.2 of the HTTP exchanges, with bodies; browsers open it
  csv    RFC 4180, with a header line
  parquet
         a row for each exchange, for DuckDB, pandas and the like; the column `entry` has all of it as JSON";

/// Find exchanges that match a KFL text
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Query {
    /// What to find, e.g. 'http and response.status == 404'
    kfl: String,
    #[command(flatten)]
    range: Range,
    /// Most exchanges to give [default: all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// By time: earliest or latest first
    #[arg(long, value_enum, default_value_t = Order::Asc)]
    order: Order,
    /// Go on behind the page that ended with this (coverage gives it as `next`)
    #[arg(long, value_name = "CURSOR", allow_hyphen_values = true)]
    after: Option<String>,
    /// Go on with what comes, until Ctrl-C; the past comes first
    #[arg(long, conflicts_with_all = ["limit", "order", "after"])]
    follow: bool,
    /// Say on stderr what was done to answer (with --format json in the answer)
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    cost: Cost,
    /// How to write the answer
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<Format>,
    /// Give bodies too (json, jsonl and parquet; har always has them)
    #[arg(long)]
    bodies: bool,
    /// The file to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum, Debug)]
enum Order {
    Asc,
    Desc,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
enum Format {
    Table,
    Json,
    Jsonl,
    Har,
    Csv,
    Parquet,
}

impl Query {
    /// Writes the exchanges to stdout and the coverage to stderr.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let query = filter::parse(&self.kfl)?;
        let range = self.range.parse()?;
        let format = self.format.unwrap_or(if place.json { Format::Json } else { Format::Table });
        let options = indexer::QueryOptions {
            range,
            limit: self.limit,
            order: match self.order {
                Order::Asc => indexer::Order::Ascending,
                Order::Desc => indexer::Order::Descending,
            },
            after: None,
            budget: self.cost.budget()?,
        };
        let begin = filter::begin(&query, self.after.as_deref(), self.limit)?;
        crate::directory::require(place.path())?;
        let (output, screen) = open(format, self.output.as_deref())?;
        let data = place.open()?;
        let begun = match begin {
            Some(begin) => data.beginning(&query, options, begin)?,
            None => ControlFlow::Continue(options),
        };
        let mut answer = Answer::begin(format, BufWriter::new(output), screen)?;
        let mut refused = None;
        let with_bodies = self.bodies || format == Format::Har;
        let follow = self.follow;
        let mut take = |row: Value| {
            let wanted = with_bodies && (format != Format::Har || har::is_http(&row));
            let entry = if wanted { in_full(&data, &query, row) } else { Ok(row) };
            let written = entry.and_then(|entry| {
                answer.entry(&entry)?;
                if follow { answer.flush() } else { Ok(()) }.map_err(Failure::from)
            });
            match written {
                Ok(()) => ControlFlow::Continue(()),
                Err(failure) => {
                    refused = Some(failure);
                    ControlFlow::Break(())
                }
            }
        };
        let coverage = match begun {
            // What the question may cost was spent on finding where the answer begins.
            ControlFlow::Break(coverage) => coverage,
            ControlFlow::Continue(options) if follow => data.follow(&query, &options, &mut take)?,
            ControlFlow::Continue(options) => data.query(&query, options, &mut take)?,
        };
        if let Some(failure) = refused {
            return Err(failure);
        }
        let left_out = answer.end(&coverage, self.explain)?;
        let mut found = counted(coverage.entries, "exchange");
        if left_out > 0 {
            found = format!("{found} ({left_out} not HTTP, left out of the archive)");
        }
        coverage::tell(&found, &coverage);
        if self.explain && format != Format::Json {
            explain::tell(&coverage);
        }
        Ok(())
    }
}

/// The entry with its bodies, which are dissected again from the segment, and without what the query redacts.
fn in_full(data: &indexer::Data, query: &kfl::Query, row: Value) -> Result<Value, Failure> {
    let id = row["id"].as_str().filter(|id| *id != kfl::REDACTED);
    let mut whole = id.map(|id| data.entry(id)).transpose()?.flatten();
    if let Some(whole) = &mut whole {
        query.redact(whole);
    }
    // An open segment may be sealed and expired in between: then the row is what there is.
    Ok(whole.unwrap_or(row))
}

/// Where the answer goes, and how it may look there.
fn open(format: Format, path: Option<&Path>) -> Result<(Output, Screen), Failure> {
    match path.filter(|path| *path != Path::new("-")) {
        Some(path) => Ok((Output::create(path)?, Screen::PLAIN)),
        None if format == Format::Parquet => Ok((Output::open(Path::new("-"))?, Screen::PLAIN)),
        None => Ok((Output::Stdout(io::stdout()), Screen::of_stdout())),
    }
}

/// An answer on its way out, in one of the formats.
enum Answer<W: Write + Send> {
    Table(Table<W>),
    Json { out: W, first: bool },
    Jsonl { out: W },
    Har { out: W, first: bool, left_out: u64 },
    Csv { out: W },
    Parquet(Box<ParquetFile<W>>),
}

const COLUMNS: &[Column] = &[
    Column { title: "time", fit: Fit::KeepEnd(13), align: Align::Left },
    Column { title: "proto", fit: Fit::Whole(Some(0)), align: Align::Left },
    Column { title: "source", fit: Fit::CutEnd(15, Some(2)), align: Align::Left },
    Column { title: "destination", fit: Fit::CutEnd(15, Some(1)), align: Align::Left },
    Column { title: "summary", fit: Fit::CutEnd(12, None), align: Align::Left },
    Column { title: "status", fit: Fit::CutEnd(4, None), align: Align::Left },
    Column { title: "elapsed", fit: Fit::Whole(Some(3)), align: Align::Right },
    Column { title: "asked", fit: Fit::Whole(Some(5)), align: Align::Right },
    Column { title: "answered", fit: Fit::Whole(Some(4)), align: Align::Right },
    Column { title: "id", fit: Fit::Whole(None), align: Align::Left },
];

impl<W: Write + Send> Answer<W> {
    fn begin(format: Format, mut out: W, screen: Screen) -> io::Result<Self> {
        Ok(match format {
            Format::Table => Self::Table(Table::new(out, screen, COLUMNS)),
            Format::Json => {
                out.write_all(b"{\"entries\":[")?;
                Self::Json { out, first: true }
            }
            Format::Jsonl => Self::Jsonl { out },
            Format::Har => {
                out.write_all(har::head().as_bytes())?;
                Self::Har { out, first: true, left_out: 0 }
            }
            Format::Csv => {
                out.write_all(csv::HEADER.as_bytes())?;
                Self::Csv { out }
            }
            Format::Parquet => Self::Parquet(Box::new(ParquetFile::begin(out)?)),
        })
    }

    fn entry(&mut self, entry: &Value) -> io::Result<()> {
        match self {
            Self::Table(table) => table.row(cells(&Row::of(entry))),
            Self::Json { out, first } => element(out, first, entry),
            Self::Jsonl { out } => json::write_line(out, entry),
            Self::Har { out, first, left_out } => match har::entry(entry) {
                Some(archived) => element(out, first, &archived),
                None => {
                    *left_out += 1;
                    Ok(())
                }
            },
            Self::Csv { out } => csv::write(out, entry),
            Self::Parquet(file) => file.entry(entry),
        }
    }

    /// Gives what was written so far to whoever waits for it.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            // A table is as wide as its first rows say.
            Self::Table(table) => table.flush(),
            Self::Json { out, .. } | Self::Jsonl { out } | Self::Har { out, .. } | Self::Csv { out } => {
                out.flush()
            }
            // Its rows are written in groups.
            Self::Parquet(_) => Ok(()),
        }
    }

    /// Ends the answer; gives the number of entries that the format has no place for.
    fn end(self, coverage: &Coverage, with_plan: bool) -> io::Result<u64> {
        match self {
            Self::Table(table) => table.finish().map(|()| 0),
            Self::Json { mut out, .. } => {
                out.write_all(b"\n],\"coverage\":")?;
                json::write_compact(&mut out, &dto::coverage(coverage))?;
                if with_plan {
                    out.write_all(b",\"plan\":")?;
                    json::write_compact(&mut out, &explain::json(&coverage.plan))?;
                }
                out.write_all(b"}\n")?;
                out.flush().map(|()| 0)
            }
            Self::Har { mut out, left_out, .. } => {
                out.write_all(har::TAIL.as_bytes())?;
                out.flush().map(|()| left_out)
            }
            Self::Jsonl { mut out } | Self::Csv { mut out } => out.flush().map(|()| 0),
            Self::Parquet(file) => file.end().map(|()| 0),
        }
    }
}

/// Each element on its own line: a file of a million entries is still one that tools can page through.
fn element(out: &mut impl Write, first: &mut bool, value: &Value) -> io::Result<()> {
    out.write_all(if *first { b"\n" } else { b",\n" })?;
    *first = false;
    json::write_compact(out, value)
}

fn cells(row: &Row<'_>) -> Vec<Cell> {
    let size = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), quantity::bytes);
    vec![
        Cell::styled(&row.short_time(), Style::Faint),
        Cell::new(row.protocol),
        Cell::new(&row.source.label()),
        Cell::new(&row.destination.label()),
        Cell::new(&row.summary),
        Cell::styled(&row.status.text, row.status.style),
        Cell::new(&row.elapsed_ms.map_or_else(|| "-".to_owned(), quantity::millis)),
        Cell::new(&size(row.request_bytes)),
        Cell::new(&size(row.response_bytes)),
        Cell::styled(row.id, Style::Faint),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(format: Format, entries: &[Value]) -> (String, u64) {
        let mut out = Vec::new();
        let mut answer = Answer::begin(format, &mut out, Screen::PLAIN).unwrap();
        for entry in entries {
            answer.entry(entry).unwrap();
        }
        let left_out = answer.end(&Coverage::default(), false).unwrap();
        (String::from_utf8(out).unwrap(), left_out)
    }

    fn entries() -> Vec<Value> {
        vec![
            json!({ "id": "a.1.2", "startTime": "2023-03-13T02:37:46.172Z", "elapsedTime": 23,
                    "protocol": { "name": "http", "abbr": "HTTP" },
                    "src": { "ip": "10.0.0.5", "port": "40000" }, "dst": { "ip": "10.0.0.9", "port": "80" },
                    "request": { "method": "GET", "url": "/x" }, "response": { "status": 404 },
                    "requestSize": 184, "responseSize": 1270 }),
            json!({ "id": "a.1.3", "startTime": "2023-03-13T02:37:47Z", "error": { "type": "pair-not-found" }, "protocol": { "name": "dns", "abbr": "DNS" },
                    "src": { "ip": "10.0.0.5", "port": "5353" }, "dst": { "ip": "10.0.0.1", "port": "53" },
                    "request": { "questions": [{ "name": "shop", "type": "AAAA" }] }, "requestSize": 22 }),
        ]
    }

    #[test]
    fn a_table_has_a_line_for_each_exchange() {
        assert_eq!(
            render(Format::Table, &entries()).0,
            "\
time                      proto  source          destination  summary    status     elapsed  asked  answered  id
2023-03-13 02:37:46.172Z  HTTP   10.0.0.5:40000  10.0.0.9:80  GET /x     404           23ms  184 B    1.3 kB  a.1.2
2023-03-13 02:37:47.000Z  DNS    10.0.0.5:5353   10.0.0.1:53  shop AAAA  no answer        -   22 B         -  a.1.3
"
        );
    }

    #[test]
    fn json_is_one_object_and_jsonl_one_a_line() {
        let whole: Value = serde_json::from_str(&render(Format::Json, &entries()).0).unwrap();
        assert_eq!(whole["entries"], json!(entries()));
        assert_eq!(whole["coverage"]["segmentsSearched"], 0);
        let empty: Value = serde_json::from_str(&render(Format::Json, &[]).0).unwrap();
        assert_eq!(empty["entries"], json!([]));
        assert_eq!(render(Format::Jsonl, &entries()).0.lines().count(), 2);
    }

    #[test]
    fn an_archive_leaves_out_what_is_not_http_and_counts_it() {
        let (text, left_out) = render(Format::Har, &entries());
        let archive: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(archive["log"]["entries"].as_array().unwrap().len(), 1);
        assert_eq!(left_out, 1);
        assert_eq!(render(Format::Csv, &entries()).0.lines().count(), 3);
    }
}
