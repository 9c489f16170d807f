//! Pairs MongoDB's requests and responses by their numbers.
//!
//! A response repeats the number of its request, so that neither holes nor pipelining make pairs uncertain. After
//! a hole a stream is searched for a header with what must follow it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::exchange::Message;
use crate::protocol::mongodb::frame::{self, HEADER_BYTES, Header};
use crate::protocol::mongodb::message::{Opcode, Request};
use crate::protocol::mongodb::wire;
use crate::protocol::pending::{Input, Pending};
use crate::protocol::unit::Unit;
use crate::protocol::{Chunk, Content, Direction, Mark, Pair, Probe, StreamDissector, Tally, state};

/// Most requests that wait on one connection. Drivers use a connection for one request at a time.
const WAITING_MAX: usize = 1024;
/// Most bytes of them.
const WAITING_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most times that the start of a message turned out to be none before the rest of a stream is given up.
const SEARCHES_MAX: u32 = 64;

/// The protocol state of one connection.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Dissector {
    to_server: Side,
    to_client: Side,
    waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// The number that the next answer of a stream of answers will be to.
    streamed: Option<u32>,
    body_bytes_max: usize,
    decoded_bytes_max: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    request_id: u32,
    memory_bytes: usize,
    message: Message,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Side {
    pending: Pending,
    position: Position,
    under_way: Option<Whole>,
    failures: u32,
    tally: Tally,
}

/// A message under way.
#[derive(Debug, Serialize, Deserialize)]
struct Whole {
    request_id: u32,
    response_to: u32,
    opcode: u32,
    unit: Unit,
}

/// What the next byte of a stream is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum Position {
    /// A message's first.
    #[default]
    Message,
    /// After a hole: some byte may begin a message.
    Lost,
    /// Searched too often.
    GivenUp,
}

