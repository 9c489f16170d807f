//! From an expression to the documents that may satisfy it.
//!
//! The answer is always a superset; it says whether it is exact. Where it is, the evaluator need not look
//! at the documents again; where it is not, the evaluator decides. So an answer never depends on what
//! happens to be indexed.
//!
//! A predicate on one path is put to the term dictionary: every distinct value that the path has in the
//! index is tried once with the evaluator itself, and the postings of those that hold are united. The index
//! thus needs no semantics of its own: equality, order, regular expressions and text functions all come
//! from `kfl`.

use kfl::{Expression, Literal, Op, Operand, Path, Step};
use serde_json::{Map, Value};
use tantivy::postings::Postings;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader, SegmentReader, TERMINATED};

use crate::Error;
use crate::docs::Docs;
use crate::document::{self, Fields, TermPath, TermValue};
use crate::entry::{is_constant, reads_bodies};

/// Documents that may satisfy an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidates {
    /// A superset of the documents that do.
    pub docs: Docs,
    /// Whether it is exactly those.
    pub exact: bool,
}

/// Plans an expression over one index segment.
///
/// # Errors
/// When the index can't be read.
pub fn candidates(
    expression: &Expression,
    reader: &SegmentReader,
    fields: Fields,
) -> Result<Candidates, Error> {
    let terms = reader.inverted_index(fields.term)?;
    Planner { reader, terms: &terms }.plan(expression)
}

struct Planner<'a> {
    reader: &'a SegmentReader,
    terms: &'a InvertedIndexReader,
}

