//! The candidates of one source, in order of time.

use std::collections::{BTreeSet, BinaryHeap, HashMap};

use kfl::Expression;
use segment::{SegmentId, TimeRange, Timestamp};
use serde_json::Value;
use tantivy::schema::Value as _;
use tantivy::{DocAddress, TantivyDocument};

use crate::Error;
use crate::data::Order;
use crate::document;
use crate::opened::Ready;
use crate::plan;

/// A place in the order of an answer: the greatest leaves first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank(i64);

impl Rank {
    /// Of an entry that began then.
    #[must_use]
    pub fn of(start_ns: i64, order: Order) -> Self {
        // Turning every bit turns the order around, and nothing overflows.
        Self(if order == Order::Ascending { !start_ns } else { start_ns })
    }

    /// When the entry began.
    #[must_use]
    pub fn start_ns(self, order: Order) -> i64 {
        if order == Order::Ascending { !self.0 } else { self.0 }
    }
}

/// A candidate; the greatest leaves first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Hit {
    /// When it began.
    pub rank: Rank,
    /// Where it lies: in an index, or among dissected entries.
    pub at: DocAddress,
    /// Whether it is sure to be an answer.
    pub is_sure: bool,
}

/// Candidates of one source.
pub struct Stream {
    /// In order of time.
    pub hits: BinaryHeap<Hit>,
    /// Where the entries are.
    pub entries: Entries,
    /// How many of the candidates that aren't sure ended in each segment.
    pub open_by_segment: HashMap<SegmentId, usize>,
}

/// Where entries are.
pub enum Entries {
    /// In an index.
    Index(Ready),
    /// Here: answers of a segment that was dissected for this question.
    Dissected(Vec<Value>),
}

/// What of an index is asked for.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// What entries have to satisfy.
    pub expression: &'a Expression,
    /// When they began.
    pub range: TimeRange,
    /// In which segments they ended, if that matters.
    pub segments: Option<&'a BTreeSet<SegmentId>>,
    /// Of those that ended in one segment, the first that is wanted.
    pub first_number: u64,
}

impl Stream {
    /// The candidates in an index.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn of_index(ready: Ready, wanted: Wanted<'_>, order: Order) -> Result<Self, Error> {
        let mut hits = Vec::new();
        let mut open_by_segment = HashMap::new();
        for (ordinal, reader) in (0..).zip(ready.searcher.segment_readers()) {
            let planned = plan::candidates(wanted.expression, reader, ready.fields)?;
            let columns = reader.fast_fields();
            let (time, number) = (columns.i64("time")?, columns.u64("number")?);
            let segments = Ended::of(reader, wanted.segments)?;
            let mut open_by_ordinal: HashMap<u64, usize> = HashMap::new();
            for doc in planned.possible.iter() {
                let Some(ns) = time.first(doc).filter(|ns| wanted.range.contains(Timestamp::from_nanos(*ns)))
                else {
                    continue;
                };
                let is_new = wanted.first_number == 0 || number.first(doc) >= Some(wanted.first_number);
                if !is_new || !segments.is_wanted(doc) {
                    continue;
                }
                let is_sure = planned.sure.contains(doc);
                if !is_sure {
                    *open_by_ordinal.entry(segments.ordinal(doc)).or_default() += 1;
                }
                hits.push(Hit { rank: Rank::of(ns, order), at: DocAddress::new(ordinal, doc), is_sure });
            }
            for (segment, count) in open_by_ordinal {
                if let Some(id) = segments.id(segment) {
                    *open_by_segment.entry(id).or_default() += count;
                }
            }
        }
        Ok(Self { hits: hits.into(), entries: Entries::Index(ready), open_by_segment })
    }

    /// Answers that were dissected, each with its start.
    #[must_use]
    pub fn of_entries(entries: Vec<(i64, Value)>, order: Order) -> Self {
        let hits = (0..).zip(&entries).map(|(at, (start_ns, _))| Hit {
            rank: Rank::of(*start_ns, order),
            at: DocAddress::new(0, at),
            is_sure: true,
        });
        let hits = hits.collect();
        let entries = Entries::Dissected(entries.into_iter().map(|(_, entry)| entry).collect());
        Self { hits, entries, open_by_segment: HashMap::new() }
    }

    /// The row of a candidate, or the answer itself where it was dissected; `None` if it is damaged.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn load(&mut self, at: DocAddress) -> Result<Option<Value>, Error> {
        match &mut self.entries {
            Entries::Index(ready) => row(ready, at),
            Entries::Dissected(entries) => Ok(entries.get_mut(at.doc_id as usize).map(Value::take)),
        }
    }

    /// The segment in which a candidate ended.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn segment(&self, at: DocAddress) -> Result<Option<SegmentId>, Error> {
        let Entries::Index(ready) = &self.entries else { return Ok(None) };
        let segments = Ended::of(ready.searcher.segment_reader(at.segment_ord), None)?;
        Ok(segments.id(segments.ordinal(at.doc_id)))
    }
}

