//! The capture thread of one interface: kernel ring → batches → queue.
//!
//! When the queue is full the thread waits a little, because the kernel's ring is the larger
//! buffer; then it gives the batch up, counts it, and goes on, so that the loss has a name.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use segment::{LossCause, TimeRange, Timestamp};

use crate::batch::{Batch, LinkChange, Outlet, SourceLoss};
use crate::cli::CaptureConfig;
use crate::clock;
use crate::ledger::Missing;
use crate::report::SourceCounters;
use crate::source::{Source, is_up, open, reason};

/// Packets read before the thread looks at its clock and its orders again.
const DISPATCH_PACKETS: usize = 4096;
/// How long a quiet thread sleeps at most; the upper bound of its answer to a stop.
const POLL_NANOS: i64 = 100_000_000;
/// How long a packet may wait in a batch that doesn't fill.
const BATCH_AGE_MAX: Duration = Duration::from_millis(100);
/// How often the kernel is asked for its counters.
const STATISTICS_EVERY: Duration = Duration::from_secs(1);
/// How often the thread looks whether its interface is up: libpcap waits in silence while it is down.
const LINK_EVERY: Duration = Duration::from_millis(250);
/// How long a full queue is waited for before its packets are given up. The kernel's ring fills
/// meanwhile: 64 MiB hold half a second at 100 MB/s.
const QUEUE_PATIENCE: Duration = Duration::from_millis(250);
/// First and last pause between two attempts to open an interface that went away.
const REOPEN_AFTER: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(2)];
/// How long packets are still read after a stop: at least until the kernel handed over the block that
/// was being filled then, at most so long if they never end.
const DRAIN: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(1)];

/// What capture threads and the worker share.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    /// Drain and end.
    pub stop: Arc<AtomicBool>,
    /// The disk refuses: what doesn't fit into the queue is lost to the disk, and waiting is futile.
    pub disk_waits: Arc<AtomicBool>,
}

/// Starts the thread of source number `number`. Without an open `source` it begins by opening it.
pub fn start(
    number: usize,
    interface: String,
    source: Option<Source>,
    config: CaptureConfig,
    outlet: Outlet,
    orders: Orders,
) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("capture {interface}")).spawn(move || {
        let mut lane = Lane::new(number, interface.clone(), outlet, orders);
        let mut source = source;
        while !lane.orders.stop.load(Ordering::Relaxed) {
            let lost = match source.take() {
                Some(open) => lane.read(open),
                None => "not open".to_owned(),
            };
            if lane.orders.stop.load(Ordering::Relaxed) {
                break;
            }
            source = lane.reopen(&config, lost);
        }
        lane.last_words();
    })
}

/// One interface's thread.
struct Lane {
    number: usize,
    interface: String,
    outlet: Outlet,
    orders: Orders,
    batch: Batch,
    batch_since: Instant,
    counters: SourceCounters,
    losses: Vec<SourceLoss>,
    statistics: Statistics,
    link_seen: Instant,
    down_since: Option<Timestamp>,
}

/// What the current handle said last; a new handle begins at zero.
struct Statistics {
    asked: Instant,
    at: Timestamp,
    received: u32,
    dropped: u32,
    interface_dropped: u32,
}

impl Statistics {
    fn of(source: &mut Source) -> Self {
        let said = source.capture.stats().ok();
        Self {
            asked: clock::monotonic(),
            at: clock::now(),
            received: said.map_or(0, |said| said.received),
            dropped: said.map_or(0, |said| said.dropped),
            interface_dropped: said.map_or(0, |said| said.if_dropped),
        }
    }
}

impl Lane {
    fn new(number: usize, interface: String, outlet: Outlet, orders: Orders) -> Self {
        let batch = outlet.fresh(number);
        Self {
            number,
            interface,
            outlet,
            orders,
            batch,
            batch_since: clock::monotonic(),
            counters: SourceCounters::default(),
            losses: Vec::new(),
            statistics: Statistics {
                asked: clock::monotonic(),
                at: clock::now(),
                received: 0,
                dropped: 0,
                interface_dropped: 0,
            },
            link_seen: clock::monotonic(),
            down_since: None,
        }
    }

