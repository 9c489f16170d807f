//! Walks all sources of a question, several at once, and adds up what an aggregation makes of each.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use kfl::Query;
use segment::{SegmentId, TimeRange, Timestamp};
use serde_json::Value;
use store::State;

use super::Scope;
use super::effort::{Effort, Halt};
use super::matching::{Documents, Matching};
use crate::Error;
use crate::bundle::Bundle;
use crate::data::{Coverage, Data};
use crate::document::Facts;
use crate::entry::{self, complete, without_bodies};
use crate::opened::{Opened, Ready};
use crate::pipeline::{self, Start};
use crate::plan;
use crate::search::{Kind, Source, Stop, asked_range, sources};

/// What is made of answers.
pub trait Aggregation: Sync {
    /// What it holds; one for each source, which are then added up.
    type Held: Send;

    /// Holds nothing yet.
    fn begin(&self) -> Self::Held;

    /// Takes the answers in an index segment.
    ///
    /// # Errors
    /// When the index can't be read, or too much was spent.
    fn documents(&self, held: &mut Self::Held, documents: &Documents<'_>) -> Result<(), Halt>;

    /// Takes an index in which everything is an answer by the sums that lie with it; whether they tell what it asks.
    ///
    /// # Errors
    /// When they can't be read; nothing of them was taken, then.
    fn sums(&self, _held: &mut Self::Held, _bundle: &Bundle) -> Result<bool, Error> {
        Ok(false)
    }

    /// Takes one answer that no column tells of.
    fn entry(&self, held: &mut Self::Held, one: &One<'_>);

    /// Adds what was held of another source.
    fn merge(&self, into: &mut Self::Held, other: Self::Held);

    /// Bytes that it takes, roughly.
    fn bytes(&self, held: &Self::Held) -> u64;

    /// Whether it asks for what rows leave out: then segments are dissected.
    fn needs_bodies(&self) -> bool {
        false
    }
}

/// One answer.
pub struct One<'a> {
    /// When it began, nanoseconds since the Unix epoch.
    pub start_ns: i64,
    /// What aggregations need.
    pub facts: Facts,
    /// The whole entry; with its bodies if they were asked for.
    pub entry: &'a Value,
}

/// A question on its way.
pub struct Walk<'a> {
    data: &'a Data,
    query: &'a Query,
    /// When entries began that are looked for: what was asked, and what the expression says.
    range: TimeRange,
    effort: Effort,
    waiting: Vec<Source>,
    coverage: Coverage,
    /// From the first to the last packet of segments that tell.
    recorded: Option<TimeRange>,
    /// Segments that tell when they are sealed; their growing indexes tell already.
    open: Vec<SegmentId>,
}

/// What one thread did.
struct Part<H> {
    held: H,
    missing: Vec<String>,
    stop: Option<Stop>,
    done: Done,
}

/// What was done, in numbers.
#[derive(Clone, Copy, Default)]
struct Done {
    sources: usize,
    segments: usize,
    dissected: usize,
    candidates: u64,
    decided_by_index: u64,
    evaluated: u64,
    entries: u64,
}

impl<'a> Walk<'a> {
    /// Finds the sources.
    ///
    /// # Errors
    /// When the directory can't be listed.
    pub fn new(data: &'a Data, query: &'a Query, scope: &Scope) -> Result<Self, Error> {
        let effort = Effort::new(scope.budget.clone());
        let range = asked_range(query.expression(), scope.range);
        let (segments, unreadable) = data.segments()?;
        let sources = sources(data, &segments, query.expression(), range);
        let recorded = segments.iter().filter_map(|segment| segment.range).reduce(TimeRange::union);
        let open = segments.iter().filter(|segment| segment.state == State::Open);
        let open = open.map(|segment| segment.id.clone()).collect();
        let mut coverage = Coverage::of(scope.range, &segments, &unreadable);
        coverage.plan.range = range;
        coverage.plan.planned(&sources, segments.len());
        coverage.segments_pruned = sources.pruned.values().sum();
        Ok(Self { data, query, range, effort, waiting: sources.needed, coverage, recorded, open })
    }

    /// The range asked for, as far as something was recorded in it: what rates are reckoned by.
    #[must_use]
    pub fn window(&self) -> Option<TimeRange> {
        let growing = self.open.iter().filter_map(|id| self.growing_range(id));
        let told = [self.recorded, self.known_range()].into_iter().flatten().chain(growing);
        let recorded = told.reduce(TimeRange::union)?;
        let start = self.range.start().max(recorded.start());
        TimeRange::new(start, self.range.end().min(recorded.end()))
    }

