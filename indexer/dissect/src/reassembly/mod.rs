//! Puts TCP payload back in order.
//!
//! One [`Stream`] per direction hands out chunks as soon as they are in order; bytes that arrive in order are
//! never copied. Rules:
//!
//! - Where segments overlap, the bytes seen first stay; what is behind or inside them is counted as repeated.
//!   Keep-alives (RFC 9293 §3.8.4) and copies of a packet seen at further interfaces are such repeats.
//! - Sequence numbers become 64-bit offsets relative to the next expected one, so they may wrap around.
//! - A hole is given up, and becomes [`Chunk::Gap`], when the receiver acknowledged the bytes behind it *and*
//!   either more than [`ACKNOWLEDGED_BYTES_MAX`] bytes wait or `hole_acknowledged_ns` passed without progress
//!   (the sender won't repeat them: the capture lost them); when more than `stream_buffer_bytes_max` wait;
//!   when `hole_silent_ns` passed without progress; and when the stream ends.
//! - Bytes cut off by the snap length are a gap at once: every copy of the packet would be cut as well.
//! - Bytes that were acknowledged but never captured are a gap when the stream ends.

mod waiting;

use segment::Timestamp;
use serde::{Deserialize, Serialize};

use crate::counters::Counters;
use crate::decode::Span;
use crate::limits::Limits;
use crate::protocol::{Chunk, Mark};
use waiting::Waiting;

/// Waiting bytes behind an acknowledged hole beyond which it is given up at once. A capture that mixes
/// several queues may put a packet behind its acknowledgement, but not behind so much more.
const ACKNOWLEDGED_BYTES_MAX: usize = 32 * 1024;

/// Furthest that a sequence number may be from the expected one: the largest window (RFC 7323 §2.3).
const WINDOW_BYTES_MAX: i64 = 1 << 30;

/// Furthest that a reset's sequence number may be from the expected one; senders in use put it in the
/// current window, forgers guess.
const RESET_WINDOW_BYTES: i64 = 1 << 20;

/// How the first byte's sequence number is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Anchor {
    /// Not at all.
    None,
    /// The other side acknowledges up to there; earlier bytes may still come.
    Acknowledged,
    /// The first byte or the SYN was seen.
    Seen,
}

/// One direction of a TCP flow.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stream {
    anchor: Anchor,
    /// Offset of the next byte to hand out; 0 is the first byte known.
    next: i64,
    /// Its sequence number.
    next_sequence: u32,
    /// Offset up to which the other side has acknowledged.
    acknowledged: i64,
    /// Offset of the FIN.
    end: Option<i64>,
    waiting: Option<Box<Waiting>>,
    is_closed: bool,
}

/// How a segment was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    /// It was, or it brought nothing new.
    Taken,
    /// The stream is over, but these bytes come after its end: another connection.
    AfterEnd,
}

impl Default for Stream {
    fn default() -> Self {
        Self::new()
    }
}

impl Stream {
    /// A stream of which nothing was seen.
    #[must_use]
    pub fn new() -> Self {
        Self {
            anchor: Anchor::None,
            next: 0,
            next_sequence: 0,
            acknowledged: 0,
            end: None,
            waiting: None,
            is_closed: false,
        }
    }

    /// Whether the FIN or an RST was reached.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether bytes wait behind a hole.
    #[must_use]
    pub fn has_hole(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether all bytes up to the FIN were handed out, and only [`Self::settle`] is missing.
    #[must_use]
    pub fn is_ready_to_close(&self) -> bool {
        !self.is_closed && self.end.is_some_and(|end| self.next >= end)
    }

    /// Bytes of memory held beside the stream itself.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.waiting.as_ref().map_or(0, |waiting| waiting.held_bytes() + size_of::<Waiting>())
    }

    /// Takes a SYN: its number plus one is the first byte's. `false`: it can't be of this connection.
    pub fn synchronise(&mut self, sequence: u32) -> bool {
        let first = sequence.wrapping_add(1);
        match self.anchor {
            Anchor::Seen => self.offset(first) == 0,
            Anchor::Acknowledged if self.offset(first) != 0 => false,
            Anchor::Acknowledged | Anchor::None => {
                self.anchor = Anchor::Seen;
                self.next_sequence = first;
                true
            }
        }
    }

