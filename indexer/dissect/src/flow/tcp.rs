//! One TCP flow: two streams, the handshake, the end.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::asking::Refused;
use super::key::{Side, Sides};
use super::recognition::{self, Gaps, Recognition, Surroundings};
use crate::counters::Counters;
use crate::decode::{Flags, Span, TcpHeader};
use crate::limits::Limits;
use crate::protocol::table::StreamProtocol;
use crate::protocol::{Chunk, Mark};
use crate::reassembly::{Fit, Stream};

/// Both directions of a connection.
pub(crate) struct TcpFlow {
    streams: Sides<Stream>,
    recognition: Recognition,
    /// Whether a SYN of either side was seen before any payload.
    has_handshake: bool,
    has_begun: bool,
    told_closed: Sides<bool>,
    was_reset: bool,
}

/// A [`TcpFlow`] put away.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    streams: Sides<Stream>,
    recognition: recognition::Saved,
    has_handshake: bool,
    has_begun: bool,
    told_closed: Sides<bool>,
    was_reset: bool,
}

/// Whether a packet belongs to the flow it was found by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Belongs {
    /// It does, and was taken.
    Here,
    /// It does not: its ports serve another connection now.
    ToNew,
}

impl TcpFlow {
    pub(crate) fn new() -> Self {
        Self {
            streams: Sides::default(),
            recognition: Recognition::new(),
            has_handshake: false,
            has_begun: false,
            told_closed: Sides::default(),
            was_reset: false,
        }
    }

    /// What is known, for [`Self::restore`].
    pub(crate) fn save(self) -> Saved {
        let Self { streams, recognition, has_handshake, has_begun, told_closed, was_reset } = self;
        Saved { streams, recognition: recognition.save(), has_handshake, has_begun, told_closed, was_reset }
    }

    /// Goes on where another one stopped.
    pub(crate) fn restore(saved: Saved, limits: &Limits, protocols: &'static [StreamProtocol]) -> Self {
        let Saved { streams, recognition, has_handshake, has_begun, told_closed, was_reset } = saved;
        let recognition = Recognition::restore(recognition, limits, protocols);
        Self { streams, recognition, has_handshake, has_begun, told_closed, was_reset }
    }

    pub(crate) fn client(&self) -> Option<Side> {
        self.recognition.client()
    }

    /// Protocols spoken so far, in order.
    pub(crate) fn spoken(&self) -> &[Cow<'static, str>] {
        self.recognition.spoken()
    }

    /// Holes of one side that were never filled.
    pub(crate) fn gaps(&self, side: Side) -> Gaps {
        self.recognition.gaps(side)
    }

    /// Why each protocol was refused, where none was recognised.
    pub(crate) fn refusals(&self) -> &[Refused] {
        self.recognition.refusals()
    }

    /// Whether both sides are closed: only late copies can come.
    pub(crate) fn is_over(&self) -> bool {
        self.told_closed.a && self.told_closed.b
    }

    /// Whether nothing but late copies is to be expected. A side that sent its FIN may still wait long for
    /// an answer (RFC 9293 §3.6); after a reset nobody answers.
    pub(crate) fn is_ending(&self) -> bool {
        self.is_over() || self.was_reset
    }

    /// Whether a hole waits to be filled or given up.
    pub(crate) fn has_hole(&self) -> bool {
        self.streams.a.has_hole() || self.streams.b.has_hole()
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.streams.a.memory_bytes()
            + self.streams.b.memory_bytes()
            + self.recognition.memory_bytes()
    }

