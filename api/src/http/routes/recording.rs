//! What there is: segments, what they cover, figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use serde_json::{Value, json};

use crate::dto;
use crate::http::answer::Answer;
use crate::http::app::{App, Duty};
use crate::http::problem::Problem;
use crate::instant::{self, rfc3339};
use segment::{Loss, SegmentId, TimeRange, Timestamp};
use store::{State as Stands, Summary};

/// A recorder that said nothing for so long is not running: it speaks once a second.
const SILENCE_NS_MAX: i64 = 5_000_000_000;

/// `GET /segments`.
pub async fn segments(State(app): State<Arc<App>>) -> Result<Answer, Problem> {
    let listed = app.ask(|data, _| {
        let (segments, unreadable) = data.segments()?;
        let list: Vec<Value> =
            segments.iter().map(|segment| dto::segment(segment, data.entries_of(&segment.id))).collect();
        let unreadable: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
        Ok(json!({ "segments": list, "unreadable": unreadable }))
    });
    Ok(Answer::of(&listed.await?))
}

/// `GET /stats`.
pub async fn stats(State(app): State<Arc<App>>) -> Result<Answer, Problem> {
    let of = Arc::clone(&app);
    let figures = app.ask(move |data, _| {
        let recorder = of.recorder_status();
        let mut figures = dto::stats(&data.stats()?, &recorder);
        let (segments, _) = data.segments()?;
        let waiting: Vec<&Summary> =
            segments.iter().filter(|segment| segment.state == Stands::Sealed).collect();
        let oldest = waiting.iter().filter_map(|segment| segment.range).map(TimeRange::start).min();
        figures["version"] = env!("CARGO_PKG_VERSION").into();
        figures["now"] = rfc3339(instant::now()).into();
        figures["dataDir"] = disk(&of);
        figures["indexLag"] = json!({ "segmentsWaiting": waiting.len(), "oldest": oldest.map(rfc3339) });
        figures["recording"] = is_recording(&recorder, instant::now()).into();
        figures["indexing"] = (of.duty != Duty::Answers).into();
        Ok(figures)
    });
    Ok(Answer::of(&figures.await?))
}

/// The disk that the data directory lies on; null where the system doesn't tell.
fn disk(app: &App) -> Value {
    let path = app.directory.display().to_string();
    match rustix::fs::statvfs(&app.directory) {
        Ok(disk) => json!({
            "path": path,
            "freeBytes": disk.f_bavail.saturating_mul(disk.f_frsize),
            "totalBytes": disk.f_blocks.saturating_mul(disk.f_frsize),
        }),
        Err(_) => json!({ "path": path, "freeBytes": null, "totalBytes": null }),
    }
}

fn is_recording(status: &Value, now: Timestamp) -> bool {
    let at = status["at"].as_str().and_then(|at| at.parse().ok()).map(Timestamp::from_nanos);
    !status["worker_pid"].is_null() && at.is_some_and(|at| now.since(at) < SILENCE_NS_MAX)
}

/// `GET /coverage`.
pub async fn coverage(State(app): State<Arc<App>>) -> Result<Answer, Problem> {
    let covered = app.ask(|data, _| Ok(covered(&data.segments()?.0)));
    Ok(Answer::of(&covered.await?))
}

/// What was recorded by whom, and what is missing.
fn covered(segments: &[Summary]) -> Value {
    let mut nodes: BTreeMap<&str, Node> = BTreeMap::new();
    // They come in order of chain and sequence.
    let mut previous: Option<&Summary> = None;
    for segment in segments {
        let before = previous.replace(segment).filter(|before| before.id.chain == segment.id.chain);
        nodes.entry(name_of(segment)).or_default().take(segment, before);
    }
    let all = segments.iter().filter_map(|segment| segment.range).reduce(TimeRange::union);
    json!({
        "from": all.map(TimeRange::start).map(rfc3339),
        "to": all.map(TimeRange::end).map(rfc3339),
        "nodes": nodes.into_iter().map(|(name, node)| node.json(name)).collect::<Vec<_>>(),
    })
}

/// The machine; of one whose first segment is still open, what its chain is called after.
fn name_of(segment: &Summary) -> &str {
    match segment.node.as_str() {
        "" => segment.id.chain.as_str().rsplit_once('-').map_or(segment.id.chain.as_str(), |(name, _)| name),
        node => node,
    }
}

/// What one machine recorded.
#[derive(Default)]
struct Node<'s> {
    ranges: Vec<Stretch<'s>>,
    holes: Vec<Value>,
    losses: Vec<&'s Loss>,
}

/// Segments of a chain that follow each other.
struct Stretch<'s> {
    last: &'s SegmentId,
    range: Option<TimeRange>,
    packets: u64,
    bytes: u64,
    segments: u64,
    is_open: bool,
}

/// Numbers of missing segments that are named of a hole.
const MISSING_NAMED_MAX: u64 = 100;

impl<'s> Node<'s> {
    fn take(&mut self, segment: &'s Summary, before: Option<&Summary>) {
        self.losses.extend(&segment.losses);
        let missing = before
            .map_or(0, |before| segment.id.sequence.saturating_sub(before.id.sequence).saturating_sub(1));
        if let Some(before) = before.filter(|_| missing > 0) {
            let first = before.id.sequence.saturating_add(1);
            let named: Vec<u64> = (first..segment.id.sequence).take(MISSING_NAMED_MAX as usize).collect();
            self.holes.push(json!({
                "chain": segment.id.chain.as_str(),
                "from": before.range.map(TimeRange::end).map(rfc3339),
                "to": segment.range.map(TimeRange::start).map(rfc3339),
                "missing": named,
                "missingCount": missing,
            }));
        }
        let is_open = segment.state == Stands::Open;
        match self.ranges.last_mut() {
            Some(stretch) if segment.id.before().as_ref() == Some(stretch.last) => {
                stretch.last = &segment.id;
                stretch.range = [stretch.range, segment.range].into_iter().flatten().reduce(TimeRange::union);
                stretch.packets = stretch.packets.saturating_add(segment.packets);
                stretch.bytes = stretch.bytes.saturating_add(segment.bytes);
                stretch.segments += 1;
                stretch.is_open = is_open;
            }
            _ => self.ranges.push(Stretch {
                last: &segment.id,
                range: segment.range,
                packets: segment.packets,
                bytes: segment.bytes,
                segments: 1,
                is_open,
            }),
        }
    }

    fn json(self, name: &str) -> Value {
        let ranges = self.ranges.into_iter().map(|stretch| {
            json!({
                "chain": stretch.last.chain.as_str(),
                "from": stretch.range.map(TimeRange::start).map(rfc3339),
                "to": stretch.range.map(TimeRange::end).map(rfc3339),
                "packets": stretch.packets,
                "bytes": stretch.bytes,
                "segments": stretch.segments,
                "open": stretch.is_open,
            })
        });
        json!({
            "node": name,
            "ranges": ranges.collect::<Vec<_>>(),
            "holes": self.holes,
            "losses": self.losses.into_iter().map(dto::loss).collect::<Vec<_>>(),
        })
    }
}
