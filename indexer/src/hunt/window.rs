//! The part of a stream that is looked at: what was looked at before is let go.
//!
//! What is found must not depend on how the stream was cut into packets. So a match counts only once all the bytes are
//! there that it may reach, and those shown behind it; until then it waits. The stream's end, or a hole, settles all.
//!
//! When a match is told must not depend on where reading began either: a hunt that goes on counts the matches that were
//! told. So it is told a fixed number of bytes behind its beginning, although it is looked for in larger steps.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};

use dissect::protocol::Mark;

use super::pattern::Pattern;

/// So many bytes are shown on either side of a match.
pub const CONTEXT_BYTES: usize = 32;
/// So many bytes of a match are kept.
pub const MATCH_BYTES_KEPT: usize = 256;

/// Whether more bytes may follow those at hand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// They may.
    MayCome,
    /// None will, or nobody knows how many are missing in between.
    Over,
}

/// A match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Bytes of the stream before it.
    pub offset: u64,
    /// How long it is.
    pub length_bytes: usize,
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// What is in front of it.
    pub before: Vec<u8>,
    /// What is behind it.
    pub after: Vec<u8>,
    /// The packet that brought its first byte.
    pub first: Mark,
    /// The packet that brought its last byte.
    pub last: Mark,
}

/// Bytes of one direction that are still needed.
#[derive(Debug, Default)]
pub struct Window {
    bytes: Vec<u8>,
    /// Offset of the first of them.
    base: u64,
    /// Index of the first byte at which a match may begin that was not looked for yet.
    from: usize,
    /// What was found and not told yet, as offsets.
    waiting: VecDeque<Range<u64>>,
    /// Where each packet's bytes begin, as offsets.
    marks: VecDeque<(u64, Mark)>,
}