    /// Takes one TCP segment from `side`.
    pub(crate) fn segment(
        &mut self,
        side: Side,
        header: &TcpHeader,
        payload: Span<'_>,
        mark: Mark,
        counters: &mut Counters,
        around: &mut Surroundings<'_>,
    ) -> Belongs {
        let flags = header.flags;
        if flags.has(Flags::SYN) && (flags.has(Flags::FIN) || flags.has(Flags::RST)) {
            // No system sends this; scanners and forgers do.
            counters.implausible_segments += 1;
            return Belongs::Here;
        }
        if flags.has(Flags::SYN) && !self.synchronise(side, header) {
            return Belongs::ToNew;
        }
        let is_reset = flags.has(Flags::RST);
        if is_reset && !self.streams.of(side).accepts_reset(header.sequence) {
            counters.implausible_segments += 1;
            return Belongs::Here;
        }
        if flags.has(Flags::ACK) && !is_reset {
            let other = self.streams.of_mut(side.other());
            other.acknowledge(header.acknowledgement);
            if other.has_hole() {
                self.settle(side.other(), mark, counters, around);
            }
        }
        let first = header.sequence.wrapping_add(u32::from(flags.has(Flags::SYN)));
        if payload.wire_bytes() > 0 {
            self.begin();
            let Self { streams, recognition, has_handshake, .. } = self;
            let limits = around.limits;
            let fit = streams.of_mut(side).segment(
                first,
                payload,
                mark,
                limits,
                counters,
                &mut |chunk, counters| {
                    pass_on(recognition, *has_handshake, side, chunk, counters, around);
                },
            );
            if fit == Fit::AfterEnd && !is_reset {
                return Belongs::ToNew;
            }
        }
        if is_reset {
            self.was_reset = true;
            self.close(side, mark, counters, around);
            return Belongs::Here;
        }
        if flags.has(Flags::FIN) {
            let length = u32::try_from(payload.wire_bytes()).unwrap_or_default();
            self.streams.of_mut(side).finish_at(first.wrapping_add(length), mark);
            self.settle(side, mark, counters, around);
        }
        if self.streams.of(side).is_ready_to_close() {
            self.settle(side, mark, counters, around);
        }
        Belongs::Here
    }

    /// Gives up what waited long enough in both streams.
    pub(crate) fn settle_both(&mut self, mark: Mark, counters: &mut Counters, around: &mut Surroundings<'_>) {
        self.settle(Side::A, mark, counters, around);
        self.settle(Side::B, mark, counters, around);
    }

    /// The flow is over: every hole becomes a gap, what waits for a partner leaves without one.
    pub(crate) fn finish(&mut self, mark: Mark, counters: &mut Counters, around: &mut Surroundings<'_>) {
        if self.is_over() {
            return;
        }
        self.close(Side::A, mark, counters, around);
        self.close(Side::B, mark, counters, around);
        self.recognition.finish(counters, around);
    }

    /// Takes a SYN; `false` if it can't be of this connection.
    fn synchronise(&mut self, side: Side, header: &TcpHeader) -> bool {
        if !self.streams.of_mut(side).synchronise(header.sequence) {
            return false;
        }
        if header.flags.has(Flags::ACK) {
            self.recognition.client_is(side.other());
        } else if !self.has_handshake {
            self.recognition.client_is(side);
        }
        self.has_handshake = true;
        true
    }

    /// Before the first payload: without a handshake, both sides were joined in the middle.
    fn begin(&mut self) {
        if self.has_begun {
            return;
        }
        self.has_begun = true;
        if !self.has_handshake {
            self.recognition.joined(Side::A);
            self.recognition.joined(Side::B);
        }
    }

    fn settle(&mut self, side: Side, mark: Mark, counters: &mut Counters, around: &mut Surroundings<'_>) {
        let Self { streams, recognition, has_handshake, .. } = self;
        let limits = around.limits;
        streams.of_mut(side).settle(mark, limits, counters, &mut |chunk, counters| {
            pass_on(recognition, *has_handshake, side, chunk, counters, around);
        });
        self.tell_closed(side, counters, around);
    }

    fn close(&mut self, side: Side, mark: Mark, counters: &mut Counters, around: &mut Surroundings<'_>) {
        let Self { streams, recognition, has_handshake, .. } = self;
        streams.of_mut(side).close(mark, counters, &mut |chunk, counters| {
            pass_on(recognition, *has_handshake, side, chunk, counters, around);
        });
        self.tell_closed(side, counters, around);
    }

    fn tell_closed(&mut self, side: Side, counters: &mut Counters, around: &mut Surroundings<'_>) {
        let told = self.told_closed.of_mut(side);
        if *told || !self.streams.of(side).is_closed() {
            return;
        }
        *told = true;
        self.recognition.close(side, counters, around);
        if self.is_over() {
            self.recognition.finish(counters, around);
        }
    }
}

/// Bytes in order reach who wants them as they are, else the protocols.
fn pass_on(
    recognition: &mut Recognition,
    has_start: bool,
    side: Side,
    chunk: Chunk<'_>,
    counters: &mut Counters,
    around: &mut Surroundings<'_>,
) {
    match &mut around.tap {
        Some(tap) => tap.take(side, recognition.client(), has_start, chunk),
        None => recognition.chunk(side, chunk, counters, around),
    }
}
