//! Reads the records of one TCP flow and puts handshake messages together.
//!
//! Records carry a stream of handshake messages, which begin and end anywhere in them. As soon as a side
//! changes to encryption only its records are counted. A record whose middle was lost is still known to end
//! where its header says; a record that begins in a gap is searched for, and believed with the next one.

use serde::{Deserialize, Serialize};

use super::assembly::Assembly;
use super::conversation::{Conversation, Place, Unit};
use super::handshake;
use super::message::{Alert, Carrier};
use super::record::{self, Kind};
use super::sslv2;
use crate::protocol::pending::{Input, Pending};
use crate::protocol::{Chunk, Direction, Mark, Pair, StreamDissector, Tally, state};

/// Most times that a stream is searched for a record in vain before the rest of it is given up.
const SEARCHES_MAX: u32 = 256;

/// The protocol state of one flow.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Dissector {
    conversation: Conversation,
    to_server: Side,
    to_client: Side,
}

/// What one side sent encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Encrypted {
    /// Records, handshake messages among them.
    pub records: u64,
    /// Bytes in them, as far as they were seen.
    pub bytes: u64,
}

/// One direction.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Side {
    pending: Pending,
    position: Position,
    /// The record under way.
    record: Option<Open>,
    assembly: Assembly,
    /// An alert under way.
    alert: Vec<u8>,
    /// Whether ChangeCipherSpec was seen: below TLS 1.3 no handshake is readable any more.
    is_encrypted: bool,
    encrypted: Encrypted,
    tally: Tally,
}

/// What is known of where records begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum Position {
    /// Nothing was read yet: an SSL 2.0 hello may come.
    #[default]
    First,
    /// The next byte begins a record.
    Known,
    /// Some byte may begin a record; so often one seemed to and did not.
    Lost { failures: u32 },
    /// Searched too often.
    GivenUp,
}

/// A record whose content is being read.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Open {
    kind: Kind,
    length: usize,
    rest: usize,
    /// Where its header began.
    at: u64,
    first: Mark,
}

