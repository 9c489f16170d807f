//! Cuts lines and inline commands out of bytes: the units of RESP (Redis serialization protocol, RESP2 and RESP3).
//!
//! ```text
//! *2\r\n            an array of two
//! $3\r\nGET\r\n     a bulk string of three bytes
//! $3\r\nkey\r\n
//! ```
//!
//! A value begins with a byte of its type and a line. [`header`] reads that line for all types whose line is
//! short; simple strings and errors may be of any length, and are read by the reader as they come.

use super::message::Kind;

/// Most bytes of a line that tells a length or a number (a double of full precision has 24).
pub const HEADER_BYTES_MAX: usize = 64;

/// Most bytes of an inline command (`PROTO_INLINE_MAX_SIZE` of Redis).
pub const INLINE_BYTES_MAX: usize = 64 * 1024;

/// Most bytes of one string: `proto-max-bulk-len` is 512 MiB unless configured higher.
pub const BULK_BYTES_MAX: u64 = 1 << 40;

/// Most values of one aggregate (Redis reads a 32-bit number).
pub const ITEMS_MAX: u64 = 1 << 31;

/// Bytes that are no RESP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// The line at the start of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Header {
    /// A simple string, an error or a big number begins behind its first byte, and ends with its line.
    Line(Kind),
    /// So many bytes follow, and a line end.
    Bytes(Kind, u64),
    /// A string in parts follows (`$?`).
    Parts,
    /// So many values follow; pairs are counted twice.
    Items(Kind, u64),
    /// Values follow until a `.`.
    ItemsUntilEnd(Kind),
    /// An aggregate in parts is over (`.`).
    End,
    /// The value is whole: a number.
    Integer(i64),
    /// The value is whole: nothing, of the type that it takes the place of.
    Null(Kind),
    /// The value is whole.
    Boolean(bool),
    /// The value is whole: a number with a point, as written.
    Double,
}

/// Reads the line at the start of a value, and how many bytes it takes.
///
/// # Errors
/// If the bytes begin no value.
pub fn header(input: &[u8]) -> Result<Option<(Header, usize)>, Malformed> {
    let Some(&first) = input.first() else { return Ok(None) };
    if first == b'.' {
        let Some((line, length)) = short_line(input)? else { return Ok(None) };
        return if line == b"." { Ok(Some((Header::End, length))) } else { Err(Malformed) };
    }
    let kind = Kind::of(first).ok_or(Malformed)?;
    if matches!(kind, Kind::SimpleString | Kind::Error | Kind::BigNumber) {
        return Ok(Some((Header::Line(kind), 1)));
    }
    let Some((line, length)) = short_line(input)? else { return Ok(None) };
    let text = line.get(1..).unwrap_or_default();
    let header = match kind {
        Kind::Integer => Header::Integer(integer(text)?),
        Kind::Null if text.is_empty() => Header::Null(Kind::Null),
        Kind::Boolean if text == b"t" => Header::Boolean(true),
        Kind::Boolean if text == b"f" => Header::Boolean(false),
        Kind::Double if is_double(text) => Header::Double,
        Kind::BulkString if text == b"?" => Header::Parts,
        Kind::BulkString | Kind::Array if text == b"-1" => Header::Null(kind),
        Kind::BulkString | Kind::BulkError | Kind::Verbatim => {
            Header::Bytes(kind, length_of(text, BULK_BYTES_MAX)?)
        }
        Kind::Map | Kind::Attribute if text != b"?" => {
            Header::Items(kind, length_of(text, ITEMS_MAX)?.saturating_mul(2))
        }
        Kind::Array | Kind::Set | Kind::Push if text != b"?" => {
            Header::Items(kind, length_of(text, ITEMS_MAX)?)
        }
        Kind::Array | Kind::Set | Kind::Map | Kind::Push | Kind::Attribute => Header::ItemsUntilEnd(kind),
        _ => return Err(Malformed),
    };
    Ok(Some((header, length)))
}

/// Reads the line before a part of a string in parts: `;5`, and `;0` behind the last one.
///
/// # Errors
/// If it is none.
pub fn part(input: &[u8]) -> Result<Option<(u64, usize)>, Malformed> {
    let Some((line, length)) = short_line(input)? else { return Ok(None) };
    let text = line.strip_prefix(b";").ok_or(Malformed)?;
    Ok(Some((length_of(text, BULK_BYTES_MAX)?, length)))
}

/// A line of at most [`HEADER_BYTES_MAX`] without its end, and its length with it.
pub fn short_line(input: &[u8]) -> Result<Option<(&[u8], usize)>, Malformed> {
    let window = input.get(..HEADER_BYTES_MAX).unwrap_or(input);
    match memchr::memchr(b'\n', window) {
        Some(end) => {
            let line = window.get(..end).unwrap_or_default();
            Ok(Some((line.strip_suffix(b"\r").ok_or(Malformed)?, end.saturating_add(1))))
        }
        None if window.len() < HEADER_BYTES_MAX && may_go_on(window) => Ok(None),
        None => Err(Malformed),
    }
}

/// Whether bytes without a line end may be the start of a short line: what follows must not wait for more.
fn may_go_on(window: &[u8]) -> bool {
    let text = window.strip_suffix(b"\r").unwrap_or(window);
    text.iter().all(u8::is_ascii_graphic)
}

