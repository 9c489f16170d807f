//! Pairs the messages of one HTTP/1 connection.
//!
//! Responses answer requests in order (RFC 9112 §9.3.2). Each [`Slot`] is an exchange under way; slots leave
//! from the front when both halves are done. A response that finds no slot waiting makes one of its own.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::protocol::http_view::{BodyBytes, Fields};
use crate::protocol::http1::event::{Event, Head, Line, StreamEnd, Tail};
use crate::protocol::http1::framing::{self, Method};
use crate::protocol::http1::message::Framing;
use crate::protocol::http1::reader::Reader;
use crate::protocol::http1::slot::Slot;
use crate::protocol::http1::tunnel::Tunnel;
use crate::protocol::pending::{Input, Pending};
use crate::protocol::{Chunk, Direction, Handover, Pair, StreamDissector, Tally, state};

/// Most requests under way on one connection; browsers pipelined 8, load tests 128.
const SLOTS_MAX: usize = 1024;

/// Most bytes of messages that wait for their partners on one connection. A client that sends more without
/// an answer is not waiting for one.
const SLOTS_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The protocol state of one connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dissector {
    to_server: Side,
    to_client: Side,
    slots: VecDeque<Slot>,
    body_bytes: BodyBytes,
    /// What both sides agreed to speak from here on.
    tunnel: Option<Tunnel>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Side {
    reader: Reader,
    pending: Pending,
}

impl Dissector {
    /// Keeps so many bytes of bodies; longer ones are counted to their end.
    #[must_use]
    pub fn new(body_bytes: impl Into<BodyBytes>) -> Self {
        let side = |direction| Side { reader: Reader::new(direction), pending: Pending::default() };
        Self {
            body_bytes: body_bytes.into(),
            to_server: side(Direction::ToServer),
            to_client: side(Direction::ToClient),
            slots: VecDeque::new(),
            tunnel: None,
        }
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    /// Lets the reader of `direction` consume `input`.
    fn read(&mut self, direction: Direction, input: &mut Input<'_>) {
        while let Some(event) = self.side(direction).reader.next(input) {
            self.event(direction, event);
        }
    }

    /// What waits for more bytes in `direction` gets none: a head is told as far as it came.
    fn cut_off(&mut self, direction: Direction) {
        let mut pending = std::mem::take(&mut self.side(direction).pending);
        pending.drain(|input| {
            if let Some(event) = self.side(direction).reader.cut_off(input) {
                self.event(direction, event);
                self.ended(direction);
            }
        });
        self.side(direction).pending = pending;
    }

    fn ended(&mut self, direction: Direction) {
        if let Some(event) = self.side(direction).reader.end() {
            self.event(direction, event);
        }
    }

    fn end_side(&mut self, direction: Direction, ending: StreamEnd) {
        self.cut_off(direction);
        if let Some(event) = self.side(direction).reader.close(ending) {
            self.event(direction, event);
        }
    }

    fn event(&mut self, direction: Direction, event: Event) {
        match (direction, event) {
            (Direction::ToServer, Event::Head(head)) => self.request_head(head),
            (Direction::ToClient, Event::Head(head)) => self.response_head(head),
            (Direction::ToServer, Event::End(tail)) => self.request_end(tail),
            (Direction::ToClient, Event::End(tail)) => self.response_end(tail),
        }
    }

    fn request_head(&mut self, head: Head) {
        let Line::Request { method, target, .. } = &head.line else { return };
        let method = Method::of(method);
        let (framing, mut oddities) = framing::of_request(&head.headers);
        oddities.head_cut = head.cut;
        let body_bytes_max = self.body_bytes.of_request(target, Fields::Http1(&head.headers));
        self.to_server.reader.body(framing, &head, body_bytes_max);
        let full = self.slots.len() >= SLOTS_MAX || self.slots_bytes() > SLOTS_BYTES_MAX;
        if full && let Some(oldest) = self.slots.iter_mut().find(|slot| slot.waits()) {
            oldest.give_up();
        }
        self.slots.push_back(Slot::with_request(method, head, oddities));
    }

    fn request_end(&mut self, tail: Tail) {
        // Only the request that came last can be open.
        if let Some(slot) = self.slots.iter_mut().rev().find(|slot| slot.has_open_request()) {
            slot.end_request(tail);
        }
    }

    fn response_head(&mut self, head: Head) {
        let Line::Status { status, .. } = &head.line else { return };
        let status = *status;
        let index = self.slot_for(&head);
        let Some(slot) = self.slots.get_mut(index) else { return };
        let (framing, mut oddities) = framing::of_response(slot.method(), status, &head.headers);
        oddities.head_cut = head.cut;
        if matches!(status, 100 | 102..=199) {
            self.to_client.reader.no_body(&head);
            slot.keep_interim(head);
            return;
        }
        let body_bytes_max = self.body_bytes.of_response(slot.request_view(), Fields::Http1(&head.headers));
        self.to_client.reader.body(framing, &head, body_bytes_max);
        slot.open_response(head, oddities);
        if framing == Framing::Tunnel {
            self.ended(Direction::ToClient);
            self.to_client.reader.tunnel();
            let mut held = Vec::new();
            self.to_server.pending.hand_over(Direction::ToServer, &mut held);
            self.end_side(Direction::ToServer, StreamEnd::Silent);
            self.to_server.reader.tunnel();
            let tunnel = self.slots.get(index).map(|slot| Tunnel::of(slot, held));
            self.tunnel = self.tunnel.take().or(tunnel);
        }
    }

    /// The exchange that a response belongs to: the oldest that waits for one.
    ///
    /// After a gap between responses nobody knows how many were lost. Clients that pipeline are rare, so
    /// the newest request that was under way when the response began is taken, and the older ones stay
    /// without an answer.
    fn slot_for(&mut self, head: &Head) -> usize {
        let found = if head.after_gap {
            self.slots.iter().rposition(|slot| slot.waits() && slot.began_before(head))
        } else {
            self.slots.iter().position(Slot::waits)
        };
        let found = found.unwrap_or_else(|| {
            self.slots.push_back(Slot::without_request());
            self.slots.len().saturating_sub(1)
        });
        self.slots.iter_mut().take(found).for_each(Slot::give_up);
        found
    }

    fn response_end(&mut self, tail: Tail) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.has_open_response()) {
            slot.end_response(tail);
        }
    }

    fn slots_bytes(&self) -> usize {
        self.slots.iter().map(Slot::memory_bytes).sum()
    }

    /// Nothing more comes from the server.
    fn give_up(&mut self) {
        self.slots.iter_mut().for_each(Slot::give_up);
    }

    fn emit(&mut self, pairs: &mut Vec<Pair>) {
        while self.slots.front().is_some_and(Slot::is_done) {
            if let Some(slot) = self.slots.pop_front() {
                slot.leave(pairs);
            }
        }
    }
}

