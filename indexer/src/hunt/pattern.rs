//! What is looked for: bytes, compiled once.
//!
//! Texts and hex become regular expressions over bytes too, so that there is one way to look; the `regex` crate finds
//! the literals in them by itself. Matching takes time linear in the bytes, whatever the expression.

use regex::bytes::{Regex, RegexBuilder};

use crate::Error;

/// A pattern longer than this is a file.
const PATTERN_BYTES_MAX: usize = 4096;
/// A compiled pattern takes no more memory; neither does what is remembered while matching.
const COMPILED_BYTES_MAX: usize = 4 << 20;
/// How far a match of a regular expression may reach to be sure to be found.
pub const REACH_BYTES: usize = 64 << 10;

/// Whether `a` is `A`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// It isn't.
    Exact,
    /// It is, as in Unicode's simple case folding.
    Ignored,
}

/// Bytes to look for.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    reach_bytes: usize,
    /// The same for patterns that find the same, for tokens.
    name: String,
}

impl Pattern {
    /// A text, as UTF-8.
    ///
    /// # Errors
    /// When it is empty or too long.
    pub fn text(text: &str, case: Case) -> Result<Self, Error> {
        check_length(text)?;
        let mut builder = RegexBuilder::new(&regex::escape(text));
        let reach_bytes = match case {
            Case::Exact => text.len(),
            // Another spelling of a letter may take more bytes, at most four.
            Case::Ignored => 4 * text.chars().count(),
        };
        builder.case_insensitive(case == Case::Ignored);
        Self::compile(&builder, reach_bytes, format!("text {case:?} {text}"))
    }

    /// Bytes in hex, `??` for any byte: `de ad ?? ef`.
    ///
    /// # Errors
    /// When it is no hex, or names no byte.
    pub fn hex(text: &str) -> Result<Self, Error> {
        check_length(text)?;
        let digits: String = text.split_whitespace().collect();
        let wrong =
            || Error::Pattern(format!("no hex: {text:?} (expected pairs of digits, or ??: de ad ?? ef)"));
        let (mut expression, mut reach_bytes, mut names_a_byte) = (String::new(), 0, false);
        let mut rest = digits.as_str();
        while !rest.is_empty() {
            let (pair, after) = rest.split_at_checked(2).ok_or_else(wrong)?;
            if pair == "??" {
                expression.push('.');
            } else if pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                expression.push_str("\\x");
                expression.push_str(pair);
                names_a_byte = true;
            } else {
                return Err(wrong());
            }
            reach_bytes += 1;
            rest = after;
        }
        if !names_a_byte {
            return Err(wrong());
        }
        let mut builder = RegexBuilder::new(&expression);
        builder.unicode(false).dot_matches_new_line(true);
        Self::compile(&builder, reach_bytes, format!("hex {}", digits.to_lowercase()))
    }

    /// A regular expression over bytes, in the syntax of the `regex` crate.
    ///
    /// # Errors
    /// When it is none, takes too much memory, or matches where there is nothing.
    pub fn regex(text: &str, case: Case) -> Result<Self, Error> {
        check_length(text)?;
        let mut builder = RegexBuilder::new(text);
        builder.case_insensitive(case == Case::Ignored);
        let pattern = Self::compile(&builder, REACH_BYTES, format!("regex {case:?} {text}"))?;
        if pattern.regex.is_match(b"") {
            return Err(Error::Pattern("it matches where there is nothing, so everywhere".to_owned()));
        }
        Ok(pattern)
    }

    fn compile(builder: &RegexBuilder, reach_bytes: usize, name: String) -> Result<Self, Error> {
        let mut builder = builder.clone();
        builder.size_limit(COMPILED_BYTES_MAX).dfa_size_limit(COMPILED_BYTES_MAX);
        let regex = builder.build().map_err(|error| Error::Pattern(error.to_string()))?;
        Ok(Self { regex, reach_bytes, name })
    }

    /// How many bytes from its first one a match may take: longer ones may be missed or cut.
    #[must_use]
    pub fn reach_bytes(&self) -> usize {
        self.reach_bytes
    }

    /// The same for patterns that find the same.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The first match that begins at `from` or behind, and is not empty.
    pub(crate) fn find_at(&self, bytes: &[u8], mut from: usize) -> Option<std::ops::Range<usize>> {
        while from < bytes.len() {
            let found = self.regex.find_at(bytes, from)?;
            if !found.is_empty() {
                return Some(found.range());
            }
            from = found.end() + 1;
        }
        None
    }
}

fn check_length(text: &str) -> Result<(), Error> {
    match text.len() {
        0 => Err(Error::Pattern("an empty pattern is everywhere".to_owned())),
        length if length > PATTERN_BYTES_MAX => {
            Err(Error::Pattern(format!("{length} bytes are more than {PATTERN_BYTES_MAX}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: Result<Pattern, Error>, bytes: &[u8], expected: Option<std::ops::Range<usize>>) {
        assert_eq!(pattern.unwrap().find_at(bytes, 0), expected);
    }

    #[test]
    fn each_way_to_write_a_pattern() {
        check(Pattern::text("a.b", Case::Exact), b"axb a.b", Some(4..7));
        check(Pattern::text("straße", Case::Ignored), "STRAẞE".as_bytes(), Some(0..8));
        check(Pattern::hex("de AD ?? 01"), b"\xde\xad\n\x01", Some(0..4));
        check(Pattern::hex("0a0d"), b"x\n\r", Some(1..3));
        check(Pattern::regex(r"(?-u)\xff[0-9]+", Case::Exact), b"..\xff12x", Some(2..5));
        check(Pattern::regex(r"\bx*", Case::Exact), b".. xx", Some(3..5));
    }

    #[test]
    fn what_can_find_nothing_or_everything_is_refused() {
        for wrong in ["", "d", "xy", "?? ??", "de a", "?e"] {
            assert!(Pattern::hex(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "x*", "(", r"a{500}{500}{500}", r"(\pL{100}){100}", r"(a+)\1"] {
            assert!(Pattern::regex(wrong, Case::Exact).is_err(), "{wrong}");
        }
        assert!(Pattern::text("", Case::Exact).is_err());
        assert!(Pattern::text(&"x".repeat(5000), Case::Exact).is_err());
    }
}
