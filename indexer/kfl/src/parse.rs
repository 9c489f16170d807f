//! Text in, checked expression out.
//!
//! The grammar (`kfl.pest`) says what may be written; here it gets its meaning: macros
//! and times are replaced by what they stand for, regular expressions compiled, functions
//! looked up. Whatever can be wrong with a query is found here, so evaluation can't fail.

use std::ops::Range;

use pest::Parser;
use pest::iterators::{Pair, Pairs};

use crate::error::SyntaxError;
use crate::expression::{Expression, Literal, Op, Operand};
use crate::grammar::{Grammar, Rule};
use crate::macros::Macro;
use crate::path::Path;
use crate::query::Directives;
use crate::{explain, scan};

/// How deep an expression may nest: evaluating, printing and dropping it are recursive.
pub const NESTING_MAX: usize = 48;
/// How many `==` and `!=` may follow one another without parentheses. Each nests one deeper.
const EQUALITY_CHAIN_MAX: usize = 4;
/// How many regular expressions one query may compile; each may take up to a megabyte.
pub const REGEXES_MAX: usize = 64;

/// What a text says.
pub(crate) struct Parsed {
    pub expression: Expression,
    pub directives: Directives,
    /// Every path, and where it stands.
    pub fields: Vec<(Path, Range<usize>)>,
    /// How many regular expressions it has, and how many functions that look through much.
    pub regexes: usize,
    pub searches: usize,
}

/// Reads `text`, in which `now()` is `now_ms`.
pub(crate) fn parse(text: &str, now_ms: i64, macros: &[Macro<'_>]) -> Result<Parsed, SyntaxError> {
    scan::check(text)?;
    let mut pairs = Grammar::parse(Rule::query, text).map_err(|error| explain::unexpected(text, &error))?;
    let mut reader = Reader::new(text, now_ms, macros);
    let query = pairs.next().map(Pair::into_inner).and_then(|mut inner| inner.next());
    let expression = match query {
        Some(pair) if pair.as_rule() == Rule::expression => {
            let span = range(&pair);
            let operand = reader.expression(pair)?;
            reader.truth(operand, span)?
        }
        // A text that asks nothing is answered with everything.
        _ => Expression::Truth(Operand::Literal(Literal::Bool(true))),
    };
    if expression.depth() > NESTING_MAX {
        return Err(scan::too_deep(text, 0..text.len()));
    }
    let Reader { directives, fields, regexes, searches, .. } = reader;
    Ok(Parsed { expression, directives, fields, regexes, searches })
}

/// Gives meaning to what the grammar recognised.
pub(crate) struct Reader<'t> {
    pub(crate) text: &'t str,
    pub(crate) now_ms: i64,
    pub(crate) directives: Directives,
    pub(crate) fields: Vec<(Path, Range<usize>)>,
    pub(crate) regexes: usize,
    /// Functions that look through more than one value.
    pub(crate) searches: usize,
    /// Words of the caller's own, and how many conditions they stood for so far.
    pub(crate) macros: &'t [Macro<'t>],
    pub(crate) parts: usize,
}

