//! Runs what blocks on a bounded number of threads, and ends it when nobody waits for it any more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::problem::{Kind, Problem};
use indexer::{Budget, Cancel};

/// What waits beyond this is turned away.
const WAITING_MAX: usize = 64;
/// How long a question may wait for its turn.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// When it is worth asking again, seconds.
const RETRY_AFTER_S: u32 = 2;

/// How long an answer may take.
pub const TIME_MAX: Duration = Duration::from_secs(30);
/// When an answer is given up that has no budget to keep, as of one entry, or keeps it badly.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(40);
/// Bytes of indexes and segments that may be read for an answer.
const READ_BYTES_MAX: u64 = 16 << 30;
/// Bytes that candidates and entries of an answer may take.
pub const MEMORY_BYTES_MAX: u64 = 256 << 20;

/// Places for work of one sort.
pub struct Pool {
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// Ends a question when it is dropped.
pub struct CancelOnDrop(pub Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Pool {
    /// So many at once.
    pub fn new(places: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(places)), waiting: Arc::new(Semaphore::new(WAITING_MAX)) }
    }

    /// A place, as soon as there is one.
    ///
    /// # Errors
    /// When that takes too long.
    pub async fn place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let busy = || {
            let problem =
                Problem::new(Kind::Busy, "as many questions are being answered as may be; ask again");
            Problem { retry_after_s: Some(RETRY_AFTER_S), ..problem }
        };
        let _turn = self.waiting.try_acquire().map_err(|_| busy())?;
        match timeout(WAIT_MAX, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(busy()),
        }
    }

    /// Does `work` on a thread of its own; cancelled when this future is dropped.
    ///
    /// # Errors
    /// What `work` says, when there is no place, when it takes too long, or when it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Cancel) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = self.place().await?;
        let guard = CancelOnDrop(Cancel::default());
        let cancel = guard.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _place = place;
            work(&cancel)
        });
        match timeout(ANSWER_TIME_MAX, done).await {
            Ok(done) => done.unwrap_or_else(|error| Err(Problem::failed(&error))),
            Err(_) => Err(Problem::new(Kind::Busy, "this takes too long to answer here")),
        }
    }
}

/// What an answer may cost.
pub fn budget(cancel: &Cancel) -> Budget {
    Budget {
        time_max: Some(TIME_MAX),
        read_bytes_max: Some(READ_BYTES_MAX),
        memory_bytes_max: MEMORY_BYTES_MAX,
        cancel: cancel.clone(),
    }
}
