//! ICMP (RFC 792) and ICMPv6 (RFC 4443): who can be reached, and why a packet was not delivered.
//!
//! [`frame`] reads a message, [`dissector`] pairs echo requests with their replies; [`message`] is what remains.
//! An error stands alone, and is told in the report of the flow that it is about.

pub mod dissector;
pub mod frame;
pub mod message;

pub use dissector::Dissector;

use crate::protocol::{Direction, Probe};

/// Whether `payload` is a message: whoever sends ICMP says so in the IP header.
#[must_use]
pub fn probe(direction: Direction, payload: &[u8]) -> Probe {
    match (payload.len(), direction) {
        (..4, _) => Probe::No("shorter than its header"),
        (_, Direction::ToServer) => Probe::Yes,
        (_, Direction::ToClient) => Probe::No("who speaks first asks"),
    }
}
