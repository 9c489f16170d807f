//! Keeps the state of one AMQP connection.

mod holes;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::exchange::Message;
use crate::limits::Limits;
use crate::protocol::amqp::content::{Contents, Open};
use crate::protocol::amqp::frame::{self, END, Frame, Malformed};
use crate::protocol::amqp::message::{Content as Body, Message as Amqp, Says};
use crate::protocol::amqp::method::{Carries, Method};
use crate::protocol::amqp::order::Order;
use crate::protocol::pending::{Input, Pending};
use crate::protocol::{Chunk, Content, Direction, Pair, StreamDissector, Tally, state};

/// Most times that a stream is searched for a frame in vain before the rest of it is given up.
const SEARCHES_MAX: u32 = 64;
/// Most channels whose publishes are numbered; RabbitMQ allows 2047.
const CONFIRMING_MAX: usize = 2048;
/// The four bytes behind `AMQP` that this dissector goes on from.
const VERSIONS: [[u8; 4]; 3] = [[0, 0, 9, 1], [1, 1, 0, 9], [1, 1, 8, 0]];

/// The protocol state of one connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dissector {
    body_bytes_max: usize,
    to_server: Side,
    to_client: Side,
    order: Order,
    /// The tag of the next publish, for each channel on which publishes are confirmed.
    confirming: BTreeMap<u16, u64>,
}

/// One direction.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Side {
    pending: Pending,
    position: Position,
    contents: Contents,
    tally: Tally,
}

/// Where in a stream the next byte lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum Position {
    /// A frame begins.
    #[default]
    Frame,
    /// In the payload of a body frame; so many bytes to come, then the end.
    Body { channel: u16, left: u32, is_wanted: bool },
    /// In a frame whose start is told already; so many bytes to come.
    Skipping(u64),
    /// After a gap: some byte may begin a frame.
    Lost { failures: u32 },
    /// Searched too often, or another protocol.
    GivenUp,
}

