//! Goes on from the past into the present, without a hole and without a double.
//!
//! Each entry has a number in the segment where it ended, the same whenever the segment is read again, and segments of
//! a chain are told in their order. So what was told of a chain is two numbers, a [`Position`] is those of every chain,
//! and what comes is what lies behind, whether its segment grows, was sealed, or has been indexed in the meantime. Who was
//! interrupted goes on at the position of the last entry that it has.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use kfl::Query;
use segment::{Chain, SegmentId, TimeRange};
use serde_json::Value;
use store::{State, Summary};
use tantivy::DocAddress;

use crate::Error;
use crate::data::{Coverage, Data, Order, QueryOptions};
use crate::entry::{self, complete, without_bodies};
use crate::opened::Ready;
use crate::pipeline::{self, Start};
use crate::search::{self, Cancel, Cursor, Deciding, Stream, Wanted};

/// How often it is looked for something new.
const INTERVAL: Duration = Duration::from_millis(100);
/// Whoever indexes gets so long to begin with a segment, before it is dissected here; and a segment that can't be read is
/// waited for as long.
const PATIENCE: Duration = Duration::from_secs(10);

/// How far an answer that goes on has come.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Position {
    /// The last entry of the past that was told; `None` once all of it was.
    pub past: Option<Cursor>,
    /// Of each chain, the segment and the number in it of the first entry that is not told yet. While the past is told,
    /// what lies before belongs to the past.
    pub chains: BTreeMap<Chain, (u64, u64)>,
}

