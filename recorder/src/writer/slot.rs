//! Where packets go: into a segment, or nowhere while the disk refuses.
//!
//! ```text
//!   Repairing ──▶ Writing ◀──(it takes bytes again)── Pausing
//!       ▲            └────────(the disk refused)────────▲ │
//!       └───────────(the segment is given up)─────────────┘
//! ```
//!
//! A full disk costs only what comes while it is full: the segment keeps its pending frame and goes
//! on. A segment whose sync failed, or whose file is gone, is never written to again: repair saves
//! what it holds, a new segment goes on, and the ledger says what is missing.

use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use segment::{LossCause, SegmentId, TimeRange};

use crate::batch::Batch;
use crate::clock;
use crate::data::DataDir;
use crate::error::Error;
use crate::event::Event;
use crate::ledger::Missing;
use crate::writer::disk::KeepJob;
use crate::writer::recording::Recording;
use crate::writer::segments::OpenSegment;

/// How long a new segment waits for the repair of leftovers, so that it can name the digest of the one
/// before. Longer, and another crash could cost more than a second; the link is what is given up then.
pub(super) const REPAIR_PATIENCE: Duration = Duration::from_millis(200);
/// First and last pause before a disk that refused is tried again.
pub(super) const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];
/// Attempts after which a segment that can't be written for another reason than space is given up.
const ATTEMPTS_MAX: u32 = 6;

/// Where packets go at the moment.
pub(super) enum Slot {
    /// Into this segment.
    Writing(Box<OpenSegment>),
    /// Nowhere yet: leftovers are being repaired.
    Repairing {
        /// Go on by then, whatever became of it.
        until: Instant,
    },
    /// Nowhere: the disk refused.
    Pausing {
        /// When it is tried again.
        until: Instant,
        /// The segment that goes on then; `None` if a new one is needed.
        segment: Option<Box<OpenSegment>>,
    },
}

impl Recording {
    /// Opens the next segment, or pauses.
    pub(super) fn open(&mut self, now: Instant) {
        if let Some((sequence, digest)) = self.data.newest_sealed()
            && self.previous.is_none()
            && sequence + 1 == self.next
        {
            self.previous = Some(digest);
        }
        let id = SegmentId { chain: self.chain.clone(), sequence: self.next };
        match OpenSegment::create(&self.data, id, self.previous, &self.config, &self.sources, now) {
            Ok(segment) => {
                self.next += 1;
                self.synced.insert(segment.id().sequence, 0);
                self.go_on(Box::new(segment));
            }
            Err(error) => self.pause(None, &error.to_string(), now),
        }
    }

    /// Waits before the disk is tried again, with `segment` or with a new one.
    pub(super) fn pause(&mut self, segment: Option<Box<OpenSegment>>, problem: &str, now: Instant) {
        if !self.orders.disk_waits.swap(true, Ordering::Relaxed) {
            Event::Disk { state: "waiting".to_owned(), problem: Some(problem.to_owned()) }.print();
        }
        self.slot = Slot::Pausing { until: now + self.pause, segment };
        self.pause = (self.pause * 2).min(PAUSES[1]);
        self.attempts += 1;
        // Space may be all that is missing.
        self.ask_keeper(KeepJob::Expire);
    }

    /// Tries the disk again after a pause.
    pub(super) fn resume(&mut self, now: Instant) {
        let repairing = Slot::Repairing { until: now + REPAIR_PATIENCE };
        if let Slot::Pausing { segment: Some(mut segment), .. } = std::mem::replace(&mut self.slot, repairing)
        {
            match segment.end_frame() {
                Ok(()) if segment.is_there() => return self.go_on(segment),
                Ok(()) => self.give_up(segment, "its file was removed"),
                Err(error) if self.attempts >= ATTEMPTS_MAX && !is_full(&error) => {
                    self.give_up(segment, &error.to_string());
                }
                Err(error) => return self.pause(Some(segment), &error.to_string(), now),
            }
        }
        // Folders may have vanished, and a number is never used twice.
        drop(DataDir::prepare(self.data.root()));
        if let Ok(next) = self.data.next_in_folders(&self.chain) {
            self.next = self.next.max(next);
        }
        self.previous = None;
        self.ask_keeper(KeepJob::Repair);
    }

    /// The disk takes bytes: write on.
    pub(super) fn go_on(&mut self, segment: Box<OpenSegment>) {
        self.slot = Slot::Writing(segment);
        self.pause = PAUSES[0];
        self.attempts = 0;
        if self.orders.disk_waits.swap(false, Ordering::Relaxed) {
            Event::Disk { state: "writing".to_owned(), problem: None }.print();
        }
    }

