//! Finds out which protocol a TCP flow speaks, and hands it the bytes.
//!
//! Each side's first bytes are shown to every protocol of the table. Bytes that no protocol wants are let go,
//! and the next chunk is tried anew, because a flow may be joined in the middle of a message, or begin with
//! a proxy's greeting: most messages begin where a packet begins. After [`TRIES_MAX`] chunks a side is given up.
//! What was let go reaches the dissector as a gap.
//!
//! A flow may change its protocol: the dissector then hands over ([`Handover`]), to a protocol that both sides
//! named or to whoever recognises what follows.
//!
//! A dissector that panics costs its flow and nothing else.

mod saved;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};

pub(crate) use saved::Saved;

use super::asking::{Answer, Refused, ask};
use super::key::{FlowKey, Side, Sides};
use super::tap::Tap;
use crate::counters::Counters;
use crate::limits::Limits;
use crate::protocol::table::StreamProtocol;
use crate::protocol::{Chunk, Direction, Handover, Mark, Next, Pair, StreamDissector};

/// Most bytes of one side shown to the protocols at once; all of them tell sooner.
const PROBE_BYTES_MAX: usize = 4096;
/// Chunks of one side that are tried; a protocol that is none of ours costs no more than so many looks.
const TRIES_MAX: u32 = 32;
/// Times a flow may change its protocol: STARTTLS behind a proxy behind a tunnel are three.
const CHANGES_MAX: usize = 8;

/// What is needed beside the flow's own state.
pub(crate) struct Surroundings<'a> {
    pub(crate) key: FlowKey,
    pub(crate) limits: &'a Limits,
    pub(crate) protocols: &'static [StreamProtocol],
    pub(crate) pairs: &'a mut Vec<Pair>,
    /// Who wants the bytes themselves.
    pub(crate) tap: Option<Tap<'a>>,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn new(
        key: FlowKey,
        limits: &'a Limits,
        protocols: &'static [StreamProtocol],
        pairs: &'a mut Vec<Pair>,
    ) -> Self {
        Self { key, limits, protocols, pairs, tap: None }
    }
}

