//! Cuts both streams of a connection into packets, and finds the way again after a hole.
//!
//! Numbers make most mistakes show: each command begins at 0, and each packet of either side has the number
//! after the one before. After a hole a stream is searched for number 0, or for number 1 of an answer, in
//! packets that are sound to their end. What waited is not paired any more; the next command is, because MySQL's
//! clients take turns with the server, unless this one was seen not to.

use serde::{Deserialize, Serialize};

use crate::protocol::content_encoding;
use crate::protocol::cursor::Cursor;
use crate::protocol::mysql::client::Conversation;
use crate::protocol::mysql::frame::{self, COMPRESSED_HEADER_BYTES, HEADER_BYTES, PACKET_BYTES_MAX, Sound};
use crate::protocol::mysql::message::Command;
use crate::protocol::mysql::open::Place;
use crate::protocol::mysql::server::Told;
use crate::protocol::mysql::side::{Collected, Packet, Position, Side};
use crate::protocol::mysql::wire;
use crate::protocol::pending::{Input, Pending};
use crate::protocol::unit::Unit;
use crate::protocol::{Chunk, Direction, Handover, Held, Mark, Next, Pair, StreamDissector, Tally, state};

/// Most bytes kept of a packet that holds no row.
const PACKET_KEPT_MAX: usize = 128 * 1024;
/// Most bytes kept of a compressed packet.
const COMPRESSED_KEPT_MAX: usize = 2 * 1024 * 1024;
/// Most times that the start of a packet turned out to be none before the rest of a stream is given up.
const SEARCHES_MAX: u32 = 64;

/// The protocol state of one connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dissector {
    conversation: Conversation,
    to_server: Side,
    to_client: Side,
    coding: Coding,
    decoded_bytes_max: usize,
    handover: Option<Vec<Held>>,
}

/// How packets are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Coding {
    Plain,
    Zlib,
    Zstd,
}

