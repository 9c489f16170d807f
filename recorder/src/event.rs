//! What the recorder tells its caller: one JSON object a line on standard output.
//!
//! EVENTS.md describes every event for readers of the stream. A caller that went away doesn't
//! stop a recording, so failing to print is not an error.

use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::report::Report;

/// One line on standard output.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Recording begins.
    Started {
        /// Process id of the worker.
        pid: u32,
        /// This recorder's chain.
        chain: String,
        /// What is recorded.
        interfaces: Vec<String>,
        /// The data directory.
        data: String,
    },
    /// An interface is recorded, went down, or came back.
    Interface {
        /// Its name.
        interface: String,
        /// `up` or `down`.
        state: String,
        /// Its pcap link type.
        link_type: Option<u16>,
        /// What the system said.
        problem: Option<String>,
    },
    /// A segment was sealed.
    Sealed {
        /// Its id.
        id: String,
        /// Packets in it.
        packets: u64,
        /// Size of its file.
        bytes: u64,
        /// Its first packet, nanoseconds as text.
        first: Option<String>,
        /// Just after its last packet, nanoseconds as text.
        end: Option<String>,
    },
    /// A segment that a crash left open was repaired and sealed.
    Repaired {
        /// Its id.
        id: String,
        /// Packets saved.
        packets: u64,
        /// Bytes at its end that could not be used.
        cut_bytes: u64,
        /// In words.
        note: String,
    },
    /// A segment was removed because the budget was reached.
    Expired {
        /// Its id.
        id: String,
        /// Bytes freed.
        bytes: u64,
    },
    /// Packets were lost; the segment's ledger has it too.
    Loss {
        /// The interface, if the loss is of one.
        interface: Option<String>,
        /// Why.
        cause: String,
        /// How many; null if unknown.
        packets: Option<u64>,
        /// How many bytes; null if unknown.
        bytes: Option<u64>,
        /// From when, nanoseconds as text.
        start: String,
        /// Until when.
        end: String,
        /// In words.
        note: String,
    },
    /// The disk refuses, or takes bytes again.
    Disk {
        /// `waiting` or `writing`.
        state: String,
        /// What the system said.
        problem: Option<String>,
    },
    /// A worker was replaced by a new one.
    Restarted {
        /// Why.
        reason: String,
        /// How often since the recorder's start.
        restarts: u64,
    },
    /// A worker's counters; stays between worker and supervisor, which writes status.json.
    Report(Report),
    /// How far an import is.
    Progress {
        /// The file.
        file: String,
        /// Bytes read of the file.
        bytes_done: u64,
        /// Size of the file; null for standard input.
        bytes_total: Option<u64>,
    },
    /// A file was imported.
    Imported {
        /// The file.
        file: String,
        /// The chain that holds it.
        chain: String,
        /// Packets.
        packets: u64,
        /// Segments.
        segments: u64,
        /// It had been imported before; nothing was done.
        already: bool,
        /// What could not be read, where, and why.
        problem: Option<String>,
    },
    /// An interface that can be recorded (`list-interfaces`).
    Available {
        /// Its name.
        interface: String,
        /// What it is.
        description: Option<String>,
        /// Whether it is up.
        up: bool,
        /// Its addresses.
        addresses: Vec<String>,
    },
    /// The recorder ends.
    Finished {
        /// Whether everything was sealed.
        ok: bool,
    },
}

impl Event {
    /// Prints it. False if nobody reads any more.
    pub fn print(&self) -> bool {
        let mut line = serde_json::to_string(self).expect("events hold only text and numbers");
        line.push('\n');
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_ok()
    }

    /// Reads a line that [`print`](Self::print) wrote.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// A sealed segment as an event.
    #[must_use]
    pub fn sealed(manifest: &segment::Manifest) -> Self {
        let nanos = |at: segment::Timestamp| at.nanos().to_string();
        Self::Sealed {
            id: manifest.id.to_string(),
            packets: manifest.packets,
            bytes: manifest.file_bytes,
            first: manifest.range.map(|range| nanos(range.start())),
            end: manifest.range.map(|range| nanos(range.end())),
        }
    }

    /// A loss as an event.
    #[must_use]
    pub fn loss(loss: &segment::Loss) -> Self {
        Self::Loss {
            interface: loss.interface.clone(),
            cause: loss.cause.name().to_owned(),
            packets: loss.packets,
            bytes: loss.bytes,
            start: loss.range.start().nanos().to_string(),
            end: loss.range.end().nanos().to_string(),
            note: loss.note.clone(),
        }
    }
}
