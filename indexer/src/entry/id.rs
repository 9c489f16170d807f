//! What an entry is called: the place of its first packet.
//!
//! An id leads back to the evidence without an index, and is the same whenever the segment is read again:
//! `web1-3f9a2c-0000000042.17.203` is the exchange that begins in packet 203 of frame 17. When several begin
//! in one packet (pipelining), the second one ends in `.1`, the third one in `.2`. A flow is named by its first
//! packet, too, and ends in `.flow`.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use dissect::protocol::Content;
use dissect::{Exchange, Message};
use segment::{Chain, PacketRef, SegmentId};

use crate::Error;

/// Packets remembered to tell exchanges that begin in the same one apart; forgotten together when full.
const PACKETS_MAX: usize = 16_384;

/// The id of an entry.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntryId {
    /// Where the entry begins.
    pub segment: SegmentId,
    /// The frame of its first packet.
    pub frame: u32,
    /// Its first packet in the frame.
    pub packet: u32,
    /// Which of those that begin in this packet.
    pub ordinal: Ordinal,
}

/// Tells apart what begins in the same packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ordinal {
    /// An exchange, and how many ended before it that began in the same packet.
    Exchange(u32),
    /// The flow itself.
    Flow,
}

impl EntryId {
    /// The first packet.
    #[must_use]
    pub fn first(&self) -> PacketRef {
        PacketRef { sequence: self.segment.sequence, frame: self.frame, index: self.packet }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.segment, self.frame, self.packet)?;
        match self.ordinal {
            Ordinal::Exchange(0) => Ok(()),
            Ordinal::Exchange(ordinal) => write!(f, ".{ordinal}"),
            Ordinal::Flow => write!(f, ".flow"),
        }
    }
}

impl FromStr for EntryId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::EntryId(text.to_owned());
        let mut parts = text.split('.');
        let segment = parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        let mut number = || parts.next().map(|part| part.parse::<u32>().map_err(|_| wrong())).transpose();
        let (frame, packet) = (number()?, number()?);
        let ordinal = match parts.next() {
            None => Ordinal::Exchange(0),
            Some("flow") => Ordinal::Flow,
            Some(number) => Ordinal::Exchange(number.parse().map_err(|_| wrong())?),
        };
        match (frame, packet, parts.next()) {
            (Some(frame), Some(packet), None) => Ok(Self { segment, frame, packet, ordinal }),
            _ => Err(wrong()),
        }
    }
}

/// Gives the exchanges of one chain their ids, in the order they end.
#[derive(Debug)]
pub struct Naming {
    chain: Chain,
    begun: Begun,
}

/// How many exchanges that began in a packet have their ids.
pub type Begun = HashMap<PacketRef, u32>;

impl Naming {
    /// For a chain.
    #[must_use]
    pub fn new(chain: Chain) -> Self {
        Self { chain, begun: Begun::new() }
    }

    /// Goes on where another one stopped ([`Self::begun`]).
    #[must_use]
    pub fn resume(chain: Chain, begun: Begun) -> Self {
        Self { chain, begun }
    }

    /// Which ids were given out.
    #[must_use]
    pub fn begun(&self) -> &Begun {
        &self.begun
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The id of the next exchange.
    pub fn id(&mut self, exchange: &Exchange) -> EntryId {
        let message = exchange.request.as_ref().or(exchange.response.as_ref());
        let first = message.map_or(PacketRef { sequence: 0, frame: 0, index: 0 }, |message| message.first);
        let segment = SegmentId { chain: self.chain.clone(), sequence: first.sequence };
        let is_flow = matches!(message, Some(Message { content: Content::Flow(_), .. }));
        if is_flow {
            return EntryId { segment, frame: first.frame, packet: first.index, ordinal: Ordinal::Flow };
        }
        if self.begun.len() >= PACKETS_MAX {
            self.begun.clear();
        }
        let begun = self.begun.entry(first).and_modify(|begun| *begun += 1).or_insert(0);
        let ordinal = Ordinal::Exchange(*begun);
        EntryId { segment, frame: first.frame, packet: first.index, ordinal }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written() {
        for text in
            ["web1-3f9a2c-0000000042.17.203", "import-0123456789ab-0000000000.1.0.2", "a-0000000001.1.0.flow"]
        {
            assert_eq!(text.parse::<EntryId>().unwrap().to_string(), text);
        }
        for wrong in ["", "web1", "web1-0000000042.1", "web1-0000000042.1.2.3.4", "web1-0000000042.1.-2"] {
            assert!(wrong.parse::<EntryId>().is_err(), "{wrong}");
        }
    }
}
