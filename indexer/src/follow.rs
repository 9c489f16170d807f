//! Goes on from the past into the present, without a hole and without a double.
//!
//! Each entry has a number in the segment where it ended, the same whenever the segment is read again. So what an answer
//! has seen of each segment is one number, and what comes is what has a higher one, whether the segment grows,
//! was sealed, or has been indexed in the meantime.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use kfl::Query;
use segment::{SegmentId, TimeRange};
use serde_json::Value;
use store::{State, Summary};

use crate::Error;
use crate::data::{Coverage, Data, Order, QueryOptions};
use crate::entry::{self, complete, without_bodies};
use crate::opened::Ready;
use crate::pipeline::{self, Start};
use crate::search::{self, Cancel, Cursor, Deciding, Stream, Wanted};

/// How often it is looked for something new.
const INTERVAL: Duration = Duration::from_millis(100);
/// Whoever indexes gets so long to begin with a segment, before it is dissected here.
const INDEXER_PATIENCE: Duration = Duration::from_secs(10);

/// What was seen of each segment.
#[derive(Clone, Debug, Default)]
pub struct Position {
    seen: BTreeMap<SegmentId, Seen>,
    /// Since when a segment is known that has no index yet.
    unindexed: BTreeMap<SegmentId, Instant>,
}

/// What was seen of one segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Seen {
    /// Everything: it is sealed, and nothing can come.
    All,
    /// The entries before this number.
    Before(u64),
}

/// See [`Data::follow`].
pub fn follow(
    data: &Data,
    query: &Query,
    options: &QueryOptions,
    sink: &mut dyn FnMut(Value) -> ControlFlow<()>,
) -> Result<Coverage, Error> {
    let mut following = Following {
        data,
        query,
        range: search::asked_range(query.expression(), options.range),
        after: options.after.clone(),
        unread: BTreeSet::new(),
        position: Position::default(),
        coverage: Coverage::default(),
    };
    let limit = query.limit().unwrap_or(u64::MAX);
    if following.past(options, sink)?.is_break() {
        return Ok(following.coverage);
    }
    loop {
        let mut fresh = following.look()?;
        fresh.sort_by_key(|(start_ns, _)| *start_ns);
        for (_, mut entry) in fresh {
            if following.coverage.entries >= limit {
                return Ok(following.coverage);
            }
            following.coverage.entries += 1;
            query.redact(&mut entry);
            if sink(entry).is_break() {
                return Ok(following.coverage);
            }
        }
        if options.budget.cancel.is_cancelled() || following.coverage.entries >= limit {
            return Ok(following.coverage);
        }
        wait(&options.budget.cancel);
    }
}

fn wait(cancel: &Cancel) {
    if !cancel.is_cancelled() {
        std::thread::park_timeout(INTERVAL);
    }
}

struct Following<'a> {
    data: &'a Data,
    query: &'a Query,
    range: TimeRange,
    /// Behind which entry the past begins.
    after: Option<Cursor>,
    /// Segments that were there at the start and were not read yet: what they hold is past, too.
    unread: BTreeSet<SegmentId>,
    position: Position,
    coverage: Coverage,
}

