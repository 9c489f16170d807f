//! What goes out as JSON besides entries: coverage, losses, segments, packets.
//!
//! The core types know nothing of JSON; here they are converted by hand, so that what programs read from us
//! changes only when this file does. Instants are RFC 3339 in UTC with nanoseconds.

use segment::{Packet, PacketRef, TimeRange};
use serde_json::{Value, json};

use crate::engine::{Coverage, Loss, SegmentState, SegmentSummary};
use crate::format::body;
use crate::instant::rfc3339;

/// What an answer covers.
pub fn coverage(coverage: &Coverage) -> Value {
    json!({
        "segmentsSearched": coverage.segments_searched,
        "segmentsPruned": coverage.segments_pruned,
        "segmentsMissing": coverage.segments_missing,
        "losses": coverage.losses.iter().map(loss).collect::<Vec<_>>(),
        "entries": coverage.entries,
        "truncated": coverage.truncated,
    })
}

/// What was lost, when and why; `null` where it is not known how much.
pub fn loss(loss: &Loss) -> Value {
    json!({
        "from": rfc3339(loss.range.start()),
        "to": rfc3339(loss.range.end()),
        "interface": loss.interface,
        "cause": cause(loss),
        "packets": loss.packets,
        "bytes": loss.bytes,
        "note": loss.note,
    })
}

/// `kernel`, `ring`, `snap_length`.
pub fn cause(loss: &Loss) -> String {
    let mut words = String::new();
    for character in format!("{:?}", loss.cause).chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.extend(character.to_lowercase());
    }
    words
}

/// One segment.
pub fn segment(summary: &SegmentSummary) -> Value {
    json!({
        "id": summary.id.to_string(),
        "chain": summary.chain.to_string(),
        "sequence": summary.sequence,
        "state": state(summary.state),
        "from": summary.range.map(TimeRange::start).map(rfc3339),
        "to": summary.range.map(TimeRange::end).map(rfc3339),
        "packets": summary.packets,
        "bytes": summary.bytes,
        "fileBytes": summary.file_bytes,
        "indexBytes": summary.index_bytes,
        "entries": summary.entries,
        "losses": summary.losses,
        "origin": summary.origin.to_string(),
    })
}

/// The word for a segment's state.
pub const fn state(state: SegmentState) -> &'static str {
    match state {
        SegmentState::Open => "open",
        SegmentState::Sealed => "sealed",
        SegmentState::Indexed => "indexed",
    }
}

/// One packet, with its bytes.
pub fn packet(place: PacketRef, packet: &Packet<'_>) -> Value {
    json!({
        "segment": place.sequence,
        "frame": place.frame,
        "index": place.index,
        "time": rfc3339(packet.timestamp),
        "interface": packet.interface.0,
        "linkType": packet.link_type.0,
        "originalLength": packet.original_length_bytes,
        "data": body::to_base64(packet.data),
        "comment": packet.comment,
    })
}
