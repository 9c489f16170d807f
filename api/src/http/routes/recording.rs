//! What there is: segments, what they cover, figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use segment::{TimeRange, Timestamp};
use serde_json::Value;
use store::{State as Stands, Summary};

use super::retention::retention;
use crate::dto::recording::{
    Disk, Hole, IndexLag, Node, Range, Recorded, Segment, Segments, ServerStats, Stats,
};
use crate::dto::{Loss, value};
use crate::http::answer::Answer;
use crate::http::app::{App, Duty};
use crate::http::problem::Problem;
use crate::instant::{self, rfc3339};

/// A recorder that said nothing for so long is not running: it speaks once a second.
const SILENCE_NS_MAX: i64 = 5_000_000_000;
/// Numbers of missing segments that are named of a hole.
const MISSING_NAMED_MAX: usize = 100;

/// Every segment.
///
/// A missing number in a chain is a hole.
#[utoipa::path(get, path = "/segments", tag = "Recording", responses((status = 200, description = "Segments", body = Segments)))]
pub async fn segments(State(app): State<Arc<App>>) -> Result<Answer, Problem> {
    let listed = app.ask(|data, _| {
        let (segments, unreadable) = data.segments()?;
        let of = |segment: &Summary| Segment::of(segment, data.entries_of(&segment.id));
        Ok(value(&Segments {
            segments: segments.iter().map(of).collect(),
            unreadable: unreadable.iter().map(ToString::to_string).collect(),
        }))
    });
    Ok(Answer::of(&listed.await?))
}

/// The recording in figures, and how the server is.
#[utoipa::path(get, path = "/stats", tag = "Recording", responses((status = 200, description = "Figures", body = ServerStats)))]
pub async fn stats(State(app): State<Arc<App>>) -> Result<Answer, Problem> {
    let of = Arc::clone(&app);
    let figures = app.ask(move |data, _| {
        let (recorder, now) = (of.recorder_status(), instant::now());
        let (segments, _) = data.segments()?;
        let (disk, recording) = (disk(&of), is_recording(&recorder, now));
        Ok(value(&ServerStats {
            stats: Stats::of(&data.stats()?, &recorder),
            version: env!("CARGO_PKG_VERSION"),
            now: rfc3339(now),
            retention: retention(&recorder, recording, &segments, &disk, now),
            data_dir: disk,
            index_lag: index_lag(&segments),
            recording,
            indexing: of.duty != Duty::Answers,
            redacting: !of.config.policy.is_empty(),
        }))
    });
    Ok(Answer::of(&figures.await?))
}

/// How far indexes are behind.
pub fn index_lag(segments: &[Summary]) -> IndexLag {
    let waiting = segments.iter().filter(|segment| segment.state == Stands::Sealed);
    IndexLag {
        segments_waiting: waiting.clone().count(),
        oldest: waiting.filter_map(|segment| segment.range).map(TimeRange::start).min().map(rfc3339),
    }
}

/// The disk that the data directory lies on.
pub fn disk(app: &App) -> Disk {
    let disk = rustix::fs::statvfs(&app.directory).ok();
    Disk {
        path: app.directory.display().to_string(),
        free_bytes: disk.as_ref().map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
        total_bytes: disk.map(|disk| disk.f_blocks.saturating_mul(disk.f_frsize)),
    }
}

/// Whether a recorder runs and writes.
pub fn is_recording(status: &Value, now: Timestamp) -> bool {
    let at = status["at"].as_str().and_then(|at| at.parse().ok()).map(Timestamp::from_nanos);
    !status["worker_pid"].is_null() && at.is_some_and(|at| now.since(at) < SILENCE_NS_MAX)
}

/// What was recorded by whom, and what is missing.
#[utoipa::path(get, path = "/coverage", tag = "Recording", responses((status = 200, description = "By machine", body = Recorded)))]
pub async fn coverage(State(app): State<Arc<App>>) -> Result<Answer, Problem> {
    let covered = app.ask(|data, _| Ok(value(&recorded(&data.segments()?.0))));
    Ok(Answer::of(&covered.await?))
}

