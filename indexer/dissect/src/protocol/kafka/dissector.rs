//! Pairs Kafka's requests with their responses, by correlation id.
//!
//! A response can't be read without its request, which tells the operation and the version; of one whose request was
//! not seen, only that there was one is told, where its correlation id fits the client's others. A broker answers in the order in which it was asked, but nothing here depends on that.

use std::collections::VecDeque;

use crate::exchange::Message;
use crate::protocol::{Chunk, Content, Direction, Pair, StreamDissector, Tally, state};

use super::decode::{Body, Decoded};
use super::frame::{self, Head, Look, RESPONSE_HEAD_BYTES};
use super::message::{Request, Response, Topic};
use super::side::{Flow, Part, Side, Taken};
use super::topics::Known;
use super::value::{Value, field};
use super::waiting::{self, Waiting};

/// How far correlation ids may run ahead over a gap: clients count by one.
const CORRELATION_AHEAD_MAX: i32 = 1 << 20;

/// Most requests remembered to which no response is awaited.
const UNANSWERED_MAX: usize = 64;

/// A frame of an authentication's token (`sasl.server.max.receive.size`).
const TOKEN_BYTES_MAX: u32 = 512 * 1024;

const PRODUCE: i16 = 0;
const FETCH: i16 = 1;
const SASL_HANDSHAKE: i16 = 17;

/// The protocol state of one flow.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub struct Dissector {
    to_server: Side,
    to_client: Side,
    conversation: Conversation,
    body_bytes_max: usize,
}

/// What both directions know.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Conversation {
    waiting: Waiting,
    client: Option<Client>,
    /// The last requests to which no response is awaited; some brokers send one all the same.
    unanswered: VecDeque<i32>,
    /// Whether frames may be tokens of an authentication.
    expects_tokens: bool,
    topics: Known,
}

/// What its requests tell of a client.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Client {
    id: Option<String>,
    /// The correlation id of its last request.
    last: i32,
    /// Whether each request has a correlation id of its own, so that a response is told by it for sure.
    counts: bool,
}

impl Dissector {
    /// Nothing seen yet; of a body, so many bytes are kept.
    #[must_use]
    pub fn new(body_bytes_max: usize) -> Self {
        Self {
            to_server: Side::default(),
            to_client: Side::default(),
            conversation: Conversation::default(),
            body_bytes_max,
        }
    }
}

impl StreamDissector for Dissector {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        let Self { to_server, to_client, conversation, body_bytes_max } = self;
        if let Chunk::Gap { .. } = chunk {
            conversation.lose(pairs);
        }
        match direction {
            Direction::ToServer => {
                to_server.feed(chunk, *body_bytes_max, &mut Requests { conversation, pairs });
            }
            Direction::ToClient => {
                to_client.feed(chunk, *body_bytes_max, &mut Responses { conversation, pairs });
            }
        }
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let Self { to_server, to_client, conversation, .. } = self;
        match direction {
            Direction::ToServer => to_server.close(&mut Requests { conversation, pairs }),
            Direction::ToClient => {
                to_client.close(&mut Responses { conversation, pairs });
                conversation.waiting.give_up_all(pairs);
            }
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.close(Direction::ToServer, pairs);
        self.close(Direction::ToClient, pairs);
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    fn tally(&self) -> Tally {
        self.to_server.tally().and(self.to_client.tally())
    }

    fn memory_bytes(&self) -> usize {
        let Conversation { waiting, topics, .. } = &self.conversation;
        let sides = self.to_server.memory_bytes() + self.to_client.memory_bytes();
        sides + waiting.memory_bytes() + topics.memory_bytes()
    }
}

impl Conversation {
    /// Messages were lost in some direction: what relied on seeing all of them is not known any more.
    fn lose(&mut self, pairs: &mut Vec<Pair>) {
        self.topics.forget_sessions();
        if self.client.as_ref().is_some_and(|client| !client.counts) {
            self.waiting.give_up_all(pairs);
        }
        self.waiting.lose_order(pairs);
    }

