//! The streams of a connection that are under way, and what is remembered of those that were.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::message::Origin;
use super::stream::{Role, Stream};
use super::weight::Weight;
use crate::protocol::{Direction, Pair, Tally};

/// Most streams under way on one connection; servers allow 100 to 250. The oldest leaves for a new one.
const STREAMS_MAX: usize = 1024;
/// Most bytes of headers held by all streams together.
const HEADS_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most streams that carry a WebSocket at once; the oldest leaves for a new one.
const TUNNELS_MAX: usize = 256;
/// Streams remembered after they left, where not every frame was seen.
const CLOSED_MAX: usize = 256;

/// What is known of one connection's streams.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Streams {
    open: BTreeMap<u32, Stream>,
    /// Those that left last.
    closed: VecDeque<u32>,
    /// The highest stream of a request.
    highest_asked: u32,
    /// The highest stream of a promise.
    highest_promised: u32,
    /// Held by all streams together.
    weight: Weight,
    /// Of streams that left.
    tally: Tally,
}

/// Who talks, and how much of it was seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Talk {
    /// The way that requests go.
    pub(super) asks: Direction,
    /// Whether every frame that way was seen.
    pub(super) is_asking_whole: bool,
    /// Whether every frame the other way was seen.
    pub(super) is_answering_whole: bool,
}

impl Streams {
    /// The highest stream that was seen to begin.
    pub(super) fn highest(&self) -> u32 {
        self.highest_asked.max(self.highest_promised)
    }

    /// Bytes held of bodies.
    pub(super) fn bodies_bytes(&self) -> usize {
        self.weight.bodies
    }

    /// Bytes held of WebSocket messages under way.
    pub(super) fn messages_bytes(&self) -> usize {
        self.weight.messages
    }

    /// Bytes of which no message was made.
    pub(super) fn tally(&self) -> Tally {
        self.open.values().fold(self.tally, |tally, stream| tally.and(stream.tally()))
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        let Weight { heads, bodies, spare, .. } = self.weight;
        let places = self.open.len() * size_of::<Stream>() + self.closed.capacity() * size_of::<u32>();
        heads + bodies + spare + places
    }

    /// Whether what `role` says began on stream `id`, which is under way.
    pub(super) fn has_begun(&self, id: u32, role: Role) -> bool {
        self.open.get(&id).is_some_and(|stream| stream.has_begun(role))
    }

    /// Every stream under way.
    pub(super) fn each(&mut self, mut change: impl FnMut(&mut Stream)) {
        for stream in self.open.values_mut() {
            let before = stream.weight();
            change(stream);
            self.weight.turn(before, stream.weight());
        }
    }

    /// The ids of streams under way above `lowest`.
    pub(super) fn above(&self, lowest: u32) -> Vec<u32> {
        self.open.range(lowest.saturating_add(1)..).map(|(&id, _)| id).collect()
    }

    /// Whether there is a stream `id`, now at least.
    pub(super) fn open(&mut self, id: u32, role: Role, talk: Talk, pairs: &mut Vec<Pair>) -> bool {
        if self.open.contains_key(&id) {
            return true;
        }
        // Servers open no streams but promised ones.
        let is_of_server = id.is_multiple_of(2);
        if self.has_left(id, talk) || (is_of_server && role == Role::Request) {
            return false;
        }
        self.add(Stream::new(id, Origin::Sent), talk.asks, pairs);
        true
    }

    /// Whether there is a promised stream `id`, new.
    pub(super) fn promise(&mut self, id: u32, with: u32, talk: Talk, pairs: &mut Vec<Pair>) -> bool {
        if id == 0 || self.open.contains_key(&id) || self.has_left(id, talk) {
            return false;
        }
        self.highest_promised = self.highest_promised.max(id);
        self.add(Stream::new(id, Origin::Pushed { with }), talk.asks, pairs);
        true
    }