impl Dissector {
    /// Nothing seen yet; so many bytes are kept of a message, and so many are decompressed.
    #[must_use]
    pub fn new(body_bytes_max: usize, decoded_bytes_max: usize) -> Self {
        Self { body_bytes_max, decoded_bytes_max, ..Self::default() }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Cuts messages out of `input` until it asks for more.
    fn read(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) {
        let body_bytes_max = self.body_bytes_max;
        loop {
            let side = self.side(direction);
            if let Some(whole) = &mut side.under_way {
                if !whole.unit.take(input) {
                    return;
                }
                if let Some(whole) = side.under_way.take() {
                    self.take(direction, &whole, pairs);
                }
                continue;
            }
            if input.rest().is_empty() {
                return;
            }
            match side.position {
                Position::GivenUp => {
                    side.tally.skip(count(input.advance(usize::MAX).len()));
                    return;
                }
                Position::Lost => match frame::probe(direction, input.rest()) {
                    Probe::Yes => side.position = Position::Message,
                    Probe::More => return,
                    Probe::No(_) => side.tally.skip(count(input.advance(1).len())),
                },
                Position::Message => match frame::header(input.rest()) {
                    Ok(None) => return,
                    Ok(Some(header)) => {
                        let first = input.next_mark();
                        input.advance(HEADER_BYTES);
                        let length_bytes = u64::from(header.body_bytes);
                        let unit = Unit::new(first, input.last_mark(), length_bytes, body_bytes_max);
                        let Header { request_id, response_to, opcode, .. } = header;
                        side.under_way = Some(Whole { request_id, response_to, opcode: opcode.0, unit });
                    }
                    Err(frame::Malformed) => side.lose(),
                },
            }
        }
    }

    /// Takes a whole message.
    fn take(&mut self, direction: Direction, whole: &Whole, pairs: &mut Vec<Pair>) {
        let unit = &whole.unit;
        let body_bytes = u32::try_from(unit.length_bytes).unwrap_or(u32::MAX);
        let header = Header {
            body_bytes,
            request_id: whole.request_id,
            response_to: whole.response_to,
            opcode: Opcode(whole.opcode),
        };
        let Some((content, truncated)) = self.content(direction, header, unit) else {
            self.side(direction).tally.skip(unit.seen_bytes().saturating_add(count(HEADER_BYTES)));
            return;
        };
        let message = Message {
            start: unit.first.timestamp,
            end: unit.last.timestamp,
            first: unit.first.packet,
            last: unit.last.packet,
            wire_bytes: unit.length_bytes.saturating_add(count(HEADER_BYTES)),
            gap_bytes: unit.gap_bytes,
            truncated,
            content,
        };
        self.message(header, message, pairs);
    }

    /// What a message says, without its compression.
    fn content(&mut self, direction: Direction, header: Header, unit: &Unit) -> Option<(Content, bool)> {
        let mut truncated = unit.is_cut() && unit.gap_bytes == 0;
        let unpacked;
        let (opcode, compressor, mut body) = if header.opcode == Opcode::COMPRESSED {
            let (opcode, compressor, bytes) = wire::decompressed(&unit.kept, self.decoded_bytes_max)?;
            unpacked = bytes;
            (opcode, Some(compressor), unpacked.as_slice())
        } else {
            (header.opcode, None, unit.kept.as_slice())
        };
        if body.len() > self.body_bytes_max {
            truncated = true;
            body = body.get(..self.body_bytes_max).unwrap_or(body);
        }
        let max = self.body_bytes_max;
        let content = if direction == Direction::ToServer {
            let request = wire::request(header, opcode, body, max)?;
            Content::MongodbRequest(Box::new(Request { compressor, ..request }))
        } else {
            let mut response = wire::response(header, opcode, body, max)?;
            response.compressor = compressor;
            response.is_streamed = self.streamed == Some(header.response_to);
            Content::MongodbResponse(Box::new(response))
        };
        Some((content, truncated))
    }

    /// Pairs a message.
    fn message(&mut self, header: Header, message: Message, pairs: &mut Vec<Pair>) {
        match &message.content {
            Content::MongodbRequest(request) if request.is_never_answered() => {
                let request = Some(message);
                pairs.push(Pair { request_direction: Direction::ToServer, request, response: None });
            }
            Content::MongodbRequest(request) => {
                let memory_bytes = size_of::<Waiting>() + request.memory_bytes();
                self.waiting_bytes = self.waiting_bytes.saturating_add(memory_bytes);
                self.waiting.push_back(Waiting { request_id: header.request_id, memory_bytes, message });
                while self.waiting.len() > WAITING_MAX || self.waiting_bytes > WAITING_BYTES_MAX {
                    self.give_up_oldest(pairs);
                }
            }
            Content::MongodbResponse(response) => {
                let goes_on = response.opcode == Opcode::MSG && response.flags & Request::MORE_TO_COME != 0;
                self.streamed = goes_on.then_some(response.request_id);
                if response.is_streamed {
                    let request = Some(message);
                    pairs.push(Pair { request_direction: Direction::ToClient, request, response: None });
                    return;
                }
                let request = self.take_request(header.response_to);
                pairs.push(Pair { request_direction: Direction::ToServer, request, response: Some(message) });
            }
            _ => {}
        }
    }

    fn take_request(&mut self, request_id: u32) -> Option<Message> {
        let index = self.waiting.iter().position(|waiting| waiting.request_id == request_id)?;
        let waiting = self.waiting.remove(index)?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(waiting.memory_bytes);
        Some(waiting.message)
    }

    fn give_up_oldest(&mut self, pairs: &mut Vec<Pair>) {
        if let Some(oldest) = self.waiting.pop_front() {
            self.waiting_bytes = self.waiting_bytes.saturating_sub(oldest.memory_bytes);
            let request = Some(oldest.message);
            pairs.push(Pair { request_direction: Direction::ToServer, request, response: None });
        }
    }

    fn gap(&mut self, direction: Direction, length_bytes: u64, mark: Mark) {
        let side = self.side(direction);
        if side.position == Position::GivenUp {
            return;
        }
        if let Some(whole) = &mut side.under_way
            && whole.unit.take_gap(length_bytes, mark)
        {
            return;
        }
        let failures = side.failures;
        side.lose();
        // A hole is nobody's failure.
        side.failures = failures;
        side.position = Position::Lost;
        self.streamed = None;
    }
}

impl Side {
    /// The place in the stream is lost.
    fn lose(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.position = if self.failures > SEARCHES_MAX { Position::GivenUp } else { Position::Lost };
        if let Some(whole) = self.under_way.take() {
            self.tally.skip(whole.unit.seen_bytes().saturating_add(count(HEADER_BYTES)));
        }
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
                self.gap(direction, length_bytes, mark);
            }
        }
        self.side(direction).pending = pending;
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        side.tally.skip(side.pending.length_bytes());
        side.pending.skip(0);
        if let Some(whole) = side.under_way.take() {
            side.tally.skip(whole.unit.seen_bytes().saturating_add(count(HEADER_BYTES)));
        }
        if direction == Direction::ToClient {
            self.finish(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        while !self.waiting.is_empty() {
            self.give_up_oldest(pairs);
        }
    }

    fn tally(&self) -> Tally {
        self.to_server.tally.and(self.to_client.tally)
    }

    fn memory_bytes(&self) -> usize {
        let side = |side: &Side| {
            let under_way = side.under_way.as_ref().map_or(0, |whole| whole.unit.memory_bytes());
            side.pending.memory_bytes() + under_way
        };
        self.waiting_bytes + side(&self.to_server) + side(&self.to_client)
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