/// The entry of a document, without bodies; `None` if it is damaged.
///
/// # Errors
/// When the index can't be read.
pub fn row(ready: &Ready, at: DocAddress) -> Result<Option<Value>, Error> {
    let document: TantivyDocument = ready.searcher.doc(at)?;
    let time = ready.searcher.segment_reader(at.segment_ord).fast_fields().i64("time")?;
    let bytes = document.get_first(ready.fields.row).and_then(|row| row.as_bytes());
    let row = bytes.and_then(|bytes| serde_json::from_slice(bytes).ok());
    Ok(row.zip(time.first(at.doc_id)).map(|(row, start_ns)| document::whole(row, start_ns)))
}

/// In which segment each document of an index segment ended.
pub struct Ended {
    ordinals: Option<tantivy::columnar::StrColumn>,
    /// By ordinal, whether it is wanted; `None` if all are.
    wanted: Option<Vec<bool>>,
}

impl Ended {
    /// Of one index segment, and which are wanted.
    ///
    /// # Errors
    /// When the column can't be read.
    pub fn of(reader: &tantivy::SegmentReader, wanted: Option<&BTreeSet<SegmentId>>) -> Result<Self, Error> {
        let mut ended = Self { ordinals: reader.fast_fields().str("segment")?, wanted: None };
        if let (Some(wanted), Some(column)) = (wanted, &ended.ordinals) {
            let ids: Vec<bool> = (0..column.num_terms() as u64)
                .map(|ordinal| ended.id(ordinal).is_some_and(|id| wanted.contains(&id)))
                .collect();
            ended.wanted = Some(ids).filter(|ids| !ids.iter().all(|is_wanted| *is_wanted));
        }
        Ok(ended)
    }

    /// Whether a document is of a segment that is wanted.
    #[must_use]
    pub fn is_wanted(&self, doc: u32) -> bool {
        let Some(wanted) = &self.wanted else { return true };
        usize::try_from(self.ordinal(doc)).ok().and_then(|at| wanted.get(at)).copied().unwrap_or(false)
    }

    /// Whether there may be documents of segments that aren't wanted.
    #[must_use]
    pub fn leaves_some_out(&self) -> bool {
        self.wanted.is_some()
    }

    /// The segment's ordinal.
    #[must_use]
    pub fn ordinal(&self, doc: u32) -> u64 {
        self.ordinals.as_ref().and_then(|column| column.ords().first(doc)).unwrap_or(u64::MAX)
    }

    /// The segment of an ordinal.
    #[must_use]
    pub fn id(&self, ordinal: u64) -> Option<SegmentId> {
        let mut text = String::new();
        let known = self.ordinals.as_ref()?.ord_to_str(ordinal, &mut text).ok()?;
        text.parse().ok().filter(|_| known)
    }
}
