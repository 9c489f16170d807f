//! What the index could not decide, the evaluator does: on rows, or on whole entries where bodies matter.

use std::collections::HashMap;

use kfl::{Expression, Query};
use segment::SegmentId;
use serde_json::Value;

use crate::Error;
use crate::data::Data;
use crate::entry::{self, complete, reads_bodies};
use crate::pipeline::{self, Start};

/// Candidates in one segment that are opened one by one; with more it is dissected once for all of them, unless it is large.
const SINGLES_MAX: usize = 24;
/// To dissect a segment takes about as long as to open one of so many of its entries.
const ENTRIES_PER_SINGLE: u64 = 1_024;

/// Decides about candidates, in order of time.
pub struct Deciding<'a> {
    data: &'a Data,
    query: &'a Query,
    needs_bodies: bool,
    /// Whether what holds of a row holds of the whole entry.
    rows_suffice: bool,
    /// What was found of a segment that was dissected as a whole, by id; only the latest is kept.
    dissected: Option<(SegmentId, HashMap<String, bool>)>,
}

impl<'a> Deciding<'a> {
    /// For one question.
    #[must_use]
    pub fn new(data: &'a Data, query: &'a Query) -> Self {
        let expression = query.expression();
        let needs_bodies = expression.reads_everything() || expression.paths().into_iter().any(reads_bodies);
        let rows_suffice = !query.redacts() && is_monotone(expression);
        Self { data, query, needs_bodies, rows_suffice, dissected: None }
    }

    /// Whether rows are not enough.
    #[must_use]
    pub fn needs_bodies(&self) -> bool {
        self.needs_bodies
    }

    /// Whether an entry is an answer, from its completed row. `ended_in` tells its segment, and how many candidates
    /// there are in that one.
    ///
    /// # Errors
    /// When bodies are needed and a segment can't be read.
    pub fn holds(&mut self, row: &Value, ended_in: Option<(SegmentId, usize)>) -> Result<bool, Error> {
        if !self.needs_bodies {
            return Ok(self.query.matches(row));
        }
        if self.rows_suffice && self.query.matches(row) {
            return Ok(true);
        }
        let Some(id) = row.get("id").and_then(Value::as_str) else { return Ok(false) };
        let is_many = |segment: &SegmentId, candidates: usize| {
            candidates > SINGLES_MAX && candidates as u64 > self.data.entries_of(segment) / ENTRIES_PER_SINGLE
        };
        if let Some((segment, candidates)) =
            ended_in.filter(|(segment, candidates)| is_many(segment, *candidates))
            && let Some(holds) = self.in_segment(&segment, id, candidates)?
        {
            return Ok(holds);
        }
        Ok(self.data.entry(id)?.is_some_and(|entry| self.query.matches(&entry)))
    }

    /// What a segment that is dissected as a whole says of an entry; `None` if the entry began before it.
    fn in_segment(
        &mut self,
        segment: &SegmentId,
        id: &str,
        candidates: usize,
    ) -> Result<Option<bool>, Error> {
        if self.dissected.as_ref().is_none_or(|(last, _)| last != segment) {
            let mut decided = HashMap::with_capacity(candidates);
            let (layout, schemas) = (self.data.layout(), self.data.schemas());
            pipeline::exchanges(layout, segment, Start::Cold, &mut |naming, names, exchange| {
                let is_whole = pipeline::began_in(segment, &exchange);
                let (_, entry) = entry::in_full(naming, names, &exchange, schemas);
                let entry = complete(entry);
                // Of the others, bodies are not whole here.
                if let Some(id) = entry.get("id").and_then(Value::as_str).filter(|_| is_whole) {
                    decided.insert(id.to_owned(), self.query.matches(&entry));
                }
            })?;
            self.dissected = Some((segment.clone(), decided));
        }
        Ok(self.dissected.as_ref().and_then(|(_, decided)| decided.get(id)).copied())
    }
}

/// Whether more said can only make it hold: it asks for words and trace ids, and of all else only what rows have.
fn is_monotone(expression: &Expression) -> bool {
    match expression {
        Expression::And(parts) | Expression::Or(parts) => parts.iter().all(is_monotone),
        Expression::Text(_) | Expression::Trace(_) => true,
        other => !other.reads_everything() && !other.paths().into_iter().any(reads_bodies),
    }
}
