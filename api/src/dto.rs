//! What goes out as JSON besides entries: coverage, losses, segments, packets.
//!
//! The core types know nothing of JSON; here they are converted by hand, so that what programs read from us
//! changes only when this file does. Instants are RFC 3339 in UTC with nanoseconds. The API's description (OpenAPI) is made
//! from the same types.

pub mod differences;
pub mod entry;
pub mod help;
pub mod recording;
pub mod totals;
pub mod words;

use base64::Engine;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::format::body;
use crate::instant::rfc3339;
use indexer::EntryPacket;
use indexer::hunt::{self, Direction, Hit, Transport};

pub use recording::{origin, segment, state, stats};

/// As JSON; keys in order of their names.
pub fn value(of: &impl Serialize) -> Value {
    // Types with texts for keys can't fail to be JSON.
    serde_json::to_value(of).unwrap_or_default()
}

/// What an answer covers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Coverage {
    /// Segments whose index was searched.
    segments_searched: usize,
    /// Segments that can't hold an answer.
    segments_pruned: usize,
    /// Segments that may hold answers and could not be read, each with the reason.
    segments_missing: Vec<String>,
    /// What was lost in the range asked for.
    losses: Vec<Loss>,
    /// Entries in the answer.
    entries: u64,
    /// Whether the answer ended before its end.
    truncated: bool,
    /// Why it did, in words that follow "cut".
    stopped: Option<&'static str>,
    /// Where the next page begins, if there is one.
    next: Option<String>,
}

impl Coverage {
    /// Of an answer.
    pub fn of(coverage: &indexer::Coverage) -> Self {
        Self {
            segments_searched: coverage.segments_searched,
            segments_pruned: coverage.segments_pruned,
            segments_missing: coverage.segments_missing.clone(),
            losses: coverage.losses.iter().map(Loss::of).collect(),
            entries: coverage.entries,
            truncated: coverage.truncated,
            stopped: coverage.stopped.map(indexer::Stop::reason),
            next: coverage.next.as_ref().filter(|_| coverage.truncated).map(ToString::to_string),
        }
    }
}

/// What an answer covers.
pub fn coverage(coverage: &indexer::Coverage) -> Value {
    value(&Coverage::of(coverage))
}

/// What was lost, when and why; null where it is not known how much.
#[derive(Serialize, ToSchema)]
pub struct Loss {
    /// From when on.
    from: String,
    /// Until when.
    to: String,
    /// The interface; null where it is about all.
    interface: Option<String>,
    /// `kernel`, `ring`, `queue`, `disk_full` …
    cause: &'static str,
    /// Packets.
    packets: Option<u64>,
    /// Bytes.
    bytes: Option<u64>,
    /// What else is known.
    note: String,
}

impl Loss {
    /// Of a segment's ledger.
    pub fn of(loss: &segment::Loss) -> Self {
        Self {
            from: rfc3339(loss.range.start()),
            to: rfc3339(loss.range.end()),
            interface: loss.interface.clone(),
            cause: loss.cause.name(),
            packets: loss.packets,
            bytes: loss.bytes,
            note: loss.note.clone(),
        }
    }
}

/// A match; what is no printable ASCII around it is written as `\xNN`.
pub fn hit(hit: &Hit) -> Value {
    let end =
        |end: &hunt::End| json!({ "ip": end.ip.to_string(), "port": end.port.to_string(), "name": end.name });
    let escaped = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let [before, after] = &hit.context;
    json!({
        "time": rfc3339(hit.time),
        "segment": hit.segment.to_string(),
        "frame": hit.packet.frame,
        "packet": hit.packet.index,
        "transport": match hit.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
            Transport::Icmp => "icmp",
        },
        "src": end(&hit.source),
        "dst": end(&hit.destination),
        "direction": match hit.direction {
            Direction::ToServer => "toServer",
            Direction::ToClient => "toClient",
        },
        "offset": hit.offset,
        "length": hit.length_bytes,
        "before": escaped(before),
        "match": escaped(&hit.bytes),
        "after": escaped(after),
        "matchBytes": body::BASE64.encode(&hit.bytes),
        "entry": hit.exchange,
    })
}

/// One packet, with its bytes in base64.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Packet {
    /// Its segment's number in the chain.
    sequence: u64,
    /// Its frame in the segment.
    frame: u32,
    /// Its number in the frame.
    packet: u32,
    /// When it was captured.
    time: String,
    /// Name of its interface.
    interface: String,
    /// How it begins, as pcap numbers it.
    link_type: u16,
    /// Bytes on the wire.
    original_length: u32,
    /// The bytes that were kept, in base64.
    data: String,
}

impl Packet {
    /// Of an entry.
    pub fn of(packet: &EntryPacket) -> Self {
        Self {
            sequence: packet.at.sequence,
            frame: packet.at.frame,
            packet: packet.at.index,
            time: rfc3339(packet.timestamp),
            interface: packet.interface.clone(),
            link_type: packet.link_type.0,
            original_length: packet.original_length_bytes,
            data: body::BASE64.encode(&packet.data),
        }
    }
}

/// One packet, with its bytes in base64.
pub fn packet(packet: &EntryPacket) -> Value {
    value(&Packet::of(packet))
}
