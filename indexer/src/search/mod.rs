//! Answers a question over many segments.
//!
//! 1. [`source`] lists where entries may be found and leaves out what can't hold an answer ([`prune`]).
//! 2. Sources are opened in order of time, each into a [`stream`] of candidates, so that entries leave in order, and a
//!    question with a limit opens no more than it needs.
//! 3. [`decide`] has the evaluator decide on what the index left open.
//! 4. A [`cursor`] says where the next page begins, and [`begin`] finds one for an answer that begins elsewhere; a
//!    [`budget`] ends what takes too much.

mod begin;
mod budget;
mod cursor;
mod decide;
mod plan;
mod prune;
mod source;
mod stream;

use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use kfl::Query;
use segment::{TimeRange, Timestamp};
use serde_json::Value;
use store::Summary;

use crate::Error;
use crate::data::{Coverage, Data, Order, QueryOptions};
use crate::entry::{self, complete, without_bodies};
use crate::pipeline::{self, Start};

pub use begin::{Begin, beginning};
pub use budget::{Budget, Cancel, Spending, Stop};
pub use cursor::Cursor;
pub use decide::Deciding;
pub use plan::{Plan, asked_range};
pub use prune::Reason;
#[cfg(test)]
pub use prune::rules_out;
pub use source::{Kind, Source, sources};
pub use stream::{Ended, Entries, Stream, Wanted, row};

use stream::Rank;

/// Bytes that a candidate takes.
const HIT_BYTES: u64 = size_of::<stream::Hit>() as u64;
/// Bytes that a dissected entry takes, roughly.
const ENTRY_BYTES: u64 = 8 << 10;
/// Entries between two looks at what was spent.
const SPENDING_INTERVAL: u64 = 16;

/// See [`Data::query`].
pub fn query(
    data: &Data,
    query: &Query,
    options: QueryOptions,
    sink: &mut dyn FnMut(Value) -> ControlFlow<()>,
) -> Result<Coverage, Error> {
    let (segments, unreadable) = data.segments()?;
    let coverage = Coverage::of(options.range, &segments, &unreadable);
    query_in(data, &segments, query, options, coverage, sink)
}

/// Answers from these segments only; `coverage` says what is known before.
///
/// # Errors
/// When an index is damaged while it is read.
pub fn query_in(
    data: &Data,
    segments: &[Summary],
    query: &Query,
    options: QueryOptions,
    mut coverage: Coverage,
    sink: &mut dyn FnMut(Value) -> ControlFlow<()>,
) -> Result<Coverage, Error> {
    let mut spending = Spending::new(options.budget.clone());
    let range = asked_range(query.expression(), options.range);
    let range = match (&options.after, options.order) {
        (Some(after), Order::Ascending) => from(range, after.start_ns),
        (Some(after), Order::Descending) => until(range, after.start_ns),
        (None, _) => range,
    };
    let sources = sources(data, segments, query.expression(), range);
    coverage.plan.range = range;
    coverage.plan.planned(&sources, segments.len());
    coverage.segments_pruned = sources.pruned.values().sum();
    let mut waiting = sources.needed;
    // The one that is needed first lies last.
    match options.order {
        Order::Ascending => waiting.sort_by_key(|source| std::cmp::Reverse(source.first_ns)),
        Order::Descending => waiting.sort_by_key(|source| source.last_ns),
    }
    let mut search = Search {
        query,
        range,
        deciding: Deciding::new(data, query),
        waiting,
        streams: Vec::new(),
        heads: BinaryHeap::new(),
        answered: 0,
        coverage,
        data,
        options,
    };
    let stop = search.run(&mut spending, sink)?;
    let mut coverage = search.coverage;
    coverage.segments_pruned += search.waiting.iter().map(|source| source.kind.segments()).sum::<usize>();
    coverage.plan.unopened = search.waiting.len();
    coverage.plan.read = spending.read();
    coverage.plan.elapsed = spending.elapsed();
    coverage.stopped = stop;
    coverage.truncated = stop.is_some();
    Ok(coverage)
}

fn from(range: TimeRange, start_ns: i64) -> TimeRange {
    let start = range.start().max(Timestamp::from_nanos(start_ns));
    TimeRange::new(start, range.end().max(start)).unwrap_or(range)
}

fn until(range: TimeRange, start_ns: i64) -> TimeRange {
    let end = range.end().min(Timestamp::from_nanos(start_ns.saturating_add(1)));
    TimeRange::new(range.start().min(end), end).unwrap_or(range)
}

struct Search<'a> {
    data: &'a Data,
    query: &'a Query,
    options: QueryOptions,
    /// When entries began that are looked for: what was asked, and what the expression and the cursor say.
    range: TimeRange,
    deciding: Deciding<'a>,
    waiting: Vec<Source>,
    streams: Vec<Stream>,
    /// The first candidate of each stream, by place.
    heads: BinaryHeap<(Rank, usize)>,
    answered: u64,
    coverage: Coverage,
}

