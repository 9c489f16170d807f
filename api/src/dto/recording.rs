//! Segments, figures, and what was recorded by whom.

use std::collections::BTreeMap;

use segment::{LossCause, Origin, TimeRange};
use serde::Serialize;
use serde_json::Value;
use store::{State, Summary};
use utoipa::ToSchema;

use super::{Loss, value};
use crate::instant::rfc3339;

/// One segment.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// Its chain and its number in it.
    id: String,
    /// The machine that recorded it; empty while it is its chain's first and open.
    node: String,
    /// `open`, `sealed`, or `indexed`, which is sealed, too.
    state: &'static str,
    /// Time of its first packet; null while it is open.
    from: Option<String>,
    /// Time of its last packet.
    to: Option<String>,
    /// Packets; 0 while it is open.
    packets: u64,
    /// Their bytes.
    bytes: u64,
    /// Size of its file.
    file_bytes: u64,
    /// Size of its index, or its share of one.
    index_bytes: u64,
    /// Entries in its index.
    entries: u64,
    /// What is known to be missing.
    losses: Vec<Loss>,
    /// `capture`, or `import` and the file's name.
    origin: String,
}

/// Every segment.
#[derive(Serialize, ToSchema)]
pub struct Segments {
    /// In order of chain and number.
    pub segments: Vec<Segment>,
    /// Manifests that can't be read, each with the reason.
    pub unreadable: Vec<String>,
}

impl Segment {
    /// Of the catalog, and the number of entries in its index.
    pub fn of(summary: &Summary, entries: u64) -> Self {
        Self {
            id: summary.id.to_string(),
            node: summary.node.clone(),
            state: state(summary.state),
            from: summary.range.map(TimeRange::start).map(rfc3339),
            to: summary.range.map(TimeRange::end).map(rfc3339),
            packets: summary.packets,
            bytes: summary.bytes,
            file_bytes: summary.file_bytes,
            index_bytes: summary.index_bytes,
            entries,
            losses: summary.losses.iter().map(Loss::of).collect(),
            origin: origin(&summary.origin),
        }
    }
}

/// One segment, and the number of entries in its index.
pub fn segment(summary: &Summary, entries: u64) -> Value {
    value(&Segment::of(summary, entries))
}

/// The word for a segment's state.
pub const fn state(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Sealed => "sealed",
        State::Indexed => "indexed",
    }
}

/// `capture`, or `import` and the file's name.
pub fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Capture => "capture".to_owned(),
        Origin::Import { file, .. } => format!("import {file}"),
    }
}

/// Segments by how far they are; those that are indexed are sealed, too.
#[derive(Serialize, ToSchema)]
pub struct SegmentCounts {
    open: usize,
    sealed: usize,
    indexed: usize,
}

/// The recording in figures.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    segments: SegmentCounts,
    /// Manifests that can't be read, each with the reason.
    unreadable: Vec<String>,
    /// Time of the first packet; null where nothing is sealed.
    from: Option<String>,
    /// Time of the last packet.
    to: Option<String>,
    /// Packets in sealed segments.
    packets: u64,
    /// Their bytes.
    captured_bytes: u64,
    /// Size of all segment files.
    segment_bytes: u64,
    /// Size of all indexes.
    index_bytes: u64,
    /// Entries in all indexes.
    exchanges: u64,
    /// Lost packets by cause.
    lost_packets: BTreeMap<&'static str, u64>,
    /// By cause, how often it is not known how much was lost.
    losses_of_unknown_size: BTreeMap<&'static str, u64>,
    /// The recorder's own counters, in its own words; absent where none ever ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    recorder: Option<Value>,
}

impl Stats {
    /// Of a data directory; with the recorder's own counters where there are some.
    pub fn of(stats: &indexer::Stats, recorder: &Value) -> Self {
        let by_cause = |counts: &BTreeMap<LossCause, u64>| {
            counts.iter().map(|(cause, count)| (cause.name(), *count)).collect()
        };
        Self {
            segments: SegmentCounts {
                open: stats.segments_open,
                sealed: stats.segments_sealed,
                indexed: stats.segments_indexed,
            },
            unreadable: stats.unreadable.clone(),
            from: stats.range.map(TimeRange::start).map(rfc3339),
            to: stats.range.map(TimeRange::end).map(rfc3339),
            packets: stats.packets,
            captured_bytes: stats.captured_bytes,
            segment_bytes: stats.segment_bytes,
            index_bytes: stats.index_bytes,
            exchanges: stats.entries,
            lost_packets: by_cause(&stats.lost_packets),
            losses_of_unknown_size: by_cause(&stats.losses_unknown),
            recorder: Some(recorder.clone()).filter(Value::is_object),
        }
    }
}

