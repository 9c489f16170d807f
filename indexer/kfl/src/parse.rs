//! Text in, checked expression out.
//!
//! The grammar (`kfl.pest`) says what may be written; here it gets its meaning: macros
//! and times are replaced by what they stand for, regular expressions compiled, functions
//! looked up. Whatever can be wrong with a query is found here, so evaluation can't fail.

use std::ops::Range;

use pest::Parser;
use pest::iterators::{Pair, Pairs};

use crate::error::SyntaxError;
use crate::expression::{Expression, Literal, Op, Operand, Path, Regex, Step};
use crate::functions;
use crate::grammar::{Grammar, Rule};
use crate::{explain, literal, scan};

/// How deep an expression may nest: evaluating, printing and dropping it are recursive.
pub const NESTING_MAX: usize = 64;
/// How many `==` and `!=` may follow one another without parentheses. Each nests one deeper.
const EQUALITY_CHAIN_MAX: usize = 4;
/// How many regular expressions one query may compile; each may take up to a megabyte.
pub const REGEXES_MAX: usize = 64;

/// How many `..name` one path may have. Each looks through everything below each find of the
/// one before, so on a record nested for the purpose a third would cost thousands of times more.
const RECURSIVE_STEPS_MAX: usize = 2;

/// What a text says.
pub(crate) struct Parsed {
    pub expression: Expression,
    pub limit: Option<u64>,
}

/// Reads `text`, in which `now()` is `now_ms`.
pub(crate) fn parse(text: &str, now_ms: i64) -> Result<Parsed, SyntaxError> {
    scan::check(text)?;
    let mut pairs = Grammar::parse(Rule::query, text).map_err(|error| explain::unexpected(text, &error))?;
    let mut reader = Reader { text, now_ms, limit: None, regexes: 0 };
    let query = pairs.next().map(Pair::into_inner).and_then(|mut inner| inner.next());
    let expression = match query {
        Some(pair) if pair.as_rule() == Rule::expression => reader.expression(pair)?.into_expression(),
        // A text that asks nothing is answered with everything.
        _ => Expression::Truth(Operand::Literal(Literal::Bool(true))),
    };
    if expression.depth() > NESTING_MAX {
        return Err(scan::too_deep(text, 0..text.len()));
    }
    // limit(0) sets no limit.
    Ok(Parsed { expression, limit: reader.limit.filter(|limit| *limit > 0) })
}

/// Gives meaning to what the grammar recognised.
pub(crate) struct Reader<'t> {
    text: &'t str,
    pub(crate) now_ms: i64,
    /// The first limit of the text; later ones have no effect.
    pub(crate) limit: Option<u64>,
    regexes: usize,
}

pub(crate) type Read<T> = Result<T, SyntaxError>;

