//! Pairs synchronous methods with their answers, each channel by itself.
//!
//! On a channel one synchronous method is under way at a time (§2.2.4), and an answer names what it answers:
//! `queue.declare-ok`. After a gap the answer may be to a method that was not seen, or its method may have
//! been answered in the gap; then only a method that was sent alone before its answer gets it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::message::{Message as Amqp, Says};
use super::method::Part;
use crate::exchange::Message;
use crate::protocol::{Content, Direction, Pair};

/// Most methods that wait on one connection: one on each of RabbitMQ's 2047 channels.
const WAITING_MAX: usize = 2048;
/// Most bytes of methods that wait.
const WAITING_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Methods that wait for their answers.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Order {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    /// Whether bytes of either side are missing.
    had_gap: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    direction: Direction,
    channel: u16,
    /// Class and number of the method; of a protocol header 0.
    asks: (u16, u16),
    bytes: usize,
    message: Message,
}

/// What a message is to the others.
enum Role {
    Asks((u16, u16)),
    Answers((u16, u16)),
    Alone,
}

impl Order {
    /// Takes a whole message; what has found its partner, or has none, leaves.
    pub fn message(&mut self, direction: Direction, mut message: Message, pairs: &mut Vec<Pair>) {
        let Content::Amqp(amqp) = &mut message.content else { return };
        let channel = amqp.channel;
        match role(amqp, direction) {
            Role::Alone => {
                amqp.alone = true;
                pairs.push(Pair { request_direction: direction, request: Some(message), response: None });
            }
            Role::Asks(asks) => {
                if asks == START {
                    self.accept(pairs);
                }
                let bytes = size_of::<Waiting>() + amqp.memory_bytes();
                self.bytes = self.bytes.saturating_add(bytes);
                self.waiting.push_back(Waiting { direction, channel, asks, bytes, message });
                while self.waiting.len() > WAITING_MAX || self.bytes > WAITING_BYTES_MAX {
                    self.give_up_at(0, pairs);
                }
            }
            Role::Answers(asked) => {
                let request = self.take(direction, channel, asked, &message, pairs);
                let request_direction = direction.opposite();
                pairs.push(Pair { request_direction, request, response: Some(message) });
            }
        }
    }

    /// The method that `answer` answers.
    fn take(
        &mut self,
        direction: Direction,
        channel: u16,
        asked: (u16, u16),
        answer: &Message,
        pairs: &mut Vec<Pair>,
    ) -> Option<Message> {
        let is_candidate = |waiting: &Waiting| {
            waiting.direction != direction && waiting.channel == channel && waiting.asks == asked
        };
        if !self.had_gap {
            let at = self.waiting.iter().position(is_candidate)?;
            return self.remove(at);
        }
        let may_be = |waiting: &Waiting| is_candidate(waiting) && waiting.message.end < answer.start;
        let at = self.waiting.iter().position(may_be)?;
        let is_only = self.waiting.iter().filter(|waiting| may_be(waiting)).count() == 1;
        if is_only {
            return self.remove(at);
        }
        while let Some(at) = self.waiting.iter().position(may_be) {
            self.give_up_at(at, pairs);
        }
        None
    }

    /// The server answers a protocol header with a method: the header was no question.
    fn accept(&mut self, pairs: &mut Vec<Pair>) {
        if let Some(at) = self.waiting.iter().position(|waiting| waiting.asks == PROTOCOL)
            && let Some(mut message) = self.remove(at)
        {
            if let Content::Amqp(amqp) = &mut message.content {
                amqp.alone = true;
            }
            pairs.push(Pair {
                request_direction: Direction::ToServer,
                request: Some(message),
                response: None,
            });
        }
    }

    /// Bytes of one side are missing: what waits may have been answered in the gap.
    pub fn gap(&mut self, pairs: &mut Vec<Pair>) {
        self.had_gap = true;
        self.give_up(pairs);
    }

    /// Nothing more comes on a channel.
    pub fn close_channel(&mut self, channel: u16, pairs: &mut Vec<Pair>) {
        while let Some(at) = self.waiting.iter().position(|waiting| waiting.channel == channel) {
            self.give_up_at(at, pairs);
        }
    }

    /// What waits leaves without an answer.
    pub fn give_up(&mut self, pairs: &mut Vec<Pair>) {
        while !self.waiting.is_empty() {
            self.give_up_at(0, pairs);
        }
    }

    fn give_up_at(&mut self, at: usize, pairs: &mut Vec<Pair>) {
        let Some(direction) = self.waiting.get(at).map(|waiting| waiting.direction) else { return };
        let request = self.remove(at);
        pairs.push(Pair { request_direction: direction, request, response: None });
    }

    fn remove(&mut self, at: usize) -> Option<Message> {
        let waiting = self.waiting.remove(at)?;
        self.bytes = self.bytes.saturating_sub(waiting.bytes);
        Some(waiting.message)
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.bytes
    }
}

const PROTOCOL: (u16, u16) = (0, 0);
const START: (u16, u16) = (10, 10);

fn role(amqp: &Amqp, direction: Direction) -> Role {
    match &amqp.says {
        Says::Heartbeat => Role::Alone,
        Says::Protocol(_) if direction == Direction::ToServer => Role::Asks(PROTOCOL),
        Says::Protocol(_) => Role::Answers(PROTOCOL),
        Says::Method(method) => match method.definition().map(|definition| definition.part) {
            Some(Part::Asks) if !method.is_no_wait() => Role::Asks((method.class, method.number)),
            Some(Part::Answers(number)) => Role::Answers((method.class, number)),
            _ => Role::Alone,
        },
    }
}
