//! Sums by endpoint or by edge.

use kfl::Query;
use segment::TimeRange;

use super::cells::Cells;
use super::effort::Halt;
use super::labelled::Labelled;
use super::lane::Lane;
use super::matching::Documents;
use super::tally::{Part, Tally};
use super::walk::{Aggregation, One, Walk};
use super::{LABELS_MAX, Scope};
use crate::Error;
use crate::bundle::{self, Bundle};
use crate::data::{Coverage, Data};
use crate::document::{Class, Endpoint};

/// What a lane says where there is no value.
const ABSENT: u64 = u64::MAX;
/// What a label and the sums beside it take, roughly, without percentiles.
const LABEL_BYTES: u64 = 256;

/// Sums by endpoint.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointTotals {
    /// Each with its sums, in their order.
    pub endpoints: Vec<(Endpoint, Tally)>,
    /// The sums of endpoints beyond the limit together.
    pub others: Option<Tally>,
    /// The range asked for, as far as something was recorded in it: rates are counts by its length.
    pub window: Option<TimeRange>,
    /// What was looked at.
    pub coverage: Coverage,
}

impl EndpointTotals {
    /// So many in each second of the window; `None` where it is not known.
    #[must_use]
    pub fn rate(&self, count: u64) -> Option<f64> {
        let length_ns = self.window.map(|window| window.end().since(window.start()))?;
        (length_ns > 0).then(|| count as f64 * 1e9 / length_ns as f64)
    }
}

impl Data {
    /// Sums up exchanges by what was asked of whom. Flows are no exchanges and are left out.
    ///
    /// # Errors
    /// When the directory can't be listed. A segment that can't be read is named in the coverage.
    pub fn endpoints(&self, query: &Query, scope: &Scope) -> Result<EndpointTotals, Error> {
        let walk = Walk::new(self, query, scope)?;
        let window = walk.window();
        let (held, coverage) = walk.run(&Tallies::ByEndpoint);
        let (totals, others) = held.into_sorted();
        let mut endpoints: Vec<_> =
            totals.into_iter().map(|(label, tally)| (Endpoint::of_text(&label), tally)).collect();
        endpoints.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(EndpointTotals { endpoints, others, window, coverage })
    }
}

/// By what sums are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tallies {
    /// By what is asked of whom.
    ByEndpoint,
    /// By who asks whom in which protocol.
    ByEdge,
}

impl Tallies {
    fn column(self) -> &'static str {
        match self {
            Self::ByEndpoint => "endpoint",
            Self::ByEdge => "edge",
        }
    }
}

impl Aggregation for Tallies {
    type Held = Labelled<Tally>;

    fn begin(&self) -> Self::Held {
        Labelled::new(LABELS_MAX)
    }

    fn documents(&self, held: &mut Self::Held, documents: &Documents<'_>) -> Result<(), Halt> {
        let columns = documents.reader.fast_fields();
        let Some(labels) = columns.str(self.column())? else { return Ok(()) };
        let number = |name| Ok::<_, Halt>(Lane::new(Some(columns.u64(name)?), ABSENT));
        let mut label = Lane::new(Some(labels.ords().clone()), ABSENT);
        let mut cells = Cells::new(labels.num_terms(), &columns.u64("elapsed")?);
        let (mut class, mut elapsed) = (number("class")?, number("elapsed")?);
        let (mut request, mut response) = (number("request")?, number("response")?);
        documents.blocks(|block, chosen| {
            let label = label.load(block.clone());
            let class = class.load(block.clone());
            let elapsed = elapsed.load(block.clone());
            let request = request.load(block.clone());
            let response = response.load(block);
            chosen.each(|at| {
                let part = Part {
                    class: Class::of_code(class[at]),
                    elapsed_us: Some(elapsed[at]).filter(|us| *us != ABSENT),
                    request_bytes: request[at],
                    response_bytes: response[at],
                };
                cells.take(label[at], part);
            });
            cells.settle();
        })?;
        cells.add_to(&labels, held)
    }

    fn sums(&self, held: &mut Self::Held, bundle: &Bundle) -> Result<bool, Error> {
        let part = match self {
            Self::ByEndpoint => bundle::ENDPOINTS,
            Self::ByEdge => bundle::EDGES,
        };
        for (label, tally) in bundle.sums::<Vec<(String, Tally)>>(part)? {
            held.add(&label, tally);
        }
        Ok(true)
    }

    fn entry(&self, held: &mut Self::Held, one: &One<'_>) {
        let label = match self {
            Self::ByEndpoint => one.facts.endpoint.as_ref().map(Endpoint::text),
            Self::ByEdge => Some(one.facts.edge.text()),
        };
        if let Some(label) = label {
            held.at(&label).take(Part::of(&one.facts));
        }
    }

    fn merge(&self, into: &mut Self::Held, other: Self::Held) {
        into.merge(other);
    }

    fn bytes(&self, held: &Self::Held) -> u64 {
        held.len() as u64 * LABEL_BYTES + held.totals().map(|tally| tally.latencies.bytes()).sum::<u64>()
    }
}
