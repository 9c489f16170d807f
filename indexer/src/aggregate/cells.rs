//! The sums of one index segment, by the numbers that its column has for labels.
//!
//! Latencies lie apart from the other sums, for all labels in one table: so where a count lies follows from the label and the
//! time alone, and the processor need not wait for one before it looks for the next.

use tantivy::columnar::Column;

use super::latency::{Latencies, cell};
use super::tally::{Part, Tally};

/// Counts in the table: 32 MB. Where labels would need more, each has its latencies for itself.
const COUNTS_MAX: usize = 8 << 20;
/// The place of a label without sums so far.
const NOWHERE: u32 = u32::MAX;

/// Sums by the column's numbers.
pub struct Cells {
    /// Where the sums of a number lie.
    place: Vec<u32>,
    sums: Vec<Sums>,
    /// By place and cell, from the first cell that the column reaches on.
    counts: Vec<u32>,
    first: usize,
    /// Cells of a place in the table; none if it is not used.
    width: usize,
}

struct Sums {
    ordinal: u64,
    tally: Tally,
    max_us: u64,
}

impl Cells {
    /// For so many labels, and latencies as in a column.
    #[must_use]
    pub fn new(labels: usize, elapsed: &Column<u64>) -> Self {
        let (first, last) = (cell(elapsed.min_value()), cell(elapsed.max_value()));
        let width = last.saturating_sub(first) + 1;
        let fits = labels.saturating_mul(width) <= COUNTS_MAX;
        let width = if fits { width } else { 0 };
        Self { place: vec![NOWHERE; labels], sums: Vec::new(), counts: Vec::new(), first, width }
    }

    /// Takes one entry; without a label it is passed over.
    #[inline]
    pub fn take(&mut self, ordinal: u64, part: Part) {
        let Some(place) = self.place.get_mut(ordinal as usize) else { return };
        if *place == NOWHERE {
            *place = self.sums.len() as u32;
            self.sums.push(Sums { ordinal, tally: Tally::default(), max_us: 0 });
            self.counts.resize(self.sums.len() * self.width, 0);
        }
        let place = *place as usize;
        let Some(sums) = self.sums.get_mut(place) else { return };
        if self.width == 0 {
            sums.tally.take(part);
            return;
        }
        sums.tally.take(Part { elapsed_us: None, ..part });
        if let Some(us) = part.elapsed_us.filter(|_| part.is_exchange()) {
            sums.max_us = sums.max_us.max(us);
            let at = place * self.width + cell(us).saturating_sub(self.first);
            if let Some(count) = self.counts.get_mut(at) {
                *count += 1;
            }
        }
    }

    /// The sums, each with its number.
    pub fn into_tallies(self) -> impl Iterator<Item = (u64, Tally)> {
        let Self { sums, counts, first, width, .. } = self;
        sums.into_iter().enumerate().map(move |(place, Sums { ordinal, mut tally, max_us })| {
            if width > 0 {
                let own = counts.get(place * width..(place + 1) * width).unwrap_or_default();
                tally.latencies = Latencies::of_cells(first, own, max_us);
            }
            (ordinal, tally)
        })
    }
}
