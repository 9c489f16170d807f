//! Counts, rather than entries: how many over time, who with whom, how fast, which values are the most common.
//!
//! 1. [`walk`] finds the sources as a query does and shares them out among threads; [`effort`] ends what costs too much.
//! 2. [`matching`] says of each index segment exactly which of its documents are answers. What the planner is sure of is not
//!    looked at; what it leaves open the evaluator decides. What has no index is dissected and comes entry by entry.
//! 3. An aggregation reads the columns it needs in blocks ([`lane`]) into cells ([`cells`]) that stand in order of the column's
//!    own numbers for its labels, so that nothing is hashed and no row is loaded for a document.
//! 4. Each index segment's cells are added up by label ([`labelled`]), then each thread's.
//!
//! The aggregations: [`timeline`] counts over time, in buckets of some [`width`], [`tallies`] sums up what [`tally`] holds by endpoint or edge,
//! [`map`] makes a graph of the latter, [`top`] counts the values of any [`field`]. [`latency`] holds percentiles.
//!
//! Where everything in an index is asked for, its [`rollup`] tells the sums, and none of this is done.
//!
//! What a filter redacts is taken out of each entry before it is counted; that needs every row.

mod cells;
mod effort;
mod field;
mod labelled;
mod lane;
mod latency;
mod map;
mod matching;
mod rollup;
mod tallies;
mod tally;
mod timeline;
mod top;
mod walk;
mod width;

use segment::TimeRange;

use crate::search::Budget;

pub use effort::Halt;
pub use field::FieldPath;
pub use lane::Lane;
pub use latency::Latencies;
pub use map::{NodeTotals, ServiceMap};
pub use matching::Documents;
pub use rollup::Rollup;
pub use tallies::EndpointTotals;
pub use tally::Tally;
pub use timeline::{By, Series, Timeline};
pub use top::{Top, TopValue};
pub use walk::{Aggregation, One, Walk};
pub use width::Width;

/// Labels of an aggregation that are counted apart; what comes beyond is counted together.
const LABELS_MAX: usize = 10_000;

/// What is counted beside the filter, and what it may cost.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Entries that began in it.
    pub range: TimeRange,
    /// What the answer may cost. What stopped early counts what it had seen by then, and says so in its coverage.
    pub budget: Budget,
}

impl Default for Scope {
    fn default() -> Self {
        Self { range: TimeRange::ALL, budget: Budget::default() }
    }
}
