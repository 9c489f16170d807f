//! How much a thread has read of indexes and segments: what a query costs, and what it may.

use std::cell::Cell;

thread_local! {
    static READ: Cell<Read> = const { Cell::new(Read { requests: 0, bytes: 0 }) };
}

/// What was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Read {
    /// Ranges of bytes that were asked for.
    pub requests: u64,
    /// Bytes in them.
    pub bytes: u64,
}

/// Counts one range.
pub fn add(bytes: usize) {
    READ.with(|read| {
        let Read { requests, bytes: before } = read.get();
        read.set(Read { requests: requests + 1, bytes: before.saturating_add(bytes as u64) });
    });
}

/// What this thread has read since the last call.
pub fn take() -> Read {
    READ.with(Cell::take)
}

impl Read {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { requests: self.requests + other.requests, bytes: self.bytes.saturating_add(other.bytes) }
    }
}
