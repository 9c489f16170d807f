//! Pairs commands with replies by their order, and knows when the order is uncertain.
//!
//! A server answers commands one after the other, so the first reply is for the first command that waits.
//! A gap may hide any number of either. Then the connection has to show where it stands: a client that has
//! nothing outstanding when it asks gets its answer next. [`Uncertain`] tells how that is seen.

use std::collections::VecDeque;

use segment::Timestamp;
use segment::time::NANOS_PER_SECOND;
use serde::{Deserialize, Serialize};

use super::message::{Data, Items, Kind, Reply, Value};
use super::session::{Special, Topic};
use crate::exchange::Message;
use crate::protocol::{Content, Direction, Pair};

/// Most commands that wait on one connection. Beyond it the oldest leave without an answer, and their answers
/// are counted off when they come.
const WAITING_MAX: usize = 16 * 1024;
/// Most bytes of commands that wait, of replies that came before their commands, and of pairs on probation.
const WAITING_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Silence after which nothing is outstanding: servers answer within microseconds what doesn't block, and who
/// waits for what blocks asks nothing else.
const QUIET_NS: i64 = NANOS_PER_SECOND / 5;
/// Commands and replies that took turns, before a client is believed to wait for each answer, although it
/// never paused.
const TURNS_MIN: usize = 32;

/// Commands and replies that wait for each other.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Order {
    waiting: VecDeque<Waiting>,
    /// Replies whose commands come later: packets may be captured in the wrong order.
    early: VecDeque<Message>,
    /// Bytes of both.
    bytes: usize,
    /// Answers to come for commands that left already.
    owed: u64,
    uncertain: Option<Uncertain>,
}

/// A command that waits.
#[derive(Debug, Serialize, Deserialize)]
pub struct Waiting {
    /// The command.
    pub message: Message,
    /// What its answer does.
    pub special: Special,
    /// Confirmations that came so far.
    pub gathered: Option<Message>,
}

/// Nobody knows which command the next reply answers.
///
/// A command and a reply that take turns are paired on probation. If the client then was silent for
/// [`QUIET_NS`], nothing can have been outstanding, before either: the pairs are right. If two commands, or
/// two replies, follow each other, all of them leave without partners.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Uncertain {
    /// So many of the commands that wait were sent before the gap: the next replies are theirs.
    certain: usize,
    probation: Vec<(Message, Message)>,
    bytes: usize,
    was_contradicted: bool,
    last_reply: Option<Timestamp>,
}

impl Order {
    /// Whether the next reply is known to be for the command that waits longest.
    pub fn is_certain(&self) -> bool {
        self.uncertain.is_none()
    }

    /// The command that the next reply is for, if one is known.
    pub fn next(&self) -> Option<&Waiting> {
        let is_known =
            self.owed == 0 && self.uncertain.as_ref().is_none_or(|uncertain| uncertain.certain > 0);
        self.waiting.front().filter(|_| is_known)
    }

    /// Whether no reply is due.
    pub fn is_idle(&self) -> bool {
        self.is_certain() && self.owed == 0 && self.waiting.is_empty()
    }

    /// How many commands that wait were sent between two instants.
    pub fn asked_between(&self, after: Option<Timestamp>, before: Timestamp) -> usize {
        let is_between = |at: Timestamp| after.is_none_or(|after| at > after) && at < before;
        self.waiting.iter().filter(|waiting| is_between(waiting.message.end)).count()
    }

