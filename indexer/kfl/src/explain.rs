//! Says in a person's words what the grammar did not expect, and guesses what was meant.

use pest::error::{Error, InputLocation};

use crate::error::SyntaxError;
use crate::grammar::Rule;

/// The error for a text that the grammar refused.
pub(crate) fn unexpected(text: &str, error: &Error<Rule>) -> SyntaxError {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
    };
    let before = text.get(..at).unwrap_or_default();
    let rest = text.get(at..).unwrap_or_default();
    let token = token(rest);
    let expected = if wants_operand(before) { "a field or a value" } else { "`and`, `or` or a comparison" };
    let shown: String = token.chars().take(SHOWN_CHARS_MAX).collect();
    let found = if token.is_empty() { "the end".to_owned() } else { format!("`{shown}`") };
    let message = format!("expected {expected}, found {found}");
    let error = SyntaxError::new(text, at..at + token.len().max(1), message);
    match hint(before, rest) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// As much of a token as a message has room for; the line below shows it all.
const SHOWN_CHARS_MAX: usize = 40;

/// Whether an operand must follow `before`: at the start, after a sign, after a word that joins.
fn wants_operand(before: &str) -> bool {
    let before = before.trim_end();
    let word_at = before.rfind(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let word = before.get(word_at.map_or(0, |at| at + 1)..).unwrap_or(before);
    match before.chars().next_back() {
        None => true,
        Some(_) if word.is_empty() => before.ends_with(|last| "=<>!&|([,.:-+*/%".contains(last)),
        // The first word of a text is a field, whatever it is called.
        Some(_) => {
            word_at.is_some() && ["and", "or", "not", "in"].iter().any(|join| word.eq_ignore_ascii_case(join))
        }
    }
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
        "-" => Some("a name with `-` in it is written in brackets: headers[\"user-agent\"]"),
        "/" | "*" | "%" => Some("a regular expression is written r\"…\""),
        "&" => Some("write `and` or `&&`"),
        "|" => Some("write `or` or `||`"),
        ";" | "," => Some("join conditions with `and` or `or`"),
        ":" => Some("a name with `:` in it is written in brackets: headers[\":path\"]"),
        "?" => Some("`? :` is not supported; join conditions with `and` and `or`"),
        "@" | "$" => Some("a path begins with the name of a field: request.path"),
        "contains" | "startsWith" | "endsWith" | "matches" => {
            Some("functions follow the field with a dot: request.path.contains(\"x\")")
        }
        _ => None,
    }
}
