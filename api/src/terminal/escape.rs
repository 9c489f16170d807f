//! Makes text from the wire harmless to a terminal.
//!
//! A URL or a DNS name can hold escape sequences that rewrite the screen, set the window's title or answer
//! questions on the user's behalf, and bidirectional controls that show a text in another order than it has.
//! None of them reaches a terminal: they are written as the escapes of a Rust or JSON string.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` on one line, without anything that a terminal acts on.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, is_unsafe)
}

/// `text` without anything that a terminal acts on but its line ends and tabs: for bodies.
pub fn block(text: &str) -> Cow<'_, str> {
    escaped(text, |character| is_unsafe(character) && character != '\n' && character != '\t')
}

/// Whether a terminal might act on `character` rather than show it.
pub fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            // Marks, embeddings, overrides and isolates of the bidirectional algorithm (UAX #9); line and
            // paragraph separators; characters without a width, behind which others can hide.
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn escaped(text: &str, escape: impl Fn(char) -> bool) -> Cow<'_, str> {
    let Some(first) = text.find(&escape) else { return Cow::Borrowed(text) };
    let (clean, rest) = text.split_at(first);
    let mut safe = String::with_capacity(text.len() + 8);
    safe.push_str(clean);
    for character in rest.chars() {
        match character {
            _ if !escape(character) => safe.push(character),
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            '\0'..='\x7f' => {
                let _ = write!(safe, "\\x{:02x}", u32::from(character));
            }
            _ => {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(character));
            }
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_acts_on() {
        assert_eq!(line("/plain/ü/日本"), "/plain/ü/日本");
        assert!(matches!(line("/plain"), Cow::Borrowed(_)));
        assert_eq!(line("\x1b]0;owned\x07x"), "\\x1b]0;owned\\x07x");
        assert_eq!(line("a\u{9b}31mb"), "a\\u{9b}31mb");
        assert_eq!(line("evil\u{202e}gpj.exe"), "evil\\u{202e}gpj.exe");
        assert_eq!(line("a\r\nb\tc\x7f"), "a\\r\\nb\\tc\\x7f");
        assert_eq!(block("a\r\nb\tc\x1b[2J"), "a\\r\nb\tc\\x1b[2J");
    }

    #[test]
    fn whatever_comes_in_only_safe_characters_go_out() {
        let all: String = (0..0x11_0000).filter_map(char::from_u32).collect();
        assert!(!line(&all).chars().any(is_unsafe));
        assert!(!block(&all).chars().any(|c| is_unsafe(c) && c != '\n' && c != '\t'));
    }
}