    /// The range asked for, as far as indexes know of entries in it; `None` where none of them does.
    #[must_use]
    pub fn known_range(&self) -> Option<TimeRange> {
        let known = self.waiting.iter().filter(|source| source.first_ns != i64::MIN);
        let first = known.clone().map(|source| source.first_ns).min()?;
        let last = known.map(|source| source.last_ns).max()?;
        let start = self.range.start().max(Timestamp::from_nanos(first));
        let end = self.range.end().min(Timestamp::from_nanos(last.saturating_add(1)));
        TimeRange::new(start, end)
    }

    /// When entries in a growing index began; `None` where there are none yet.
    fn growing_range(&self, id: &SegmentId) -> Option<TimeRange> {
        let ready = self.data.growing_index(id).ok()?;
        let pieces = ready.searcher.segment_readers().iter();
        let times = pieces.filter_map(|piece| piece.fast_fields().i64("time").ok());
        let at = Timestamp::from_nanos;
        times
            .map(|time| TimeRange::covering(at(time.min_value()), at(time.max_value())))
            .reduce(TimeRange::union)
    }

    /// Takes all sources.
    ///
    /// # Errors
    /// None so far: what can't be read is named in the coverage.
    pub fn run<A: Aggregation>(mut self, aggregation: &A) -> (A::Held, Coverage) {
        if aggregation.needs_bodies() {
            self.waiting = std::mem::take(&mut self.waiting).into_iter().flat_map(dissected).collect();
        }
        let size = |source: &Source| match &source.kind {
            Kind::Index(index, _) => index.contents().entries,
            Kind::Growing(_) | Kind::Segment(_) => u64::MAX,
        };
        // What takes longest begins first, so that threads end together.
        self.waiting.sort_by_key(|source| std::cmp::Reverse(size(source)));
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(self.waiting.len());
        let (next, parts) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let part = self.part(aggregation, &next);
                    parts.lock().unwrap_or_else(PoisonError::into_inner).push(part);
                });
            }
        });
        let mut held = aggregation.begin();
        for part in parts.into_inner().unwrap_or_else(PoisonError::into_inner) {
            aggregation.merge(&mut held, part.held);
            self.coverage.segments_missing.extend(part.missing);
            self.coverage.stopped = self.coverage.stopped.or(part.stop);
            self.count(part.done);
        }
        self.coverage.segments_missing.sort();
        self.coverage.truncated = self.coverage.stopped.is_some();
        self.coverage.plan.unopened = self.waiting.len().saturating_sub(self.coverage.plan.opened);
        self.coverage.plan.read = self.effort.read();
        self.coverage.plan.elapsed = self.effort.elapsed();
        (held, self.coverage)
    }

    fn count(&mut self, done: Done) {
        self.coverage.segments_searched += done.segments;
        self.coverage.entries += done.entries;
        let plan = &mut self.coverage.plan;
        plan.opened += done.sources;
        plan.dissected += done.dissected;
        plan.candidates += done.candidates;
        plan.decided_by_index += done.decided_by_index;
        plan.evaluated += done.evaluated;
    }

    /// What one thread does: one source after another, as long as there are any.
    fn part<A: Aggregation>(&self, aggregation: &A, next: &AtomicUsize) -> Part<A::Held> {
        let mut part =
            Part { held: aggregation.begin(), missing: Vec::new(), stop: None, done: Done::default() };
        while let Some(source) = self.waiting.get(next.fetch_add(1, Ordering::Relaxed)) {
            // A source counts wholly or not at all.
            let mut done = Done { sources: 1, segments: source.kind.segments(), ..Done::default() };
            let taken = self.effort.check().and_then(|()| self.source(aggregation, &source.kind, &mut done));
            match taken {
                Ok(held) => {
                    let before = aggregation.bytes(&part.held);
                    aggregation.merge(&mut part.held, held);
                    self.effort.hold(aggregation.bytes(&part.held).saturating_sub(before));
                    part.done.add(done);
                }
                Err(Halt::Failed(error)) => part.missing.push(format!("{}: {error}", source.kind)),
                Err(Halt::Stopped(stop)) => {
                    part.stop = Some(stop);
                    break;
                }
            }
        }
        self.effort.read();
        part
    }

    fn source<A: Aggregation>(&self, aggregation: &A, kind: &Kind, done: &mut Done) -> Result<A::Held, Halt> {
        let mut held = aggregation.begin();
        match kind {
            Kind::Index(index, segments) => {
                // Where sums are damaged, columns tell.
                if self.wants_all(index, segments)
                    && aggregation.sums(&mut held, index.bundle()).unwrap_or(false)
                {
                    let entries = index.contents().entries;
                    done.entries += entries;
                    done.candidates += entries;
                    done.decided_by_index += entries;
                    return Ok(held);
                }
                self.index(aggregation, index.ready()?, Some(segments), &mut held, done)?;
            }
            Kind::Growing(id) => {
                match self.data.growing_index(id) {
                    Ok(ready) => self.index(aggregation, &ready, None, &mut held, done)?,
                    // It was bundled in the meantime, or is begun anew.
                    Err(_) => self.dissect(aggregation, id, &mut held, done)?,
                }
            }
            Kind::Segment(id) => self.dissect(aggregation, id, &mut held, done)?,
        }
        Ok(held)
    }

    /// Whether everything in an index is an answer, and its sums lie with it.
    fn wants_all(&self, index: &Opened, segments: &BTreeSet<SegmentId>) -> bool {
        let contents = index.contents();
        let is_within = |ns| self.range.contains(Timestamp::from_nanos(ns));
        plan::is_all(self.query.expression())
            && index.bundle().has_sums()
            && is_within(contents.first_ns)
            && is_within(contents.last_ns)
            && segments.iter().map(|segment| contents.entries_of(segment)).sum::<u64>() == contents.entries
    }

    fn index<A: Aggregation>(
        &self,
        aggregation: &A,
        ready: &Ready,
        segments: Option<&BTreeSet<SegmentId>>,
        held: &mut A::Held,
        done: &mut Done,
    ) -> Result<(), Halt> {
        let matching =
            Matching { data: self.data, query: self.query, range: self.range, effort: &self.effort };
        for (ordinal, reader) in (0..).zip(ready.searcher.segment_readers()) {
            let documents = matching.documents(ready, ordinal, reader, segments)?;
            let answers = u64::from(documents.count);
            done.entries += answers;
            done.evaluated += documents.evaluated;
            done.candidates += answers.max(documents.evaluated);
            done.decided_by_index += answers.saturating_sub(documents.evaluated);
            if self.query.redacts() {
                self.redacted(aggregation, &documents, held)?;
            } else if answers > 0 {
                aggregation.documents(held, &documents)?;
            }
        }
        Ok(())
    }

    /// What is redacted must not be counted by what it was: every row is changed first.
    fn redacted<A: Aggregation>(
        &self,
        aggregation: &A,
        documents: &Documents<'_>,
        held: &mut A::Held,
    ) -> Result<(), Halt> {
        let columns = documents.reader.fast_fields();
        let (time, elapsed) = (columns.i64("time")?, columns.u64("elapsed")?);
        documents.rows(&documents.docs, &mut |doc, mut row| {
            self.query.redact(&mut row);
            let mut facts = Facts::of(&row, None);
            facts.elapsed_us = elapsed.first(doc);
            let start_ns = time.first(doc).unwrap_or_default();
            aggregation.entry(held, &One { start_ns, facts, entry: &row });
        })
    }

    /// Dissects a segment again.
    fn dissect<A: Aggregation>(
        &self,
        aggregation: &A,
        id: &SegmentId,
        held: &mut A::Held,
        done: &mut Done,
    ) -> Result<(), Halt> {
        done.dissected += 1;
        let (query, range, schemas) = (self.query, self.range, self.data.schemas());
        let mut halt = None;
        let (mut seen, mut answers) = (0_u32, 0_u64);
        pipeline::exchanges(self.data.layout(), id, Start::Warm, &mut |naming, names, exchange| {
            seen = seen.wrapping_add(1);
            if halt.is_none() && seen.is_multiple_of(ENTRIES_PER_CHECK) {
                halt = self.effort.check().err();
            }
            if halt.is_some() || !range.contains(entry::start(&exchange)) {
                return;
            }
            let (start, entry) = entry::in_full(naming, names, &exchange, schemas);
            let mut entry = complete(entry);
            if !query.matches(&entry) {
                return;
            }
            query.redact(&mut entry);
            answers += 1;
            let elapsed_ns = entry::elapsed_ns(&exchange);
            let facts;
            if aggregation.needs_bodies() {
                facts = Facts::of(&without_bodies(entry.clone()), elapsed_ns);
            } else {
                entry = without_bodies(entry);
                facts = Facts::of(&entry, elapsed_ns);
            }
            aggregation.entry(held, &One { start_ns: start.nanos(), facts, entry: &entry });
        })?;
        done.candidates += answers;
        done.entries += answers;
        halt.map_or(Ok(()), Err)
    }
}

/// Dissected entries between two looks at what was spent.
const ENTRIES_PER_CHECK: u32 = 256;

/// The segments of a source, to be dissected.
fn dissected(source: Source) -> Vec<Source> {
    let Source { kind, first_ns, last_ns } = source;
    let of = |id| Source { kind: Kind::Segment(id), first_ns, last_ns };
    match kind {
        Kind::Index(_, segments) => segments.into_iter().map(of).collect(),
        Kind::Growing(id) | Kind::Segment(id) => vec![of(id)],
    }
}

impl Done {
    fn add(&mut self, other: Self) {
        self.sources += other.sources;
        self.segments += other.segments;
        self.dissected += other.dissected;
        self.candidates += other.candidates;
        self.decided_by_index += other.decided_by_index;
        self.evaluated += other.evaluated;
        self.entries += other.entries;
    }
}
