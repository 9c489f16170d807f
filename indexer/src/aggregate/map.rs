//! Who spoke with whom, as a graph.

use std::collections::BTreeMap;

use kfl::Query;

use super::Scope;
use super::labelled::Total as _;
use super::tallies::Tallies;
use super::tally::Tally;
use super::walk::Walk;
use crate::Error;
use crate::data::{Coverage, Data};
use crate::document::Edge;

/// Who spoke with whom.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceMap {
    /// Each with its sums, in order.
    pub edges: Vec<(Edge, Tally)>,
    /// Everyone in them, in order of names.
    pub nodes: Vec<NodeTotals>,
    /// The sums of edges beyond the limit together; they are not in the nodes.
    pub others: Option<Tally>,
    /// What was looked at.
    pub coverage: Coverage,
}

/// One end of edges.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NodeTotals {
    /// What it is called.
    pub name: String,
    /// Where it was asked.
    pub incoming: Tally,
    /// Where it asked.
    pub outgoing: Tally,
}

impl Data {
    /// Sums up who spoke with whom.
    ///
    /// # Errors
    /// When the directory can't be listed. A segment that can't be read is named in the coverage.
    pub fn service_map(&self, query: &Query, scope: &Scope) -> Result<ServiceMap, Error> {
        let (held, coverage) = Walk::new(self, query, scope)?.run(&Tallies::ByEdge);
        let (totals, others) = held.into_sorted();
        let mut edges: Vec<(Edge, Tally)> =
            totals.into_iter().map(|(label, tally)| (Edge::of_text(&label), tally)).collect();
        edges.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(ServiceMap { nodes: nodes(&edges), edges, others, coverage })
    }
}

fn nodes(edges: &[(Edge, Tally)]) -> Vec<NodeTotals> {
    let mut nodes: BTreeMap<&str, NodeTotals> = BTreeMap::new();
    for (edge, tally) in edges {
        nodes.entry(&edge.source).or_default().outgoing.add(tally.clone());
        nodes.entry(&edge.destination).or_default().incoming.add(tally.clone());
    }
    nodes.into_iter().map(|(name, node)| NodeTotals { name: name.to_owned(), ..node }).collect()
}
