//! Keeps the state of one Redis connection.

use serde::{Deserialize, Serialize};

use super::message::{Answer, Blob, Command, Data, Kind, Reply, Role, Value};
use super::order::{Order, Waiting};
use super::reader::{Grammar, Thing, Unit};
use super::resync;
use super::session::{self, Session, Special};
use super::side::{Lost, Position, Side};
use crate::exchange::Message;
use crate::limits::Limits;
use crate::protocol::pending::Input;
use crate::protocol::{Chunk, Content, Direction, Pair, StreamDissector, Tally, state};

/// The protocol state of one connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Dissector {
    to_server: Side,
    to_client: Side,
    session: Session,
    order: Order,
    /// The database of the commands that a master passes on.
    replicated_database: Option<u64>,
}

impl Dissector {
    /// Keeps up to `body_bytes_max` bytes of each message; longer ones are counted to their end.
    #[must_use]
    pub fn new(body_bytes_max: usize) -> Self {
        Self {
            to_server: Side::new(Grammar::Commands, body_bytes_max),
            to_client: Side::new(Grammar::Replies, body_bytes_max),
            session: Session::default(),
            order: Order::default(),
            replicated_database: None,
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
            let position = self.side(direction).position;
            match position {
                Position::GivenUp => self.side(direction).skip(input, usize::MAX),
                Position::Lost(_) if !self.search(direction, input) => return,
                Position::Lost(_) => self.side(direction).position = Position::Known,
                Position::Known => {
                    self.choose_grammar(direction, input.rest());
                    let before = input.at();
                    match self.side(direction).reader.next(input) {
                        Ok(Some(unit)) => self.unit(direction, unit, pairs),
                        Ok(None) if self.side(direction).reader.is_open() && input.at() > before => {}
                        Ok(None) => return,
                        Err(_) => self.malformed(direction, pairs),
                    }
                }
            }
        }
    }

    /// A stream of replies becomes one of something else where a replica's begins, and back.
    fn choose_grammar(&mut self, direction: Direction, rest: &[u8]) {
        let reader = &mut self.to_client.reader;
        if direction == Direction::ToServer || reader.is_open() {
            return;
        }
        let asked_for_all = self.order.next().is_some_and(|next| next.special == Special::Sync);
        let is_command = rest.first().is_none_or(|byte| matches!(byte, b'*' | b'\r' | b'\n'));
        match reader.grammar() {
            Grammar::Replies if asked_for_all => reader.speak(Grammar::Snapshot),
            Grammar::Commands if !is_command => reader.speak(Grammar::Replies),
            _ => {}
        }
    }

    /// Moves to where a message may begin; `false` asks for more bytes.
    fn search(&mut self, direction: Direction, input: &mut Input<'_>) -> bool {
        if self.side(direction).reader.grammar() == Grammar::Commands {
            self.side(direction).search_command(input)
        } else {
            self.search_reply(input)
        }
    }

    /// Replies are believed where a packet begins, behind a line end, if a command was sent since.
    fn search_reply(&mut self, input: &mut Input<'_>) -> bool {
        while !input.rest().is_empty() {
            let Position::Lost(lost) = self.to_client.position else { return true };
            let now = input.next_mark().timestamp;
            let is_after_line = lost.is_fresh || lost.tail == *b"\r\n";
            let is_due = lost.is_joined
                || lost.heard != Some(now) && self.order.asked_between(lost.heard, now) >= lost.due;
            if is_after_line && is_due {
                match resync::sound_reply(input.rest()) {
                    Some(true) => return true,
                    None => return false,
                    Some(false) => {}
                }
            }
            self.to_client.step_over(input, 1);
        }
        false
    }

    /// The bytes are no RESP: as good as a gap.
    fn malformed(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        let dropped = side.reader.cut_off().map_or_else(|seen| seen, |unit| unit.wire_bytes);
        side.tally.skip(dropped);
        side.lose(Lost { due: 1, ..Lost::default() });
        match direction {
            Direction::ToServer => self.order.lost_commands(pairs),
            Direction::ToClient => self.order.lose(pairs),
        }
    }