impl StreamDissector for Dissector {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        if self.tunnel.is_some() {
            self.to_server.reader.tally.tunnel(chunk.length_bytes());
            return;
        }
        match chunk {
            Chunk::Data { bytes, mark } => {
                let mut pending = std::mem::take(&mut self.side(direction).pending);
                pending.feed(bytes, mark, |input| self.read(direction, input));
                self.side(direction).pending = pending;
            }
            Chunk::Gap { length_bytes, .. } => {
                self.cut_off(direction);
                if let Some(event) = self.side(direction).reader.gap(length_bytes) {
                    self.event(direction, event);
                }
                self.side(direction).pending.skip(length_bytes);
            }
        }
        self.emit(pairs);
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        self.end_side(direction, StreamEnd::Closed);
        if direction == Direction::ToClient {
            self.give_up();
        }
        self.emit(pairs);
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.end_side(Direction::ToServer, StreamEnd::Silent);
        self.end_side(Direction::ToClient, StreamEnd::Silent);
        self.give_up();
        self.emit(pairs);
    }

    fn handover(&mut self) -> Option<Handover> {
        let tunnel = self.tunnel.as_mut()?;
        let mut held = tunnel.held.take()?;
        self.to_client.pending.hand_over(Direction::ToClient, &mut held);
        Some(Handover { next: tunnel.next(), held })
    }

    fn tally(&self) -> Tally {
        self.to_server.reader.tally.and(self.to_client.reader.tally)
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.body_bytes = limits.into();
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    fn memory_bytes(&self) -> usize {
        let side = |side: &Side| side.reader.memory_bytes() + side.pending.memory_bytes();
        side(&self.to_server) + side(&self.to_client) + self.slots_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};
    use segment::{PacketRef, Timestamp};

    use super::*;
    use crate::exchange::Message;
    use crate::protocol::{Content, Mark};

    /// What happens to a connection, in order.
    #[derive(Clone, Copy)]
    enum Step {
        Client(&'static str),
        Server(&'static str),
        LostToServer(u64),
        LostToClient(u64),
        ServerCloses,
    }
    use Step::{Client, LostToClient, LostToServer, Server, ServerCloses};

    fn play(steps: &[Step], part_bytes: usize) -> Vec<Pair> {
        let mut dissector = Dissector::new(16);
        let mut pairs = Vec::new();
        for (n, step) in (0..).zip(steps) {
            let mark = Mark {
                timestamp: Timestamp::from_nanos(i64::from(n)),
                packet: PacketRef { sequence: 0, frame: 1, index: n },
            };
            let gap = |length_bytes| Chunk::Gap { length_bytes, mark };
            let (direction, text) = match *step {
                Client(text) => (Direction::ToServer, text),
                Server(text) => (Direction::ToClient, text),
                LostToServer(length) => {
                    dissector.feed(Direction::ToServer, gap(length), &mut pairs);
                    continue;
                }
                LostToClient(length) => {
                    dissector.feed(Direction::ToClient, gap(length), &mut pairs);
                    continue;
                }
                ServerCloses => {
                    dissector.close(Direction::ToClient, &mut pairs);
                    continue;
                }
            };
            for bytes in text.as_bytes().chunks(part_bytes) {
                dissector.feed(direction, Chunk::Data { bytes, mark }, &mut pairs);
            }
        }
        dissector.finish(&mut pairs);
        pairs
    }

    fn check(steps: &[Step], expected: Expect) {
        let pairs = play(steps, usize::MAX);
        for part_bytes in [1, 2, 3, 7, 20] {
            assert_eq!(play(steps, part_bytes), pairs, "in parts of {part_bytes}");
        }
        let mut text = String::new();
        for pair in &pairs {
            let half = |message: &Option<Message>| message.as_ref().map_or("-".to_owned(), describe);
            writeln!(text, "{} → {}", half(&pair.request), half(&pair.response)).unwrap();
        }
        expected.assert_eq(&text);
    }

    fn describe(message: &Message) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (mut line, body, oddities) = match &message.content {
            Content::Http1Request(request) => (
                format!("{} {} {}", text(&request.method), text(&request.target), text(&request.version)),
                &request.body,
                request.oddities,
            ),
            Content::Http1Response(response) => {
                let interim: String =
                    response.interim.iter().map(|interim| format!("{} ", interim.status)).collect();
                (
                    format!("{interim}{} {}", response.status, text(&response.reason)),
                    &response.body,
                    response.oddities,
                )
            }
            _ => unreachable!("HTTP only"),
        };
        line += &format!(" [{}..{} {}B]", message.first.index, message.last.index, message.wire_bytes);
        if body.length_bytes > 0 {
            line += &format!(" {:?}/{}", text(&body.bytes), body.length_bytes);
        }
        for (name, value) in body.trailers.iter() {
            line += &format!(" +{}={}", text(name), text(value));
        }
        for gap in &body.gaps {
            line += &format!(" gap {}@{}", gap.length_bytes, gap.offset_bytes);
        }
        for (is, note) in [
            (!body.complete, " incomplete"),
            (message.truncated, " truncated"),
            (oddities.head_cut, " head cut"),
            (oddities.length_and_encoding, " CL+TE"),
        ] {
            line += if is { note } else { "" };
        }
        line
    }

    #[test]
    fn a_request_and_its_response() {
        check(
            &[
                Client("POST /cart HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"),
                Client("a=17"),
                Server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
            ],
            expect![[r#"
                POST /cart HTTP/1.1 [0..1 55B] "a=17"/4 → 200 OK [2..2 43B] "hello"/5
            "#]],
        );
    }

    #[test]
    fn pipelined_requests_are_answered_in_order() {
        check(
            &[
                Client("GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\n\r\nGET /3 HTTP/1.1\r\n\r\n"),
                Server("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"),
                Server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.0 404\n\ngone"),
                ServerCloses,
            ],
            expect![[r#"
                GET /1 HTTP/1.1 [0..0 19B] → 304 Not Modified [1..1 48B]
                HEAD /2 HTTP/1.1 [0..0 20B] → 200 OK [2..2 38B]
                GET /3 HTTP/1.1 [0..0 19B] → 404  [2..2 18B] "gone"/4
            "#]],
        );
    }

    #[test]
    fn chunks_are_joined() {
        check(
            &[
                Client("GET / HTTP/1.1\r\n\r\n"),
                Server("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
                Server("4;ext=1\r\nwiki\r\n  A \r\npedia, the\n0\r\nExpires: now\r\n\r\n"),
                Server("HTTP/1.1 204 No Content\r\n\r\n"),
            ],
            expect![[r#"
                GET / HTTP/1.1 [0..0 18B] → 200 OK [1..2 117B] "wikipedia, the"/14 +Expires=now CL+TE
                - → 204 No Content [3..3 27B]
            "#]],
        );
    }

    #[test]
    fn interim_responses_stay_with_their_exchange() {
        check(
            &[
                Client("PUT /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
                Server("HTTP/1.1 100 Continue\r\n\r\n"),
                Client("hi"),
                Server(
                    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
                ),
                Client("GET /y HTTP/1.1\r\n\r\n"),
                Server("HTTP/1.1 100 Continue\r\n\r\n"),
            ],
            expect![[r#"
                PUT /x HTTP/1.1 [0..2 62B] "hi"/2 → 100 103 201 Created [3..3 43B]
                GET /y HTTP/1.1 [4..4 19B] → 100 Continue [5..5 25B]
            "#]],
        );
    }

    #[test]
    fn tunnels_end_http() {
        check(
            &[
                Client("CONNECT a:443 HTTP/1.1\r\n\r\n"),
                Server("HTTP/1.1 200 Connection established\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
                Client("GET / HTTP/1.1\r\n\r\n"),
            ],
            expect![[r#"
                CONNECT a:443 HTTP/1.1 [0..0 26B] → 200 Connection established [1..1 39B]
            "#]],
        );
        check(
            &[
                Client("GET /chat HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"),
                Server(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\u{1}\u{2}HTTP/1.1 200 OK\r\n\r\n",
                ),
            ],
            expect![[r#"
                GET /chat HTTP/1.1 [0..0 42B] → 101 Switching Protocols [1..1 56B]
            "#]],
        );
    }

    #[test]
    fn gaps_in_bodies_are_holes() {
        check(
            &[
                Client("GET / HTTP/1.1\r\n\r\n"),
                Server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
                LostToClient(4),
                Server("hijHTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n"),
                LostToClient(3),
                Server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na"),
                LostToClient(100),
                Server("zzzHTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
            ],
            expect![[r#"
                GET / HTTP/1.1 [0..0 18B] → 200 OK [1..3 49B] "abchij"/10 gap 4@3
                - → 404 Not Found [3..3 48B] ""/3 gap 3@0
                - → 200 OK [5..5 41B] "a"/3 gap 2@1
                - → 500 Oops [7..7 40B]
            "#]],
        );
    }

    #[test]
    fn gaps_in_heads_cost_that_head_only() {
        check(
            &[
                Client("GET /1 HTTP/1.1\r\nHost: a\r\nUser-A"),
                LostToServer(10),
                Client("x=yGET /2 HTTP/1.1\r\n\r\n"),
                LostToClient(0),
                Server("</html>\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            ],
            expect![[r#"
                GET /1 HTTP/1.1 [0..0 32B] incomplete head cut → -
                GET /2 HTTP/1.1 [2..2 19B] → 200 OK [4..4 38B]
            "#]],
        );
    }

    #[test]
    fn a_lost_response_does_not_shift_the_others() {
        check(
            &[
                Client("GET /1 HTTP/1.1\r\n\r\n"),
                Client("GET /2 HTTP/1.1\r\n\r\n"),
                LostToClient(40),
                Server("HTTP/1.1 202 Two\r\nContent-Length: 0\r\n\r\n"),
            ],
            expect![[r#"
                GET /1 HTTP/1.1 [0..0 19B] → -
                GET /2 HTTP/1.1 [1..1 19B] → 202 Two [3..3 39B]
            "#]],
        );
    }

    #[test]
    fn halves_are_kept() {
        check(
            &[
                Server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
                Client("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nHost: b"),
                ServerCloses,
            ],
            expect![[r#"
                - → 200 OK [0..0 38B]
                GET /1 HTTP/1.1 [1..1 19B] → -
                GET /2 HTTP/1.1 [1..1 24B] incomplete head cut → -
            "#]],
        );
    }

    #[test]
    fn long_bodies_are_counted_to_their_end() {
        check(
            &[
                Client("GET / HTTP/1.1\r\n\r\n"),
                Server("HTTP/1.0 200 OK\r\n\r\n0123456789abcdefghij"),
                LostToClient(5),
                Server("more"),
                ServerCloses,
            ],
            expect![[r#"
                GET / HTTP/1.1 [0..0 18B] → 200 OK [1..3 48B] "0123456789abcdef"/29 gap 5@20 truncated
            "#]],
        );
    }

    #[test]
    fn bodies_that_are_interpreted_are_kept_where_others_are_not() {
        let mut dissector = Dissector::new(BodyBytes { every: 0, interpreted: 100, decoded: 100 });
        let mut pairs = Vec::new();
        let mark = Mark {
            timestamp: Timestamp::from_nanos(0),
            packet: PacketRef { sequence: 0, frame: 1, index: 0 },
        };
        let mut talk = |direction, text: &str| {
            dissector.feed(direction, Chunk::Data { bytes: text.as_bytes(), mark }, &mut pairs);
        };
        for (kind, body) in [
            ("application/json", r#"{"query":"{a}"}"#),
            ("application/json", "[1]"),
            ("text/plain", "hello"),
            ("application/grpc-web", "\0\0\0\0\0"),
        ] {
            let length = body.len();
            let head = format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}");
            talk(Direction::ToServer, &format!("POST / HTTP/1.1\r\n{head}"));
            talk(Direction::ToClient, &format!("HTTP/1.1 200 OK\r\n{head}"));
        }
        let kept = pairs.iter().map(|pair| {
            let (Some(request), Some(response)) = (&pair.request, &pair.response) else { unreachable!() };
            match (&request.content, &response.content) {
                (Content::Http1Request(request), Content::Http1Response(response)) => {
                    (request.body.bytes.len(), response.body.bytes.len())
                }
                _ => unreachable!("HTTP only"),
            }
        });
        assert_eq!(kept.collect::<Vec<_>>(), [(15, 15), (3, 0), (0, 0), (5, 5)]);
    }
}
