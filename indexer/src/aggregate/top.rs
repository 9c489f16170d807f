//! Which values of a field are the most common.
//!
//! Where rows hold the field, the term dictionary has every value with the documents that have it: where all
//! documents are answers, how many those are stands there too, and nothing else is read. Values too long for a term,
//! and paths that terms can't tell, are read from rows; what rows leave out, from the segments.

use std::collections::{BTreeSet, HashMap};

use kfl::Query;
use serde_json::Value;
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader, TERMINATED};

use super::Scope;
use super::effort::Halt;
use super::field::FieldPath;
use super::matching::Documents;
use super::walk::{Aggregation, One, Walk};
use crate::Error;
use crate::data::{Coverage, Data};
use crate::docs::Docs;
use crate::document::{self, TermPath, TermValue};
use crate::plan::{self, LIST_NESTING_MAX, successor};

/// Values that are counted apart. Where there are more, the counts of those that came first are right, and the
/// others are counted together.
const DISTINCT_MAX: usize = 200_000;
/// Terms between two looks at what was spent.
const TERMS_PER_CHECK: usize = 1_024;
/// What a value takes beside its text, roughly.
const VALUE_BYTES: u64 = 64;

/// The most common values of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Top {
    /// The most common first, those as common in order of their text.
    pub values: Vec<TopValue>,
    /// How many different values there are, or at least are.
    pub distinct: u64,
    /// Whether there were more than are counted apart; then less common ones may be missing.
    pub is_capped: bool,
    /// Entries that matched.
    pub entries: u64,
    /// Those of them without the field.
    pub without: u64,
    /// What was looked at.
    pub coverage: Coverage,
}

/// A value and how many entries have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopValue {
    /// The value: a text, a number, true or false.
    pub value: Value,
    /// Entries that have it.
    pub count: u64,
}

impl Data {
    /// Finds the most common values of a field; an entry with a list has each value in it, once.
    ///
    /// # Errors
    /// When the directory can't be listed. A segment that can't be read is named in the coverage.
    pub fn top(&self, field: &FieldPath, query: &Query, scope: &Scope, limit: usize) -> Result<Top, Error> {
        let (counted, coverage) = Walk::new(self, query, scope)?.run(&Counting { field });
        let mut counts: Vec<(String, u64)> = counted.counts.into_iter().collect();
        let distinct = counts.len() as u64;
        counts.sort_unstable_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
        counts.truncate(limit);
        let values = counts
            .into_iter()
            .filter_map(|(text, count)| Some(TopValue { value: serde_json::from_str(&text).ok()?, count }));
        Ok(Top {
            values: values.collect(),
            distinct,
            is_capped: counted.is_capped,
            entries: counted.entries,
            without: counted.entries.saturating_sub(counted.with),
            coverage,
        })
    }
}

struct Counting<'f> {
    field: &'f FieldPath,
}

/// Counts by value, as JSON writes it.
#[derive(Default)]
struct Counts {
    counts: HashMap<String, u64>,
    text_bytes: u64,
    is_capped: bool,
    entries: u64,
    /// Those that have the field.
    with: u64,
}

impl Counts {
    fn take(&mut self, value: String, count: u64) {
        if let Some(known) = self.counts.get_mut(&value) {
            *known += count;
        } else if self.counts.len() >= DISTINCT_MAX {
            self.is_capped = true;
        } else {
            self.text_bytes += value.len() as u64;
            self.counts.insert(value, count);
        }
    }

    /// Takes each of the values of one entry; says whether there are any.
    fn take_values(&mut self, values: BTreeSet<String>) -> bool {
        let has_any = !values.is_empty();
        values.into_iter().for_each(|value| self.take(value, 1));
        has_any
    }
}

impl Aggregation for Counting<'_> {
    type Held = Counts;

    fn begin(&self) -> Counts {
        Counts::default()
    }

    fn documents(&self, held: &mut Counts, documents: &Documents<'_>) -> Result<(), Halt> {
        held.entries += u64::from(documents.count);
        match plan::term_path(self.field.path(), documents.reader, documents.ready.fields)? {
            Some(path) => self.by_terms(path, held, documents),
            None => self.by_rows(held, documents),
        }
    }

    fn entry(&self, held: &mut Counts, one: &One<'_>) {
        held.entries += 1;
        held.with += u64::from(held.take_values(self.values(one.entry, |_| true)));
    }

    fn merge(&self, into: &mut Counts, other: Counts) {
        into.entries += other.entries;
        into.with += other.with;
        into.is_capped |= other.is_capped;
        if into.counts.is_empty() {
            (into.counts, into.text_bytes) = (other.counts, other.text_bytes);
            return;
        }
        // Sorted, so that which values are counted apart doesn't depend on chance alone.
        let mut counts: Vec<_> = other.counts.into_iter().collect();
        counts.sort_unstable_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
        counts.into_iter().for_each(|(value, count)| into.take(value, count));
    }

    fn bytes(&self, held: &Counts) -> u64 {
        held.counts.len() as u64 * VALUE_BYTES + held.text_bytes
    }

    fn needs_bodies(&self) -> bool {
        self.field.reads_bodies()
    }
}

