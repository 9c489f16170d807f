//! The state of a recording, and what each action does to it.
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

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TrySendError};
use segment::{Chain, Digest, LossCause, Manifest, SegmentId, SigningKey, TimeRange};

use crate::batch::{Batch, LinkChange};
use crate::cli::CaptureConfig;
use crate::clock;
use crate::data::{ChainEnd, DataDir};
use crate::error::Error;
use crate::event::Event;
use crate::ledger::{Ledger, Missing};
use crate::report::{DiskState, Report, SourceReport};
use crate::source::lane::Orders;
use crate::writer::disk::{Disk, KeepJob, Reply};
use crate::writer::segments::{OpenSegment, SourceInfo};

/// How often the supervisor hears from the writer, and losses are written.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// How often the kernel's counters go into the segment; DESIGN allows ten seconds.
const STATISTICS_EVERY: Duration = Duration::from_secs(9);
/// How often the budget is looked at besides at each seal.
const EXPIRE_EVERY: Duration = Duration::from_secs(10);
/// How long the first segment waits for the repair of leftovers, so that it can name the digest of
/// the one before. The kernel's ring and the queue bridge this.
const REPAIR_PATIENCE: Duration = Duration::from_secs(3);
/// First and last pause before a disk that refused is tried again.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];
/// Attempts after which a segment that can't be written for another reason than space is given up.
const ATTEMPTS_MAX: u32 = 6;

/// Where packets go at the moment.
enum Slot {
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

/// Sums since the start.
#[derive(Default, Debug)]
struct Counts {
    appended: u64,
    appended_bytes: u64,
    sealed: u64,
    sealed_segments: u64,
    disk_lost: u64,
}

/// A recording in progress.
pub struct Recording {
    config: CaptureConfig,
    data: DataDir,
    key: SigningKey,
    chain: Chain,
    next: u64,
    previous: Option<Digest>,
    sources: Vec<SourceInfo>,
    orders: Orders,
    disk: Option<Disk>,
    replies: Receiver<Reply>,
    slot: Slot,
    pause: Duration,
    attempts: u32,
    held: Option<(Batch, usize)>,
    ledger: Ledger,
    counts: Counts,
    /// Packets known to be on disk, per segment that is not sealed yet.
    synced: BTreeMap<u64, u64>,
    reported: Instant,
    statistics_written: Instant,
    expired: Instant,
}

impl Recording {
    /// Begins with the repair of what a crash left.
    pub fn start(
        config: CaptureConfig,
        data: DataDir,
        key: SigningKey,
        end: ChainEnd,
        sources: Vec<SourceInfo>,
        orders: Orders,
        disk: Disk,
    ) -> Self {
        let now = clock::monotonic();
        let mut recording = Self {
            config,
            data,
            key,
            chain: end.chain,
            next: end.next,
            previous: None,
            sources,
            orders,
            replies: disk.replies.clone(),
            disk: Some(disk),
            slot: Slot::Repairing { until: now + REPAIR_PATIENCE },
            pause: PAUSES[0],
            attempts: 0,
            held: None,
            ledger: Ledger::default(),
            counts: Counts::default(),
            synced: BTreeMap::new(),
            reported: now,
            statistics_written: now,
            expired: now,
        };
        recording.ask_keeper(KeepJob::Repair);
        recording
    }

    /// Puts a loss into the ledger that happened before this process began.
    pub fn add_loss(&mut self, cause: LossCause, missing: Missing, note: &str) {
        self.ledger.add(None, cause, missing, note);
    }

    /// Whether batches can be written now; else they wait in the queue.
    #[must_use]
    pub fn takes_batches(&self) -> bool {
        matches!(self.slot, Slot::Writing(_)) && self.held.is_none()
    }

    /// From the disk threads.
    #[must_use]
    pub fn replies(&self) -> &Receiver<Reply> {
        &self.replies
    }

    /// Writes a batch. Gives it back once everything in it is appended; a batch that the disk
    /// refused midway is held.
    pub fn write(&mut self, batch: Batch, now: Instant) -> Option<Batch> {
        self.note(&batch);
        self.write_from(batch, 0, now)
    }

