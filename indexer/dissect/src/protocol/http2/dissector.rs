//! Pairs the messages of one HTTP/2 connection, stream by stream.
//!
//! A stream leaves when both its messages are over, or when something stopped it. Stream ids only grow
//! (RFC 9113 §5.1.1), so frames that come late for a stream that left are told from those of a stream that
//! was never seen to begin.

use serde::{Deserialize, Serialize};

use super::counts::FrameCounts;
use super::event::{Block, Event, Piece};
use super::frame::PAYLOAD_BYTES_DEFAULT;
use super::message::{ErrorCode, Origin, Reset};
use super::reader::Reader;
use super::search::Bounds;
use super::stream::{Role, Stream};
use super::streams::{Streams, Talk};
use super::upgrade;
use super::weight::Room;
use crate::exchange::Message;
use crate::protocol::http_view::BodyBytes;
use crate::protocol::pending::{Input, Pending};
use crate::protocol::{Chunk, Direction, Mark, Pair, StreamDissector, Tally, state};

/// Bodies that may be kept whole at once, however long, and messages of WebSockets; beyond, they are counted
/// only.
const LONG_BODIES_MAX: usize = 4;
/// How far beyond the highest stream seen a stream may be that is found by searching.
const STREAMS_AHEAD_MAX: u32 = 4096;

/// The protocol state of one connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dissector {
    to_server: Side,
    to_client: Side,
    /// The way that requests go: known from the preface, or from the first header block.
    asks: Direction,
    is_asks_known: bool,
    streams: Streams,
    body_bytes: BodyBytes,
}

#[derive(Debug, Serialize, Deserialize)]
struct Side {
    reader: Reader,
    pending: Pending,
    /// Longest payload that the other side accepts.
    payload_bytes_max: usize,
}

impl Side {
    fn new(reader: Reader) -> Self {
        Self { reader, pending: Pending::default(), payload_bytes_max: PAYLOAD_BYTES_DEFAULT }
    }
}

impl Dissector {
    /// Keeps so many bytes of bodies; longer ones are counted to their end.
    #[must_use]
    pub fn new(body_bytes: impl Into<BodyBytes>) -> Self {
        Self {
            to_server: Side::new(Reader::of_client()),
            to_client: Side::new(Reader::of_server()),
            asks: Direction::ToServer,
            is_asks_known: false,
            streams: Streams::default(),
            body_bytes: body_bytes.into(),
        }
    }

    /// Where a connection goes on as HTTP/2 that began as HTTP/1.1: `request` asked for the upgrade and is
    /// answered on stream 1 (RFC 7540 §3.2).
    #[must_use]
    pub fn upgraded(body_bytes: impl Into<BodyBytes>, request: &Message) -> Self {
        let mut dissector = Self::new(body_bytes);
        if let Some(part) = upgrade::part(request) {
            let mut stream = Stream::new(1, Origin::Upgraded);
            *stream.part(Role::Request) = Some(part);
            dissector.streams.upgrade(stream);
            dissector.is_asks_known = true;
        }
        dissector
    }