impl Dissector {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self { conversation: Conversation::new(Carrier::Stream), ..Self::default() }
    }

    /// What `direction` sent encrypted.
    #[must_use]
    pub fn encrypted(&self, direction: Direction) -> Encrypted {
        match direction {
            Direction::ToServer => self.to_server.encrypted,
            Direction::ToClient => self.to_client.encrypted,
        }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Reads records until more bytes are needed.
    fn read(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) {
        loop {
            match self.side(direction).record {
                None => {
                    if !self.next_record(direction, input, pairs) {
                        return;
                    }
                }
                Some(open) if open.rest == 0 => self.end_record(direction, open, pairs),
                Some(_) if input.rest().is_empty() => return,
                Some(open) => self.content(direction, open, input, pairs),
            }
        }
    }

    /// Finds the next record; false if more bytes are needed.
    fn next_record(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) -> bool {
        let side = self.side(direction);
        match side.position {
            Position::GivenUp => {
                side.skip(input, usize::MAX);
                return false;
            }
            Position::First if direction == Direction::ToServer => {
                let (first, at) = (input.next_mark(), input.at());
                match sslv2::client_hello(input.rest()) {
                    sslv2::First::More => return false,
                    sslv2::First::Other => {}
                    sslv2::First::Hello(hello, length) => {
                        side.position = Position::Known;
                        input.advance(length);
                        let place = Place { first, last: input.last_mark(), wire_bytes: input.at() - at };
                        let unit =
                            Unit { kind: handshake::kind::CLIENT_HELLO, body: &[], is_cut: false, place };
                        self.conversation.begin(*hello, &unit, pairs);
                        return true;
                    }
                }
            }
            Position::First | Position::Known => {}
            Position::Lost { .. } => match begins_record(direction, input.rest()) {
                None => return false,
                Some(true) => side.position = Position::Known,
                Some(false) => {
                    side.search(input);
                    return true;
                }
            },
        }
        let (first, at) = (input.next_mark(), input.at());
        match record::header(input.rest()) {
            Ok(None) => return false,
            Err(record::Malformed) => side.lose(),
            Ok(Some((header, length))) => {
                side.position = Position::Known;
                input.advance(length);
                let open = Open { kind: header.kind, length: header.length, rest: header.length, at, first };
                side.record = Some(open);
                side.assembly.skips_record = false;
            }
        }
        true
    }

    /// Takes what there is of a record's content.
    fn content(&mut self, direction: Direction, open: Open, input: &mut Input<'_>, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        let is_start = open.rest == open.length;
        let available = open.rest.min(input.rest().len());
        let taken = match open.kind {
            Kind::Handshake => self.handshake(direction, open, available, input, pairs),
            // RFC 8446 §6: two bytes; an encrypted one is longer.
            Kind::Alert if open.length == 2 => {
                let part = input.advance(available);
                side.alert.extend_from_slice(part);
                part.len()
            }
            Kind::ChangeCipherSpec => input.advance(available).len(),
            _ => {
                side.tally.tunnel(count(available));
                side.encrypted.bytes = side.encrypted.bytes.saturating_add(count(available));
                if is_start && open.kind == Kind::ApplicationData {
                    self.conversation.hidden(direction, pairs);
                }
                input.advance(available).len()
            }
        };
        if let Some(open) = &mut self.side(direction).record {
            open.rest = open.rest.saturating_sub(taken);
        }
        if open.kind == Kind::Alert && open.length == 2 && open.rest == taken {
            self.alert(direction, open, input.last_mark(), input.at(), pairs);
        }
    }

    /// Takes handshake bytes up to the end of the message or of the record.
    fn handshake(
        &mut self,
        direction: Direction,
        open: Open,
        available: usize,
        input: &mut Input<'_>,
        pairs: &mut Vec<Pair>,
    ) -> usize {
        let side = self.side(direction);
        let assembly = &mut side.assembly;
        if assembly.skips_record {
            side.leave_out(available);
            return input.advance(available).len();
        }
        if assembly.start.is_none() {
            let is_start = open.rest == open.length;
            assembly.start =
                Some(if is_start { (open.at, open.first) } else { (input.at(), input.next_mark()) });
        }
        let wanted = assembly.wanted();
        let part = input.advance(wanted.min(available));
        assembly.take(part);
        let is_believed = assembly.is_believed(side.is_encrypted);
        if assembly.taken == handshake::HEADER_BYTES && !is_believed {
            side.disbelieve();
            return part.len();
        }
        if assembly.wanted() > 0 {
            return part.len();
        }
        let assembly = std::mem::take(assembly);
        let place = assembly.place(input.last_mark(), input.at());
        let is_taken =
            assembly.unit(place).is_some_and(|unit| self.conversation.unit(direction, &unit, pairs));
        if !is_taken {
            let side = self.side(direction);
            side.leave_out(assembly.taken);
            side.disbelieve();
        }
        part.len()
    }

    fn alert(&mut self, direction: Direction, open: Open, last: Mark, end: u64, pairs: &mut Vec<Pair>) {
        let alert = std::mem::take(&mut self.side(direction).alert);
        if let [level @ (1 | 2), description] = *alert {
            let place = Place { first: open.first, last, wire_bytes: end.saturating_sub(open.at) };
            let alert = Alert { carrier: Carrier::Stream, level, description };
            self.conversation.alert(direction, alert, place, pairs);
        }
    }

    fn end_record(&mut self, direction: Direction, open: Open, pairs: &mut Vec<Pair>) {
        let hides_the_rest = self.conversation.hides_the_rest();
        let side = self.side(direction);
        side.record = None;
        let is_hidden = match open.kind {
            Kind::ApplicationData | Kind::Heartbeat => true,
            Kind::Handshake => side.is_encrypted && side.assembly.skips_record,
            Kind::Alert => open.length != 2,
            Kind::ChangeCipherSpec => false,
        };
        if is_hidden {
            side.encrypted.records = side.encrypted.records.saturating_add(1);
        }
        // RFC 8446 §D.4: in TLS 1.3 it means nothing, and a second ClientHello may follow it.
        if open.kind == Kind::ChangeCipherSpec && !hides_the_rest {
            side.is_encrypted = true;
            side.drop_parts();
            self.conversation.hidden(direction, pairs);
        }
    }
}