    fn gap(&mut self, direction: Direction, length_bytes: u64, pairs: &mut Vec<Pair>) {
        let has_only_answers = self.session.has_only_answers();
        let side = self.side(direction);
        let was_known = side.position == Position::Known;
        let was_open = side.reader.is_open();
        let is_new = side.heard.is_none();
        let left_over = side.pending.length_bytes();
        if was_known && left_over == 0 {
            match side.reader.gap(length_bytes) {
                Some(Some(unit)) => return self.unit(direction, unit, pairs),
                Some(None) => return,
                None => {}
            }
        }
        self.cut_off(direction, pairs);
        let side = self.side(direction);
        let is_cut = was_open || left_over > 0;
        let heard = side.heard;
        let is_joined = is_new && length_bytes == 0;
        side.lose(Lost { is_fresh: true, is_joined, due: 1, heard, ..Lost::default() });
        match direction {
            Direction::ToServer => self.order.lost_commands(pairs),
            Direction::ToClient => {
                // The bytes that are missing begin with the answer that was due, unless they go on with the
                // one before, which was told as far as it came.
                let is_first_lost = was_known && has_only_answers && length_bytes > 0 && !was_open;
                let is_none_due = was_known && has_only_answers && was_open && self.order.is_idle();
                if is_none_due {
                    return;
                }
                let is_certain = self.order.lost_replies(is_first_lost, pairs);
                let due = if is_cut || is_certain { 1 } else { 2 };
                if let Position::Lost(lost) = &mut self.to_client.position {
                    lost.due = due;
                }
            }
        }
    }

    /// What waits for more bytes in `direction` gets none.
    fn cut_off(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        let side = self.side(direction);
        side.tally.skip(side.pending.length_bytes());
        side.pending.skip(0);
        match side.reader.cut_off() {
            Ok(unit) => self.unit(direction, unit, pairs),
            Err(dropped) => self.side(direction).tally.skip(dropped),
        }
    }

    fn unit(&mut self, direction: Direction, unit: Unit, pairs: &mut Vec<Pair>) {
        let (grammar, tally) = {
            let side = self.side(direction);
            (side.reader.grammar(), &mut side.tally)
        };
        let Unit { thing, first, last, wire_bytes, gap_bytes, truncated, is_cut, whole_bytes } = unit;
        let message = |content| Message {
            start: first.timestamp,
            end: last.timestamp,
            first: first.packet,
            last: last.packet,
            wire_bytes,
            gap_bytes,
            truncated,
            content,
        };
        match thing {
            Thing::Nothing => tally.skip(wire_bytes),
            Thing::Inline(args, args_count) => {
                let command = Command { args, args_count, inline: true, whole_bytes, ..Command::default() };
                self.command(direction, command, message, pairs);
            }
            Thing::Value(value, _) if grammar == Grammar::Commands => {
                let command = Command { is_cut, whole_bytes, ..command_of(value) };
                self.command(direction, command, message, pairs);
            }
            Thing::Value(value, attributes) => {
                let reply = Reply { value, attributes, whole_bytes, is_cut, role: Role::Answer };
                self.reply(reply, message, pairs);
            }
            Thing::Snapshot(length_bytes) => {
                let blob = Blob { bytes: Vec::new(), length_bytes };
                let value = Value { kind: Kind::BulkString, data: Data::Bytes(blob) };
                let reply = Reply { value, attributes: None, whole_bytes, is_cut, role: Role::Snapshot };
                if self.order.next().is_some_and(|next| next.special == Special::Sync) {
                    self.answer(message(Content::RedisReply(reply)), pairs);
                } else {
                    pairs.push(alone(Direction::ToClient, message(Content::RedisReply(reply))));
                }
            }
        }
    }