    /// Reads until a stop or an error; says what the error was.
    fn read(&mut self, mut source: Source) -> String {
        // What passed before the filter was set is none of ours.
        self.statistics = Statistics::of(&mut source);
        let mut stopped: Option<Instant> = None;
        loop {
            let read = source.capture.dispatch(Some(DISPATCH_PACKETS), |packet| {
                let stamp = packet.header.ts;
                let nanos = stamp.tv_sec.saturating_mul(1_000_000_000).saturating_add(stamp.tv_usec);
                self.take(Timestamp::from_nanos(nanos), packet.header.len, packet.data);
            });
            let now = clock::monotonic();
            if now.duration_since(self.statistics.asked) >= STATISTICS_EVERY {
                self.ask_statistics(&mut source, now);
            }
            if now.duration_since(self.link_seen) >= LINK_EVERY {
                self.look_at_link(now);
            }
            if self.orders.stop.load(Ordering::Relaxed) {
                let [drain_min, drain_max] = DRAIN;
                let since = now.duration_since(*stopped.get_or_insert(now));
                let is_empty = matches!(read, Ok(0)) && since >= drain_min;
                if is_empty || read.is_err() || since >= drain_max {
                    self.ask_statistics(&mut source, now);
                    return String::new();
                }
            }
            match read {
                Ok(0) => {
                    self.flush();
                    wait(&source);
                }
                Ok(_) if now.duration_since(self.batch_since) >= BATCH_AGE_MAX => self.flush(),
                Ok(_) => {}
                Err(error) => {
                    self.ask_statistics(&mut source, now);
                    return reason(&error);
                }
            }
        }
    }

    fn take(&mut self, timestamp: Timestamp, original_length_bytes: u32, data: &[u8]) {
        if self.batch.heads.is_empty() {
            self.batch_since = clock::monotonic();
        }
        self.batch.push(timestamp, original_length_bytes, data);
        self.counters.captured += 1;
        self.counters.captured_bytes += data.len() as u64;
        if self.batch.is_full() {
            self.flush();
        }
    }

    /// Sends what there is; what the queue doesn't take is lost and counted.
    fn flush(&mut self) {
        if self.batch.is_empty() && self.losses.is_empty() {
            return;
        }
        self.batch.losses.append(&mut self.losses);
        let batch = std::mem::take(&mut self.batch);
        let disk_waits = self.orders.disk_waits.load(Ordering::Relaxed);
        let patience = if disk_waits { Duration::ZERO } else { QUEUE_PATIENCE };
        match self.outlet.send(batch, patience) {
            None => self.batch = self.outlet.fresh(self.number),
            Some(refused) => self.give_up(refused, disk_waits),
        }
    }

    /// The queue is full: the packets go, their count and everything else stays.
    fn give_up(&mut self, mut batch: Batch, disk_waits: bool) {
        let mut losses = std::mem::take(&mut batch.losses);
        if let (Some(first), Some(last)) = (batch.heads.first(), batch.heads.last()) {
            let packets = batch.heads.len() as u64;
            let missing = Missing {
                range: TimeRange::covering(first.timestamp, last.timestamp),
                packets: Some(packets),
                bytes: Some(batch.heads.iter().map(|head| u64::from(head.original_length_bytes)).sum()),
            };
            let (cause, note) = if disk_waits {
                (LossCause::DiskFull, "the disk refused and the queue was full")
            } else {
                (LossCause::Queue, "the queue to the writer was full")
            };
            self.counters.queue_lost += packets;
            add(&mut losses, SourceLoss { cause, missing, note: note.to_owned() });
        }
        batch.heads.clear();
        batch.bytes.clear();
        batch.losses = losses;
        // Counters and link changes travel with the next batch that is taken.
        self.batch = batch;
    }

    /// Asks the kernel what it dropped since the last time.
    fn ask_statistics(&mut self, source: &mut Source, now: Instant) {
        let before = &mut self.statistics;
        before.asked = now;
        if let Ok(said) = source.capture.stats() {
            let at = clock::now();
            let dropped = u64::from(said.dropped.wrapping_sub(before.dropped));
            self.counters.kernel_received += u64::from(said.received.wrapping_sub(before.received));
            self.counters.kernel_dropped += dropped;
            self.counters.interface_dropped +=
                u64::from(said.if_dropped.wrapping_sub(before.interface_dropped));
            if dropped > 0 {
                let range = TimeRange::covering(before.at, at);
                let missing = Missing { range, packets: Some(dropped), bytes: None };
                let note = "the kernel's capture buffer was full".to_owned();
                add(&mut self.losses, SourceLoss { cause: LossCause::Kernel, missing, note });
            }
            before.at = at;
            (before.received, before.dropped, before.interface_dropped) =
                (said.received, said.dropped, said.if_dropped);
        }
        self.batch.counters = Some(self.counters);
    }