    /// Frames seen, both directions together: those that only keep the connection going too.
    #[must_use]
    pub fn frames(&self) -> FrameCounts {
        self.to_server.reader.frames.and(&self.to_client.reader.frames)
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    fn role(&self, direction: Direction) -> Role {
        if direction == self.asks { Role::Request } else { Role::Response }
    }

    fn talk(&mut self) -> Talk {
        let asks = self.asks;
        let is_asking_whole = self.side(asks).reader.is_whole();
        let is_answering_whole = self.side(asks.opposite()).reader.is_whole();
        Talk { asks, is_asking_whole, is_answering_whole }
    }

    fn bounds(&mut self, direction: Direction) -> Bounds {
        let stream_id = match self.streams.highest() {
            0 => Bounds::NONE.stream_id,
            highest => highest.saturating_add(STREAMS_AHEAD_MAX),
        };
        Bounds { payload_bytes: self.side(direction).payload_bytes_max, stream_id }
    }

    /// Lets the reader of `direction` consume `input`.
    fn read(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) {
        loop {
            let bounds = self.bounds(direction);
            let Some(event) = self.side(direction).reader.next(input, bounds) else { return };
            self.event(direction, event, pairs);
        }
    }

    /// What waits for more bytes in `direction` gets none, or others than it waits for.
    fn cut_off(&mut self, direction: Direction, gap_bytes: Option<u64>, pairs: &mut Vec<Pair>) {
        let mut pending = std::mem::take(&mut self.side(direction).pending);
        pending.drain(|input| {
            let bounds = self.bounds(direction);
            self.side(direction).reader.look_at_end(input, bounds);
            self.read(direction, input, pairs);
            if !input.rest().is_empty()
                && let Some(event) = self.side(direction).reader.cut_off(input, gap_bytes)
            {
                self.event(direction, event, pairs);
            }
        });
        self.side(direction).pending = pending;
    }

    fn end_side(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        self.cut_off(direction, None, pairs);
        if let Some(event) = self.side(direction).reader.end() {
            self.event(direction, event, pairs);
        }
    }

    fn event(&mut self, direction: Direction, event: Event<'_>, pairs: &mut Vec<Pair>) {
        match event {
            Event::Begin => self.asked_in(direction),
            Event::PayloadMax(length) => self.side(direction.opposite()).payload_bytes_max = length,
            Event::Block(block) => self.block(direction, block, pairs),
            Event::Piece(piece) => self.piece(direction, &piece, pairs),
            Event::Reset { stream_id, code, mark } => {
                let reset = Reset { code, direction, goaway: false, mark };
                self.streams.change(stream_id, self.asks, pairs, |stream, _| stream.stop(reset));
            }
            Event::Goaway { last_stream_id, code, mark } => {
                self.goaway(direction, last_stream_id, code, mark, pairs);
            }
            Event::Lost => {
                let (role, asks) = (self.role(direction), self.asks);
                self.streams.each(|stream| stream.may_have_lost(role, asks, pairs));
            }
        }
    }

    /// Requests go in `direction`.
    fn asked_in(&mut self, direction: Direction) {
        if !self.is_asks_known && self.asks != direction {
            self.asks = direction;
            self.streams.each(Stream::turn);
        }
        self.is_asks_known = true;
    }

    fn block(&mut self, direction: Direction, mut block: Block, pairs: &mut Vec<Pair>) {
        if !self.is_asks_known {
            if block.promised.is_some() || block.headers.value(":status").is_some() {
                self.asked_in(direction.opposite());
            } else if block.headers.value(":method").is_some() {
                self.asked_in(direction);
            }
        }
        let (role, talk, body_bytes) = (self.role(direction), self.talk(), self.body_bytes);
        let id = block.stream_id;
        if let Some(promised) = block.promised {
            // RFC 9113 §8.4: a request that the server makes, to answer it.
            if role == Role::Response && self.streams.promise(promised, id, talk, pairs) {
                block.end_stream = true;
                self.streams.change(promised, talk.asks, pairs, |stream, pairs| {
                    stream.take_block(Role::Request, block, body_bytes, talk.asks, pairs);
                });
            }
            return;
        }
        if id == 0 || !self.streams.open(id, role, talk, pairs) {
            return;
        }
        self.streams.change(id, talk.asks, pairs, |stream, pairs| {
            stream.take_block(role, block, body_bytes, talk.asks, pairs);
        });
        if role == Role::Request {
            self.streams.asked(id, talk.asks, pairs);
        }
    }

    fn piece(&mut self, direction: Direction, piece: &Piece<'_>, pairs: &mut Vec<Pair>) {
        let (role, talk) = (self.role(direction), self.talk());
        let id = piece.stream_id;
        // Content without a head is believed only where the head may have been lost.
        let may_begin = self.is_asks_known && !self.side(direction).reader.is_whole();
        let is_open = self.streams.has_begun(id, role);
        if !is_open && (id == 0 || !may_begin || !self.streams.open(id, role, talk, pairs)) {
            self.side(direction).reader.tally.skip(piece.wire_bytes.saturating_sub(piece.wire_gap_bytes));
            return;
        }
        let BodyBytes { every, .. } = self.body_bytes;
        let most = self.body_bytes.most().saturating_mul(LONG_BODIES_MAX);
        let room = Room {
            bodies: most.saturating_sub(self.streams.bodies_bytes()),
            messages: most.saturating_sub(self.streams.messages_bytes()),
        };
        self.streams.change(id, talk.asks, pairs, |stream, pairs| {
            stream.take_piece(role, piece, every, room, talk.asks, pairs);
        });
        if !is_open && role == Role::Request {
            self.streams.asked(id, talk.asks, pairs);
        }
    }

    /// RFC 9113 §6.8: requests of the receiver on higher streams were not and will not be acted on.
    fn goaway(
        &mut self,
        direction: Direction,
        last_stream_id: u32,
        code: ErrorCode,
        mark: Mark,
        pairs: &mut Vec<Pair>,
    ) {
        let reset = Reset { code, direction, goaway: true, mark };
        let of_server = direction == self.asks;
        for id in self.streams.above(last_stream_id) {
            if id.is_multiple_of(2) == of_server {
                self.streams.change(id, self.asks, pairs, |stream, _| stream.stop(reset));
            }
        }
    }
}

impl StreamDissector for Dissector {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        match chunk {
            Chunk::Data { bytes, mark } => {
                let mut pending = std::mem::take(&mut self.side(direction).pending);
                pending.feed(bytes, mark, |input| self.read(direction, input, pairs));
                self.side(direction).pending = pending;
            }
            Chunk::Gap { length_bytes, mark } => {
                self.cut_off(direction, Some(length_bytes), pairs);
                for event in self.side(direction).reader.gap(length_bytes, mark).into_iter().flatten() {
                    self.event(direction, event, pairs);
                }
                self.side(direction).pending.skip(length_bytes);
            }
        }
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        self.end_side(direction, pairs);
        match self.role(direction) {
            Role::Request => self.streams.end_requests(self.asks, pairs),
            Role::Response => self.streams.leave_all(self.asks, pairs),
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.end_side(Direction::ToServer, pairs);
        self.end_side(Direction::ToClient, pairs);
        self.streams.leave_all(self.asks, pairs);
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    fn tally(&self) -> Tally {
        self.to_server.reader.tally.and(self.to_client.reader.tally).and(self.streams.tally())
    }

    fn memory_bytes(&self) -> usize {
        let side = |side: &Side| side.reader.memory_bytes() + side.pending.memory_bytes();
        side(&self.to_server) + side(&self.to_client) + self.streams.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};
    use segment::{PacketRef, Timestamp};

    use super::super::frame::PREFACE;
    use super::super::headers::HeaderList;
    use super::super::message::{Body, End, Origin};
    use super::*;
    use crate::protocol::Content;

    enum Step {
        Client(Vec<u8>),
        Server(Vec<u8>),
        Lost(Direction, u64),
    }
    use Direction::{ToClient, ToServer};
    use Step::{Client, Lost, Server};

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }

