//! Which documents of an index segment are answers, exactly.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use kfl::Query;
use segment::{SegmentId, TimeRange};
use serde_json::Value;
use tantivy::{DocAddress, SegmentReader};

use super::effort::{Effort, Halt};
use super::lane::{BLOCK_DOCS, Lane};
use crate::Error;
use crate::data::Data;
use crate::docs::Docs;
use crate::entry::complete;
use crate::opened::Ready;
use crate::plan;
use crate::search::{self, Deciding, Ended};

/// Rows between two looks at what was spent.
const ROWS_PER_CHECK: u32 = 1_024;
/// Blocks between two looks at what was spent: some ten thousand documents.
const BLOCKS_PER_CHECK: usize = 32;

/// Answers in one index segment.
pub struct Documents<'a> {
    /// The index.
    pub ready: &'a Ready,
    /// Which index segment.
    pub ordinal: u32,
    /// The index segment.
    pub reader: &'a SegmentReader,
    /// In which segments documents ended.
    pub ended: Ended,
    /// The answers.
    pub docs: Docs,
    /// How many there are.
    pub count: u32,
    /// How many of them the evaluator decided on, and of those that are none.
    pub evaluated: u64,
    /// Ends it.
    pub effort: &'a Effort,
}

/// What makes a document an answer.
pub struct Matching<'a> {
    /// Where it is.
    pub data: &'a Data,
    /// What it satisfies.
    pub query: &'a Query,
    /// When it began.
    pub range: TimeRange,
    /// Ends it.
    pub effort: &'a Effort,
}

impl<'a> Matching<'a> {
    /// The answers in one index segment, that ended in one of `segments` if that matters.
    ///
    /// # Errors
    /// When the index can't be read, or too much was spent.
    pub fn documents(
        &self,
        ready: &'a Ready,
        ordinal: u32,
        reader: &'a SegmentReader,
        segments: Option<&BTreeSet<SegmentId>>,
    ) -> Result<Documents<'a>, Halt> {
        let mut planned = plan::candidates(self.query.expression(), reader, ready.fields)?;
        let ended = Ended::of(reader, segments)?;
        if let Some(within) = within(reader, self.range)? {
            planned.sure.intersect(&within);
            planned.possible.intersect(&within);
        }
        if ended.leaves_some_out() {
            let mut wanted = Docs::none(reader.max_doc());
            planned.possible.iter().filter(|doc| ended.is_wanted(*doc)).for_each(|doc| wanted.insert(doc));
            planned.sure.intersect(&wanted);
            planned.possible = wanted;
        }
        let mut open = planned.possible;
        open.subtract(&planned.sure);
        let evaluated = u64::from(open.count());
        let mut documents = Documents {
            ready,
            ordinal,
            reader,
            ended,
            docs: planned.sure,
            count: 0,
            evaluated,
            effort: self.effort,
        };
        if evaluated > 0 {
            self.decide(&open, &mut documents)?;
        }
        documents.count = documents.docs.count();
        Ok(documents)
    }

    /// Has the evaluator decide on what the planner left open.
    fn decide(&self, open: &Docs, documents: &mut Documents<'_>) -> Result<(), Halt> {
        let mut deciding = Deciding::new(self.data, self.query);
        let mut open_by_ordinal: HashMap<u64, usize> = HashMap::new();
        if deciding.needs_bodies() {
            for doc in open.iter() {
                *open_by_ordinal.entry(documents.ended.ordinal(doc)).or_default() += 1;
            }
        }
        for (doc, at) in open.iter().zip(0_u32..) {
            if at.is_multiple_of(ROWS_PER_CHECK) || deciding.needs_bodies() {
                self.effort.check()?;
            }
            let Some(row) = documents.row(doc)? else { continue };
            let ordinal = documents.ended.ordinal(doc);
            let ended_in = documents.ended.id(ordinal).filter(|_| deciding.needs_bodies());
            let candidates = open_by_ordinal.get(&ordinal).copied().unwrap_or_default();
            if deciding.holds(&row, ended_in.map(|segment| (segment, candidates)))? {
                documents.docs.insert(doc);
            }
        }
        Ok(())
    }
}

impl Documents<'_> {
    /// Whether every document of the index segment is an answer.
    #[must_use]
    pub fn are_all(&self) -> bool {
        self.count == self.reader.max_doc()
    }

    /// The whole row of a document, without bodies; `None` if it is damaged.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn row(&self, doc: u32) -> Result<Option<Value>, Error> {
        Ok(search::row(self.ready, DocAddress::new(self.ordinal, doc))?.map(complete))
    }

    /// Visits the rows of some documents.
    ///
    /// # Errors
    /// When the index can't be read, or too much was spent.
    pub fn rows(&self, docs: &Docs, visit: &mut dyn FnMut(u32, Value)) -> Result<(), Halt> {
        for (doc, at) in docs.iter().zip(0_u32..) {
            if at.is_multiple_of(ROWS_PER_CHECK) {
                self.effort.check()?;
            }
            if let Some(row) = self.row(doc)? {
                visit(doc, row);
            }
        }
        Ok(())
    }

    /// Visits the blocks that have answers.
    ///
    /// # Errors
    /// When too much was spent.
    pub fn blocks(&self, mut visit: impl FnMut(Range<u32>, Chosen<'_>)) -> Result<(), Halt> {
        let words = self.docs.words().chunks(BLOCK_DOCS as usize / 64);
        for (at, (words, start)) in words.zip((0..).step_by(BLOCK_DOCS as usize)).enumerate() {
            if at.is_multiple_of(BLOCKS_PER_CHECK) {
                self.effort.check()?;
            }
            if words.iter().any(|word| *word != 0) {
                let end = self.reader.max_doc().min(start + BLOCK_DOCS);
                visit(start..end, Chosen(words));
            }
        }
        Ok(())
    }
}

/// The answers in a block.
#[derive(Clone, Copy)]
pub struct Chosen<'a>(&'a [u64]);

impl Chosen<'_> {
    /// Visits each by its place in the block.
    #[inline]
    pub fn each(self, mut visit: impl FnMut(usize)) {
        for (word, start) in self.0.iter().zip((0..).step_by(64)) {
            if *word == u64::MAX {
                (start..start + 64).for_each(&mut visit);
                continue;
            }
            let mut rest = *word;
            while rest != 0 {
                visit(start + rest.trailing_zeros() as usize);
                rest &= rest - 1;
            }
        }
    }
}

/// The documents that began in a range; `None` if all of them did, which the column's bounds tell at once.
fn within(reader: &SegmentReader, range: TimeRange) -> Result<Option<Docs>, Error> {
    let column = reader.fast_fields().i64("time")?;
    let (first, end) = (range.start().nanos(), range.end().nanos());
    let max_doc = reader.max_doc();
    if max_doc == 0 || (column.min_value() >= first && column.max_value() < end) {
        return Ok(None);
    }
    let mut docs = Docs::none(max_doc);
    let mut times = Lane::new(Some(column), i64::MAX);
    for start in (0..max_doc).step_by(BLOCK_DOCS as usize) {
        let block = start..max_doc.min(start + BLOCK_DOCS);
        for (doc, time) in block.clone().zip(times.load(block)) {
            if (first..end).contains(time) {
                docs.insert(doc);
            }
        }
    }
    Ok(Some(docs))
}
