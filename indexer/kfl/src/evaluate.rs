//! Decides whether a record matches.
//!
//! **Lists.** A path may give many values: through `.*` and `..name`, and because a list always
//! stands for its elements. Then
//!
//! - `==`, `<`, `<=`, `>`, `>=`, a match and a text function hold if they hold for **any** of the values;
//! - `!=` holds if **none** of the values is equal (so it is `!(… == …)`, save for a missing path);
//! - between two lists, `==` asks whether they have the same elements in the same order, and
//!   `<` and the like must hold for **all** pairs;
//! - a bare path holds if what it gives is a list that is not empty, or any value that is true.
//!
//! **Missing.** If the record has nothing at the path, every comparison is false, `!=` too: nothing
//! was compared. Only `== nil` is true, so `path == nil` asks whether anything is missing
//! or null, and `path != nil` whether something is there. A bare missing path is false, its negation true.

use serde_json::Value;

use crate::document::{Documents, Record};
use crate::expression::{Call, Expression, Op, Operand, TextFunction};
use crate::path::Path;
use crate::pattern::{Network, Range, Regex};
use crate::redact;
use crate::resolve::RECORD_DEPTH_MAX;
use crate::scalar::Scalar;
use crate::values::{Values, values};

impl Expression {
    /// Whether it holds of `record`.
    #[must_use]
    pub fn matches(&self, record: &Value) -> bool {
        if self.redacts() {
            return redact::answer(self, record).0;
        }
        self.holds(Record { root: record, documents: &Documents::default() })
    }

    /// Whether it holds of a record that nothing redacts.
    pub(crate) fn holds(&self, record: Record<'_>) -> bool {
        match self {
            Self::Or(parts) => parts.iter().any(|part| part.holds(record)),
            Self::And(parts) => parts.iter().all(|part| part.holds(record)),
            Self::Not(inner) => !inner.holds(record),
            Self::Comparison { left, op, right } => compare(left, *op, right, record),
            Self::Truth(operand) => is_true(operand, record),
            Self::Text(search) => search.finds(record.root),
            Self::Trace(id) => id.is_carried_by(record.root),
            Self::Redact(_) => true,
        }
    }

    /// The path whose values decide this alone and one by one, if it is so simple: then it holds of a
    /// record exactly if it holds for **any** single value that the path gives there, lists taken apart
    /// to the last. So an index that knows every value at the path can tell which records match.
    ///
    /// This is so for a path compared with a literal or a regular expression by anything but `!=` and
    /// `== nil`, and for a text function with a literal. An object is a value too.
    ///
    /// ```
    /// let path = |text: &str| {
    ///     let query = kfl::parse(text, 0).unwrap();
    ///     query.expression().decided_by_any().map(ToString::to_string)
    /// };
    /// assert_eq!(path("500 <= response.status").as_deref(), Some("response.status"));
    /// assert_eq!(path("request.path.contains(\"/api\")").as_deref(), Some("request.path"));
    /// assert_eq!(path("request.path != \"/\""), None); // needs all of the values
    /// assert_eq!(path("user == nil"), None); // needs none
    /// assert_eq!(path("a == b"), None);
    /// ```
    #[must_use]
    pub fn decided_by_any(&self) -> Option<&Path> {
        let (path, fixed, op) = match self {
            Self::Comparison { left: Operand::Path(path), op, right } => (path, Fixed::of(right)?, *op),
            Self::Comparison { left, op, right: Operand::Path(path) } => (path, Fixed::of(left)?, *op),
            Self::Truth(Operand::Call(call)) => {
                return Some(&call.subject).filter(|_| matches!(*call.argument, Operand::Literal(_)));
            }
            _ => return None,
        };
        let needs_all = op == Op::Ne;
        let may_need_none = op == Op::Eq && matches!(fixed, Fixed::Scalar(Scalar::Nil));
        Some(path).filter(|_| !needs_all && !may_need_none)
    }
}

/// Whether `value op operand` holds for a path that gives just `value`: what
/// [`Expression::matches`] decides, for one value known from elsewhere.
///
/// `operand` is what stands on the right of a path; if the path is on the right, pass
/// [`Op::swapped`]. Only literals and regular expressions can be compared without a
/// record; all other operands give `false`.
///
/// For a path with many values ask each: `!=` holds if it holds for all of them, every other
/// comparison if it holds for any. A path without values can't be asked here: it makes
/// `== nil` true and all else false.
///
/// ```
/// use kfl::{Literal, Op, Operand, compare_scalar};
/// use serde_json::json;
///
/// let limit = Operand::Literal(Literal::Number(400.into()));
/// assert!(compare_scalar(&json!(404), Op::Ge, &limit));
/// assert!(compare_scalar(&json!("404"), Op::Ge, &limit));
/// assert!(!compare_scalar(&json!("none"), Op::Ge, &limit));
/// ```
#[must_use]
pub fn compare_scalar(value: &Value, op: Op, operand: &Operand) -> bool {
    let Some(right) = Fixed::of(operand) else { return false };
    let any = any_element(value, &mut |scalar| right.compares(scalar, sought(op)));
    right.rule(op, any, true)
}

