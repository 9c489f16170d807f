//! The requests that wait for their responses.

use std::collections::{BTreeMap, VecDeque};

use crate::exchange::Message;
use crate::protocol::{Content, Direction, Pair};

use super::message::Request;

/// Most requests that wait in one flow. Clients have 5 to 100 under way (`max.in.flight.requests.per.connection`).
const WAITING_MAX: usize = 4096;

/// Most bytes that wait in one flow.
const WAITING_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Requests by correlation id. Brokers answer in the order in which they are asked, so of those with the same id, by a
/// client that doesn't count, the oldest is answered first.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Waiting {
    by_id: BTreeMap<i32, VecDeque<Message>>,
    /// The tokens of an authentication, which have no ids and take turns.
    tokens: VecDeque<Message>,
    count: usize,
    bytes: usize,
}

impl Waiting {
    /// A request that will be answered.
    pub(super) fn push(&mut self, message: Message, pairs: &mut Vec<Pair>) {
        let Some(request) = request(&message) else { return };
        self.bytes = self.bytes.saturating_add(memory_bytes(request));
        self.count += 1;
        match &request.head {
            Some(head) => self.by_id.entry(head.correlation_id).or_default().push_back(message),
            None => self.tokens.push_back(message),
        }
        while self.count > WAITING_MAX || self.bytes > WAITING_BYTES_MAX {
            self.give_up_one(pairs);
        }
    }

    /// The operation and the version of the request that a response with this id answers.
    pub(super) fn api(&self, correlation_id: i32) -> Option<(i16, i16)> {
        let head = request(self.by_id.get(&correlation_id)?.front()?)?.head.as_ref()?;
        Some((head.api_key, head.api_version))
    }

    /// The request that a response with this id answers.
    pub(super) fn take(&mut self, correlation_id: i32) -> Option<Message> {
        let same = self.by_id.get_mut(&correlation_id)?;
        let message = same.pop_front();
        if same.is_empty() {
            self.by_id.remove(&correlation_id);
        }
        self.count_off(message)
    }

    pub(super) fn has_token(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// The token that is answered next.
    pub(super) fn take_token(&mut self) -> Option<Message> {
        let message = self.tokens.pop_front();
        self.count_off(message)
    }

    /// Messages were lost: what is paired by order leaves alone.
    pub(super) fn lose_order(&mut self, pairs: &mut Vec<Pair>) {
        while let Some(token) = self.take_token() {
            give_up(token, pairs);
        }
        let several = self.by_id.iter().filter(|(_, same)| same.len() > 1).map(|(id, _)| *id);
        for id in several.collect::<Vec<_>>() {
            self.give_up_id(id, pairs);
        }
    }

    pub(super) fn give_up_all(&mut self, pairs: &mut Vec<Pair>) {
        while self.count > 0 {
            self.give_up_one(pairs);
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn give_up_id(&mut self, correlation_id: i32, pairs: &mut Vec<Pair>) {
        while let Some(message) = self.take(correlation_id) {
            give_up(message, pairs);
        }
    }

    /// The smallest id is the oldest, but for those rare clients that are past the largest.
    fn give_up_one(&mut self, pairs: &mut Vec<Pair>) {
        let first = self.by_id.keys().next().copied();
        let oldest = match first {
            Some(id) => self.take(id),
            None => self.take_token(),
        };
        match oldest {
            Some(message) => give_up(message, pairs),
            None => self.count = 0,
        }
    }

    fn count_off(&mut self, message: Option<Message>) -> Option<Message> {
        let message = message?;
        self.count = self.count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(request(&message).map_or(0, memory_bytes));
        Some(message)
    }
}

fn give_up(message: Message, pairs: &mut Vec<Pair>) {
    let request_direction = Direction::ToServer;
    pairs.push(Pair { request_direction, request: Some(message), response: None });
}

fn memory_bytes(request: &Request) -> usize {
    // A map's node and a queue of its own.
    const AROUND: usize = 4 * size_of::<Message>();
    AROUND + request.memory_bytes()
}

/// What a request's message says.
pub(super) fn request(message: &Message) -> Option<&Request> {
    match &message.content {
        Content::KafkaRequest(request) => Some(request),
        _ => None,
    }
}
