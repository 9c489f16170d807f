//! Cuts both streams of a connection into messages, and finds the way again after a hole.
//!
//! After a hole the server's side is searched for a ReadyForQuery, which is the same six bytes always and ends
//! whatever the hole cut; the client's side for a message that is sound to its end. See [`Order`](super::order)
//! for what a hole does to pairing.

use serde::{Deserialize, Serialize};

use crate::protocol::pending::{Input, Pending};
use crate::protocol::postgres::client::{Conversation, Opened};
use crate::protocol::postgres::frame::{self, HEADER_BYTES, Header, Sound};
use crate::protocol::postgres::message::Operation;
use crate::protocol::unit::Unit;
use crate::protocol::{Chunk, Direction, Handover, Held, Mark, Next, Pair, StreamDissector, Tally, state};

/// Most bytes kept of a message that holds no values.
const FRAME_BYTES_MAX: usize = 256 * 1024;
/// Most times that the start of a message turned out to be none before the rest of a stream is given up.
const SEARCHES_MAX: u32 = 64;
/// Most bytes of the client held while the server has not said whether it encrypts.
const HELD_BYTES_MAX: u64 = 64 * 1024;

/// The protocol state of one connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dissector {
    conversation: Conversation,
    to_server: Side,
    to_client: Side,
    handover: Option<Vec<Held>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Side {
    pending: Pending,
    position: Position,
    under_way: Option<(u8, Unit)>,
    failures: u32,
    tally: Tally,
}

/// What the next byte of a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum Position {
    /// The first message of a client, which has no type.
    #[default]
    Opening,
    /// A message.
    Message,
    /// The server's one byte that says whether it encrypts; the client's bytes wait for it.
    Encryption,
    /// After a hole: some byte may begin a message.
    Lost,
    /// Searched too often.
    GivenUp,
    /// Nothing that can be read.
    Tunnel,
}