    fn command(
        &mut self,
        direction: Direction,
        mut command: Command,
        message: impl Fn(Content) -> Message,
        pairs: &mut Vec<Pair>,
    ) {
        if direction == Direction::ToClient {
            command.answer = Answer::Replicated;
            command.database = self.replicated_database;
            if command.is_word(0, "SELECT") {
                let number = std::str::from_utf8(command.word(1)).ok().and_then(|text| text.parse().ok());
                self.replicated_database = number.or(self.replicated_database);
            }
            pairs.push(alone(direction, message(Content::RedisCommand(command))));
            return;
        }
        let special = self.session.command(&mut command);
        let is_due = command.answer == Answer::Due;
        if command.is_word(0, "REPLCONF") && !is_due && self.to_client.reader.grammar() == Grammar::Replies {
            // Only a replica that follows its master's stream says so.
            self.to_client.reader.speak(Grammar::Commands);
        }
        let message = message(Content::RedisCommand(command));
        if !is_due {
            pairs.push(alone(direction, message));
            return;
        }
        let answered = self.order.command(Waiting { message, special, gathered: None }, pairs);
        self.answered(answered, pairs);
    }

    fn reply(&mut self, mut reply: Reply, message: impl Fn(Content) -> Message, pairs: &mut Vec<Pair>) {
        let is_certain = self.order.is_certain();
        let mut role = self.session.role(&reply.value, is_certain);
        let next_is_subscription =
            self.order.next().is_some_and(|next| matches!(next.special, Special::Subscription(..)));
        if let session::Role::Confirmation(topic) = role {
            if reply.value.kind == Kind::Array && !next_is_subscription && self.order.next().is_some() {
                // Looks so, but another command is to be answered.
                role = session::Role::Answer;
            } else {
                self.session.confirmed(topic, &reply.value);
            }
        }
        reply.role = match role {
            session::Role::Answer => Role::Answer,
            session::Role::Confirmation(_) => Role::Confirmation,
            session::Role::Push => Role::Push,
            session::Role::Monitor => Role::Monitor,
        };
        let message = message(Content::RedisReply(reply));
        match role {
            session::Role::Answer => self.answer(message, pairs),
            session::Role::Confirmation(topic) => {
                if let Some(mut message) = self.order.confirm(topic, message, pairs) {
                    if let Content::RedisReply(reply) = &mut message.content {
                        reply.role = Role::Push;
                    }
                    pairs.push(alone(Direction::ToClient, message));
                }
            }
            session::Role::Push | session::Role::Monitor => pairs.push(alone(Direction::ToClient, message)),
        }
    }

    fn answer(&mut self, message: Message, pairs: &mut Vec<Pair>) {
        let begins = match &message.content {
            Content::RedisReply(Reply { value, .. }) if value.kind == Kind::SimpleString => {
                replication(value.bytes().unwrap_or_default())
            }
            _ => None,
        };
        let is_asked = self.order.next().is_none_or(|next| next.special == Special::PartialSync);
        if let Some(grammar) = begins.filter(|_| is_asked) {
            self.to_client.reader.speak(grammar);
        }
        let answered = self.order.answer(message, pairs);
        self.answered(answered, pairs);
    }

    /// What the response of the last pair does to the connection.
    fn answered(&mut self, special: Option<Special>, pairs: &[Pair]) {
        let response = pairs.last().and_then(|pair| pair.response.as_ref());
        if let (Some(special), Some(Content::RedisReply(reply))) =
            (special, response.map(|message| &message.content))
        {
            self.session.answered(special, reply);
        }
    }
}

/// What follows an answer to `PSYNC`.
fn replication(text: &[u8]) -> Option<Grammar> {
    match text.split(|&byte| byte == b' ').next() {
        Some(b"FULLRESYNC") => Some(Grammar::Snapshot),
        Some(b"CONTINUE") => Some(Grammar::Commands),
        _ => None,
    }
}

/// The words of an array of strings.
fn command_of(value: Value) -> Command {
    let Data::Items(items) = value.data else { return Command::default() };
    let args_count = items.count;
    let word = |value: Value| match value.data {
        Data::Bytes(blob) => Some(blob),
        _ => None,
    };
    let args = items.values.into_iter().filter_map(word).collect();
    Command { args, args_count, ..Command::default() }
}

