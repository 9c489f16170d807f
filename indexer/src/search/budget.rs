//! What a question may cost. It stops when that is spent, or when whoever asked no longer wants to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::meter::{self, Read};

/// Bytes that candidates and entries of a question may take when nothing else is said.
const MEMORY_BYTES_MAX: u64 = 1 << 30;

/// What a question may cost.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Time from its start.
    pub time_max: Option<Duration>,
    /// Bytes read of indexes and segments.
    pub read_bytes_max: Option<u64>,
    /// Bytes that its candidates and entries take.
    pub memory_bytes_max: u64,
    /// Ends it from another thread.
    pub cancel: Cancel,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            time_max: None,
            read_bytes_max: None,
            memory_bytes_max: MEMORY_BYTES_MAX,
            cancel: Cancel::default(),
        }
    }
}

impl Budget {
    /// Leaves what is left once this much was spent.
    pub fn spend(&mut self, time: Duration, read_bytes: u64) {
        self.time_max = self.time_max.map(|most| most.saturating_sub(time));
        self.read_bytes_max = self.read_bytes_max.map(|most| most.saturating_sub(read_bytes));
    }
}

/// Ends questions that were asked with it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Ends them at their next step.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether they were ended.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why an answer ended before its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// It has as many entries as were asked for.
    Limit,
    /// Whoever takes it wants no more.
    Taker,
    /// It took too long.
    Time,
    /// It read too much.
    Read,
    /// It needed too much memory.
    Memory,
    /// It was cancelled.
    Cancelled,
}

impl Stop {
    /// In words that follow "cut".
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Limit => "at the limit",
            Self::Taker => "where nobody read on",
            Self::Time => "when its time was over",
            Self::Read => "when it had read as much as it may",
            Self::Memory => "when it had taken as much memory as it may",
            Self::Cancelled => "when it was cancelled",
        }
    }
}

/// What a question has spent.
pub struct Spending {
    budget: Budget,
    since: Instant,
    read: Read,
    memory_bytes: u64,
}

impl Spending {
    /// Begins to count.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        meter::take();
        Self { budget, since: Instant::now(), read: Read::default(), memory_bytes: 0 }
    }

    /// Counts what is held.
    pub fn hold(&mut self, bytes: u64) {
        self.memory_bytes = self.memory_bytes.saturating_add(bytes);
    }

    /// No longer counts what is held no more.
    pub fn release(&mut self, bytes: u64) {
        self.memory_bytes = self.memory_bytes.saturating_sub(bytes);
    }

    /// What this thread has read since the question began.
    pub fn read(&mut self) -> Read {
        self.read = self.read.and(meter::take());
        self.read
    }

    /// How long it has taken.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// Whether it has to stop, and why.
    pub fn stop(&mut self) -> Option<Stop> {
        let read = self.read();
        let Budget { time_max, read_bytes_max, memory_bytes_max, cancel } = &self.budget;
        if cancel.is_cancelled() {
            Some(Stop::Cancelled)
        } else if time_max.is_some_and(|most| self.since.elapsed() > most) {
            Some(Stop::Time)
        } else if read_bytes_max.is_some_and(|most| read.bytes > most) {
            Some(Stop::Read)
        } else if self.memory_bytes > *memory_bytes_max {
            Some(Stop::Memory)
        } else {
            None
        }
    }
}