    /// The disk refused.
    pub(super) fn refused(&mut self, error: &Error, now: Instant) {
        let empty = Slot::Pausing { until: now, segment: None };
        if let Slot::Writing(segment) = std::mem::replace(&mut self.slot, empty) {
            self.pause(Some(segment), &error.to_string(), now);
        }
    }

    /// Never writes to `segment` again: what it has not written is lost, the rest is left to repair.
    pub(super) fn give_up(&mut self, segment: Box<OpenSegment>, problem: &str) {
        let note = format!("{} was given up: {problem}", segment.id());
        let (missing, losses) = segment.abandon();
        for loss in &losses {
            self.ledger.restore(loss);
        }
        self.lost(missing, &note);
    }

    /// Packets that counted as appended are not there.
    pub(super) fn lost(&mut self, missing: Option<Missing>, note: &str) {
        let Some(missing) = missing else { return };
        let packets = missing.packets.unwrap_or(0);
        self.counts.disk_lost += packets;
        self.counts.appended = self.counts.appended.saturating_sub(packets);
        self.ledger.add(None, LossCause::DiskFull, missing, note);
    }

    /// Counts a batch as lost: the recording ends and the disk doesn't take it.
    pub fn lose(&mut self, batch: &Batch) {
        self.note(batch);
        if let (Some(first), Some(last)) = (batch.heads.first(), batch.heads.last()) {
            let packets = batch.heads.len() as u64;
            self.counts.disk_lost += packets;
            let range = TimeRange::covering(first.timestamp, last.timestamp);
            let missing = Missing { range, packets: Some(packets), bytes: Some(batch.bytes.len() as u64) };
            self.ledger.add(
                None,
                LossCause::DiskFull,
                missing,
                "the recorder stopped before the disk took them",
            );
        }
    }

    /// Nobody knows what is on disk of the open segment beyond `synced` packets: never trust it again.
    pub(super) fn distrust(&mut self, synced: u64, problem: &str, now: Instant) {
        let empty = Slot::Pausing { until: now, segment: None };
        let segment = match std::mem::replace(&mut self.slot, empty) {
            Slot::Writing(segment) | Slot::Pausing { segment: Some(segment), .. } => segment,
            other => {
                self.slot = other;
                return;
            }
        };
        let note = format!("{} was given up: {problem}; what was not synced is in doubt", segment.id());
        let unsure = segment.packets().saturating_sub(synced);
        let missing = segment.range().map(|range| Missing { range, packets: Some(unsure), bytes: None });
        for loss in segment.abandon().1 {
            self.ledger.restore(&loss);
        }
        self.lost(missing.filter(|_| unsure > 0), &note);
        self.pause(None, problem, now);
    }

    pub(super) fn sync_failed(&mut self, sequence: u64, problem: &str, now: Instant) {
        let is_open = match &self.slot {
            Slot::Writing(segment) | Slot::Pausing { segment: Some(segment), .. } => {
                segment.id().sequence == sequence
            }
            _ => false,
        };
        // A segment that is being sealed syncs once more, and fails there, too.
        if is_open {
            let synced = self.synced.get(&sequence).copied().unwrap_or(0);
            self.distrust(synced, &format!("a sync failed: {problem}"), now);
        }
    }

    /// The open file may have been removed under the writer, which a `write` doesn't notice.
    pub(super) fn check_file(&mut self, now: Instant) {
        let Slot::Writing(segment) = &self.slot else { return };
        if segment.is_there() {
            return;
        }
        self.distrust(0, "its file was removed", now);
    }

    /// Gives the open segment to the keeper. False if the disk refused, or the keeper is gone.
    pub(super) fn seal_segment(&mut self, now: Instant) -> bool {
        let empty = Slot::Pausing { until: now, segment: None };
        let mut segment = match std::mem::replace(&mut self.slot, empty) {
            Slot::Writing(segment) => segment,
            other => {
                self.slot = other;
                return false;
            }
        };
        self.statistics_written = now;
        let written =
            segment.append_statistics(&self.sources, clock::now(), now).and_then(|()| segment.end_frame());
        if let Err(error) = written {
            self.pause(Some(segment), &error.to_string(), now);
            return false;
        }
        match segment.into_writer().finish(&self.key) {
            Ok(finished) => {
                self.previous = Some(finished.root());
                self.ask_keeper(KeepJob::Seal(Box::new(finished)))
            }
            Err(error) => {
                // Its packets are written; the keeper repairs it before the next segment opens.
                self.pause(None, &error.to_string(), now);
                false
            }
        }
    }
}

/// Whether the disk only lacks space, which may come back.
fn is_full(error: &Error) -> bool {
    matches!(
        error,
        Error::Segment(segment::Error::Io { source, .. }) | Error::Io { source, .. }
            if matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
    )
}