    /// Hears what a disk thread did.
    pub fn hear(&mut self, reply: Reply, now: Instant) {
        match reply {
            Reply::Synced { sequence, packets, result: Ok(()) } => {
                if let Some(synced) = self.synced.get_mut(&sequence) {
                    *synced = packets.max(*synced);
                }
            }
            Reply::Synced { sequence, result: Err(problem), .. } => self.sync_failed(sequence, &problem, now),
            Reply::Sealed(manifest) => self.sealed(&manifest),
            Reply::NotSealed { id, problem } => {
                Event::Disk { state: "waiting".to_owned(), problem: Some(format!("can't seal {id}: {problem}")) }.print();
            }
            Reply::Repaired { id, packets, cut_bytes, note } => {
                self.synced.remove(&id.sequence);
                Event::Repaired { id: id.to_string(), packets, cut_bytes, note }.print();
            }
            Reply::RepairDone => {
                if matches!(self.slot, Slot::Repairing { .. }) {
                    self.open(now);
                }
            }
            Reply::Expired { id, bytes } => {
                Event::Expired { id: id.to_string(), bytes }.print();
            }
            Reply::Trouble(problem) => {
                Event::Disk { state: self.disk_state_name().to_owned(), problem: Some(problem) }.print();
            }
        }
    }

    /// Does what time asks for. Gives a batch back that was held and is now written.
    pub fn tick(&mut self, now: Instant, queue_batches: u64) -> Option<Batch> {
        match &self.slot {
            Slot::Repairing { until } if now >= *until => self.open(now),
            Slot::Pausing { until, .. } if now >= *until => self.resume(now),
            _ => {}
        }
        let done = match self.held.take() {
            Some((batch, from)) if matches!(self.slot, Slot::Writing(_)) => self.write_from(batch, from, now),
            held => {
                self.held = held;
                None
            }
        };
        if now.duration_since(self.reported) >= REPORT_EVERY {
            self.reported = now;
            self.write_losses(now);
            self.check_file(now);
            self.report(queue_batches);
        }
        if now.duration_since(self.expired) >= EXPIRE_EVERY {
            self.expired = now;
            self.ask_keeper(KeepJob::Expire);
        }
        self.tend_segment(now);
        done
    }

    /// Counts a batch as lost: the recording ends and the disk doesn't take it.
    pub fn lose(&mut self, batch: &Batch) {
        self.note(batch);
        if let (Some(first), Some(last)) = (batch.heads.first(), batch.heads.last()) {
            let packets = batch.heads.len() as u64;
            self.counts.disk_lost += packets;
            let range = TimeRange::covering(first.timestamp, last.timestamp);
            let missing = Missing { range, packets: Some(packets), bytes: Some(batch.bytes.len() as u64) };
            self.ledger.add(None, LossCause::DiskFull, missing, "the recorder stopped before the disk took them");
        }
    }

    /// Seals the open segment and lets the disk threads end. False if something could not be sealed.
    pub fn close(&mut self, now: Instant) -> bool {
        if let Some((batch, from)) = self.held.take()
            && let Some((batch, _)) = self.write_from(batch, from, now).is_none().then(|| self.held.take()).flatten()
        {
            self.lose(&batch);
        }
        if matches!(self.slot, Slot::Pausing { .. }) {
            self.resume(now);
        }
        if matches!(self.slot, Slot::Repairing { .. }) {
            self.open(now);
        }
        self.write_losses(now);
        let ok = self.seal_segment(now);
        for loss in self.ledger.take() {
            Event::loss(&loss).print();
        }
        self.disk = None;
        ok
    }

    /// Tells the supervisor how things are.
    pub fn report(&self, queue_batches: u64) {
        let segment = match &self.slot {
            Slot::Writing(segment) => Some(segment),
            _ => None,
        };
        let report = Report {
            at: clock::now().nanos().to_string(),
            sources: self
                .sources
                .iter()
                .map(|s| SourceReport { interface: s.name.clone(), up: s.up, counters: s.counters })
                .collect(),
            appended: self.counts.appended,
            appended_bytes: self.counts.appended_bytes,
            synced: self.counts.sealed + self.synced.values().sum::<u64>(),
            sealed: self.counts.sealed,
            sealed_segments: self.counts.sealed_segments,
            disk_lost: self.counts.disk_lost,
            queue_batches,
            disk: if segment.is_some() { DiskState::Writing } else { DiskState::Waiting },
            segment: segment.map(|segment| segment.id().to_string()),
            segment_bytes: segment.map_or(0, |segment| segment.bytes()),
        };
        if !Event::Report(report).print() {
            // Nobody reads any more: the supervisor died. Seal and end, so that a new one can start.
            self.orders.stop.store(true, Ordering::Relaxed);
        }
    }

