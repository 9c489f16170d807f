//! What the command line asks of the crates below it.
//!
//! Stands in, with the same shapes, for `indexer` and `store` until they provide it; then this file goes.
#![allow(
    dead_code,
    missing_docs,
    clippy::unnecessary_wraps,
    reason = "stands in for crates that are being written"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use kfl::Query;
use segment::{Loss, LossCause, Origin, PacketRef, SegmentId, TimeRange, Timestamp};
use serde_json::Value;

#[derive(Debug)]
pub struct Error;
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not built yet")
    }
}
impl std::error::Error for Error {}

pub struct Data;
impl Data {
    pub fn open(_: &Path) -> Result<Self, Error> {
        Err(Error)
    }
    pub fn query(
        &self,
        _: &Query,
        _: QueryOptions,
        _: &mut dyn FnMut(Value) -> ControlFlow<()>,
    ) -> Result<Coverage, Error> {
        Err(Error)
    }
    pub fn entry(&self, _: &str) -> Result<Option<Value>, Error> {
        Err(Error)
    }
    pub fn packets(&self, _: &Value) -> Result<Vec<EntryPacket>, Error> {
        Err(Error)
    }
    pub fn export(&self, _: TimeRange, _: ExportFilter, _: impl Write) -> Result<ExportSummary, Error> {
        Err(Error)
    }
    pub fn segments(&self) -> Result<(Vec<Summary>, Vec<Error>), Error> {
        Err(Error)
    }
    pub fn entries_of(&self, _: &SegmentId) -> u64 {
        0
    }
    pub fn stats(&self) -> Result<Stats, Error> {
        Err(Error)
    }
}
#[derive(Clone, Copy)]
pub enum Order {
    Ascending,
    Descending,
}
pub struct QueryOptions {
    pub range: TimeRange,
    pub limit: Option<u64>,
    pub order: Order,
}
#[derive(Default)]
pub struct Coverage {
    pub segments_searched: usize,
    pub segments_pruned: usize,
    pub segments_missing: Vec<String>,
    pub losses: Vec<Loss>,
    pub entries: u64,
    pub truncated: bool,
}
pub struct EntryPacket {
    pub at: PacketRef,
    pub timestamp: Timestamp,
    pub interface: String,
    pub link_type: segment::LinkType,
    pub original_length_bytes: u32,
    pub data: Vec<u8>,
}
pub enum ExportFilter {
    All,
    Bpf(String),
    Kfl(Query),
}
pub struct ExportSummary {
    pub packets: u64,
    pub bytes: u64,
    pub coverage: Coverage,
}
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Sealed,
    Indexed,
}
pub struct Summary {
    pub id: SegmentId,
    pub state: State,
    pub range: Option<TimeRange>,
    pub packets: u64,
    pub bytes: u64,
    pub file_bytes: u64,
    pub index_bytes: u64,
    pub losses: Vec<Loss>,
    pub origin: Origin,
}
#[derive(Default)]
pub struct Stats {
    pub segments_open: usize,
    pub segments_sealed: usize,
    pub segments_indexed: usize,
    pub unreadable: Vec<String>,
    pub range: Option<TimeRange>,
    pub packets: u64,
    pub captured_bytes: u64,
    pub segment_bytes: u64,
    pub index_bytes: u64,
    pub entries: u64,
    pub lost_packets: BTreeMap<LossCause, u64>,
    pub losses_unknown: BTreeMap<LossCause, u64>,
}
pub fn reindex(_: &Path, _: &mut dyn FnMut(usize, usize)) -> Result<(), Error> {
    Err(Error)
}
pub struct Indexing;
impl Indexing {
    pub fn start(_: &Path) -> Result<Self, Error> {
        Err(Error)
    }
    pub fn entries(&self) -> u64 {
        0
    }
    pub fn drain(self) {}
}
