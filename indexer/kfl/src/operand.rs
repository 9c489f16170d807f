//! Reads what stands between the words that join: values, paths, calls.

use std::ops::Range;

use pest::Parser;
use pest::iterators::Pair;

use crate::expression::{Literal, Operand};
use crate::grammar::{Grammar, Rule};
use crate::parse::{REGEXES_MAX, Read, Reader, range};
use crate::path::{Encoding, Path, Step};
use crate::pattern::{Network, Regex};
use crate::{alias, functions, literal, quantity, scan};

/// How many `..name` one path may have. Each looks through everything below each find of the
/// one before, so on a record nested for the purpose a third would cost thousands of times more.
const RECURSIVE_STEPS_MAX: usize = 2;
/// How many documents within documents one path may open.
const DECODED_STEPS_MAX: usize = 4;
/// How many steps one path may have.
const STEPS_MAX: usize = 64;
/// How many functions of one query may look through much of a record, and words of searches.
const SEARCHES_MAX: usize = 64;

impl Reader<'_> {
    pub(crate) fn operand(&mut self, pair: Pair<'_, Rule>) -> Read<Operand> {
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
            Rule::regex => self.regex(&literal::regex_source(pair.as_str()), span),
            Rule::string => Ok(Operand::Literal(Literal::Text(self.string(&pair)?))),
            Rule::address => Network::parse(pair.as_str()).map(Operand::Network).ok_or_else(|| {
                self.error(span, "this is no address").with_hint("write `10.0.0.0/8` or `2001:db8::/32`")
            }),
            Rule::quantity => quantity::read(pair.as_str())
                .map(|number| Operand::Literal(Literal::Number(number)))
                .map_err(|message| self.error(span, message).with_hint(quantity::HINT)),
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

    pub(crate) fn regex(&mut self, source: &str, span: Range<usize>) -> Read<Operand> {
        self.count_regexes(1, span.clone())?;
        Regex::new(source).map(Operand::Regex).map_err(|error| {
            let reason = match &error {
                regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                other => other.to_string(),
            };
            // Of a drawing of several lines, the last says what is wrong.
            let reason = reason.lines().last().unwrap_or_default();
            let reason = reason.strip_prefix("error: ").unwrap_or(reason);
            self.error(span, format!("bad regular expression: {reason}"))
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
                    if let Some(encoding) = self.decoding(&call, steps.is_empty())? {
                        steps.push(Step::Decoded(encoding));
                        continue;
                    }
                    let end = inner.next().map(|after| range(&after));
                    return self.call(alias::meant(steps), call, end);
                }
                _ => return Err(self.odd(step_span)),
            };
            steps.push(step);
        }
        // Quoted, `["http"]`, the field is meant.
        let quoted = self.text.get(span.clone()).is_some_and(|text| text.starts_with('['));
        match steps.as_slice() {
            [Step::Key(name)] if !quoted && name == "now" => {
                Ok(Operand::Literal(Literal::Number(self.now_ms.into())))
            }
            [Step::Key(name)] if !quoted => {
                let own = self.own_macro(name, &span)?;
                match own.or_else(|| functions::macro_named(name)) {
                    Some(expression) => Ok(expression.into()),
                    None => self.path(alias::meant(steps), span).map(Operand::Path),
                }
            }
            _ if quoted => self.path(steps, span).map(Operand::Path),
            _ => self.path(alias::meant(steps), span).map(Operand::Path),
        }
    }

    /// The document that a call of `json` or `xml` reads.
    fn decoding(&self, call: &Pair<'_, Rule>, stands_alone: bool) -> Read<Option<Encoding>> {
        let span = range(call);
        let mut inner = call.clone().into_inner();
        let name = self.next(&mut inner, span.clone())?;
        let Some(encoding) = Encoding::named(name.as_str()) else { return Ok(None) };
        let name = encoding.name();
        if stands_alone {
            return Err(self
                .error(span, format!("`{name}` needs a field before it"))
                .with_hint(format!("write `response.content.text.{name}().id == 42`")));
        }
        let arguments = self.next(&mut inner, span.clone())?;
        if arguments.into_inner().next().is_some() {
            return Err(self.error(span, format!("`{name}` takes nothing in its parentheses")));
        }
        Ok(Some(encoding))
    }

    /// A checked path, which is noted with its place.
    pub(crate) fn path(&mut self, steps: Vec<Step>, span: Range<usize>) -> Read<Path> {
        let count = |is: fn(&Step) -> bool| steps.iter().filter(|step| is(step)).count();
        if count(|step| matches!(step, Step::Recursive(_))) > RECURSIVE_STEPS_MAX {
            return Err(self.error(span, format!("more than {RECURSIVE_STEPS_MAX} `..` in one path")));
        }
        let decoded = count(|step| matches!(step, Step::Decoded(_)));
        if decoded > DECODED_STEPS_MAX {
            return Err(
                self.error(span, format!("more than {DECODED_STEPS_MAX} documents within one another"))
            );
        }
        if decoded > 0 {
            self.count_searches(1, span.clone())?;
        }
        if steps.len() > STEPS_MAX {
            return Err(self.error(span, format!("more than {STEPS_MAX} steps in one path")));
        }
        let path = Path(steps);
        self.fields.push((path.clone(), span));
        Ok(path)
    }

    /// Notes functions that look through much of a record.
    pub(crate) fn count_searches(&mut self, count: usize, span: Range<usize>) -> Read<()> {
        self.searches += count;
        if self.searches > SEARCHES_MAX {
            let message = format!("more than {SEARCHES_MAX} of json, xml, trace, redact and words of text");
            return Err(self.error(span, message));
        }
        Ok(())
    }

    pub(crate) fn count_regexes(&mut self, count: usize, span: Range<usize>) -> Read<()> {
        self.regexes += count;
        if self.regexes > REGEXES_MAX {
            let message = format!("more than {REGEXES_MAX} regular expressions");
            return Err(self.error(span, message).with_hint("join some with `|`: r\"a|b\""));
        }
        Ok(())
    }

    /// The path that `text`, a text in the query, spells; `span` is where it stands.
    pub(crate) fn path_in_text(&mut self, text: &str, span: Range<usize>) -> Read<Path> {
        let wrong = |reader: &Self| {
            reader
                .error(span.clone(), "this is no path")
                .with_hint("write `redact(\"request.headers.Authorization\", \"..password\")`")
        };
        scan::check(text).map_err(|_| wrong(self))?;
        let mut pairs = Grammar::parse(Rule::target, text).map_err(|_| wrong(self))?;
        let selector =
            pairs.next().and_then(|target| target.into_inner().next()).ok_or_else(|| wrong(self))?;
        let mut inner = Reader::new(text, self.now_ms, &[]);
        match inner.selector(selector) {
            // A macro's name is a field here.
            Ok(Operand::Path(path)) => self.path(path.0, span),
            Ok(Operand::Expression(_)) => self.path(vec![Step::Key(text.trim().to_owned())], span),
            _ => Err(wrong(self)),
        }
    }
}