fn recorded(segments: &[Summary]) -> Recorded {
    let mut nodes: BTreeMap<&str, Node> = BTreeMap::new();
    // They come in order of chain and sequence.
    let mut previous: Option<&Summary> = None;
    for segment in segments {
        let before = previous.replace(segment).filter(|before| before.id.chain == segment.id.chain);
        let node = nodes.entry(name_of(segment)).or_default();
        node.losses.extend(segment.losses.iter().map(Loss::of));
        match before {
            Some(before) if segment.id.before().as_ref() == Some(&before.id) => goes_on(node, segment),
            Some(before) => {
                node.holes.push(hole(before, segment));
                begins(node, segment);
            }
            None => begins(node, segment),
        }
    }
    let all = segments.iter().filter_map(|segment| segment.range).reduce(TimeRange::union);
    let named = |(name, node): (&str, Node)| Node { node: name.to_owned(), ..node };
    Recorded {
        from: all.map(TimeRange::start).map(rfc3339),
        to: all.map(TimeRange::end).map(rfc3339),
        nodes: nodes.into_iter().map(named).collect(),
    }
}

/// The machine; of one whose first segment is still open, what its chain is called after.
fn name_of(segment: &Summary) -> &str {
    match segment.node.as_str() {
        "" => segment.id.chain.as_str().rsplit_once('-').map_or(segment.id.chain.as_str(), |(name, _)| name),
        node => node,
    }
}

fn begins(node: &mut Node, segment: &Summary) {
    node.ranges.push(Range {
        chain: segment.id.chain.to_string(),
        from: segment.range.map(TimeRange::start).map(rfc3339),
        to: segment.range.map(TimeRange::end).map(rfc3339),
        packets: segment.packets,
        bytes: segment.bytes,
        segments: 1,
        open: segment.state == Stands::Open,
    });
}

fn goes_on(node: &mut Node, segment: &Summary) {
    let Some(range) = node.ranges.last_mut() else { return begins(node, segment) };
    let (from, to) = (segment.range.map(TimeRange::start), segment.range.map(TimeRange::end));
    range.from = range.from.take().or(from.map(rfc3339));
    range.to = to.map(rfc3339).or(range.to.take());
    range.packets = range.packets.saturating_add(segment.packets);
    range.bytes = range.bytes.saturating_add(segment.bytes);
    range.segments += 1;
    range.open = segment.state == Stands::Open;
}

fn hole(before: &Summary, behind: &Summary) -> Hole {
    let first = before.id.sequence.saturating_add(1);
    Hole {
        chain: behind.id.chain.to_string(),
        from: before.range.map(TimeRange::end).map(rfc3339),
        to: behind.range.map(TimeRange::start).map(rfc3339),
        missing: (first..behind.id.sequence).take(MISSING_NAMED_MAX).collect(),
        missing_count: behind.id.sequence.saturating_sub(first),
    }
}

#[cfg(test)]
mod tests {
    use segment::{Origin, SegmentId};

    use super::*;

    fn summary(id: &str, node: &str, state: Stands) -> Summary {
        let id: SegmentId = id.parse().unwrap();
        let second = i64::try_from(id.sequence).unwrap() * 1_000_000_000;
        let range =
            TimeRange::new(Timestamp::from_nanos(second), Timestamp::from_nanos(second + 1_000_000_000));
        Summary {
            id,
            node: node.to_owned(),
            state,
            range: range.filter(|_| state != Stands::Open),
            packets: 5,
            bytes: 50,
            file_bytes: 9,
            index_bytes: 1,
            losses: Vec::new(),
            origin: Origin::Capture,
        }
    }

    #[test]
    fn chains_make_ranges_and_missing_numbers_make_holes() {
        let recorded = recorded(&[
            summary("a-1-0000000002", "a", Stands::Indexed),
            summary("a-1-0000000003", "a", Stands::Indexed),
            summary("a-1-0000000006", "a", Stands::Sealed),
            summary("a-1-0000000007", "a", Stands::Open),
            summary("b-1-0000000000", "", Stands::Open),
        ]);
        let [a, b] = recorded.nodes.as_slice() else { panic!("{} nodes", recorded.nodes.len()) };
        assert_eq!((a.node.as_str(), b.node.as_str()), ("a", "b"));
        let told: Vec<_> = a.ranges.iter().map(|range| (range.segments, range.packets, range.open)).collect();
        assert_eq!(told, [(2, 10, false), (2, 10, true)]);
        assert_eq!(a.ranges[0].to.as_deref(), Some("1970-01-01T00:00:04Z"));
        assert_eq!((a.holes[0].missing.as_slice(), a.holes[0].missing_count), (&[4, 5][..], 2));
        assert_eq!(a.holes[0].from.as_deref(), Some("1970-01-01T00:00:04Z"));
        assert_eq!(b.ranges[0].from, None);
    }
}
