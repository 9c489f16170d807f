//! Which answer belongs to which request.
//!
//! PostgreSQL answers in order, and its messages carry no numbers. So a hole makes the order uncertain: how many
//! requests or answers it hid, nobody knows. A [`Waiting::Barrier`] then stands in the queue. What waited
//! before it is still answered in order if the hole was the client's; what comes behind it is not paired until
//! the order is known again:
//!
//! - the server is ready for a query, and the client has sent nothing since the hole that is unanswered; or
//! - the client has taken turns with the server so far ([`TURNS_MIN`]), and asks again. A hole of the client's own may
//!   hide that it began to pipeline: it must take turns [`TURNS_AFTER_HOLE_MIN`] times more.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::exchange::Message;
use crate::protocol::postgres::open::{Answer, Open, Place};
use crate::protocol::unit::Unit;
use crate::protocol::{Content, Direction, Pair};

/// Most requests that wait on one connection; a pipeline of more is an attack.
const WAITING_MAX: usize = 1024;
/// Most bytes of them.
const WAITING_BYTES_MAX: usize = 3 * 1024 * 1024;
/// So many requests, each sent after the answer to the one before, show a client that doesn't pipeline.
const TURNS_MIN: u32 = 4;
/// So many more after a hole of the client's: a pipeline with one request always under way looks the same for a while.
const TURNS_AFTER_HOLE_MIN: u32 = 16;

/// What the server has not answered yet.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Waiting {
    /// With the bytes of memory that it was counted with.
    Request(Box<Open>, usize),
    /// ReadyForQuery answers it.
    Sync,
    /// Before it or behind it, something was never seen.
    Barrier,
}

/// Requests and answers in their order.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Order {
    queue: VecDeque<Waiting>,
    /// The answer to a request that was not seen.
    orphan: Option<Box<Answer>>,
    turns: u32,
    /// Turns that must still be taken since a hole of the client's.
    turns_doubted: u32,
    /// A hole of the client's, and no end of an extended query since: there may be more of it before.
    is_mid_query: bool,
    /// How many in the queue a ReadyForQuery answers.
    ready_points: usize,
    /// Bytes of memory that the requests in the queue were counted with.
    bytes: usize,
}

impl Order {
    /// A request begins, or is there as a whole.
    pub fn push(&mut self, open: Open, pairs: &mut Vec<Pair>) {
        if self.ready_points > 0 {
            self.turns = 0;
            self.turns_doubted = if self.turns_doubted > 0 { TURNS_AFTER_HOLE_MIN } else { 0 };
        } else if self.turns >= TURNS_MIN
            && self.turns_doubted == 0
            && self.orphan.is_none()
            && (open.is_whole() || !self.is_mid_query)
            && self.queue.iter().all(|waiting| *waiting == Waiting::Barrier)
        {
            self.clear();
        }
        self.is_mid_query &= !open.is_whole();
        self.count_newest();
        let bytes = open.memory_bytes();
        self.add(Waiting::Request(Box::new(open), bytes));
        if self.queue.len() > WAITING_MAX || self.bytes > WAITING_BYTES_MAX {
            self.give_up(pairs);
        }
    }

    /// A Sync behind what was asked.
    pub fn push_sync(&mut self, pairs: &mut Vec<Pair>) {
        self.is_mid_query = false;
        self.count_newest();
        self.add(Waiting::Sync);
        if self.queue.len() > WAITING_MAX {
            self.give_up(pairs);
        }
    }

    /// The request sent last, if it waits.
    pub fn newest(&mut self) -> Option<&mut Open> {
        match self.queue.back_mut() {
            Some(Waiting::Request(open, _)) => Some(open),
            _ => None,
        }
    }

    /// The request sent last, even where a Sync stands behind it.
    pub fn newest_request(&mut self) -> Option<&mut Open> {
        self.queue
            .iter_mut()
            .rev()
            .find_map(|waiting| match waiting {
                Waiting::Request(open, _) => Some(Some(open.as_mut())),
                Waiting::Sync => None,
                Waiting::Barrier => Some(None),
            })
            .flatten()
    }

    /// The request that the server answers now.
    pub fn oldest(&mut self) -> Option<&mut Open> {
        match self.queue.front_mut() {
            Some(Waiting::Request(open, _)) => Some(open),
            _ => None,
        }
    }

    /// The request that the server answers now, without those that it answered in full.
    pub fn current(&mut self, pairs: &mut Vec<Pair>) -> Option<&mut Open> {
        while self.oldest().is_some_and(|open| open.is_answered()) {
            self.leave(true, pairs);
        }
        self.oldest()
    }

