//! The sums of one index segment, by the numbers that its column has for labels.
//!
//! Latencies lie apart from the other sums, for all labels in one table: so where a count lies follows from the label and the
//! time alone, and the processor need not wait for one before it looks for the next.

use tantivy::columnar::{Column, StrColumn};

use super::effort::Halt;
use super::labelled::{Labelled, Total as _};
use super::latency::{Latencies, cell};
use super::tally::{Part, Tally};
use crate::document::Class;

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
    /// Latencies by place, where the table is not used.
    apart: Vec<Latencies>,
    /// Counts of the table that are one more, soon. Nothing else happens between them when they are made, so that the
    /// processor waits for memory for many at once.
    pending: Vec<u32>,
}

/// The sums of a label, in one line of the processor's cache: with many labels each entry waits for one. An index segment
/// has fewer documents than fit into 32 bits.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Sums {
    request_bytes: u64,
    response_bytes: u64,
    flow_request_bytes: u64,
    flow_response_bytes: u64,
    max_us: u64,
    ordinal: u32,
    count: u32,
    errors: u32,
    client_errors: u32,
    unanswered: u32,
    flows: u32,
}

impl Sums {
    #[inline]
    fn take(&mut self, part: Part) {
        if !part.is_exchange() {
            self.flows += 1;
            self.flow_request_bytes += part.request_bytes;
            self.flow_response_bytes += part.response_bytes;
            return;
        }
        self.count += 1;
        self.errors += u32::from(part.class.is_error());
        self.client_errors += u32::from(part.class == Class::ClientError);
        self.unanswered += u32::from(part.class == Class::Unanswered);
        self.request_bytes += part.request_bytes;
        self.response_bytes += part.response_bytes;
    }

    fn tally(self) -> Tally {
        Tally {
            count: u64::from(self.count),
            errors: u64::from(self.errors),
            client_errors: u64::from(self.client_errors),
            unanswered: u64::from(self.unanswered),
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            flows: u64::from(self.flows),
            flow_request_bytes: self.flow_request_bytes,
            flow_response_bytes: self.flow_response_bytes,
            latencies: Latencies::default(),
        }
    }
}

impl Cells {
    /// For so many labels, and latencies as in a column.
    #[must_use]
    pub fn new(labels: usize, elapsed: &Column<u64>) -> Self {
        let (first, last) = (cell(elapsed.min_value()), cell(elapsed.max_value()));
        let width = last.saturating_sub(first) + 1;
        let fits = labels.saturating_mul(width) <= COUNTS_MAX;
        let width = if fits { width } else { 0 };
        Self {
            place: vec![NOWHERE; labels],
            sums: Vec::new(),
            counts: Vec::new(),
            first,
            width,
            apart: Vec::new(),
            pending: Vec::new(),
        }
    }

    /// Takes one entry; without a label it is passed over.
    #[inline]
    pub fn take(&mut self, ordinal: u64, part: Part) {
        let Some(place) = self.place.get_mut(ordinal as usize) else { return };
        if *place == NOWHERE {
            *place = self.sums.len() as u32;
            self.sums.push(Sums { ordinal: ordinal as u32, ..Sums::default() });
            self.counts.resize(self.sums.len() * self.width, 0);
            if self.width == 0 {
                self.apart.push(Latencies::default());
            }
        }
        let place = *place as usize;
        let Some(sums) = self.sums.get_mut(place) else { return };
        sums.take(part);
        let Some(us) = part.elapsed_us.filter(|_| part.is_exchange()) else { return };
        if let Some(latencies) = self.apart.get_mut(place) {
            latencies.add(us);
        } else {
            sums.max_us = sums.max_us.max(us);
            let at = place * self.width + cell(us).saturating_sub(self.first);
            self.pending.push(at as u32);
        }
    }

    /// Counts what is pending; to be called after each block.
    pub fn settle(&mut self) {
        for at in self.pending.drain(..) {
            if let Some(count) = self.counts.get_mut(at as usize) {
                *count += 1;
            }
        }
    }

    /// Adds the sums to those of the labels that have their numbers.
    ///
    /// # Errors
    /// When a label can't be read.
    pub fn add_to(mut self, labels: &StrColumn, held: &mut Labelled<Tally>) -> Result<(), Halt> {
        self.settle();
        let Self { sums, counts, first, width, apart, .. } = self;
        let mut label = String::new();
        for (place, sums) in sums.into_iter().enumerate() {
            labels.ord_to_str(u64::from(sums.ordinal), &mut label)?;
            let total = held.at(&label);
            total.add(sums.tally());
            let own = counts.get(place * width..(place + 1) * width).unwrap_or_default();
            total.latencies.add_cells(first, own, sums.max_us);
            if let Some(latencies) = apart.get(place) {
                total.latencies.merge(latencies);
            }
        }
        Ok(())
    }
}
