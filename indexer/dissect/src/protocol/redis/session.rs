//! What the commands so far made of a connection.

use serde::{Deserialize, Serialize};

use super::message::{Answer, Command, Data, Kind, Reply, Value};

/// The state of one connection, as far as replies depend on it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Session {
    database: Option<u64>,
    replies: Replies,
    /// Whether types of RESP3 were agreed on or seen: pushes have a type of their own then.
    resp3: bool,
    is_monitor: bool,
    channels: u64,
    patterns: u64,
    shards: u64,
}

/// Whether commands are answered (`CLIENT REPLY`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum Replies {
    #[default]
    On,
    /// All but the next.
    SkipNext,
    Off,
}

/// A command whose reply does more than answer it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Special {
    /// It does not.
    #[default]
    None,
    /// The answer is one confirmation for each of so many channels.
    Subscription(Topic, u64),
    /// The database was this before; an error undoes the choice.
    Select(Option<u64>),
    /// An answer that is no error changes the protocol's version.
    Hello,
    /// An answer that is no error begins a stream of lines.
    Monitor,
    /// The connection begins anew.
    Reset,
    /// The answer is the data set.
    Sync,
    /// The answer tells whether the data set follows.
    PartialSync,
}

/// What one subscribes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Topic {
    /// `SUBSCRIBE`
    Channels,
    /// `PSUBSCRIBE`
    Patterns,
    /// `SSUBSCRIBE`
    Shards,
}

impl Session {
    /// Whether nothing but answers comes from the server.
    pub fn has_only_answers(&self) -> bool {
        !(self.resp3 || self.is_monitor || self.has_subscriptions())
    }

    fn has_subscriptions(&self) -> bool {
        self.channels.saturating_add(self.patterns).saturating_add(self.shards) > 0
    }

    /// Takes a command: fills in what only the connection knows, and says what its answer will do.
    pub fn command(&mut self, command: &mut Command) -> Special {
        command.database = self.database;
        command.answer = self.answer(command);
        if command.answer == Answer::Never {
            return Special::None;
        }
        let name = command.word(0).to_ascii_uppercase();
        match name.as_slice() {
            b"SELECT" => {
                let before = self.database;
                let number = std::str::from_utf8(command.word(1)).ok().and_then(|text| text.parse().ok());
                self.database = number.or(before);
                Special::Select(before)
            }
            b"SUBSCRIBE" | b"PSUBSCRIBE" | b"SSUBSCRIBE" => {
                Special::Subscription(topic(&name), command.args_count.saturating_sub(1))
            }
            b"UNSUBSCRIBE" | b"PUNSUBSCRIBE" | b"SUNSUBSCRIBE" => {
                let topic = topic(&name);
                let named = command.args_count.saturating_sub(1);
                // Without names all of them end, one confirmation each; one if there are none.
                let count = if named == 0 { (*self.count_of(topic)).max(1) } else { named };
                Special::Subscription(topic, count)
            }
            b"HELLO" => Special::Hello,
            b"MONITOR" => Special::Monitor,
            b"RESET" => {
                self.database = self.database.map(|_| 0);
                Special::Reset
            }
            b"SYNC" => Special::Sync,
            b"PSYNC" => Special::PartialSync,
            _ => Special::None,
        }
    }

    fn answer(&mut self, command: &Command) -> Answer {
        if command.is_word(0, "REPLCONF") && command.is_word(1, "ACK") {
            return Answer::Never;
        }
        let before = self.replies;
        if before == Replies::SkipNext {
            self.replies = Replies::On;
        }
        if command.is_word(0, "CLIENT") && command.is_word(1, "REPLY") {
            if command.is_word(2, "ON") {
                self.replies = Replies::On;
                return Answer::Due;
            }
            if command.is_word(2, "OFF") {
                self.replies = Replies::Off;
                return Answer::Never;
            }
            if command.is_word(2, "SKIP") {
                // Where replies are off they stay off.
                if before != Replies::Off {
                    self.replies = Replies::SkipNext;
                }
                return Answer::Never;
            }
        }
        if command.is_word(0, "RESET") {
            self.replies = Replies::On;
            return Answer::Due;
        }
        if before == Replies::On { Answer::Due } else { Answer::Never }
    }

