//! A first look at a text, before the grammar reads it.
//!
//! The grammar is read by recursion, so what it may nest is bounded here. The same pass
//! finds quotes and parentheses that are never closed, and marks where they were opened:
//! the grammar could only say that the end came too early.

use crate::error::SyntaxError;

/// Longest text that is read: far beyond what is typed, and small enough to be answered at once.
pub const TEXT_BYTES_MAX: usize = 64 * 1024;

/// Parentheses and signs within one another. Printing may write two for each level of an
/// expression ([`crate::NESTING_MAX`]), and each costs the parser some kilobytes of stack.
const OPEN_MAX: usize = 112;

/// What is open around the place looked at.
#[derive(Default)]
struct Open {
    /// Where each parenthesis or bracket was opened, and the signs before it.
    brackets: Vec<(usize, char, usize)>,
    /// `!`, `-` and `not` since the last `and`, `or` or comma: what the grammar may be within.
    signs: usize,
    /// All such signs before the open brackets.
    outer_signs: usize,
    /// What the last token was.
    last: Last,
}

/// What a token may be, as far as it matters for the next: `and` after an operand joins, anywhere else
/// it is a field's name.
#[derive(Default, PartialEq)]
enum Last {
    #[default]
    Other,
    Dot,
    Operand,
}

/// Checks length, nesting and closing.
pub(crate) fn check(text: &str) -> Result<(), SyntaxError> {
    if text.len() > TEXT_BYTES_MAX {
        let message = format!("the query has {} bytes, more than {TEXT_BYTES_MAX}", text.len());
        return Err(SyntaxError::new(text, TEXT_BYTES_MAX..text.len(), message));
    }
    let mut open = Open::default();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = token_length(rest).map_err(|message| SyntaxError::new(text, at..at + 1, message))?;
        let token = rest.get(..length).unwrap_or(rest);
        open.take(text, at, token)?;
        at += token.len().max(1);
    }
    if let Some((opened, bracket, _)) = open.brackets.pop() {
        let message = format!("`{bracket}` is never closed");
        return Err(SyntaxError::new(text, opened..opened + 1, message));
    }
    Ok(())
}

impl Open {
    fn take(&mut self, text: &str, at: usize, token: &str) -> Result<(), SyntaxError> {
        let unexpected = |bracket: &str| {
            SyntaxError::new(text, at..at + 1, format!("`{bracket}` closes nothing that is open"))
        };
        match token {
            "(" | "[" => {
                self.brackets.push((at, if token == "(" { '(' } else { '[' }, self.signs));
                self.outer_signs += std::mem::take(&mut self.signs);
            }
            ")" | "]" => {
                let expected = if token == ")" { '(' } else { '[' };
                let Some((_, bracket, signs)) = self.brackets.pop() else { return Err(unexpected(token)) };
                if bracket != expected {
                    return Err(unexpected(token));
                }
                self.outer_signs -= signs;
                self.signs = signs;
            }
            "!" => self.signs += 1,
            // Behind an operand it subtracts.
            "-" if self.last != Last::Operand => self.signs += 1,
            "&" | "|" | "," => self.signs = 0,
            word if is_word(word, "not") && self.last != Last::Dot => self.signs += 1,
            word if is_joining(word) && self.last == Last::Operand => {
                self.signs = 0;
                self.last = Last::Other;
                return Ok(());
            }
            _ => {}
        }
        let first = token.chars().next().unwrap_or(' ');
        if !first.is_whitespace() && !is_comment(token) {
            self.last = match token {
                "." => Last::Dot,
                word if is_word(word, "not") && self.last != Last::Dot => Last::Other,
                ")" | "]" | "*" => Last::Operand,
                _ if first.is_alphanumeric() || matches!(first, '_' | '"' | '\'' | '`') => Last::Operand,
                _ => Last::Other,
            };
        }
        if self.brackets.len() + self.signs + self.outer_signs > OPEN_MAX {
            return Err(too_deep(text, at..at + token.len()));
        }
        Ok(())
    }
}

pub(crate) fn too_deep(text: &str, span: std::ops::Range<usize>) -> SyntaxError {
    SyntaxError::new(text, span, "the query nests too deeply")
        .with_hint("join conditions with `and` and `or` without parentheses where you can")
}

fn is_word(token: &str, word: &str) -> bool {
    token.eq_ignore_ascii_case(word)
}

fn is_joining(token: &str) -> bool {
    is_word(token, "and") || is_word(token, "or")
}

fn is_comment(token: &str) -> bool {
    token.starts_with("//") || token.starts_with("/*")
}

/// The length of the quoted text, comment, word or single character that `rest` begins with.
pub(crate) fn token_length(rest: &str) -> Result<usize, &'static str> {
    let first = rest.chars().next().unwrap_or(' ');
    if matches!(first, '"' | '\'' | '`') {
        return quoted_length(rest, first).ok_or("the quote is never closed");
    }
    if rest.starts_with("//") {
        return Ok(rest.find('\n').unwrap_or(rest.len()));
    }
    if let Some(comment) = rest.strip_prefix("/*") {
        return comment.find("*/").map(|at| at + 4).ok_or("the comment is never closed");
    }
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    if is_part(first) {
        return Ok(rest.find(|letter| !is_part(letter)).unwrap_or(rest.len()));
    }
    Ok(first.len_utf8())
}

fn quoted_length(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if letter == '\\' && quote != '`' {
            escaped = true;
        } else if letter == quote {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{OPEN_MAX, TEXT_BYTES_MAX, check};

    fn message(text: &str) -> String {
        let error = check(text).unwrap_err();
        format!("{:?} {}", error.span, error.message)
    }

    #[test]
    fn unclosed_things_are_marked_where_they_open() {
        assert_eq!(message("a == \"b"), "5..6 the quote is never closed");
        assert_eq!(message("a /* b"), "2..3 the comment is never closed");
        assert_eq!(message("(a[\")\"]"), "0..1 `(` is never closed");
        assert_eq!(message("a)"), "1..2 `)` closes nothing that is open");
        assert_eq!(message("(a]"), "2..3 `]` closes nothing that is open");
    }

    #[test]
    fn depth_and_length_are_bounded() {
        assert!(check(&"(".repeat(OPEN_MAX + 1)).unwrap_err().message.contains("nests"));
        assert!(check(&"!".repeat(OPEN_MAX + 1)).unwrap_err().message.contains("nests"));
        assert!(check(&"not ".repeat(OPEN_MAX + 1)).unwrap_err().message.contains("nests"));
        assert!(check(&"!(-(not(".repeat(OPEN_MAX)).unwrap_err().message.contains("nests"));
        assert!(check(&"!!and == !(!b == ".repeat(OPEN_MAX / 3)).unwrap_err().message.contains("nests"));
        assert!(check(&"(!a) and !b or x.and == -1 and ".repeat(1000)).is_ok());
        assert!(check(&"a".repeat(TEXT_BYTES_MAX + 1)).unwrap_err().message.contains("bytes"));
    }
}
