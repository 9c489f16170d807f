//! Takes values out of the record that an answer shows: `redact("request.headers.Authorization")`.
//!
//! Evidence is not touched: it is the copy that is shown which changes, and what is evaluated afterwards. So
//! `redact("id") and id == 7` finds nothing, as in the original.

use std::borrow::Cow;

use serde_json::Value;

use crate::document::{self, Documents, Record};
use crate::expression::Expression;
use crate::path::{Path, Step};
use crate::resolve::RECORD_DEPTH_MAX;

/// What stands where a value was.
pub const REDACTED: &str = "[REDACTED]";

/// The values to take out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction(pub Vec<Path>);

impl Redaction {
    /// Puts [`REDACTED`] for every value at the paths, also within documents that texts hold. What is not
    /// there stays so.
    pub fn apply(&self, record: &mut Value) {
        for path in &self.0 {
            replace(record, &path.0, RECORD_DEPTH_MAX);
        }
    }
}

fn replace(value: &mut Value, steps: &[Step], depth: usize) {
    let Some((step, rest)) = steps.split_first() else {
        *value = Value::from(REDACTED);
        return;
    };
    match (step, value) {
        (Step::Key(key), Value::Object(fields)) => {
            if let Some(field) = fields.get_mut(key) {
                replace(field, rest, depth);
            }
        }
        (Step::Index(index), Value::Array(elements)) => {
            if let Some(element) = elements.get_mut(*index) {
                replace(element, rest, depth);
            }
        }
        (Step::Every, Value::Array(elements)) => {
            elements.iter_mut().for_each(|element| replace(element, rest, depth));
        }
        (Step::Every, Value::Object(fields)) => {
            fields.values_mut().for_each(|field| replace(field, rest, depth));
        }
        (Step::Recursive(name), value) => replace_below(value, name, rest, depth),
        (Step::Decoded(encoding), Value::String(text)) => {
            if let Some(changed) = document::changed(text, *encoding, |value| replace(value, rest, depth)) {
                *text = changed;
            }
        }
        _ => {}
    }
}

fn replace_below(value: &mut Value, name: &str, steps: &[Step], depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                if key == name {
                    replace(field, steps, depth);
                }
                replace_below(field, name, steps, depth);
            }
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(|element| replace_below(element, name, steps, depth));
        }
        _ => {}
    }
}

impl Expression {
    /// Applies every redaction in it.
    pub(crate) fn redact(&self, record: &mut Value) {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().for_each(|part| part.redact(record)),
            Self::Not(inner) => inner.redact(record),
            Self::Redact(redaction) => redaction.apply(record),
            Self::Comparison { .. } | Self::Truth(_) | Self::Text(_) | Self::Trace(_) => {}
        }
    }
}

/// Whether `expression` holds of `record`, and the record as its redactions leave it.
pub(crate) fn answer<'r>(expression: &Expression, record: &'r Value) -> (bool, Cow<'r, Value>) {
    let mut record = Cow::Borrowed(record);
    let holds = holds(expression, &mut record);
    (holds, record)
}

/// Parts are evaluated in their order, and no further than needed: what is not evaluated redacts nothing.
fn holds(expression: &Expression, record: &mut Cow<'_, Value>) -> bool {
    match expression {
        Expression::Redact(redaction) => {
            redaction.apply(record.to_mut());
            true
        }
        Expression::Or(parts) if expression.redacts() => parts.iter().any(|part| holds(part, record)),
        Expression::And(parts) if expression.redacts() => parts.iter().all(|part| holds(part, record)),
        Expression::Not(inner) if inner.redacts() => !holds(inner, record),
        other => other.holds(Record { root: record, documents: &Documents::default() }),
    }
}
