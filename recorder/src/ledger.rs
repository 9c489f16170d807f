//! Losses on their way into the segment, one entry per interface and cause.
//!
//! Drops come in thousands a second; the ledger adds them up and hands them out once a second,
//! so that the record of a loss can't itself flood the disk.

use std::collections::BTreeMap;

use segment::{Loss, LossCause, TimeRange, Timestamp};

/// Packets that went missing together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missing {
    /// From when to when.
    pub range: TimeRange,
    /// How many packets; `None` if nobody counted.
    pub packets: Option<u64>,
    /// How many bytes; `None` if nobody counted.
    pub bytes: Option<u64>,
}

impl Missing {
    /// One packet of `bytes` bytes.
    #[must_use]
    pub fn one(at: Timestamp, bytes: u64) -> Self {
        Self { range: TimeRange::covering(at, at), packets: Some(1), bytes: Some(bytes) }
    }

    /// Both together. A sum with an unknown part is unknown.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let add = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        let start = self.range.start().min(other.range.start());
        let end = self.range.end().max(other.range.end());
        Self {
            range: TimeRange::new(start, end).unwrap_or(self.range),
            packets: add(self.packets, other.packets),
            bytes: add(self.bytes, other.bytes),
        }
    }
}

/// A loss's place in the ledger. At most [`crate::cli::INTERFACES_MAX`] interfaces times ten causes.
type Key = (Option<String>, LossCause);

/// Losses that are not yet in a segment.
#[derive(Default, Debug)]
pub struct Ledger {
    entries: BTreeMap<Key, (Missing, String)>,
}

impl Ledger {
    /// Adds to the entry of that interface and cause. The first note is kept.
    pub fn add(&mut self, interface: Option<&str>, cause: LossCause, missing: Missing, note: &str) {
        self.entries
            .entry((interface.map(str::to_owned), cause))
            .and_modify(|(sum, _)| *sum = sum.and(missing))
            .or_insert_with(|| (missing, note.to_owned()));
    }

    /// Puts back what could not be written.
    pub fn restore(&mut self, loss: &Loss) {
        let missing = Missing { range: loss.range, packets: loss.packets, bytes: loss.bytes };
        self.add(loss.interface.as_deref(), loss.cause, missing, &loss.note);
    }

    /// Everything that waits, in order; the ledger is empty afterwards.
    pub fn take(&mut self) -> Vec<Loss> {
        std::mem::take(&mut self.entries)
            .into_iter()
            .map(|((interface, cause), (missing, note))| Loss {
                range: missing.range,
                interface,
                cause,
                packets: missing.packets,
                bytes: missing.bytes,
                note,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    #[test]
    fn losses_add_up_per_interface_and_cause() {
        let mut ledger = Ledger::default();
        ledger.add(Some("lo"), LossCause::Queue, Missing::one(at(5), 100), "queue full");
        ledger.add(Some("lo"), LossCause::Queue, Missing::one(at(3), 50), "queue full");
        ledger.add(Some("lo"), LossCause::Kernel, Missing::one(at(4), 1), "");
        let losses = ledger.take();
        assert_eq!(losses.len(), 2);
        assert_eq!(losses[1].packets, Some(2));
        assert_eq!(losses[1].bytes, Some(150));
        assert_eq!(losses[1].range, TimeRange::covering(at(3), at(5)));
        assert!(ledger.take().is_empty());
    }

    #[test]
    fn an_unknown_part_makes_the_sum_unknown_and_restoring_loses_nothing() {
        let mut ledger = Ledger::default();
        let unknown = Missing { range: TimeRange::covering(at(1), at(9)), packets: None, bytes: None };
        ledger.add(None, LossCause::Restart, unknown, "worker stopped reporting");
        ledger.add(None, LossCause::Restart, Missing::one(at(20), 7), "");
        let losses = ledger.take();
        ledger.restore(&losses[0]);
        assert_eq!(ledger.take(), losses);
        assert_eq!(losses[0].packets, None);
        assert_eq!(losses[0].note, "worker stopped reporting");
    }
}