/// What a path is compared with, when that needs no record.
#[derive(Clone, Copy)]
pub(crate) enum Fixed<'a> {
    Scalar(Scalar<'a>),
    Regex(&'a Regex),
    Range(&'a Range),
    Network(&'a Network),
}

impl<'a> Fixed<'a> {
    fn of(operand: &'a Operand) -> Option<Self> {
        match operand {
            Operand::Literal(literal) => Some(Self::Scalar(Scalar::of_literal(literal))),
            Operand::Regex(regex) => Some(Self::Regex(regex)),
            Operand::Range(range) => Some(Self::Range(range)),
            Operand::Network(network) => Some(Self::Network(network)),
            _ => None,
        }
    }

    /// `scalar op self`.
    pub(crate) fn compares(self, scalar: Scalar<'_>, op: Op) -> bool {
        match self {
            Self::Scalar(right) => scalar.compares(op, right),
            Self::Regex(regex) => matches_as(op, scalar.matches(regex)),
            Self::Range(range) => matches_as(op, range.contains(scalar)),
            Self::Network(network) => matches_as(op, network.contains_scalar(scalar)),
        }
    }

    /// The rule of any, none and missing: `any` says whether the comparison holds for any
    /// value, and `present` afterwards whether there was one.
    pub(crate) fn rule(self, op: Op, any: bool, present: bool) -> bool {
        match op {
            Op::Ne => present && !any,
            Op::Eq if matches!(self, Self::Scalar(Scalar::Nil)) => any || !present,
            _ => any,
        }
    }
}

/// What `op` says of a value that matches a pattern, or does not. Patterns have no order.
fn matches_as(op: Op, matches: bool) -> bool {
    match op {
        Op::Eq => matches,
        Op::Ne => !matches,
        _ => false,
    }
}

/// The comparison to look for among many values: `!=` holds if no `==` is found.
pub(crate) fn sought(op: Op) -> Op {
    if op == Op::Ne { Op::Eq } else { op }
}

/// Calls `found` with `value`, or if that is a list with each value in it, until `found` says `true`.
pub(crate) fn any_element<'r>(value: &'r Value, found: &mut dyn FnMut(Scalar<'r>) -> bool) -> bool {
    fn any<'r>(value: &'r Value, found: &mut dyn FnMut(Scalar<'r>) -> bool, depth: usize) -> bool {
        match (value, depth.checked_sub(1)) {
            (Value::Array(elements), Some(depth)) => {
                elements.iter().any(|element| any(element, found, depth))
            }
            _ => Scalar::of(value).is_some_and(found),
        }
    }
    any(value, found, RECORD_DEPTH_MAX)
}

fn compare(left: &Operand, op: Op, right: &Operand, record: Record<'_>) -> bool {
    match (left, Fixed::of(left), right, Fixed::of(right)) {
        (Operand::Path(path), _, _, Some(right)) => compare_path(path, op, right, record),
        (_, Some(left), Operand::Path(path), _) => compare_path(path, op.swapped(), left, record),
        (_, Some(pattern), other, _) if left.is_pattern() => values(other, record).compare_fixed(op, pattern),
        (other, _, _, Some(pattern)) if right.is_pattern() => {
            values(other, record).compare_fixed(op, pattern)
        }
        _ => values(left, record).compare(op, &values(right, record)),
    }
}

/// The common case, which allocates nothing.
fn compare_path(path: &Path, op: Op, right: Fixed<'_>, record: Record<'_>) -> bool {
    let mut present = false;
    let any = path.any(record, &mut |value| {
        present = true;
        any_element(value, &mut |scalar| right.compares(scalar, sought(op)))
    });
    right.rule(op, any, present)
}

fn is_true(operand: &Operand, record: Record<'_>) -> bool {
    match operand {
        Operand::Path(path) => path.any(record, &mut |value| match value {
            Value::Array(elements) => !elements.is_empty(),
            other => Scalar::of(other).is_some_and(Scalar::is_true),
        }),
        Operand::Call(call) => call_holds(call, record),
        Operand::Expression(inner) => inner.holds(record),
        Operand::Literal(literal) => Scalar::of_literal(literal).is_true(),
        Operand::Negative(_) | Operand::Size(_) | Operand::Fallback(..) => match values(operand, record) {
            Values::Missing => false,
            Values::One(scalar) => scalar.is_true(),
            Values::Many(scalars) => scalars.iter().any(|scalar| scalar.is_true()),
        },
        // Never alone.
        Operand::Regex(_) | Operand::Range(_) | Operand::Network(_) => false,
    }
}

pub(crate) fn call_holds(call: &Call, record: Record<'_>) -> bool {
    let holds = |text: &str, argument: &str| match call.function {
        TextFunction::StartsWith => text.starts_with(argument),
        TextFunction::EndsWith => text.ends_with(argument),
        TextFunction::Contains => text.contains(argument),
    };
    let any_of_subject = |argument: Scalar<'_>| {
        argument.with_text(|argument| {
            call.subject.any(record, &mut |value| {
                any_element(value, &mut |scalar| scalar.with_text(|text| holds(text, argument)))
            })
        })
    };
    match call.argument.as_ref() {
        Operand::Literal(literal) => any_of_subject(Scalar::of_literal(literal)),
        Operand::Path(path) => {
            path.any(record, &mut |value| any_element(value, &mut |scalar| any_of_subject(scalar)))
        }
        _ => false,
    }
}
