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

use std::collections::HashMap;

use kfl::{Expression, Literal, Op, Operand, Path, Reach, Step, TextSearch, TraceId, Word};
use serde_json::{Map, Value};
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, InvertedIndexReader, SegmentReader, TERMINATED};

use crate::Error;
use crate::docs::Docs;
use crate::document::{self, END, Fields, INCOMPLETE, TermPath, TermValue, Words};
use crate::entry::{reads_bodies, row_has};
use crate::probe::Probe;
use crate::vocabulary::trace_words;

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
        if let Some(column) = InColumn::of(path) {
            let numbers = self.reader.fast_fields().u64(column.name)?;
            for doc in (0..self.reader.max_doc()).filter(|doc| numbers.first(*doc).is_some()) {
                present.possible.insert(doc);
                present.sure.insert(doc);
            }
        }
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

    /// What holds for some value of a path.
    fn by_values(&self, probe: &Probe<'_>, path: TermPath) -> Result<Candidates, Error> {
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

    /// What says all the words of a search. That they follow one another only the entry itself can tell.
    fn text(&self, search: &TextSearch) -> Result<Candidates, Error> {
        let words = self.reader.inverted_index(self.fields.word)?;
        let mut all = Candidates::exactly(self.all());
        for word in search.words().iter().filter(|word| document::are_kept_always(word)) {
            let mut any = Candidates::exactly(self.none());
            add_word(&words, word, &mut any)?;
            all.intersect(&any);
        }
        // Whether words follow one another only the entry can tell; and some say what the index doesn't keep.
        if search.words().len() > 1 || !search.words().iter().all(document::are_kept_always) {
            all.sure = self.none();
        }
        self.add_incomplete(&words, &mut all)?;
        Ok(all)
    }

    /// What says the digits of a trace id. Where it stands only the entry itself can tell.
    fn trace(&self, id: TraceId) -> Result<Candidates, Error> {
        let words = self.reader.inverted_index(self.fields.word)?;
        let mut found = Candidates::exactly(self.none());
        for word in trace_words(id) {
            if let Some(info) = words.terms().get(&word).map_err(read_failed)? {
                add_postings(&words, &info, &mut found, false)?;
            }
        }
        self.add_incomplete(&words, &mut found)?;
        Ok(found)
    }

    /// Entries whose words are not all there may say anything.
    fn add_incomplete(&self, words: &InvertedIndexReader, found: &mut Candidates) -> Result<(), Error> {
        match words.terms().get(INCOMPLETE).map_err(read_failed)? {
            Some(info) => add_postings(words, &info, found, false),
            None => Ok(()),
        }
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

    /// Entries that may have `text` for a value: they say all its words.
    fn saying(&self, text: &str) -> Result<Candidates, Error> {
        let words = self.reader.inverted_index(self.fields.word)?;
        let mut all = self.anything();
        let Words(sought) = Words::of(&Value::from(text), true);
        for word in sought.split_terminator(END) {
            let mut saying = Candidates::exactly(self.none());
            if let Some(info) = words.terms().get(word).map_err(read_failed)? {
                add_postings(&words, &info, &mut saying, false)?;
            }
            all.intersect(&saying);
        }
        self.add_incomplete(&words, &mut all)?;
        Ok(all)
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
    fn add_below(&self, below: &str, found: &mut Candidates, is_sure: bool) -> Result<(), Error> {
        let mut stream =
            self.terms.terms().range().ge(below).lt(successor(below)).into_stream().map_err(read_failed)?;
        while stream.advance() {
            add_postings(self.terms, stream.value(), found, is_sure)?;
        }
        Ok(())
    }
}

/// Adds every document that says a word of a search.
fn add_word(words: &InvertedIndexReader, word: &Word, found: &mut Candidates) -> Result<(), Error> {
    let dictionary = words.terms();
    match word.reach {
        Reach::Exact => {
            if let Some(info) = dictionary.get(&word.letters).map_err(read_failed)? {
                add_postings(words, &info, found, true)?;
            }
            return Ok(());
        }
        Reach::Prefix | Reach::Fuzzy(_) => {}
    }
    let first = if word.reach == Reach::Prefix { word.letters.as_str() } else { FIRST_WORD };
    let mut stream = dictionary.range().ge(first).into_stream().map_err(read_failed)?;
    while stream.advance() {
        let found_word = std::str::from_utf8(stream.key()).unwrap_or_default();
        if word.reach == Reach::Prefix && !found_word.starts_with(first) {
            break;
        }
        if word.stands_for(found_word) {
            add_postings(words, stream.value(), found, true)?;
        }
    }
    Ok(())
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

/// Values of a column that are remembered while it is read.
const TRIED_MAX: usize = 65_536;
/// No field of an entry nests lists deeper.
const LIST_NESTING_MAX: usize = 4;
/// No word comes before this: those that stand for something else begin with control characters.
const FIRST_WORD: &str = "0";

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
