//! Files to take away, of any size: they are written while they are read.

use std::io::{self, BufWriter, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use indexer::{Budget, Cancel, Data, ExportFilter, QueryOptions};
use segment::TimeRange;
use serde::Deserialize;
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::format::parquet::ParquetFile;
use crate::format::{csv, har, json};
use crate::http::app::App;
use crate::http::asked::{self, Asked};
use crate::http::feed::{Feed, feed};
use crate::http::metrics::Counted;
use crate::http::pool::{CancelOnDrop, MEMORY_BYTES_MAX};
use crate::http::problem::{Kind, Problem};
use crate::instant;

/// Bytes that leave together.
const PART_BYTES: usize = 64 << 10;

/// What is taken away.
#[derive(Deserialize, IntoParams, Debug)]
#[into_params(parameter_in = Query)]
pub struct Export {
    /// As what.
    #[param(inline)]
    format: Format,
    /// What, in KFL. Empty: everything.
    #[serde(default)]
    q: String,
    /// First instant inside.
    from: Option<String>,
    /// First instant no longer inside.
    to: Option<String>,
    /// Whether entries have their bodies (JSON lines and Parquet; HAR always has them).
    #[serde(default)]
    bodies: bool,
}

/// A kind of file.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Packets, for Wireshark and the like.
    Pcapng,
    /// HTTP exchanges, for browsers.
    Har,
    /// An entry on each line.
    Jsonl,
    /// The columns of a list.
    Csv,
    /// A row for each entry, for DuckDB and the like.
    Parquet,
}

impl Format {
    const fn extension(self) -> &'static str {
        match self {
            Self::Pcapng => "pcapng",
            Self::Har => "har",
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Pcapng => "application/x-pcapng",
            Self::Har => "application/json",
            Self::Jsonl => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// A file to take away, of any size.
///
/// It is written while it is read: what fails on the way breaks the transfer off. Entries have the earliest first.
#[utoipa::path(get, path = "/export", tag = "Entries", params(Export), responses((status = 200, description = "The file", content(
    (Vec<u8> = "application/x-pcapng"), (Object = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
    (Vec<u8> = "application/vnd.apache.parquet")))))]
