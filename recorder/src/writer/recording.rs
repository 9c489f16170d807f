//! The state of a recording, and what each action does to it.
//!
//! This half does what batches, replies and time ask for; `slot` opens, gives up and seals segments.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, TrySendError};
use segment::{Chain, Digest, LossCause, Manifest, SigningKey};

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
use crate::writer::segments::SourceInfo;
use crate::writer::slot::{PAUSES, REPAIR_PATIENCE, Slot};

/// How often the supervisor hears from the writer, and losses are written.
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// How often the kernel's counters go into the segment; DESIGN allows ten seconds.
const STATISTICS_EVERY: Duration = Duration::from_secs(9);
/// How long the last seal waits for the keeper.
const SEAL_PATIENCE: Duration = Duration::from_secs(2);
/// How often the budget is looked at besides at each seal.
const EXPIRE_EVERY: Duration = Duration::from_secs(10);

/// Sums since the start.
#[derive(Default, Debug)]
pub(super) struct Counts {
    pub(super) appended: u64,
    pub(super) appended_bytes: u64,
    pub(super) sealed: u64,
    pub(super) sealed_segments: u64,
    pub(super) disk_lost: u64,
}

/// A recording in progress.
pub struct Recording {
    pub(super) config: CaptureConfig,
    pub(super) data: DataDir,
    pub(super) key: SigningKey,
    pub(super) chain: Chain,
    pub(super) next: u64,
    pub(super) previous: Option<Digest>,
    pub(super) sources: Vec<SourceInfo>,
    pub(super) orders: Orders,
    pub(super) disk: Option<Disk>,
    pub(super) replies: Receiver<Reply>,
    pub(super) slot: Slot,
    pub(super) pause: Duration,
    pub(super) attempts: u32,
    pub(super) held: Option<(Batch, usize)>,
    pub(super) ledger: Ledger,
    pub(super) counts: Counts,
    /// Packets known to be on disk, per segment that is not sealed yet.
    pub(super) synced: BTreeMap<u64, u64>,
    pub(super) reported: Instant,
    pub(super) statistics_written: Instant,
    pub(super) expired: Instant,
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
                Event::Disk {
                    state: "waiting".to_owned(),
                    problem: Some(format!("can't seal {id}: {problem}")),
                }
                .print();
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

    /// Seals the open segment and lets the disk threads end. False if something could not be sealed.
    pub fn close(&mut self, now: Instant) -> bool {
        if let Some((batch, from)) = self.held.take()
            && let Some((batch, _)) =
                self.write_from(batch, from, now).is_none().then(|| self.held.take()).flatten()
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
    pub(super) fn note(&mut self, batch: &Batch) {
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
            Event::Interface { interface: source.name.clone(), state: state.to_owned(), link_type, problem }
                .print();
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
                let missing =
                    Missing { packets: Some(0), ..Missing::one(head.timestamp, u64::from(missing)) };
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

    fn sealed(&mut self, manifest: &Manifest) {
        self.synced.remove(&manifest.id.sequence);
        self.counts.sealed += manifest.packets;
        self.counts.sealed_segments += 1;
        Event::sealed(manifest).print();
        self.ask_keeper(KeepJob::Expire);
    }

    /// Whether the keeper took the job. Only a seal waits for room: repairs and expiries come again.
    pub(super) fn ask_keeper(&mut self, job: KeepJob) -> bool {
        let Some(disk) = &self.disk else { return false };
        match disk.keep.try_send(job) {
            Ok(()) => true,
            // Not for ever: the keeper may be waiting to be heard. A segment that isn't taken is whole,
            // and the next start moves it.
            Err(TrySendError::Full(job @ KeepJob::Seal(_))) => {
                disk.keep.send_timeout(job, SEAL_PATIENCE).is_ok()
            }
            Err(_) => false,
        }
    }

    fn disk_state_name(&self) -> &'static str {
        if matches!(self.slot, Slot::Writing(_)) { "writing" } else { "waiting" }
    }
}
