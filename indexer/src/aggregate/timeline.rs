//! How many over time, all together or by what tells them apart.

use std::collections::{BTreeMap, HashMap};

use kfl::Query;
use tantivy::columnar::Column;

use super::effort::Halt;
use super::labelled::{Labelled, Total};
use super::lane::Lane;
use super::matching::Documents;
use super::rollup::{ByEdge, MINUTE_NS, Minute};
use super::walk::{Aggregation, One, Walk};
use super::width::Width;
use super::{LABELS_MAX, Scope, width};
use crate::Error;
use crate::bundle::{self, Bundle};
use crate::data::{Coverage, Data};
use crate::document::{Class, Edge, Facts};

/// Series of an answer; the smaller ones are counted together.
const SERIES_MAX: usize = 200;
/// Cells that are laid out in full for an index segment: 32 MB.
const CELLS_MAX: usize = 4 << 20;
/// What a bucket of a label takes, roughly.
const BUCKET_BYTES: u64 = 48;

/// By what entries are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// Not at all.
    Nothing,
    /// The protocol, as lists show it.
    Protocol,
    /// How it went, see [`Class`].
    Class,
    /// Who asked.
    Source,
    /// Who was asked.
    Destination,
    /// The node that recorded it.
    Node,
}

/// How many over time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Timeline {
    /// Start of the first bucket, nanoseconds since the Unix epoch. Buckets begin at multiples of their width.
    pub start_ns: i64,
    /// Width of a bucket. Wider than asked for where there would be too many.
    pub every_ns: i64,
    /// The largest first.
    pub series: Vec<Series>,
    /// What was looked at.
    pub coverage: Coverage,
}

/// Counts of what has the same label, by bucket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Series {
    /// What tells them apart; `None` for all labels that are counted together.
    pub label: Option<String>,
    /// Exchanges.
    pub exchanges: Vec<u64>,
    /// Flows, which are no exchanges.
    pub flows: Vec<u64>,
}

impl Data {
    /// Counts entries over time.
    ///
    /// # Errors
    /// When the directory can't be listed. A segment that can't be read is named in the coverage.
    pub fn timeline(&self, query: &Query, scope: &Scope, by: By, width: Width) -> Result<Timeline, Error> {
        let walk = Walk::new(self, query, scope)?;
        let every_ns = width.every_ns(walk.known_range());
        let (held, coverage) = walk.run(&Counting { by, every_ns });
        let (held, others) = held.into_sorted();
        let mut labelled: Vec<(Option<String>, Buckets)> =
            held.into_iter().map(|(label, buckets)| (Some(label), buckets)).collect();
        labelled.sort_by_key(|(_, buckets)| std::cmp::Reverse(buckets.total()));
        let mut rest = others;
        for (_, buckets) in labelled.split_off(labelled.len().min(SERIES_MAX)) {
            rest.get_or_insert_default().add(buckets);
        }
        labelled.extend(rest.map(|rest| (None, rest)));
        Ok(laid_out(labelled, every_ns, width, coverage))
    }
}

/// Counts of exchanges and of flows, by the bucket's number since the epoch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Buckets(BTreeMap<i64, [u64; 2]>);

impl Buckets {
    fn take(&mut self, bucket: i64, is_flow: bool, count: u64) {
        self.0.entry(bucket).or_default()[usize::from(is_flow)] += count;
    }

    fn total(&self) -> u64 {
        self.0.values().flatten().sum()
    }
}

impl Total for Buckets {
    fn add(&mut self, other: Self) {
        for (bucket, counts) in other.0 {
            let into = self.0.entry(bucket).or_default();
            into.iter_mut().zip(counts).for_each(|(into, count)| *into += count);
        }
    }
}

/// Lays buckets out without a hole, and makes them wider where there are too many: nothing told beforehand of the
/// entries of segments without an index.
fn laid_out(
    labelled: Vec<(Option<String>, Buckets)>,
    counted_ns: i64,
    width: Width,
    coverage: Coverage,
) -> Timeline {
    let numbers = || labelled.iter().flat_map(|(_, buckets)| buckets.0.keys().copied());
    let (first, last) = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
    let is_empty = numbers().next().is_none();
    let of = |bucket: i64, every_ns: i64| bucket.saturating_mul(counted_ns).div_euclid(every_ns);
    let fits = |every_ns: i64| of(last, every_ns) - of(first, every_ns) < width.buckets_max();
    let every_ns = if fits(counted_ns) { counted_ns } else { width::wider(counted_ns, fits) };
    let first = of(first, every_ns);
    let length = if is_empty { 0 } else { (of(last, every_ns) - first + 1) as usize };
    let series = labelled.into_iter().map(|(label, buckets)| {
        let mut series = Series { label, exchanges: vec![0; length], flows: vec![0; length] };
        for (bucket, [exchanges, flows]) in buckets.0 {
            let at = (of(bucket, every_ns) - first) as usize;
            series.exchanges[at] += exchanges;
            series.flows[at] += flows;
        }
        series
    });
    Timeline { start_ns: first.saturating_mul(every_ns), every_ns, series: series.collect(), coverage }
}

