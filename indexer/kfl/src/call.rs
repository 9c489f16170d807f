//! Reads calls of functions.
//!
//! A text function becomes a [`Call`]; everything that stands alone is settled here: a
//! time becomes its milliseconds, a limit is noted and is itself always true.

use std::ops::Range;

use pest::iterators::Pair;

use crate::error::SyntaxError;
use crate::expression::{Call, Literal, Operand, Step};
use crate::functions::{self, Alone};
use crate::grammar::Rule;
use crate::parse::{Read, Reader, range};
use crate::time;

impl Reader<'_> {
    /// The function `call` of the values at `subject`, or of nothing if that has no steps.
    pub(crate) fn call(
        &mut self,
        subject: Vec<Step>,
        call: Pair<'_, Rule>,
        after: Option<Range<usize>>,
    ) -> Read<Operand> {
        let span = range(&call);
        let mut inner = call.into_inner();
        let name = self.next(&mut inner, span.clone())?;
        let name_span = range(&name);
        let name = name.as_str();
        if functions::is_later(name) {
            return Err(self.error(name_span, format!("not supported yet: {name}")));
        }
        let alone = functions::alone(name).filter(|_| subject.is_empty());
        let text_function = functions::text_function(name);
        if alone.is_none() && text_function.is_none() {
            return Err(self.unknown_function(name, name_span, !subject.is_empty()));
        }
        if let Some(after) = after {
            return Err(self.error(after, format!("`{name}` has no fields")));
        }
        let mut arguments = Vec::new();
        for argument in self.next(&mut inner, span.clone())?.into_inner() {
            arguments.push(self.argument(name, argument)?);
        }
        if let Some(alone) = alone {
            return self.alone(alone, name, &arguments, span);
        }
        let Some(function) = text_function else { return Err(self.odd(span)) };
        if subject.is_empty() {
            return Err(self
                .error(name_span, format!("`{name}` needs a field before it"))
                .with_hint(format!("write `request.path.{name}(\"…\")`")));
        }
        match <[Operand; 1]>::try_from(arguments) {
            Ok([argument @ (Operand::Literal(_) | Operand::Path(_))]) => {
                let subject = self.path(subject, span)?;
                Ok(Operand::Call(Call { subject, function, argument: Box::new(argument) }))
            }
            Ok(_) => Err(self.error(span, format!("`{name}` takes a text or a field"))),
            Err(_) => Err(self.error(span, format!("`{name}` takes one value in its parentheses"))),
        }
    }

    fn unknown_function(&self, name: &str, span: Range<usize>, has_subject: bool) -> SyntaxError {
        if has_subject && functions::alone(name).is_some() {
            return self.error(span, format!("`{name}` takes no field before it"));
        }
        let error = self.error(span, format!("unknown function `{name}`"));
        match functions::nearest(name) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error.with_hint(
                "functions are startsWith, endsWith, contains, limit, now, datetime, seconds … years",
            ),
        }
    }

    fn argument(&mut self, function: &str, pair: Pair<'_, Rule>) -> Read<Operand> {
        let span = range(&pair);
        let mut inner = pair.into_inner();
        let first = self.next(&mut inner, span.clone())?;
        if first.as_rule() == Rule::tag {
            return Err(self.error(span, format!("`{function}` takes no named values")));
        }
        self.expression(first)
    }

    fn alone(
        &mut self,
        function: Alone,
        name: &str,
        arguments: &[Operand],
        span: Range<usize>,
    ) -> Read<Operand> {
        let literal = match arguments {
            [] => None,
            [Operand::Literal(literal)] => Some(literal),
            _ => return Err(self.error(span, format!("`{name}` takes at most one value, and no field"))),
        };
        let number = literal.and_then(functions::whole);
        let instant = match (function, literal, number) {
            (Alone::Limit, _, Some(number)) => {
                let Ok(limit) = u64::try_from(number) else {
                    return Err(self.error(span, "a limit can't be negative"));
                };
                self.limit.get_or_insert(limit);
                return Ok(Operand::Literal(Literal::Bool(true)));
            }
            (Alone::Now, None, _) => Some(self.now_ms),
            (Alone::Now, ..) => return Err(self.error(span, "`now` takes nothing in its parentheses")),
            (Alone::FromNow { unit_ms }, _, Some(number)) => {
                number.checked_mul(unit_ms).and_then(|from_now| self.now_ms.checked_add(from_now))
            }
            (Alone::Limit | Alone::FromNow { .. }, ..) => {
                return Err(self.error(span, format!("`{name}` takes a number in its parentheses")));
            }
            (Alone::DateTime, Some(Literal::Text(text)), _) => match time::instant_ms(text) {
                Some(instant) => Some(instant),
                None => {
                    return Err(self.error(span, "this is no time")
                        .with_hint("write `datetime(\"10/19/2021, 6:29:02.000 PM\")` or `datetime(\"2021-10-19T18:29:02Z\")`"));
                }
            },
            (Alone::DateTime, ..) => {
                return Err(self.error(span, "`datetime` takes a text in its parentheses"));
            }
        };
        let instant = instant.ok_or_else(|| self.error(span, "this time is too far from now"))?;
        Ok(Operand::Literal(Literal::Number(instant.into())))
    }
}
