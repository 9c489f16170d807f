//! Says in a person's words what the grammar did not expect, and guesses what was meant.

use pest::error::{Error, ErrorVariant, InputLocation};

use crate::error::SyntaxError;
use crate::grammar::Rule;

/// The error for a text that the grammar refused.
pub(crate) fn unexpected(text: &str, error: &Error<Rule>) -> SyntaxError {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let rest = text.get(at..).unwrap_or_default();
    let token = token(rest);
    let expected =
        if wants_operand(error) { "a field or a value" } else { "`and`, `or`, a comparison or the end" };
    let message = if token.is_empty() {
        format!("the query ends where {expected} should follow")
    } else {
        let shown: String = token.chars().take(40).collect();
        format!("unexpected `{shown}`: {expected} should stand here")
    };
    let found = SyntaxError::new(text, at..at + token.len().max(1), message);
    match hint(text.get(..at).unwrap_or_default(), rest) {
        Some(hint) => found.with_hint(hint),
        None => found,
    }
}

fn wants_operand(error: &Error<Rule>) -> bool {
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return false };
    let operands =
        [Rule::operand, Rule::right_operand, Rule::string, Rule::number, Rule::selector, Rule::name];
    positives.iter().any(|rule| operands.contains(rule)) || positives.iter().any(|rule| starts_operand(*rule))
}

fn starts_operand(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::expression
            | Rule::conjunction
            | Rule::negation
            | Rule::equality
            | Rule::relation
            | Rule::right_relation
            | Rule::argument
    )
}

/// The word or the character that `rest` begins with.
fn token(rest: &str) -> &str {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let length = match rest.chars().next() {
        None => 0,
        Some(first) if is_word(first) => rest.find(|letter| !is_word(letter)).unwrap_or(rest.len()),
        Some(first) => first.len_utf8(),
    };
    rest.get(..length).unwrap_or_default()
}

fn hint(before: &str, rest: &str) -> Option<&'static str> {
    let after_equals = before.trim_end().ends_with('=') && !before.trim_end().ends_with("==");
    match token(rest) {
        "~" => Some("write `== r\"…\"` to match a regular expression"),
        "=" if rest.starts_with("=~") => Some("write `== r\"…\"` to match a regular expression"),
        "=" => Some("write `==` to compare"),
        _ if after_equals => Some("write `==` to compare"),
        "-" => Some(
            "there is no arithmetic; a name with `-` in it is written in brackets: headers[\"user-agent\"]",
        ),
        "+" | "*" | "/" | "%" => Some("there is no arithmetic, and a regular expression is written r\"…\""),
        "&" => Some("write `and` or `&&`"),
        "|" => Some("write `or` or `||`"),
        ";" | "," => Some("join conditions with `and` or `or`"),
        ":" => Some("a name with `:` in it is written in brackets: headers[\":path\"]"),
        "?" => Some("`? :` is not supported; join conditions with `and` and `or`"),
        "@" | "$" => Some("a path begins with the name of a field: request.path"),
        "in" => {
            Some("not supported yet: in; a list is compared by `==`, which holds if any element is equal")
        }
        "contains" | "startsWith" | "endsWith" | "matches" => {
            Some("functions follow the field with a dot: request.path.contains(\"x\")")
        }
        _ => None,
    }
}