struct Counting {
    by: By,
    every_ns: i64,
}

impl Counting {
    fn label(&self, facts: &Facts, node: &str) -> String {
        let Edge { source, destination, protocol } = &facts.edge;
        match self.by {
            By::Nothing => String::new(),
            By::Protocol => protocol.clone(),
            By::Class => facts.class.name().to_owned(),
            By::Source => source.clone(),
            By::Destination => destination.clone(),
            By::Node => node.to_owned(),
        }
    }
}

/// What tells the documents of an index segment apart: a column, and the group of each of its values.
struct Groups {
    column: Option<Column<u64>>,
    group_of: Vec<u32>,
    labels: Vec<String>,
}

impl Groups {
    /// All in one.
    fn all() -> Self {
        Self { column: None, group_of: vec![0], labels: vec![String::new()] }
    }

    fn by_class(column: Option<Column<u64>>) -> Self {
        let labels = Class::ALL.iter().map(|class| class.name().to_owned()).collect();
        Self { column, group_of: (0..Class::ALL.len() as u32).collect(), labels }
    }

    /// By what is told of the values.
    fn by_label(column: Option<Column<u64>>, told: impl Iterator<Item = String>) -> Self {
        let mut groups = Self { column, group_of: Vec::new(), labels: Vec::new() };
        let mut known = HashMap::new();
        for label in told {
            let next = groups.labels.len() as u32;
            let group = *known.entry(label.clone()).or_insert(next);
            if group == next {
                groups.labels.push(label);
            }
            groups.group_of.push(group);
        }
        groups
    }

    fn of(documents: &Documents<'_>, by: By) -> Result<Self, Halt> {
        let columns = documents.reader.fast_fields();
        let name = match by {
            By::Nothing => return Ok(Self::all()),
            By::Class => return Ok(Self::by_class(Some(columns.u64("class")?))),
            By::Node => "segment",
            By::Protocol | By::Source | By::Destination => "edge",
        };
        let Some(column) = columns.str(name)? else { return Ok(Self::all()) };
        let mut told = Vec::new();
        for ordinal in 0..column.num_terms() as u64 {
            let mut text = String::new();
            column.ord_to_str(ordinal, &mut text)?;
            told.push(match by {
                By::Node => documents.ended.id(ordinal).map(|id| id.chain.to_string()).unwrap_or_default(),
                _ => label_of_edge(&text, by),
            });
        }
        Ok(Self::by_label(Some(column.ords().clone()), told.into_iter()))
    }
}

/// What a column's label of an edge tells.
fn label_of_edge(text: &str, by: By) -> String {
    let Edge { source, destination, protocol } = Edge::of_text(text);
    match by {
        By::Source => source,
        By::Destination => destination,
        _ => protocol,
    }
}

/// Counts of one index segment.
enum Cells {
    /// For every group and bucket from the first on, exchanges and flows.
    Full { first: i64, buckets: usize, counts: Vec<u64> },
    /// For those that there are, by group, bucket and whether they are flows.
    Sparse(HashMap<(u32, i64, bool), u64>),
}

impl Cells {
    fn new(first: i64, last: i64, groups: usize) -> Self {
        let buckets = usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX).saturating_add(1);
        let cells = buckets.saturating_mul(groups).saturating_mul(2);
        if cells > CELLS_MAX {
            return Self::Sparse(HashMap::new());
        }
        Self::Full { first, buckets, counts: vec![0; cells] }
    }

    #[inline]
    fn take(&mut self, group: u32, bucket: i64, is_flow: bool, more: u64) {
        match self {
            Self::Full { first, buckets, counts } => {
                let at = (group as usize * *buckets + (bucket - *first) as usize) * 2 + usize::from(is_flow);
                if let Some(count) = counts.get_mut(at) {
                    *count += more;
                }
            }
            Self::Sparse(counts) => *counts.entry((group, bucket, is_flow)).or_default() += more,
        }
    }

    fn add_to(self, labels: &[String], held: &mut Labelled<Buckets>) {
        match self {
            Self::Full { first, buckets, counts } => {
                for (label, counts) in labels.iter().zip(counts.chunks(buckets * 2)) {
                    let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
                    for (at, count) in counted {
                        held.at(label).take(first + (at / 2) as i64, at % 2 == 1, *count);
                    }
                }
            }
            Self::Sparse(counts) => {
                for ((group, bucket, is_flow), count) in counts {
                    if let Some(label) = labels.get(group as usize) {
                        held.at(label).take(bucket, is_flow, count);
                    }
                }
            }
        }
    }
}