    /// Lines that stand for themselves, but those in capitals become entries.
    fn lines(lines: &[(&str, &str)]) -> Vec<u8> {
        let string =
            |text: &str| [vec![u8::try_from(text.len()).unwrap()], text.as_bytes().to_vec()].concat();
        let line = |(name, value): &(&str, &str)| {
            let lower = name.to_lowercase();
            [vec![if lower == *name { 0 } else { 0x40 }], string(&lower), string(value)].concat()
        };
        lines.iter().flat_map(line).collect()
    }

    fn get(stream: u32, path: &str) -> Vec<u8> {
        frame(1, 5, stream, &[vec![0x82, 0x86], lines(&[(":path", path)])].concat())
    }

    fn ok(stream: u32, flags: u8) -> Vec<u8> {
        frame(1, 4 | flags, stream, &[0x88])
    }

    fn data(stream: u32, flags: u8, text: &str) -> Vec<u8> {
        frame(0, flags, stream, text.as_bytes())
    }

    fn reset(stream: u32, code: u8) -> Vec<u8> {
        frame(3, 0, stream, &[0, 0, 0, code])
    }

    fn start() -> Step {
        Client([PREFACE.to_vec(), frame(4, 0, 0, &[])].concat())
    }

    fn play(mut dissector: Dissector, steps: &[Step], part_bytes: usize) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for (n, step) in (0..).zip(steps) {
            let mark = Mark {
                timestamp: Timestamp::from_nanos(i64::from(n)),
                packet: PacketRef { sequence: 0, frame: 1, index: n },
            };
            let (direction, bytes) = match step {
                Client(bytes) => (ToServer, bytes),
                Server(bytes) => (ToClient, bytes),
                Lost(direction, length_bytes) => {
                    let gap = Chunk::Gap { length_bytes: *length_bytes, mark };
                    dissector.feed(*direction, gap, &mut pairs);
                    continue;
                }
            };
            for bytes in bytes.chunks(part_bytes) {
                dissector.feed(direction, Chunk::Data { bytes, mark }, &mut pairs);
            }
        }
        dissector.finish(&mut pairs);
        pairs
    }