impl Search<'_> {
    fn run(
        &mut self,
        spending: &mut Spending,
        sink: &mut dyn FnMut(Value) -> ControlFlow<()>,
    ) -> Result<Option<Stop>, Error> {
        let limit = self.options.limit.unwrap_or(u64::MAX).min(self.query.limit().unwrap_or(u64::MAX));
        let mut looked_at = 0_u64;
        loop {
            if looked_at.is_multiple_of(SPENDING_INTERVAL)
                && let Some(stop) = spending.stop()
            {
                return Ok(Some(stop));
            }
            looked_at += 1;
            if let Some(stop) = self.open_needed(spending)? {
                return Ok(Some(stop));
            }
            let Some((rank, _)) = self.heads.peek().copied() else { return Ok(None) };
            for (cursor, mut entry) in self.entries_at(rank, spending)? {
                if self.answered >= limit {
                    return Ok(Some(Stop::Limit));
                }
                self.answered += 1;
                self.coverage.entries += 1;
                self.coverage.next = Some(cursor);
                self.query.redact(&mut entry);
                if sink(entry).is_break() {
                    return Ok(Some(Stop::Taker));
                }
            }
        }
    }

    /// Opens every source that may hold an entry that comes before the first candidate.
    fn open_needed(&mut self, spending: &mut Spending) -> Result<Option<Stop>, Error> {
        while let Some(next) = self.waiting.last() {
            let is_needed = match (self.heads.peek(), self.options.order) {
                (None, _) => true,
                (Some((rank, _)), order) => {
                    let first = if order == Order::Ascending { next.first_ns } else { next.last_ns };
                    Rank::of(first, order) >= *rank
                }
            };
            if !is_needed {
                return Ok(None);
            }
            let Some(source) = self.waiting.pop() else { return Ok(None) };
            match self.open(&source.kind) {
                Ok(stream) => self.take(stream, spending),
                Err(error) => self.coverage.segments_missing.push(format!("{}: {error}", source.kind)),
            }
            self.coverage.segments_searched += source.kind.segments();
            if let Some(stop) = spending.stop() {
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }

    fn take(&mut self, stream: Stream, spending: &mut Spending) {
        spending.hold(stream.hits.len() as u64 * HIT_BYTES);
        if let Entries::Dissected(entries) = &stream.entries {
            spending.hold(entries.len() as u64 * ENTRY_BYTES);
        }
        self.coverage.plan.candidates += stream.hits.len() as u64;
        if let Some(first) = stream.hits.peek() {
            self.heads.push((first.rank, self.streams.len()));
        }
        self.streams.push(stream);
    }

    /// The candidates of a source; without an index it is dissected.
    fn open(&mut self, kind: &Kind) -> Result<Stream, Error> {
        let mut wanted = Wanted {
            expression: self.query.expression(),
            range: self.range,
            segments: None,
            first_number: 0,
        };
        self.coverage.plan.opened += 1;
        match kind {
            Kind::Index(index, segments) => {
                wanted.segments = Some(segments);
                Stream::of_index(index.ready()?.clone(), wanted, self.options.order)
            }
            Kind::Growing(id) => {
                match self.data.growing_index(id) {
                    Ok(ready) => Stream::of_index(ready, wanted, self.options.order),
                    // It was bundled in the meantime, or is begun anew.
                    Err(_) => self.dissect(id),
                }
            }
            Kind::Segment(id) => self.dissect(id),
        }
    }

    /// Dissects a segment again and keeps what satisfies the query, without bodies.
    fn dissect(&mut self, id: &segment::SegmentId) -> Result<Stream, Error> {
        let (query, range, schemas) = (self.query, self.range, self.data.schemas());
        self.coverage.plan.dissected += 1;
        let mut answers = Vec::new();
        pipeline::exchanges(self.data.layout(), id, Start::Warm, &mut |naming, names, exchange| {
            let (start, entry) = entry::in_full(naming, names, &exchange, schemas);
            let entry = complete(entry);
            if range.contains(start) && query.matches(&entry) {
                answers.push((start.nanos(), without_bodies(entry)));
            }
        })?;
        Ok(Stream::of_entries(answers, self.options.order))
    }

    /// The answers that began at one instant, in order of their ids, those behind the cursor only.
    fn entries_at(&mut self, rank: Rank, spending: &mut Spending) -> Result<Vec<(Cursor, Value)>, Error> {
        let mut found = Vec::new();
        while let Some((_, at)) = self.heads.peek().copied().filter(|(next, _)| *next == rank) {
            self.heads.pop();
            let Some(stream) = self.streams.get_mut(at) else { continue };
            let Some(hit) = stream.hits.pop() else { continue };
            if let Some(next) = stream.hits.peek() {
                self.heads.push((next.rank, at));
            }
            spending.release(HIT_BYTES);
            if let Some(entry) = self.decide(at, hit)? {
                let id = entry.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
                let Some(id) = id else { continue };
                found.push((Cursor { start_ns: rank.start_ns(self.options.order), id }, entry));
            }
        }
        let order = self.options.order;
        if let Some(after) = &self.options.after {
            found.retain(|(cursor, _)| after.is_before(cursor, order));
        }
        found.sort_by(|(a, _), (b, _)| if order == Order::Ascending { a.cmp(b) } else { b.cmp(a) });
        Ok(found)
    }

    /// The entry of a candidate; `None` if the evaluator rejects it.
    fn decide(&mut self, at: usize, hit: stream::Hit) -> Result<Option<Value>, Error> {
        let Some(stream) = self.streams.get_mut(at) else { return Ok(None) };
        let Some(row) = stream.load(hit.at)? else { return Ok(None) };
        let row = complete(row);
        if hit.is_sure {
            self.coverage.plan.decided_by_index += 1;
            return Ok(Some(row));
        }
        let mut ended_in = None;
        if self.deciding.needs_bodies() {
            let segment = stream.segment(hit.at)?;
            ended_in = segment.map(|segment| {
                let candidates = stream.open_by_segment.get(&segment).copied().unwrap_or_default();
                (segment, candidates)
            });
        }
        self.coverage.plan.evaluated += 1;
        Ok(self.deciding.holds(&row, ended_in)?.then_some(row))
    }
}
