//! One direction of a flow: cuts it into messages, and finds the next one after a gap.

use crate::protocol::pending::{Input, Pending};
use crate::protocol::{Chunk, Mark, Tally};

use super::frame::{self, Look};

/// Most times that a stream is searched for a message in vain before the rest of it is given up.
const SEARCHES_MAX: u32 = 256;

/// Most bytes between a gap and the first message found behind it that may be messages themselves.
const BEFORE_BYTES_MAX: usize = 2048;

/// One direction of a TCP flow.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Side {
    pending: Pending,
    position: Position,
    tally: Tally,
}

/// What is known of where messages begin in a stream.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
enum Position {
    /// The next byte begins a message.
    #[default]
    Known,
    /// In a message whose length is known.
    Within(Part),
    /// After a gap: some byte may begin a message; so often one seemed to and did not. Whether no byte came since.
    Lost { failures: u32, is_fresh: bool },
    /// Searched too often.
    GivenUp,
}

impl Position {
    /// Right behind a gap.
    const LOST: Self = Self::Lost { failures: 0, is_fresh: true };
    /// Where no message begins though one should.
    const ASTRAY: Self = Self::Lost { failures: 0, is_fresh: false };
}

/// A message so far, without the length that stands before it.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Part {
    /// What is kept of it: its beginning, up to a limit or a gap.
    pub(super) bytes: Vec<u8>,
    /// How long it is.
    pub(super) length_bytes: u32,
    /// Bytes of it that were never seen.
    pub(super) gap_bytes: u64,
    /// Whether the limit cut `bytes`.
    pub(super) is_truncated: bool,
    /// The packet of its first byte.
    pub(super) first: Mark,
    /// The packet of its last byte so far.
    pub(super) last: Mark,
    left: u64,
}

/// What a side asks of the flow as a whole.
pub(super) trait Flow {
    /// Whether a message of this length begins where one must; `message` is what follows the length so far.
    fn begins(&self, length_bytes: u32, message: &[u8]) -> Look;

    /// Whether a message begins here, where any byte may be its first.
    fn look(&self, input: &[u8]) -> Look;

    /// Whether the bytes between a gap and the first message that was found behind it are messages, too, which can
    /// only be told by that: where a capture begins, a message often does.
    fn are_messages(&self, _before: &[u8]) -> bool {
        false
    }

    /// Takes a message that ended.
    fn message(&mut self, part: Part) -> Taken;
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Taken {
    /// It was understood.
    Yes,
    /// It was of no use, but the next one may be.
    Skipped,
    /// It can't have been one: who cuts here cuts in the wrong places.
    Wrong,
}

impl Side {
    /// Takes the next part of the stream.
    pub(super) fn feed(&mut self, chunk: Chunk<'_>, bytes_max: usize, flow: &mut impl Flow) {
        match chunk {
            Chunk::Data { bytes, mark } => {
                let mut pending = std::mem::take(&mut self.pending);
                pending.feed(bytes, mark, |input| self.read(input, bytes_max, flow));
                self.pending = pending;
            }
            Chunk::Gap { length_bytes, .. } => self.gap(length_bytes, flow),
        }
    }

    /// No more bytes will come: a message that is under way ends here.
    pub(super) fn close(&mut self, flow: &mut impl Flow) {
        self.gap(0, flow);
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let part = if let Position::Within(part) = &self.position { part.bytes.capacity() } else { 0 };
        part + self.pending.memory_bytes()
    }

    /// A hole within a message leaves the place of the next one known; `length_bytes` is 0 where nobody knows it.
    fn gap(&mut self, length_bytes: u64, flow: &mut impl Flow) {
        self.tally.skip(self.pending.length_bytes());
        self.pending.skip(length_bytes);
        self.position = match std::mem::take(&mut self.position) {
            Position::GivenUp => Position::GivenUp,
            Position::Lost { failures, .. } => Position::Lost { failures, is_fresh: true },
            Position::Known => Position::LOST,
            Position::Within(mut part) => {
                let is_inside = (1..=part.left).contains(&length_bytes);
                let missing = if is_inside { length_bytes } else { part.left };
                part.left -= missing;
                part.gap_bytes = part.gap_bytes.saturating_add(missing);
                if part.left > 0 {
                    self.position = Position::Within(part);
                    return;
                }
                self.end(part, flow);
                if is_inside { Position::Known } else { Position::LOST }
            }
        };
    }