    /// Whether a request with this head may come from the client of this flow.
    fn may_be_next(&self, head: &Head) -> bool {
        let Some(client) = &self.client else { return true };
        let ahead = head.correlation_id.wrapping_sub(client.last);
        client.id == head.client_id
            && (1..=CORRELATION_AHEAD_MAX).contains(&ahead.max(i32::from(!client.counts)))
    }

    /// Whether a response with this id may answer a request that was not seen: one of a client that counts.
    fn may_have_asked(&self, correlation_id: i32) -> bool {
        self.client.as_ref().is_some_and(|client| {
            client.counts
                && correlation_id.wrapping_sub(client.last).unsigned_abs()
                    <= CORRELATION_AHEAD_MAX.unsigned_abs()
        })
    }

    /// No response is awaited to this request.
    fn not_awaited(&mut self, request: &Message) {
        let head = waiting::request(request).and_then(|request| request.head.as_ref());
        if self.unanswered.len() >= UNANSWERED_MAX {
            self.unanswered.pop_front();
        }
        self.unanswered.extend(head.map(|head| head.correlation_id));
    }

    /// A request with this head came.
    fn heard(&mut self, head: &Head) {
        let repeats = self.client.as_ref().is_some_and(|client| client.last == head.correlation_id);
        let counts = self.client.as_ref().is_none_or(|client| client.counts) && !repeats;
        self.client = Some(Client { id: head.client_id.clone(), last: head.correlation_id, counts });
        self.expects_tokens = (head.api_key, head.api_version) == (SASL_HANDSHAKE, 0);
    }
}

/// The client's side.
struct Requests<'a> {
    conversation: &'a mut Conversation,
    pairs: &'a mut Vec<Pair>,
}

impl Flow for Requests<'_> {
    fn begins(&self, length_bytes: u32, message: &[u8]) -> Look {
        if self.conversation.expects_tokens && length_bytes <= TOKEN_BYTES_MAX {
            return Look::Sound;
        }
        frame::begins_request(length_bytes, message)
    }

    fn look(&self, input: &[u8]) -> Look {
        frame::look_for_request(input, |head| self.conversation.may_be_next(head))
    }

    fn message(&mut self, part: Part) -> Taken {
        let is_token = self.conversation.expects_tokens && !self.is_request(&part);
        if is_token && part.gap_bytes > 0 {
            return Taken::Skipped;
        }
        let (message, is_answered) = match if is_token { Ok(token_request(part)) } else { self.request(part) }
        {
            Ok(taken) => taken,
            Err(taken) => return taken,
        };
        if is_answered {
            self.conversation.waiting.push(message, self.pairs);
        } else {
            self.conversation.not_awaited(&message);
            let request_direction = Direction::ToServer;
            self.pairs.push(Pair { request_direction, request: Some(message), response: None });
        }
        Taken::Yes
    }
}

impl Requests<'_> {
    /// Whether a frame that may be a token is a request: its head is the next one of this client.
    fn is_request(&self, part: &Part) -> bool {
        let head = frame::head(Body { bytes: &part.bytes, missing: 0 });
        let Ok(Some(head)) = head else { return false };
        head.api().is_some() && self.conversation.may_be_next(&head)
    }

    /// The request, and whether it is answered.
    fn request(&mut self, mut part: Part) -> Result<(Message, bool), Taken> {
        let missing = u64::from(part.length_bytes).saturating_sub(count(part.bytes.len()));
        let head = match frame::head(Body { bytes: &part.bytes, missing }) {
            Ok(Some(head)) => head,
            Ok(None) => return Err(Taken::Skipped),
            Err(_) => return Err(Taken::Wrong),
        };
        part.bytes.drain(..head.length_bytes().min(part.bytes.len()));
        let conversation = &mut *self.conversation;
        conversation.heard(&head);
        let api_key = head.api_key;
        let mut request = Request {
            head: Some(head),
            length_bytes: part.length_bytes,
            body: std::mem::take(&mut part.bytes),
            topics: Vec::new(),
            is_answered: true,
        };
        let Decoded { fields, .. } = request.payload();
        let acks = field(&fields, "acks").and_then(Value::number);
        let is_answered = api_key != PRODUCE || acks != Some(0);
        let topics = if api_key == FETCH {
            conversation.topics.fetched(&fields)
        } else {
            conversation.topics.topics(&fields)
        };
        request.topics = topics;
        request.is_answered = is_answered;
        Ok((message(&part, Content::KafkaRequest(request)), is_answered))
    }
}

