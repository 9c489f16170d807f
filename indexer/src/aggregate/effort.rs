//! What an aggregation costs, over all its threads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tantivy::TantivyError;

use crate::Error;
use crate::meter::{self, Read};
use crate::search::{Budget, Stop};

/// What threads have spent together.
pub struct Effort {
    budget: Budget,
    since: Instant,
    requests: AtomicU64,
    read_bytes: AtomicU64,
    held_bytes: AtomicU64,
}

/// Why a step did not come to its end.
pub enum Halt {
    /// Too much was spent: all stop.
    Stopped(Stop),
    /// What was read is damaged: the others go on.
    Failed(Error),
}

impl Effort {
    /// Begins to count.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        meter::take();
        Self {
            budget,
            since: Instant::now(),
            requests: AtomicU64::new(0),
            read_bytes: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
        }
    }

    /// Counts what is held in addition.
    pub fn hold(&self, bytes: u64) {
        self.held_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts what this thread has read, and says whether all have to stop.
    ///
    /// # Errors
    /// [`Halt::Stopped`] if so.
    pub fn check(&self) -> Result<(), Halt> {
        let read = self.read();
        let Budget { time_max, read_bytes_max, memory_bytes_max, cancel } = &self.budget;
        let stop = if cancel.is_cancelled() {
            Stop::Cancelled
        } else if time_max.is_some_and(|most| self.since.elapsed() > most) {
            Stop::Time
        } else if read_bytes_max.is_some_and(|most| read.bytes > most) {
            Stop::Read
        } else if self.held_bytes.load(Ordering::Relaxed) > *memory_bytes_max {
            Stop::Memory
        } else {
            return Ok(());
        };
        Err(Halt::Stopped(stop))
    }

    /// What all threads have read up to their last check, and this one up to now.
    pub fn read(&self) -> Read {
        let Read { requests, bytes } = meter::take();
        let requests = self.requests.fetch_add(requests, Ordering::Relaxed) + requests;
        let bytes = self.read_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        Read { requests, bytes }
    }

    /// How long it has taken.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<TantivyError> for Halt {
    fn from(error: TantivyError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<std::io::Error> for Halt {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(Error::Index(error.into()))
    }
}
