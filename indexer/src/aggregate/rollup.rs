//! Sums of a whole index, made when it is bundled: what asks for everything in it reads no column and opens no index.
//!
//! By endpoint and by edge they are [`Tally`]s; over time, counts by minute and class, and by minute and edge.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tantivy::columnar::Column;

use super::effort::{Effort, Halt};
use super::lane::Lane;
use super::matching::Documents;
use super::tallies::Tallies;
use super::tally::Tally;
use super::walk::Aggregation as _;
use crate::Error;
use crate::docs::Docs;
use crate::document::Class;
use crate::opened::Ready;
use crate::search::{Budget, Ended};

/// Width of a bucket in time.
pub const MINUTE_NS: i64 = 60_000_000_000;
/// Counts over time; an index that would need more has no sums, so that they stay far smaller than what they are of.
const CELLS_MAX: usize = 1 << 20;

/// Sums of an index. Each part lies for itself: a question reads the one that tells.
#[derive(Debug)]
pub struct Rollup {
    /// By edge's label, in order.
    pub edges: Vec<(String, Tally)>,
    /// By endpoint's label, in order.
    pub endpoints: Vec<(String, Tally)>,
    /// Over time, by class's code.
    pub classes: Vec<Minute>,
    /// Over time, by edge.
    pub pairs: ByEdge,
}

/// Counts over time by edge.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ByEdge {
    /// The labels, by place.
    pub edges: Vec<String>,
    /// In order of time; by an edge's place.
    pub minutes: Vec<Minute>,
}

/// How many began within one minute.
#[derive(Debug, Serialize, Deserialize)]
pub struct Minute {
    /// Its start, in minutes since the Unix epoch.
    pub number: i64,
    /// What tells them apart, and of it exchanges and flows.
    pub counts: Vec<(u32, u32, u32)>,
}

impl Rollup {
    /// Of an index of at most one piece; `None` where it has more labels than are counted apart.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn of(ready: &Ready) -> Result<Option<Self>, Error> {
        match Self::summed_up(ready) {
            Ok(rollup) => Ok(rollup),
            Err(Halt::Failed(error)) => Err(error),
            // Without a budget nothing stops it.
            Err(Halt::Stopped(_)) => Ok(None),
        }
    }

    fn summed_up(ready: &Ready) -> Result<Option<Self>, Halt> {
        let mut rollup =
            Self { edges: Vec::new(), endpoints: Vec::new(), classes: Vec::new(), pairs: ByEdge::default() };
        let Some(reader) = ready.searcher.segment_readers().first() else { return Ok(Some(rollup)) };
        let effort = Effort::new(Budget { memory_bytes_max: u64::MAX, ..Budget::default() });
        let documents = Documents {
            ready,
            ordinal: 0,
            reader,
            ended: Ended::of(reader, None)?,
            docs: Docs::all(reader.max_doc()),
            count: reader.max_doc(),
            evaluated: 0,
            effort: &effort,
        };
        for (tallies, into) in
            [(Tallies::ByEdge, &mut rollup.edges), (Tallies::ByEndpoint, &mut rollup.endpoints)]
        {
            let mut held = tallies.begin();
            tallies.documents(&mut held, &documents)?;
            let (totals, None) = held.into_sorted() else { return Ok(None) };
            *into = totals;
        }
        let columns = documents.reader.fast_fields();
        let Some(labels) = columns.str("edge")? else { return Ok(Some(rollup)) };
        let mut text = String::new();
        for ordinal in 0..labels.num_terms() as u64 {
            labels.ord_to_str(ordinal, &mut text)?;
            rollup.pairs.edges.push(text.clone());
        }
        let by_class = minutes(&documents, &columns.u64("class")?)?;
        let by_edge = minutes(&documents, labels.ords())?;
        let Some((classes, edges)) = by_class.zip(by_edge) else { return Ok(None) };
        (rollup.classes, rollup.pairs.minutes) = (classes, edges);
        Ok(Some(rollup))
    }
}

/// Counts over time by the values of a column; `None` where they are too many, or an entry has no value.
fn minutes(documents: &Documents<'_>, of: &Column<u64>) -> Result<Option<Vec<Minute>>, Halt> {
    let columns = documents.reader.fast_fields();
    let mut time = Lane::new(Some(columns.i64("time")?), 0);
    let mut class = Lane::new(Some(columns.u64("class")?), 0);
    let mut of = Lane::new(Some(of.clone()), u64::MAX);
    let mut counts: BTreeMap<(i64, u32), [u32; 2]> = BTreeMap::new();
    let (mut is_whole, flow) = (true, Class::Flow.code());
    documents.blocks(|block, chosen| {
        let time = time.load(block.clone());
        let class = class.load(block.clone());
        let of = of.load(block);
        chosen.each(|at| match u32::try_from(of[at]) {
            Ok(of) if counts.len() < CELLS_MAX => {
                let minute = time[at].div_euclid(MINUTE_NS);
                counts.entry((minute, of)).or_default()[usize::from(class[at] == flow)] += 1;
            }
            _ => is_whole = false,
        });
    })?;
    let mut minutes: Vec<Minute> = Vec::new();
    for ((number, of), [exchanges, flows]) in counts {
        match minutes.last_mut().filter(|minute| minute.number == number) {
            Some(minute) => minute.counts.push((of, exchanges, flows)),
            None => minutes.push(Minute { number, counts: vec![(of, exchanges, flows)] }),
        }
    }
    Ok(Some(minutes).filter(|_| is_whole))
}