/// Holes that were never filled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Gaps {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Opening {
    /// Bytes that all protocols asked to see more of.
    head: Vec<u8>,
    tries: u32,
    /// Whether earlier bytes of this side are missing or were let go, and how many are known of.
    has_gap: bool,
    gap_bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Held {
    side: Side,
    bytes: Box<[u8]>,
    mark: Mark,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Undecided {
    openings: Sides<Opening>,
    held: Vec<Held>,
}

enum State {
    Undecided(Box<Undecided>),
    Recognised(Box<dyn StreamDissector>),
    /// No protocol wants it, or it is over.
    Off,
}

/// Which protocol the flow speaks, as far as is known.
pub(crate) struct Recognition {
    state: State,
    client: Option<Side>,
    closed: Sides<bool>,
    gaps: Sides<Gaps>,
    /// Protocols spoken so far, in order.
    spoken: Vec<Cow<'static, str>>,
    /// Why each protocol refused the bytes shown last; empty before that.
    refusals: Box<[Refused]>,
}

impl Recognition {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Undecided(Box::default()),
            client: None,
            closed: Sides::default(),
            gaps: Sides::default(),
            spoken: Vec::new(),
            refusals: Box::default(),
        }
    }

    /// Holes of one side that were never filled.
    pub(crate) fn gaps(&self, side: Side) -> Gaps {
        *self.gaps.of(side)
    }

    /// Protocols spoken so far, in order.
    pub(crate) fn spoken(&self) -> &[Cow<'static, str>] {
        &self.spoken
    }

    /// Each protocol with its reason to refuse the bytes that were shown last; none where one took them.
    pub(crate) fn refusals(&self) -> &[Refused] {
        &self.refusals
    }

    /// Who is the client, once known.
    pub(crate) fn client(&self) -> Option<Side> {
        self.client
    }

    /// The handshake told who is the client.
    pub(crate) fn client_is(&mut self, side: Side) {
        if matches!(self.state, State::Undecided(_)) {
            self.client = Some(side);
        }
    }

    /// `side` was joined in the middle: bytes before the first are unknown.
    pub(crate) fn joined(&mut self, side: Side) {
        if let State::Undecided(undecided) = &mut self.state {
            undecided.openings.of_mut(side).has_gap = true;
        }
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        let told = self.spoken.capacity() * size_of::<Cow<'_, str>>() + size_of_val(&*self.refusals);
        told + match &self.state {
            State::Undecided(undecided) => {
                let heads = undecided.openings.a.head.len() + undecided.openings.b.head.len();
                size_of::<Undecided>() + 2 * heads + undecided.held.len() * size_of::<Held>()
            }
            State::Recognised(dissector) => dissector.memory_bytes(),
            State::Off => 0,
        }
    }

    /// Takes the next part of one side.
    pub(crate) fn chunk(
        &mut self,
        side: Side,
        chunk: Chunk<'_>,
        counters: &mut Counters,
        around: &mut Surroundings<'_>,
    ) {
        if let Chunk::Gap { length_bytes, .. } = chunk {
            let gaps = self.gaps.of_mut(side);
            gaps.count += 1;
            gaps.bytes += length_bytes;
        }
        match &mut self.state {
            State::Recognised(_) => self.feed(side, chunk, counters, around),
            State::Undecided(_) => self.look(side, chunk, counters, around),
            State::Off => {
                if let Chunk::Data { bytes, .. } = chunk {
                    counters.unclaimed_bytes += u64::try_from(bytes.len()).unwrap_or_default();
                }
            }
        }
    }

    /// No more bytes will come from `side`.
    pub(crate) fn close(&mut self, side: Side, counters: &mut Counters, around: &mut Surroundings<'_>) {
        *self.closed.of_mut(side) = true;
        let direction = self.direction(side);
        self.guarded(counters, |dissector| dissector.close(direction, around.pairs));
    }

    /// The flow is over.
    pub(crate) fn finish(&mut self, counters: &mut Counters, around: &mut Surroundings<'_>) {
        if let State::Undecided(undecided) = &self.state
            && (undecided.openings.a.has_begun() || undecided.openings.b.has_begun())
        {
            counters.flows_unrecognised += 1;
        }
        self.finish_dissector(counters, around);
        self.state = State::Off;
    }

    fn finish_dissector(&mut self, counters: &mut Counters, around: &mut Surroundings<'_>) {
        self.guarded(counters, |dissector| dissector.finish(around.pairs));
        if let State::Recognised(dissector) = &self.state {
            let tally = dissector.tally();
            counters.skipped_bytes += tally.skipped_bytes;
            counters.tunnel_bytes += tally.tunnel_bytes;
        }
    }

    fn direction(&self, side: Side) -> Direction {
        if self.client == Some(side) { Direction::ToServer } else { Direction::ToClient }
    }

    fn feed(&mut self, side: Side, chunk: Chunk<'_>, counters: &mut Counters, around: &mut Surroundings<'_>) {
        let direction = self.direction(side);
        let mut handover = None;
        self.guarded(counters, |dissector| {
            dissector.feed(direction, chunk, around.pairs);
            handover = dissector.handover();
        });
        if let Some(handover) = handover {
            self.change(handover, counters, around);
        }
    }

    /// Goes on with another protocol.
    fn change(&mut self, handover: Handover, counters: &mut Counters, around: &mut Surroundings<'_>) {
        self.finish_dissector(counters, around);
        self.state = match handover.next {
            _ if self.spoken.len() >= CHANGES_MAX => State::Off,
            Next::Recognise => State::Undecided(Box::default()),
            Next::Start { name, start } => {
                self.spoken.push(name.into());
                State::Recognised(start(around.limits))
            }
        };
        for held in handover.held {
            let side = self.side(held.direction);
            self.chunk(side, Chunk::Data { bytes: &held.bytes, mark: held.mark }, counters, around);
        }
        if matches!(self.state, State::Recognised(_)) {
            self.tell_closed(counters, around);
        }
    }

    fn tell_closed(&mut self, counters: &mut Counters, around: &mut Surroundings<'_>) {
        for side in [Side::A, Side::B] {
            if *self.closed.of(side) {
                self.close(side, counters, around);
            }
        }
    }

    /// The side that sends in `direction`; the client is known.
    fn side(&self, direction: Direction) -> Side {
        let client = self.client.unwrap_or(Side::A);
        match direction {
            Direction::ToServer => client,
            Direction::ToClient => client.other(),
        }
    }

    fn guarded(&mut self, counters: &mut Counters, work: impl FnOnce(&mut dyn StreamDissector)) {
        let State::Recognised(dissector) = &mut self.state else { return };
        // What a panic leaves half done is dropped with the dissector, and pairs are only ever appended.
        if catch_unwind(AssertUnwindSafe(|| work(dissector.as_mut()))).is_err() {
            counters.panics += 1;
            self.state = State::Off;
        }
    }

    /// Shows a chunk to the protocols.
    fn look(&mut self, side: Side, chunk: Chunk<'_>, counters: &mut Counters, around: &mut Surroundings<'_>) {
        let client = self.client;
        let State::Undecided(undecided) = &mut self.state else { return };
        let (bytes, mark) = match chunk {
            Chunk::Data { bytes, mark } => (bytes, mark),
            Chunk::Gap { length_bytes, .. } => {
                undecided.let_go(side, counters);
                let opening = undecided.openings.of_mut(side);
                opening.has_gap = true;
                opening.gap_bytes += length_bytes;
                return;
            }
        };
        let opening = undecided.openings.of_mut(side);
        if opening.tries >= TRIES_MAX {
            let length = u64::try_from(bytes.len()).unwrap_or_default();
            counters.unclaimed_bytes += length;
            opening.has_gap = true;
            opening.gap_bytes += length;
            if undecided.openings.of(side.other()).tries >= TRIES_MAX {
                counters.flows_unrecognised += 1;
                self.state = State::Off;
            }
            return;
        }
        let room = PROBE_BYTES_MAX.saturating_sub(opening.head.len());
        let fresh = bytes.get(..room).unwrap_or(bytes);
        let refusals = &mut self.refusals;
        let answer = if opening.head.is_empty() {
            ask(around, client, side, fresh, refusals)
        } else {
            opening.head.extend_from_slice(fresh);
            ask(around, client, side, &opening.head, refusals)
        };
        match answer {
            Answer::Yes(protocol, client) => {
                self.client = Some(client);
                self.begin(protocol, mark, counters, around);
                self.feed(side, chunk, counters, around);
            }
            Answer::More if bytes.len() < room => {
                if opening.head.is_empty() {
                    opening.head.extend_from_slice(fresh);
                }
                undecided.held.push(Held { side, bytes: bytes.into(), mark });
            }
            // What came before may be another protocol's end: the new bytes get a look of their own.
            Answer::No if opening.head.len() > fresh.len() => {
                undecided.let_go(side, counters);
                self.look(side, chunk, counters, around);
            }
            Answer::More | Answer::No => {
                opening.tries += 1;
                undecided.held.push(Held { side, bytes: bytes.into(), mark });
                undecided.let_go(side, counters);
            }
        }
    }

    /// Starts the dissector and tells it what happened so far.
    fn begin(
        &mut self,
        protocol: &StreamProtocol,
        mark: Mark,
        counters: &mut Counters,
        around: &mut Surroundings<'_>,
    ) {
        counters.flows_recognised += u64::from(self.spoken.is_empty());
        self.spoken.push(protocol.name.into());
        self.refusals = Box::default();
        let started = State::Recognised((protocol.start)(around.limits));
        let State::Undecided(undecided) = std::mem::replace(&mut self.state, started) else { return };
        for side in [Side::A, Side::B] {
            let opening = undecided.openings.of(side);
            if opening.has_gap {
                self.feed(side, Chunk::Gap { length_bytes: opening.gap_bytes, mark }, counters, around);
            }
        }
        for held in &undecided.held {
            let chunk = Chunk::Data { bytes: &held.bytes, mark: held.mark };
            self.feed(held.side, chunk, counters, around);
        }
        self.tell_closed(counters, around);
    }
}

impl Opening {
    /// Whether any byte of this side was seen.
    fn has_begun(&self) -> bool {
        self.tries > 0 || !self.head.is_empty()
    }
}

impl Undecided {
    /// Lets the held bytes of one side go.
    fn let_go(&mut self, side: Side, counters: &mut Counters) {
        let opening = self.openings.of_mut(side);
        opening.head = Vec::new();
        self.held.retain(|held| {
            if held.side == side {
                let length = u64::try_from(held.bytes.len()).unwrap_or_default();
                counters.unclaimed_bytes += length;
                opening.has_gap = true;
                opening.gap_bytes += length;
            }
            held.side != side
        });
    }
}
