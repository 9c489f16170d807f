//! Words of the caller's own that stand for a condition, beside those of the language: `checkout` for
//! `http and request.path == r"^/checkout"`.
//!
//! A word is read once and stands for its condition as a whole, as if in parentheses: it can't change the meaning of
//! what is around it.

use std::ops::Range;

use crate::error::SyntaxError;
use crate::expression::Expression;
use crate::parse::{self, Read, Reader};
use crate::query::Directives;

/// So many words of its own a query may know.
const MACROS_MAX: usize = 256;
/// So many conditions all uses of such words in one text may stand for together.
const PARTS_MAX: usize = 10_000;

/// A word and what it stands for.
pub(crate) struct Macro<'t> {
    name: &'t str,
    expression: Expression,
    parts: usize,
    regexes: usize,
    searches: usize,
}

/// Reads what the words stand for; each may use those before it. Of several of a name the last counts.
///
/// # Errors
/// What is wrong with one of them, and where in it.
pub(crate) fn read<'t>(
    definitions: &[(&'t str, &'t str)],
    now_ms: i64,
) -> Result<Vec<Macro<'t>>, SyntaxError> {
    let mut macros: Vec<Macro<'t>> = Vec::new();
    for (number, (name, text)) in definitions.iter().enumerate() {
        let wrong = |message: &str| {
            SyntaxError::new(text, 0..text.len(), format!("in the macro `{name}`: {message}"))
        };
        if number >= MACROS_MAX {
            return Err(wrong(&format!("more than {MACROS_MAX} macros")));
        }
        if !is_name(name) {
            return Err(wrong("a macro's name is one word, and none of the language's"));
        }
        let parsed = parse::parse(text, now_ms, &macros).map_err(|mut error| {
            error.message = format!("in the macro `{name}`: {}", error.message);
            error
        })?;
        if parsed.directives != Directives::default() {
            return Err(wrong("what is said of the answer as a whole can't stand in a macro"));
        }
        let parts = parsed.expression.parts();
        let (regexes, searches) = (parsed.regexes, parsed.searches);
        macros.push(Macro { name, expression: parsed.expression, parts, regexes, searches });
    }
    Ok(macros)
}

/// Whether `name` can stand for a condition: protocols may be defined anew, other words of the language not.
fn is_name(name: &str) -> bool {
    let is_word =
        name.chars().all(|letter| letter.is_alphabetic() || letter.is_ascii_digit() || letter == '_')
            && name.starts_with(|first: char| first.is_alphabetic() || first == '_');
    let taken = ["and", "or", "not", "in", "true", "false", "nil", "null", "now"];
    is_word && !taken.iter().any(|word| word.eq_ignore_ascii_case(name))
}

impl Reader<'_> {
    /// What a word of the caller's stands for.
    pub(crate) fn own_macro(&mut self, name: &str, span: &Range<usize>) -> Read<Option<Expression>> {
        let Some(found) = self.macros.iter().rev().find(|known| known.name == name) else { return Ok(None) };
        self.parts += found.parts;
        if self.parts > PARTS_MAX {
            let message = format!("macros stand for more than {PARTS_MAX} conditions");
            return Err(self.error(span.clone(), message));
        }
        self.count_regexes(found.regexes, span.clone())?;
        self.count_searches(found.searches, span.clone())?;
        Ok(Some(found.expression.clone()))
    }
}
