//! A single value, and how two of them compare.
//!
//! This is the one place that says what equal, less and matching mean.

use std::cmp::Ordering;
use std::fmt::{self, Write};

use serde_json::{Number, Value};

use crate::expression::{Literal, Op};
use crate::pattern::Regex;

/// A value that is no list. Borrowed from a record or a query, so comparing copies nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar<'a> {
    Nil,
    Bool(bool),
    Number(Numeric),
    Text(&'a str),
    /// Always a `Value::Object`.
    Object(&'a Value),
}

/// A number: exact if it is whole and has up to 64 bits.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numeric {
    Whole(i128),
    Float(f64),
}

impl<'a> Scalar<'a> {
    /// The value, unless it is a list.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Nil),
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Number(number) => Numeric::of(number).map(Self::Number),
            Value::String(text) => Some(Self::Text(text)),
            Value::Object(_) => Some(Self::Object(value)),
            Value::Array(_) => None,
        }
    }

    pub(crate) fn of_literal(literal: &'a Literal) -> Self {
        match literal {
            Literal::Nil => Self::Nil,
            Literal::Bool(value) => Self::Bool(*value),
            Literal::Number(number) => Numeric::of(number).map_or(Self::Nil, Self::Number),
            Literal::Text(text) => Self::Text(text),
        }
    }

    /// Whether it holds as a bare operand. An object never does, as in the original.
    pub(crate) fn is_true(self) -> bool {
        match self {
            Self::Nil | Self::Object(_) => false,
            Self::Bool(value) => value,
            Self::Number(Numeric::Whole(whole)) => whole != 0,
            Self::Number(Numeric::Float(float)) => float != 0.0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    /// Whether `self op other` holds.
    pub(crate) fn compares(self, op: Op, other: Self) -> bool {
        match op {
            Op::Eq => self.equals(other),
            Op::Ne => !self.equals(other),
            Op::Lt => self.order(other).is_some_and(Ordering::is_lt),
            Op::Le => self.order(other).is_some_and(Ordering::is_le),
            Op::Gt => self.order(other).is_some_and(Ordering::is_gt),
            Op::Ge => self.order(other).is_some_and(Ordering::is_ge),
        }
    }

    /// Values of one kind are equal when they are the same. A text equals a number or a
    /// boolean that it spells; no other kinds mix.
    pub(crate) fn equals(self, other: Self) -> bool {
        match (self, other) {
            (Self::Nil, Self::Nil) => true,
            (Self::Bool(left), Self::Bool(right)) => left == right,
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Number(left), Self::Number(right)) => left.order(right) == Some(Ordering::Equal),
            (Self::Object(left), Self::Object(right)) => left == right,
            (Self::Number(number), Self::Text(text)) | (Self::Text(text), Self::Number(number)) => {
                Numeric::spelled(text).is_some_and(|spelled| spelled.order(number) == Some(Ordering::Equal))
            }
            (Self::Bool(value), Self::Text(text)) | (Self::Text(text), Self::Bool(value)) => {
                text == if value { "true" } else { "false" }
            }
            _ => false,
        }
    }

    /// Only numbers have an order, and what counts as one.
    pub(crate) fn order(self, other: Self) -> Option<Ordering> {
        self.numeric()?.order(other.numeric()?)
    }

    /// Texts that spell a number, `true` as 1, `false` as 0; an object as 0, as in the original.
    fn numeric(self) -> Option<Numeric> {
        match self {
            Self::Nil => None,
            Self::Bool(value) => Some(Numeric::Whole(i128::from(value))),
            Self::Number(number) => Some(number),
            Self::Text(text) => Numeric::spelled(text),
            Self::Object(_) => Some(Numeric::Whole(0)),
        }
    }

    /// The number with its sign turned.
    pub(crate) fn negated(self) -> Option<Self> {
        let negated = match self.numeric()? {
            Numeric::Whole(whole) => Numeric::Whole(whole.checked_neg()?),
            Numeric::Float(float) => Numeric::Float(-float),
        };
        Some(Self::Number(negated))
    }

    pub(crate) fn matches(self, regex: &Regex) -> bool {
        self.with_text(|text| regex.is_match(text))
    }

    /// Whether `holds` of the value's text; nil and objects have none.
    pub(crate) fn with_text(self, holds: impl FnOnce(&str) -> bool) -> bool {
        match self {
            Self::Text(text) => holds(text),
            Self::Bool(value) => holds(if value { "true" } else { "false" }),
            Self::Number(number) => {
                let mut text = ShortText { bytes: [0; SHORT_TEXT_BYTES_MAX], length: 0 };
                let written = match number {
                    Numeric::Whole(whole) => write!(text, "{whole}"),
                    Numeric::Float(float) => match Number::from_f64(float) {
                        Some(number) => write!(text, "{number}"),
                        None => Err(fmt::Error),
                    },
                };
                written.is_ok() && holds(text.as_str())
            }
            Self::Nil | Self::Object(_) => false,
        }
    }
}

impl Numeric {
    pub(crate) fn of(number: &Number) -> Option<Self> {
        match number.as_i128() {
            Some(whole) => Some(Self::Whole(whole)),
            None => number.as_f64().map(Self::Float),
        }
    }

    /// The number that `text` spells in decimal, if it does so from its first to its last byte.
    fn spelled(text: &str) -> Option<Self> {
        // Most texts are none, and say so at once; words like "inf" are none either.
        let first = text.as_bytes().first()?;
        if !first.is_ascii_digit() && !matches!(first, b'-' | b'+' | b'.') {
            return None;
        }
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Self::Whole(whole.into()));
        }
        if let Ok(whole) = text.parse::<u64>() {
            return Some(Self::Whole(whole.into()));
        }
        let is_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
        if !text.bytes().all(is_number) {
            return None;
        }
        text.parse().ok().filter(|float: &f64| float.is_finite()).map(Self::Float)
    }

    pub(crate) fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(left), Self::Whole(right)) => Some(left.cmp(&right)),
            _ => self.float()?.partial_cmp(&other.float()?),
        }
    }

    pub(crate) fn float(self) -> Option<f64> {
        match self {
            // Whole numbers come from at most 64 bits and a sign, which `Number` rounds correctly.
            Self::Whole(whole) => Number::from_i128(whole).and_then(|number| number.as_f64()),
            Self::Float(float) => Some(float),
        }
    }
}

/// The longest text of a number: 17 digits, sign, point, exponent; or 20 digits.
const SHORT_TEXT_BYTES_MAX: usize = 40;

/// A number's text on the stack: a regular expression is asked about millions of them.
struct ShortText {
    bytes: [u8; SHORT_TEXT_BYTES_MAX],
    length: usize,
}

impl ShortText {
    fn as_str(&self) -> &str {
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Write for ShortText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}