impl Side {
    fn skip(&mut self, input: &mut Input<'_>, length: usize) {
        self.tally.skip(count(input.advance(length).len()));
    }

    /// Skips to the next byte that may begin a record.
    fn search(&mut self, input: &mut Input<'_>) {
        let rest = input.rest();
        if matches!(record::header(rest), Ok(Some(_))) {
            self.position = match self.position {
                Position::Lost { failures } if failures < SEARCHES_MAX => {
                    Position::Lost { failures: failures + 1 }
                }
                _ => Position::GivenUp,
            };
        }
        let may_begin = |&at: &usize| rest.get(at..).is_some_and(|rest| record::header(rest).is_ok());
        let next = (1..rest.len()).find(may_begin).unwrap_or(rest.len());
        self.skip(input, next);
    }

    /// Where records begin is not known any more.
    fn lose(&mut self) {
        if !matches!(self.position, Position::GivenUp | Position::Lost { .. }) {
            self.position = Position::Lost { failures: 0 };
        }
        self.record = None;
        self.drop_parts();
    }

    /// Handshake bytes of which nothing is made.
    fn leave_out(&mut self, length: usize) {
        if self.is_encrypted {
            self.tally.tunnel(count(length));
            self.encrypted.bytes = self.encrypted.bytes.saturating_add(count(length));
        } else {
            self.tally.skip(count(length));
        }
    }

    /// What was put together so far lacks a part.
    fn drop_parts(&mut self) {
        self.tally.skip(count(self.assembly.taken + self.alert.len()));
        self.alert.clear();
        self.assembly = Assembly { is_lost: true, skips_record: true, ..Assembly::default() };
    }

    /// The handshake bytes of this record are none.
    fn disbelieve(&mut self) {
        self.leave_out(self.assembly.taken);
        self.assembly = Assembly { is_lost: true, skips_record: true, ..Assembly::default() };
    }

    /// Bytes were never seen; 0 is an unknown number of them.
    fn gap(&mut self, length_bytes: u64) {
        match &mut self.record {
            Some(open) if length_bytes > 0 && length_bytes <= count(open.rest) => {
                open.rest = open.rest.saturating_sub(usize::try_from(length_bytes).unwrap_or(usize::MAX));
                self.drop_parts();
            }
            _ => self.lose(),
        }
    }

    fn memory_bytes(&self) -> usize {
        self.pending.memory_bytes() + self.assembly.bytes.capacity()
    }
}

impl StreamDissector for Dissector {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        let mut pending = std::mem::take(&mut self.side(direction).pending);
        match chunk {
            Chunk::Data { bytes, mark } => {
                pending.feed(bytes, mark, |input| self.read(direction, input, pairs));
            }
            Chunk::Gap { length_bytes, .. } => {
                self.conversation.gap(direction, length_bytes);
                let side = self.side(direction);
                side.tally.skip(pending.length_bytes());
                side.gap(length_bytes);
                pending.skip(length_bytes);
            }
        }
        self.side(direction).pending = pending;
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        side.tally.skip(side.pending.length_bytes());
        side.pending.skip(0);
        if direction == Direction::ToClient {
            self.conversation.leave(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.conversation.leave(pairs);
    }

    fn tally(&self) -> Tally {
        self.to_server.tally.and(self.to_client.tally)
    }

    fn memory_bytes(&self) -> usize {
        self.conversation.memory_bytes() + self.to_server.memory_bytes() + self.to_client.memory_bytes()
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }
}

/// Whether a record begins here, where none is expected; `None` asks for more bytes.
fn begins_record(direction: Direction, input: &[u8]) -> Option<bool> {
    if record::begins_hello(direction, input)? {
        return Some(true);
    }
    record::two_in_a_row(input)
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
