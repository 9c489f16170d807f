//! A checked expression: what a query asks, ready to be evaluated and to be planned.
//!
//! Paths are split and regular expressions compiled when the text is parsed, so that
//! evaluating needs neither. Macros and times are already replaced by what they mean: a
//! planner sees nothing but comparisons of paths with values, joined by and, or, not.

use serde_json::Number;

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
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// A value written in the query.
    Literal(Literal),
    /// `r"…"`, which a text must match somewhere. Never on both sides, never alone.
    Regex(Regex),
    /// What the record has at this path: one value, many or none.
    Path(Path),
    /// `-path`: the numbers at the path with their sign turned.
    Negative(Path),
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

/// Where to look in a record. Has at least one step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The names, if the path consists of nothing else: `request.headers["host"]` but not `a[0]` or `a.*`.
    ///
    /// Such a path is a field's name, which a planner can look up.
    #[must_use]
    pub fn keys(&self) -> Option<Vec<&str>> {
        self.0
            .iter()
            .map(|step| match step {
                Step::Key(key) => Some(key.as_str()),
                _ => None,
            })
            .collect()
    }
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// `.name` or `["name"]`: the value under that key of an object.
    Key(String),
    /// `[3]`: the element of a list, counted from 0.
    Index(usize),
    /// `.*` or `[*]`: every element of a list, every value of an object.
    Every,
    /// `..name`: every value under that key, here or anywhere below.
    Recursive(String),
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

/// A compiled regular expression: case-sensitive, unanchored, in linear time. Equal to another if the source is.
#[derive(Clone, Debug)]
pub struct Regex(regex::Regex);

/// What one compiled expression may take: enough for any that a person writes, too little to hurt.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// How deep groups may nest within one: the compiler is recursive.
const REGEX_NESTING_MAX: u32 = 64;

impl Regex {
    /// Compiles `source`.
    ///
    /// # Errors
    /// Says why it is no regular expression, or that it is too large.
    pub fn new(source: &str) -> Result<Self, regex::Error> {
        regex::RegexBuilder::new(source)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .nest_limit(REGEX_NESTING_MAX)
            .build()
            .map(Self)
    }

    /// What it was compiled from.
    #[must_use]
    pub fn source(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it matches somewhere in `text`.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
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
        }
    }

    /// How deep it nests; a bare operand is 1.
    pub(crate) fn depth(&self) -> usize {
        1 + match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().map(Self::depth).max().unwrap_or(0),
            Self::Not(inner) => inner.depth(),
            Self::Comparison { left, right, .. } => left.depth().max(right.depth()),
            Self::Truth(operand) => operand.depth(),
        }
    }
}

impl Operand {
    fn collect_paths<'a>(&'a self, paths: &mut Vec<&'a Path>) {
        match self {
            Self::Literal(_) | Self::Regex(_) => {}
            Self::Path(path) | Self::Negative(path) => paths.push(path),
            Self::Call(call) => {
                paths.push(&call.subject);
                call.argument.collect_paths(paths);
            }
            Self::Expression(inner) => inner.collect_paths(paths),
        }
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