impl Dissector {
    /// Nothing seen yet; so many bytes are kept of rows and files, so many are decompressed at once.
    #[must_use]
    pub fn new(body_bytes_max: usize, decoded_bytes_max: usize) -> Self {
        Self {
            conversation: Conversation { body_bytes_max, ..Conversation::default() },
            to_server: Side::default(),
            to_client: Side::default(),
            coding: Coding::Plain,
            decoded_bytes_max,
            handover: None,
        }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Takes bytes as they are on the wire: packets, or packets in compressed packets.
    fn take(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) {
        if self.coding == Coding::Plain {
            self.read(direction, input, pairs);
        }
        if self.coding != Coding::Plain {
            while self.read_compressed(direction, input, pairs) {}
        }
    }

    /// Cuts packets out of `input` until it asks for more, or until what follows is compressed.
    fn read(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) {
        let coding = self.coding;
        while self.coding == coding {
            let side = self.side(direction);
            if side.under_way.is_some() {
                match side.packet(input) {
                    Collected::More => return,
                    Collected::Whole(packet) => self.packet(direction, &packet, input, pairs),
                    Collected::Broken => self.lose(direction, pairs),
                }
                continue;
            }
            if input.rest().is_empty() {
                return;
            }
            let goes_on = match side.position {
                Position::Opening | Position::Packet => self.read_header(direction, input),
                Position::Lost => self.search(direction, input),
                Position::GivenUp => side.skip(input, usize::MAX),
                Position::Tunnel => {
                    side.tally.tunnel(count(input.advance(usize::MAX).len()));
                    true
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    fn read_header(&mut self, direction: Direction, input: &mut Input<'_>) -> bool {
        let Some((length, number)) = frame::header(input.rest()) else { return false };
        let kept_bytes_max = self.conversation.body_bytes_max.max(PACKET_KEPT_MAX);
        let first = input.next_mark();
        input.advance(HEADER_BYTES);
        let unit = Unit::new(first, input.last_mark(), u64::from(length), kept_bytes_max);
        let goes_on = length == PACKET_BYTES_MAX;
        let packet = Packet { first_number: number, last_number: number, goes_on, unit };
        self.side(direction).under_way = Some(packet);
        true
    }

    /// Takes a whole packet.
    fn packet(
        &mut self,
        direction: Direction,
        packet: &Packet,
        input: &mut Input<'_>,
        pairs: &mut Vec<Pair>,
    ) {
        let is_opening = self.side(direction).position == Position::Opening;
        let unit = &packet.unit;
        let is_taken = match (direction, is_opening) {
            (Direction::ToClient, true) => self.greeting(packet, pairs),
            (Direction::ToServer, true) => match self.conversation.login(unit, packet.last_number, pairs) {
                Some(true) => {
                    self.hand_over(input);
                    true
                }
                Some(false) => {
                    self.to_server.position = Position::Packet;
                    true
                }
                None => false,
            },
            (Direction::ToServer, false) if unit.gap_bytes > 0 => false,
            (Direction::ToServer, false) if packet.first_number == 0 && unit.length_bytes > 0 => {
                let is_known = unit.kept.first().is_some_and(|byte| Command(*byte).is_known());
                // What is no command is answered by an error.
                if is_known || unit.length_bytes == 1 {
                    self.conversation.command(unit, packet.last_number, pairs);
                }
                is_known || unit.length_bytes == 1
            }
            (Direction::ToServer, false) => self.conversation.continuation(unit, packet.last_number),
            (Direction::ToClient, false) => self.answer(packet, pairs),
        };
        if !is_taken {
            let side = self.side(direction);
            side.tally.skip(unit.seen_bytes().saturating_add(count(HEADER_BYTES)));
            self.lose(direction, pairs);
        }
    }

    /// Takes the server's first packet: the greeting, or the reason why there is none.
    fn greeting(&mut self, packet: &Packet, pairs: &mut Vec<Pair>) -> bool {
        self.to_client.position = Position::Packet;
        match wire::greeting(&packet.unit.kept) {
            Some(greeting) => {
                self.conversation.greeting = Some((Place::of(&packet.unit), greeting));
                true
            }
            None => packet.unit.kept.first() == Some(&0xff) && self.answer(packet, pairs),
        }
    }

    fn answer(&mut self, packet: &Packet, pairs: &mut Vec<Pair>) -> bool {
        match self.conversation.server(&packet.unit, packet.first_number, packet.last_number, pairs) {
            Ok(Told::More) => true,
            Ok(Told::LoggedIn) => {
                let both = self.conversation.capabilities.unwrap_or_default();
                if both & wire::ZSTD != 0 {
                    self.coding = Coding::Zstd;
                }
                if both & wire::COMPRESS != 0 {
                    self.coding = Coding::Zlib;
                }
                true
            }
            Err(_) => false,
        }
    }

    /// Takes a compressed packet; `false` asks for more.
    fn read_compressed(
        &mut self,
        direction: Direction,
        input: &mut Input<'_>,
        pairs: &mut Vec<Pair>,
    ) -> bool {
        let side = self.side(direction);
        if matches!(side.position, Position::GivenUp) {
            side.skip(input, usize::MAX);
            return false;
        }
        let Some((length, mut unit)) = side.compressed.take() else {
            if input.rest().len() < COMPRESSED_HEADER_BYTES {
                return false;
            }
            let first = input.next_mark();
            let mut header = Cursor::new(input.advance(COMPRESSED_HEADER_BYTES));
            let (Some(packed), Some(_number), Some(unpacked)) =
                (header.u24_le(), header.byte(), header.u24_le())
            else {
                return false;
            };
            let unit = Unit::new(first, input.last_mark(), u64::from(packed), COMPRESSED_KEPT_MAX);
            side.compressed = Some((unpacked, unit));
            return true;
        };
        if !unit.take(input) {
            side.compressed = Some((length, unit));
            return false;
        }
        let mut inner = std::mem::take(&mut side.inner);
        match self.unpack(length, &unit) {
            Some(bytes) => inner.feed(&bytes, unit.last, |input| self.read(direction, input, pairs)),
            None => {
                let side = self.side(direction);
                side.tally.skip(unit.seen_bytes().saturating_add(inner.length_bytes()));
                inner.skip(0);
                self.lose(direction, pairs);
            }
        }
        self.side(direction).inner = inner;
        true
    }

    /// What is in a compressed packet; `None` if it can't be had.
    fn unpack(&self, length: u32, unit: &Unit) -> Option<Vec<u8>> {
        if unit.gap_bytes > 0 || unit.is_cut() {
            return None;
        }
        if length == 0 {
            // Too short to be worth it.
            return Some(unit.kept.clone());
        }
        let length = usize::try_from(length).ok().filter(|length| *length <= self.decoded_bytes_max)?;
        let coding: &[u8] = if self.coding == Coding::Zstd { b"zstd" } else { b"deflate" };
        let decoded = content_encoding::decode(&[coding], &unit.kept, length);
        (decoded.bytes.len() == length && decoded.error.is_none()).then_some(decoded.bytes)
    }

    /// TLS follows: what came already goes to whoever takes over.
    fn hand_over(&mut self, input: &mut Input<'_>) {
        self.to_client.position = Position::Tunnel;
        self.to_server.position = Position::Tunnel;
        let mut held = Vec::new();
        let mark = input.next_mark();
        let bytes: Box<[u8]> = input.advance(usize::MAX).into();
        if !bytes.is_empty() {
            held.push(Held { direction: Direction::ToServer, bytes, mark });
        }
        self.handover = Some(held);
    }

    /// Looks for the start of a command or an answer.
    fn search(&mut self, direction: Direction, input: &mut Input<'_>) -> bool {
        loop {
            let side = self.side(direction);
            if input.rest().is_empty() {
                return false;
            }
            match frame::sound(direction, input.rest()) {
                Sound::Yes => {
                    side.position = Position::Packet;
                    return true;
                }
                Sound::More => return false,
                Sound::No => {
                    side.skip(input, 1);
                }
            }
        }
    }

    /// The place in a stream is lost.
    fn lose(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        side.failures = side.failures.saturating_add(1);
        side.position = if side.failures > SEARCHES_MAX { Position::GivenUp } else { Position::Lost };
        if let Some(packet) = side.under_way.take() {
            side.tally.skip(packet.unit.seen_bytes().saturating_add(count(HEADER_BYTES)));
        }
        self.conversation.is_uncertain = true;
        if direction == Direction::ToClient {
            let dropped = self.conversation.give_up(pairs);
            self.to_client.tally.skip(dropped);
        } else {
            self.conversation.statements.forget_types();
        }
    }

    fn gap(&mut self, direction: Direction, length_bytes: u64, mark: Mark, pairs: &mut Vec<Pair>) {
        let is_plain = self.coding == Coding::Plain;
        let side = self.side(direction);
        if matches!(side.position, Position::Tunnel | Position::GivenUp) {
            return;
        }
        if is_plain {
            if let Some(packet) = &mut side.under_way
                && packet.unit.take_gap(length_bytes, mark)
            {
                return;
            }
        } else if let Some((_, unit)) = &mut side.compressed
            && unit.take_gap(length_bytes, mark)
        {
            return;
        }
        let failures = side.failures;
        self.lose(direction, pairs);
        let side = self.side(direction);
        // A hole is nobody's failure. Compressed packets have nothing that one could search for.
        side.failures = failures;
        side.position = if is_plain { Position::Lost } else { Position::GivenUp };
        side.compressed = None;
        side.inner = Pending::default();
    }
}

impl StreamDissector for Dissector {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        let mut pending = std::mem::take(&mut self.side(direction).pending);
        match chunk {
            Chunk::Data { bytes, mark } => {
                pending.feed(bytes, mark, |input| self.take(direction, input, pairs));
            }
            Chunk::Gap { length_bytes, mark } => {
                self.side(direction).tally.skip(pending.length_bytes());
                pending.skip(length_bytes);
                self.gap(direction, length_bytes, mark, pairs);
            }
        }
        self.side(direction).pending = pending;
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        side.tally.skip(side.pending.length_bytes());
        side.pending.skip(0);
        if let Some(packet) = side.under_way.take() {
            side.tally.skip(packet.unit.seen_bytes().saturating_add(count(HEADER_BYTES)));
        }
        if direction == Direction::ToClient {
            self.conversation.finish(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.conversation.finish(pairs);
    }

    fn tally(&self) -> Tally {
        self.to_server.tally.and(self.to_client.tally)
    }

    fn memory_bytes(&self) -> usize {
        let held: usize = self.handover.iter().flatten().map(|held| held.bytes.len()).sum();
        self.conversation.memory_bytes()
            + self.to_server.memory_bytes()
            + self.to_client.memory_bytes()
            + held
    }

    fn handover(&mut self) -> Option<Handover> {
        self.handover.take().map(|held| Handover { next: Next::Recognise, held })
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