impl Counting<'_> {
    /// The different values of one entry that are wanted.
    fn values(&self, entry: &Value, is_wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
        let mut values = BTreeSet::new();
        self.field.values(entry, &mut |value| {
            if is_wanted(value) {
                values.insert(value.to_string());
            }
        });
        values
    }

    fn by_rows(&self, held: &mut Counts, documents: &Documents<'_>) -> Result<(), Halt> {
        documents.rows(&documents.docs, &mut |_, row| {
            held.with += u64::from(held.take_values(self.values(&row, |_| true)));
        })
    }

    fn by_terms(&self, mut path: TermPath, held: &mut Counts, documents: &Documents<'_>) -> Result<(), Halt> {
        let terms = documents.reader.inverted_index(documents.ready.fields.term)?;
        let mut lookup = Lookup {
            terms: &terms,
            documents,
            with: Docs::none(documents.reader.max_doc()),
            cut: Docs::none(documents.reader.max_doc()),
        };
        let whole = path.clone();
        // Where a path has one value at most, the dictionary's counts tell how many entries have it.
        let is_single = documents.are_all() && lookup.has_no_elements(&path)?;
        for _ in 0..=LIST_NESTING_MAX {
            lookup.level(&path.prefix(), is_single, held)?;
            path.element();
        }
        let cut = lookup.cut;
        let is_cut = |value: &Value| whole.value_text(value).starts_with('t') && value.is_string();
        documents.rows(&cut, &mut |_, row| {
            held.take_values(self.values(&row, is_cut));
        })?;
        lookup.with.unite(&cut);
        held.with += u64::from(lookup.with.count());
        Ok(())
    }
}

/// What the term dictionary of an index segment says of answers.
struct Lookup<'a> {
    terms: &'a InvertedIndexReader,
    documents: &'a Documents<'a>,
    /// Answers that have a value, where they are looked at one by one.
    with: Docs,
    /// Answers with a value that is too long for a term.
    cut: Docs,
}

impl Lookup<'_> {
    fn has_no_elements(&self, path: &TermPath) -> Result<bool, Halt> {
        let mut elements = path.clone();
        elements.element();
        let is_list = path.below().contains("[]");
        let mut stream = self.terms.terms().range().ge(elements.below()).into_stream()?;
        let has_elements = stream.advance() && stream.key().starts_with(elements.below().as_bytes());
        Ok(!is_list && !has_elements)
    }

    /// Counts every value behind `prefix`.
    fn level(&mut self, prefix: &str, is_single: bool, held: &mut Counts) -> Result<(), Halt> {
        let mut stream = self.terms.terms().range().ge(prefix).lt(successor(prefix)).into_stream()?;
        let mut seen = 0_usize;
        while stream.advance() {
            seen += 1;
            if seen.is_multiple_of(TERMS_PER_CHECK) {
                self.documents.effort.check()?;
            }
            let text = stream.key().get(prefix.len()..).and_then(|text| std::str::from_utf8(text).ok());
            match text.and_then(document::value) {
                Some(TermValue::Whole(Value::Null)) | Some(TermValue::Empty) => {}
                Some(TermValue::Whole(value)) if is_single => {
                    let count = u64::from(stream.value().doc_freq);
                    held.with += count;
                    held.take(value.to_string(), count);
                }
                Some(TermValue::Whole(value)) => {
                    let count = answers(self.terms, stream.value(), &self.documents.docs, &mut self.with)?;
                    if count > 0 {
                        held.take(value.to_string(), count);
                    }
                }
                Some(TermValue::Cut(_)) | None => {
                    answers(self.terms, stream.value(), &self.documents.docs, &mut self.cut)?;
                }
            }
        }
        Ok(())
    }
}

/// How many of the documents of a term are answers; adds those to `found`.
fn answers(terms: &InvertedIndexReader, info: &TermInfo, docs: &Docs, found: &mut Docs) -> Result<u64, Halt> {
    let mut postings = terms.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
    let mut count = 0;
    while postings.doc() != TERMINATED {
        if docs.contains(postings.doc()) {
            found.insert(postings.doc());
            count += 1;
        }
        postings.advance();
    }
    Ok(count)
}