/// The broker's side.
struct Responses<'a> {
    conversation: &'a mut Conversation,
    pairs: &'a mut Vec<Pair>,
}

impl Flow for Responses<'_> {
    fn begins(&self, length_bytes: u32, message: &[u8]) -> Look {
        let waiting = &self.conversation.waiting;
        if waiting.has_token() && length_bytes <= TOKEN_BYTES_MAX {
            return Look::Sound;
        }
        if length_bytes < frame::RESPONSE_BYTES_MIN {
            return Look::Not("shorter than any response");
        }
        let Some(correlation_id) = message.first_chunk() else { return Look::More };
        let correlation_id = i32::from_be_bytes(*correlation_id);
        if waiting.api(correlation_id).is_some() || self.conversation.may_have_asked(correlation_id) {
            return Look::Sound;
        }
        Look::Not("no request has this correlation id")
    }

    /// Nothing tells a response but its correlation id, and that it can be read as what was asked for.
    fn look(&self, input: &[u8]) -> Look {
        let length = match frame::length(input) {
            Ok(Some(length)) if length >= frame::RESPONSE_BYTES_MIN => length,
            Ok(None) => return Look::More,
            _ => return Look::Not("no sane length"),
        };
        let Some(message) = input.get(frame::LENGTH_BYTES..) else { return Look::More };
        let Some(correlation_id) = message.first_chunk().map(|bytes| i32::from_be_bytes(*bytes)) else {
            return Look::More;
        };
        let Some(api) = self.conversation.waiting.api(correlation_id) else {
            return Look::Not("no request has this correlation id");
        };
        let beginning = frame::beginning(message, length);
        let response = Response {
            correlation_id: Some(correlation_id),
            api: Some(api),
            length_bytes: length,
            body: beginning.bytes.get(RESPONSE_HEAD_BYTES..).unwrap_or_default().to_vec(),
            topics: Vec::new(),
        };
        frame::sound(response.payload().end, beginning)
    }

    /// Responses whose requests were not seen are believed where they lead to the first one whose request was.
    fn are_messages(&self, mut before: &[u8]) -> bool {
        while let (Some(id), Ok(Some(length))) = (correlation_id(before), frame::length(before)) {
            let rest =
                usize::try_from(length).ok().and_then(|length| before.get(frame::LENGTH_BYTES + length..));
            match rest {
                Some(rest) if length >= frame::RESPONSE_BYTES_MIN && self.conversation.may_have_asked(id) => {
                    before = rest;
                }
                _ => return false,
            }
        }
        before.is_empty()
    }

    fn message(&mut self, part: Part) -> Taken {
        let Some((request, response)) = self.response(part) else { return Taken::Skipped };
        let request_direction = Direction::ToServer;
        self.pairs.push(Pair { request_direction, request, response: Some(response) });
        Taken::Yes
    }
}

