//! JSON that says the same to a program, and does nothing to a terminal.
//!
//! JSON itself demands escapes only below U+0020. The other characters that a terminal may act on (see
//! [`escape::is_unsafe`]) are written as `\u` escapes too, which every reader turns back.

use std::io::{self, Write};

use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use crate::terminal::escape;

/// `value` on one line, with its line end.
pub fn write_line(out: &mut impl Write, value: &Value) -> io::Result<()> {
    write_compact(out, value)?;
    out.write_all(b"\n")
}

/// `value` on one line.
pub fn write_compact(out: &mut impl Write, value: &Value) -> io::Result<()> {
    write_with(out, value, Safe(CompactFormatter))
}

/// `value` indented, with its line end.
pub fn write_pretty(out: &mut impl Write, value: &Value) -> io::Result<()> {
    write_with(out, value, Safe(PrettyFormatter::new()))?;
    out.write_all(b"\n")
}

fn write_with(out: &mut impl Write, value: &Value, formatter: impl Formatter) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, formatter);
    serde::Serialize::serialize(value, &mut serializer).map_err(io::Error::from)
}

/// A formatter that escapes more.
struct Safe<F>(F);

impl<F: Formatter> Formatter for Safe<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(escape::is_unsafe) {
            let (safe, from) = rest.split_at(at);
            out.write_all(safe.as_bytes())?;
            let mut characters = from.chars();
            if let Some(character) = characters.next() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
            }
            rest = characters.as_str();
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }
    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }
    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_value_without_anything_a_terminal_acts_on() {
        let value = json!({ "a\u{9b}": ["\u{1b}[2J\u{7f}", "ü \u{202e} \u{e0041}", 1, null, {}] });
        let mut compact = Vec::new();
        write_line(&mut compact, &value).unwrap();
        let mut pretty = Vec::new();
        write_pretty(&mut pretty, &value).unwrap();
        for text in [compact, pretty] {
            let text = String::from_utf8(text).unwrap();
            assert!(!text.chars().any(|c| escape::is_unsafe(c) && c != '\n'), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        }
    }
}
