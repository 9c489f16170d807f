//! Writes an expression as text that parses to the same expression.
//!
//! Parentheses stand only where the reading would change without them, or where a reader
//! could be misled: `!(a == b)`.

use std::fmt::{self, Display, Formatter, Write};

use crate::expression::{Call, Expression, Literal, Op, Operand};
use crate::functions::is_reserved;
use crate::path::{Path, Step};
use crate::pattern::{Network, Range, Regex};
use crate::redact::Redaction;

impl Display for Expression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Or(parts) => join(f, parts, " or ", |part| matches!(part, Self::Or(_))),
            Self::And(parts) => join(f, parts, " and ", |part| matches!(part, Self::Or(_) | Self::And(_))),
            Self::Not(inner) => match inner.as_ref() {
                Self::Not(_) | Self::Truth(_) | Self::Text(_) | Self::Trace(_) | Self::Redact(_) => {
                    write!(f, "!{inner}")
                }
                _ => write!(f, "!({inner})"),
            },
            Self::Comparison {
                left,
                op: Op::Eq,
                right: right @ (Operand::Range(_) | Operand::Network(_)),
            } if !matches!(left, Operand::Expression(_)) => {
                write!(f, "{left} in {right}")
            }
            Self::Comparison { left, op, right } => write!(f, "{left} {op} {right}"),
            Self::Truth(operand) => write!(f, "{operand}"),
            Self::Text(search) => {
                f.write_str("text(")?;
                quote(f, search.source())?;
                f.write_char(')')
            }
            Self::Trace(id) => write!(f, "trace(\"{id}\")"),
            Self::Redact(redaction) => write!(f, "{redaction}"),
        }
    }
}

fn join(
    f: &mut Formatter<'_>,
    parts: &[Expression],
    between: &str,
    in_parentheses: impl Fn(&Expression) -> bool,
) -> fmt::Result {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            f.write_str(between)?;
        }
        if in_parentheses(part) {
            write!(f, "({part})")?;
        } else {
            write!(f, "{part}")?;
        }
    }
    Ok(())
}

impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => write!(f, "{literal}"),
            Self::Regex(regex) => write!(f, "{regex}"),
            Self::Range(range) => write!(f, "{range}"),
            Self::Network(network) => write!(f, "{network}"),
            Self::Path(path) => write!(f, "{path}"),
            Self::Negative(path) => write!(f, "-{path}"),
            Self::Size(path) => write!(f, "size({path})"),
            Self::Fallback(path, otherwise) => fallback(f, path, otherwise),
            Self::Call(call) => write!(f, "{call}"),
            Self::Expression(inner) => write!(f, "({inner})"),
        }
    }
}

/// A path of at least two steps, the last of them a key.
fn fallback(f: &mut Formatter<'_>, path: &Path, otherwise: &Literal) -> fmt::Result {
    let Some((Step::Key(key), map)) = path.0.split_last() else { return Err(fmt::Error) };
    write!(f, "map_get({}, ", Path(map.to_vec()))?;
    quote(f, key)?;
    write!(f, ", {otherwise})")
}

impl Display for Redaction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("redact(")?;
        for (number, path) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            quote(f, &path.to_string())?;
        }
        f.write_char(')')
    }
}

impl Display for Range {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.low(), self.high())
    }
}

impl Display for Network {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.prefix())
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}({})", self.subject, self.function.name(), self.argument)
    }
}

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.sign())
    }
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(text) => quote(f, text),
        }
    }
}

impl Display for Regex {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("r\"")?;
        for letter in self.source().chars() {
            if matches!(letter, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(letter)?;
        }
        f.write_char('"')
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (number, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if !is_name(key) || (number == 0 && is_reserved(key)) => {
                    f.write_char('[')?;
                    quote(f, key)?;
                    f.write_char(']')?;
                }
                Step::Key(key) if number == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Every => f.write_str(".*")?,
                Step::Recursive(name) => write!(f, "..{name}")?,
                Step::Decoded(encoding) => write!(f, ".{}()", encoding.name())?,
            }
        }
        Ok(())
    }
}

/// Whether `key` can be written without brackets, as `name` in the grammar.
fn is_name(key: &str) -> bool {
    let mut letters = key.chars();
    letters.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && letters.all(|letter| letter.is_alphabetic() || letter.is_ascii_digit() || letter == '_')
}

fn quote(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' | '\\' => write!(f, "\\{letter}")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            control if control.is_control() => write!(f, "\\u{{{:x}}}", u32::from(control))?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('"')
}