    /// Takes over what a batch says besides its packets.
    fn note(&mut self, batch: &Batch) {
        let Some(source) = self.sources.get_mut(batch.source) else { return };
        if let Some(counters) = batch.counters {
            source.counters = counters;
        }
        for loss in &batch.losses {
            self.ledger.add(Some(&source.name), loss.cause, loss.missing, &loss.note);
        }
        if let Some(change) = &batch.link {
            let (state, problem) = match change {
                LinkChange::Down(problem) => ("down", Some(problem.clone())),
                LinkChange::Up => ("up", None),
            };
            source.up = state == "up";
            let link_type = Some(source.link_type.0);
            Event::Interface { interface: source.name.clone(), state: state.to_owned(), link_type, problem }.print();
        }
    }

    fn write_from(&mut self, batch: Batch, from: usize, now: Instant) -> Option<Batch> {
        let Slot::Writing(segment) = &mut self.slot else {
            self.held = Some((batch, from));
            return None;
        };
        let source = self.sources.get(batch.source)?;
        let mut cut: Option<Missing> = None;
        let mut refused = None;
        for (number, (head, data)) in batch.packets().enumerate().skip(from) {
            if let Err(error) = segment.append(batch.source, source, head, data, now, &self.config) {
                refused = Some((number, error));
                break;
            }
            self.counts.appended += 1;
            self.counts.appended_bytes += data.len() as u64;
            let missing = head.original_length_bytes.saturating_sub(head.captured_length_bytes);
            if missing > 0 {
                let missing = Missing { packets: Some(0), ..Missing::one(head.timestamp, u64::from(missing)) };
                cut = Some(cut.map_or(missing, |sum| sum.and(missing)));
            }
        }
        if let Some(cut) = cut {
            self.ledger.add(Some(&source.name), LossCause::SnapLength, cut, "packets cut at the snap length");
        }
        match refused {
            None => {
                self.tend_segment(now);
                Some(batch)
            }
            Some((number, error)) => {
                self.held = Some((batch, number));
                self.refused(&error, now);
                None
            }
        }
    }

    /// Ends a frame, syncs, writes statistics and seals, each when it is due.
    fn tend_segment(&mut self, now: Instant) {
        let Slot::Writing(segment) = &mut self.slot else { return };
        let mut result = Ok(());
        if now.duration_since(self.statistics_written) >= STATISTICS_EVERY {
            self.statistics_written = now;
            result = segment.append_statistics(&self.sources, clock::now(), now);
        }
        if result.is_ok() && segment.flush_is_due(now, &self.config) {
            result = segment.end_frame();
        }
        if result.is_ok() {
            result = self.sync(now);
        }
        if let Err(error) = result {
            return self.refused(&error, now);
        }
        let keeper_has_room = self.disk.as_ref().is_some_and(|disk| !disk.keep.is_full());
        if let Slot::Writing(segment) = &self.slot
            && segment.seal_is_due(now, &self.config)
            && keeper_has_room
            && self.seal_segment(now)
        {
            self.open(now);
        }
    }

    /// Asks for a sync, unless one is under way or everything written is on disk.
    fn sync(&mut self, now: Instant) -> Result<(), Error> {
        let (Slot::Writing(segment), Some(disk)) = (&mut self.slot, &self.disk) else { return Ok(()) };
        if !disk.sync.is_full()
            && let Some(job) = segment.due_sync(now, &self.config)?
        {
            // There is room, and nobody else sends.
            drop(disk.sync.try_send(job));
        }
        Ok(())
    }

