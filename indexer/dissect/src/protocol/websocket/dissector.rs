//! Both directions of a connection: each message is told by itself, as nobody must answer it.

use serde::{Deserialize, Serialize};

use super::negotiated::Negotiated;
use super::reader::Reader;
use crate::exchange::Message;
use crate::limits::Limits;
use crate::protocol::{Chunk, Direction, Pair, StreamDissector, Tally, state};

/// The protocol state of one connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dissector {
    to_server: Reader,
    to_client: Reader,
}

impl Dissector {
    /// Behind the opening handshake that made this agreement.
    #[must_use]
    pub fn new(negotiated: &Negotiated, limits: &Limits) -> Self {
        let reader = |direction| Reader::new(direction, negotiated, limits.into());
        Self { to_server: reader(Direction::ToServer), to_client: reader(Direction::ToClient) }
    }

    fn reader(&mut self, direction: Direction) -> &mut Reader {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    fn tell(direction: Direction, messages: Vec<Message>, pairs: &mut Vec<Pair>) {
        pairs.extend(messages.into_iter().map(|message| Pair {
            request_direction: direction,
            request: Some(message),
            response: None,
        }));
    }
}

impl StreamDissector for Dissector {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        let mut messages = Vec::new();
        let reader = self.reader(direction);
        match chunk {
            Chunk::Data { bytes, mark } => reader.feed(bytes, mark, &mut messages),
            Chunk::Gap { length_bytes, .. } => reader.gap(length_bytes, &mut messages),
        }
        Self::tell(direction, messages, pairs);
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let mut messages = Vec::new();
        self.reader(direction).close(&mut messages);
        Self::tell(direction, messages, pairs);
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.close(Direction::ToServer, pairs);
        self.close(Direction::ToClient, pairs);
    }

    fn tally(&self) -> Tally {
        self.to_server.tally().and(self.to_client.tally())
    }

    fn memory_bytes(&self) -> usize {
        self.to_server.memory_bytes() + self.to_client.memory_bytes()
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }
}