impl Planner<'_> {
    fn plan(&self, expression: &Expression) -> Result<Candidates, Error> {
        let count = self.reader.max_doc();
        match expression {
            Expression::And(parts) => {
                let mut all = Candidates { docs: Docs::all(count), exact: true };
                for part in parts {
                    let planned = self.plan(part)?;
                    all.docs.intersect(&planned.docs);
                    all.exact &= planned.exact;
                    // What comes behind a redaction is asked of a record that the index doesn't know.
                    if part.redacts() {
                        all.exact = false;
                        break;
                    }
                }
                Ok(all)
            }
            Expression::Or(_) if expression.redacts() => Ok(self.anything()),
            Expression::Or(parts) => {
                let mut any = Candidates { docs: Docs::none(count), exact: true };
                for part in parts {
                    let part = self.plan(part)?;
                    any.docs.unite(&part.docs);
                    any.exact &= part.exact;
                }
                Ok(any)
            }
            // The complement of a superset is no superset.
            Expression::Not(inner) => match self.plan(inner)? {
                Candidates { mut docs, exact: true } => {
                    docs.invert();
                    Ok(Candidates { docs, exact: true })
                }
                _ => Ok(self.anything()),
            },
            // No term tells what a record says as a whole.
            Expression::Text(_) | Expression::Trace(_) | Expression::Redact(_) => Ok(self.anything()),
            Expression::Comparison { .. } | Expression::Truth(_) => self.predicate(expression),
        }
    }

    fn anything(&self) -> Candidates {
        Candidates { docs: Docs::all(self.reader.max_doc()), exact: false }
    }

    /// A comparison, function or bare operand.
    fn predicate(&self, predicate: &Expression) -> Result<Candidates, Error> {
        if predicate.reads_everything() {
            return Ok(self.anything());
        }
        let paths = predicate.paths();
        let [path] = paths.as_slice() else {
            if paths.is_empty() {
                let holds = predicate.matches(&Value::Null);
                let count = self.reader.max_doc();
                let docs = if holds { Docs::all(count) } else { Docs::none(count) };
                return Ok(Candidates { docs, exact: true });
            }
            return Ok(self.anything());
        };
        if path.keys().is_some_and(|keys| keys == ["timestamp"]) {
            return self.by_time(predicate);
        }
        let probe = Probe { predicate, path };
        let Some(term_path) = self.term_path(path)?.filter(|_| probe.needs_a_scalar()) else {
            return Ok(self.anything());
        };
        let exact = term_path.is_exact() && !probe.is_bare_path();
        let mut found = Candidates { docs: Docs::none(self.reader.max_doc()), exact };
        if probe.is_bare_path() {
            // A list is true if it has elements, whatever they are.
            let mut elements = term_path.clone();
            elements.element();
            self.add_below(elements.below(), &mut found)?;
        }
        // A list stands for its elements, and lists in it for theirs.
        let mut level = term_path;
        for _ in 0..LIST_NESTING_MAX {
            match probe.only_text() {
                Some(text) => self.look_up(&probe, &level, text, &mut found)?,
                None => self.try_values(&probe, &level.prefix(), &mut found)?,
            }
            level.element();
        }
        Ok(found)
    }

    /// The column knows the milliseconds of every document.
    fn by_time(&self, predicate: &Expression) -> Result<Candidates, Error> {
        let time = self.reader.fast_fields().i64("time")?;
        let mut docs = Docs::none(self.reader.max_doc());
        let mut known: Option<(i64, bool)> = None;
        for doc in 0..self.reader.max_doc() {
            let Some(ns) = time.first(doc) else { continue };
            let millis = ns.div_euclid(1_000_000);
            let holds = match known {
                Some((last, holds)) if last == millis => holds,
                _ => {
                    let mut record = Map::new();
                    record.insert("timestamp".into(), millis.into());
                    predicate.matches(&record.into())
                }
            };
            known = Some((millis, holds));
            if holds {
                docs.insert(doc);
            }
        }
        Ok(Candidates { docs, exact: true })
    }

    /// How terms spell a path; `None` where they can't tell what lies there.
    fn term_path(&self, path: &Path) -> Result<Option<TermPath>, Error> {
        let mut term_path = TermPath::default();
        for step in &path.0 {
            match step {
                Step::Key(key) => term_path.key(key),
                Step::Index(_) => term_path.one_element(),
                Step::Every if self.is_list(&term_path)? => term_path.element(),
                Step::Every | Step::Recursive(_) | Step::Decoded(_) => return Ok(None),
            }
        }
        let is_left_out = reads_bodies(path) || is_constant_protocol(path);
        Ok(Some(term_path).filter(|path| path.is_indexed() && !is_left_out))
    }

    /// Whether everything in the index below a path is the elements of a list.
    fn is_list(&self, path: &TermPath) -> Result<bool, Error> {
        let mut elements = path.clone();
        elements.element();
        let mut stream = self
            .terms
            .terms()
            .range()
            .ge(path.below())
            .lt(elements.below())
            .into_stream()
            .map_err(read_failed)?;
        if stream.advance() && stream.key().starts_with(path.below().as_bytes()) {
            return Ok(false);
        }
        let after = successor(elements.below());
        let mut stream = self.terms.terms().range().ge(&after).into_stream().map_err(read_failed)?;
        Ok(!(stream.advance() && stream.key().starts_with(path.below().as_bytes())))
    }

    /// Tries every distinct value behind `prefix`.
    fn try_values(&self, probe: &Probe<'_>, prefix: &str, found: &mut Candidates) -> Result<(), Error> {
        let mut stream =
            self.terms.terms().range().ge(prefix).lt(successor(prefix)).into_stream().map_err(read_failed)?;
        while stream.advance() {
            let value = stream.key().get(prefix.len()..).and_then(|value| std::str::from_utf8(value).ok());
            let holds = match value.and_then(document::value) {
                Some(TermValue::Whole(value)) => probe.holds(value),
                Some(TermValue::Cut) | None => {
                    found.exact = false;
                    true
                }
            };
            if holds {
                self.add_postings(stream.value(), &mut found.docs)?;
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
        found: &mut Candidates,
    ) -> Result<(), Error> {
        let values = [Value::from(text), Value::Bool(true), Value::Bool(false), Value::Null];
        for value in values {
            let tail = document::value_text(&value);
            let is_cut = tail.starts_with('t') && value.is_string();
            if !is_cut && !probe.holds(value) {
                continue;
            }
            let term = path.prefix() + &tail;
            if let Some(info) = self.terms.terms().get(&term).map_err(read_failed)? {
                found.exact &= !is_cut;
                self.add_postings(&info, &mut found.docs)?;
            }
        }
        Ok(())
    }

    /// Adds every document with a value somewhere below a path.
    fn add_below(&self, below: &str, found: &mut Candidates) -> Result<(), Error> {
        let mut stream =
            self.terms.terms().range().ge(below).lt(successor(below)).into_stream().map_err(read_failed)?;
        while stream.advance() {
            self.add_postings(stream.value(), &mut found.docs)?;
        }
        Ok(())
    }

    fn add_postings(&self, info: &tantivy::postings::TermInfo, docs: &mut Docs) -> Result<(), Error> {
        let postings = self.terms.read_postings_from_terminfo(info, IndexRecordOption::Basic);
        let mut postings = postings.map_err(read_failed)?;
        debug_assert!(postings.term_freq() >= 1 || postings.doc() == TERMINATED);
        while postings.doc() != TERMINATED {
            docs.insert(postings.doc());
            postings.advance();
        }
        Ok(())
    }
}

/// A predicate on one path, to be tried on values.
struct Probe<'a> {
    predicate: &'a Expression,
    path: &'a Path,
}