impl Reader<'_> {
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

    fn not(&self, operand: Operand, span: Range<usize>) -> Read<Operand> {
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
        let mut left = self.operand(first)?;
        let mut parts = Vec::new();
        while let Some(op) = inner.next() {
            let middle = self.next(&mut inner, span.clone())?;
            let middle_span = range(&middle);
            let right = self.operand(middle)?;
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

    fn comparison(&self, left: Operand, op: Op, right: Operand, span: Range<usize>) -> Read<Expression> {
        let sides = [&left, &right].into_iter().filter(|side| matches!(side, Operand::Regex(_))).count();
        if sides == 2 {
            return Err(self.error(span, "a regular expression can't be compared with another"));
        }
        if sides == 1 && !matches!(op, Op::Eq | Op::Ne) {
            return Err(self
                .error(span, format!("a regular expression has no order, so `{op}` can't be asked"))
                .with_hint("use `==` for \"matches\" and `!=` for \"does not match\""));
        }
        Ok(Expression::Comparison { left, op, right })
    }

    fn truth(&self, operand: Operand, span: Range<usize>) -> Read<Expression> {
        if matches!(operand, Operand::Regex(_)) {
            return Err(self
                .error(span, "a regular expression alone matches nothing")
                .with_hint("compare a field with it: `request.path == r\"^/api/\"`"));
        }
        Ok(operand.into_expression())
    }

    fn operand(&mut self, pair: Pair<'_, Rule>) -> Read<Operand> {
        let span = range(&pair);
        let mut inner = pair.into_inner();
        let pair = self.next(&mut inner, span.clone())?;
        match pair.as_rule() {
            Rule::not => {
                let negated = self.next(&mut inner, span.clone())?;
                let operand = self.operand(negated)?;
                self.not(operand, span)
            }
            Rule::operand => self.operand(pair),
            Rule::negative => {
                let mut negated = pair.into_inner();
                let negated = self.next(&mut negated, span.clone())?;
                let operand = self.operand(negated)?;
                self.negative(operand, span)
            }
            Rule::group => {
                let mut grouped = pair.into_inner();
                let grouped = self.next(&mut grouped, span)?;
                self.expression(grouped)
            }
            Rule::regex => self.regex(&pair),
            Rule::string => Ok(Operand::Literal(Literal::Text(self.string(&pair)?))),
            Rule::number => literal::number(pair.as_str())
                .map(|number| Operand::Literal(Literal::Number(number)))
                .ok_or_else(|| self.error(span, "this number is too large")),
            Rule::constant => Ok(Operand::Literal(match pair.as_str() {
                "true" => Literal::Bool(true),
                "false" => Literal::Bool(false),
                _ => Literal::Nil,
            })),
            Rule::selector => self.selector(pair),
            _ => Err(self.odd(span)),
        }
    }

    fn negative(&self, operand: Operand, span: Range<usize>) -> Read<Operand> {
        let negated = match operand {
            Operand::Literal(Literal::Number(number)) => {
                literal::negated(&number).map(|number| Operand::Literal(Literal::Number(number)))
            }
            Operand::Path(path) => Some(Operand::Negative(path)),
            Operand::Negative(path) => Some(Operand::Path(path)),
            _ => None,
        };
        negated.ok_or_else(|| {
            self.error(span, "only a number or a field can have a minus")
                .with_hint("negate a condition with `!`")
        })
    }

    fn regex(&mut self, pair: &Pair<'_, Rule>) -> Read<Operand> {
        self.regexes += 1;
        if self.regexes > REGEXES_MAX {
            let message = format!("more than {REGEXES_MAX} regular expressions");
            return Err(self.error(range(pair), message).with_hint("join some with `|`: r\"a|b\""));
        }
        let source = literal::regex_source(pair.as_str());
        Regex::new(&source).map(Operand::Regex).map_err(|error| {
            let reason = match &error {
                regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                other => other.to_string(),
            };
            // Of a drawing of several lines, the last says what is wrong.
            let reason = reason.lines().last().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            self.error(range(pair), format!("bad regular expression: {reason}"))
        })
    }

    fn string(&self, pair: &Pair<'_, Rule>) -> Read<String> {
        literal::text(pair.as_str()).map_err(|bad| {
            let start = range(pair).start;
            self.error(start + bad.span.start..start + bad.span.end, bad.message).with_hint(bad.hint)
        })
    }

    /// A path, a macro, or a call of a function.
    fn selector(&mut self, pair: Pair<'_, Rule>) -> Read<Operand> {
        let span = range(&pair);
        let mut steps: Vec<Step> = Vec::new();
        let mut inner = pair.into_inner();
        while let Some(pair) = inner.next() {
            let step_span = range(&pair);
            let step = match pair.as_rule() {
                Rule::name => Step::Key(pair.as_str().to_owned()),
                Rule::key => Step::Key(self.inner_text(pair)?),
                Rule::recursive => Step::Recursive(self.inner_text(pair)?),
                Rule::every => Step::Every,
                Rule::quoted_key => {
                    let mut key = pair.into_inner();
                    let key = self.next(&mut key, step_span)?;
                    Step::Key(self.string(&key)?)
                }
                Rule::index => {
                    let digits = self.inner_text(pair)?;
                    let index = digits.parse::<u32>().ok().and_then(|index| usize::try_from(index).ok());
                    Step::Index(index.ok_or_else(|| self.error(step_span, "this index is too large"))?)
                }
                Rule::call | Rule::method => {
                    let call = if pair.as_rule() == Rule::method {
                        let mut call = pair.into_inner();
                        self.next(&mut call, step_span)?
                    } else {
                        pair
                    };
                    let end = inner.next().map(|after| range(&after));
                    return self.call(steps, call, end);
                }
                _ => return Err(self.odd(step_span)),
            };
            steps.push(step);
        }
        // Quoted, `["http"]`, the field is meant.
        let quoted = self.text.get(span.clone()).is_some_and(|text| text.starts_with('['));
        if steps.len() == 1 && !quoted {
            Ok(self.word(steps))
        } else {
            self.path(steps, span).map(Operand::Path)
        }
    }

    pub(crate) fn path(&self, steps: Vec<Step>, span: Range<usize>) -> Read<Path> {
        if steps.iter().filter(|step| matches!(step, Step::Recursive(_))).count() > RECURSIVE_STEPS_MAX {
            return Err(self.error(span, format!("more than {RECURSIVE_STEPS_MAX} `..` in one path")));
        }
        Ok(Path(steps))
    }

    /// A single name: a macro, the present, or a field.
    fn word(&self, steps: Vec<Step>) -> Operand {
        let Some(Step::Key(name)) = steps.first() else { return Operand::Path(Path(steps)) };
        if name == "now" {
            return Operand::Literal(Literal::Number(self.now_ms.into()));
        }
        match functions::macro_named(name) {
            Some(expression) => expression.into(),
            None => Operand::Path(Path(steps)),
        }
    }

    fn inner_text(&self, pair: Pair<'_, Rule>) -> Read<String> {
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