impl Dissector {
    /// Nothing seen yet; so many bytes are kept of rows, of copied data, of parameters.
    #[must_use]
    pub fn new(body_bytes_max: usize) -> Self {
        let conversation = Conversation { body_bytes_max, ..Conversation::default() };
        let to_client = Side { position: Position::Message, ..Side::default() };
        Self { conversation, to_server: Side::default(), to_client, handover: None }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Cuts messages out of `input` until it asks for more.
    fn read(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) {
        while !input.rest().is_empty() {
            let side = self.side(direction);
            if side.under_way.is_some() {
                if !self.go_on(direction, input, pairs) {
                    return;
                }
                continue;
            }
            let goes_on = match (side.position, direction) {
                (Position::Opening, _) => self.read_opening(input, pairs),
                (Position::Message, _) => self.read_header(direction, input, pairs),
                (Position::Encryption, Direction::ToClient) => self.read_encryption(input, pairs),
                (Position::Encryption, Direction::ToServer) => {
                    if count(input.rest().len()) > HELD_BYTES_MAX {
                        side.position = Position::Tunnel;
                    }
                    count(input.rest().len()) > HELD_BYTES_MAX
                }
                (Position::Lost, _) => self.search(direction, input, pairs),
                (Position::GivenUp, _) => side.skip(input, usize::MAX),
                (Position::Tunnel, _) => {
                    side.tally.tunnel(count(input.advance(usize::MAX).len()));
                    true
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Collects the message under way; whether it is whole, and was taken.
    fn go_on(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) -> bool {
        let Some((kind, unit)) = &mut self.side(direction).under_way else { return true };
        let kind = *kind;
        if !unit.take(input) {
            return false;
        }
        let Some((_, unit)) = self.side(direction).under_way.take() else { return true };
        self.take(direction, kind, &unit, pairs);
        true
    }

    fn take(&mut self, direction: Direction, kind: u8, unit: &Unit, pairs: &mut Vec<Pair>) {
        if unit.gap_bytes > 0 && !matches!(kind, b'D' | b'd') {
            // What it said is not known.
            self.side(direction).tally.skip(unit.seen_bytes().saturating_add(5));
            self.uncertain(direction, pairs);
            return;
        }
        match direction {
            Direction::ToServer => {
                if !self.conversation.client(kind, unit, pairs) {
                    self.to_server.tally.skip(unit.seen_bytes().saturating_add(5));
                }
            }
            Direction::ToClient => {
                if self.conversation.server(kind, unit, pairs).is_err() {
                    self.to_client.tally.skip(unit.seen_bytes().saturating_add(5));
                    self.uncertain(direction, pairs);
                }
            }
        }
    }

    fn read_header(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) -> bool {
        match frame::header(direction, input.rest()) {
            Ok(None) => false,
            Ok(Some(header)) => {
                let first = input.next_mark();
                input.advance(HEADER_BYTES);
                let kept_bytes_max = self.kept_bytes_max(direction, header);
                let length_bytes = u64::from(header.body_bytes);
                let unit = Unit::new(first, input.last_mark(), length_bytes, kept_bytes_max);
                if length_bytes == 0 {
                    self.take(direction, header.kind, &unit, pairs);
                } else {
                    self.side(direction).under_way = Some((header.kind, unit));
                }
                true
            }
            Err(frame::Malformed) => {
                self.lose(direction, pairs);
                self.side(direction).skip(input, 1)
            }
        }
    }

    fn kept_bytes_max(&self, direction: Direction, header: Header) -> usize {
        match (direction, header.kind) {
            (Direction::ToServer, b'B' | b'F' | b'd') | (Direction::ToClient, b'D' | b'd') => {
                self.conversation.body_bytes_max
            }
            _ => FRAME_BYTES_MAX,
        }
    }

    /// The first message of a client: a length, and a version or a code.
    fn read_opening(&mut self, input: &mut Input<'_>, pairs: &mut Vec<Pair>) -> bool {
        let Some((length, _)) = input.rest().split_first_chunk::<4>() else { return false };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        if !(frame::OPENING_BYTES..=frame::STARTUP_BYTES_MAX).contains(&length) {
            self.lose(Direction::ToServer, pairs);
            return true;
        }
        if input.rest().len() < length {
            return false;
        }
        let first = input.next_mark();
        input.advance(4);
        let mut unit = Unit::new(first, input.last_mark(), count(length - 4), length);
        unit.take(input);
        match self.conversation.opening(&unit, 4, pairs) {
            Opened::Session => self.to_server.position = Position::Message,
            Opened::Cancel => self.to_server.position = Position::GivenUp,
            Opened::Encryption => {
                self.to_server.position = Position::Encryption;
                self.to_client.position = Position::Encryption;
            }
        }
        true
    }

    /// The server's byte: `S` or `G` means that everything behind it is encrypted, `N` that nothing is.
    fn read_encryption(&mut self, input: &mut Input<'_>, pairs: &mut Vec<Pair>) -> bool {
        let Some(&byte) = input.rest().first() else { return false };
        if byte == b'E' {
            // A server of old that doesn't know the question; or one that lets nobody in.
            self.to_client.position = Position::Message;
            self.to_server.position = Position::Opening;
            return true;
        }
        let first = input.next_mark();
        input.advance(1);
        let unit = Unit::new(first, first, 0, 0);
        let asked = self.conversation.encryption(char::from(byte), &unit, pairs);
        match (byte, asked) {
            (b'N', Some(_)) => {
                self.to_client.position = Position::Message;
                self.to_server.position = Position::Opening;
                let mut pending = std::mem::take(&mut self.to_server.pending);
                pending.feed(&[], first, |input| self.read(Direction::ToServer, input, pairs));
                self.to_server.pending = pending;
            }
            (b'S', Some(Operation::SslRequest)) => self.hand_over(input),
            (b'G' | b'S', Some(_)) => {
                self.to_client.position = Position::Tunnel;
                self.to_server.position = Position::Tunnel;
            }
            _ => {
                self.lose(Direction::ToClient, pairs);
                self.lose(Direction::ToServer, pairs);
            }
        }
        true
    }

    /// TLS follows: what came already goes to whoever takes over.
    fn hand_over(&mut self, input: &mut Input<'_>) {
        self.to_client.position = Position::Tunnel;
        self.to_server.position = Position::Tunnel;
        let mut held = Vec::new();
        let mark = input.next_mark();
        let bytes: Box<[u8]> = input.advance(usize::MAX).into();
        self.to_server.pending.drain(|input| {
            let mark = input.next_mark();
            let bytes = input.advance(usize::MAX).into();
            held.push(Held { direction: Direction::ToServer, bytes, mark });
        });
        if !bytes.is_empty() {
            held.push(Held { direction: Direction::ToClient, bytes, mark });
        }
        self.handover = Some(held);
    }

    /// Looks for the start of a message.
    fn search(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) -> bool {
        loop {
            if self.side(direction).position == Position::GivenUp {
                return true;
            }
            let kinds: &[u8] = if direction == Direction::ToServer { b"QPS" } else { b"Z" };
            let rest = input.rest();
            let next = rest.iter().position(|byte| kinds.contains(byte)).unwrap_or(rest.len());
            self.side(direction).skip(input, next);
            if input.rest().is_empty() {
                return false;
            }
            match frame::sound(direction, input.rest()) {
                Sound::Yes => {
                    self.side(direction).position = Position::Message;
                    if direction == Direction::ToClient {
                        // What was asked meanwhile may have been answered in what was searched.
                        self.conversation.order.give_up(pairs);
                    }
                    return true;
                }
                Sound::More => return false,
                Sound::No => {
                    self.side(direction).skip(input, 1);
                }
            }
        }
    }

    /// The place in a stream is lost.
    fn lose(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        side.failures = side.failures.saturating_add(1);
        side.position = if side.failures > SEARCHES_MAX { Position::GivenUp } else { Position::Lost };
        if let Some((_, unit)) = side.under_way.take() {
            side.tally.skip(unit.seen_bytes().saturating_add(5));
        }
        self.uncertain(direction, pairs);
    }

    /// Something of one side is not known.
    fn uncertain(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let dropped = match direction {
            Direction::ToServer => {
                self.conversation.session.forget_bound();
                self.conversation.is_headless = true;
                self.conversation.order.client_gap()
            }
            Direction::ToClient => self.conversation.order.give_up(pairs),
        };
        self.side(direction).tally.skip(dropped);
    }

    fn gap(&mut self, direction: Direction, length_bytes: u64, mark: Mark, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        match side.position {
            Position::Tunnel | Position::GivenUp => return,
            Position::Message => {
                if let Some((_, unit)) = &mut side.under_way
                    && unit.take_gap(length_bytes, mark)
                {
                    return;
                }
            }
            Position::Opening | Position::Encryption | Position::Lost => {}
        }
        let failures = side.failures;
        let was_encryption = side.position == Position::Encryption;
        self.lose(direction, pairs);
        // A hole is nobody's failure.
        self.side(direction).failures = failures;
        self.side(direction).position = Position::Lost;
        if was_encryption {
            // Whether the server encrypts is not known: nothing can be read any more.
            self.to_server.position = Position::GivenUp;
            self.to_client.position = Position::GivenUp;
        }
    }
}

impl Side {
    fn skip(&mut self, input: &mut Input<'_>, length: usize) -> bool {
        self.tally.skip(count(input.advance(length).len()));
        true
    }
}

impl StreamDissector for Dissector {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        let mut pending = std::mem::take(&mut self.side(direction).pending);
        match chunk {
            Chunk::Data { bytes, mark } => {
                pending.feed(bytes, mark, |input| self.read(direction, input, pairs));
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
        if let Some((_, unit)) = side.under_way.take() {
            side.tally.skip(unit.seen_bytes().saturating_add(5));
        }
        if direction == Direction::ToClient {
            self.conversation.order.finish(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.conversation.order.finish(pairs);
    }

    fn tally(&self) -> Tally {
        self.to_server.tally.and(self.to_client.tally)
    }

    fn memory_bytes(&self) -> usize {
        let side = |side: &Side| {
            side.pending.memory_bytes() + side.under_way.as_ref().map_or(0, |(_, unit)| unit.memory_bytes())
        };
        let held: usize = self.handover.iter().flatten().map(|held| held.bytes.len()).sum();
        self.conversation.memory_bytes() + side(&self.to_server) + side(&self.to_client) + held
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
