//! DNS (RFC 1035 and its many successors), mDNS (RFC 6762) and LLMNR (RFC 4795): one message format.
//!
//! [`name`] reads names, [`record`] reads what records say, [`frame`] cuts whole messages out of bytes (and
//! out of TCP streams, by their length), [`dissector`] pairs queries with responses; [`message`], [`data`] and
//! [`code`] are what remains of a message.
//!
//! A message that is cut or damaged keeps the records before the damage, and says what the damage was.

pub mod code;
pub mod data;
pub mod dissector;
pub mod frame;
pub mod message;
pub mod name;
pub mod record;

pub use dissector::Dissector;

use crate::protocol::{Direction, Probe};

/// Whether `payload` is a DNS message that goes in `direction`.
///
/// A message that is cut or damaged is still one where the port says so.
#[must_use]
pub fn probe_datagram(direction: Direction, payload: &[u8]) -> Probe {
    match frame::is_response(payload) {
        None => Probe::No("no DNS header"),
        Some(response) if response != (direction == Direction::ToClient) => Probe::No("goes the wrong way"),
        Some(_) if frame::is_plausible(payload) => Probe::Yes,
        Some(_) => Probe::More,
    }
}

/// Whether `bytes`, the first of a TCP stream, begin with a length and a DNS message (RFC 7766 §8).
///
/// Two bytes of length say little, so the whole first message must be there and be sound.
#[must_use]
pub fn probe_stream(direction: Direction, bytes: &[u8]) -> Probe {
    let response = bytes.get(2..).and_then(frame::is_response);
    if !frame::may_be_plausible(bytes) || response.is_some_and(|is| is != (direction == Direction::ToClient))
    {
        return Probe::No("no length with a DNS header behind it");
    }
    match frame::stream_frame(bytes) {
        None => Probe::More,
        Some((message, _)) if frame::is_plausible(message) => Probe::Yes,
        Some(_) => Probe::No("the first message is not sound"),
    }
}