    /// Takes a command. `Some` if its answer had come already: it is the response of the pair told last.
    pub fn command(&mut self, waiting: Waiting, pairs: &mut Vec<Pair>) -> Option<Special> {
        if self.uncertain.is_none()
            && let Some(reply) = self.early.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(size_of_message(&reply));
            let special = waiting.special;
            pairs.push(pair(Some(waiting.message), Some(reply)));
            return Some(special);
        }
        if self.is_lost() && matches!(waiting.special, Special::Subscription(..)) {
            pairs.push(pair(Some(waiting.message), None));
            return None;
        }
        self.bytes = self.bytes.saturating_add(size_of_message(&waiting.message));
        self.waiting.push_back(waiting);
        while self.waiting.len() > WAITING_MAX || self.bytes > WAITING_BYTES_MAX && !self.waiting.is_empty() {
            self.give_up_oldest(pairs);
        }
        None
    }

    /// Takes an answer. `Some` if its command is known: they are the pair told last.
    pub fn answer(&mut self, reply: Message, pairs: &mut Vec<Pair>) -> Option<Special> {
        if self.owed > 0 {
            self.owed = self.owed.saturating_sub(1);
            pairs.push(pair(None, Some(reply)));
            return None;
        }
        self.end_gathering(pairs);
        if self.is_lost() {
            return self.answer_in_turn(reply, pairs);
        }
        if let Some(waiting) = self.take_oldest() {
            pairs.push(pair(Some(waiting.message), Some(reply)));
            return Some(waiting.special);
        }
        self.bytes = self.bytes.saturating_add(size_of_message(&reply));
        self.early.push_back(reply);
        if self.bytes > WAITING_BYTES_MAX || self.early.len() > WAITING_MAX {
            self.lose(pairs);
        }
        None
    }

    /// Takes a confirmation, if the command that the next reply is for asked for it; gives it back if not.
    pub fn confirm(&mut self, topic: Topic, reply: Message, pairs: &mut Vec<Pair>) -> Option<Message> {
        let is_next = self
            .next()
            .is_some_and(|next| matches!(next.special, Special::Subscription(of, _) if of == topic));
        let Some(front) = self.waiting.front_mut().filter(|_| is_next) else { return Some(reply) };
        let Special::Subscription(_, left) = &mut front.special else { return Some(reply) };
        *left = left.saturating_sub(1);
        let is_last = *left == 0;
        let added = size_of_message(&reply);
        match &mut front.gathered {
            Some(gathered) => gather(gathered, reply),
            None if is_last => front.gathered = Some(reply),
            None => front.gathered = Some(as_list(reply)),
        }
        self.bytes = self.bytes.saturating_add(added);
        if is_last || self.bytes > WAITING_BYTES_MAX {
            self.end_gathering(pairs);
        }
        None
    }

    /// Replies were never seen; so many of them that no command sent before can be told from those after.
    /// Returns whether the order is still known: `is_first_lost` says that what waits longest lost its answer.
    pub fn lost_replies(&mut self, is_first_lost: bool, pairs: &mut Vec<Pair>) -> bool {
        self.end_gathering(pairs);
        if is_first_lost && self.is_certain() && self.owed == 0 && self.waiting.len() == 1 {
            self.give_up_oldest(pairs);
            self.owed = 0;
            return self.is_certain();
        }
        self.lose(pairs);
        false
    }

    /// Commands were never seen: replies to those that wait are still known, those behind them are not.
    pub fn lost_commands(&mut self, pairs: &mut Vec<Pair>) {
        let certain = match &self.uncertain {
            Some(uncertain) => uncertain.certain,
            None => self.waiting.len(),
        };
        self.begin_uncertain(certain, pairs);
    }

    /// Nothing is known of which reply is for which command any more.
    pub fn lose(&mut self, pairs: &mut Vec<Pair>) {
        self.owed = 0;
        self.begin_uncertain(0, pairs);
    }

    /// No reply will come any more.
    pub fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.end_gathering(pairs);
        if let Some(uncertain) = self.uncertain.take() {
            let is_right = self.waiting.is_empty() && !uncertain.was_contradicted;
            uncertain.leave(is_right, pairs);
        }
        pairs.extend(self.early.drain(..).map(|reply| pair(None, Some(reply))));
        pairs.extend(self.waiting.drain(..).map(|waiting| pair(Some(waiting.message), waiting.gathered)));
        self.bytes = 0;
        self.owed = 0;
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.bytes + self.uncertain.as_ref().map_or(0, |uncertain| uncertain.bytes)
    }

    fn is_lost(&self) -> bool {
        self.uncertain.as_ref().is_some_and(|uncertain| uncertain.certain == 0)
    }

    fn begin_uncertain(&mut self, certain: usize, pairs: &mut Vec<Pair>) {
        if let Some(before) = self.uncertain.take() {
            before.leave(false, pairs);
        }
        for reply in std::mem::take(&mut self.early) {
            self.bytes = self.bytes.saturating_sub(size_of_message(&reply));
            pairs.push(pair(None, Some(reply)));
        }
        self.uncertain = Some(Uncertain { certain, ..Uncertain::default() });
    }

    fn take_oldest(&mut self) -> Option<Waiting> {
        let waiting = self.waiting.pop_front()?;
        let gathered = waiting.gathered.as_ref().map_or(0, size_of_message);
        self.bytes = self.bytes.saturating_sub(size_of_message(&waiting.message)).saturating_sub(gathered);
        if self.waiting.is_empty() && self.early.is_empty() {
            self.bytes = 0;
        }
        if let Some(uncertain) = &mut self.uncertain {
            uncertain.certain = uncertain.certain.saturating_sub(1);
        }
        Some(waiting)
    }

    fn give_up_oldest(&mut self, pairs: &mut Vec<Pair>) {
        let was_known = self.uncertain.as_ref().is_none_or(|uncertain| uncertain.certain > 0);
        let Some(waiting) = self.take_oldest() else { return };
        pairs.push(pair(Some(waiting.message), waiting.gathered));
        if !was_known {
            return;
        }
        self.owed = self.owed.saturating_add(1);
        if waiting.special != Special::None {
            // What its answer does to the connection can't be counted off.
            self.lose(pairs);
        }
    }

    /// Confirmations that came leave with their command, however many are missing.
    fn end_gathering(&mut self, pairs: &mut Vec<Pair>) {
        if self.waiting.front().is_some_and(|front| front.gathered.is_some())
            && let Some(front) = self.take_oldest()
        {
            pairs.push(pair(Some(front.message), front.gathered));
        }
    }

    /// A reply while nobody knows what it answers.
    fn answer_in_turn(&mut self, reply: Message, pairs: &mut Vec<Pair>) -> Option<Special> {
        let sent = self.waiting.iter().take_while(|waiting| waiting.message.end < reply.start).count();
        if sent != 1 {
            for _ in 0..sent {
                if let Some(waiting) = self.take_oldest() {
                    pairs.push(pair(Some(waiting.message), None));
                }
            }
            let last_reply = Some(reply.end);
            if let Some(uncertain) = self.uncertain.take() {
                uncertain.leave(false, pairs);
            }
            pairs.push(pair(None, Some(reply)));
            self.uncertain = Some(Uncertain { was_contradicted: true, last_reply, ..Uncertain::default() });
            return None;
        }
        let Waiting { message, special, .. } = self.take_oldest()?;
        let uncertain = self.uncertain.as_mut()?;
        let was_quiet = uncertain.last_reply.is_some_and(|last| message.start.since(last) >= QUIET_NS);
        uncertain.last_reply = Some(reply.end);
        uncertain.bytes =
            uncertain.bytes.saturating_add(size_of_message(&message)).saturating_add(size_of_message(&reply));
        uncertain.probation.push((message, reply));
        let is_over = was_quiet || uncertain.probation.len() >= TURNS_MIN;
        if is_over || uncertain.bytes > WAITING_BYTES_MAX {
            let uncertain = self.uncertain.take()?;
            let last_reply = uncertain.last_reply;
            uncertain.leave(is_over, pairs);
            if !is_over {
                self.uncertain =
                    Some(Uncertain { was_contradicted: true, last_reply, ..Uncertain::default() });
            }
        }
        // What it does to the connection is taken as if the pair were right; nothing worse than a role or a
        // database depends on it.
        Some(special)
    }
}

