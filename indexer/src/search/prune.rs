//! Whether an index can hold an answer, told from what is looked at before it is opened.

use kfl::{Expression, Path, Step};

use crate::Error;
use crate::document::{self, TermPath, TermValue};
use crate::entry::{reads_bodies, row_has};
use crate::filter;
use crate::opened::Opened;
use crate::probe::Probe;
use crate::vocabulary::Values;

/// Why an index stays closed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// None of its entries began in the range asked for.
    Time,
    /// A field that is asked for has none of the values that would do: protocol, status, name, namespace, node …
    Values,
    /// It has not the address.
    Address,
    /// It has not the trace id.
    Trace,
}

impl Reason {
    /// As plans call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Values => "values",
            Self::Address => "address",
            Self::Trace => "trace",
        }
    }
}

/// Why no entry of an index can satisfy the expression; `None` if one may.
///
/// # Errors
/// When what is looked at is damaged.
pub fn rules_out(expression: &Expression, index: &Opened) -> Result<Option<Reason>, Error> {
    match expression {
        Expression::And(parts) => {
            for part in parts {
                // What comes behind a redaction is asked of a record that the index doesn't know.
                if part.redacts() {
                    return Ok(None);
                }
                if let Some(reason) = rules_out(part, index)? {
                    return Ok(Some(reason));
                }
            }
            Ok(None)
        }
        Expression::Or(_) if expression.redacts() => Ok(None),
        Expression::Or(parts) => {
            let mut first = None;
            for part in parts {
                match rules_out(part, index)? {
                    Some(reason) => first = first.or(Some(reason)),
                    None => return Ok(None),
                }
            }
            Ok(first)
        }
        Expression::Trace(id) => {
            let traces = index.bundle().traces()?;
            let words = filter::trace_words(*id);
            let may_have =
                traces.is_none_or(|traces| words.iter().any(|word| filter::may_have(&traces, word)));
            Ok(Some(Reason::Trace).filter(|_| !may_have))
        }
        Expression::Comparison { .. } | Expression::Truth(_) => predicate(expression, index),
        Expression::Not(_) | Expression::Text(_) | Expression::Redact(_) => Ok(None),
    }
}

/// A predicate on one path that needs a value which the index hasn't.
fn predicate(predicate: &Expression, index: &Opened) -> Result<Option<Reason>, Error> {
    let paths = predicate.paths();
    let [path] = paths.as_slice() else { return Ok(None) };
    let probe = Probe::new(predicate, path);
    let Some(term_path) = plain_path(path) else { return Ok(None) };
    if predicate.reads_everything()
        || !probe.needs_a_value()
        || probe.holds_of_objects()
        || probe.is_bare_path()
    {
        return Ok(None);
    }
    let vocabulary = index.vocabulary()?;
    // What lies below may be the elements of a list, which stands for them.
    let mut elements = term_path.clone();
    elements.element();
    if vocabulary.has_below(elements.below()) {
        return Ok(None);
    }
    match vocabulary.values(term_path.below()) {
        Values::All(values) => {
            let may_hold = values.iter().any(|value| match document::value(value) {
                Some(TermValue::Whole(value)) => probe.holds(value),
                Some(TermValue::Cut(_)) | None => true,
                Some(TermValue::Empty) => false,
            });
            Ok(Some(Reason::Values).filter(|_| !may_hold))
        }
        Values::Many => {
            let is_absent =
                probe.only_text().is_some_and(|text| !vocabulary.may_have_address(term_path.below(), text));
            Ok(Some(Reason::Address).filter(|_| is_absent))
        }
    }
}

/// How terms spell a path of names; `None` for any other, and for what rows haven't.
fn plain_path(path: &Path) -> Option<TermPath> {
    let mut term_path = TermPath::default();
    for step in &path.0 {
        let Step::Key(key) = step else { return None };
        term_path.key(key);
    }
    Some(term_path)
        .filter(|term_path| term_path.is_indexed() && term_path.is_exact() && !term_path.is_in_column())
        .filter(|_| row_has(path) && !reads_bodies(path))
}