    fn check(steps: &[Step], expected: Expect) {
        check_with(|| Dissector::new(16), steps, expected);
    }

    fn check_with(make: impl Fn() -> Dissector, steps: &[Step], expected: Expect) {
        let pairs = play(make(), steps, usize::MAX);
        for part_bytes in [1, 2, 3, 7, 20] {
            assert_eq!(play(make(), steps, part_bytes), pairs, "in parts of {part_bytes}");
        }
        let mut text = String::new();
        for pair in &pairs {
            let half = |message: &Option<Message>| message.as_ref().map_or("-".to_owned(), describe);
            writeln!(text, "{} → {}", half(&pair.request), half(&pair.response)).unwrap();
        }
        expected.assert_eq(&text);
    }

    fn describe(message: &Message) -> String {
        let (mut line, headers, body, trailers, end, stopped) = match &message.content {
            Content::Http2Request(request) => {
                let origin = match request.origin {
                    Origin::Sent => String::new(),
                    other => format!("{other:?} "),
                };
                let line = format!("{origin}#{}", request.stream_id);
                (line, &request.headers, &request.body, &request.trailers, request.end, request.reset)
            }
            Content::Http2Response(response) => {
                let interim: Vec<_> =
                    response.interim.iter().filter_map(|interim| interim.status()).collect();
                let line = if interim.is_empty() { String::new() } else { format!("{interim:?}") };
                (line, &response.headers, &response.body, &response.trailers, response.end, response.reset)
            }
            _ => unreachable!("HTTP/2 only"),
        };
        line += &list(headers);
        line += &format!(" [{}..{} {}B]", message.first.index, message.last.index, message.wire_bytes);
        line += &content(body);
        if !trailers.is_empty() {
            line += &format!(" +{}", list(trailers));
        }
        line += match end {
            End::Complete => "",
            End::Reset => " stopped",
            End::Cut => " cut",
        };
        if let Some(reset) = stopped {
            let goaway = if reset.goaway { " GOAWAY" } else { "" };
            line += &format!(" ({:?} {}{goaway})", reset.direction, reset.code);
        }
        line + if message.truncated { " truncated" } else { "" }
    }

    fn list(headers: &HeaderList) -> String {
        let text = format!("{headers:?}");
        text.replace('"', "")
            .replace("{:method: ", "{")
            .replace(", :scheme: http, :path:", "")
            .replace("{:status: ", "{")
    }

