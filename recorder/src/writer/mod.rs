//! The writer: takes batches, owns the open segment, and never waits for the disk longer than a
//! `write` takes.
//!
//! One owner, one loop: `select` waits, `apply` acts. `recording` is the state that `apply` changes,
//! `slot` where packets go at the moment, `segments` the open segment, `disk` the threads for what is slow.

pub mod disk;
pub mod recording;
pub mod segments;
mod slot;

use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, never, select, tick};
use std::sync::atomic::Ordering;

use crate::batch::{Batch, Inlet};
use crate::clock;
use crate::event::Event;
use crate::source::lane::Orders;
use crate::writer::disk::Reply;
use crate::writer::recording::Recording;

/// How often the writer looks at its clock.
const TICK: Duration = Duration::from_millis(100);
/// Time from a stop to the end; the supervisor allows five seconds.
const STOP_WITHIN: Duration = Duration::from_millis(4_300);

/// What the writer does next.
#[derive(Debug)]
pub enum Action {
    /// Write these packets.
    Batch(Batch),
    /// Hear what a disk thread did.
    Disk(Box<Reply>),
    /// Look at the clock.
    Tick,
    /// Tell the capture threads to end.
    Stop,
    /// Every capture thread ended and the queue is empty.
    Drained,
}

/// The writer's loop and what it listens to.
pub struct Writer {
    /// Batches from the capture threads.
    pub inlet: Inlet,
    /// Signals.
    pub stops: Receiver<()>,
    /// Shared with the capture threads.
    pub orders: Orders,
    /// Everything else.
    pub recording: Recording,
}

impl Writer {
    /// Records until a stop; says whether everything was sealed.
    pub fn run(mut self) -> bool {
        let ticks = tick(TICK);
        let mut stop_by: Option<Instant> = None;
        loop {
            let action = self.select(&ticks, stop_by);
            match action {
                Action::Stop => {
                    self.orders.stop.store(true, Ordering::Relaxed);
                    stop_by.get_or_insert(clock::monotonic() + STOP_WITHIN);
                }
                Action::Drained => break,
                action => self.apply(action, clock::monotonic()),
            }
        }
        let stop_by = stop_by.unwrap_or_else(|| clock::monotonic() + STOP_WITHIN);
        self.finish(stop_by)
    }

    fn select(&self, ticks: &Receiver<Instant>, stop_by: Option<Instant>) -> Action {
        let nothing = never();
        let batches = if self.recording.takes_batches() { &self.inlet.full } else { &nothing };
        if stop_by.is_some_and(|by| clock::monotonic() >= by) {
            return Action::Drained;
        }
        select! {
            recv(batches) -> batch => batch.map_or(Action::Drained, Action::Batch),
            recv(self.recording.replies()) -> reply => reply.map_or(Action::Stop, |reply| Action::Disk(Box::new(reply))),
            recv(self.stops) -> _ => Action::Stop,
            recv(ticks) -> _ => Action::Tick,
        }
    }

    fn apply(&mut self, action: Action, now: Instant) {
        match action {
            Action::Batch(batch) => {
                if let Some(empty) = self.recording.write(batch, now) {
                    self.inlet.give_back(empty);
                }
            }
            Action::Disk(reply) => self.recording.hear(*reply, now),
            Action::Tick => {
                let queue = self.inlet.full.len() as u64;
                if let Some(empty) = self.recording.tick(now, queue) {
                    self.inlet.give_back(empty);
                }
            }
            Action::Stop | Action::Drained => unreachable!("handled by the loop"),
        }
    }

    /// Seals, and hears the disk threads out.
    fn finish(mut self, stop_by: Instant) -> bool {
        // What the disk never took before the deadline is lost, and said so.
        while let Ok(batch) = self.inlet.full.try_recv() {
            self.recording.lose(&batch);
        }
        let replies = self.recording.replies().clone();
        let mut ok = self.recording.close(clock::monotonic());
        loop {
            let left = stop_by.saturating_duration_since(clock::monotonic());
            match replies.recv_timeout(left) {
                Ok(reply) => {
                    ok &= !matches!(reply, Reply::NotSealed { .. });
                    self.recording.hear(reply, clock::monotonic());
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    ok = false;
                    break;
                }
            }
        }
        self.recording.report(0);
        Event::Finished { ok }.print();
        ok
    }
}
