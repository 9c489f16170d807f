//! A predicate on one path, tried on single values: what the term dictionary is asked with.

use kfl::{Expression, Literal, Op, Operand, Path, Step, TextFunction};
use serde_json::{Map, Value};

/// A larger index into a list is not looked up.
const INDEX_MAX: usize = 64;

/// A predicate on one path, to be tried on values.
pub struct Probe<'a> {
    predicate: &'a Expression,
    path: &'a Path,
    /// Where a value can be compared without making a record of it: how, and with what.
    direct: Option<(Op, &'a Operand)>,
}

impl<'a> Probe<'a> {
    /// `predicate` reads `path` and no other.
    #[must_use]
    pub fn new(predicate: &'a Expression, path: &'a Path) -> Self {
        let direct = match predicate {
            Expression::Comparison { left: Operand::Path(_), op, right } if is_fixed(right) => {
                Some((*op, right))
            }
            Expression::Comparison { left, op, right: Operand::Path(_) } if is_fixed(left) => {
                Some((op.swapped(), left))
            }
            _ => None,
        };
        Self { predicate, path, direct }
    }

    /// Whether the predicate holds of a record that has `value` at the path and nothing else.
    #[must_use]
    pub fn holds(&self, value: Value) -> bool {
        if let Some((op, operand)) = self.direct {
            return kfl::compare_scalar(&value, op, operand);
        }
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

    /// Whether it holds only where some single value makes it hold: only then terms can tell all that satisfy it.
    #[must_use]
    pub fn needs_a_value(&self) -> bool {
        let has_large_index =
            self.path.0.iter().any(|step| matches!(step, Step::Index(index) if *index > INDEX_MAX));
        let by_any = self.predicate.decided_by_any().is_some() || self.is_bare_path();
        by_any && !has_large_index
    }

    /// Whether it holds where an object is, which compares as zero.
    #[must_use]
    pub fn holds_of_objects(&self) -> bool {
        self.holds(Value::Object(Map::new()))
    }

    /// Whether the predicate holds of a text that begins with `start` and goes on; `None` if that doesn't tell.
    #[must_use]
    pub fn holds_of_start(&self, start: &str) -> Option<bool> {
        let Expression::Truth(Operand::Call(call)) = self.predicate else { return None };
        let Operand::Literal(Literal::Text(sought)) = call.argument.as_ref() else { return None };
        match call.function {
            TextFunction::StartsWith if start.starts_with(sought.as_str()) => Some(true),
            TextFunction::StartsWith if !sought.starts_with(start) => Some(false),
            TextFunction::Contains if start.contains(sought.as_str()) => Some(true),
            _ => None,
        }
    }

    /// Whether it asks whether what is there is true.
    #[must_use]
    pub fn is_bare_path(&self) -> bool {
        matches!(self.predicate, Expression::Truth(Operand::Path(_)))
    }

    /// The text of a comparison with a text that looks like no number: no other scalar can equal it, but
    /// for the words `true`, `false` and `null`.
    #[must_use]
    pub fn only_text(&self) -> Option<&str> {
        match self.direct {
            Some((Op::Eq, Operand::Literal(Literal::Text(text)))) => {
                Some(text.as_str()).filter(|text| text.trim().parse::<f64>().is_err())
            }
            _ => None,
        }
    }
}

/// Whether values can be compared with it one by one.
fn is_fixed(operand: &Operand) -> bool {
    matches!(operand, Operand::Literal(_) | Operand::Regex(_) | Operand::Range(_) | Operand::Network(_))
}
