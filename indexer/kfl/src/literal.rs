//! Reads the literals: numbers, quoted texts, quoted regular expressions.

use std::ops::Range;

use serde_json::Number;

/// What is wrong within a literal, at these bytes of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadLiteral {
    pub span: Range<usize>,
    pub message: String,
    pub hint: &'static str,
}

/// The number that `text`, a `number` of the grammar, stands for; `None` if none can hold it.
///
/// Whole numbers are exact up to 64 bits; all others are the nearest `f64`.
pub(crate) fn number(text: &str) -> Option<Number> {
    let digits = text.replace('_', "");
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return u64::from_str_radix(hex, 16).ok().map(Number::from);
    }
    if let Ok(whole) = digits.parse::<u64>() {
        return Some(Number::from(whole));
    }
    Number::from_f64(digits.parse().ok()?)
}

/// `number` with its sign turned.
pub(crate) fn negated(number: &Number) -> Option<Number> {
    if let Some(whole) = number.as_i128() {
        if let Ok(negative) = i64::try_from(-whole) {
            return Some(Number::from(negative));
        }
        if let Ok(positive) = u64::try_from(-whole) {
            return Some(Number::from(positive));
        }
    }
    number.as_f64().and_then(|float| Number::from_f64(-float))
}

/// The text that `quoted`, a `string` of the grammar, stands for.
///
/// Between back quotes every character stands for itself; otherwise `\` begins an escape.
pub(crate) fn text(quoted: &str) -> Result<String, BadLiteral> {
    let Some(inner) = within_quotes(quoted) else { return Ok(String::new()) };
    if quoted.starts_with('`') {
        return Ok(inner.to_owned());
    }
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((before, after)) = rest.split_once('\\') {
        text.push_str(before);
        let Some((letter, after_escape)) = escape(after) else {
            let start = 1 + inner.len() - after.len() - 1;
            let shown: String = after.chars().take(1).collect();
            return Err(BadLiteral {
                span: start..start + 1 + shown.len(),
                message: format!("unknown escape `\\{shown}`"),
                hint: "write `\\\\` for a backslash, or put the text in back quotes, where nothing is escaped",
            });
        };
        text.push(letter);
        rest = after_escape;
    }
    text.push_str(rest);
    Ok(text)
}

/// The source of the regular expression that `quoted`, a `regex` of the grammar, stands for.
///
/// A regular expression has escapes of its own, so only the quote and the backslash are
/// unescaped: `r"\d"` and `r"\\d"` are the same digit. Between back quotes nothing is.
pub(crate) fn regex_source(quoted: &str) -> String {
    let quoted = quoted.strip_prefix('r').unwrap_or(quoted);
    let Some(inner) = within_quotes(quoted) else { return String::new() };
    if quoted.starts_with('`') {
        return inner.to_owned();
    }
    let mut source = String::with_capacity(inner.len());
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match (letter, if letter == '\\' { letters.next() } else { None }) {
            ('\\', Some(escaped @ ('\\' | '"' | '\''))) => source.push(escaped),
            ('\\', Some(other)) => source.extend(['\\', other]),
            _ => source.push(letter),
        }
    }
    source
}

fn within_quotes(quoted: &str) -> Option<&str> {
    let mut letters = quoted.chars();
    letters.next()?;
    letters.next_back()?;
    Some(letters.as_str())
}

/// The letter that the escape at the start of `after` stands for, and what follows it.
fn escape(after: &str) -> Option<(char, &str)> {
    let mut letters = after.chars();
    let letter = match letters.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'v' => '\u{b}',
        'f' => '\u{c}',
        same @ ('\\' | '"' | '\'' | '`' | '/') => same,
        'x' => return code(letters.as_str(), 2),
        'u' => {
            let rest = letters.as_str();
            if let Some(braced) = rest.strip_prefix('{') {
                let (digits, rest) = braced.split_once('}')?;
                return Some((char::from_u32(hex(digits)?)?, rest));
            }
            return code(rest, 4).or_else(|| surrogates(rest));
        }
        'U' => return code(letters.as_str(), 8),
        _ => return None,
    };
    Some((letter, letters.as_str()))
}

/// The character of exactly `digits` hexadecimal digits.
fn code(text: &str, digits: usize) -> Option<(char, &str)> {
    let (code, rest) = text.split_at_checked(digits)?;
    Some((char::from_u32(hex(code)?)?, rest))
}

/// Characters beyond the first 65536, as JSON writes them: `\ud83d\ude00`.
fn surrogates(text: &str) -> Option<(char, &str)> {
    let (high, rest) = text.split_at_checked(4)?;
    let (low, rest) = rest.strip_prefix("\\u")?.split_at_checked(4)?;
    let pair = [u16::try_from(hex(high)?).ok()?, u16::try_from(hex(low)?).ok()?];
    let letter = char::decode_utf16(pair).next()?.ok()?;
    Some((letter, rest))
}

fn hex(digits: &str) -> Option<u32> {
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::{negated, number, regex_source, text};

    #[test]
    fn numbers() {
        for (written, value) in [
            ("42", "42"),
            ("010", "10"),
            ("1_000", "1000"),
            ("0x1F", "31"),
            (".5", "0.5"),
            ("1e3", "1000.0"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(number(written).unwrap().to_string(), value);
        }
        assert_eq!(number("1e400"), None);
        assert_eq!(number("0x10000000000000000"), None);
        assert_eq!(negated(&number("9223372036854775808").unwrap()).unwrap().as_i64(), Some(i64::MIN));
        assert_eq!(negated(&i64::MIN.into()).unwrap().as_u64(), Some(1 << 63));
    }

    #[test]
    fn escapes() {
        assert_eq!(text(r#""a\n\t\"\\\x41\u00e9\u{1F600}\ud83d\ude00""#).unwrap(), "a\n\t\"\\Aé😀😀");
        assert_eq!(text("'it\\'s'").unwrap(), "it's");
        assert_eq!(text(r"`a\d`").unwrap(), r"a\d");
        let bad = text(r#""ab\d""#).unwrap_err();
        assert_eq!((bad.span, bad.message.as_str()), (3..5, r"unknown escape `\d`"));
        for hostile in [r#""\u{}""#, r#""\u{110000}""#, r#""\ud800""#, r#""\xé""#, r#""\u+123""#] {
            assert!(text(hostile).is_err(), "{hostile}");
        }
    }

    #[test]
    fn regular_expressions_keep_their_escapes() {
        assert_eq!(regex_source(r#"r"a\d\\w\"""#), r#"a\d\w""#);
        assert_eq!(regex_source(r"r`a\\`"), r"a\\");
    }
}
