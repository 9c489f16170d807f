//! What the command line needs of the crates below it, until they provide it.
//!
//! The shapes are those of `indexer::session`, `kfl` and `segment`; each is replaced by the real one as it
//! arrives.
#![allow(dead_code, clippy::unnecessary_wraps, reason = "stands in for crates that are being written")]

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use segment::{Packet, PacketRef, TimeRange};
use serde_json::Value;

#[derive(Debug)]
pub struct Error;
impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not built yet")
    }
}
impl std::error::Error for Error {}

pub struct Query(String);
pub fn parse(text: &str) -> Result<Query, Error> {
    Ok(Query(text.to_owned()))
}

pub struct Data;
impl Data {
    pub fn open(_: &Path) -> Result<Self, Error> {
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
    pub bodies: bool,
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
pub struct Loss {
    pub range: TimeRange,
    pub interface: Option<String>,
    pub cause: LossCause,
    pub packets: Option<u64>,
    pub bytes: Option<u64>,
    pub note: String,
}
#[derive(Debug)]
pub enum LossCause {
    Kernel,
}
pub fn query(
    _: &Data,
    _: &Query,
    _: QueryOptions,
    _: &mut dyn FnMut(Value) -> ControlFlow<()>,
) -> Result<Coverage, Error> {
    Err(Error)
}
pub fn entry(_: &Data, _: &str) -> Result<Option<Value>, Error> {
    Err(Error)
}
pub fn packets(_: &Data, _: &str, _: &mut dyn FnMut(PacketRef, &Packet<'_>)) -> Result<(), Error> {
    Err(Error)
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
pub fn export(_: &Data, _: TimeRange, _: ExportFilter, _: impl Write) -> Result<ExportSummary, Error> {
    Err(Error)
}
#[derive(Clone, Copy)]
pub enum SegmentState {
    Open,
    Sealed,
    Indexed,
}
pub struct SegmentSummary {
    pub id: String,
    pub chain: String,
    pub sequence: u64,
    pub state: SegmentState,
    pub range: Option<TimeRange>,
    pub packets: u64,
    pub bytes: u64,
    pub file_bytes: u64,
    pub index_bytes: u64,
    pub entries: u64,
    pub losses: u64,
    pub origin: String,
}
pub fn segments(_: &Data) -> Result<Vec<SegmentSummary>, Error> {
    Err(Error)
}
pub fn stats(_: &Data) -> Result<Value, Error> {
    Err(Error)
}
pub struct Progress {
    pub done: u64,
    pub total: u64,
}
pub fn reindex(_: &Data, _: &mut dyn FnMut(Progress)) -> Result<(), Error> {
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
    pub fn drain(self) -> u64 {
        0
    }
}
pub fn verify(_: &Path) -> Result<Vec<String>, Error> {
    Err(Error)
}