    /// A stream whose request came before the connection was HTTP/2.
    pub(super) fn upgrade(&mut self, stream: Stream) {
        self.weight.turn(Weight::default(), stream.weight());
        self.highest_asked = stream.id();
        self.open.insert(stream.id(), stream);
    }

    fn add(&mut self, stream: Stream, asks: Direction, pairs: &mut Vec<Pair>) {
        self.make_room(STREAMS_MAX - 1, asks, pairs);
        self.open.insert(stream.id(), stream);
    }

    /// A request was seen on stream `id`: those of lower streams, if they were not, will never be.
    pub(super) fn asked(&mut self, id: u32, asks: Direction, pairs: &mut Vec<Pair>) {
        if id <= self.highest_asked {
            return;
        }
        let before = std::mem::replace(&mut self.highest_asked, id);
        let lost: Vec<u32> = self
            .open
            .range(before..id)
            .filter(|(_, stream)| !stream.has_request() && stream.is_done(false))
            .map(|(&id, _)| id)
            .collect();
        for id in lost {
            self.leave(id, asks, pairs);
        }
    }

    /// No request comes any more.
    pub(super) fn end_requests(&mut self, asks: Direction, pairs: &mut Vec<Pair>) {
        self.highest_asked = u32::MAX >> 1;
        for id in self.above(0) {
            self.change(id, asks, pairs, |stream, pairs| stream.end_request(asks, pairs));
        }
    }

    /// Whether stream `id`, which is not under way, was.
    fn has_left(&self, id: u32, talk: Talk) -> bool {
        let (is_whole, highest) = if id.is_multiple_of(2) {
            (talk.is_answering_whole, self.highest_promised)
        } else {
            (talk.is_asking_whole, self.highest_asked)
        };
        (is_whole && id <= highest) || self.closed.contains(&id)
    }

    /// Changes a stream, if there is one, and lets it leave when it is done.
    pub(super) fn change(
        &mut self,
        id: u32,
        asks: Direction,
        pairs: &mut Vec<Pair>,
        change: impl FnOnce(&mut Stream, &mut Vec<Pair>),
    ) {
        let Some(stream) = self.open.get_mut(&id) else { return };
        let before = stream.weight();
        change(stream, pairs);
        let after = stream.weight();
        // A response may be seen before its request, where that waits for bytes before it.
        let awaits_request = id > self.highest_asked && !stream.is_pushed() && !id.is_multiple_of(2);
        let is_done = stream.is_done(awaits_request);
        self.weight.turn(before, after);
        if is_done {
            self.leave(id, asks, pairs);
        } else {
            self.make_room(STREAMS_MAX, asks, pairs);
        }
    }

    /// Every stream leaves.
    pub(super) fn leave_all(&mut self, asks: Direction, pairs: &mut Vec<Pair>) {
        while let Some((&id, _)) = self.open.first_key_value() {
            self.leave(id, asks, pairs);
        }
    }

    fn leave(&mut self, id: u32, asks: Direction, pairs: &mut Vec<Pair>) {
        let Some(mut stream) = self.open.remove(&id) else { return };
        self.weight.turn(stream.weight(), Weight::default());
        stream.end_tunnel(asks, pairs);
        self.tally = self.tally.and(stream.tally());
        stream.leave(asks, pairs);
        if self.closed.len() >= CLOSED_MAX {
            self.closed.pop_front();
        }
        self.closed.push_back(id);
    }

    fn make_room(&mut self, streams_max: usize, asks: Direction, pairs: &mut Vec<Pair>) {
        while self.open.len() > streams_max || self.weight.heads > HEADS_BYTES_MAX {
            let Some((&oldest, _)) = self.open.first_key_value() else { return };
            self.leave(oldest, asks, pairs);
        }
        while self.weight.tunnels > TUNNELS_MAX {
            let Some((&oldest, _)) = self.open.iter().find(|(_, stream)| stream.is_tunnel()) else { return };
            self.leave(oldest, asks, pairs);
        }
    }
}