fn alone(request_direction: Direction, message: Message) -> Pair {
    Pair { request_direction, request: Some(message), response: None }
}

impl StreamDissector for Dissector {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        match chunk {
            Chunk::Data { bytes, mark } => {
                let mut pending = std::mem::take(&mut self.side(direction).pending);
                pending.feed(bytes, mark, |input| self.read(direction, input, pairs));
                let side = self.side(direction);
                side.pending = pending;
                side.heard = Some(mark.timestamp);
            }
            Chunk::Gap { length_bytes, .. } => {
                self.gap(direction, length_bytes, pairs);
                self.side(direction).pending.skip(length_bytes);
            }
        }
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        self.cut_off(direction, pairs);
        if direction == Direction::ToClient {
            self.order.finish(pairs);
        }
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.cut_off(Direction::ToServer, pairs);
        self.cut_off(Direction::ToClient, pairs);
        self.order.finish(pairs);
    }

    fn save(&self) -> Vec<u8> {
        state::save(self)
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.to_server.reader.set_limit(limits.body_bytes_max);
        self.to_client.reader.set_limit(limits.body_bytes_max);
    }

    fn tally(&self) -> Tally {
        self.to_server.tally.and(self.to_client.tally)
    }

    fn memory_bytes(&self) -> usize {
        let side = |side: &Side| side.reader.memory_bytes() + side.pending.memory_bytes();
        side(&self.to_server) + side(&self.to_client) + self.order.memory_bytes()
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};
    use segment::{PacketRef, Timestamp};

    use super::*;
    use crate::protocol::Mark;

    /// What happens to a connection, in order, a millisecond each.
    #[derive(Clone, Copy)]
    enum Step<'a> {
        Client(&'a str),
        Server(&'a str),
        LostToServer(u64),
        LostToClient(u64),
        /// So many milliseconds pass.
        Silence(i64),
    }
    use Step::{Client, LostToClient, LostToServer, Server, Silence};

    fn play(steps: &[Step<'_>], part_bytes: usize) -> Vec<Pair> {
        let mut dissector = Dissector::new(4096);
        let mut pairs = Vec::new();
        let mut now_ms = 0;
        for (n, step) in (0..).zip(steps) {
            now_ms += 1;
            let mark = Mark {
                timestamp: Timestamp::from_nanos(now_ms * 1_000_000),
                packet: PacketRef { sequence: 0, frame: 1, index: n },
            };
            let (direction, text) = match *step {
                Client(text) => (Direction::ToServer, text),
                Server(text) => (Direction::ToClient, text),
                LostToServer(length_bytes) => {
                    dissector.feed(Direction::ToServer, Chunk::Gap { length_bytes, mark }, &mut pairs);
                    continue;
                }
                LostToClient(length_bytes) => {
                    dissector.feed(Direction::ToClient, Chunk::Gap { length_bytes, mark }, &mut pairs);
                    continue;
                }
                Silence(ms) => {
                    now_ms += ms;
                    continue;
                }
            };
            // A bar is a line end, a broken bar the type byte of attributes.
            let text = text.replace('|', "\r\n").replace('¦', "|");
            for bytes in text.as_bytes().chunks(part_bytes) {
                dissector.feed(direction, Chunk::Data { bytes, mark }, &mut pairs);
            }
        }
        dissector.finish(&mut pairs);
        pairs
    }

    fn check(steps: &[Step<'_>], expected: Expect) {
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
                writeln!(text, "{} → {}", half(&pair.request), half(&pair.response)).unwrap();
            }
        }
        expected.assert_eq(&text);
    }

    fn describe(message: &Message) -> String {
        let mut text = match &message.content {
            Content::RedisCommand(command) => {
                let words: Vec<_> = command
                    .args
                    .iter()
                    .map(|word| String::from_utf8_lossy(&word.bytes).into_owned())
                    .collect();
                let database = command.database.map(|number| format!(" db{number}")).unwrap_or_default();
                words.join(" ") + &database
            }
            Content::RedisReply(reply) => {
                let about = reply.attributes.as_ref().map(|value| show(value) + " ").unwrap_or_default();
                let role =
                    if reply.role == Role::Answer { String::new() } else { format!("{:?} ", reply.role) };
                role + &about + &show(&reply.value)
            }
            _ => unreachable!("Redis only"),
        };
        write!(text, " [{}..{}]", message.first.index, message.last.index).unwrap();
        if message.gap_bytes > 0 {
            write!(text, " gap {}", message.gap_bytes).unwrap();
        }
        text + if message.truncated { " truncated" } else { "" }
    }

    fn show(value: &Value) -> String {
        match &value.data {
            Data::Null => "null".to_owned(),
            Data::Integer(number) => number.to_string(),
            Data::Boolean(is) => is.to_string(),
            Data::Bytes(blob) if blob.is_whole() => String::from_utf8_lossy(&blob.bytes).into_owned(),
            Data::Bytes(blob) => format!("{}…{}", String::from_utf8_lossy(&blob.bytes), blob.length_bytes),
            Data::Items(items) => {
                let shown: Vec<_> = items.values.iter().map(show).collect();
                format!("{}[{}]", value.kind.name(), shown.join(" "))
            }
        }
    }

    #[test]
    fn pipelines_pair_in_order() {
        check(
            &[
                Client("*3|$3|SET|$1|k|$1|v|*2|$3|GET|$1|k|PING|"),
                Server("+OK|$1|v|"),
                Client("*2|$4|INCR|$1|n|"),
                Server("+PONG|"),
                Server(":1|"),
            ],
            expect![[r#"
                SET k v [0..0] → OK [1..1]
                GET k [0..0] → v [1..1]
                PING [0..0] → PONG [3..3]
                INCR n [2..2] → 1 [4..4]
            "#]],
        );
    }

    #[test]
    fn every_type_of_resp3_is_read() {
        check(
            &[
                Client("*2|$5|HELLO|$1|3|"),
                Server("%2|$6|server|$5|redis|$5|proto|:3|"),
                Client("*1|$1|A|*1|$1|B|*1|$1|C|*1|$1|D|*1|$1|E|*1|$1|F|*1|$1|G|*1|$1|H|*1|$1|I|*1|$1|J|"),
                Server("~2|+a|+b|_|#t|,1.5|(3492890328409238509324850943850943825024385|"),
                Server("=15|txt:Some string|!9|ERR wrong|$?|;4|Hell|;1|o|;0|*?|:1|*1|_|.|"),
                Server("¦1|+ttl|:3600|:7|>2|$10|invalidate|*1|$1|k|"),
            ],
            expect![[r#"
                HELLO 3 [0..0] → Map[server redis proto 3] [1..1]
                A [2..2] → Set[a b] [3..3]
                B [2..2] → null [3..3]
                C [2..2] → true [3..3]
                D [2..2] → 1.5 [3..3]
                E [2..2] → 3492890328409238509324850943850943825024385 [3..3]
                F [2..2] → txt:Some string [4..4]
                G [2..2] → ERR wrong [4..4]
                H [2..2] → Hello [4..4]
                I [2..2] → Array[1 Array[null]] [4..4]
                J [2..2] → Attribute[ttl 3600] 7 [5..5]
                ToClient Push Push[invalidate Array[k]] [5..5]
            "#]],
        );
    }

    #[test]
    fn subscriptions_are_confirmed_once_a_channel() {
        check(
            &[
                Client("*3|$9|SUBSCRIBE|$1|a|$1|b|"),
                Server("*3|$9|subscribe|$1|a|:1|*3|$7|message|$1|a|$2|hi|*3|$9|subscribe|$1|b|:2|"),
                Server("*3|$7|message|$1|b|$2|yo|"),
                Client("*1|$11|UNSUBSCRIBE|"),
                Server("*3|$11|unsubscribe|$1|a|:1|*3|$11|unsubscribe|$1|b|:0|"),
                Client("*1|$4|PING|"),
                Server("+PONG|"),
            ],
            expect![[r#"
                ToClient Push Array[message a hi] [1..1]
                SUBSCRIBE a b [0..0] → Confirmation Array[Array[subscribe a 1] Array[subscribe b 2]] [1..1]
                ToClient Push Array[message b yo] [2..2]
                UNSUBSCRIBE [3..3] → Confirmation Array[Array[unsubscribe a 1] Array[unsubscribe b 0]] [4..4]
                PING [5..5] → PONG [6..6]
            "#]],
        );
    }

    #[test]
    fn replies_that_are_switched_off_are_not_waited_for() {
        check(
            &[
                Client("PING|CLIENT REPLY SKIP|SET a 1|PING|CLIENT REPLY OFF|SET b 2|CLIENT REPLY ON|PING|"),
                Server("+PONG|+PONG|+OK|+PONG|"),
            ],
            expect![[r#"
                ToServer CLIENT REPLY SKIP [0..0]
                ToServer SET a 1 [0..0]
                ToServer CLIENT REPLY OFF [0..0]
                ToServer SET b 2 [0..0]
                PING [0..0] → PONG [1..1]
                PING [0..0] → PONG [1..1]
                CLIENT REPLY ON [0..0] → OK [1..1]
                PING [0..0] → PONG [1..1]
            "#]],
        );
    }

    #[test]
    fn transactions_databases_and_errors() {
        check(
            &[
                Client("SELECT 2|MULTI|SET a 1|EXEC|SELECT 99|GET a|"),
                Server("+OK|+OK|+QUEUED|*1|+OK|-ERR DB index is out of range|-MOVED 15495 10.0.0.1:6379|"),
                Client("GET b|"),
                Server("$-1|"),
            ],
            expect![[r#"
                SELECT 2 [0..0] → OK [1..1]
                MULTI db2 [0..0] → OK [1..1]
                SET a 1 db2 [0..0] → QUEUED [1..1]
                EXEC db2 [0..0] → Array[OK] [1..1]
                SELECT 99 db2 [0..0] → ERR DB index is out of range [1..1]
                GET a db99 [0..0] → MOVED 15495 10.0.0.1:6379 [1..1]
                GET b db2 [2..2] → null [3..3]
            "#]],
        );
    }

    #[test]
    fn monitor_lines_stand_alone() {
        check(
            &[
                Client("MONITOR|"),
                Server("+OK|+1339518083.107412 [0 127.0.0.1:60866] \"keys\" \"*\"|"),
                Client("PING|"),
                Server("+1339518087.877697 [0 127.0.0.1:60866] \"dbsize\"|+PONG|"),
            ],
            expect![[r#"
                MONITOR [0..0] → OK [1..1]
                ToClient Monitor 1339518083.107412 [0 127.0.0.1:60866] "keys" "*" [1..1]
                ToClient Monitor 1339518087.877697 [0 127.0.0.1:60866] "dbsize" [3..3]
                PING [2..2] → PONG [3..3]
            "#]],
        );
    }

    #[test]
    fn replicas_get_the_data_set_and_then_commands() {
        const MARK: &str = "0123456789012345678901234567890123456789";
        for (head, tail) in [("$9|".to_owned(), String::new()), (format!("$EOF:{MARK}|"), MARK.to_owned())] {
            let set = format!("{head}*1|bytes{tail}*2|$6|SELECT|$1|0|*3|$3|SET|$1|k|$1|v|");
            check(
                &[
                    Client("*1|$4|PING|*3|$8|REPLCONF|$4|capa|$3|eof|*3|$5|PSYNC|$1|?|$2|-1|"),
                    Server("+PONG|+OK|+FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 0|"),
                    Server("\n"),
                    Server(&set),
                    Client("*3|$8|REPLCONF|$3|ACK|$2|14|"),
                    Server("*1|$4|PING|"),
                ],
                expect![[r#"
                    PING [0..0] → PONG [1..1]
                    REPLCONF capa eof [0..0] → OK [1..1]
                    PSYNC ? -1 [0..0] → FULLRESYNC 8de1787ba490483314a4d30f1c628bc5025eb761 0 [1..1]
                    ToClient Snapshot …9 [3..3]
                    ToClient SELECT 0 [3..3]
                    ToClient SET k v db0 [3..3]
                    ToServer REPLCONF ACK 14 [4..4]
                    ToClient PING db0 [5..5]
                "#]],
            );
        }
    }

    #[test]
    fn a_hole_in_a_string_shifts_nothing() {
        check(
            &[
                Client("GET a|GET b|"),
                Server("$10|abc"),
                LostToClient(5),
                Server("xy|$1|b|"),
                Client("*3|$3|SET|$1|k|$8|val"),
                LostToServer(3),
                Client("ue|"),
                Server("+OK|"),
            ],
            expect![[r#"
                GET a [0..0] → abc…10 [1..3] gap 5
                GET b [0..0] → b [3..3]
                SET k val [4..6] gap 3 → OK [7..7]
            "#]],
        );
    }

    #[test]
    fn nothing_is_paired_across_a_gap() {
        check(
            &[
                Client("GET a|GET b|GET c|"),
                Server("$1|a|"),
                LostToClient(4),
                Server("|$1|c|"),
                Client("GET d|"),
                Server("$1|d|"),
                Silence(500),
                Client("GET e|"),
                Server("$1|e|"),
                Client("GET f|"),
                Server("$1|f|"),
            ],
            expect![[r#"
                GET a [0..0] → a [1..1]
                GET b [0..0] → -
                GET c [0..0] → -
                GET d [4..4] → -
                - → d [5..5]
                GET e [7..7] → e [8..8]
                GET f [9..9] → f [10..10]
            "#]],
        );
    }

    #[test]
    fn commands_before_a_gap_keep_their_replies() {
        check(
            &[
                Client("*2|$3|GET|$1|a|*2|$3|GET|$1|b|*2|$3|G"),
                LostToServer(30),
                Client("$1|x|*2|$3|GET|$1|d|"),
                Server("$1|a|$1|b|$1|c|$1|x|$1|d|"),
            ],
            expect![[r#"
                GET a [0..0] → a [3..3]
                GET b [0..0] → b [3..3]
                GET d [2..2] → -
                - → c [3..3]
                - → x [3..3]
                - → d [3..3]
            "#]],
        );
    }

    #[test]
    fn the_only_answer_that_was_due_is_the_one_that_is_lost() {
        check(
            &[
                Client("GET a|"),
                LostToClient(7),
                Client("GET b|"),
                Server("$1|b|"),
                Client("GET c|"),
                Server("$1|c|"),
            ],
            expect![[r#"
                GET a [0..0] → -
                GET b [2..2] → b [3..3]
                GET c [4..4] → c [5..5]
            "#]],
        );
    }

    #[test]
    fn a_flow_joined_in_the_middle_is_paired_when_it_takes_turns_to_its_end() {
        check(
            &[
                LostToServer(0),
                LostToClient(0),
                Client("*2|$3|GET|$1|a|"),
                Server("$1|a|"),
                Client("*2|$3|GET|$1|b|"),
                Server("$1|b|"),
            ],
            expect![[r#"
                GET a [2..2] → a [3..3]
                GET b [4..4] → b [5..5]
            "#]],
        );
    }

    #[test]
    fn what_is_cut_is_counted_to_its_end() {
        let command = format!("*3|$3|SET|$1|k|$9000|{}|PING|", "x".repeat(9000));
        let array = format!("*3000|{}+PONG|", ":1|".repeat(3000));
        let pairs = play(&[Client(&command), Server(&array)], 1000);
        let [first, second] = pairs.as_slice() else { panic!("{pairs:?}") };
        let told = |message: &Option<Message>| {
            let message = message.as_ref().unwrap();
            (message.wire_bytes, message.truncated)
        };
        assert_eq!((told(&first.request), told(&first.response)), ((9029, true), (12_007, true)));
        assert_eq!((told(&second.request), told(&second.response)), ((6, false), (7, false)));
    }
}