impl Uncertain {
    fn leave(self, is_right: bool, pairs: &mut Vec<Pair>) {
        for (command, reply) in self.probation {
            if is_right {
                pairs.push(pair(Some(command), Some(reply)));
            } else {
                pairs.push(pair(Some(command), None));
                pairs.push(pair(None, Some(reply)));
            }
        }
    }
}

fn pair(request: Option<Message>, response: Option<Message>) -> Pair {
    Pair { request_direction: Direction::ToServer, request, response }
}

/// Bytes of memory of a message.
fn size_of_message(message: &Message) -> usize {
    size_of::<Waiting>()
        + match &message.content {
            Content::RedisCommand(command) => command.memory_bytes(),
            Content::RedisReply(reply) => reply.memory_bytes(),
            _ => 0,
        }
}

/// The first of several confirmations.
fn as_list(mut message: Message) -> Message {
    if let Content::RedisReply(reply) = &mut message.content {
        let none = Value { kind: Kind::Array, data: Data::Items(Items::default()) };
        let first = std::mem::replace(&mut reply.value, none);
        let kind = first.kind;
        reply.value = Value { kind, data: Data::Items(Items { values: vec![first], count: 1 }) };
    }
    message
}

/// Adds a confirmation to those before.
fn gather(gathered: &mut Message, next: Message) {
    gathered.end = next.end;
    gathered.last = next.last;
    gathered.wire_bytes = gathered.wire_bytes.saturating_add(next.wire_bytes);
    gathered.gap_bytes = gathered.gap_bytes.saturating_add(next.gap_bytes);
    gathered.truncated |= next.truncated;
    if let (
        Content::RedisReply(Reply { value: Value { data: Data::Items(items), .. }, whole_bytes, .. }),
        Content::RedisReply(next),
    ) = (&mut gathered.content, next.content)
    {
        items.count = items.count.saturating_add(1);
        items.values.push(next.value);
        *whole_bytes = whole_bytes.saturating_add(next.whole_bytes);
    }
}
