//! One direction of a connection: where its packets begin, and the one under way.

use serde::{Deserialize, Serialize};

use crate::protocol::Tally;
use crate::protocol::mysql::frame::{self, HEADER_BYTES, PACKET_BYTES_MAX};
use crate::protocol::pending::{Input, Pending};
use crate::protocol::unit::Unit;

/// One direction.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Side {
    pub(super) pending: Pending,
    /// Compressed packets: what is inside them.
    pub(super) inner: Pending,
    pub(super) compressed: Option<(u32, Unit)>,
    pub(super) position: Position,
    pub(super) under_way: Option<Packet>,
    pub(super) failures: u32,
    pub(super) tally: Tally,
}

/// A packet under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Packet {
    pub(super) first_number: u8,
    pub(super) last_number: u8,
    /// Whether its last part so far is of 16 MiB − 1, so that another one follows.
    pub(super) goes_on: bool,
    pub(super) unit: Unit,
}

/// What the next byte of a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Position {
    /// The server's greeting, or the client's answer to it.
    #[default]
    Opening,
    /// A packet.
    Packet,
    /// After a hole: some byte may begin a packet.
    Lost,
    /// Searched too often.
    GivenUp,
    /// TLS, of which nothing can be read.
    Tunnel,
}

/// What collecting a packet came to.
pub enum Collected {
    /// It is not whole.
    More,
    /// It is.
    Whole(Packet),
    /// Its parts are not numbered one after the other.
    Broken,
}

impl Side {
    pub(super) fn skip(&mut self, input: &mut Input<'_>, length: usize) -> bool {
        self.tally.skip(count(input.advance(length).len()));
        true
    }

    pub(super) fn packet(&mut self, input: &mut Input<'_>) -> Collected {
        let Some(packet) = &mut self.under_way else { return Collected::More };
        while packet.unit.take(input) {
            if !packet.goes_on {
                return self.under_way.take().map_or(Collected::More, Collected::Whole);
            }
            let Some((length, number)) = frame::header(input.rest()) else { return Collected::More };
            if number != packet.last_number.wrapping_add(1) {
                return Collected::Broken;
            }
            input.advance(HEADER_BYTES);
            packet.last_number = number;
            packet.goes_on = length == PACKET_BYTES_MAX;
            packet.unit.go_on(u64::from(length));
        }
        Collected::More
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.pending.memory_bytes()
            + self.inner.memory_bytes()
            + self.under_way.as_ref().map_or(0, |packet| packet.unit.memory_bytes())
            + self.compressed.as_ref().map_or(0, |(_, unit)| unit.memory_bytes())
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