    /// The answer to a request that was not seen.
    pub fn orphan(&mut self, unit: &Unit) -> &mut Answer {
        let answer = &mut self.orphan;
        answer.get_or_insert_with(|| Box::new(Answer::new(Place::empty(unit))))
    }

    /// Whether nothing waits and nothing is being answered.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && self.orphan.is_none()
    }

    /// ReadyForQuery: everything up to the next Sync, or the request that needs none, is answered.
    pub fn ready(&mut self, unit: &Unit, transaction: char, pairs: &mut Vec<Pair>) {
        if self.ready_points == 1 {
            self.turns = self.turns.saturating_add(1);
            self.turns_doubted = self.turns_doubted.saturating_sub(1);
        }
        match self.queue.front() {
            None | Some(Waiting::Barrier) => return self.ready_unasked(unit, transaction, pairs),
            Some(Waiting::Request(..) | Waiting::Sync) => {}
        }
        self.mark_ready(unit, transaction);
        while let Some(front) = self.queue.front() {
            match front {
                Waiting::Request(open, _) => {
                    let is_whole = open.is_whole();
                    self.leave(true, pairs);
                    if is_whole {
                        break;
                    }
                }
                Waiting::Sync => {
                    self.take_oldest();
                    break;
                }
                Waiting::Barrier => break,
            }
        }
    }

    /// Adds the ReadyForQuery to the last answer that it ends.
    fn mark_ready(&mut self, unit: &Unit, transaction: char) {
        let end = self
            .queue
            .iter()
            .position(|waiting| match waiting {
                Waiting::Request(open, _) => open.is_whole(),
                Waiting::Sync | Waiting::Barrier => true,
            })
            .map_or(self.queue.len(), |end| end.saturating_add(1));
        if let Some(Waiting::Request(open, _)) = self.queue.front_mut()
            && open.is_whole()
        {
            // A Sync alone is answered by nothing else.
            open.answer.get_or_insert_with(|| Answer::new(Place::empty(unit)));
        }
        let last = self.queue.iter_mut().take(end).rev().find_map(|waiting| match waiting {
            Waiting::Request(open, _) => open.answer.as_mut(),
            Waiting::Sync | Waiting::Barrier => None,
        });
        if let Some(answer) = last {
            answer.place.extend(unit);
            answer.response.transaction = Some(transaction);
        }
    }

    fn ready_unasked(&mut self, unit: &Unit, transaction: char, pairs: &mut Vec<Pair>) {
        if let Some(mut answer) = self.orphan.take() {
            answer.place.extend(unit);
            answer.response.transaction = Some(transaction);
            pairs.push(Pair {
                request_direction: Direction::ToServer,
                request: None,
                // Without the request nobody knows where it began, and whether it answers one or several.
                response: Some(answer.message(false)),
            });
        }
        if self.queue.iter().all(|waiting| *waiting == Waiting::Barrier) {
            // The server has nothing to do, and nothing was asked since the hole.
            self.clear();
            self.turns_doubted = 0;
            return;
        }
        // One of these was answered, or one that was not seen: nobody knows.
        self.queue.retain(|waiting| *waiting != Waiting::Barrier);
        self.drain(pairs);
        self.queue.push_back(Waiting::Barrier);
    }

    /// The oldest request is answered in full, without a ReadyForQuery.
    pub fn answered(&mut self, pairs: &mut Vec<Pair>) {
        self.leave(true, pairs);
    }

    /// The oldest request leaves, with what it was answered.
    fn leave(&mut self, complete: bool, pairs: &mut Vec<Pair>) {
        if let Some(Waiting::Request(open, _)) = self.take_oldest() {
            pairs.push(pair(*open, complete));
        }
    }

    /// Puts something behind all others.
    fn add(&mut self, waiting: Waiting) {
        self.ready_points = self.ready_points.saturating_add(usize::from(waiting.is_ready_point()));
        self.bytes = self.bytes.saturating_add(waiting.counted_bytes());
        self.queue.push_back(waiting);
    }

    fn take_oldest(&mut self) -> Option<Waiting> {
        let waiting = self.queue.pop_front()?;
        self.uncount(&waiting);
        Some(waiting)
    }

    fn take_newest(&mut self) -> Option<Waiting> {
        let waiting = self.queue.pop_back()?;
        self.uncount(&waiting);
        Some(waiting)
    }

    fn uncount(&mut self, waiting: &Waiting) {
        self.ready_points = self.ready_points.saturating_sub(usize::from(waiting.is_ready_point()));
        self.bytes = self.bytes.saturating_sub(waiting.counted_bytes());
    }

    /// Counts what the newest request has grown by; it won't grow any more.
    fn count_newest(&mut self) {
        if let Some(Waiting::Request(open, bytes)) = self.queue.back_mut() {
            let grown = open.memory_bytes();
            self.bytes = self.bytes.saturating_sub(*bytes).saturating_add(grown);
            *bytes = grown;
        }
    }

    fn clear(&mut self) -> VecDeque<Waiting> {
        self.ready_points = 0;
        self.bytes = 0;
        std::mem::take(&mut self.queue)
    }

    fn drain(&mut self, pairs: &mut Vec<Pair>) {
        for waiting in self.clear() {
            match waiting {
                Waiting::Request(mut open, _) if !open.building => {
                    open.answer = None;
                    pairs.push(pair(*open, false));
                }
                Waiting::Request(..) | Waiting::Sync | Waiting::Barrier => {}
            }
        }
    }

    /// Bytes of the client are missing: what it asked before is answered first, then something unknown.
    pub fn client_gap(&mut self) -> u64 {
        let mut dropped = 0;
        self.is_mid_query = true;
        self.turns_doubted = TURNS_AFTER_HOLE_MIN;
        if self.newest().is_some_and(|open| open.building)
            && let Some(Waiting::Request(open, _)) = self.take_newest()
        {
            dropped = open.place.seen_bytes();
        }
        if self.queue.back() != Some(&Waiting::Barrier) {
            self.queue.push_back(Waiting::Barrier);
        }
        dropped
    }

    /// Bytes of the server are missing, or it says what it could not: what waits may have been answered.
    /// The bytes of answers that are given up.
    pub fn give_up(&mut self, pairs: &mut Vec<Pair>) -> u64 {
        let mut dropped = self.orphan.take().map_or(0, |answer| answer.place.seen_bytes());
        let is_building = self.newest().is_some_and(|open| open.building);
        let building = if is_building { self.take_newest() } else { None };
        for waiting in &self.queue {
            if let Waiting::Request(open, _) = waiting {
                dropped += open.answer.as_ref().map_or(0, |answer| answer.place.seen_bytes());
            }
        }
        self.drain(pairs);
        self.queue.push_back(Waiting::Barrier);
        if let Some(Waiting::Request(mut open, bytes)) = building {
            open.answer = None;
            open.steps.clear();
            self.add(Waiting::Request(open, bytes));
        }
        dropped
    }

    /// Nothing more will be answered: what waits leaves with what it has.
    pub fn finish(&mut self, pairs: &mut Vec<Pair>) {
        for waiting in self.clear() {
            if let Waiting::Request(open, _) = waiting
                && !(open.building && open.answer.is_none())
            {
                pairs.push(pair(*open, false));
            }
        }
        if let Some(answer) = self.orphan.take() {
            let response = Some(answer.message(false));
            pairs.push(Pair { request_direction: Direction::ToServer, request: None, response });
        }
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let grown = match self.queue.back() {
            Some(Waiting::Request(open, bytes)) => open.memory_bytes().saturating_sub(*bytes),
            _ => 0,
        };
        let answer = match self.queue.front() {
            Some(Waiting::Request(open, _)) => open.answer.as_ref().map_or(0, Answer::memory_bytes),
            _ => 0,
        };
        let orphan = self.orphan.as_ref().map_or(0, |answer| answer.memory_bytes());
        self.bytes + grown + answer + orphan + self.queue.capacity() * size_of::<Waiting>()
    }
}

impl Waiting {
    /// Whether a ReadyForQuery answers it.
    fn is_ready_point(&self) -> bool {
        match self {
            Self::Request(open, _) => open.is_whole(),
            Self::Sync => true,
            Self::Barrier => false,
        }
    }

    fn counted_bytes(&self) -> usize {
        match self {
            Self::Request(_, bytes) => *bytes,
            Self::Sync | Self::Barrier => 0,
        }
    }
}

/// A request with its answer, if there is one.
fn pair(open: Open, complete: bool) -> Pair {
    let Open { place, request, answer, .. } = open;
    let response = answer.map(|answer| {
        let is_error = answer.response.error.is_some();
        answer.message(complete || is_error)
    });
    let request: Message = place.message(Content::PostgresRequest(Box::new(request)));
    Pair { request_direction: Direction::ToServer, request: Some(request), response }
}
