//! What the values of one path tell: the term dictionary has each of them once, columns have them one by one.

use std::collections::HashMap;

use serde_json::Value;

use super::{Candidates, LIST_NESTING_MAX, Planner, add_postings, read_failed, successor};
use crate::Error;
use crate::document::{self, TermPath, TermValue};
use crate::probe::Probe;

/// Values of a column that are remembered while it is read.
const TRIED_MAX: usize = 65_536;

impl Planner<'_> {
    /// What holds for some value of a path.
    pub(super) fn by_values(&self, probe: &Probe<'_>, path: TermPath) -> Result<Candidates, Error> {
        let is_sure = path.is_exact() && !probe.is_bare_path();
        let mut found = Candidates::exactly(self.none());
        if probe.is_bare_path() {
            // A list is true if it has elements, whatever they are.
            let mut elements = path.clone();
            elements.element();
            self.add_below(elements.below(), &mut found, false)?;
        }
        if probe.holds_of_objects() {
            self.add_within(path.below(), &mut found)?;
        }
        if let Some(column) = InColumn::of(&path) {
            self.try_column(&column, probe, &mut found)?;
        }
        // A list stands for its elements, and lists in it for theirs.
        let mut level = path;
        for _ in 0..LIST_NESTING_MAX {
            match probe.only_text() {
                Some(text) => self.look_up(probe, &level, text, is_sure, &mut found)?,
                None => self.try_values(probe, &level.prefix(), is_sure, &mut found)?,
            }
            level.element();
        }
        Ok(found)
    }

    /// Tries every distinct value behind `prefix`.
    fn try_values(
        &self,
        probe: &Probe<'_>,
        prefix: &str,
        is_sure: bool,
        found: &mut Candidates,
    ) -> Result<(), Error> {
        let mut stream =
            self.terms.terms().range().ge(prefix).lt(successor(prefix)).into_stream().map_err(read_failed)?;
        while stream.advance() {
            let value = stream.key().get(prefix.len()..).and_then(|value| std::str::from_utf8(value).ok());
            match value.and_then(document::value) {
                Some(TermValue::Whole(value)) => {
                    if probe.holds(value) {
                        add_postings(self.terms, stream.value(), found, is_sure)?;
                    }
                }
                Some(TermValue::Cut(start)) => {
                    let holds = probe.holds_of_start(&start);
                    if holds != Some(false) {
                        add_postings(self.terms, stream.value(), found, is_sure && holds == Some(true))?;
                    }
                }
                None => add_postings(self.terms, stream.value(), found, false)?,
                Some(TermValue::Empty) => {
                    if probe.holds_of_objects() {
                        add_postings(self.terms, stream.value(), found, false)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks up the few terms that can equal `text`.
    fn look_up(
        &self,
        probe: &Probe<'_>,
        path: &TermPath,
        text: &str,
        is_sure: bool,
        found: &mut Candidates,
    ) -> Result<(), Error> {
        let values = [Value::from(text), Value::Bool(true), Value::Bool(false), Value::Null];
        for value in values {
            let tail = path.value_text(&value);
            let is_cut = tail.starts_with('t') && value.is_string();
            if !is_cut && !probe.holds(value) {
                continue;
            }
            let term = path.prefix() + &tail;
            let Some(info) = self.terms.terms().get(&term).map_err(read_failed)? else { continue };
            if is_cut {
                let mut cut = Candidates::exactly(self.none());
                add_postings(self.terms, &info, &mut cut, false)?;
                cut.intersect(&self.saying(text)?);
                found.unite(&cut);
            } else {
                add_postings(self.terms, &info, found, is_sure)?;
            }
        }
        Ok(())
    }

    /// Adds every document whose number in a column makes the predicate hold.
    fn try_column(&self, column: &InColumn, probe: &Probe<'_>, found: &mut Candidates) -> Result<(), Error> {
        let numbers = self.reader.fast_fields().u64(column.name)?;
        let mut tried: HashMap<u64, bool> = HashMap::new();
        for doc in 0..self.reader.max_doc() {
            let Some(number) = numbers.first(doc) else { continue };
            if tried.len() >= TRIED_MAX {
                tried.clear();
            }
            if *tried.entry(number).or_insert_with(|| probe.holds((column.value)(number))) {
                found.possible.insert(doc);
                found.sure.insert(doc);
            }
        }
        Ok(())
    }

    /// Adds every document that a column has a number of.
    pub(super) fn add_in_column(&self, path: &TermPath, found: &mut Candidates) -> Result<(), Error> {
        let Some(column) = InColumn::of(path) else { return Ok(()) };
        let numbers = self.reader.fast_fields().u64(column.name)?;
        for doc in (0..self.reader.max_doc()).filter(|doc| numbers.first(*doc).is_some()) {
            found.possible.insert(doc);
            found.sure.insert(doc);
        }
        Ok(())
    }

    /// Adds every document with a list or an object at a path, for the evaluator to decide.
    fn add_within(&self, path: &str, found: &mut Candidates) -> Result<(), Error> {
        let scalars = path.to_owned() + "\x1f";
        for (first, end) in
            [(path.as_bytes().to_vec(), scalars.clone().into_bytes()), (successor(&scalars), successor(path))]
        {
            let mut stream =
                self.terms.terms().range().ge(first).lt(end).into_stream().map_err(read_failed)?;
            while stream.advance() {
                add_postings(self.terms, stream.value(), found, false)?;
            }
        }
        Ok(())
    }

    /// Adds every document with a value somewhere below a path.
    pub(super) fn add_below(&self, below: &str, found: &mut Candidates, is_sure: bool) -> Result<(), Error> {
        let mut stream =
            self.terms.terms().range().ge(below).lt(successor(below)).into_stream().map_err(read_failed)?;
        while stream.advance() {
            add_postings(self.terms, stream.value(), found, is_sure)?;
        }
        Ok(())
    }
}

/// A field whose values are numbers in a column.
struct InColumn {
    /// The column.
    name: &'static str,
    /// The field's value for a number.
    value: fn(u64) -> Value,
}

impl InColumn {
    fn of(path: &TermPath) -> Option<Self> {
        let (name, value): (_, fn(u64) -> Value) = match path.below() {
            "requestSize\x1e" => ("request", Value::from),
            "responseSize\x1e" => ("response", Value::from),
            // Microseconds, rounded as entries round nanoseconds.
            "elapsedTime\x1e" => ("elapsed", |micros| Value::from(micros.saturating_add(500) / 1_000)),
            "src\x1eport\x1e" => ("port", |port| Value::from(port.to_string())),
            _ => return None,
        };
        Some(Self { name, value })
    }
}
