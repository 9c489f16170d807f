//! Reads calls of functions.
//!
//! A text function becomes a [`Call`]; what stands alone is settled here: a time becomes its milliseconds, a
//! directive is noted and is itself always true.

use std::ops::Range;

use pest::iterators::Pair;

use crate::error::SyntaxError;
use crate::expression::{Call, Expression, Literal, Op, Operand};
use crate::functions::{self, Alone, Method};
use crate::grammar::Rule;
use crate::parse::{Read, Reader, range};
use crate::path::Step;
use crate::redact::Redaction;
use crate::reference::FUNCTIONS;
use crate::text::TextSearch;
use crate::trace::TraceId;
use crate::{literal, quantity, time};

/// A call under reading: its name, what stands in its parentheses, and where.
struct Reading<'n> {
    name: &'n str,
    arguments: Vec<Argument>,
    span: Range<usize>,
}

/// What stands between two commas.
struct Argument {
    tag: Option<String>,
    value: Operand,
    span: Range<usize>,
}

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
        let alone = functions::alone(name).filter(|_| subject.is_empty());
        let method = functions::method(name).filter(|_| alone.is_none());
        if alone.is_none() && method.is_none() {
            return Err(self.unknown_function(name, name_span, !subject.is_empty()));
        }
        if let Some(after) = after {
            return Err(self.error(after, format!("`{name}` has no fields")));
        }
        let mut arguments = Vec::new();
        for argument in self.next(&mut inner, span.clone())?.into_inner() {
            let argument = self.argument(argument)?;
            if argument.tag.is_some() && alone != Some(Alone::Rule) {
                return Err(self.error(argument.span, format!("`{name}` takes no named values")));
            }
            arguments.push(argument);
        }
        let reading = Reading { name, arguments, span };
        match (alone, method) {
            (Some(alone), _) => self.alone(alone, reading),
            (None, Some(_)) if subject.is_empty() => Err(self
                .error(name_span, format!("`{name}` needs a field before it"))
                .with_hint(format!("write `request.path.{name}(\"…\")`"))),
            (None, Some(method)) => self.method(method, subject, reading),
            (None, None) => Err(self.odd(reading.span)),
        }
    }

    fn unknown_function(&self, name: &str, span: Range<usize>, has_subject: bool) -> SyntaxError {
        if has_subject && functions::alone(name).is_some() {
            return self.error(span, format!("`{name}` takes no field before it"));
        }
        let error = self.error(span, format!("unknown function `{name}`"));
        match functions::nearest(name, FUNCTIONS.iter().map(|function| function.name)) {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => {
                let names: Vec<_> = FUNCTIONS
                    .iter()
                    .filter(|function| function.is_method() == has_subject)
                    .map(|function| function.name)
                    .collect();
                error.with_hint(format!("functions here are {}", names.join(", ")))
            }
        }
    }

    fn argument(&mut self, pair: Pair<'_, Rule>) -> Read<Argument> {
        let span = range(&pair);
        let mut inner = pair.into_inner();
        let first = self.next(&mut inner, span.clone())?;
        if first.as_rule() != Rule::tag {
            return Ok(Argument { tag: None, value: self.expression(first)?, span });
        }
        let tag = self.inner_text(first)?;
        let value = self.next(&mut inner, span.clone())?;
        Ok(Argument { tag: Some(tag), value: self.expression(value)?, span })
    }

    fn method(&mut self, method: Method, subject: Vec<Step>, reading: Reading<'_>) -> Read<Operand> {
        let Reading { name, arguments, span } = reading;
        let values: Vec<Operand> = arguments.into_iter().map(|argument| argument.value).collect();
        match (method, values.as_slice()) {
            (Method::Size, []) => self.path(subject, span).map(Operand::Size),
            (Method::Size, _) => Err(self.error(span, "`size` takes nothing in its parentheses")),
            (Method::Matches, [Operand::Literal(Literal::Text(source))]) => {
                let regex = self.regex(source, span.clone())?;
                self.matching(subject, regex, span)
            }
            (Method::Matches, [Operand::Regex(regex)]) => {
                self.matching(subject, Operand::Regex(regex.clone()), span)
            }
            (Method::Matches, _) => {
                Err(self.error(span, "`matches` takes one regular expression in its parentheses"))
            }
            (Method::Text(function), [argument @ (Operand::Literal(_) | Operand::Path(_))]) => {
                let subject = self.path(subject, span)?;
                Ok(Operand::Call(Call { subject, function, argument: Box::new(argument.clone()) }))
            }
            (Method::Text(_), [_]) => Err(self.error(span, format!("`{name}` takes a text or a field"))),
            (Method::Text(_), _) => {
                Err(self.error(span, format!("`{name}` takes one value in its parentheses")))
            }
        }
    }

    fn matching(&mut self, subject: Vec<Step>, regex: Operand, span: Range<usize>) -> Read<Operand> {
        let subject = Operand::Path(self.path(subject, span)?);
        Ok(Expression::Comparison { left: subject, op: Op::Eq, right: regex }.into())
    }

    fn alone(&mut self, function: Alone, reading: Reading<'_>) -> Read<Operand> {
        match function {
            Alone::Directive => self.directive(reading),
            Alone::Time => self.time(&reading).map(milliseconds),
            Alone::FromNow { unit_ms } => self.relative(unit_ms, &reading).map(milliseconds),
            Alone::Search => self.search(&reading),
            Alone::Redact => self.redact(reading),
            Alone::Rule => self.rule(reading),
            Alone::OfPath => self.of_path(reading),
            Alone::MapGet => self.map_get(reading),
        }
    }

    /// The only argument, which must be a value.
    fn literal<'a>(&self, reading: &'a Reading<'_>) -> Read<Option<&'a Literal>> {
        match reading.arguments.as_slice() {
            [] => Ok(None),
            [Argument { value: Operand::Literal(literal), .. }] => Ok(Some(literal)),
            _ => {
                let message = format!("`{}` takes at most one value, and no field", reading.name);
                Err(self.error(reading.span.clone(), message))
            }
        }
    }

    /// The text that is the only argument.
    fn text<'a>(&self, reading: &'a Reading<'_>) -> Read<&'a str> {
        match self.literal(reading)? {
            Some(Literal::Text(text)) => Ok(text),
            _ => {
                let message = format!("`{}` takes a text in its parentheses", reading.name);
                Err(self.error(reading.span.clone(), message))
            }
        }
    }

    /// The whole number that is the only argument.
    fn whole(&self, reading: &Reading<'_>) -> Read<i64> {
        self.literal(reading)?.and_then(functions::whole).ok_or_else(|| {
            let message = format!("`{}` takes a number in its parentheses", reading.name);
            self.error(reading.span.clone(), message)
        })
    }

    /// Of several of one kind, the first counts.
    fn directive(&mut self, reading: Reading<'_>) -> Read<Operand> {
        let is_text = matches!(reading.name, "leftOff" | "record");
        if is_text {
            let text = self.left_off_or_name(&reading)?;
            let directives = &mut self.directives;
            let place =
                if reading.name == "record" { &mut directives.recording } else { &mut directives.left_off };
            place.get_or_insert(text);
        } else {
            let count = u64::try_from(self.whole(&reading)?)
                .map_err(|_| self.error(reading.span.clone(), "a limit can't be negative"))?;
            let directives = &mut self.directives;
            let place = if reading.name == "limit" { &mut directives.limit } else { &mut directives.latest };
            place.get_or_insert(count);
        }
        Ok(Operand::Literal(Literal::Bool(true)))
    }

    /// The text that is the only argument; `leftOff(-1)` is the original's word for `leftOff("latest")`.
    fn left_off_or_name(&self, reading: &Reading<'_>) -> Read<String> {
        match self.literal(reading)? {
            Some(Literal::Number(number)) if reading.name == "leftOff" && number.as_i64() == Some(-1) => {
                Ok("latest".to_owned())
            }
            _ => self.text(reading).map(str::to_owned),
        }
    }

    fn time(&self, reading: &Reading<'_>) -> Read<serde_json::Number> {
        match reading.name {
            "now" if reading.arguments.is_empty() => Ok(self.now_ms.into()),
            "now" => Err(self.error(reading.span.clone(), "`now` takes nothing in its parentheses")),
            "duration" => duration(self.text(reading)?).map_err(|message| {
                self.error(reading.span.clone(), message).with_hint("write `duration(\"5m\")`, or `5m` alone")
            }),
            _ => time::instant_ms(self.text(reading)?).map(Into::into).ok_or_else(|| {
                self.error(reading.span.clone(), "this is no time")
                    .with_hint("write `datetime(\"10/19/2021, 6:29:02.000 PM\")` or `datetime(\"2021-10-19T18:29:02Z\")`")
            }),
        }
    }

    fn relative(&self, unit_ms: i64, reading: &Reading<'_>) -> Read<serde_json::Number> {
        let from_now = self.whole(reading)?.checked_mul(unit_ms);
        let instant = from_now.and_then(|from_now| self.now_ms.checked_add(from_now));
        instant
            .map(Into::into)
            .ok_or_else(|| self.error(reading.span.clone(), "this time is too far from now"))
    }

    fn search(&mut self, reading: &Reading<'_>) -> Read<Operand> {
        let span = reading.span.clone();
        self.count_searches(1, span.clone())?;
        let text = self.text(reading)?;
        if reading.name == "trace" {
            return TraceId::parse(text).map(|id| Expression::Trace(id).into()).ok_or_else(|| {
                self.error(span, "this is no trace id").with_hint("it has 32 hexadecimal digits, or 16")
            });
        }
        let search = TextSearch::new(text).map_err(|message| {
            let hint = "write `text(\"connection refused\")` or `text(\"conn*\")`";
            self.error(span.clone(), message).with_hint(hint)
        })?;
        self.count_searches(search.words().len().saturating_sub(1), span)?;
        Ok(Expression::Text(search).into())
    }

    fn redact(&mut self, reading: Reading<'_>) -> Read<Operand> {
        let mut paths = Vec::new();
        for argument in reading.arguments {
            self.count_searches(1, argument.span.clone())?;
            paths.push(match argument.value {
                Operand::Literal(Literal::Text(text)) => self.path_in_text(&text, argument.span)?,
                Operand::Path(path) => path,
                _ => return Err(self.error(argument.span, "`redact` takes paths, as texts")),
            });
        }
        if paths.is_empty() {
            return Err(self.error(reading.span, "`redact` takes a path in its parentheses, or several"));
        }
        Ok(Expression::Redact(Redaction(paths)).into())
    }

    /// What breaks the rule: the query's, for which the assertion does not hold. Without one nothing can.
    fn rule(&mut self, reading: Reading<'_>) -> Read<Operand> {
        let (mut query, mut assert) = (None, None);
        for Argument { tag, value, span } in reading.arguments {
            match tag.as_deref() {
                Some("query") => query = Some(self.truth(value, span)?),
                Some("assert") => assert = Some(self.truth(value, span)?),
                Some("description") if matches!(value, Operand::Literal(Literal::Text(_))) => {}
                _ => {
                    return Err(self
                        .error(span, "`rule` takes a description, a query and an assertion by their names")
                        .with_hint(
                            "write `rule(description: \"fast\", query: http, assert: elapsedTime < 100)`",
                        ));
                }
            }
        }
        let Some(query) = query else {
            return Err(self.error(reading.span, "`rule` needs a `query:`"));
        };
        let Some(assert) = assert else { return Ok(Operand::Literal(Literal::Bool(false))) };
        if query.redacts() || assert.redacts() {
            return Err(self.error(reading.span, "`redact` can't stand in a rule"));
        }
        Ok(Expression::And(vec![query, Expression::Not(Box::new(assert))]).into())
    }

    fn of_path(&mut self, reading: Reading<'_>) -> Read<Operand> {
        let Ok([Argument { value: Operand::Path(path), .. }]) = <[Argument; 1]>::try_from(reading.arguments)
        else {
            return Err(self.error(reading.span, format!("`{}` takes one field", reading.name)));
        };
        if reading.name == "size" {
            return Ok(Operand::Size(path));
        }
        let nil = Operand::Literal(Literal::Nil);
        Ok(Expression::Comparison { left: Operand::Path(path), op: Op::Ne, right: nil }.into())
    }

    fn map_get(&mut self, reading: Reading<'_>) -> Read<Operand> {
        let wrong = |reader: &Self| {
            reader
                .error(reading.span.clone(), "`map_get` takes a field, a text and a value")
                .with_hint("write `map_get(request.headers, \"x-user\", \"nobody\") == \"nobody\"`")
        };
        let Ok([map, key, otherwise]) = <[Argument; 3]>::try_from(reading.arguments) else {
            return Err(wrong(self));
        };
        match (map.value, key.value, otherwise.value) {
            (Operand::Path(map), Operand::Literal(Literal::Text(key)), Operand::Literal(otherwise)) => {
                let mut steps = map.0;
                steps.push(Step::Key(key));
                Ok(Operand::Fallback(self.path(steps, reading.span)?, otherwise))
            }
            _ => Err(wrong(self)),
        }
    }
}

fn milliseconds(number: serde_json::Number) -> Operand {
    Operand::Literal(Literal::Number(number))
}

/// `5m`, and `-5m` as the other dialect has it.
fn duration(text: &str) -> Result<serde_json::Number, String> {
    match text.strip_prefix('-') {
        Some(text) => {
            literal::negated(&quantity::duration(text)?).ok_or_else(|| "this duration is too long".to_owned())
        }
        None if text.is_empty() => Err("this is no duration".to_owned()),
        None => quantity::duration(text),
    }
}