fn length_of(text: &[u8], max: u64) -> Result<u64, Malformed> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(Malformed);
    }
    let length = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Malformed)?;
    if length > max { Err(Malformed) } else { Ok(length) }
}

fn integer(text: &[u8]) -> Result<i64, Malformed> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Malformed)
}

fn is_double(text: &[u8]) -> bool {
    let text = std::str::from_utf8(text).unwrap_or_default();
    matches!(text, "inf" | "-inf" | "nan") || (!text.is_empty() && text.parse::<f64>().is_ok())
}

/// A line without its end, and its length with it, if it ends in `input`.
#[must_use]
pub fn inline_line(input: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', input)?;
    let line = input.get(..end).unwrap_or_default();
    Some((line.strip_suffix(b"\r").unwrap_or(line), end.saturating_add(1)))
}

/// Whether these may be bytes of an inline command: text, of whichever encoding.
#[must_use]
pub fn is_inline(line: &[u8]) -> bool {
    line.iter().all(|&byte| byte >= b' ' && byte != 0x7f || byte == b'\t')
}

/// Splits an inline command into words, as Redis does: blanks part words, `"…"` may hold escapes
/// (`\n`, `\xff`), `'…'` only `\'`. `None` where quotes are left open.
#[must_use]
pub fn words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = one_word(rest, &mut word)?.trim_ascii_start();
        words.push(word);
    }
    Some(words)
}

/// Takes one word off `rest`.
fn one_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | 0 => break,
            b'"' | b'\'' => {
                let after = quoted(byte, after, word)?;
                // A closing quote ends the word; Redis wants a blank behind it.
                return after.first().is_none_or(u8::is_ascii_whitespace).then_some(after);
            }
            _ => word.push(byte),
        }
        rest = after;
    }
    Some(rest)
}

fn quoted<'a>(quote: u8, mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match (quote, rest) {
            (b'"', [b'\\', b'x', high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let hex = [*high, *low];
                let value = std::str::from_utf8(&hex).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
                word.extend(value);
                after
            }
            (b'"', [b'\\', byte, after @ ..]) => {
                word.push(match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                after
            }
            (b'\'', [b'\\', b'\'', after @ ..]) => {
                word.push(b'\'');
                after
            }
            (_, [byte, after @ ..]) if *byte == quote => return Some(after),
            (_, [byte, after @ ..]) => {
                word.push(*byte);
                after
            }
            (_, []) => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_type() {
        for (input, expected) in [
            ("+OK\r\n", Ok(Some((Header::Line(Kind::SimpleString), 1)))),
            (":-12\r\n", Ok(Some((Header::Integer(-12), 6)))),
            (":+7\r\n", Ok(Some((Header::Integer(7), 5)))),
            ("$5\r\n", Ok(Some((Header::Bytes(Kind::BulkString, 5), 4)))),
            ("$-1\r\n", Ok(Some((Header::Null(Kind::BulkString), 5)))),
            ("*-1\r\n", Ok(Some((Header::Null(Kind::Array), 5)))),
            ("*3\r\n", Ok(Some((Header::Items(Kind::Array, 3), 4)))),
            ("%2\r\n", Ok(Some((Header::Items(Kind::Map, 4), 4)))),
            ("_\r\n", Ok(Some((Header::Null(Kind::Null), 3)))),
            ("#t\r\n", Ok(Some((Header::Boolean(true), 4)))),
            (",-inf\r\n", Ok(Some((Header::Double, 7)))),
            (",1.5e3\r\n", Ok(Some((Header::Double, 8)))),
            ("$?\r\n", Ok(Some((Header::Parts, 4)))),
            ("*?\r\n", Ok(Some((Header::ItemsUntilEnd(Kind::Array), 4)))),
            (".\r\n", Ok(Some((Header::End, 3)))),
            ("=15\r\n", Ok(Some((Header::Bytes(Kind::Verbatim, 15), 5)))),
            ("$12", Ok(None)),
            ("$12\r", Ok(None)),
            ("", Ok(None)),
            ("$-2\r\n", Err(Malformed)),
            ("*2\n", Err(Malformed)),
            ("$99999999999999999999\r\n", Err(Malformed)),
            ("*4294967296\r\n", Err(Malformed)),
            ("#x\r\n", Err(Malformed)),
            ("hello", Err(Malformed)),
            ("$1 2", Err(Malformed)),
        ] {
            assert_eq!(header(input.as_bytes()), expected, "{input:?}");
        }
    }

    #[test]
    fn inline_commands_are_split_as_redis_does() {
        let split = |line: &str| {
            words(line.as_bytes()).map(|words| {
                words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>()
            })
        };
        assert_eq!(split(" SET  key\tvalue "), Some(vec!["SET".into(), "key".into(), "value".into()]));
        assert_eq!(split(r#"SET k "a \"b\" \x41\n" 'it\'s'"#).unwrap()[2..], ["a \"b\" A\n", "it's"]);
        assert_eq!(split(r#"SET k """#).unwrap()[2], "");
        assert_eq!(split(r#"SET k "open"#), None);
        assert_eq!(split(r#"SET "k"x"#), None);
        assert_eq!(split(""), Some(vec![]));
    }
}