    /// The other side expects `sequence` next.
    pub fn acknowledge(&mut self, sequence: u32) {
        if self.anchor == Anchor::None {
            self.anchor = Anchor::Acknowledged;
            self.next_sequence = sequence;
            return;
        }
        let offset = self.offset(sequence);
        if offset > self.acknowledged && offset - self.next <= WINDOW_BYTES_MAX {
            self.acknowledged = offset;
        }
    }

    /// Takes a segment's payload, which begins at `sequence`, and hands out what is now in order.
    pub fn segment(
        &mut self,
        sequence: u32,
        span: Span<'_>,
        mark: Mark,
        limits: &Limits,
        counters: &mut Counters,
        out: &mut impl FnMut(Chunk<'_>, &mut Counters),
    ) -> Fit {
        let wire_bytes = i64::try_from(span.wire_bytes()).unwrap_or(i64::MAX);
        if wire_bytes == 0 {
            return Fit::Taken;
        }
        if self.anchor == Anchor::None {
            self.next_sequence = sequence;
        } else if self.anchor == Anchor::Acknowledged && self.next == 0 && self.waiting.is_none() {
            let offset = self.offset(sequence);
            if offset.abs() > WINDOW_BYTES_MAX {
                // The acknowledgement was damaged or forged: what a sender says of itself holds.
                self.acknowledged = 0;
                self.next_sequence = sequence;
            } else if offset < 0 {
                // Joined in the middle, and captured behind its acknowledgement.
                self.acknowledged = -offset;
                self.next_sequence = sequence;
            }
        }
        self.anchor = Anchor::Seen;
        let start = self.offset(sequence);
        let mut end = start + wire_bytes;
        if (start - self.next).abs() > WINDOW_BYTES_MAX {
            counters.implausible_segments += 1;
            return Fit::Taken;
        }
        if end <= self.next {
            counters.repeated_bytes += count(wire_bytes);
            return Fit::Taken;
        }
        if self.is_closed {
            return Fit::AfterEnd;
        }
        let seen = usize::try_from(self.next - start).unwrap_or(0);
        counters.repeated_bytes += count(self.next - start);
        let Some(mut fresh) = span.skip_wire(seen) else { return Fit::Taken };
        let start = start.max(self.next);
        if let Some(last) = self.end.filter(|&last| last < end) {
            counters.implausible_segments += 1;
            fresh = fresh.limit(usize::try_from(last - start).unwrap_or(0));
            end = last;
            if end <= start {
                return Fit::Taken;
            }
        }
        let room = self.waiting.as_ref().and_then(|waiting| waiting.first());
        if start == self.next && room.is_none_or(|(first, _)| end <= first) {
            self.hand_out(fresh.data(), end - start, mark, counters, out);
            if self.waiting.is_some() {
                self.drain(mark.timestamp, counters, out);
            }
            return Fit::Taken;
        }
        counters.reordered_bytes += count(end - start);
        let waiting = self.waiting.get_or_insert_with(|| Box::new(Waiting::new(mark.timestamp)));
        counters.repeated_bytes += count(waiting.insert(start, fresh, mark));
        self.drain(mark.timestamp, counters, out);
        self.give_up_while(mark.timestamp, limits, counters, out);
        Fit::Taken
    }

    /// The sender has no more bytes after `sequence`. If bytes in front of it are missing, the FIN waits for
    /// them as an empty piece.
    pub fn finish_at(&mut self, sequence: u32, mark: Mark) {
        if self.anchor == Anchor::None {
            self.anchor = Anchor::Seen;
            self.next_sequence = sequence;
        }
        let end = self.offset(sequence);
        let furthest = self.waiting.as_ref().and_then(|waiting| waiting.furthest()).unwrap_or(self.next);
        if self.end.is_some() || end < furthest || end - self.next > WINDOW_BYTES_MAX {
            return;
        }
        self.end = Some(end);
        if end > self.next {
            let waiting = self.waiting.get_or_insert_with(|| Box::new(Waiting::new(mark.timestamp)));
            waiting.end_at(end, mark);
        }
    }

    /// Whether a reset with this number can be of this stream.
    #[must_use]
    pub fn accepts_reset(&self, sequence: u32) -> bool {
        self.anchor == Anchor::None || (self.offset(sequence) - self.next).abs() <= RESET_WINDOW_BYTES
    }

    /// Gives up holes that waited long enough, and closes the stream if its end is reached.
    pub fn settle(
        &mut self,
        mark: Mark,
        limits: &Limits,
        counters: &mut Counters,
        out: &mut impl FnMut(Chunk<'_>, &mut Counters),
    ) {
        self.give_up_while(mark.timestamp, limits, counters, out);
        if self.end.is_some_and(|end| self.next >= end) && self.waiting.is_none() {
            self.is_closed = true;
        }
    }

    /// Ends the stream: every hole becomes a gap.
    pub fn close(
        &mut self,
        mark: Mark,
        counters: &mut Counters,
        out: &mut impl FnMut(Chunk<'_>, &mut Counters),
    ) {
        if self.is_closed {
            return;
        }
        while self.waiting.is_some() {
            self.give_up(counters, out);
        }
        // A lone acknowledged byte at the end may be a FIN that was not captured.
        let end = self.end.unwrap_or(if self.acknowledged > self.next + 1 { self.acknowledged } else { 0 });
        self.gap_until(end, mark, counters, out);
        self.is_closed = true;
    }

    /// Where `sequence` lies relative to the first byte.
    fn offset(&self, sequence: u32) -> i64 {
        self.next + i64::from(sequence.wrapping_sub(self.next_sequence).cast_signed())
    }

    fn moved(&mut self, bytes: i64) {
        self.next += bytes;
        let low = u32::try_from(bytes & 0xFFFF_FFFF).unwrap_or_default();
        self.next_sequence = self.next_sequence.wrapping_add(low);
    }

    fn hand_out(
        &mut self,
        bytes: &[u8],
        wire_bytes: i64,
        mark: Mark,
        counters: &mut Counters,
        out: &mut impl FnMut(Chunk<'_>, &mut Counters),
    ) {
        let length = i64::try_from(bytes.len()).unwrap_or(i64::MAX).min(wire_bytes);
        if !bytes.is_empty() {
            counters.stream_bytes += count(length);
            self.moved(length);
            out(Chunk::Data { bytes, mark }, counters);
        }
        if length < wire_bytes {
            counters.cut_bytes += count(wire_bytes - length);
            self.gap_until(self.next + (wire_bytes - length), mark, counters, out);
        }
    }

    fn gap_until(
        &mut self,
        end: i64,
        mark: Mark,
        counters: &mut Counters,
        out: &mut impl FnMut(Chunk<'_>, &mut Counters),
    ) {
        let missing = end - self.next;
        if missing <= 0 {
            return;
        }
        counters.gaps += 1;
        counters.gap_bytes += count(missing);
        self.moved(missing);
        out(Chunk::Gap { length_bytes: count(missing), mark }, counters);
    }

    /// Hands out the waiting pieces that are now in order.
    fn drain(
        &mut self,
        now: Timestamp,
        counters: &mut Counters,
        out: &mut impl FnMut(Chunk<'_>, &mut Counters),
    ) {
        while let Some(waiting) = &mut self.waiting {
            let Some(piece) = waiting.take(self.next) else {
                if waiting.first().is_none() {
                    self.waiting = None;
                }
                return;
            };
            waiting.since = now;
            self.hand_out(&piece.bytes, piece.wire_bytes, piece.mark, counters, out);
        }
    }

    fn give_up_while(
        &mut self,
        now: Timestamp,
        limits: &Limits,
        counters: &mut Counters,
        out: &mut impl FnMut(Chunk<'_>, &mut Counters),
    ) {
        while let Some(waiting) = &self.waiting {
            let silent_ns = now.since(waiting.since);
            let is_acknowledged = waiting.first().is_some_and(|(at, _)| self.acknowledged >= at);
            let is_over = waiting.held_bytes() > limits.stream_buffer_bytes_max
                || silent_ns >= limits.hole_silent_ns
                || is_acknowledged
                    && (waiting.held_bytes() > ACKNOWLEDGED_BYTES_MAX
                        || silent_ns >= limits.hole_acknowledged_ns);
            if !is_over {
                return;
            }
            self.give_up(counters, out);
        }
    }

    /// Gives the first hole up.
    fn give_up(&mut self, counters: &mut Counters, out: &mut impl FnMut(Chunk<'_>, &mut Counters)) {
        let first = self.waiting.as_ref().and_then(|waiting| waiting.first());
        let Some((at, mark)) = first else {
            self.waiting = None;
            return;
        };
        let since = self.waiting.as_ref().map_or(mark.timestamp, |waiting| waiting.since);
        self.gap_until(at, mark, counters, out);
        self.drain(since, counters, out);
    }
}

/// A byte count that can't be negative.
fn count(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}
