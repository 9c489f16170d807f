//! Reads what operands are compared with beyond a single value: arithmetic, ranges, lists behind `in`.

use std::ops::Range;

use pest::iterators::Pair;

use crate::arithmetic;
use crate::expression::{Expression, Literal, Op, Operand};
use crate::grammar::Rule;
use crate::parse::{Read, Reader, range};
use crate::pattern::{self, Network};

/// How many values one list behind `in` may have.
const MEMBERS_MAX: usize = 500;

impl Reader<'_> {
    /// Arithmetic of values, and ranges between them.
    pub(crate) fn value(&mut self, pair: Pair<'_, Rule>) -> Read<Operand> {
        let span = range(&pair);
        let mut inner = pair.into_inner();
        let first = self.next(&mut inner, span.clone())?;
        let mut terms = vec![self.operand(first)?];
        let mut ops = Vec::new();
        while let Some(op) = inner.next() {
            let operand = self.next(&mut inner, span.clone())?;
            if op.as_rule() == Rule::range_op {
                let low = self.calculated(terms, &ops)?;
                let high = self.value(operand)?;
                return self.range_between(low, high, span);
            }
            ops.push((op.as_str().to_owned(), range(&op)));
            terms.push(self.operand(operand)?);
        }
        self.calculated(terms, &ops)
    }

    /// What the terms give with the signs between them. Only values can be calculated with.
    fn calculated(&self, terms: Vec<Operand>, ops: &[(String, Range<usize>)]) -> Read<Operand> {
        let Some((_, first)) = ops.first() else {
            return terms.into_iter().next().ok_or_else(|| self.odd(0..0));
        };
        let mut numbers = Vec::new();
        for (number, term) in terms.iter().enumerate() {
            let Operand::Literal(Literal::Number(value)) = term else {
                let at = ops.get(number.saturating_sub(1)).map_or(first, |(_, span)| span);
                return Err(self
                    .error(at.clone(), "only numbers and times can be calculated with, not fields")
                    .with_hint("a name with `-` in it is written in brackets: headers[\"user-agent\"]"));
            };
            numbers.push(value.clone());
        }
        let signs: Vec<&str> = ops.iter().map(|(sign, _)| sign.as_str()).collect();
        match arithmetic::result(&numbers, &signs) {
            Ok(number) => Ok(Operand::Literal(Literal::Number(number))),
            Err((at, message)) => {
                Err(self.error(ops.get(at).map_or(first, |(_, span)| span).clone(), message))
            }
        }
    }

    fn range_between(&self, low: Operand, high: Operand, span: Range<usize>) -> Read<Operand> {
        let (Operand::Literal(Literal::Number(low)), Operand::Literal(Literal::Number(high))) = (low, high)
        else {
            return Err(self
                .error(span, "the ends of a range are numbers or times")
                .with_hint("write `response.status in 400..499`"));
        };
        pattern::Range::new(low, high)
            .map(Operand::Range)
            .ok_or_else(|| self.error(span, "nothing is in this range: its end is before its start"))
    }

    /// `left in (…)`: whether it is, or matches, any of them.
    pub(crate) fn membership(
        &mut self,
        left: Operand,
        members: Pair<'_, Rule>,
        is_negated: bool,
        span: Range<usize>,
    ) -> Read<Operand> {
        if matches!(left, Operand::Expression(_)) {
            return Err(self.error(span, "only a field or a value can stand before `in`"));
        }
        let mut inner = members.into_inner();
        let inner = self.next(&mut inner, span.clone())?;
        let mut parts = Vec::new();
        let members: Vec<_> =
            if inner.as_rule() == Rule::list { inner.into_inner().collect() } else { vec![inner] };
        if members.len() > MEMBERS_MAX {
            return Err(self.error(span, format!("more than {MEMBERS_MAX} values behind `in`")));
        }
        for member in members {
            let member_span = range(&member);
            let right = if member.as_rule() == Rule::expression {
                self.expression(member)?
            } else {
                self.value(member)?
            };
            let right = match right {
                // Quotes around a network are a habit of other languages; no other text has this form.
                Operand::Literal(Literal::Text(text)) => {
                    match Network::parse(&text).filter(|_| text.contains('/')) {
                        Some(network) if !left.is_pattern() => Operand::Network(network),
                        _ => Operand::Literal(Literal::Text(text)),
                    }
                }
                Operand::Expression(_) | Operand::Call(_) => {
                    return Err(self.error(member_span, "only fields and values can stand behind `in`"));
                }
                other => other,
            };
            parts.push(self.comparison(left.clone(), Op::Eq, right, span.clone())?);
        }
        let any = if parts.len() == 1 {
            parts.pop().ok_or_else(|| self.odd(span.clone()))?
        } else {
            Expression::Or(parts)
        };
        Ok(if is_negated { Expression::Not(Box::new(any)).into() } else { any.into() })
    }
}
