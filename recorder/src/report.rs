//! What a worker counts and tells its supervisor once a second.

use serde::{Deserialize, Serialize};

/// What one source counted since it was first opened. Counters only grow.
///
/// The law: `kernel_received = kernel_dropped + captured`, once the ring is drained, and
/// `captured = queue_lost + appended + disk_lost`. On a loopback interface the kernel counts, and
/// may drop, each packet twice: going out and coming in; the first of the two is not recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SourceCounters {
    /// Packets the kernel counted for this capture, after the filter, with those it dropped.
    pub kernel_received: u64,
    /// Packets the kernel dropped because the ring was full.
    pub kernel_dropped: u64,
    /// Packets the interface or its driver dropped.
    pub interface_dropped: u64,
    /// Packets that reached the recorder.
    pub captured: u64,
    /// Their bytes.
    pub captured_bytes: u64,
    /// Packets lost because the queue to the writer was full.
    pub queue_lost: u64,
}

/// One source in a report.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SourceReport {
    /// The interface, or `any`.
    pub interface: String,
    /// Whether it can be read.
    pub up: bool,
    /// Its counters.
    #[serde(flatten)]
    pub counters: SourceCounters,
}

/// What the writer is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskState {
    /// It writes.
    #[default]
    Writing,
    /// The disk refuses; it tries again and again.
    Waiting,
}

/// A worker's counters since its start.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// When, in nanoseconds, as text.
    pub at: String,
    /// Per interface.
    pub sources: Vec<SourceReport>,
    /// Packets put into segments.
    pub appended: u64,
    /// Their bytes.
    pub appended_bytes: u64,
    /// Packets that are on disk for sure.
    pub synced: u64,
    /// Packets in sealed segments.
    pub sealed: u64,
    /// Segments sealed.
    pub sealed_segments: u64,
    /// Packets lost because the disk refused.
    pub disk_lost: u64,
    /// Batches waiting for the writer.
    pub queue_batches: u64,
    /// The writer's state.
    pub disk: DiskState,
    /// The open segment, if there is one.
    pub segment: Option<String>,
    /// Its file's size.
    pub segment_bytes: u64,
}
