//! What goes out as JSON besides entries: coverage, losses, segments, packets.
//!
//! The core types know nothing of JSON; here they are converted by hand, so that what programs read from us
//! changes only when this file does. Instants are RFC 3339 in UTC with nanoseconds.

pub mod differences;
pub mod summary;
pub mod totals;
pub mod words;

use base64::Engine;
use std::collections::BTreeMap;

use segment::{Loss, LossCause, Origin, TimeRange};
use serde_json::{Map, Value, json};

use crate::format::body;
use crate::instant::rfc3339;
use indexer::hunt::{self, Direction, Hit, Transport};
use indexer::{Coverage, EntryPacket, Stats};
use store::{State, Summary};

/// What an answer covers.
pub fn coverage(coverage: &Coverage) -> Value {
    json!({
        "segmentsSearched": coverage.segments_searched,
        "segmentsPruned": coverage.segments_pruned,
        "segmentsMissing": coverage.segments_missing,
        "losses": coverage.losses.iter().map(loss).collect::<Vec<_>>(),
        "entries": coverage.entries,
        "truncated": coverage.truncated,
        "stopped": coverage.stopped.map(indexer::Stop::reason),
        "next": coverage.next.as_ref().filter(|_| coverage.truncated).map(ToString::to_string),
    })
}

/// What was lost, when and why; `null` where it is not known how much.
pub fn loss(loss: &Loss) -> Value {
    json!({
        "from": rfc3339(loss.range.start()),
        "to": rfc3339(loss.range.end()),
        "interface": loss.interface,
        "cause": loss.cause.name(),
        "packets": loss.packets,
        "bytes": loss.bytes,
        "note": loss.note,
    })
}

/// One segment, and the number of entries in its index.
pub fn segment(summary: &Summary, entries: u64) -> Value {
    json!({
        "id": summary.id.to_string(),
        "node": summary.node,
        "state": state(summary.state),
        "from": summary.range.map(TimeRange::start).map(rfc3339),
        "to": summary.range.map(TimeRange::end).map(rfc3339),
        "packets": summary.packets,
        "bytes": summary.bytes,
        "fileBytes": summary.file_bytes,
        "indexBytes": summary.index_bytes,
        "entries": entries,
        "losses": summary.losses.iter().map(loss).collect::<Vec<_>>(),
        "origin": origin(&summary.origin),
    })
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

/// The recording in figures; with the recorder's own counters where there are some.
pub fn stats(stats: &Stats, recorder: &Value) -> Value {
    let by_cause = |counts: &BTreeMap<LossCause, u64>| -> Map<String, Value> {
        counts.iter().map(|(cause, count)| (cause.name().to_owned(), json!(count))).collect()
    };
    let mut figures = json!({
        "segments": {
            "open": stats.segments_open, "sealed": stats.segments_sealed, "indexed": stats.segments_indexed,
        },
        "unreadable": stats.unreadable,
        "from": stats.range.map(TimeRange::start).map(rfc3339),
        "to": stats.range.map(TimeRange::end).map(rfc3339),
        "packets": stats.packets,
        "capturedBytes": stats.captured_bytes,
        "segmentBytes": stats.segment_bytes,
        "indexBytes": stats.index_bytes,
        "exchanges": stats.entries,
        "lostPackets": by_cause(&stats.lost_packets),
        "lossesOfUnknownSize": by_cause(&stats.losses_unknown),
    });
    if !recorder.is_null() {
        figures["recorder"] = recorder.clone();
    }
    figures
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
pub fn packet(packet: &EntryPacket) -> Value {
    json!({
        "sequence": packet.at.sequence,
        "frame": packet.at.frame,
        "packet": packet.at.index,
        "time": rfc3339(packet.timestamp),
        "interface": packet.interface,
        "linkType": packet.link_type.0,
        "originalLength": packet.original_length_bytes,
        "data": body::BASE64.encode(&packet.data),
    })
}