impl Aggregation for Counting {
    type Held = Labelled<Buckets>;

    fn begin(&self) -> Self::Held {
        Labelled::new(LABELS_MAX)
    }

    fn documents(&self, held: &mut Self::Held, documents: &Documents<'_>) -> Result<(), Halt> {
        let columns = documents.reader.fast_fields();
        let Groups { column, group_of, labels } = Groups::of(documents, self.by)?;
        let time = columns.i64("time")?;
        let every_ns = self.every_ns;
        let bucket_of = |ns: i64| ns.div_euclid(every_ns);
        let mut cells = Cells::new(bucket_of(time.min_value()), bucket_of(time.max_value()), labels.len());
        let mut time = Lane::new(Some(time), 0);
        let mut class = Lane::new(Some(columns.u64("class")?), 0);
        let mut group = Lane::new(column, 0);
        let flow = Class::Flow.code();
        // Neighbours mostly lie in the same bucket, and dividing is slow.
        let (mut bucket, mut bucket_ns) = (0, 0..0);
        documents.blocks(|block, chosen| {
            let time = time.load(block.clone());
            let class = class.load(block.clone());
            let group = group.load(block);
            chosen.each(|at| {
                if !bucket_ns.contains(&time[at]) {
                    bucket = bucket_of(time[at]);
                    let start = bucket.saturating_mul(every_ns);
                    bucket_ns = start..start.saturating_add(every_ns);
                }
                let group = group_of.get(group[at] as usize).copied().unwrap_or_default();
                cells.take(group, bucket, class[at] == flow, 1);
            });
        })?;
        cells.add_to(&labels, held);
        Ok(())
    }

    fn sums(&self, held: &mut Self::Held, bundle: &Bundle) -> Result<bool, Error> {
        if self.by == By::Node || self.every_ns % MINUTE_NS != 0 {
            return Ok(false);
        }
        let (groups, minutes) = match self.by {
            By::Nothing | By::Node => (Groups::all(), bundle.sums(bundle::CLASSES)?),
            By::Class => (Groups::by_class(None), bundle.sums(bundle::CLASSES)?),
            By::Protocol | By::Source | By::Destination => {
                let ByEdge { edges, minutes } = bundle.sums(bundle::PAIRS)?;
                (Groups::by_label(None, edges.iter().map(|edge| label_of_edge(edge, self.by))), minutes)
            }
        };
        let bucket_of = |minute: &Minute| minute.number.saturating_mul(MINUTE_NS).div_euclid(self.every_ns);
        let numbers = || minutes.iter().map(bucket_of);
        let (Some(first), Some(last)) = (numbers().min(), numbers().max()) else { return Ok(true) };
        let mut cells = Cells::new(first, last, groups.labels.len());
        for minute in &minutes {
            let bucket = bucket_of(minute);
            for (of, exchanges, flows) in &minute.counts {
                let group = groups.group_of.get(*of as usize).copied().unwrap_or_default();
                cells.take(group, bucket, false, u64::from(*exchanges));
                cells.take(group, bucket, true, u64::from(*flows));
            }
        }
        cells.add_to(&groups.labels, held);
        Ok(true)
    }

    fn entry(&self, held: &mut Self::Held, one: &One<'_>) {
        let node = one.entry["node"]["name"].as_str().unwrap_or_default();
        let label = self.label(&one.facts, node);
        let is_flow = one.facts.class == Class::Flow;
        held.at(&label).take(one.start_ns.div_euclid(self.every_ns), is_flow, 1);
    }

    fn merge(&self, into: &mut Self::Held, other: Self::Held) {
        into.merge(other);
    }

    fn bytes(&self, held: &Self::Held) -> u64 {
        held.totals().map(|buckets| (1 + buckets.0.len() as u64) * BUCKET_BYTES).sum()
    }
}