    fn content(body: &Body) -> String {
        let mut text = String::new();
        if body.length_bytes > 0 || body.frames > 0 {
            let bytes = String::from_utf8_lossy(&body.bytes);
            text += &format!(" {bytes:?}/{} in {}", body.length_bytes, body.frames);
        }
        for gap in &body.gaps {
            text += &format!(" gap {}@{}", gap.length_bytes, gap.offset_bytes);
        }
        text
    }

    #[test]
    fn streams_are_told_apart() {
        check(
            &[
                start(),
                Server(frame(4, 0, 0, &[])),
                Client([get(1, "/1"), frame(1, 4, 3, &[0x83, 0x86, 0x84])].concat()),
                Server([ok(3, 0), ok(1, 0), data(1, 0, "one ")].concat()),
                Client([data(3, 0, "hel"), data(3, 1, "lo")].concat()),
                Server([data(3, 1, "three"), data(1, 1, "and more")].concat()),
                // Padded, with a priority.
                Client(frame(1, 0x2d, 5, &[2, 0, 0, 0, 0, 16, 0x82, 0x86, 0x84, 0, 0])),
                Server([ok(5, 0), frame(0, 9, 5, b"\x03abc\0\0\0")].concat()),
            ],
            expect![[r##"
                #3{POST /} [2..4 35B] "hello"/5 in 2 → {200} [3..5 24B] "three"/5 in 1
                #1{GET /1} [2..2 21B] → {200} [3..5 40B] "one and more"/12 in 2
                #5{GET /} [6..6 20B] → {200} [7..7 26B] "abc"/3 in 1
            "##]],
        );
    }

    #[test]
    fn interim_responses_and_trailers_stay_with_their_stream() {
        check(
            &[
                start(),
                Client(frame(1, 4, 1, &[0x83, 0x86, 0x84])),
                Server(frame(1, 4, 1, &lines(&[(":status", "100")]))),
                Client([data(1, 0, "x"), frame(1, 5, 1, &lines(&[("digest", "d")]))].concat()),
                Server(frame(1, 4, 1, &lines(&[(":status", "103"), ("link", "</a>")]))),
                Server([ok(1, 0), data(1, 0, "y"), frame(1, 5, 1, &lines(&[("grpc-status", "0")]))].concat()),
            ],
            expect![[r##"
                #1{POST /} [1..3 41B] "x"/1 in 1 +{digest: d} → [100, 103]{200} [5..5 44B] "y"/1 in 1 +{grpc-status: 0}
            "##]],
        );
    }

    #[test]
    fn blocks_go_on_in_other_frames() {
        let block = lines(&[(":path", "/long"), ("A", "1"), ("b", "2")]);
        let (one, two) = block.split_at(9);
        check(
            &[
                start(),
                Client([frame(1, 1, 1, &[0x82, 0x86]), frame(9, 0, 1, one)].concat()),
                Client(frame(9, 4, 1, two)),
                Client(frame(1, 5, 3, &[0x82, 0xbe])),
                // Something comes between: the block is cut, and the table is out of step.
                Client([frame(1, 1, 5, &[0x82]), frame(6, 0, 0, &[0; 8]), frame(9, 4, 5, &[0x86])].concat()),
                Client(frame(1, 5, 7, &[0x82, 0xbe])),
            ],
            expect![[r#"
                #1{GET /long, a: 1, b: 2} [1..2 52B] → -
                #3{GET, a: 1} [3..3 11B] → -
                #5{GET} cut [4..4 10B] → -
                #7{GET, ?: ?} [5..5 11B] → -
            "#]],
        );
    }

    #[test]
    fn promises_are_requests_that_the_server_made() {
        let promise = [vec![0, 0, 0, 2, 0x82, 0x86], lines(&[(":path", "/style.css")])].concat();
        check(
            &[
                start(),
                Client(get(1, "/")),
                Server([frame(5, 4, 1, &promise), ok(1, 1), ok(2, 0), data(2, 1, "css")].concat()),
            ],
            expect![[r##"
                #1{GET /} [1..1 20B] → {200} [2..2 10B]
                Pushed { with: 1 } #2{GET /style.css} [2..2 33B] → {200} [2..2 22B] "css"/3 in 1
            "##]],
        );
    }

    #[test]
    fn stopped_streams_say_by_whom_and_why() {
        check(
            &[
                start(),
                Client([get(1, "/1"), get(3, "/3"), get(5, "/5"), get(7, "/7")].concat()),
                Server([reset(1, 7), ok(3, 0), data(3, 0, "part")].concat()),
                Client(reset(3, 8)),
                // On their way when the client cancelled.
                Server([data(3, 1, "late"), ok(5, 0), data(5, 1, "five"), reset(5, 0)].concat()),
                Server(frame(7, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 0xb])),
            ],
            expect![[r##"
                #1{GET /1} [1..1 21B] (ToClient REFUSED_STREAM) → -
                #3{GET /3} [1..1 21B] (ToServer CANCEL) → {200} [2..2 23B] "part"/4 in 1 stopped (ToServer CANCEL)
                #5{GET /5} [1..1 21B] → {200} [4..4 23B] "five"/4 in 1
                #7{GET /7} [1..1 21B] (ToClient ENHANCE_YOUR_CALM GOAWAY) → -
            "##]],
        );
    }

    #[test]
    fn who_joins_in_the_middle_learns_as_it_is_said_again() {
        check(
            &[
                Lost(ToServer, 0),
                Lost(ToClient, 0),
                Server([data(11, 1, "the end"), ok(9, 1)].concat()),
                Client([b"the end of something".to_vec(), frame(1, 5, 13, &[0x82, 0xbe])].concat()),
                Client(frame(1, 5, 15, &[vec![0x82, 0xbf], lines(&[("A", "1")]), vec![0xbe]].concat())),
                Client(frame(1, 5, 17, &[0x82, 0xbe, 0xbf])),
                Server([ok(15, 1), ok(13, 1), frame(1, 5, 17, &lines(&[("grpc-status", "5")]))].concat()),
            ],
            expect![[r#"
                - → {200} [2..2 10B]
                #15{GET, ?: ?, a: 1, a: 1} [4..4 17B] → {200} [6..6 10B]
                #13{GET, ?: ?} [3..3 11B] → {200} [6..6 10B]
                #17{GET, a: 1, ?: ?} [5..5 12B] → {} cut [6..6 24B] +{grpc-status: 5}
            "#]],
        );
    }

    #[test]
    fn gaps_in_bodies_are_holes_and_gaps_between_frames_may_be() {
        check(
            &[
                start(),
                Client([get(1, "/1"), get(3, "/3"), get(5, "/5"), get(7, "/7")].concat()),
                Server([ok(1, 0), data(1, 1, "0123456789")[..12].to_vec()].concat()),
                Lost(ToClient, 4),
                Server([b"789".to_vec(), ok(3, 0), data(3, 0, "abc"), ok(5, 0)].concat()),
                Lost(ToClient, 100),
                Server([b"left over".to_vec(), data(3, 0, "xyz"), data(3, 1, "!")].concat()),
                Server(frame(1, 5, 7, &[0x88, 0xbe])),
            ],
            expect![[r##"
                #1{GET /1} [1..1 21B] → {200} [2..4 29B] "012789"/10 in 1 gap 4@3
                #3{GET /3} [1..1 21B] → {200} [4..6 44B] "abcxyz!"/7 in 3 gap 0@3
                #7{GET /7} [1..1 21B] → {200, ?: ?} [7..7 11B]
                #5{GET /5} [1..1 21B] → {200} [4..4 10B] gap 0@0 cut
            "##]],
        );
    }

    #[test]
    fn gaps_in_header_blocks_cost_what_they_add_to_the_table() {
        let request =
            |stream, name| frame(1, 5, stream, &[vec![0x82], lines(&[(name, "1"), ("b", "2")])].concat());
        check(
            &[
                start(),
                Client([request(1, "A"), request(3, "C")[..14].to_vec()].concat()),
                Lost(ToServer, 4),
                Client(
                    [request(3, "C")[18..].to_vec(), frame(1, 5, 5, &[0x82, 0xbe]), request(7, "D")].concat(),
                ),
                Client(frame(1, 5, 9, &[0x82, 0xbe, 0xbf])),
            ],
            expect![[r#"
                #1{GET, a: 1, b: 2} [1..1 20B] → -
                #3{GET} cut [1..1 18B] → -
                #5{GET, ?: ?} [3..3 11B] → -
                #7{GET, d: 1, b: 2} [3..3 20B] → -
                #9{GET, d: 1, ?: ?} [4..4 12B] → -
            "#]],
        );
    }

    #[test]
    fn long_bodies_are_counted_to_their_end() {
        check(
            &[
                start(),
                Client(get(1, "/")),
                Server([ok(1, 0), data(1, 0, "0123456789abcdefghij"), data(1, 1, "more")].concat()),
            ],
            expect![[r##"
                #1{GET /} [1..1 20B] → {200} [2..2 52B] "0123456789abcdef"/24 in 2 truncated
            "##]],
        );
    }

    #[test]
    fn an_upgrade_is_answered_on_the_first_stream() {
        use crate::protocol::http1::message::{Headers, Request};
        let request = Request {
            method: b"GET".to_vec(),
            target: b"/up".to_vec(),
            version: b"HTTP/1.1".to_vec(),
            headers: Headers::parse(b"Host: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: \r\nAccept: */*\r\n"),
            body: Default::default(),
            oddities: Default::default(),
        };
        let at = PacketRef { sequence: 0, frame: 0, index: 9 };
        let message = Message {
            start: Timestamp::from_nanos(0),
            end: Timestamp::from_nanos(0),
            first: at,
            last: at,
            wire_bytes: 99,
            gap_bytes: 0,
            truncated: false,
            content: Content::Http1Request(request),
        };
        check_with(
            || Dissector::upgraded(16, &message),
            &[
                Server([frame(4, 0, 0, &[]), ok(1, 1)].concat()),
                start(),
                Client(get(3, "/3")),
                Server(ok(3, 1)),
            ],
            expect![[r#"
                Upgraded #1{GET /up, :authority: a, accept: */*} [9..9 99B] → {200} [0..0 10B]
                #3{GET /3} [2..2 21B] → {200} [3..3 10B]
            "#]],
        );
    }

    #[test]
    fn who_asks_is_known_by_what_is_said() {
        // Joined in the middle, and taken the wrong way round.
        let pairs = play(
            Dissector::new(16),
            &[Lost(ToServer, 0), Lost(ToClient, 0), Server(get(5, "/5")), Client(ok(5, 1))],
            usize::MAX,
        );
        let [pair] = pairs.as_slice() else { panic!("{pairs:?}") };
        assert_eq!(pair.request_direction, ToClient);
        assert!(pair.request.is_some() && pair.response.is_some());
    }

    #[test]
    fn frames_are_counted() {
        let mut dissector = Dissector::new(16);
        let mark = Mark {
            timestamp: Timestamp::from_nanos(0),
            packet: PacketRef { sequence: 0, frame: 1, index: 0 },
        };
        let bytes = [
            PREFACE.to_vec(),
            frame(4, 0, 0, &[]),
            frame(8, 0, 0, &[0, 0, 0, 1]),
            get(1, "/"),
            frame(200, 0, 0, &[1]),
        ]
        .concat();
        dissector.feed(ToServer, Chunk::Data { bytes: &bytes, mark }, &mut Vec::new());
        let counts: Vec<_> = dissector.frames().iter().filter(|(_, count)| *count > 0).collect();
        expect![[r#"
            [
                (
                    Headers,
                    1,
                ),
                (
                    Settings,
                    1,
                ),
                (
                    WindowUpdate,
                    1,
                ),
                (
                    Other(
                        255,
                    ),
                    1,
                ),
            ]
        "#]]
        .assert_debug_eq(&counts);
    }
}
