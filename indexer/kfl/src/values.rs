//! What the sides of a comparison give for a record, when neither is as simple as one path and one value.

use std::cmp::Ordering;

use serde_json::Value;

use crate::document::Record;
use crate::evaluate::{Fixed, any_element, call_holds, sought};
use crate::expression::{Op, Operand};
use crate::path::Path;
use crate::scalar::{Numeric, Scalar};

/// What an operand gives for a record.
pub(crate) enum Values<'a> {
    Missing,
    One(Scalar<'a>),
    Many(Vec<Scalar<'a>>),
}

pub(crate) fn values<'a>(operand: &'a Operand, record: Record<'a>) -> Values<'a> {
    match operand {
        Operand::Literal(literal) => Values::One(Scalar::of_literal(literal)),
        Operand::Path(path) => values_at(path, record),
        Operand::Negative(path) => values_at(path, record).negated(),
        Operand::Call(call) => Values::One(Scalar::Bool(call_holds(call, record))),
        Operand::Expression(inner) => Values::One(Scalar::Bool(inner.holds(record))),
        Operand::Size(path) => sizes_at(path, record),
        Operand::Fallback(path, otherwise) => match values_at(path, record) {
            Values::Missing => Values::One(Scalar::of_literal(otherwise)),
            present => present,
        },
        Operand::Regex(_) | Operand::Range(_) | Operand::Network(_) => Values::Missing,
    }
}

fn values_at<'r>(path: &Path, record: Record<'r>) -> Values<'r> {
    let mut nodes = 0usize;
    let mut is_list = false;
    let mut scalars = Vec::new();
    path.any(record, &mut |value| {
        nodes += 1;
        is_list |= value.is_array();
        any_element(value, &mut |scalar| {
            scalars.push(scalar);
            false
        })
    });
    match (nodes, scalars.as_slice()) {
        (0, _) => Values::Missing,
        (1, [scalar]) if !is_list => Values::One(*scalar),
        _ => Values::Many(scalars),
    }
}

/// How large each value is: the elements of a list, the members of an object, the characters of a text.
fn sizes_at<'r>(path: &Path, record: Record<'r>) -> Values<'r> {
    let mut sizes = Vec::new();
    path.any(record, &mut |value| {
        let size = match value {
            Value::Array(elements) => Some(elements.len()),
            Value::Object(members) => Some(members.len()),
            Value::String(text) => Some(text.chars().count()),
            _ => None,
        };
        sizes.extend(size.and_then(|size| i128::try_from(size).ok()).map(Numeric::Whole).map(Scalar::Number));
        false
    });
    match sizes.as_slice() {
        [] => Values::Missing,
        [size] => Values::One(*size),
        _ => Values::Many(sizes),
    }
}

impl Values<'_> {
    fn negated(self) -> Self {
        match self {
            Self::Missing => Self::Missing,
            Self::One(scalar) => scalar.negated().map_or(Self::Missing, Self::One),
            Self::Many(scalars) => Self::Many(scalars.into_iter().filter_map(Scalar::negated).collect()),
        }
    }

    pub(crate) fn compare_fixed(&self, op: Op, right: Fixed<'_>) -> bool {
        let (scalars, present) = self.as_slice();
        let any = scalars.iter().any(|scalar| right.compares(*scalar, sought(op)));
        right.rule(op, any, present)
    }

    fn as_slice(&self) -> (&[Scalar<'_>], bool) {
        match self {
            Self::Missing => (&[], false),
            Self::One(scalar) => (std::slice::from_ref(scalar), true),
            Self::Many(scalars) => (scalars, true),
        }
    }

    pub(crate) fn compare(&self, op: Op, right: &Self) -> bool {
        match (self, right) {
            (Self::Many(left), Self::Many(right)) => compare_lists(left, op, right),
            // A list on one side only: any of it. What is missing equals nil, on either side.
            (left, Self::One(right)) => left.compare_fixed(op, Fixed::Scalar(*right)),
            (Self::One(left), right) => right.compare_fixed(op.swapped(), Fixed::Scalar(*left)),
            (Self::Missing, _) | (_, Self::Missing) => false,
        }
    }
}

fn compare_lists(left: &[Scalar<'_>], op: Op, right: &[Scalar<'_>]) -> bool {
    let equal =
        || left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.equals(*right));
    match op {
        Op::Eq => equal(),
        Op::Ne => !equal(),
        // What holds for the extremes holds for all pairs.
        Op::Lt | Op::Le => match (extreme(left, Ordering::Greater), extreme(right, Ordering::Less)) {
            (Some(greatest), Some(least)) => greatest.compares(op, least),
            _ => false,
        },
        Op::Gt | Op::Ge => compare_lists(right, op.swapped(), left),
    }
}

/// The least or the greatest of the values; `None` if there are none or one is no number.
fn extreme<'a>(scalars: &[Scalar<'a>], sought: Ordering) -> Option<Scalar<'a>> {
    let (first, rest) = scalars.split_first()?;
    first.order(*first)?;
    let mut extreme = *first;
    for scalar in rest {
        if scalar.order(extreme)? == sought {
            extreme = *scalar;
        }
    }
    Some(extreme)
}