impl Dissector {
    /// Keeps up to `body_bytes_max` bytes of each body; longer ones are counted to their end.
    #[must_use]
    pub fn new(body_bytes_max: usize) -> Self {
        Self {
            body_bytes_max,
            to_server: Side::default(),
            to_client: Side::default(),
            order: Order::default(),
            confirming: BTreeMap::new(),
        }
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
            match side.position {
                Position::GivenUp => side.skip(input, usize::MAX),
                Position::Skipping(left) => {
                    let taken = input.advance(usize::try_from(left).unwrap_or(usize::MAX)).len();
                    let left = left.saturating_sub(crate::protocol::amqp::count(taken));
                    side.position = if left == 0 { Position::Frame } else { Position::Skipping(left) };
                }
                Position::Lost { .. } => match frame::sound(input.rest()) {
                    Some(true) => side.position = Position::Frame,
                    Some(false) => side.skip(input, 1),
                    None => return,
                },
                Position::Body { .. } => self.body(direction, input, pairs),
                Position::Frame => match self.frame(direction, input, pairs) {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(Malformed) => self.malformed(direction, pairs),
                },
            }
        }
    }

    /// Takes one frame; `false` asks for more bytes.
    fn frame(
        &mut self,
        direction: Direction,
        input: &mut Input<'_>,
        pairs: &mut Vec<Pair>,
    ) -> Result<bool, Malformed> {
        let Some((frame, length)) = frame::frame(input.rest())? else { return Ok(false) };
        let wire_bytes = crate::protocol::amqp::count(length);
        let first = input.next_mark();
        input.advance(length);
        let last = input.last_mark();
        let open = |channel, says| Open {
            message: Amqp { channel, says, content: None, delivery_tag: None, alone: false, is_cut: false },
            first,
            last,
            wire_bytes,
            gap_bytes: 0,
            truncated: false,
        };
        match frame {
            Frame::Protocol(version) => {
                self.tell(direction, open(0, Says::Protocol(version)), pairs);
                if !VERSIONS.contains(&version) {
                    self.to_server.position = Position::GivenUp;
                    // The server may still answer with the protocol header of what it speaks.
                    if direction == Direction::ToClient {
                        self.to_client.position = Position::GivenUp;
                    }
                }
            }
            Frame::Heartbeat => self.tell(direction, open(0, Says::Heartbeat), pairs),
            Frame::Method { channel, payload } => {
                let (method, whole) = Method::read(payload).ok_or(Malformed)?;
                let mut open = open(channel, Says::Method(method));
                open.truncated = whole.truncated;
                open.message.is_cut = !whole.has_all;
                self.method(direction, open, pairs);
            }
            Frame::Header { channel, payload } => {
                let header = frame::header(payload)?;
                let side = self.side(direction);
                match side.contents.header(channel, header, wire_bytes, last) {
                    Ok(Some(open)) => self.tell(direction, open, pairs),
                    Ok(None) => {}
                    Err(Malformed) => side.tally.skip(wire_bytes),
                }
            }
            Frame::Body { channel, length } => {
                let side = self.side(direction);
                let is_wanted = side.contents.expects_body(channel);
                if is_wanted {
                    side.contents.frame_bytes(channel, wire_bytes, last);
                } else {
                    side.tally.skip(wire_bytes);
                }
                side.position = Position::Body { channel, left: length, is_wanted };
            }
        }
        Ok(true)
    }

    fn method(&mut self, direction: Direction, mut open: Open, pairs: &mut Vec<Pair>) {
        let channel = open.message.channel;
        let name = open.message.name();
        let carries = open.message.method().and_then(Method::definition).map(|method| method.carries);
        let is_to_server = direction == Direction::ToServer;
        match name {
            "confirm.select" if is_to_server && self.confirming.len() < CONFIRMING_MAX => {
                self.confirming.entry(channel).or_insert(1);
            }
            "channel.open" | "channel.close" => {
                self.confirming.remove(&channel);
                if let Some(left) = self.side(direction).contents.give_up_channel(channel) {
                    self.tell_cut(direction, left, pairs);
                }
            }
            "basic.publish" if is_to_server => {
                if let Some(tag) = self.confirming.get_mut(&channel) {
                    open.message.delivery_tag = Some(*tag);
                    *tag = tag.saturating_add(1);
                }
            }
            _ => {}
        }
        if carries != Some(Carries::With) {
            self.tell(direction, open, pairs);
            return;
        }
        open.message.content = Some(Body::default());
        if let Some(left) = self.side(direction).contents.begin(open) {
            self.tell_cut(direction, left, pairs);
        }
    }

    /// Takes the next part of a body frame.
    fn body(&mut self, direction: Direction, input: &mut Input<'_>, pairs: &mut Vec<Pair>) {
        let body_bytes_max = self.body_bytes_max;
        let side = self.side(direction);
        let Position::Body { channel, left, is_wanted } = side.position else { return };
        if left == 0 {
            let is_end = input.rest().first() == Some(&END);
            if !is_end {
                self.malformed(direction, pairs);
                return;
            }
            input.advance(1);
            side.position = Position::Frame;
            if !is_wanted {
                side.tally.skip(1);
                return;
            }
            side.contents.frame_bytes(channel, 1, input.last_mark());
            if let Some(open) = side.contents.done(channel) {
                self.tell(direction, open, pairs);
            }
            return;
        }
        let bytes = input.advance(usize::try_from(left).unwrap_or(usize::MAX));
        let taken = u32::try_from(bytes.len()).unwrap_or(left);
        side.position = Position::Body { channel, left: left.saturating_sub(taken), is_wanted };
        if is_wanted {
            side.contents.body(channel, bytes, input.last_mark(), body_bytes_max);
        } else {
            side.tally.skip(crate::protocol::amqp::count(bytes.len()));
        }
    }

    /// The bytes are no AMQP: as good as a gap.
    fn malformed(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        side.position = match side.position {
            Position::Lost { failures } if failures >= SEARCHES_MAX => Position::GivenUp,
            Position::Lost { failures } => Position::Lost { failures: failures.saturating_add(1) },
            _ => Position::Lost { failures: 0 },
        };
        self.lose(direction, pairs);
    }

    /// Whatever is under way in `direction` is not known any more.
    fn lose(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        for open in self.side(direction).contents.give_up() {
            self.tell_cut(direction, open, pairs);
        }
        if direction == Direction::ToServer {
            self.confirming.clear();
        }
        self.order.gap(pairs);
    }

    fn tell(&mut self, direction: Direction, open: Open, pairs: &mut Vec<Pair>) {
        let Open { message, first, last, wire_bytes, gap_bytes, truncated } = open;
        let closes = (message.name() == "channel.close-ok").then_some(message.channel);
        let truncated = truncated || message.content.as_ref().is_some_and(|content| content.truncated);
        let message = Message {
            start: first.timestamp,
            end: last.timestamp,
            first: first.packet,
            last: last.packet,
            wire_bytes,
            gap_bytes,
            truncated,
            content: Content::Amqp(Box::new(message)),
        };
        self.order.message(direction, message, pairs);
        if let Some(channel) = closes {
            self.order.close_channel(channel, pairs);
        }
    }

    fn end_side(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        self.cut_off(direction, pairs);
        for open in self.side(direction).contents.give_up() {
            self.tell_cut(direction, open, pairs);
        }
    }
}

