//! What is wrong with a text, and where.
//!
//! A query is typed by a person: the answer to a bad one shows the line, marks the place
//! and says what to write instead.

use std::fmt::{self, Display, Formatter, Write};
use std::ops::Range;

/// A text that is no query.
///
/// `Display` draws the line with the place marked:
///
/// ```
/// let error = kfl::parse("request.path.startWith(\"/a\")", 0).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "unknown function `startWith`\n  \
///      |\n\
///      1 | request.path.startWith(\"/a\")\n  \
///      |              ^^^^^^^^^\n  \
///      = did you mean `startsWith`?"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Drawing(self))]
pub struct SyntaxError {
    /// What is wrong, in one line.
    pub message: String,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
    /// The marked bytes of the text.
    pub span: Range<usize>,
    /// The line the mark is in, its number from 1, and the mark's bytes within the line.
    line: String,
    line_number: usize,
    mark: Range<usize>,
}

/// A line longer than this is shown in part: the text may come from anywhere.
const SHOWN_CHARS_MAX: usize = 160;

impl SyntaxError {
    /// An error at `span` of `text`. Spans outside of the text mark its end.
    pub(crate) fn new(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = floor(text, span.start);
        let end = floor(text, span.end).max(start);
        let before = text.get(..start).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let rest = text.get(line_start..).unwrap_or_default();
        let line = rest.split('\n').next().unwrap_or_default().trim_end();
        let mark_start = start - line_start;
        let mark_end = (end - line_start).min(line.len()).max(mark_start);
        Self {
            message: message.into().chars().map(visible).collect(),
            hint: None,
            span: start..end,
            line: line.to_owned(),
            line_number: before.matches('\n').count() + 1,
            mark: mark_start..mark_end,
        }
    }

    /// The same with advice.
    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

struct Drawing<'a>(&'a SyntaxError);

impl Display for Drawing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let error = self.0;
        let number = error.line_number.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{}", error.message)?;
        writeln!(f, "{margin} |")?;

        // Of a long line, the part around the mark.
        let before = error.line.get(..error.mark.start).unwrap_or(&error.line);
        let skipped = before.chars().count().saturating_sub(SHOWN_CHARS_MAX / 2);
        let cut = if skipped > 0 { "…" } else { "" };
        let shown = error.line.chars().skip(skipped).take(SHOWN_CHARS_MAX);
        write!(f, "{number} | {cut}")?;
        for letter in shown {
            f.write_char(visible(letter))?;
        }
        writeln!(f)?;

        write!(f, "{margin} | ")?;
        for _ in cut.chars().chain(before.chars().skip(skipped)) {
            f.write_char(' ')?;
        }
        let marked = error.line.get(error.mark.clone()).unwrap_or_default().chars().count();
        for _ in 0..marked.clamp(1, SHOWN_CHARS_MAX / 2) {
            f.write_char('^')?;
        }
        if let Some(hint) = &error.hint {
            write!(f, "\n{margin} = {hint}")?;
        }
        Ok(())
    }
}

/// Control characters would move the mark, or do worse to a terminal.
fn visible(letter: char) -> char {
    if letter == '\t' {
        ' '
    } else if letter.is_control() {
        '\u{fffd}'
    } else {
        letter
    }
}

#[cfg(test)]
mod tests {
    use super::SyntaxError;

    #[test]
    fn marks_the_place_in_its_line() {
        let error = SyntaxError::new("a\nbé == @ x", 9..10, "unexpected `@`");
        expect_test::expect![[r#"
            unexpected `@`
              |
            2 | bé == @ x
              |       ^"#]]
        .assert_eq(&error.to_string());
    }

    #[test]
    fn spans_outside_of_the_text_mark_its_end() {
        for span in [0..99, 99..100, 2..2, 1..2] {
            let _ = SyntaxError::new("é€", span, "odd").to_string();
        }
    }

    #[test]
    fn a_long_line_is_shown_around_the_mark() {
        let text = "x".repeat(1000) + "@" + &"y".repeat(1000);
        let drawn = SyntaxError::new(&text, 1000..1001, "odd").to_string();
        assert!(drawn.contains("x@y"));
        assert!(drawn.lines().all(|line| line.chars().count() < 200));
    }
}
