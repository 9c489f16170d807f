//! Bytes from a thread that blocks to a body, with so much room between the two and no more.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Bytes;
use http_body::{Body, Frame};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Interval, MissedTickBehavior, interval, timeout};

use super::pool::CancelOnDrop;

/// What waits for a reader takes so much, in units of [`UNIT_BYTES`].
const UNITS: usize = 4_096;
const UNIT_BYTES: usize = 1_024;
/// Parts that may wait.
const PARTS_MAX: usize = 4_096;
/// Who reads nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// A comment keeps what lies between from closing a stream in which nothing happens.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Why a part was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// There is no room.
    Full,
    /// Nobody reads.
    Closed,
}

type Part = (io::Result<Bytes>, OwnedSemaphorePermit);

/// The end that is written to, from a thread that may block.
pub struct Feed {
    parts: mpsc::Sender<Part>,
    room: Arc<Semaphore>,
    runtime: Handle,
}

/// The end that is read.
pub struct FeedBody {
    parts: mpsc::Receiver<Part>,
    keep_alive: Option<Interval>,
    _guard: CancelOnDrop,
}

/// Both ends; dropping the body cancels what `guard` holds.
pub fn feed(guard: CancelOnDrop) -> (Feed, FeedBody) {
    let (sender, receiver) = mpsc::channel(PARTS_MAX);
    let room = Arc::new(Semaphore::new(UNITS));
    let body = FeedBody { parts: receiver, keep_alive: None, _guard: guard };
    (Feed { parts: sender, room, runtime: Handle::current() }, body)
}

impl FeedBody {
    /// Says something now and then, as a stream of events may.
    pub fn kept_alive(mut self) -> Self {
        let mut ticks = interval(KEEP_ALIVE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.reset();
        self.keep_alive = Some(ticks);
        self
    }
}

impl Feed {
    fn units(bytes: &Bytes) -> u32 {
        let units = bytes.len().div_ceil(UNIT_BYTES).clamp(1, UNITS);
        u32::try_from(units).unwrap_or(u32::MAX)
    }

    /// Passes a part on if there is room for it.
    ///
    /// # Errors
    /// When there is none.
    pub fn offer(&self, bytes: Bytes) -> Result<(), Refused> {
        if self.parts.is_closed() {
            return Err(Refused::Closed);
        }
        let room = Arc::clone(&self.room).try_acquire_many_owned(Self::units(&bytes));
        let room = room.map_err(|_| Refused::Full)?;
        self.parts.try_send((Ok(bytes), room)).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => Refused::Full,
            mpsc::error::TrySendError::Closed(_) => Refused::Closed,
        })
    }

    /// Passes a part on, as soon as there is room for it.
    ///
    /// # Errors
    /// When nobody reads, or not for long.
    pub fn give(&self, bytes: Bytes) -> Result<(), Refused> {
        self.pass(Ok(bytes))
    }

    /// Breaks the body off: whoever reads it sees that it is not whole.
    pub fn break_off(&self, why: &str) {
        let _ = self.pass(Err(io::Error::other(why.to_owned())));
    }

    fn pass(&self, part: io::Result<Bytes>) -> Result<(), Refused> {
        let units = part.as_ref().map_or(1, Self::units);
        let room = Arc::clone(&self.room);
        let passed = async {
            // Who went away frees no room any more.
            let room = tokio::select! {
                room = room.acquire_many_owned(units) => room.map_err(|_| Refused::Closed)?,
                () = self.parts.closed() => return Err(Refused::Closed),
            };
            self.parts.send((part, room)).await.map_err(|_| Refused::Closed)
        };
        self.runtime.block_on(async { timeout(SILENCE_MAX, passed).await }).unwrap_or(Err(Refused::Full))
    }
}

impl Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = bytes.get(..bytes.len().min(UNIT_BYTES * UNITS / 4)).unwrap_or(bytes);
        match self.give(Bytes::copy_from_slice(part)) {
            Ok(()) => Ok(part.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Body for FeedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Poll::Ready(part) = self.parts.poll_recv(context) {
            if let Some(keep_alive) = &mut self.keep_alive {
                keep_alive.reset();
            }
            return Poll::Ready(part.map(|(part, _room)| part.map(Frame::data)));
        }
        let Some(keep_alive) = &mut self.keep_alive else { return Poll::Pending };
        ready!(keep_alive.poll_tick(context));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b": still here\n\n")))))
    }
}