impl Side {
    fn skip(&mut self, input: &mut Input<'_>, length: usize) {
        self.tally.skip(crate::protocol::amqp::count(input.advance(length).len()));
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
            Chunk::Gap { length_bytes, .. } => {
                self.gap(direction, length_bytes, pairs);
                self.side(direction).pending.skip(length_bytes);
            }
        }
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        self.end_side(direction, pairs);
        if direction == Direction::ToClient {
            self.order.give_up(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.end_side(Direction::ToServer, pairs);
        self.end_side(Direction::ToClient, pairs);
        self.order.give_up(pairs);
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.body_bytes_max = limits.body_bytes_max;
    }

    fn tally(&self) -> Tally {
        self.to_server.tally.and(self.to_client.tally)
    }

    fn memory_bytes(&self) -> usize {
        let side = |side: &Side| side.pending.memory_bytes() + side.contents.memory_bytes();
        let confirming = self.confirming.len() * size_of::<(u16, u64)>();
        side(&self.to_server) + side(&self.to_client) + self.order.memory_bytes() + confirming
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};
    use segment::{PacketRef, Timestamp};

    use super::*;
    use crate::protocol::Mark;
    use crate::protocol::amqp::field::Field;
    use crate::protocol::amqp::message::protocol_name;

    /// What happens to a connection, in order, a millisecond each.
    enum Step {
        Client(Vec<u8>),
        Server(Vec<u8>),
        LostToServer(u64),
        LostToClient(u64),
    }
    use Step::{Client, LostToClient, LostToServer, Server};

    fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[kind][..], &channel.to_be_bytes(), &length, payload, &[END]].concat()
    }

    fn method(channel: u16, class: u16, number: u16, args: &[&[u8]]) -> Vec<u8> {
        frame(1, channel, &[&class.to_be_bytes()[..], &number.to_be_bytes(), &args.concat()].concat())
    }

    fn short(text: &str) -> Vec<u8> {
        [&[u8::try_from(text.len()).unwrap()][..], text.as_bytes()].concat()
    }

    fn header(channel: u16, length: u64) -> Vec<u8> {
        frame(
            2,
            channel,
            &[&[0, 60, 0, 0][..], &length.to_be_bytes(), &[0x80, 0], &short("text/plain")].concat(),
        )
    }

    fn publish(channel: u16, key: &str) -> Vec<u8> {
        method(channel, 60, 40, &[b"\0\0", &short("x"), &short(key), &[0]])
    }

    fn play(steps: &[Step], part_bytes: usize) -> Vec<Pair> {
        let mut dissector = Dissector::new(8);
        let mut pairs = Vec::new();
        for (n, step) in (0..).zip(steps) {
            let mark = Mark {
                timestamp: Timestamp::from_nanos(i64::from(n) * 1_000_000),
                packet: PacketRef { sequence: 0, frame: 1, index: n },
            };
            let (direction, bytes) = match step {
                Client(bytes) => (Direction::ToServer, bytes),
                Server(bytes) => (Direction::ToClient, bytes),
                LostToServer(length_bytes) | LostToClient(length_bytes) => {
                    let gap = Chunk::Gap { length_bytes: *length_bytes, mark };
                    let is_to_server = matches!(step, LostToServer(_));
                    let direction = if is_to_server { Direction::ToServer } else { Direction::ToClient };
                    dissector.feed(direction, gap, &mut pairs);
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
        let pairs = play(steps, usize::MAX);
        for part_bytes in [1, 2, 3, 7, 20] {
            assert_eq!(play(steps, part_bytes), pairs, "in parts of {part_bytes}");
        }
        let mut text = String::new();
        for pair in &pairs {
            let half = |message: &Option<Message>| message.as_ref().map_or("-".to_owned(), describe);
            if pair.request.as_ref().is_some_and(|request| request.content.stands_alone()) {
                writeln!(text, "{:?} {}", pair.request_direction, half(&pair.request)).unwrap();
            } else {
                writeln!(
                    text,
                    "{:?} {} → {}",
                    pair.request_direction,
                    half(&pair.request),
                    half(&pair.response)
                )
                .unwrap();
            }
        }
        expected.assert_eq(&text);
    }

    fn describe(message: &Message) -> String {
        let Content::Amqp(amqp) = &message.content else { unreachable!("AMQP only") };
        let mut text = format!("{}#{}", amqp.name(), amqp.channel);
        match &amqp.says {
            Says::Protocol(version) => text += &format!(" {}", protocol_name(*version)),
            Says::Heartbeat => {}
            Says::Method(method) => {
                for (name, value) in method.named_args() {
                    match value {
                        Field::Text(bytes) => {
                            let text_of = String::from_utf8_lossy(bytes).replace('\0', ".");
                            text += &format!(" {name}={text_of}");
                        }
                        Field::Unsigned(number) => text += &format!(" {name}={number}"),
                        Field::Bool(true) => text += &format!(" {name}"),
                        _ => {}
                    }
                }
            }
        }
        if let Some(tag) = amqp.delivery_tag {
            text += &format!(" tag={tag}");
        }
        if let Some(content) = &amqp.content {
            text += &format!(" {:?}/{}", String::from_utf8_lossy(&content.body), content.length_bytes);
            if content.gap_bytes > 0 {
                text += &format!(" gap {}", content.gap_bytes);
            }
        }
        let is = |is: bool, what: &'static str| if is { what } else { "" };
        text += is(amqp.is_cut, " cut");
        text += is(message.truncated, " truncated");
        text + &format!(" [{}..{} {}B]", message.first.index, message.last.index, message.wire_bytes)
    }

    #[test]
    fn a_connection_is_opened_and_closed() {
        check(
            &[
                Client(b"AMQP\0\0\x09\x01".to_vec()),
                Server(method(0, 10, 10, &[b"\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US"])),
                Client(method(0, 10, 11, &[b"\0\0\0\0\x05PLAIN\0\0\0\x04\0a\0b\x05en_US"])),
                Server(method(0, 10, 30, &[b"\x07\xff\0\x02\0\0\0\x3c"])),
                Client(
                    [
                        method(0, 10, 31, &[b"\x07\xff\0\x02\0\0\0\x3c"]),
                        method(0, 10, 40, &[&short("/"), &short(""), &[0]]),
                    ]
                    .concat(),
                ),
                Server(method(0, 10, 41, &[&short("")])),
                Client(frame(8, 0, b"")),
                Server(method(0, 10, 50, &[b"\x01\x40", &short("CONNECTION_FORCED"), &[0; 4]])),
                Client(method(0, 10, 51, &[])),
            ],
            expect![[r#"
                ToServer protocol.header#0 AMQP 0-9-1 [0..0 8B]
                ToClient connection.start#0 versionMajor=0 versionMinor=9 mechanisms=PLAIN locales=en_US [1..1 36B] → connection.start-ok#0 mechanism=PLAIN response=.a.b locale=en_US [2..2 36B]
                ToClient connection.tune#0 channelMax=2047 frameMax=131072 heartbeat=60 [3..3 20B] → connection.tune-ok#0 channelMax=2047 frameMax=131072 heartbeat=60 [4..4 20B]
                ToServer connection.open#0 virtualHost=/ [4..4 16B] → connection.open-ok#0 [5..5 13B]
                ToServer heartbeat#0 [6..6 8B]
                ToClient connection.close#0 replyCode=320 replyText=CONNECTION_FORCED classId=0 methodId=0 [7..7 36B] → connection.close-ok#0 [8..8 12B]
            "#]],
        );
    }

    #[test]
    fn another_protocol_is_refused() {
        check(
            &[Client(b"AMQP\x03\x01\0\0".to_vec()), Server(b"AMQP\0\0\x09\x01".to_vec())],
            expect![[r#"
            ToServer protocol.header#0 AMQP 1.0 over SASL [0..0 8B] → protocol.header#0 AMQP 0-9-1 [1..1 8B]
        "#]],
        );
    }

    #[test]
    fn contents_of_several_channels_are_kept_apart() {
        check(
            &[
                Client([publish(1, "a"), publish(2, "b"), header(2, 5), header(1, 12)].concat()),
                Client([frame(3, 1, b"hello "), frame(3, 2, b"world")].concat()),
                Client(frame(3, 1, b"again!")),
                Client([publish(1, "empty"), header(1, 0)].concat()),
            ],
            expect![[r#"
                ToServer basic.publish#2 exchange=x routingKey=b "world"/5 [0..1 65B]
                ToServer basic.publish#1 exchange=x routingKey=a "hello ag"/12 truncated [0..2 80B]
                ToServer basic.publish#1 exchange=x routingKey=empty ""/0 [3..3 56B]
            "#]],
        );
    }

    #[test]
    fn publishes_are_numbered_where_they_are_confirmed() {
        check(
            &[
                Client(method(1, 85, 10, &[&[0]])),
                Server(method(1, 85, 11, &[])),
                Client([publish(1, "a"), header(1, 0), publish(1, "b"), header(1, 0)].concat()),
                Client([publish(2, "c"), header(2, 0)].concat()),
                Server(method(1, 60, 80, &[&2_u64.to_be_bytes(), &[1]])),
                Server(method(1, 60, 120, &[&3_u64.to_be_bytes(), &[0]])),
            ],
            expect![[r#"
                ToServer confirm.select#1 [0..0 13B] → confirm.select-ok#1 [1..1 12B]
                ToServer basic.publish#1 exchange=x routingKey=a tag=1 ""/0 [2..2 52B]
                ToServer basic.publish#1 exchange=x routingKey=b tag=2 ""/0 [2..2 52B]
                ToServer basic.publish#2 exchange=x routingKey=c ""/0 [3..3 52B]
                ToClient basic.ack#1 deliveryTag=2 multiple [4..4 21B]
                ToClient basic.nack#1 deliveryTag=3 [5..5 21B]
            "#]],
        );
    }

    #[test]
    fn gets_are_answered_by_a_message_or_by_none() {
        let get = || method(1, 60, 70, &[b"\0\0", &short("q"), &[0]]);
        check(
            &[
                Client(get()),
                Server(method(
                    1,
                    60,
                    71,
                    &[&7_u64.to_be_bytes(), &[0], &short("x"), &short("k"), &[0, 0, 0, 3]],
                )),
                Server([header(1, 2), frame(3, 1, b"hi")].concat()),
                Client(get()),
                Server(method(1, 60, 72, &[&short("")])),
                Client(method(1, 50, 10, &[b"\0\0", &short("q"), &[0b1_0000], &[0; 4]])),
                Server(method(1, 60, 30, &[&short("ctag"), &[1]])),
                Server(method(1, 20, 20, &[&[0]])),
                Client(method(1, 20, 21, &[&[0]])),
                Server(method(1, 20, 40, &[b"\x01\x94", &short("NOT_FOUND"), &[0; 4]])),
                Client(method(1, 20, 41, &[])),
            ],
            expect![[r#"
                ToServer basic.get#1 queue=q [0..0 17B] → basic.get-ok#1 deliveryTag=7 exchange=x routingKey=k messageCount=3 "hi"/2 [1..2 72B]
                ToServer basic.get#1 queue=q [3..3 17B] → basic.get-empty#1 [4..4 13B]
                ToServer queue.declare#1 queue=q noWait [5..5 21B]
                ToClient basic.cancel#1 consumerTag=ctag noWait [6..6 18B]
                ToClient channel.flow#1 [7..7 13B] → channel.flow-ok#1 [8..8 13B]
                ToClient channel.close#1 replyCode=404 replyText=NOT_FOUND classId=0 methodId=0 [9..9 28B] → channel.close-ok#1 [10..10 12B]
            "#]],
        );
    }

    #[test]
    fn holes_in_bodies_shift_nothing() {
        check(
            &[
                Client([publish(1, "a"), header(1, 8), frame(3, 1, b"abcdefgh")[..9].to_vec()].concat()),
                LostToServer(4),
                Client([b"gh\xce".to_vec(), publish(1, "b"), header(1, 8)].concat()),
                Client(frame(3, 1, b"abcdefgh")[..10].to_vec()),
                LostToServer(6),
                Client([publish(1, "c"), header(1, 0)].concat()),
            ],
            expect![[r#"
                ToServer basic.publish#1 exchange=x routingKey=a "ab"/8 gap 4 [0..2 68B]
                ToServer basic.publish#1 exchange=x routingKey=b "abc"/8 gap 5 [2..3 67B]
                ToServer basic.publish#1 exchange=x routingKey=c ""/0 [5..5 52B]
            "#]],
        );
    }

    #[test]
    fn a_method_that_is_cut_is_told_as_far_as_it_came() {
        let declare = method(1, 50, 10, &[b"\0\0", &short("queue"), &[2], &[0; 4]]);
        let length = declare.len() as u64;
        check(
            &[
                Client(declare[..19].to_vec()),
                LostToServer(length - 19),
                Client(method(1, 50, 10, &[b"\0\0", &short("other"), &[2], &[0; 4]])),
                Server(method(1, 50, 11, &[&short("other"), &[0; 8]])),
            ],
            expect![[r#"
                ToServer queue.declare#1 queue=queue cut [0..0 19B] → -
                ToServer queue.declare#1 queue=other durable [2..2 25B] → queue.declare-ok#1 queue=other messageCount=0 consumerCount=0 [3..3 26B]
            "#]],
        );
    }

    #[test]
    fn after_a_gap_the_next_method_is_found_and_nothing_is_paired_across() {
        let declare = |name: &str| method(1, 50, 10, &[b"\0\0", &short(name), &[2], &[0; 4]]);
        let ok = |name: &str| method(1, 50, 11, &[&short(name), &[0; 8]]);
        check(
            &[
                Client([declare("a"), declare("b")].concat()),
                Server(ok("a")[..3].to_vec()),
                LostToClient(40),
                Server([b"rest of something\xce".to_vec(), ok("b")].concat()),
                Client(declare("c")),
                Server(ok("c")),
            ],
            expect![[r#"
                ToServer queue.declare#1 queue=a durable [0..0 21B] → -
                ToServer queue.declare#1 queue=b durable [0..0 21B] → -
                ToServer - → queue.declare-ok#1 queue=b messageCount=0 consumerCount=0 [3..3 22B]
                ToServer queue.declare#1 queue=c durable [4..4 21B] → queue.declare-ok#1 queue=c messageCount=0 consumerCount=0 [5..5 22B]
            "#]],
        );
    }
}