    /// Takes the answer to a command.
    pub fn answered(&mut self, special: Special, reply: &Reply) {
        let is_error = reply.error().is_some();
        match special {
            Special::Select(before) if is_error => self.database = before,
            Special::Hello if !is_error => self.resp3 = reply.value.kind == Kind::Map,
            Special::Monitor if !is_error => self.is_monitor = true,
            Special::Reset if !is_error => {
                let (database, replies) = (self.database, self.replies);
                *self = Self { database, replies, ..Self::default() };
            }
            _ => {}
        }
    }

    /// What a value from the server is for, if its shape or the connection's state tells.
    pub fn role(&mut self, value: &Value, is_certain: bool) -> Role {
        if matches!(value.kind, Kind::Map | Kind::Set | Kind::Push | Kind::Boolean | Kind::Double) {
            self.resp3 = true;
        }
        if value.kind == Kind::SimpleString && is_monitor_line(value.bytes().unwrap_or_default()) {
            return Role::Monitor;
        }
        let may_be_push = match value.kind {
            Kind::Push => true,
            Kind::Array => !self.resp3,
            _ => false,
        };
        let Some((word, rest)) = value.items().split_first().filter(|_| may_be_push) else {
            return Role::Answer;
        };
        if let Some(topic) = confirmed(word, rest) {
            return Role::Confirmation(topic);
        }
        if value.kind == Kind::Push {
            return Role::Push;
        }
        if (self.has_subscriptions() || !is_certain) && is_news(word, rest) {
            return Role::Push;
        }
        Role::Answer
    }

    /// Takes a confirmation: it tells how many subscriptions there are now.
    pub fn confirmed(&mut self, topic: Topic, value: &Value) {
        let Some(Data::Integer(now)) = value.items().get(2).map(|value| &value.data) else { return };
        let now = u64::try_from(*now).unwrap_or_default();
        let others = match topic {
            Topic::Channels => self.patterns,
            Topic::Patterns => self.channels,
            Topic::Shards => 0,
        };
        *self.count_of(topic) = now.saturating_sub(others);
    }

    fn count_of(&mut self, topic: Topic) -> &mut u64 {
        match topic {
            Topic::Channels => &mut self.channels,
            Topic::Patterns => &mut self.patterns,
            Topic::Shards => &mut self.shards,
        }
    }
}

/// What a value from the server is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Answers a command.
    Answer,
    /// Confirms one subscription, or its end.
    Confirmation(Topic),
    /// Tells a subscriber something.
    Push,
    /// A line of `MONITOR`.
    Monitor,
}

fn topic(name: &[u8]) -> Topic {
    match name.first() {
        Some(b'P' | b'p') => Topic::Patterns,
        Some(b'S' | b's') if !name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"SUB")) => {
            Topic::Shards
        }
        _ => Topic::Channels,
    }
}

/// `["subscribe", channel, count]`, or `null` for the channel when there was none to leave.
fn confirmed(word: &Value, rest: &[Value]) -> Option<Topic> {
    const WORDS: [&[u8]; 6] =
        [b"subscribe", b"unsubscribe", b"psubscribe", b"punsubscribe", b"ssubscribe", b"sunsubscribe"];
    let word = word.bytes()?;
    let [name, count] = rest else { return None };
    let has_shape =
        matches!(name.data, Data::Bytes(_) | Data::Null) && matches!(count.data, Data::Integer(_));
    (has_shape && WORDS.contains(&word)).then(|| topic(word))
}

/// `["message", channel, text]`, `["pmessage", pattern, channel, text]`, `["smessage", channel, text]`.
fn is_news(word: &Value, rest: &[Value]) -> bool {
    let length = match word.bytes() {
        Some(b"message" | b"smessage") => 2,
        Some(b"pmessage") => 3,
        _ => return false,
    };
    rest.len() == length && rest.iter().all(|value| value.bytes().is_some())
}

/// `1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`.
pub fn is_monitor_line(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let seconds = digits(text);
    let Some(rest) = text.get(seconds..).and_then(|rest| rest.strip_prefix(b".")) else { return false };
    let micros = digits(rest);
    let Some(rest) = rest.get(micros..).and_then(|rest| rest.strip_prefix(b" [")) else { return false };
    seconds >= 9 && micros == 6 && rest.first().is_some_and(u8::is_ascii_digit)
}