pub(crate) type Read<T> = Result<T, SyntaxError>;

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str, now_ms: i64, macros: &'t [Macro<'t>]) -> Self {
        let (directives, fields) = (Directives::default(), Vec::new());
        Self { text, now_ms, directives, fields, regexes: 0, searches: 0, macros, parts: 0 }
    }

    pub(crate) fn expression(&mut self, pair: Pair<'_, Rule>) -> Read<Operand> {
        self.joined(pair, Rule::or, Expression::Or, Self::conjunction)
    }

    fn conjunction(&mut self, pair: Pair<'_, Rule>) -> Read<Operand> {
        self.joined(pair, Rule::and, Expression::And, Self::negation)
    }

    /// One part alone is itself; several are joined.
    fn joined(
        &mut self,
        pair: Pair<'_, Rule>,
        between: Rule,
        join: fn(Vec<Expression>) -> Expression,
        part: fn(&mut Self, Pair<'_, Rule>) -> Read<Operand>,
    ) -> Read<Operand> {
        let span = range(&pair);
        let mut parts = Vec::new();
        for inner in pair.into_inner().filter(|inner| inner.as_rule() != between) {
            let inner_span = range(&inner);
            parts.push((part(self, inner)?, inner_span));
        }
        if parts.len() == 1 {
            return parts.pop().map(|(operand, _)| operand).ok_or_else(|| self.odd(span));
        }
        let parts = parts.into_iter().map(|(operand, span)| self.truth(operand, span));
        Ok(join(parts.collect::<Read<_>>()?).into())
    }

    fn negation(&mut self, pair: Pair<'_, Rule>) -> Read<Operand> {
        let span = range(&pair);
        let mut inner = pair.into_inner();
        match inner.next() {
            Some(not) if not.as_rule() == Rule::not => {
                let negated = self.next(&mut inner, span.clone())?;
                let operand = self.negation(negated)?;
                self.not(operand, span)
            }
            Some(equality) => self.equality(equality),
            None => Err(self.odd(span)),
        }
    }

    pub(crate) fn not(&self, operand: Operand, span: Range<usize>) -> Read<Operand> {
        let expression = self.truth(operand, span)?;
        Ok(Expression::Not(Box::new(expression)).into())
    }

    /// `a == b == c` compares the outcome of the first with the last.
    fn equality(&mut self, pair: Pair<'_, Rule>) -> Read<Operand> {
        let span = range(&pair);
        let mut inner = pair.into_inner();
        let first = self.next(&mut inner, span.clone())?;
        let mut left = self.relation(first)?;
        let mut count = 0;
        while let Some(op) = inner.next() {
            count += 1;
            if count > EQUALITY_CHAIN_MAX {
                return Err(self.error(span, "too many comparisons in a row"));
            }
            let right = self.next(&mut inner, span.clone())?;
            let right = self.relation(right)?;
            left = self.comparison(left, op_of(&op), right, span.clone())?.into();
        }
        Ok(left)
    }

    /// `a < b < c` says that `b` lies between.
    fn relation(&mut self, pair: Pair<'_, Rule>) -> Read<Operand> {
        let span = range(&pair);
        let mut inner = pair.into_inner();
        let first = self.next(&mut inner, span.clone())?;
        let mut left = self.value(first)?;
        let mut parts = Vec::new();
        while let Some(op) = inner.next() {
            let middle = self.next(&mut inner, span.clone())?;
            let middle_span = range(&middle);
            if op.as_rule() == Rule::in_op {
                if !parts.is_empty() || inner.peek().is_some() {
                    return Err(self
                        .error(range(&op), "`in` can't be one of several comparisons")
                        .with_hint("join them with `and`, or put parentheses around one"));
                }
                let is_negated = op.as_str().len() > "in".len();
                return self.membership(left, middle, is_negated, span);
            }
            let right = self.value(middle)?;
            let between = inner.peek().is_some();
            if between && !matches!(right, Operand::Literal(_) | Operand::Path(_) | Operand::Negative(_)) {
                let message = "only a field or a value can stand between two comparisons";
                return Err(self.error(middle_span, message));
            }
            parts.push(self.comparison(left, op_of(&op), right.clone(), span.clone())?);
            left = right;
        }
        match parts.len() {
            0 => Ok(left),
            1 => parts.pop().map(Operand::from).ok_or_else(|| self.odd(span)),
            _ => Ok(Expression::And(parts).into()),
        }
    }

    pub(crate) fn comparison(
        &self,
        left: Operand,
        op: Op,
        right: Operand,
        span: Range<usize>,
    ) -> Read<Expression> {
        for side in [&left, &right] {
            if matches!(side, Operand::Expression(inner) if inner.redacts()) {
                return Err(self.error(span, "`redact` can't be compared").with_hint("join it with `and`"));
            }
        }
        let pattern = if left.is_pattern() { &left } else { &right };
        let name = pattern_name(pattern);
        if left.is_pattern() && right.is_pattern() {
            return Err(self.error(span, format!("{name} can't be compared with another")));
        }
        if pattern.is_pattern() && !matches!(op, Op::Eq | Op::Ne) {
            return Err(self
                .error(span, format!("{name} has no order, so `{op}` can't be asked"))
                .with_hint("use `==` for \"matches\" and `!=` for \"does not match\""));
        }
        Ok(Expression::Comparison { left, op, right })
    }

    pub(crate) fn truth(&self, operand: Operand, span: Range<usize>) -> Read<Expression> {
        if operand.is_pattern() {
            let hint = match operand {
                Operand::Regex(_) => "compare a field with it: `request.path == r\"^/api/\"`",
                Operand::Range(_) => "compare a field with it: `response.status in 400..499`",
                _ => "compare a field with it: `src.ip in 10.0.0.0/8`",
            };
            let message = format!("{} alone matches nothing", pattern_name(&operand));
            return Err(self.error(span, message).with_hint(hint));
        }
        Ok(operand.into_expression())
    }

    pub(crate) fn inner_text(&self, pair: Pair<'_, Rule>) -> Read<String> {
        let span = range(&pair);
        let mut inner = pair.into_inner();
        Ok(self.next(&mut inner, span)?.as_str().to_owned())
    }

    pub(crate) fn next<'p>(&self, pairs: &mut Pairs<'p, Rule>, span: Range<usize>) -> Read<Pair<'p, Rule>> {
        pairs.next().ok_or_else(|| self.odd(span))
    }

    pub(crate) fn error(&self, span: Range<usize>, message: impl Into<String>) -> SyntaxError {
        SyntaxError::new(self.text, span, message)
    }

    /// The grammar gave something that this reader does not expect. A test reads every
    /// rule, so this is seen by nobody; if it is, an error is better than an end.
    pub(crate) fn odd(&self, span: Range<usize>) -> SyntaxError {
        self.error(span, "this can't be read")
    }
}

pub(crate) fn range(pair: &Pair<'_, Rule>) -> Range<usize> {
    let start = pair.as_span().start();
    // A rule that may go on has the blanks before what did not come.
    start..start + pair.as_str().trim_end().len()
}

fn pattern_name(pattern: &Operand) -> &'static str {
    match pattern {
        Operand::Range(_) => "a range",
        Operand::Network(_) => "a network",
        _ => "a regular expression",
    }
}

/// The comparison that an `equality_op` or `order_op` stands for.
fn op_of(pair: &Pair<'_, Rule>) -> Op {
    match pair.as_str().as_bytes() {
        [b'!', ..] => Op::Ne,
        [b'<', b'='] => Op::Le,
        [b'>', b'='] => Op::Ge,
        [b'<', ..] => Op::Lt,
        [b'>', ..] => Op::Gt,
        _ => Op::Eq,
    }
}
