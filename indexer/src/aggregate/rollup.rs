//! Sums of a whole index, made when it is bundled: what asks for everything in it reads no column and opens no index.
//!
//! By endpoint and by edge they are [`Tally`]s; over time, counts by minute, edge and class.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::effort::{Effort, Halt};
use super::labelled::Labelled;
use super::lane::Lane;
use super::matching::Documents;
use super::tallies::Tallies;
use super::tally::Tally;
use super::walk::Aggregation as _;
use crate::Error;
use crate::docs::Docs;
use crate::opened::Ready;
use crate::search::{Budget, Ended};

/// Width of a bucket in time.
pub const MINUTE_NS: i64 = 60_000_000_000;
/// Counts over time; an index that would need more has no sums, so that they stay far smaller than what they are of.
const CELLS_MAX: usize = 1 << 20;

/// Sums of an index.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rollup {
    edges: Vec<(String, Tally)>,
    endpoints: Vec<(String, Tally)>,
    /// In order of time.
    minutes: Vec<Minute>,
}

/// How many began within one minute.
#[derive(Debug, Serialize, Deserialize)]
pub struct Minute {
    /// Its start, in minutes since the Unix epoch.
    pub number: i64,
    /// An edge's place, a class's code, and how many there are of both.
    pub counts: Vec<(u32, u8, u32)>,
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
        let mut rollup = Self { edges: Vec::new(), endpoints: Vec::new(), minutes: Vec::new() };
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
        let Some(minutes) = minutes(&documents, &rollup.edges)? else { return Ok(None) };
        rollup.minutes = minutes;
        Ok(Some(rollup))
    }

    /// The edges' labels, by place.
    pub fn edges(&self) -> impl ExactSizeIterator<Item = &str> {
        self.edges.iter().map(|(label, _)| label.as_str())
    }

    /// Counts over time.
    #[must_use]
    pub fn minutes(&self) -> &[Minute] {
        &self.minutes
    }

    /// Adds the sums by endpoint or edge.
    pub fn add_to(self, tallies: Tallies, held: &mut Labelled<Tally>) {
        let totals = match tallies {
            Tallies::ByEndpoint => self.endpoints,
            Tallies::ByEdge => self.edges,
        };
        for (label, tally) in totals {
            held.add(&label, tally);
        }
    }
}

/// Counts over time; `None` where they are too many, or an entry has no edge.
fn minutes(documents: &Documents<'_>, edges: &[(String, Tally)]) -> Result<Option<Vec<Minute>>, Halt> {
    let columns = documents.reader.fast_fields();
    let Some(labels) = columns.str("edge")? else { return Ok(Some(Vec::new())) };
    let (mut place_of, mut text) = (Vec::new(), String::new());
    for ordinal in 0..labels.num_terms() as u64 {
        labels.ord_to_str(ordinal, &mut text)?;
        let place = edges.binary_search_by(|(label, _)| label.as_str().cmp(&text)).ok();
        place_of.push(place.and_then(|place| u32::try_from(place).ok()));
    }
    let mut time = Lane::new(Some(columns.i64("time")?), 0);
    let mut class = Lane::new(Some(columns.u64("class")?), 0);
    let mut edge = Lane::new(Some(labels.ords().clone()), u64::MAX);
    let mut counts: BTreeMap<(i64, u32, u8), u32> = BTreeMap::new();
    let mut is_whole = true;
    documents.blocks(|block, chosen| {
        let time = time.load(block.clone());
        let class = class.load(block.clone());
        let edge = edge.load(block);
        chosen.each(|at| {
            let place = usize::try_from(edge[at]).ok().and_then(|ordinal| *place_of.get(ordinal)?);
            let (Some(place), Ok(class)) = (place, u8::try_from(class[at])) else {
                is_whole = false;
                return;
            };
            is_whole &= counts.len() < CELLS_MAX;
            if is_whole {
                *counts.entry((time[at].div_euclid(MINUTE_NS), place, class)).or_default() += 1;
            }
        });
    })?;
    let mut minutes: Vec<Minute> = Vec::new();
    for ((number, place, class), count) in counts {
        match minutes.last_mut().filter(|minute| minute.number == number) {
            Some(minute) => minute.counts.push((place, class, count)),
            None => minutes.push(Minute { number, counts: vec![(place, class, count)] }),
        }
    }
    Ok(Some(minutes).filter(|_| is_whole))
}