/// The recording in figures; with the recorder's own counters where there are some.
pub fn stats(stats: &indexer::Stats, recorder: &Value) -> Value {
    value(&Stats::of(stats, recorder))
}

/// The recording in figures, and how the server is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServerStats {
    /// The recording.
    #[serde(flatten)]
    pub stats: Stats,
    /// Version of Remora.
    pub version: &'static str,
    /// The server's clock.
    pub now: String,
    /// The disk that the data directory lies on.
    pub data_dir: Disk,
    /// How far indexes are behind.
    pub index_lag: IndexLag,
    /// What may stay on the disk; null when no recorder ever ran here.
    pub retention: Option<Retention>,
    /// Whether a recorder runs here and writes.
    pub recording: bool,
    /// Whether this server indexes.
    pub indexing: bool,
    /// What this server was told to keep back.
    pub redacting: bool,
}

/// The disk that the data directory lies on.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Disk {
    /// The data directory.
    pub path: String,
    /// Free bytes; null where the system doesn't tell.
    pub free_bytes: Option<u64>,
    /// All bytes.
    pub total_bytes: Option<u64>,
}

/// What may stay on the disk, as the recorder here was told.
#[derive(Serialize, ToSchema, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// Most bytes of sealed segments with their indexes; null without a limit.
    pub bytes_max: Option<u64>,
    /// Seconds from a segment's last packet until it goes; null without a limit.
    pub age_max_seconds: Option<u64>,
    /// Part of the disk that stays free.
    pub free_percent_min: u8,
    /// Bytes that a second of recording takes, over the last day of it; null where nothing tells.
    pub bytes_per_second: Option<u64>,
    /// What goes next; null while nothing will.
    pub next: Option<Expiry>,
}

/// The next segment to go.
#[derive(Serialize, ToSchema, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Expiry {
    /// Which one: the oldest.
    pub segment: String,
    /// When, if recording goes on as it did.
    pub at: String,
    /// What it goes for.
    pub cause: ExpiryCause,
}

/// What a segment goes for.
#[derive(Clone, Copy, Serialize, ToSchema, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(rename_all = "camelCase")]
pub enum ExpiryCause {
    /// It is old.
    Age,
    /// All together are too large.
    Bytes,
    /// Too little of the disk is free.
    Free,
}

/// How far indexes are behind.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IndexLag {
    /// Sealed segments without an index.
    pub segments_waiting: usize,
    /// Time of the first packet in them.
    pub oldest: Option<String>,
}

/// What was recorded by whom, and what is missing.
#[derive(Serialize, ToSchema)]
pub struct Recorded {
    /// Time of the first packet; null where nothing is sealed.
    pub from: Option<String>,
    /// Time of the last packet.
    pub to: Option<String>,
    /// By machine.
    pub nodes: Vec<Node>,
}

/// What one machine recorded.
#[derive(Serialize, ToSchema, Default)]
pub struct Node {
    /// Its name.
    pub node: String,
    /// Segments that follow each other.
    pub ranges: Vec<Range>,
    /// Segments that are missing between others.
    pub holes: Vec<Hole>,
    /// What its segments say was lost.
    pub losses: Vec<Loss>,
}

/// Segments of a chain that follow each other without a hole.
#[derive(Serialize, ToSchema)]
pub struct Range {
    /// The chain.
    pub chain: String,
    /// Time of the first packet; null while only an open segment is there.
    pub from: Option<String>,
    /// Time of the last packet that is sealed.
    pub to: Option<String>,
    /// Packets in sealed segments.
    pub packets: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Segments.
    pub segments: u64,
    /// Whether the last one is being written.
    pub open: bool,
}

/// Segments that are missing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Hole {
    /// The chain.
    pub chain: String,
    /// Time of the last packet before.
    pub from: Option<String>,
    /// Time of the first packet behind.
    pub to: Option<String>,
    /// Numbers of the first that are missing.
    pub missing: Vec<u64>,
    /// How many are.
    pub missing_count: u64,
}
