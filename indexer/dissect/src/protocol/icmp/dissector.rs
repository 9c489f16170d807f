//! Pairs echo requests with their replies; everything else stands alone.

use std::collections::VecDeque;

use segment::Timestamp;
use segment::time::NANOS_PER_SECOND;
use serde::{Deserialize, Serialize};

use super::frame;
use crate::exchange::Message;
use crate::protocol::{Content, DatagramDissector, Direction, Mark, Pair, state};

/// How long a request waits for its reply.
const PATIENCE_NS: i64 = 10 * NANOS_PER_SECOND;

/// Most requests that wait between two hosts; a flood has more, and no replies.
const WAITING_MAX: usize = 256;

/// The state between two hosts.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dissector {
    is_v6: bool,
    waiting: VecDeque<(Direction, Message)>,
}

impl Dissector {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(is_v6: bool) -> Self {
        Self { is_v6, waiting: VecDeque::new() }
    }

    fn give_up_oldest(&mut self, pairs: &mut Vec<Pair>) {
        if let Some((request_direction, request)) = self.waiting.pop_front() {
            pairs.push(Pair { request_direction, request: Some(request), response: None });
        }
    }

    fn take_request(&mut self, direction: Direction, echo: Option<(u16, u16)>) -> Option<Message> {
        let index = self.waiting.iter().position(|(from, request)| {
            *from != direction && matches!(&request.content, Content::Icmp(icmp) if icmp.echo == echo)
        })?;
        self.waiting.remove(index).map(|(_, request)| request)
    }
}

impl DatagramDissector for Dissector {
    fn datagram(&mut self, direction: Direction, payload: &[u8], mark: Mark, pairs: &mut Vec<Pair>) {
        let Some(icmp) = frame::message(self.is_v6, payload) else { return };
        let (is_request, is_reply, echo) = (icmp.is_echo_request(), icmp.is_echo_reply(), icmp.echo);
        let message = Message {
            start: mark.timestamp,
            end: mark.timestamp,
            first: mark.packet,
            last: mark.packet,
            wire_bytes: u64::try_from(payload.len()).unwrap_or(u64::MAX),
            gap_bytes: 0,
            truncated: false,
            content: Content::Icmp(icmp),
        };
        if is_request {
            self.waiting.push_back((direction, message));
            if self.waiting.len() > WAITING_MAX {
                self.give_up_oldest(pairs);
            }
        } else if is_reply {
            let request = self.take_request(direction, echo);
            pairs.push(Pair { request_direction: direction.opposite(), request, response: Some(message) });
        } else {
            pairs.push(Pair { request_direction: direction, request: Some(message), response: None });
        }
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    fn expire(&mut self, now: Timestamp, pairs: &mut Vec<Pair>) {
        while self.waiting.front().is_some_and(|(_, oldest)| now.since(oldest.start) > PATIENCE_NS) {
            self.give_up_oldest(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        while !self.waiting.is_empty() {
            self.give_up_oldest(pairs);
        }
    }

    fn memory_bytes(&self) -> usize {
        self.waiting.capacity() * size_of::<(Direction, Message)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use segment::PacketRef;

    use Direction::{ToClient, ToServer};

    #[test]
    fn replies_find_their_requests_and_errors_stand_alone() {
        let (mut dissector, mut pairs) = (Dissector::new(false), Vec::new());
        let mark = |seconds: i64| Mark {
            timestamp: Timestamp::from_nanos(seconds * NANOS_PER_SECOND),
            packet: PacketRef { sequence: 0, frame: 1, index: 0 },
        };
        dissector.datagram(ToServer, &[8, 0, 0, 0, 0, 1, 0, 1], mark(0), &mut pairs);
        dissector.datagram(ToServer, &[8, 0, 0, 0, 0, 1, 0, 2], mark(1), &mut pairs);
        dissector.datagram(ToClient, &[0, 0, 0, 0, 0, 1, 0, 2], mark(2), &mut pairs);
        dissector.datagram(ToClient, &[3, 1, 0, 0, 0, 0, 0, 0], mark(3), &mut pairs);
        dissector.expire(mark(11).timestamp, &mut pairs);
        let told: Vec<_> =
            pairs.iter().map(|pair| (pair.request.is_some(), pair.response.is_some())).collect();
        assert_eq!(told, [(true, true), (true, false), (true, false)]);
        assert!(pairs[1].request.as_ref().unwrap().content.stands_alone());
        assert!(!pairs[2].request.as_ref().unwrap().content.stands_alone());
    }
}
