//! Answers a question over the indexes of many segments.
//!
//! Segments are opened in order of time and their candidates wait in a heap, so that entries leave in
//! order, and a question with a limit opens no more segments than it needs.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::ControlFlow;

use kfl::Query;
use segment::{SegmentId, TimeRange, Timestamp};
use serde_json::Value;
use store::{State, Summary};
use tantivy::schema::Value as _;
use tantivy::{DocAddress, Index, IndexReader, ReloadPolicy, Searcher, TantivyDocument};

use crate::Error;
use crate::bundle::Bundle;
use crate::data::{Coverage, Data, Order, QueryOptions};
use crate::document::{self, ENTRY_VERSION, Fields};
use crate::entry::{self, complete, reads_bodies, without_bodies};
use crate::pipeline::{self, Start};
use crate::plan;

/// See [`Data::query`].
pub fn query(
    data: &Data,
    query: &Query,
    options: QueryOptions,
    sink: &mut dyn FnMut(Value) -> ControlFlow<()>,
) -> Result<Coverage, Error> {
    let (segments, unreadable) = data.segments()?;
    let mut coverage = Coverage::default();
    coverage.segments_missing.extend(unreadable.iter().map(ToString::to_string));
    for segment in &segments {
        coverage
            .losses
            .extend(segment.losses.iter().filter(|loss| loss.range.overlaps(options.range)).cloned());
    }
    let mut search = Search {
        data,
        query,
        options,
        needs_bodies: query.expression().reads_everything()
            || query.expression().paths().into_iter().any(reads_bodies),
        waiting: search_order(segments, options, &mut coverage),
        opened: Vec::new(),
        dissected: Vec::new(),
        heap: BinaryHeap::new(),
        coverage,
    };
    search.run(sink)?;
    Ok(search.coverage)
}

/// The segments that may hold an answer, the one that is needed first last.
fn search_order(segments: Vec<Summary>, options: QueryOptions, coverage: &mut Coverage) -> Vec<Summary> {
    let all = segments.len();
    // An entry belongs to the segment where it ended, so none is older than its range's start by chance:
    // a segment that ended before the range began can hold none.
    let mut kept: Vec<_> = segments
        .into_iter()
        .filter(|segment| segment.last() > options.range.start() && segment.may_overlap(TimeRange::ALL))
        .collect();
    coverage.segments_pruned = all - kept.len();
    kept.sort_by_key(Summary::last);
    if options.order == Order::Ascending {
        // Where an entry began is known once the index is open: all are opened.
        kept.reverse();
    }
    kept
}

struct Search<'a> {
    data: &'a Data,
    query: &'a Query,
    options: QueryOptions,
    needs_bodies: bool,
    waiting: Vec<Summary>,
    opened: Vec<Opened>,
    /// Answers from segments that were dissected for this question.
    dissected: Vec<Value>,
    heap: BinaryHeap<Hit>,
    coverage: Coverage,
}

/// A segment's index while it is searched.
struct Opened {
    searcher: Searcher,
    fields: Fields,
}

/// Start in nanoseconds, place, and whether it is sure to be an answer.
type Candidate = (i64, DocAddress, bool);

/// A candidate in the heap; the greatest leaves first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Hit {
    rank: Rank,
    found: Found,
}

/// Where a candidate is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// In an index; the evaluator has to look at it.
    Possible(usize, DocAddress),
    /// In an index, and sure to be an answer.
    Certain(usize, DocAddress),
    /// Among [`Search::dissected`]; an answer.
    Dissected(usize),
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Earliest(Reverse<i64>),
    Latest(i64),
}