    /// Notices when the interface goes down and comes back while its handle stays good.
    fn look_at_link(&mut self, now: Instant) {
        self.link_seen = now;
        match (is_up(&self.interface), self.down_since) {
            (false, None) => {
                self.down_since = Some(clock::now());
                self.batch.link = Some(LinkChange::Down("the interface is down".to_owned()));
            }
            (true, Some(since)) => self.is_back(since, "the interface was down"),
            _ => {}
        }
    }

    /// The interface can be read again: whatever passed since then is missing.
    fn is_back(&mut self, since: Timestamp, note: &str) {
        self.down_since = None;
        let range = TimeRange::covering(since, clock::now());
        let missing = Missing { range, packets: None, bytes: None };
        add(&mut self.losses, SourceLoss { cause: LossCause::InterfaceDown, missing, note: note.to_owned() });
        self.batch.link = Some(LinkChange::Up);
    }

    /// Tries to open the interface again until it works or the recorder stops.
    fn reopen(&mut self, config: &CaptureConfig, problem: String) -> Option<Source> {
        let since = *self.down_since.get_or_insert_with(clock::now);
        let note = format!("the interface could not be read: {problem}");
        self.batch.counters = Some(self.counters);
        self.batch.link = Some(LinkChange::Down(problem));
        self.flush();
        let [mut pause, pause_max] = REOPEN_AFTER;
        while !self.orders.stop.load(Ordering::Relaxed) {
            std::thread::park_timeout(pause);
            pause = (pause * 2).min(pause_max);
            if let Ok(source) = open(&self.interface, config) {
                self.is_back(since, &note);
                return Some(source);
            }
        }
        None
    }

    /// After a stop: the queue is being emptied, so there is time to hand over everything.
    fn last_words(&mut self) {
        if let Some(since) = self.down_since {
            self.is_back(since, "the interface was down when the recorder stopped");
            self.batch.link = None;
        }
        self.batch.counters = Some(self.counters);
        self.flush();
        self.batch.counters = Some(self.counters);
        self.flush();
    }
}

/// Adds to the entry of the same cause, so that the list has at most one entry per cause.
fn add(losses: &mut Vec<SourceLoss>, loss: SourceLoss) {
    match losses.iter_mut().find(|known| known.cause == loss.cause) {
        Some(known) => known.missing = known.missing.and(loss.missing),
        None => losses.push(loss),
    }
}

/// Sleeps until there are packets or [`POLL_NANOS`] went by.
fn wait(source: &Source) {
    let mut handles = [PollFd::new(&source.capture, PollFlags::IN)];
    // An error shows again, with its reason, when the ring is read.
    let _ = poll(&mut handles, Some(&Timespec { tv_sec: 0, tv_nsec: POLL_NANOS }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::{BATCH_PACKETS, QUEUE_BATCHES, queue};

    #[test]
    fn seen_is_sent_plus_lost_and_the_loss_arrives_later() {
        let (outlet, inlet) = queue();
        let orders = Orders::default();
        orders.disk_waits.store(true, Ordering::Relaxed);
        let mut lane = Lane::new(0, "lo".to_owned(), outlet, orders);
        let all = (BATCH_PACKETS * (QUEUE_BATCHES + 3)) as u64;
        for n in 0..all {
            lane.take(Timestamp::from_nanos(i64::try_from(n).unwrap()), 60, &[7; 60]);
        }
        let mut sent = 0;
        while let Ok(batch) = inlet.full.try_recv() {
            sent += batch.heads.len() as u64;
            inlet.give_back(batch);
        }
        lane.last_words();
        let told = inlet.full.try_recv().unwrap();
        assert_eq!(told.losses.len(), 1);
        assert_eq!(told.losses[0].cause, LossCause::DiskFull);
        assert_eq!(told.losses[0].missing.packets, Some(all - sent));
        assert_eq!(told.counters.unwrap().captured, all);
        assert_eq!(told.counters.unwrap().queue_lost, all - sent);
    }
}
