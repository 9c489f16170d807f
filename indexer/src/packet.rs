//! Packets as people look at them: header by header.

use segment::{InterfaceId, Packet};

pub use dissect::decode::explain::{Field as HeaderField, Header};

use crate::EntryPacket;

/// The headers of a packet, and what is behind them.
#[must_use]
pub fn headers(packet: &EntryPacket) -> Vec<Header> {
    dissect::decode::explain::explain(&Packet {
        timestamp: packet.timestamp,
        interface: InterfaceId(0),
        link_type: packet.link_type,
        original_length_bytes: packet.original_length_bytes,
        data: &packet.data,
        comment: None,
    })
}