    /// Cuts messages out of `input` until it asks for more.
    fn read(&mut self, input: &mut Input<'_>, bytes_max: usize, flow: &mut impl Flow) {
        loop {
            match std::mem::take(&mut self.position) {
                Position::GivenUp => {
                    self.position = Position::GivenUp;
                    self.skip(input, usize::MAX);
                    return;
                }
                Position::Within(mut part) => {
                    part.take(input, bytes_max);
                    if part.left > 0 {
                        self.position = Position::Within(part);
                        return;
                    }
                    if self.end(part, flow) == Taken::Wrong {
                        self.position = Position::ASTRAY;
                    }
                }
                Position::Known => match frame::length(input.rest()) {
                    Ok(None) => return,
                    Ok(Some(length)) => {
                        let message = input.rest().get(frame::LENGTH_BYTES..).unwrap_or_default();
                        match flow.begins(length, message) {
                            Look::More => return,
                            Look::Sound => self.begin(input, length),
                            Look::Not(_) | Look::Unread => self.position = Position::ASTRAY,
                        }
                    }
                    Err(_) => self.position = Position::ASTRAY,
                },
                Position::Lost { failures, is_fresh } => {
                    self.position = Position::Lost { failures, is_fresh };
                    if !self.search(input, failures, is_fresh, flow) {
                        return;
                    }
                }
            }
        }
    }

    fn begin(&mut self, input: &mut Input<'_>, length_bytes: u32) {
        let first = input.next_mark();
        input.advance(frame::LENGTH_BYTES);
        self.position = Position::Within(Part {
            bytes: Vec::new(),
            length_bytes,
            gap_bytes: 0,
            is_truncated: false,
            first,
            last: input.last_mark(),
            left: u64::from(length_bytes),
        });
    }

    /// Looks for the next message; false if that takes more bytes.
    fn search(&mut self, input: &mut Input<'_>, failures: u32, is_fresh: bool, flow: &impl Flow) -> bool {
        let rest = input.rest();
        // As long as a message may be found that tells what is before it.
        let is_kept =
            is_fresh && rest.len() <= BEFORE_BYTES_MAX + frame::SOUND_BYTES_MAX + frame::LENGTH_BYTES;
        for (skipped, window) in rest.windows(frame::LENGTH_BYTES).enumerate() {
            // The first byte of any sane length: most bytes are told by this alone.
            if window.first().is_none_or(|byte| *byte > LENGTH_FIRST_BYTE_MAX) {
                continue;
            }
            let here = rest.get(skipped..).unwrap_or_default();
            match flow.look(here) {
                Look::Not(_) => {}
                Look::More => {
                    self.skip(input, if is_kept { 0 } else { skipped });
                    return false;
                }
                Look::Unread if failures < SEARCHES_MAX => {
                    self.skip(input, skipped + 1);
                    self.position = Position::Lost { failures: failures + 1, is_fresh: false };
                    return true;
                }
                Look::Unread => {
                    self.position = Position::GivenUp;
                    return true;
                }
                Look::Sound => {
                    let before = rest.get(..skipped).unwrap_or_default();
                    let are_messages = is_fresh && skipped <= BEFORE_BYTES_MAX && flow.are_messages(before);
                    self.skip(input, if are_messages { 0 } else { skipped });
                    if let Ok(Some(length)) = frame::length(input.rest()) {
                        self.begin(input, length);
                    }
                    return true;
                }
            }
        }
        self.skip(input, if is_kept { 0 } else { rest.len().saturating_sub(frame::LENGTH_BYTES - 1) });
        false
    }

    fn end(&mut self, part: Part, flow: &mut impl Flow) -> Taken {
        let seen = u64::from(part.length_bytes).saturating_sub(part.gap_bytes);
        let taken = flow.message(part);
        if taken != Taken::Yes {
            self.tally.skip(seen.saturating_add(4));
        }
        taken
    }

    fn skip(&mut self, input: &mut Input<'_>, length: usize) {
        let skipped = input.advance(length).len();
        if let Position::Lost { is_fresh, .. } = &mut self.position {
            *is_fresh &= skipped == 0;
        }
        self.tally.skip(u64::try_from(skipped).unwrap_or(u64::MAX));
    }
}

/// Of [`frame::MESSAGE_BYTES_MAX`].
const LENGTH_FIRST_BYTE_MAX: u8 = frame::MESSAGE_BYTES_MAX.to_be_bytes()[0];

impl Part {
    /// Takes what belongs to the message; behind a gap nothing is kept, because it would stand in the wrong place.
    fn take(&mut self, input: &mut Input<'_>, bytes_max: usize) {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX);
        let taken = input.advance(wanted.min(input.rest().len()));
        if taken.is_empty() {
            return;
        }
        self.last = input.last_mark();
        self.left = self.left.saturating_sub(u64::try_from(taken.len()).unwrap_or(u64::MAX));
        if self.gap_bytes > 0 {
            return;
        }
        let room = bytes_max.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(taken.get(..room).unwrap_or(taken));
        self.is_truncated |= taken.len() > room;
    }
}