impl Window {
    /// Bytes of memory, about.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.bytes.capacity()
            + self.marks.capacity() * size_of::<(u64, Mark)>()
            + self.waiting.capacity() * size_of::<Range<u64>>()
    }

    /// The packet that brought the first of the bytes at hand.
    pub fn first(&self) -> Option<Mark> {
        self.marks.front().map(|(_, mark)| *mark).filter(|_| !self.bytes.is_empty())
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8], mark: Mark) {
        self.marks.push_back((self.end(), mark));
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes are missing; what is at hand was settled.
    pub fn skip(&mut self, length_bytes: u64) {
        self.base = self.end() + length_bytes;
        self.bytes = Vec::new();
        self.waiting = VecDeque::new();
        self.marks = VecDeque::new();
        self.from = 0;
    }

    /// Gives the matches that are settled now, until `out` has enough.
    pub fn scan(
        &mut self,
        pattern: &Pattern,
        rest: Rest,
        out: &mut dyn FnMut(Found) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let reach = pattern.reach_bytes();
        let needed = reach + CONTEXT_BYTES;
        // A match may begin before `until`.
        let until = match rest {
            Rest::Over => self.bytes.len(),
            Rest::MayCome => (self.bytes.len() + 1).saturating_sub(needed),
        };
        // So each byte is looked at only a few times, however small the packets are.
        if rest == Rest::Over || until >= self.from + reach {
            self.look(pattern, until);
        }
        // Whatever begins before was found by now.
        let told_until = match rest {
            Rest::Over => self.end(),
            Rest::MayCome => (self.end() + 1).saturating_sub(as_u64(needed + reach)),
        };
        while let Some(found) = self.waiting.pop_front_if(|found| found.start < told_until) {
            out(self.found(found))?;
        }
        self.let_go(reach);
        ControlFlow::Continue(())
    }

    /// Finds the matches that begin before `until`.
    fn look(&mut self, pattern: &Pattern, until: usize) {
        while let Some(found) = pattern.find_at(&self.bytes, self.from).filter(|found| found.start < until) {
            self.from = found.end;
            let offset = |index| self.base + as_u64(index);
            self.waiting.push_back(offset(found.start)..offset(found.end));
        }
        self.from = self.from.max(until);
    }

    fn end(&self) -> u64 {
        self.base + as_u64(self.bytes.len())
    }

    fn found(&self, offsets: Range<u64>) -> Found {
        let index = |offset: u64| usize::try_from(offset.saturating_sub(self.base)).unwrap_or(usize::MAX);
        let place = index(offsets.start)..index(offsets.end);
        let part = |range: Range<usize>| {
            let end = range.end.min(self.bytes.len());
            self.bytes.get(range.start..end).unwrap_or_default().to_vec()
        };
        Found {
            offset: offsets.start,
            length_bytes: place.len(),
            bytes: part(place.start..place.end.min(place.start + MATCH_BYTES_KEPT)),
            before: part(place.start.saturating_sub(CONTEXT_BYTES)..place.start),
            after: part(place.end..place.end + CONTEXT_BYTES),
            first: self.mark(place.start),
            last: self.mark(place.end.saturating_sub(1)),
        }
    }

    /// The packet that brought the byte at an index.
    fn mark(&self, index: usize) -> Mark {
        let offset = self.base + as_u64(index);
        let behind = self.marks.partition_point(|(begin, _)| *begin <= offset);
        let (_, mark) = self.marks[behind.saturating_sub(1)];
        mark
    }

    /// Lets go what no match can begin in, but for what is shown in front of one. The bytes kept tell that the stream
    /// doesn't begin here.
    fn let_go(&mut self, reach: usize) {
        let waiting = self.waiting.front().map_or(u64::MAX, |found| found.start.saturating_sub(self.base));
        let needed = usize::try_from(waiting).unwrap_or(usize::MAX).min(self.from);
        let keep = needed.saturating_sub(CONTEXT_BYTES).min(self.bytes.len());
        // Moving what is kept costs as much as what is let go is worth.
        if keep < reach && 2 * keep < self.bytes.len() {
            return;
        }
        self.bytes.drain(..keep);
        self.base += as_u64(keep);
        self.from -= keep;
        while self.marks.get(1).is_some_and(|(begin, _)| *begin <= self.base) {
            self.marks.pop_front();
        }
    }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use segment::{PacketRef, Timestamp};

    use super::super::pattern::{Case, REACH_BYTES};
    use super::*;

    fn mark(frame: u32) -> Mark {
        Mark { timestamp: Timestamp::from_nanos(0), packet: PacketRef { sequence: 0, frame, index: 0 } }
    }

    fn keep(found: &mut Vec<Found>, one: Found) -> ControlFlow<()> {
        found.push(one);
        ControlFlow::Continue(())
    }

    /// Offset and length of every match in `stream`, which comes in packets of these sizes, over and over.
    fn hits(pattern: &Pattern, stream: &[u8], sizes: &[usize]) -> Vec<(u64, usize)> {
        let (mut window, mut found, mut rest) = (Window::default(), Vec::new(), stream);
        let mut sizes = sizes.iter().cycle();
        let mut frame = 0;
        while !rest.is_empty() {
            let size = (*sizes.next().unwrap()).clamp(1, rest.len());
            let (bytes, after) = rest.split_at(size);
            window.push(bytes, mark(frame));
            let _ = window.scan(pattern, Rest::MayCome, &mut |one| keep(&mut found, one));
            (rest, frame) = (after, frame + 1);
        }
        let _ = window.scan(pattern, Rest::Over, &mut |one| keep(&mut found, one));
        for one in &found {
            let start = usize::try_from(one.offset).unwrap();
            let end = start + one.length_bytes;
            assert_eq!(one.bytes, stream[start..end.min(start + MATCH_BYTES_KEPT)]);
            assert_eq!(one.before, stream[start.saturating_sub(CONTEXT_BYTES)..start]);
            assert_eq!(one.after, stream[end..(end + CONTEXT_BYTES).min(stream.len())]);
        }
        found.into_iter().map(|one| (one.offset, one.length_bytes)).collect()
    }

    proptest! {
        #[test]
        fn what_is_found_does_not_depend_on_packets(
            stream in proptest::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), any::<u8>()], 1..2000),
            sizes in proptest::collection::vec(1usize..200, 1..5),
        ) {
            for pattern in [
                Pattern::text("ab", Case::Exact),
                Pattern::text("aa", Case::Ignored),
                Pattern::hex("61 ?? 62"),
                Pattern::regex("a+b", Case::Exact),
            ] {
                let pattern = pattern.unwrap();
                prop_assert_eq!(hits(&pattern, &stream, &sizes), hits(&pattern, &stream, &[stream.len()]));
            }
        }
    }

    #[test]
    fn a_long_stream_is_let_go_and_a_match_across_windows_is_found() {
        let pattern = Pattern::regex("x[0-9]+y|^z|q$", Case::Exact).unwrap();
        let mut stream = vec![b'.'; 5 * REACH_BYTES];
        stream[0] = b'z';
        for place in [REACH_BYTES - 1, 2 * REACH_BYTES + 7] {
            stream[place] = b'x';
            stream[place + 1..place + 60_001].fill(b'7');
            stream[place + 60_001] = b'y';
        }
        let places = [0, REACH_BYTES - 1, 2 * REACH_BYTES + 7].map(|place| place as u64);
        let found = hits(&pattern, &stream, &[1448]);
        assert_eq!(found.iter().map(|(place, _)| *place).collect::<Vec<_>>(), places);
        let mut window = Window::default();
        for _ in 0..1000 {
            window.push(&[b'.'; 1448], mark(0));
            let _ = window.scan(&pattern, Rest::MayCome, &mut |_| ControlFlow::Continue(()));
            assert!(window.memory_bytes() < 8 * REACH_BYTES, "{}", window.memory_bytes());
        }
    }
}