impl Following<'_> {
    /// Answers from what is indexed for good, in order of time.
    fn past(
        &mut self,
        options: &QueryOptions,
        sink: &mut dyn FnMut(Value) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let (mut segments, unreadable) = self.data.segments()?;
        let coverage = Coverage::of(options.range, &segments, &unreadable);
        let growing = segments.iter().filter(|segment| segment.state != State::Indexed);
        self.unread = growing.map(|segment| segment.id.clone()).collect();
        segments.retain(|segment| segment.state == State::Indexed);
        self.position.seen = segments.iter().map(|segment| (segment.id.clone(), Seen::All)).collect();
        let options = QueryOptions { limit: None, order: Order::Ascending, ..options.clone() };
        self.coverage = search::query_in(self.data, &segments, self.query, options, coverage, sink)?;
        Ok(if self.coverage.truncated { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    }

    /// What came since the last look, with its start.
    fn look(&mut self) -> Result<Vec<(i64, Value)>, Error> {
        let (segments, unreadable) = self.data.segments()?;
        self.coverage.segments_missing = unreadable.iter().map(ToString::to_string).collect();
        let losses = segments.iter().flat_map(|segment| &segment.losses);
        self.coverage.losses = losses.filter(|loss| loss.range.overlaps(self.range)).cloned().collect();
        let mut fresh = Vec::new();
        for segment in &segments {
            let first = match self.position.seen.get(&segment.id) {
                Some(Seen::All) => continue,
                Some(Seen::Before(number)) => *number,
                None => 0,
            };
            let mut own = Vec::new();
            match self.entries_from(segment, first, &mut own) {
                Ok(Some(seen)) => {
                    let is_past = self.unread.remove(&segment.id);
                    if let Some(after) = self.after.as_ref().filter(|_| is_past) {
                        own.retain(|(start_ns, entry)| is_behind(after, *start_ns, entry));
                    }
                    self.position.seen.insert(segment.id.clone(), seen);
                    fresh.append(&mut own);
                }
                Ok(None) => {}
                // It is looked at again next time: sealing and indexing move files.
                Err(error) => self.coverage.segments_missing.push(format!("{}: {error}", segment.id)),
            }
        }
        // While a segment is sealed it may be listed in neither place.
        let layout = self.data.layout();
        let is_there =
            |id: &SegmentId| layout.sealed_segment(id).exists() || layout.open_segment(id).exists();
        self.position.seen.retain(|id, _| is_there(id));
        self.position.unindexed.retain(|id, _| is_there(id));
        self.coverage.segments_searched = self.position.seen.len();
        Ok(fresh)
    }

    /// Adds the answers in a segment from a number on; what was then seen of it, if it was read.
    fn entries_from(
        &mut self,
        segment: &Summary,
        first: u64,
        fresh: &mut Vec<(i64, Value)>,
    ) -> Result<Option<Seen>, Error> {
        if segment.state == State::Indexed {
            let opened = self.data.finished_index(&segment.id)?;
            self.indexed(opened.ready()?.clone(), segment, first, fresh)?;
            return Ok(Some(Seen::All));
        }
        if let Ok(ready) = self.data.growing_index(&segment.id) {
            let seen = numbers_before(&ready)?.max(first);
            self.indexed(ready, segment, first, fresh)?;
            return Ok(Some(Seen::Before(seen)));
        }
        let since = *self.position.unindexed.entry(segment.id.clone()).or_insert_with(Instant::now);
        if since.elapsed() < INDEXER_PATIENCE {
            return Ok(None);
        }
        let seen = self.dissected(segment, first, fresh)?;
        Ok(Some(if segment.state == State::Sealed { Seen::All } else { Seen::Before(seen) }))
    }

    fn indexed(
        &self,
        ready: Ready,
        segment: &Summary,
        first: u64,
        fresh: &mut Vec<(i64, Value)>,
    ) -> Result<(), Error> {
        let ids = std::iter::once(segment.id.clone()).collect();
        let expression = self.query.expression();
        let wanted = Wanted { expression, range: self.range, segments: Some(&ids), first_number: first };
        let mut stream = Stream::of_index(ready, wanted, Order::Ascending)?;
        let mut deciding = Deciding::new(self.data, self.query);
        while let Some(hit) = stream.hits.pop() {
            let Some(row) = stream.load(hit.at)?.map(complete) else { continue };
            let candidates = stream.open_by_segment.get(&segment.id).copied().unwrap_or_default();
            if hit.is_sure || deciding.holds(&row, Some((segment.id.clone(), candidates)))? {
                fresh.push((hit.rank.start_ns(Order::Ascending), row));
            }
        }
        Ok(())
    }

    /// As [`Self::indexed`], of a segment without an index; how many entries ended in it so far.
    fn dissected(&self, segment: &Summary, first: u64, fresh: &mut Vec<(i64, Value)>) -> Result<u64, Error> {
        let mut number = 0;
        let (layout, schemas) = (self.data.layout(), self.data.schemas());
        pipeline::exchanges(layout, &segment.id, Start::Warm, &mut |naming, names, exchange| {
            let (start, entry) = entry::in_full(naming, names, &exchange, schemas);
            let entry = complete(entry);
            if number >= first && self.range.contains(start) && self.query.matches(&entry) {
                fresh.push((start.nanos(), without_bodies(entry)));
            }
            number += 1;
        })?;
        Ok(number.max(first))
    }
}

/// Whether an entry comes behind the cursor, as pages go.
fn is_behind(after: &Cursor, start_ns: i64, entry: &Value) -> bool {
    let id = entry.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    id.is_none_or(|id| after.is_before(&Cursor { start_ns, id }, Order::Ascending))
}

/// The number behind that of the last entry in an index that grows.
fn numbers_before(ready: &Ready) -> Result<u64, Error> {
    let mut before = 0;
    for reader in ready.searcher.segment_readers().iter().filter(|reader| reader.max_doc() > 0) {
        before = before.max(reader.fast_fields().u64("number")?.max_value() + 1);
    }
    Ok(before)
}
