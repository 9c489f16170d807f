//! The exchanges that a query chooses, as packets: which packets of which flow belong to them.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use kfl::Query;
use segment::flow::FlowKey;
use segment::{Chain, PacketRef, SegmentId, TimeRange};
use serde_json::Value;

use crate::Error;
use crate::data::{Coverage, Data, Order, QueryOptions};
use crate::evidence::{Span, flow_in};
use crate::search::{Budget, Stop};

/// Where the exchanges of each flow lie, with their ids.
pub struct Chosen {
    flows: HashMap<(Chain, FlowKey), Vec<(Span, String)>>,
    segments: HashSet<SegmentId>,
    count: u64,
}

/// What an exchange takes here, about.
const CHOSEN_BYTES: u64 = 256;

impl Chosen {
    /// Asks for the exchanges that began in `range`; what that could not look at is added to the coverage.
    ///
    /// # Errors
    /// When the question can't be answered at all.
    pub fn of(
        data: &Data,
        query: &Query,
        range: TimeRange,
        budget: &Budget,
        coverage: &mut Coverage,
    ) -> Result<Self, Error> {
        let mut chosen = Self { flows: HashMap::new(), segments: HashSet::new(), count: 0 };
        let order = Order::Ascending;
        let options = QueryOptions { range, order, budget: budget.clone(), ..QueryOptions::default() };
        let answered = data.query(query, options, &mut |entry| {
            chosen.add(&entry);
            let has_room = chosen.count.saturating_mul(CHOSEN_BYTES) < budget.memory_bytes_max;
            if has_room { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        coverage.stopped = answered.stopped.filter(|stop| *stop != Stop::Limit);
        if coverage.stopped == Some(Stop::Taker) {
            coverage.stopped = Some(Stop::Memory);
        }
        coverage.entries = answered.entries;
        coverage.segments_missing.extend(answered.segments_missing);
        Ok(chosen)
    }

    fn add(&mut self, entry: &Value) {
        let (Some(span), Some(flow)) = (Span::of(entry), flow_in(entry)) else { return };
        let id = entry.get("id").and_then(Value::as_str).unwrap_or_default();
        for sequence in span.first.sequence..=span.last.sequence {
            self.segments.insert(SegmentId { chain: span.segment.chain.clone(), sequence });
        }
        self.count += 1;
        let of_flow = self.flows.entry((span.segment.chain.clone(), flow)).or_default();
        of_flow.push((span, id.to_owned()));
    }

    /// The id of the exchange that a packet of a flow belongs to; of several, which may share packets, the one that began
    /// last.
    #[must_use]
    pub fn exchange(&self, chain: &Chain, flow: FlowKey, at: PacketRef) -> Option<&str> {
        let spans = self.flows.get(&(chain.clone(), flow))?;
        let holding = spans.iter().filter(|(span, _)| span.holds(at));
        holding.max_by_key(|(span, _)| span.first).map(|(_, id)| id.as_str())
    }

    /// Whether packets of any of them lie in a segment.
    #[must_use]
    pub fn reaches(&self, segment: &SegmentId) -> bool {
        self.segments.contains(segment)
    }
}
