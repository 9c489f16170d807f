//! Judges whether a worker still does its one job, from what it says and what the kernel counts.
//!
//! A recorder that stops writing while traffic passes is the worst failure there is: nobody notices
//! until the evidence is needed. Pure: time and counts are arguments.

use std::time::{Duration, Instant};

use crate::report::{DiskState, Report};

/// A worker that says nothing for so long hangs.
pub const SILENT_AFTER: Duration = Duration::from_secs(5);
/// A worker that writes nothing for so long, although the kernel counts packets, hangs.
pub const IDLE_AFTER: Duration = Duration::from_secs(5);
/// Traffic that the kernel counts but never shows to a capture (dropped by XDP, say) must not
/// restart a worker again and again: after such a restart the next is this much later, doubled each time.
const DOUBT_FIRST: Duration = Duration::from_secs(30);
/// Longest pause between two such restarts.
const DOUBT_MAX: Duration = Duration::from_secs(3600);

/// What to do about a worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Nothing.
    Healthy,
    /// Replace it, for this reason.
    Restart(String),
}

/// What is known of the current worker.
#[derive(Clone, Debug)]
pub struct Watchdog {
    heard: Instant,
    progress: u64,
    kernel_at_progress: Option<u64>,
    unwritten_since: Option<Instant>,
    doubt: Duration,
    doubtful_until: Option<Instant>,
    excused: bool,
}

impl Watchdog {
    /// A worker was started at `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            heard: now,
            progress: 0,
            kernel_at_progress: None,
            unwritten_since: None,
            doubt: DOUBT_FIRST,
            doubtful_until: None,
            excused: false,
        }
    }

    /// The worker was replaced.
    pub fn restarted(&mut self, now: Instant) {
        *self = Self { doubt: self.doubt, doubtful_until: self.doubtful_until, ..Self::new(now) };
    }

    /// Hears a report. `kernel` is how many packets the kernel counted so far; `None` where nobody knows.
    pub fn hear(&mut self, report: &Report, kernel: Option<u64>, now: Instant) {
        self.heard = now;
        // Packets that were counted as lost are accounted for, though not written.
        let lost: u64 = report.sources.iter().map(|source| source.counters.queue_lost).sum();
        let progress = report.appended.saturating_add(lost).saturating_add(report.disk_lost);
        self.excused = report.disk == DiskState::Waiting || report.sources.iter().any(|source| !source.up);
        if progress != self.progress || self.kernel_at_progress.is_none() {
            if self.kernel_at_progress.is_some() {
                self.doubt = DOUBT_FIRST;
                self.doubtful_until = None;
            }
            self.progress = progress;
            self.kernel_at_progress = kernel;
            self.unwritten_since = None;
        } else if kernel > self.kernel_at_progress {
            self.unwritten_since.get_or_insert(now);
        }
    }

    /// What to do at `now`.
    pub fn verdict(&mut self, now: Instant) -> Verdict {
        let silent = now.duration_since(self.heard);
        if silent >= SILENT_AFTER {
            return Verdict::Restart(format!("the worker said nothing for {} s", silent.as_secs()));
        }
        let Some(since) = self.unwritten_since else { return Verdict::Healthy };
        let doubtful = self.doubtful_until.is_some_and(|until| now < until);
        if self.excused || doubtful || now.duration_since(since) < IDLE_AFTER {
            return Verdict::Healthy;
        }
        self.doubtful_until = Some(now + self.doubt);
        self.doubt = (self.doubt * 2).min(DOUBT_MAX);
        let seconds = now.duration_since(since).as_secs();
        Verdict::Restart(format!(
            "the worker wrote nothing for {seconds} s although the kernel counted packets"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    /// One second per (appended, kernel) pair; says in which seconds a restart was asked for.
    fn restarts(seconds: &[Option<(u64, u64)>]) -> Vec<usize> {
        let start = clock::monotonic();
        let mut watchdog = Watchdog::new(start);
        let mut found = Vec::new();
        for (second, report) in seconds.iter().enumerate() {
            let now = start + Duration::from_secs(second as u64);
            if let Some((appended, kernel)) = report {
                watchdog.hear(&Report { appended: *appended, ..Report::default() }, Some(*kernel), now);
            }
            if watchdog.verdict(now) != Verdict::Healthy {
                found.push(second);
                watchdog.restarted(now);
            }
        }
        found
    }

    #[test]
    fn a_quiet_network_is_no_fault() {
        assert!(restarts(&[Some((7, 7)); 60]).is_empty());
    }

    #[test]
    fn a_worker_that_lags_a_little_is_no_fault() {
        let seconds: Vec<_> = (0..60).map(|n| Some((n, n * 3))).collect();
        assert!(restarts(&seconds).is_empty());
    }

    #[test]
    fn silence_is_a_fault() {
        let mut seconds = vec![Some((1, 1)); 3];
        seconds.extend([None; 6]);
        assert_eq!(restarts(&seconds), [7]);
    }

    #[test]
    fn traffic_without_writing_is_a_fault_that_is_acted_on_ever_more_rarely() {
        let seconds: Vec<_> = (0..120).map(|n| Some((5, n))).collect();
        let found = restarts(&seconds);
        assert_eq!(found[0], 6);
        assert!(found.len() <= 3, "{found:?}");
        assert!(found[1] - found[0] >= 30, "{found:?}");
    }

    #[test]
    fn a_waiting_disk_and_an_interface_that_is_down_excuse() {
        let start = clock::monotonic();
        let mut watchdog = Watchdog::new(start);
        for second in 0..60 {
            let now = start + Duration::from_secs(second);
            let report = Report { disk: DiskState::Waiting, ..Report::default() };
            watchdog.hear(&report, Some(second), now);
            assert_eq!(watchdog.verdict(now), Verdict::Healthy);
        }
    }
}
