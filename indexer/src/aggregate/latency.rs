//! How long things took, as counts in cells that grow with the time: log-linear, as in HdrHistogram.
//!
//! Up to 127 µs each microsecond has a cell. Above, each power of two has 64 cells of equal width. A cell is
//! told by its middle, so what is told is at most 1/128, that is 0.8 %, beside the truth; the greatest is exact.
//! Cells can be added up, whichever file or thread they come from.

use serde::{Deserialize, Serialize};

/// Cells of a power of two, as a power of two.
const CELLS_LOG: u32 = 6;
/// Up to here a cell holds one value.
const EXACT_MAX: u64 = 2 << CELLS_LOG;

/// Counts of microseconds.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Latencies {
    /// By cell; none behind the last that isn't empty.
    counts: Vec<u64>,
    count: u64,
    max_us: u64,
}

/// As they lie in a file: the cells that aren't empty, each with its count, and the greatest.
#[derive(Serialize, Deserialize)]
struct Stored(Vec<(u16, u64)>, u64);

impl From<Latencies> for Stored {
    fn from(Latencies { counts, max_us, .. }: Latencies) -> Self {
        let cells = counts.into_iter().zip(0..).filter(|(count, _)| *count > 0);
        Self(cells.map(|(count, cell)| (cell, count)).collect(), max_us)
    }
}

impl From<Stored> for Latencies {
    fn from(Stored(cells, max_us): Stored) -> Self {
        let mut latencies = Self { max_us, ..Self::default() };
        for (at, count) in cells {
            let at = usize::from(at).min(cell(u64::MAX));
            if latencies.counts.len() <= at {
                latencies.counts.resize(at + 1, 0);
            }
            if let Some(into) = latencies.counts.get_mut(at) {
                *into = into.saturating_add(count);
            }
            latencies.count = latencies.count.saturating_add(count);
        }
        latencies
    }
}

impl Latencies {
    /// Counts one.
    #[inline]
    pub fn add(&mut self, us: u64) {
        let cell = cell(us);
        match self.counts.get_mut(cell) {
            Some(count) => *count += 1,
            None => {
                self.counts.resize(cell, 0);
                self.counts.push(1);
            }
        }
        self.count += 1;
        self.max_us = self.max_us.max(us);
    }

    /// Counts so many by cell, from `first` on; the greatest of them all is told apart.
    pub fn add_cells(&mut self, first: usize, counts: &[u32], max_us: u64) {
        let Some(last) = counts.iter().rposition(|count| *count > 0) else { return };
        if self.counts.len() <= first + last {
            self.counts.resize(first + last + 1, 0);
        }
        for (into, count) in self.counts.iter_mut().skip(first).zip(counts) {
            *into += u64::from(*count);
            self.count += u64::from(*count);
        }
        self.max_us = self.max_us.max(max_us);
    }

    /// Counts all of another one.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, other) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*other);
        }
        self.count = self.count.saturating_add(other.count);
        self.max_us = self.max_us.max(other.max_us);
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The greatest, exactly; `None` without any.
    #[must_use]
    pub fn max_us(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max_us)
    }

    /// The least one that a share of all (0 to 1) is not above; `None` without any.
    #[must_use]
    pub fn quantile_us(&self, share: f64) -> Option<u64> {
        let rank = ((share.clamp(0.0, 1.0) * self.count as f64).ceil() as u64).max(1);
        let mut passed = 0_u64;
        for (cell, count) in self.counts.iter().enumerate() {
            passed = passed.saturating_add(*count);
            if passed >= rank {
                return Some(middle_us(cell).min(self.max_us));
            }
        }
        None
    }

    /// The cells that aren't empty, in order: the microseconds that each is told by, and its count.
    pub fn cells(&self) -> impl Iterator<Item = (u64, u64)> {
        let cells = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        cells.map(|(cell, count)| (middle_us(cell), *count))
    }

    /// Bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        (self.counts.len() * size_of::<u64>()) as u64
    }
}

/// In which cell a time is counted.
#[inline]
#[must_use]
pub fn cell(us: u64) -> usize {
    if us < EXACT_MAX {
        return us as usize;
    }
    let shift = us.ilog2() - CELLS_LOG;
    ((u64::from(shift) << CELLS_LOG) + (us >> shift)) as usize
}

/// The middle of a cell.
fn middle_us(cell: usize) -> u64 {
    let cell = cell as u64;
    if cell < EXACT_MAX {
        return cell;
    }
    let shift = (cell >> CELLS_LOG) - 1;
    let first = (cell - (shift << CELLS_LOG)) << shift;
    first + (1 << shift) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_told_is_beside_the_truth_by_one_in_128(us in prop_oneof![0..1_000_u64, 0..u64::MAX]) {
            let mut latencies = Latencies::default();
            latencies.add(us);
            latencies.add(u64::MAX);
            let told = latencies.quantile_us(0.5).unwrap();
            prop_assert!(told.abs_diff(us) <= us / 128, "{us} is told as {told}");
            prop_assert!(us == 0 || cell(us - 1) <= cell(us), "cells are in order");
        }

        #[test]
        fn sums_are_as_if_all_had_been_counted_at_once(one in prop::collection::vec(0..1_u64 << 40, 0..50), other in prop::collection::vec(0..1_u64 << 40, 0..50)) {
            let of = |values: &[u64]| {
                let mut latencies = Latencies::default();
                values.iter().for_each(|us| latencies.add(*us));
                latencies
            };
            let mut sum = of(&one);
            sum.merge(&of(&other));
            let mut both = [one, other].concat();
            prop_assert_eq!(&sum, &of(&both));
            let first = sum.counts.iter().position(|count| *count > 0).unwrap_or(0);
            let counts: Vec<u32> = sum.counts.iter().skip(first).map(|count| *count as u32).collect();
            let mut by_cell = Latencies::default();
            by_cell.add_cells(first, &counts, sum.max_us);
            prop_assert_eq!(&sum, &by_cell);
            let stored = rmp_serde::to_vec(&sum).unwrap();
            prop_assert_eq!(&sum, &rmp_serde::from_slice::<Latencies>(&stored).unwrap());
            both.sort_unstable();
            prop_assert_eq!(sum.max_us(), both.last().copied());
            for share in [0.0, 0.5, 0.9, 0.99, 1.0] {
                let rank = ((share * both.len() as f64).ceil() as usize).max(1);
                let (told, truth) = (sum.quantile_us(share), both.get(rank - 1).copied());
                prop_assert_eq!(told.is_some(), truth.is_some());
                prop_assert!(told.unwrap_or(0).abs_diff(truth.unwrap_or(0)) <= truth.unwrap_or(0) / 128);
            }
        }
    }
}
