//! Keeps what a dissector could not use yet, and which packets brought it.
//!
//! A message rarely ends where a packet ends. [`Pending`] hands a dissector the bytes it left over together
//! with the new ones, and still knows the packet of each byte, so that a message's marks are exact. When
//! nothing is left over, which is the usual case, the packet's bytes are lent as they are and never copied.

use serde::{Deserialize, Serialize};

use crate::protocol::{Direction, Held, Mark};

/// Most packets told apart in the bytes left over. A head that comes in more parts than this is an attack
/// or a toy; the marks of the parts behind are then those of the last one told apart.
const ORIGINS_MAX: usize = 4096;

/// Where in the stream a packet's bytes begin.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Origin {
    at: u64,
    mark: Mark,
}

/// Bytes of one stream that wait for more, with their origins.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Pending {
    bytes: Vec<u8>,
    origins: Vec<Origin>,
    /// Position in the stream of the first byte in `bytes`; gaps count as bytes.
    at: u64,
}

impl Pending {
    /// Lends what was left over followed by `bytes`; what `take` does not consume is kept.
    pub fn feed(&mut self, bytes: &[u8], mark: Mark, take: impl FnOnce(&mut Input<'_>)) {
        if self.bytes.is_empty() {
            let origins = [Origin { at: self.at, mark }];
            let mut input = Input { rest: bytes, at: self.at, origins: &origins, newest: mark };
            take(&mut input);
            self.at = input.at;
            if !input.rest.is_empty() {
                self.bytes.extend_from_slice(input.rest);
                self.origins.push(Origin { at: self.at, mark });
            }
            return;
        }
        if self.origins.len() < ORIGINS_MAX && self.origins.last().is_none_or(|last| last.mark != mark) {
            self.origins.push(Origin { at: self.end(), mark });
        }
        self.bytes.extend_from_slice(bytes);
        let mut input = Input { rest: &self.bytes, at: self.at, origins: &self.origins, newest: mark };
        take(&mut input);
        let left = input.rest.len();
        self.consume(self.bytes.len().saturating_sub(left));
    }

    /// Lends what was left over without adding to it, as at the end of a stream.
    pub fn drain(&mut self, take: impl FnOnce(&mut Input<'_>)) {
        let Some(newest) = self.origins.last().map(|origin| origin.mark) else { return };
        let mut input = Input { rest: &self.bytes, at: self.at, origins: &self.origins, newest };
        take(&mut input);
        self.clear();
    }

    /// Gives up what was left over, packet by packet, for whoever reads this stream from here on.
    pub fn hand_over(&mut self, direction: Direction, held: &mut Vec<Held>) {
        for (index, origin) in self.origins.iter().enumerate() {
            let at = |at: u64| usize::try_from(at.saturating_sub(self.at)).unwrap_or(usize::MAX);
            let next = self.origins.get(index + 1).map_or(self.end(), |next| next.at);
            if let Some(bytes) = self.bytes.get(at(origin.at)..at(next)).filter(|bytes| !bytes.is_empty()) {
                held.push(Held { direction, bytes: bytes.into(), mark: origin.mark });
            }
        }
        self.clear();
    }

    /// Moves the position over bytes that were never seen; what was left over is dropped.
    pub fn skip(&mut self, length_bytes: u64) {
        self.clear();
        self.at = self.at.saturating_add(length_bytes);
    }

    /// Position in the stream of the next byte to consume; gaps count as bytes.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// How many bytes were left over.
    #[must_use]
    pub fn length_bytes(&self) -> u64 {
        u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.origins.capacity() * size_of::<Origin>()
    }

    fn end(&self) -> u64 {
        self.at.saturating_add(self.length_bytes())
    }

    fn clear(&mut self) {
        self.at = self.end();
        self.bytes = Vec::new();
        self.origins = Vec::new();
    }

    fn consume(&mut self, count: usize) {
        if count >= self.bytes.len() {
            // Give the memory back: most flows never need it again.
            self.clear();
            return;
        }
        if count == 0 {
            return;
        }
        self.bytes.drain(..count);
        self.at = self.at.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        let past = self.origins.partition_point(|origin| origin.at <= self.at).saturating_sub(1);
        self.origins.drain(..past);
    }
}

/// What a dissector may consume now: never empty at first, in order, each byte's packet known.
#[derive(Debug)]
pub struct Input<'a> {
    rest: &'a [u8],
    at: u64,
    origins: &'a [Origin],
    newest: Mark,
}

impl<'a> Input<'a> {
    /// The bytes not consumed yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Position in the stream of the next byte; gaps count as bytes.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Consumes up to `count` bytes and returns them.
    pub fn advance(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at_checked(count).unwrap_or((self.rest, &[]));
        self.rest = rest;
        self.at = self.at.saturating_add(u64::try_from(taken.len()).unwrap_or(u64::MAX));
        taken
    }

    /// The packet that brought the next byte.
    #[must_use]
    pub fn next_mark(&self) -> Mark {
        self.mark_at(self.at)
    }

    /// The packet that brought the byte consumed last.
    #[must_use]
    pub fn last_mark(&self) -> Mark {
        self.mark_at(self.at.saturating_sub(1))
    }

    fn mark_at(&self, at: u64) -> Mark {
        let after = self.origins.partition_point(|origin| origin.at <= at);
        self.origins.get(after.saturating_sub(1)).map_or(self.newest, |origin| origin.mark)
    }
}

#[cfg(test)]
mod tests {
    use segment::{PacketRef, Timestamp};

    use super::*;

    fn mark(number: u32) -> Mark {
        Mark {
            timestamp: Timestamp::from_nanos(i64::from(number)),
            packet: PacketRef { sequence: 0, frame: 1, index: number },
        }
    }

    #[test]
    fn each_byte_keeps_its_packet() {
        let mut pending = Pending::default();
        pending.feed(b"abc", mark(1), |input| {
            assert_eq!(input.advance(1), b"a");
            assert_eq!(input.last_mark(), mark(1));
        });
        pending.feed(b"de", mark(2), |input| assert_eq!(input.rest(), b"bcde"));
        pending.feed(b"f", mark(3), |input| {
            assert_eq!(input.next_mark(), mark(1));
            assert_eq!(input.advance(3), b"bcd");
            assert_eq!((input.at(), input.last_mark(), input.next_mark()), (4, mark(2), mark(2)));
        });
        pending.feed(b"g", mark(4), |input| {
            assert_eq!((input.rest(), input.next_mark()), (b"efg".as_slice(), mark(2)));
            input.advance(9);
            assert_eq!(input.last_mark(), mark(4));
        });
        assert_eq!((pending.at(), pending.memory_bytes()), (7, 0));
        pending.skip(10);
        assert_eq!(pending.at(), 17);
    }

    #[test]
    fn what_is_handed_over_keeps_its_packets() {
        let mut pending = Pending::default();
        pending.feed(b"abc", mark(1), |input| {
            input.advance(1);
        });
        pending.feed(b"de", mark(2), |_| {});
        let mut held = Vec::new();
        pending.hand_over(Direction::ToClient, &mut held);
        let told: Vec<_> = held.iter().map(|held| (&*held.bytes, held.mark)).collect();
        assert_eq!(told, [(b"bc".as_slice(), mark(1)), (b"de".as_slice(), mark(2))]);
        assert_eq!((pending.at(), pending.memory_bytes()), (5, 0));
    }
}