impl Responses<'_> {
    /// The response, and what it answers if that was seen.
    fn response(&mut self, mut part: Part) -> Option<(Option<Message>, Message)> {
        let correlation_id = part.bytes.first_chunk().map(|bytes| i32::from_be_bytes(*bytes));
        let conversation = &mut *self.conversation;
        let known = correlation_id.and_then(|id| Some((id, conversation.waiting.api(id)?)));
        let Some((correlation_id, api)) = known else {
            let asked = conversation.waiting.take_token();
            if asked.is_none() && conversation.unanswered.contains(&correlation_id?) {
                return None;
            }
            // A token has no head.
            let correlation_id = if asked.is_some() { None } else { Some(correlation_id?) };
            let head_bytes = correlation_id.map_or(0, |_| RESPONSE_HEAD_BYTES);
            part.bytes.drain(..head_bytes.min(part.bytes.len()));
            let (length_bytes, body) = (part.length_bytes, std::mem::take(&mut part.bytes));
            let topics = Vec::new();
            let response = Response { correlation_id, api: None, length_bytes, body, topics };
            return Some((asked, message(&part, Content::KafkaResponse(response))));
        };
        let asked = conversation.waiting.take(correlation_id)?;
        part.bytes.drain(..RESPONSE_HEAD_BYTES);
        let mut response = Response {
            correlation_id: Some(correlation_id),
            api: Some(api),
            length_bytes: part.length_bytes,
            body: std::mem::take(&mut part.bytes),
            topics: Vec::new(),
        };
        let Decoded { fields, .. } = response.payload();
        conversation.topics.learn(&fields);
        if api.0 == FETCH {
            let session = field(&fields, "sessionId").and_then(Value::number);
            if let Some(session) = session.and_then(|session| i32::try_from(session).ok()) {
                conversation.topics.session(session, topics(&asked));
            }
        }
        let topics = conversation.topics.topics(&fields);
        response.topics = topics;
        Some((Some(asked), message(&part, Content::KafkaResponse(response))))
    }
}

/// The correlation id of a response whose length begins here; `None` if it is not there.
fn correlation_id(input: &[u8]) -> Option<i32> {
    let message = input.get(frame::LENGTH_BYTES..)?;
    message.first_chunk().map(|bytes| i32::from_be_bytes(*bytes))
}

fn token_request(mut part: Part) -> (Message, bool) {
    let request = Request {
        head: None,
        length_bytes: part.length_bytes,
        body: std::mem::take(&mut part.bytes),
        topics: Vec::new(),
        is_answered: true,
    };
    (message(&part, Content::KafkaRequest(request)), true)
}

fn topics(message: &Message) -> &[Topic] {
    waiting::request(message).map_or(&[], |request| &request.topics)
}

