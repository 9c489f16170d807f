//! A checked expression: what a query asks, ready to be evaluated and to be planned.
//!
//! Paths are split and regular expressions compiled when the text is parsed, so that
//! evaluating needs neither. Macros and times are already replaced by what they mean: a
//! planner sees nothing but comparisons of paths with values, joined by and, or, not.

use serde_json::Number;

use crate::path::Path;
use crate::pattern::{Network, Range, Regex};
use crate::redact::Redaction;
use crate::text::TextSearch;
use crate::trace::TraceId;

/// What a query asks of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// At least one of them holds.
    Or(Vec<Expression>),
    /// All of them hold.
    And(Vec<Expression>),
    /// It does not hold.
    Not(Box<Expression>),
    /// The two sides compare so.
    Comparison {
        /// What stands on the left.
        left: Operand,
        /// How they compare.
        op: Op,
        /// What stands on the right.
        right: Operand,
    },
    /// A bare operand, which holds when its value is true, not zero or not empty: `tls`.
    Truth(Operand),
    /// `text("…")`: something anywhere in the record says this. No path tells where.
    Text(TextSearch),
    /// `trace("…")`: the record carries this trace id, wherever its protocol puts it.
    Trace(TraceId),
    /// `redact("…")`: always true; what is evaluated after it, and what the answer shows, is without these values.
    Redact(Redaction),
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A value written in the query.
    Literal(Literal),
    /// `r"…"`, which a text must match somewhere. Never on both sides, never alone.
    Regex(Regex),
    /// `400..499`, between whose ends a number must lie. Never on both sides, never alone.
    Range(Range),
    /// `10.0.0.0/8`, to which an address must belong. Never on both sides, never alone.
    Network(Network),
    /// What the record has at this path: one value, many or none.
    Path(Path),
    /// `-path`: the numbers at the path with their sign turned.
    Negative(Path),
    /// `size(path)`: how many elements, members or characters each value at the path has.
    Size(Path),
    /// `map_get(path, "key", value)`: what is at the path, or the value where the record has nothing there.
    Fallback(Path, Literal),
    /// A function of the values at a path.
    Call(Call),
    /// The truth of an expression as a value: `(a == b) == false`. Never a bare
    /// [`Expression::Truth`], which is the operand itself.
    Expression(Box<Expression>),
}

/// A value written in the query.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// `nil`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// A number; whole numbers stay exact. Times are numbers too: milliseconds since 1970.
    Number(Number),
    /// A text.
    Text(String),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Op {
    /// The comparison that says the same with its sides swapped.
    #[must_use]
    pub fn swapped(self) -> Self {
        match self {
            Self::Eq => Self::Eq,
            Self::Ne => Self::Ne,
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
        }
    }

    /// As it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }
}

/// A function that asks something of the text at a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Whose values are asked. It holds when it holds of any of them.
    pub subject: Path,
    /// What is asked.
    pub function: TextFunction,
    /// What with: a literal or a path.
    pub argument: Box<Operand>,
}

/// The functions of texts. Numbers and booleans are taken as written in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextFunction {
    /// `startsWith`
    StartsWith,
    /// `endsWith`
    EndsWith,
    /// `contains`
    Contains,
}

impl TextFunction {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Contains => "contains",
        }
    }
}

impl Expression {
    /// Every path that the expression reads, each once, in the order of the text.
    #[must_use]
    pub fn paths(&self) -> Vec<&Path> {
        let mut paths = Vec::new();
        self.collect_paths(&mut paths);
        let mut seen = std::collections::HashSet::new();
        paths.retain(|path| seen.insert(*path));
        paths
    }

    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a Path>) {
        match self {
            Self::Or(parts) | Self::And(parts) => {
                for part in parts {
                    part.collect_paths(paths);
                }
            }
            Self::Not(inner) => inner.collect_paths(paths),
            Self::Comparison { left, right, .. } => {
                left.collect_paths(paths);
                right.collect_paths(paths);
            }
            Self::Truth(operand) => operand.collect_paths(paths),
            Self::Text(_) | Self::Trace(_) | Self::Redact(_) => {}
        }
    }

    /// Whether it asks something of the record as a whole, so that [`Expression::paths`] doesn't tell all that it reads.
    #[must_use]
    pub fn reads_everything(&self) -> bool {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().any(Self::reads_everything),
            Self::Not(inner) => inner.reads_everything(),
            Self::Comparison { left, right, .. } => left.reads_everything() || right.reads_everything(),
            Self::Truth(operand) => operand.reads_everything(),
            Self::Text(_) | Self::Trace(_) => true,
            Self::Redact(_) => false,
        }
    }

    /// Whether there is a [`Expression::Redact`] in it. What is evaluated after one sees a changed record, so
    /// an index, which knows the record as it was, can say nothing of that.
    #[must_use]
    pub fn redacts(&self) -> bool {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().any(Self::redacts),
            Self::Not(inner) => inner.redacts(),
            Self::Redact(_) => true,
            // Comparisons can't hold any.
            Self::Comparison { .. } | Self::Truth(_) | Self::Text(_) | Self::Trace(_) => false,
        }
    }

    /// How many expressions it is made of, itself one of them.
    pub(crate) fn parts(&self) -> usize {
        1 + match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().map(Self::parts).sum(),
            Self::Not(inner) => inner.parts(),
            Self::Comparison { left, right, .. } => left.parts() + right.parts(),
            Self::Truth(operand) => operand.parts(),
            Self::Text(_) | Self::Trace(_) | Self::Redact(_) => 0,
        }
    }

    /// How deep it nests; a bare operand is 1.
    pub(crate) fn depth(&self) -> usize {
        1 + match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().map(Self::depth).max().unwrap_or(0),
            Self::Not(inner) => inner.depth(),
            Self::Comparison { left, right, .. } => left.depth().max(right.depth()),
            Self::Truth(operand) => operand.depth(),
            Self::Text(_) | Self::Trace(_) | Self::Redact(_) => 0,
        }
    }
}

impl Operand {
    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a Path>) {
        match self {
            Self::Literal(_) | Self::Regex(_) | Self::Range(_) | Self::Network(_) => {}
            Self::Path(path) | Self::Negative(path) | Self::Size(path) | Self::Fallback(path, _) => {
                paths.push(path);
            }
            Self::Call(call) => {
                paths.push(&call.subject);
                call.argument.collect_paths(paths);
            }
            Self::Expression(inner) => inner.collect_paths(paths),
        }
    }

    fn reads_everything(&self) -> bool {
        matches!(self, Self::Expression(inner) if inner.reads_everything())
    }

    fn parts(&self) -> usize {
        match self {
            Self::Expression(inner) => inner.parts(),
            _ => 0,
        }
    }

    /// Whether it is something that values match: then `==` and `!=` ask for that.
    pub(crate) fn is_pattern(&self) -> bool {
        matches!(self, Self::Regex(_) | Self::Range(_) | Self::Network(_))
    }

    fn depth(&self) -> usize {
        match self {
            Self::Expression(inner) => inner.depth(),
            _ => 0,
        }
    }

    /// The expression that holds when this value is true.
    pub(crate) fn into_expression(self) -> Expression {
        match self {
            Self::Expression(inner) => *inner,
            other => Expression::Truth(other),
        }
    }
}

impl From<Expression> for Operand {
    fn from(expression: Expression) -> Self {
        match expression {
            Expression::Truth(operand) => operand,
            other => Self::Expression(Box::new(other)),
        }
    }
}
