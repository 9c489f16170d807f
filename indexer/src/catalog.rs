//! The fields that entries have, and which values they hold in a recording: for completions and for the check of names.
//!
//! Fields come from the descriptions of the protocols, so they are known without a recording. Values are read off the
//! term dictionaries of the latest indexes, which count entries by value anyway; no entry is read.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use kfl::{Catalog, Field};
use serde_json::Value;
use store::{State, Summary};

use crate::Error;
use crate::data::Data;
use crate::document::{self, TermPath, TermValue};
use crate::entry::{ALL, COMMON};
use crate::opened::{FileKey, Ready};

/// So many values of a field are given: more nobody reads.
const VALUES_MAX: usize = 20;
/// So many of the latest indexes are looked at: who completes a query waits for the answer.
const INDEXES_MAX: usize = 4;
/// So many distinct values of a field are counted in one part of an index; beyond that, its values rarely repeat.
const TERMS_MAX: usize = 20_000;

/// What entries may hold; with a recording at hand, also what they do hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct FieldCatalog<'d> {
    data: Option<&'d Data>,
}

impl<'d> FieldCatalog<'d> {
    /// Fields only.
    #[must_use]
    pub fn without_values() -> Self {
        Self { data: None }
    }

    /// Fields, and the values that they have in a recording.
    #[must_use]
    pub fn of(data: &'d Data) -> Self {
        Self { data: Some(data) }
    }
}

impl Catalog for FieldCatalog<'_> {
    /// The fields of all entries, then those of each protocol; what several have is told once.
    fn fields(&self) -> Vec<Field<'_>> {
        let mut known = HashSet::new();
        let described = COMMON.iter().chain(ALL.iter().flat_map(|protocol| protocol.fields));
        described
            .filter(|field| known.insert(field.path))
            .map(|field| Field { path: field.path, meaning: field.meaning })
            .collect()
    }

    /// The most frequent first. An index that can't be read offers nothing: completions are no evidence.
    fn values(&self, path: &str) -> Vec<Value> {
        let Some(data) = self.data else { return Vec::new() };
        let Ok((mut segments, _)) = data.segments() else { return Vec::new() };
        segments.sort_by_key(|segment| Reverse(segment.last()));
        let mut counts = HashMap::new();
        // Neighbours may share an index.
        let mut known = HashSet::new();
        segments.retain(|segment| {
            let file = std::fs::metadata(data.layout().index(&segment.id)).ok();
            file.is_none_or(|file| known.insert(FileKey::of(&file)))
        });
        let indexes = segments.iter().filter_map(|segment| open(data, segment)).take(INDEXES_MAX);
        for index in indexes {
            for prefix in prefixes(path) {
                // What was counted before the damage is as good as what was not.
                let _ = count(&index, &prefix, &mut counts);
            }
        }
        most_frequent(counts)
    }
}

/// A segment's index, finished or growing; `None` without one.
fn open(data: &Data, segment: &Summary) -> Option<Ready> {
    match segment.state {
        State::Indexed => data.finished_index(&segment.id).ok()?.ready().ok().cloned(),
        State::Open | State::Sealed => data.growing_index(&segment.id).ok(),
    }
}

/// What the terms of a field's values begin with: a list stands for its elements.
fn prefixes(path: &str) -> [String; 2] {
    let mut term_path = TermPath::default();
    for part in path.split('.') {
        if part == "*" { term_path.element() } else { term_path.key(part) }
    }
    let own = term_path.prefix();
    term_path.element();
    [own, term_path.prefix()]
}

/// Adds up in how many entries each value stands behind `prefix`.
fn count(index: &Ready, prefix: &str, counts: &mut HashMap<String, u64>) -> Result<(), Error> {
    let Ready { searcher, fields } = index;
    for part in searcher.segment_readers() {
        let terms = part.inverted_index(fields.term)?;
        let read_failed = |error: std::io::Error| Error::Index(error.into());
        let mut stream = terms.terms().range().ge(prefix).into_stream().map_err(read_failed)?;
        for _ in 0..TERMS_MAX {
            if !stream.advance() || !stream.key().starts_with(prefix.as_bytes()) {
                break;
            }
            let value = stream.key().get(prefix.len()..).and_then(|value| std::str::from_utf8(value).ok());
            if let Some(value) = value {
                *counts.entry(value.to_owned()).or_default() += u64::from(stream.value().doc_freq);
            }
        }
    }
    Ok(())
}

/// The values with the highest counts, the highest first; equal ones in the order of their spelling.
fn most_frequent(counts: HashMap<String, u64>) -> Vec<Value> {
    let mut counted: Vec<_> = counts.into_iter().collect();
    counted.sort_unstable_by(|(one, ones), (other, others)| others.cmp(ones).then_with(|| one.cmp(other)));
    let values = counted.iter().filter_map(|(text, _)| match document::value(text)? {
        TermValue::Whole(value) => Some(value),
        TermValue::Cut(_) | TermValue::Empty => None,
    });
    values.take(VALUES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_told_once() {
        let catalog = FieldCatalog::without_values();
        let fields = catalog.fields();
        let paths: HashSet<_> = fields.iter().map(|field| field.path).collect();
        assert_eq!(paths.len(), fields.len());
        assert!(paths.contains("src.ip") && paths.contains("response.status"));
        assert!(catalog.values("src.ip").is_empty());
    }

    #[test]
    fn the_most_frequent_come_first_and_cut_ones_are_left_out() {
        let counts = [("sb", 2), ("n7", 2), ("sa", 9), ("tlong", 99)];
        let counts = counts.map(|(text, count)| (text.to_owned(), count)).into();
        assert_eq!(most_frequent(counts), [Value::from("a"), Value::from(7), Value::from("b")]);
    }
}