pub async fn export(State(app): State<Arc<App>>, Asked(asked): Asked<Export>) -> Result<Response, Problem> {
    let now = instant::now();
    let query = app.filter(&asked.q, now)?;
    let range = asked::range(["from", "to"], asked.from.as_deref(), asked.to.as_deref(), now)?;
    let format = asked.format;
    if format == Format::Pcapng && (query.redacts() || query.limit().is_some()) {
        let why = "redact() and limit() can't be used here: an export holds the packets as they were seen";
        return Err(Problem::new(Kind::Filter, why));
    }
    if format == Format::Pcapng {
        app.shows_packets()?;
    }
    let seat = app.exports.place().await?;
    let guard = CancelOnDrop(Cancel::default());
    let cancel = guard.0.clone();
    let (feed, body) = feed(guard);
    let name = format!("remora-{}.{}", now.nanos(), format.extension());
    tokio::task::spawn_blocking(move || {
        let (_seat, _counted) = (seat, Counted::of(&app.metrics.exports));
        let budget =
            Budget { time_max: None, read_bytes_max: None, memory_bytes_max: MEMORY_BYTES_MAX, cancel };
        let asked = Wanted { query, range, budget, with_bodies: asked.bodies || format == Format::Har };
        let mut out = BufWriter::with_capacity(PART_BYTES, feed);
        let written = match format {
            Format::Pcapng => packets(&app.data, asked, &mut out),
            _ => entries(&app, &asked, format, &mut out),
        };
        let (feed, rest) = out.into_parts();
        match written {
            Ok(()) => drop(feed.give(rest.unwrap_or_default().into())),
            // The head has left: whoever reads learns by the body's breaking off.
            Err(problem) => feed.break_off(&problem.detail),
        }
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(format.media_type())),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            CONTENT_DISPOSITION,
            HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
                .unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    Ok((headers, Body::new(body)).into_response())
}

struct Wanted {
    query: kfl::Query,
    range: TimeRange,
    budget: Budget,
    with_bodies: bool,
}

fn packets(data: &Data, wanted: Wanted, out: &mut BufWriter<Feed>) -> Result<(), Problem> {
    let is_all = wanted.query.text().trim().is_empty();
    let filter = if is_all { ExportFilter::All } else { ExportFilter::Kfl(Box::new(wanted.query)) };
    let summary = data.export_within(wanted.range, filter, &wanted.budget, out)?;
    match summary.coverage.stopped {
        Some(stop) => Err(Problem::request(format!("the export was cut {}", stop.reason()))),
        None => Ok(()),
    }
}

fn entries(app: &App, wanted: &Wanted, format: Format, out: &mut BufWriter<Feed>) -> Result<(), Problem> {
    let (data, policy) = (&app.data, &app.config.policy);
    let mut file = File::begin(format, out)?;
    let options = QueryOptions {
        range: wanted.range,
        order: indexer::Order::Ascending,
        budget: wanted.budget.clone(),
        ..QueryOptions::default()
    };
    let mut refused = None;
    let coverage = data.query(&wanted.query, options, &mut |row| {
        let is_wanted = wanted.with_bodies && (format != Format::Har || har::is_http(&row));
        let entry = if is_wanted { in_full(data, &wanted.query, row) } else { Ok(row) };
        let written = entry.and_then(|mut entry| {
            policy.apply(&mut entry);
            Ok(file.entry(&entry)?)
        });
        match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(problem) => {
                refused = Some(problem);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(problem) = refused {
        return Err(problem);
    }
    match coverage.stopped {
        Some(
            stop @ (indexer::Stop::Time
            | indexer::Stop::Read
            | indexer::Stop::Memory
            | indexer::Stop::Cancelled),
        ) => Err(Problem::request(format!("the export was cut {}", stop.reason()))),
        // A limit in the filter is what was asked for.
        Some(indexer::Stop::Limit | indexer::Stop::Taker) | None => Ok(file.end()?),
    }
}

/// The entry with its bodies, and without what the query redacts.
fn in_full(data: &Data, query: &kfl::Query, row: Value) -> Result<Value, Problem> {
    let id = row["id"].as_str().filter(|id| *id != kfl::REDACTED);
    let mut whole = id.map(|id| data.entry(id)).transpose()?.flatten();
    if let Some(whole) = &mut whole {
        query.redact(whole);
    }
    // An open segment may be sealed and expired in between: then the row is what there is.
    Ok(whole.unwrap_or(row))
}

/// A file of entries on its way.
enum File<W: Write + Send> {
    Har { out: W, is_first: bool },
    Jsonl(W),
    Csv(W),
    Parquet(Box<ParquetFile<W>>),
}

impl<W: Write + Send> File<W> {
    fn begin(format: Format, mut out: W) -> io::Result<Self> {
        Ok(match format {
            Format::Har => {
                out.write_all(har::head().as_bytes())?;
                Self::Har { out, is_first: true }
            }
            Format::Csv => {
                out.write_all(csv::HEADER.as_bytes())?;
                Self::Csv(out)
            }
            Format::Parquet => Self::Parquet(Box::new(ParquetFile::begin(out)?)),
            Format::Jsonl | Format::Pcapng => Self::Jsonl(out),
        })
    }

    fn entry(&mut self, entry: &Value) -> io::Result<()> {
        match self {
            Self::Har { out, is_first } => {
                let Some(archived) = har::entry(entry) else { return Ok(()) };
                out.write_all(if *is_first { b"\n" } else { b",\n" })?;
                *is_first = false;
                json::write_compact(out, &archived)
            }
            Self::Jsonl(out) => json::write_line(out, entry),
            Self::Csv(out) => csv::write(out, entry),
            Self::Parquet(file) => file.entry(entry),
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::Har { mut out, .. } => out.write_all(har::TAIL.as_bytes()),
            Self::Jsonl(_) | Self::Csv(_) => Ok(()),
            Self::Parquet(file) => file.end(),
        }
    }
}