/// What is told.
#[derive(Debug)]
pub enum Followed<'a> {
    /// An entry, without bodies, and where to go on behind it.
    Entry(Value, &'a Position),
    /// The past was told; from here on it is what comes.
    CaughtUp(&'a Position),
    /// It was looked for something new; everything that there was has been told.
    Looked(&'a Position),
    /// What is covered has changed.
    Coverage(&'a Coverage),
}

/// Where an answer begins.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Beginning {
    /// At the first entry of the range.
    #[default]
    First,
    /// Behind an entry of a page: with what comes behind it in time and what is not indexed yet, as far as it began later.
    Behind(Cursor),
    /// Exactly where another one was interrupted.
    At(Position),
}

/// Takes what is told, and may end it.
pub type Sink<'a> = &'a mut dyn FnMut(Followed<'_>) -> ControlFlow<()>;

/// See [`Data::follow_from`].
pub fn follow(
    data: &Data,
    query: &Query,
    options: &QueryOptions,
    beginning: Beginning,
    sink: Sink<'_>,
) -> Result<Coverage, Error> {
    let mut following = Following {
        data,
        query,
        range: search::asked_range(query.expression(), options.range),
        position: Position::default(),
        waited_for: BTreeMap::new(),
        known_until: None,
        unread: BTreeSet::new(),
        coverage: Coverage::default(),
    };
    if following.past(options, beginning, sink)?.is_break() || following.has_all() {
        return Ok(following.coverage);
    }
    if sink(Followed::CaughtUp(&following.position)).is_break() {
        return Ok(following.coverage);
    }
    let cancel = &options.budget.cancel;
    loop {
        let before = (following.coverage.losses.len(), following.coverage.segments_missing.clone());
        if following.look(cancel, sink)?.is_break() || cancel.is_cancelled() {
            return Ok(following.coverage);
        }
        if sink(Followed::Looked(&following.position)).is_break() {
            return Ok(following.coverage);
        }
        let now = (following.coverage.losses.len(), &following.coverage.segments_missing);
        if now != (before.0, &before.1) && sink(Followed::Coverage(&following.coverage)).is_break() {
            return Ok(following.coverage);
        }
        wait(cancel);
    }
}

fn wait(cancel: &Cancel) {
    if !cancel.is_cancelled() {
        std::thread::park_timeout(INTERVAL);
    }
}

/// What was told of a segment when a look at it ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Told {
    /// Everything: it is sealed, and nothing can come.
    All,
    /// The entries before this number; more may come.
    Before(u64),
    /// So far, and nobody wants more.
    Enough,
}

struct Following<'a> {
    data: &'a Data,
    query: &'a Query,
    range: TimeRange,
    position: Position,
    /// Since when a segment has been waited for that has no index yet, or can't be read.
    waited_for: BTreeMap<SegmentId, Instant>,
    /// Of the segments that were there at the start and were not read yet, what does not come behind this is known already.
    known_until: Option<Cursor>,
    unread: BTreeSet<SegmentId>,
    coverage: Coverage,
}

impl Following<'_> {
    /// Answers from what is indexed for good, in order of time; or what is left of it where an answer goes on.
    fn past(
        &mut self,
        options: &QueryOptions,
        beginning: Beginning,
        sink: Sink<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        let (mut segments, unreadable) = self.data.segments()?;
        let coverage = Coverage::of(options.range, &segments, &unreadable);
        let after = match beginning {
            Beginning::At(Position { past: None, chains }) => {
                self.position.chains = chains;
                self.coverage = coverage;
                return Ok(ControlFlow::Continue(()));
            }
            Beginning::At(Position { past, chains }) => {
                self.position.chains = chains;
                past
            }
            Beginning::First => {
                self.position.chains = indexed_before(&segments);
                None
            }
            Beginning::Behind(cursor) => {
                self.position.chains = indexed_before(&segments);
                self.known_until = Some(cursor.clone());
                Some(cursor)
            }
        };
        let growing = segments.iter().filter(|segment| !self.is_told(&segment.id));
        self.unread = growing.map(|segment| segment.id.clone()).collect();
        segments.retain(|segment| self.is_told(&segment.id));
        let options = QueryOptions { limit: None, order: Order::Ascending, after, ..options.clone() };
        let position = &mut self.position;
        self.coverage =
            search::query_in(self.data, &segments, self.query, options, coverage, &mut |entry| {
                // What has no id or time any more has no place to go on behind either.
                position.past = Cursor::of(&entry).or(position.past.take());
                sink(Followed::Entry(entry, position))
            })?;
        if self.coverage.truncated {
            return Ok(ControlFlow::Break(()));
        }
        self.position.past = None;
        Ok(ControlFlow::Continue(()))
    }

    /// Whether nothing more is to be told of a segment.
    fn is_told(&self, id: &SegmentId) -> bool {
        self.position.chains.get(&id.chain).is_some_and(|(sequence, _)| id.sequence < *sequence)
    }

    /// Tells what came since the last look.
    fn look(&mut self, cancel: &Cancel, sink: Sink<'_>) -> Result<ControlFlow<()>, Error> {
        let (segments, unreadable) = self.data.segments()?;
        self.coverage.segments_missing = unreadable.iter().map(ToString::to_string).collect();
        let losses = segments.iter().flat_map(|segment| &segment.losses);
        self.coverage.losses = losses.filter(|loss| loss.range.overlaps(self.range)).cloned().collect();
        let listed: BTreeSet<&SegmentId> = segments.iter().map(|segment| &segment.id).collect();
        // Behind a segment that isn't told to its end, nothing of its chain is told.
        let mut held_up: Option<&Chain> = None;
        for segment in &segments {
            let id = &segment.id;
            if held_up == Some(&id.chain) || self.is_told(id) {
                continue;
            }
            // While a segment is sealed it may be listed in neither place.
            if id.before().is_some_and(|id| !listed.contains(&id) && !self.is_told(&id) && self.is_there(&id))
            {
                held_up = Some(&id.chain);
                continue;
            }
            if cancel.is_cancelled() {
                return Ok(ControlFlow::Break(()));
            }
            match self.tell(segment, sink) {
                Ok(Told::All) => self.goes_on_behind(id),
                Ok(Told::Before(number)) => {
                    self.position.chains.insert(id.chain.clone(), (id.sequence, number));
                    held_up = Some(&id.chain);
                }
                Ok(Told::Enough) => return Ok(ControlFlow::Break(())),
                Err(error) => {
                    self.coverage.segments_missing.push(format!("{id}: {error}"));
                    // Sealing and indexing move files: it is looked at again.
                    if segment.state == State::Open || !self.has_waited_for(id) {
                        held_up = Some(&id.chain);
                    } else {
                        self.goes_on_behind(id);
                    }
                }
            }
        }
        let gone: Vec<SegmentId> = self.waited_for.keys().filter(|id| !self.is_there(id)).cloned().collect();
        self.waited_for.retain(|id, _| !gone.contains(id));
        self.coverage.segments_searched = listed.len();
        Ok(ControlFlow::Continue(()))
    }

    fn goes_on_behind(&mut self, id: &SegmentId) {
        self.position.chains.insert(id.chain.clone(), (id.sequence.saturating_add(1), 0));
        self.waited_for.remove(id);
    }

    fn is_there(&self, id: &SegmentId) -> bool {
        let layout = self.data.layout();
        layout.sealed_segment(id).exists() || layout.open_segment(id).exists()
    }

    fn has_waited_for(&mut self, id: &SegmentId) -> bool {
        self.waited_for.entry(id.clone()).or_insert_with(Instant::now).elapsed() >= PATIENCE
    }

    /// Tells the answers in a segment that were not told yet.
    fn tell(&mut self, segment: &Summary, sink: Sink<'_>) -> Result<Told, Error> {
        let id = &segment.id;
        let first = match self.position.chains.get(&id.chain) {
            Some((sequence, number)) if *sequence == id.sequence => *number,
            _ => 0,
        };
        if segment.state == State::Indexed {
            let opened = self.data.finished_index(id)?;
            let told = self.indexed(opened.ready()?.clone(), id, first, sink)?;
            self.unread.remove(id);
            return Ok(if told.is_break() { Told::Enough } else { Told::All });
        }
        if let Ok(ready) = self.data.growing_index(id) {
            let before = numbers_before(&ready)?.max(first);
            let told = self.indexed(ready, id, first, sink)?;
            self.unread.remove(id);
            return Ok(if told.is_break() { Told::Enough } else { Told::Before(before) });
        }
        if !self.has_waited_for(id) {
            return Ok(Told::Before(first));
        }
        let (before, told) = self.dissected(id, first, sink)?;
        self.unread.remove(id);
        Ok(match (told, segment.state) {
            (ControlFlow::Break(()), _) => Told::Enough,
            (_, State::Open) => Told::Before(before),
            (_, State::Sealed | State::Indexed) => Told::All,
        })
    }

    /// Tells one answer, which has this number in its segment.
    fn give(&mut self, id: &SegmentId, number: u64, mut entry: Value, sink: Sink<'_>) -> ControlFlow<()> {
        let until = self.known_until.as_ref().filter(|_| self.unread.contains(id));
        let known = until.zip(Cursor::of(&entry));
        if known.is_some_and(|(known, this)| !known.is_before(&this, Order::Ascending)) {
            return ControlFlow::Continue(());
        }
        self.coverage.entries += 1;
        self.query.redact(&mut entry);
        self.position.chains.insert(id.chain.clone(), (id.sequence, number.saturating_add(1)));
        let told = sink(Followed::Entry(entry, &self.position));
        if self.has_all() { ControlFlow::Break(()) } else { told }
    }

    /// Whether there are as many answers as the query asks for.
    fn has_all(&self) -> bool {
        self.query.limit().is_some_and(|limit| self.coverage.entries >= limit)
    }

    fn indexed(
        &mut self,
        ready: Ready,
        id: &SegmentId,
        first: u64,
        sink: Sink<'_>,
    ) -> Result<ControlFlow<()>, Error> {
        let ids = std::iter::once(id.clone()).collect();
        let expression = self.query.expression();
        let wanted = Wanted { expression, range: self.range, segments: Some(&ids), first_number: first };
        let mut stream = Stream::of_index(ready.clone(), wanted, Order::Ascending)?;
        let mut hits: Vec<(u64, DocAddress, bool)> = Vec::with_capacity(stream.hits.len());
        for hit in std::mem::take(&mut stream.hits) {
            let reader = ready.searcher.segment_reader(hit.at.segment_ord);
            let number = reader.fast_fields().u64("number")?.first(hit.at.doc_id).unwrap_or(0);
            hits.push((number, hit.at, hit.is_sure));
        }
        hits.sort_unstable();
        let candidates = stream.open_by_segment.get(id).copied().unwrap_or_default();
        let mut deciding = Deciding::new(self.data, self.query);
        for (number, at, is_sure) in hits {
            let Some(row) = stream.load(at)?.map(complete) else { continue };
            let is_answer = is_sure || deciding.holds(&row, Some((id.clone(), candidates)))?;
            if is_answer && self.give(id, number, row, sink).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// As [`Self::indexed`], of a segment without an index; how many entries ended in it so far.
    fn dissected(
        &mut self,
        id: &SegmentId,
        first: u64,
        sink: Sink<'_>,
    ) -> Result<(u64, ControlFlow<()>), Error> {
        let (mut number, mut told) = (0, ControlFlow::Continue(()));
        let (layout, schemas) = (self.data.layout(), self.data.schemas());
        pipeline::exchanges(layout, id, Start::Warm, &mut |naming, names, exchange| {
            let this = number;
            number += 1;
            if this < first || told.is_break() || !self.range.contains(entry::start(&exchange)) {
                return;
            }
            let entry = complete(entry::in_full(naming, names, &exchange, schemas).1);
            if self.query.matches(&entry) {
                told = self.give(id, this, without_bodies(entry), sink);
            }
        })?;
        Ok((number.max(first), told))
    }
}

/// Of each chain, where what is indexed for good from its first segment on ends.
fn indexed_before(segments: &[Summary]) -> BTreeMap<Chain, (u64, u64)> {
    let mut chains = BTreeMap::new();
    let mut has_ended: Option<&Chain> = None;
    // They come in order of chain and sequence.
    for segment in segments {
        if segment.state != State::Indexed {
            has_ended = Some(&segment.id.chain);
        } else if has_ended != Some(&segment.id.chain) {
            chains.insert(segment.id.chain.clone(), (segment.id.sequence.saturating_add(1), 0));
        }
    }
    chains
}

/// The number behind that of the last entry in an index that grows.
fn numbers_before(ready: &Ready) -> Result<u64, Error> {
    let mut before = 0;
    for reader in ready.searcher.segment_readers().iter().filter(|reader| reader.max_doc() > 0) {
        before = before.max(reader.fast_fields().u64("number")?.max_value() + 1);
    }
    Ok(before)
}
