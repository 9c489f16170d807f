//! From an expression to the documents that may satisfy it.
//!
//! The answer is two sets: documents that surely satisfy it, and those that possibly do. What is in both is an
//! answer without being looked at; of what is only possible the evaluator decides. So an answer never depends on what
//! happens to be indexed.
//!
//! A predicate on one path is put to the term dictionary: every distinct value that the path has in the
//! index is tried once with the evaluator itself, and the postings of those that hold are united. The index
//! thus needs no semantics of its own: equality, order, regular expressions and text functions all come
//! from `kfl`.

mod values;
mod words;

use kfl::{Expression, Literal, Op, Operand, Path, Step};
use serde_json::{Map, Value};
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader, SegmentReader, TERMINATED};

use crate::Error;
use crate::docs::Docs;
use crate::document::{Fields, TermPath};
use crate::entry::{reads_bodies, row_has};
use crate::probe::Probe;

/// Documents that surely and that possibly satisfy an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidates {
    /// These do.
    pub sure: Docs,
    /// No other does.
    pub possible: Docs,
}

impl Candidates {
    fn exactly(docs: Docs) -> Self {
        Self { sure: docs.clone(), possible: docs }
    }

    fn unite(&mut self, other: &Self) {
        self.sure.unite(&other.sure);
        self.possible.unite(&other.possible);
    }

    fn intersect(&mut self, other: &Self) {
        self.sure.intersect(&other.sure);
        self.possible.intersect(&other.possible);
    }

    fn invert(self) -> Self {
        let Self { sure: mut possible, possible: mut sure } = self;
        possible.invert();
        sure.invert();
        Self { sure, possible }
    }
}

/// Whether an expression leaves nothing out: the empty query.
#[must_use]
pub fn is_all(expression: &Expression) -> bool {
    matches!(expression, Expression::Truth(Operand::Literal(Literal::Bool(true))))
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
    Planner { reader, terms: &terms, fields }.plan(expression)
}

/// How terms spell a path; `None` where they can't tell all that lies there.
///
/// # Errors
/// When the index can't be read.
pub fn term_path(path: &Path, reader: &SegmentReader, fields: Fields) -> Result<Option<TermPath>, Error> {
    let terms = reader.inverted_index(fields.term)?;
    let term_path = Planner { reader, terms: &terms, fields }.term_path(path)?;
    Ok(term_path.filter(|path| path.is_exact() && !path.is_in_column()))
}

struct Planner<'a> {
    reader: &'a SegmentReader,
    terms: &'a InvertedIndexReader,
    fields: Fields,
}

impl Planner<'_> {
    fn plan(&self, expression: &Expression) -> Result<Candidates, Error> {
        match expression {
            Expression::And(parts) => {
                let mut all = Candidates::exactly(self.all());
                for part in parts {
                    all.intersect(&self.plan(part)?);
                    // What comes behind a redaction is asked of a record that the index doesn't know.
                    if part.redacts() {
                        all.sure = self.none();
                        break;
                    }
                }
                Ok(all)
            }
            Expression::Or(_) if expression.redacts() => Ok(self.anything()),
            Expression::Or(parts) => {
                let mut any = Candidates::exactly(self.none());
                for part in parts {
                    any.unite(&self.plan(part)?);
                }
                Ok(any)
            }
            Expression::Not(inner) => Ok(self.plan(inner)?.invert()),
            Expression::Text(search) => self.text(search),
            Expression::Trace(id) => self.trace(*id),
            Expression::Redact(_) => Ok(self.anything()),
            Expression::Comparison { .. } | Expression::Truth(_) => self.predicate(expression),
        }
    }

    fn all(&self) -> Docs {
        Docs::all(self.reader.max_doc())
    }

    fn none(&self) -> Docs {
        Docs::none(self.reader.max_doc())
    }

    fn anything(&self) -> Candidates {
        Candidates { sure: self.none(), possible: self.all() }
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
                return Ok(Candidates::exactly(if holds { self.all() } else { self.none() }));
            }
            return Ok(self.anything());
        };
        if path.keys().is_some_and(|keys| keys == ["timestamp"]) {
            return self.by_time(predicate);
        }
        let Some(term_path) = self.term_path(path)? else { return Ok(self.anything()) };
        if let Some((equal, op)) = needs_presence(predicate) {
            return self.by_presence(&Probe::new(&equal, path), &term_path, op);
        }
        let probe = Probe::new(predicate, path);
        if probe.needs_a_value() { self.by_values(&probe, term_path) } else { Ok(self.anything()) }
    }

    /// `!=` and `== nil`, which ask whether something is there, too.
    fn by_presence(&self, equal: &Probe<'_>, path: &TermPath, op: Op) -> Result<Candidates, Error> {
        if !path.is_exact() {
            return Ok(self.anything());
        }
        let equal = self.by_values(equal, path.clone())?;
        let mut present = Candidates::exactly(self.none());
        self.add_below(path.below(), &mut present, true)?;
        self.add_in_column(path, &mut present)?;
        Ok(if op == Op::Ne {
            let mut differs = equal.invert();
            differs.intersect(&present);
            differs
        } else {
            let mut missing = present.invert();
            missing.unite(&equal);
            missing
        })
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
        Ok(Candidates::exactly(docs))
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
        let is_left_out = reads_bodies(path) || !row_has(path);
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
}

fn add_postings(
    terms: &InvertedIndexReader,
    info: &TermInfo,
    found: &mut Candidates,
    is_sure: bool,
) -> Result<(), Error> {
    let postings = terms.read_postings_from_terminfo(info, IndexRecordOption::Basic);
    let mut postings = postings.map_err(read_failed)?;
    while postings.doc() != TERMINATED {
        found.possible.insert(postings.doc());
        if is_sure {
            found.sure.insert(postings.doc());
        }
        postings.advance();
    }
    Ok(())
}

/// What `!=` and `== nil` say of a value that is there, and which of them it is: both also ask whether there is one.
fn needs_presence(predicate: &Expression) -> Option<(Expression, Op)> {
    let Expression::Comparison { left, op, right } = predicate else { return None };
    let equal = Expression::Comparison { left: left.clone(), op: Op::Eq, right: right.clone() };
    let asks_nil = [left, right].into_iter().any(|side| matches!(side, Operand::Literal(Literal::Nil)));
    let has_path = [left, right].into_iter().any(|side| matches!(side, Operand::Path(_)));
    // `!= nil` would need both.
    let is_simple = has_path && (asks_nil == (*op == Op::Eq));
    (is_simple && matches!(op, Op::Eq | Op::Ne)).then_some((equal, *op))
}

/// No field of an entry nests lists deeper.
pub const LIST_NESTING_MAX: usize = 4;

/// The first text after all that begin with `prefix`; prefixes end in a control character.
pub fn successor(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last = last.saturating_add(1);
    }
    bytes
}

fn read_failed(error: std::io::Error) -> Error {
    Error::Index(error.into())
}
