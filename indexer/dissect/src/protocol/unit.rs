//! Collects one unit whose length was told beforehand.
//!
//! Database messages may be a gigabyte long. A [`Unit`] keeps the first bytes and counts the others, so that a
//! dissector holds no more than it may; a hole inside it costs the bytes that are missing, not the place in
//! the stream, because where the unit ends is known.

use serde::{Deserialize, Serialize};

use super::Mark;
use super::pending::Input;

/// A unit under way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Unit {
    /// The packet of its first byte, header included.
    pub first: Mark,
    /// The packet of the last byte so far.
    pub last: Mark,
    /// The first bytes behind the header, up to the limit and to the first hole.
    pub kept: Vec<u8>,
    /// Bytes behind the header, as the header told.
    pub length_bytes: u64,
    /// Bytes that were never seen.
    pub gap_bytes: u64,
    left_bytes: u64,
    kept_bytes_max: usize,
}

impl Unit {
    /// Begins behind a header whose last byte came with `last`.
    #[must_use]
    pub fn new(first: Mark, last: Mark, length_bytes: u64, kept_bytes_max: usize) -> Self {
        Self {
            first,
            last,
            kept: Vec::new(),
            length_bytes,
            gap_bytes: 0,
            left_bytes: length_bytes,
            kept_bytes_max,
        }
    }

    /// Takes what belongs to it off `input`; whether it is whole now.
    pub fn take(&mut self, input: &mut Input<'_>) -> bool {
        let wanted = usize::try_from(self.left_bytes).unwrap_or(usize::MAX);
        if wanted > 0 && !input.rest().is_empty() {
            let taken = input.advance(wanted);
            if self.gap_bytes == 0 {
                let room = self.kept_bytes_max.saturating_sub(self.kept.len());
                self.kept.extend_from_slice(taken.get(..room).unwrap_or(taken));
            }
            self.left_bytes = self.left_bytes.saturating_sub(u64::try_from(taken.len()).unwrap_or(u64::MAX));
            self.last = input.last_mark();
        }
        self.left_bytes == 0
    }

    /// So many more bytes belong to it, behind another header.
    pub fn go_on(&mut self, length_bytes: u64) {
        self.length_bytes = self.length_bytes.saturating_add(length_bytes);
        self.left_bytes = self.left_bytes.saturating_add(length_bytes);
    }

    /// Takes a hole of known length; `false` if it may reach beyond the unit's end.
    pub fn take_gap(&mut self, length_bytes: u64, mark: Mark) -> bool {
        if length_bytes == 0 || length_bytes >= self.left_bytes {
            return false;
        }
        self.left_bytes = self.left_bytes.saturating_sub(length_bytes);
        self.gap_bytes = self.gap_bytes.saturating_add(length_bytes);
        self.last = mark;
        true
    }

    /// Bytes of it that were seen so far.
    #[must_use]
    pub fn seen_bytes(&self) -> u64 {
        self.length_bytes.saturating_sub(self.left_bytes).saturating_sub(self.gap_bytes)
    }

    /// Whether `kept` is less than all of it.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        u64::try_from(self.kept.len()).unwrap_or(u64::MAX) < self.length_bytes
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.kept.capacity()
    }
}
