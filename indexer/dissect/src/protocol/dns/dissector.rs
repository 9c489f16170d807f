//! Pairs DNS queries with their responses, over UDP and over TCP.
//!
//! A response belongs to the oldest query of the same id and the same first question that went the other
//! way. A query that is sent again is an exchange of its own; a response that nobody asked for (mDNS
//! announces) is one without a request.

use std::collections::VecDeque;

use segment::Timestamp;
use segment::time::NANOS_PER_SECOND;
use serde::{Deserialize, Serialize};

use crate::exchange::Message;
use crate::protocol::dns::frame;
use crate::protocol::dns::message::Message as Dns;
use crate::protocol::pending::{Input, Pending};
use crate::protocol::{
    Chunk, Content, DatagramDissector, Direction, Mark, Pair, StreamDissector, Tally, state,
};

/// How long a query waits for its response. Resolvers give up after 5 to 30 seconds (RFC 1035 §7.2 and practice).
const PATIENCE_NS: i64 = 30 * NANOS_PER_SECOND;

/// Most queries that wait in one flow. A resolver that reuses its port for every query has a few hundred.
const WAITING_MAX: usize = 4096;

/// Most bytes that wait in one flow: queries are small, hostile ones need not be.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most times that a stream is searched for a message in vain before the rest of it is given up.
const SEARCHES_MAX: u32 = 64;

/// The protocol state of one flow.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Dissector {
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    to_server: Side,
    to_client: Side,
}

/// A query without its response.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    direction: Direction,
    memory_bytes: usize,
    message: Message,
}

/// One direction of a TCP flow.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Side {
    pending: Pending,
    position: Position,
    /// Bytes that belong to no message.
    tally: Tally,
}

/// What is known of where messages begin in a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum Position {
    /// The next byte begins a message.
    #[default]
    Known,
    /// After a gap: some byte may begin a message; so often one seemed to and did not.
    Lost { failures: u32 },
    /// Searched too often.
    GivenUp,
}

impl Dissector {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Takes one whole message.
    fn message(&mut self, direction: Direction, message: Message, pairs: &mut Vec<Pair>) {
        let Content::Dns(dns) = &message.content else { return };
        if dns.flags.response() {
            let request = self.take_query(direction, dns);
            let request_direction = direction.opposite();
            pairs.push(Pair { request_direction, request, response: Some(message) });
            return;
        }
        let memory_bytes = size_of::<Waiting>() + dns.memory_bytes();
        self.waiting.push_back(Waiting { direction, memory_bytes, message });
        self.waiting_bytes = self.waiting_bytes.saturating_add(memory_bytes);
        while self.waiting.len() > WAITING_MAX || self.waiting_bytes > WAITING_BYTES_MAX {
            self.give_up_oldest(pairs);
        }
    }

    /// The query that `response`, sent in `direction`, answers.
    fn take_query(&mut self, direction: Direction, response: &Dns) -> Option<Message> {
        let index = self.waiting.iter().position(|waiting| {
            waiting.direction != direction
                && matches!(&waiting.message.content, Content::Dns(query) if answers(response, query))
        })?;
        let waiting = self.waiting.remove(index)?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(waiting.memory_bytes);
        Some(waiting.message)
    }

    fn give_up_oldest(&mut self, pairs: &mut Vec<Pair>) {
        if let Some(oldest) = self.waiting.pop_front() {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(oldest.memory_bytes);
            let request_direction = oldest.direction;
            pairs.push(Pair { request_direction, request: Some(oldest.message), response: None });
        }
    }

    fn give_up_all(&mut self, pairs: &mut Vec<Pair>) {
        while !self.waiting.is_empty() {
            self.give_up_oldest(pairs);
        }
    }

    /// Cuts messages out of `input` until it asks for more.
    fn read(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) {
        loop {
            let side = self.side(direction);
            if side.position == Position::GivenUp {
                side.skip(input, usize::MAX);
                return;
            }
            let lost = matches!(side.position, Position::Lost { .. });
            if lost && !frame::may_be_plausible(input.rest()) {
                side.skip(input, 1);
                continue;
            }
            let Some((payload, length)) = frame::stream_frame(input.rest()) else { return };
            if lost && !frame::is_plausible(payload) {
                side.skip(input, 1);
                side.fail();
                continue;
            }
            side.position = Position::Known;
            let first = input.next_mark();
            input.advance(length);
            match read_message(payload, length, first, input.last_mark()) {
                Some(message) => self.message(direction, message, pairs),
                None => {
                    let side = self.side(direction);
                    side.tally.skip(count(length));
                }
            }
        }
    }
}