fn message(part: &Part, content: Content) -> Message {
    Message {
        start: part.first.timestamp,
        end: part.last.timestamp,
        first: part.first.packet,
        last: part.last.packet,
        wire_bytes: u64::from(part.length_bytes) + 4,
        gap_bytes: part.gap_bytes,
        truncated: part.is_truncated,
        content,
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};
    use segment::{PacketRef, Timestamp};

    use super::*;
    use crate::protocol::Mark;
    use Direction::{ToClient, ToServer};

    fn framed(parts: &[&[u8]]) -> Vec<u8> {
        let message = parts.concat();
        [u32::try_from(message.len()).unwrap().to_be_bytes().as_slice(), &message].concat()
    }

    fn request(key: u8, version: u8, id: i32, body: &[u8]) -> (Direction, Vec<u8>) {
        let tags: &[u8] =
            match frame::head(Body { bytes: &[0, key, 0, version, 0, 0, 0, 0, 0, 0, 0], missing: 0 }) {
                Ok(Some(head)) if head.length_bytes() == 11 => b"\0",
                _ => b"",
            };
        (ToServer, framed(&[&[0, key, 0, version], &id.to_be_bytes(), b"\0\x03cli", tags, body]))
    }

    fn response(id: i32, body: &[u8]) -> (Direction, Vec<u8>) {
        (ToClient, framed(&[&id.to_be_bytes(), body]))
    }

    /// Metadata 1 for a topic, and its answer.
    fn metadata(id: i32) -> [(Direction, Vec<u8>); 2] {
        let answer = b"\0\0\0\0\0\0\0\0\0\0\0\x01\0\x03\0\x06orders\0\0\0\0\0";
        [request(3, 1, id, b"\0\0\0\x01\0\x06orders"), response(id, answer)]
    }

    fn mark(number: u32) -> Mark {
        Mark {
            timestamp: Timestamp::from_nanos(i64::from(number)),
            packet: PacketRef { sequence: 0, frame: 1, index: number },
        }
    }

    fn topics(topics: &[Topic]) -> String {
        topics.iter().map(|topic| format!(" {}{:?}", topic.name, topic.partitions)).collect()
    }

    fn describe(message: &Option<Message>) -> String {
        let Some(message) = message else { return "-".to_owned() };
        let mut text = match &message.content {
            Content::KafkaRequest(request) => {
                let name = request.head.as_ref().map_or("token".to_owned(), |head| {
                    format!("{} {} #{}", head.api().unwrap().name, head.api_version, head.correlation_id)
                });
                format!("{name}{} {:?}", topics(&request.topics), request.payload().end)
            }
            Content::KafkaResponse(response) => {
                let id = response.correlation_id.map_or("token".to_owned(), |id| format!("#{id}"));
                format!("{id}{} {:?}", topics(&response.topics), response.payload().end)
            }
            _ => unreachable!("Kafka only"),
        };
        write!(text, " [{}..{}]", message.first.index, message.last.index).unwrap();
        if message.gap_bytes > 0 {
            write!(text, " gap {}", message.gap_bytes).unwrap();
        }
        if message.truncated { text + " cut" } else { text }
    }

    fn check(steps: &[(Direction, Vec<u8>)], expected: Expect) {
        let chunks: Vec<_> = steps.iter().map(|(way, bytes)| (*way, Some(bytes.as_slice()), 0)).collect();
        check_chunks(&chunks, expected);
    }

    /// Each step is a packet, or a gap of so many bytes.
    fn check_chunks(steps: &[(Direction, Option<&[u8]>, u64)], expected: Expect) {
        let (mut dissector, mut pairs) = (Dissector::new(128), Vec::new());
        for (n, (direction, bytes, length_bytes)) in (0..).zip(steps) {
            let mark = mark(n);
            let chunk = match bytes {
                Some(bytes) => Chunk::Data { bytes, mark },
                None => Chunk::Gap { length_bytes: *length_bytes, mark },
            };
            dissector.feed(*direction, chunk, &mut pairs);
        }
        dissector.finish(&mut pairs);
        let mut text = String::new();
        for pair in &pairs {
            writeln!(text, "{} → {}", describe(&pair.request), describe(&pair.response)).unwrap();
        }
        writeln!(text, "{} bytes skipped", dissector.tally().skipped_bytes).unwrap();
        expected.assert_eq(&text);
    }

    #[test]
    fn responses_find_their_requests_in_any_order() {
        let [ask, answer] = metadata(2);
        check(
            &[
                request(12, 0, 1, b"\0\x01g\0\0\0\x05\0\x01m"),
                ask,
                answer,
                response(9, b"\0\0"),
                response(1, b"\0\0"),
                request(16, 0, 3, b""),
            ],
            expect![[r#"
                Metadata 1 #2 orders[] Whole [1..1] → #2 orders[] Whole [2..2]
                - → #9 Unknown [3..3]
                Heartbeat 0 #1 Whole [0..0] → #1 Whole [4..4]
                ListGroups 0 #3 Whole [5..5] → -
                0 bytes skipped
            "#]],
        );
    }

    #[test]
    fn what_is_not_acknowledged_stands_alone() {
        let produce = |acks: u8| {
            [&[0, acks][..], b"\0\0\0\x0a\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x07\xff\xff\xff\xff"].concat()
        };
        let acknowledged = b"\0\0\0\x01\0\x01t\0\0\0\x01\0\0\0\x07\0\0\0\0\0\0\0\0\0\x2a";
        check(
            &[
                request(0, 0, 1, &produce(0)),
                request(0, 0, 2, &produce(1)),
                // Some broker acknowledges all the same: its request was seen.
                response(1, acknowledged),
                response(2, acknowledged),
            ],
            expect![[r#"
                Produce 0 #1 t[7] Whole [0..0] → -
                Produce 0 #2 t[7] Whole [1..1] → #2 t[7] Whole [3..3]
                33 bytes skipped
            "#]],
        );
    }

    #[test]
    fn topics_go_by_what_the_flow_told_of_them() {
        let id = *b"0123456789abcdef";
        // Metadata 12 tells the name of an id; Fetch 13 goes by ids, and by its session.
        let named = [b"\0\0\0\0\0\x01\0\0\0\0\0\x02\0\0\x07orders", &id[..], b"\0\x01\0\0\0\0\0\0"].concat();
        let fetch = |session: u8, epoch: u8, topics: &[u8]| {
            let session = [0, 0, 0, session, 0, 0, 0, epoch];
            [&b"\xff\xff\xff\xff"[..], &[0; 13], &session, topics, b"\x01\x01\0"].concat()
        };
        let partition = [b"\0\0\0\x04".as_slice(), &[0; 28], b"\0"].concat();
        let topics = [b"\x02".as_slice(), &id, b"\x02", &partition, b"\0"].concat();
        let begun = b"\0\0\0\0\0\0\0\0\0\0\x07\x01\0";
        let on = [b"\0\0\0\0\0\0\0\0\0\0\x07\x02".as_slice(), &id, b"\x01\0\0"].concat();
        check(
            &[
                request(3, 12, 1, b"\x01\x01\0\0"),
                response(1, &named),
                request(1, 13, 2, &fetch(0, 0, &topics)),
                response(2, begun),
                request(1, 13, 3, &fetch(7, 1, b"\x01")),
                response(3, &on),
                request(1, 13, 4, &fetch(8, 1, b"\x01")),
            ],
            expect![[r#"
                Metadata 12 #1 Whole [0..0] → #1 orders[] Whole [1..1]
                Fetch 13 #2 orders[4] Whole [2..2] → #2 Whole [3..3]
                Fetch 13 #3 orders[4] Whole [4..4] → #3 orders[] Whole [5..5]
                Fetch 13 #4 Whole [6..6] → -
                0 bytes skipped
            "#]],
        );
    }

    #[test]
    fn tokens_follow_an_old_handshake() {
        let token = |way, bytes: &[u8]| (way, framed(&[bytes]));
        let [ask, answer] = metadata(2);
        check(
            &[
                request(17, 0, 1, b"\0\x05PLAIN"),
                response(1, b"\0\0\0\0\0\x01\0\x05PLAIN"),
                token(ToServer, b"\0alice\0secret"),
                token(ToClient, b""),
                ask,
                answer,
            ],
            expect![[r#"
                SaslHandshake 0 #1 Whole [0..0] → #1 Whole [1..1]
                token Unknown [2..2] → token Unknown [3..3]
                Metadata 1 #2 orders[] Whole [4..4] → #2 orders[] Whole [5..5]
                0 bytes skipped
            "#]],
        );
    }

    #[test]
    fn a_gap_costs_what_it_hid() {
        let [first, first_answer] = metadata(1);
        let [second, second_answer] = metadata(2);
        let [third, third_answer] = metadata(3);
        let long = request(16, 0, 4, &[7; 100]).1;
        let all_answers = [first_answer.1, second_answer.1, third_answer.1].concat();
        check_chunks(
            &[
                (ToServer, Some(&first.1), 0),
                (ToServer, Some(&second.1[..9]), 0),
                (ToServer, None, second.1.len() as u64 - 9),
                (ToServer, Some(&third.1), 0),
                (ToClient, Some(&all_answers[..30]), 0),
                (ToClient, None, 10),
                (ToClient, Some(&all_answers[40..]), 0),
                // A hole within a message leaves the place of the next one known.
                (ToServer, Some(&long[..80]), 0),
                (ToServer, None, 20),
                (ToServer, Some(&long[100..]), 0),
                (ToServer, Some(&request(16, 0, 5, b"").1[..9]), 0),
            ],
            expect![[r#"
                Metadata 1 #1 orders[] Whole [0..0] → #1 orders[] Cut [4..4] gap 5
                Metadata 1 #3 orders[] Whole [3..3] → #3 orders[] Whole [6..6]
                ListGroups 0 #4 Early(63) [7..9] gap 20 → -
                48 bytes skipped
            "#]],
        );
    }

    #[test]
    fn a_flow_may_be_joined_within_a_message() {
        let [first, first_answer] = metadata(1);
        let [second, second_answer] = metadata(2);
        check_chunks(
            &[
                (ToServer, None, 0),
                (ToClient, None, 0),
                (ToServer, Some(&first.1[5..]), 0),
                (ToClient, Some(&first_answer.1[7..]), 0),
                (ToServer, Some(&second.1), 0),
                (ToClient, Some(&second_answer.1), 0),
            ],
            expect![[r#"
                Metadata 1 #2 orders[] Whole [4..4] → #2 orders[] Whole [5..5]
                52 bytes skipped
            "#]],
        );
    }

    #[test]
    fn responses_to_what_was_not_seen_are_told_by_their_ids() {
        let [_, first_answer] = metadata(1);
        let [_, second_answer] = metadata(2);
        let [third, third_answer] = metadata(3);
        let lost = metadata(4);
        let answers = [first_answer.1, second_answer.1, third_answer.1].concat();
        check_chunks(
            &[
                (ToServer, None, 0),
                (ToClient, None, 0),
                (ToServer, Some(&third.1), 0),
                (ToClient, Some(&answers), 0),
                (ToServer, None, lost[0].1.len() as u64),
                (ToClient, Some(&lost[1].1), 0),
                // No client counts so far.
                (ToClient, Some(&response(i32::MAX, b"\0\0").1), 0),
            ],
            expect![[r#"
                - → #1 Unknown [3..3]
                - → #2 Unknown [3..3]
                Metadata 1 #3 orders[] Whole [2..2] → #3 orders[] Whole [3..3]
                - → #4 Unknown [5..5]
                10 bytes skipped
            "#]],
        );
    }

    #[test]
    fn a_version_that_the_broker_does_not_know_is_answered_in_version_0() {
        check(
            &[
                request(18, 3, 1, b"\x04lib\x021\0"),
                response(1, b"\0\x23\0\0\0\x01\0\x12\0\0\0\x02"),
                request(18, 3, 2, b"\x04lib\x021\0"),
                response(2, b"\0\0\x02\0\x12\0\0\0\x02\0\0\0\0\0\0"),
            ],
            expect![[r#"
                ApiVersions 3 #1 Whole [0..0] → #1 Whole [1..1]
                ApiVersions 3 #2 Whole [2..2] → #2 Whole [3..3]
                0 bytes skipped
            "#]],
        );
    }

    #[test]
    fn what_is_long_is_cut_and_its_head_told() {
        let long = request(3, 1, 1, &[b"\0\0\0\x28".as_slice(), &b"\0\x06orders".repeat(40)].concat());
        let [ask, answer] = metadata(2);
        check(
            &[long, ask, answer],
            expect![[r#"
                Metadata 1 #2 orders[] Whole [1..1] → #2 orders[] Whole [2..2]
                Metadata 1 #1 orders[] Cut [0..0] cut → -
                0 bytes skipped
            "#]],
        );
    }
}