impl Probe<'_> {
    /// Whether the predicate holds of a record that has `value` at the path and nothing else.
    fn holds(&self, value: Value) -> bool {
        let record = self.path.0.iter().rev().fold(value, |inner, step| match step {
            Step::Key(key) => Value::Object(Map::from_iter([(key.clone(), inner)])),
            Step::Index(index) => {
                // Only the element counts; the ones before it are never looked at.
                let mut elements = vec![Value::Null; (*index).min(INDEX_MAX)];
                elements.push(inner);
                elements.into()
            }
            Step::Every | Step::Recursive(_) => vec![inner].into(),
            // Never tried: no term holds what a document says.
            Step::Decoded(_) => inner,
        });
        self.predicate.matches(&record)
    }

    /// Whether it holds only where some single scalar makes it hold: only then terms can tell all that satisfy it.
    fn needs_a_scalar(&self) -> bool {
        let has_large_index =
            self.path.0.iter().any(|step| matches!(step, Step::Index(index) if *index > INDEX_MAX));
        let by_any = self.predicate.decided_by_any().is_some() || self.is_bare_path();
        by_any && !has_large_index && !self.holds(Value::Object(Map::new()))
    }

    fn is_bare_path(&self) -> bool {
        matches!(self.predicate, Expression::Truth(Operand::Path(_)))
    }

    /// The text of a comparison with a text that looks like no number: no other scalar can equal it, but
    /// for the words `true`, `false` and `null`.
    fn only_text(&self) -> Option<&str> {
        match self.predicate {
            Expression::Comparison {
                left: Operand::Path(_),
                op: Op::Eq,
                right: Operand::Literal(Literal::Text(text)),
            }
            | Expression::Comparison {
                left: Operand::Literal(Literal::Text(text)),
                op: Op::Eq,
                right: Operand::Path(_),
            } => Some(text.as_str()).filter(|text| text.trim().parse::<f64>().is_err()),
            _ => None,
        }
    }
}

/// No field of an entry nests lists deeper.
const LIST_NESTING_MAX: usize = 4;
/// A larger index into a list is not looked up.
const INDEX_MAX: usize = 64;

/// `protocol.longName` and the like are put back when an entry leaves; rows and terms don't have them.
fn is_constant_protocol(path: &Path) -> bool {
    match path.0.as_slice() {
        [Step::Key(first), Step::Key(second), ..] => first == "protocol" && is_constant(second),
        [Step::Key(first), ..] => first == "protocol",
        _ => false,
    }
}

/// The first text after all that begin with `prefix`; prefixes end in a control character.
fn successor(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last = last.saturating_add(1);
    }
    bytes
}

fn read_failed(error: std::io::Error) -> Error {
    Error::Index(error.into())
}