impl Search<'_> {
    fn run(&mut self, sink: &mut dyn FnMut(Value) -> ControlFlow<()>) -> Result<(), Error> {
        let limit = self.options.limit.unwrap_or(u64::MAX).min(self.query.limit().unwrap_or(u64::MAX));
        loop {
            self.open_needed();
            let Some(hit) = self.heap.pop() else { return Ok(()) };
            let Some(entry) = self.load(&hit)? else { continue };
            if self.coverage.entries >= limit {
                self.coverage.truncated = true;
                return Ok(());
            }
            self.coverage.entries += 1;
            if sink(entry).is_break() {
                self.coverage.truncated = true;
                return Ok(());
            }
        }
    }

    /// Opens every segment that may hold an entry that comes before the heap's first.
    fn open_needed(&mut self) {
        while let Some(next) = self.waiting.last() {
            let is_needed = match (self.heap.peek().map(|hit| &hit.rank), self.options.order) {
                (Some(Rank::Latest(first)), Order::Descending) => next.last().nanos() > *first,
                _ => true,
            };
            if !is_needed {
                return;
            }
            if let Some(segment) = self.waiting.pop()
                && let Err(error) = self.open(&segment)
            {
                self.coverage.segments_missing.push(format!("{}: {error}", segment.id));
            }
        }
    }

    /// Puts the candidates of a segment into the heap; without an index it is dissected.
    fn open(&mut self, segment: &Summary) -> Result<(), Error> {
        let index = match open_bundle(self.data, segment) {
            Ok(Some(bundle)) if !has_entries_in(&bundle, self.options.range) => {
                self.coverage.segments_pruned += 1;
                return Ok(());
            }
            Ok(Some(bundle)) => Index::open(bundle).ok(),
            Ok(None) => Index::open_in_dir(self.data.layout().growing_index(&segment.id)).ok(),
            Err(_) => None,
        };
        self.coverage.segments_searched += 1;
        match index {
            Some(index) => self.collect(&index, &segment.id),
            None => self.dissect(&segment.id),
        }
    }

    fn collect(&mut self, index: &Index, id: &SegmentId) -> Result<(), Error> {
        let reader: IndexReader =
            index.reader_builder().reload_policy(ReloadPolicy::Manual).num_warming_threads(1).try_into()?;
        let opened = Opened { searcher: reader.searcher(), fields: document::fields(index)? };
        let number = self.opened.len();
        let mut candidates = Vec::new();
        for (ordinal, reader) in (0..).zip(opened.searcher.segment_readers()) {
            let planned = plan::candidates(self.query.expression(), reader, opened.fields)?;
            let time = reader.fast_fields().i64("time")?;
            for doc in planned.docs.iter() {
                let Some(ns) =
                    time.first(doc).filter(|ns| self.options.range.contains(Timestamp::from_nanos(*ns)))
                else {
                    continue;
                };
                candidates.push((ns, DocAddress::new(ordinal, doc), planned.exact));
            }
        }
        if self.needs_bodies && !candidates.is_empty() {
            candidates = self.decide_with_bodies(&opened, candidates, id)?;
        }
        for (ns, address, exact) in candidates {
            self.push(
                ns,
                if exact { Found::Certain(number, address) } else { Found::Possible(number, address) },
            );
        }
        self.opened.push(opened);
        Ok(())
    }

    /// Keeps the candidates that satisfy a question about bodies. The segment is dissected once for all; an
    /// exchange that began in an earlier one is dissected on its own.
    fn decide_with_bodies(
        &self,
        opened: &Opened,
        candidates: Vec<Candidate>,
        id: &SegmentId,
    ) -> Result<Vec<Candidate>, Error> {
        let mut decided: HashMap<String, bool> = HashMap::new();
        pipeline::exchanges(self.data.layout(), id, Start::Cold, &mut |naming, names, exchange| {
            let is_whole = pipeline::began_in(id, &exchange);
            let (_, entry) = entry::in_full(naming, names, &exchange, self.data.schemas());
            let entry = complete(entry);
            // Of the others, bodies are not whole here.
            if !is_whole {
                return;
            }
            if let Some(id) = entry.get("id").and_then(Value::as_str) {
                decided.insert(id.to_owned(), self.query.matches(&entry));
            }
        })?;
        let mut kept = Vec::new();
        for (ns, address, _) in candidates {
            let row = row(&opened.searcher, opened.fields, address)?;
            let Some(id) = row.as_ref().and_then(|row| row.get("id")).and_then(Value::as_str) else {
                continue;
            };
            let holds = match decided.get(id) {
                Some(holds) => *holds,
                None => self.data.entry(id)?.is_some_and(|entry| self.query.matches(&entry)),
            };
            if holds {
                kept.push((ns, address, true));
            }
        }
        Ok(kept)
    }

    /// Dissects a segment again and keeps what satisfies the query, without bodies.
    fn dissect(&mut self, id: &SegmentId) -> Result<(), Error> {
        let (query, range, schemas) = (self.query, self.options.range, self.data.schemas());
        let mut answers = Vec::new();
        pipeline::exchanges(self.data.layout(), id, Start::Warm, &mut |naming, names, exchange| {
            let (start, entry) = entry::in_full(naming, names, &exchange, schemas);
            let entry = complete(entry);
            if range.contains(start) && query.matches(&entry) {
                let mut answer = without_bodies(entry);
                query.redact(&mut answer);
                answers.push((start, answer));
            }
        })?;
        for (start, answer) in answers {
            let found = Found::Dissected(self.dissected.len());
            self.dissected.push(answer);
            self.push(start.nanos(), found);
        }
        Ok(())
    }

    fn push(&mut self, start_ns: i64, found: Found) {
        let rank = match self.options.order {
            Order::Ascending => Rank::Earliest(Reverse(start_ns)),
            Order::Descending => Rank::Latest(start_ns),
        };
        self.heap.push(Hit { rank, found });
    }

    /// The entry of a hit; `None` if the evaluator rejects it.
    fn load(&mut self, hit: &Hit) -> Result<Option<Value>, Error> {
        let (segment, doc, is_certain) = match hit.found {
            Found::Possible(segment, doc) => (segment, doc, false),
            Found::Certain(segment, doc) => (segment, doc, true),
            Found::Dissected(place) => return Ok(self.dissected.get_mut(place).map(Value::take)),
        };
        let Some(Opened { searcher, fields }) = self.opened.get(segment) else { return Ok(None) };
        let Some(row) = row(searcher, *fields, doc)? else { return Ok(None) };
        let mut entry = complete(row);
        if !is_certain && !self.query.matches(&entry) {
            return Ok(None);
        }
        self.query.redact(&mut entry);
        Ok(Some(entry))
    }
}

/// The bundle of an indexed segment; `None` where the index still grows or is missing.
fn open_bundle(data: &Data, segment: &Summary) -> Result<Option<Bundle>, Error> {
    match segment.state {
        State::Indexed => {
            let bundle = Bundle::open(&data.layout().index(&segment.id))?;
            Ok(Some(bundle).filter(|bundle| bundle.contents().entry_version == ENTRY_VERSION))
        }
        State::Open | State::Sealed => Ok(None),
    }
}

fn has_entries_in(bundle: &Bundle, range: TimeRange) -> bool {
    let contents = bundle.contents();
    contents.entries > 0
        && contents.last_ns >= range.start().nanos()
        && contents.first_ns < range.end().nanos()
}

/// The stored row of a document; `None` if it is damaged.
fn row(searcher: &Searcher, fields: Fields, doc: DocAddress) -> Result<Option<Value>, Error> {
    let document: TantivyDocument = searcher.doc(doc)?;
    let bytes = document.get_first(fields.row).and_then(|row| row.as_bytes());
    Ok(bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()))
}