    /// Opens the next segment, or pauses.
    fn open(&mut self, now: Instant) {
        if let Some((_, digest)) = self.data.newest_sealed()
            && self.previous.is_none()
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
    fn pause(&mut self, segment: Option<Box<OpenSegment>>, problem: &str, now: Instant) {
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
    fn resume(&mut self, now: Instant) {
        let repairing = Slot::Repairing { until: now + REPAIR_PATIENCE };
        if let Slot::Pausing { segment: Some(mut segment), .. } = std::mem::replace(&mut self.slot, repairing) {
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
    fn go_on(&mut self, segment: Box<OpenSegment>) {
        self.slot = Slot::Writing(segment);
        self.pause = PAUSES[0];
        self.attempts = 0;
        if self.orders.disk_waits.swap(false, Ordering::Relaxed) {
            Event::Disk { state: "writing".to_owned(), problem: None }.print();
        }
    }

    /// The disk refused.
    fn refused(&mut self, error: &Error, now: Instant) {
        let empty = Slot::Pausing { until: now, segment: None };
        if let Slot::Writing(segment) = std::mem::replace(&mut self.slot, empty) {
            self.pause(Some(segment), &error.to_string(), now);
        }
    }

    /// Never writes to `segment` again: what it has not written is lost, the rest is left to repair.
    fn give_up(&mut self, segment: Box<OpenSegment>, problem: &str) {
        let note = format!("{} was given up: {problem}", segment.id());
        let (missing, losses) = segment.abandon();
        for loss in &losses {
            self.ledger.restore(loss);
        }
        self.lost(missing, &note);
    }

    /// Packets that counted as appended are not there.
    fn lost(&mut self, missing: Option<Missing>, note: &str) {
        let Some(missing) = missing else { return };
        let packets = missing.packets.unwrap_or(0);
        self.counts.disk_lost += packets;
        self.counts.appended = self.counts.appended.saturating_sub(packets);
        self.ledger.add(None, LossCause::DiskFull, missing, note);
    }

    /// Nobody knows what is on disk of the open segment beyond `synced` packets: never trust it again.
    fn distrust(&mut self, synced: u64, problem: &str, now: Instant) {
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

    fn sync_failed(&mut self, sequence: u64, problem: &str, now: Instant) {
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
    fn check_file(&mut self, now: Instant) {
        let Slot::Writing(segment) = &self.slot else { return };
        if segment.is_there() {
            return;
        }
        self.distrust(0, "its file was removed", now);
    }

    fn write_losses(&mut self, now: Instant) {
        let Slot::Writing(segment) = &mut self.slot else { return };
        let losses = self.ledger.take();
        let mut refused = None;
        for loss in &losses {
            match refused {
                None => refused = segment.append_loss(loss, now).err(),
                Some(_) => self.ledger.restore(loss),
            }
        }
        if let Some(error) = refused {
            return self.refused(&error, now);
        }
        for loss in &losses {
            Event::loss(loss).print();
        }
    }

    /// Gives the open segment to the keeper. False if the disk refused, or the keeper is gone.
    fn seal_segment(&mut self, now: Instant) -> bool {
        let empty = Slot::Pausing { until: now, segment: None };
        let mut segment = match std::mem::replace(&mut self.slot, empty) {
            Slot::Writing(segment) => segment,
            other => {
                self.slot = other;
                return false;
            }
        };
        self.statistics_written = now;
        let written = segment.append_statistics(&self.sources, clock::now(), now).and_then(|()| segment.end_frame());
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

    fn sealed(&mut self, manifest: &Manifest) {
        self.synced.remove(&manifest.id.sequence);
        self.counts.sealed += manifest.packets;
        self.counts.sealed_segments += 1;
        let nanos = |at: segment::Timestamp| at.nanos().to_string();
        Event::Sealed {
            id: manifest.id.to_string(),
            packets: manifest.packets,
            bytes: manifest.file_bytes,
            first: manifest.range.map(|range| nanos(range.start())),
            end: manifest.range.map(|range| nanos(range.end())),
        }
        .print();
        self.ask_keeper(KeepJob::Expire);
    }

    /// Whether the keeper took the job. A seal or a repair waits for room; an expiry comes again.
    fn ask_keeper(&mut self, job: KeepJob) -> bool {
        let Some(disk) = &self.disk else { return false };
        match disk.keep.try_send(job) {
            Ok(()) => true,
            Err(TrySendError::Full(KeepJob::Expire) | TrySendError::Disconnected(_)) => false,
            Err(TrySendError::Full(job)) => disk.keep.send(job).is_ok(),
        }
    }

    fn disk_state_name(&self) -> &'static str {
        if matches!(self.slot, Slot::Writing(_)) { "writing" } else { "waiting" }
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