impl Side {
    fn skip(&mut self, input: &mut Input<'_>, length: usize) {
        self.tally.skip(count(input.advance(length).len()));
    }

    fn fail(&mut self) {
        self.position = match self.position {
            Position::Lost { failures } if failures < SEARCHES_MAX => {
                Position::Lost { failures: failures + 1 }
            }
            _ => Position::GivenUp,
        };
    }
}

impl DatagramDissector for Dissector {
    fn datagram(&mut self, direction: Direction, payload: &[u8], mark: Mark, pairs: &mut Vec<Pair>) {
        if let Some(message) = read_message(payload, payload.len(), mark, mark) {
            self.message(direction, message, pairs);
        }
    }

    fn expire(&mut self, now: Timestamp, pairs: &mut Vec<Pair>) {
        while self.waiting.front().is_some_and(|oldest| now.since(oldest.message.start) > PATIENCE_NS) {
            self.give_up_oldest(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.give_up_all(pairs);
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    fn memory_bytes(&self) -> usize {
        self.waiting_bytes
    }
}

impl StreamDissector for Dissector {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        let mut pending = std::mem::take(&mut self.side(direction).pending);
        match chunk {
            Chunk::Data { bytes, mark } => {
                pending.feed(bytes, mark, |input| self.read(direction, input, pairs))
            }
            Chunk::Gap { length_bytes, .. } => {
                let side = self.side(direction);
                side.position = match side.position {
                    Position::Known => Position::Lost { failures: 0 },
                    lost => lost,
                };
                side.tally.skip(pending.length_bytes());
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
            self.give_up_all(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.give_up_all(pairs);
    }

    fn tally(&self) -> Tally {
        self.to_server.tally.and(self.to_client.tally)
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    fn memory_bytes(&self) -> usize {
        self.waiting_bytes + self.to_server.pending.memory_bytes() + self.to_client.pending.memory_bytes()
    }
}

/// RFC 5452 §9.1: same id and same question. A server that could not read the question sends none back.
fn answers(response: &Dns, query: &Dns) -> bool {
    response.id == query.id
        && match (response.questions.first(), query.questions.first()) {
            (Some(answered), Some(asked)) => {
                answered.name.is_same(&asked.name)
                    && answered.kind == asked.kind
                    && answered.class == asked.class
            }
            _ => true,
        }
}

/// `None` if not even a header is there.
fn read_message(payload: &[u8], wire_length: usize, first: Mark, last: Mark) -> Option<Message> {
    let dns = frame::message(payload).ok()?;
    Some(Message {
        start: first.timestamp,
        end: last.timestamp,
        first: first.packet,
        last: last.packet,
        wire_bytes: count(wire_length),
        gap_bytes: 0,
        truncated: false,
        content: Content::Dns(dns),
    })
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};
    use segment::PacketRef;

    use super::*;

    use Direction::{ToClient, ToServer};

    /// A question for `name.example A IN`, answered by `ttl 9, 127.0.0.1` where it is a response.
    fn dns(id: u16, response: bool, name: &str) -> Vec<u8> {
        let mut bytes = id.to_be_bytes().to_vec();
        bytes.extend([if response { 0x81 } else { 1 }, 0, 0, 1, 0, u8::from(response), 0, 0, 0, 0]);
        bytes.push(u8::try_from(name.len()).unwrap());
        bytes.extend(name.bytes());
        bytes.extend(b"\x07example\x00\x00\x01\x00\x01");
        if response {
            bytes.extend(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x09\x00\x04\x7f\x00\x00\x01");
        }
        bytes
    }

    fn framed(id: u16, response: bool, name: &str) -> Vec<u8> {
        let message = dns(id, response, name);
        [u16::try_from(message.len()).unwrap().to_be_bytes().to_vec(), message].concat()
    }

    fn mark(number: u32) -> Mark {
        Mark {
            timestamp: Timestamp::from_nanos(i64::from(number) * NANOS_PER_SECOND),
            packet: PacketRef { sequence: 0, frame: 1, index: number },
        }
    }

    fn check(pairs: &[Pair], expected: Expect) {
        let describe = |message: &Option<Message>| {
            let Some(message) = message else { return "-".to_owned() };
            let Content::Dns(dns) = &message.content else { unreachable!("DNS only") };
            let name = dns.questions.first().map_or("", |question| question.name.as_str());
            let answers: String = dns.answers.iter().map(|record| format!(" {}", record.data)).collect();
            format!("{:04x} {name}{answers} [{}..{}]", dns.id, message.first.index, message.last.index)
        };
        let mut text = String::new();
        for pair in pairs {
            writeln!(text, "{} → {}", describe(&pair.request), describe(&pair.response)).unwrap();
        }
        expected.assert_eq(&text);
    }

    fn datagrams(steps: &[(Direction, Vec<u8>)]) -> Vec<Pair> {
        let (mut dissector, mut pairs) = (Dissector::new(), Vec::new());
        for (n, (direction, payload)) in (0..).zip(steps) {
            dissector.datagram(*direction, payload, mark(n), &mut pairs);
        }
        DatagramDissector::finish(&mut dissector, &mut pairs);
        pairs
    }

    #[test]
    fn responses_find_their_queries_in_any_order() {
        let pairs = datagrams(&[
            (ToServer, dns(1, false, "a")),
            (ToServer, dns(2, false, "b")),
            (ToClient, dns(2, true, "B")),
            (ToClient, dns(1, true, "a")),
        ]);
        check(
            &pairs,
            expect![[r#"
            0002 b.example [1..1] → 0002 B.example 127.0.0.1 [2..2]
            0001 a.example [0..0] → 0001 a.example 127.0.0.1 [3..3]
        "#]],
        );
    }

    #[test]
    fn repeats_and_strangers_are_kept() {
        let pairs = datagrams(&[
            (ToServer, dns(1, false, "a")),
            (ToServer, dns(1, false, "a")),
            (ToClient, dns(1, true, "a")),
            (ToClient, dns(1, true, "z")),
            (ToServer, dns(7, true, "announced")),
        ]);
        check(
            &pairs,
            expect![[r#"
            0001 a.example [0..0] → 0001 a.example 127.0.0.1 [2..2]
            - → 0001 z.example 127.0.0.1 [3..3]
            - → 0007 announced.example 127.0.0.1 [4..4]
            0001 a.example [1..1] → -
        "#]],
        );
    }

    #[test]
    fn patience_ends() {
        let (mut dissector, mut pairs) = (Dissector::new(), Vec::new());
        dissector.datagram(ToServer, &dns(1, false, "a"), mark(0), &mut pairs);
        dissector.expire(mark(29).timestamp, &mut pairs);
        assert!(pairs.is_empty());
        dissector.expire(mark(31).timestamp, &mut pairs);
        check(
            &pairs,
            expect![[r#"
            0001 a.example [0..0] → -
        "#]],
        );
        assert_eq!(DatagramDissector::memory_bytes(&dissector), 0);
    }

    #[test]
    fn a_gap_in_a_stream_costs_what_it_hid() {
        let (mut dissector, mut pairs) = (Dissector::new(), Vec::new());
        let queries = [framed(1, false, "a"), framed(2, false, "b"), framed(0x5803, false, "c")].concat();
        let lost = framed(4, false, "lost");
        // The gap hides the length of the last but one, as where the two are sent apart.
        let after = [&lost[2..], &framed(5, false, "e")].concat();
        let mut data = |direction, bytes: &[u8], number| {
            dissector.feed(direction, Chunk::Data { bytes, mark: mark(number) }, &mut pairs);
        };
        data(ToServer, &queries[..30], 0);
        data(ToServer, &queries[30..], 1);
        data(ToClient, &[framed(2, true, "b"), framed(1, true, "a")].concat(), 2);
        dissector.feed(ToServer, Chunk::Gap { length_bytes: 2, mark: mark(3) }, &mut pairs);
        dissector.feed(ToServer, Chunk::Data { bytes: &after, mark: mark(3) }, &mut pairs);
        dissector.close(ToClient, &mut pairs);
        check(
            &pairs,
            expect![[r#"
            0002 b.example [0..1] → 0002 b.example 127.0.0.1 [2..2]
            0001 a.example [0..0] → 0001 a.example 127.0.0.1 [2..2]
            5803 c.example [1..1] → -
            0005 e.example [3..3] → -
        "#]],
        );
        assert_eq!(dissector.tally().skipped_bytes, u64::try_from(lost.len()).unwrap() - 2);
    }
}
