//! Reads BSON documents (bsonspec.org, version 1.1) where they lie.
//!
//! Nothing is copied and nothing is believed: each length is checked against the bytes that there are, and
//! depth and number of elements are bounded, because a document of a few bytes may claim gigabytes. The `bson`
//! crate makes a tree of owned values, whose size a sender chooses; here values stay bytes until somebody asks.

use std::fmt::Write;

use crate::protocol::cursor::Cursor;

/// Deepest nesting read; MongoDB's own limit is 100.
pub const DEPTH_MAX: usize = 100;
/// Most elements that [`json`] writes.
const ELEMENTS_MAX: usize = 10_000;

/// A document, or an array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Document<'a> {
    elements: &'a [u8],
}

/// A value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// 0x01.
    Double(f64),
    /// 0x02, 0x0d and 0x0e: text, code and symbols.
    Text(&'a [u8]),
    /// 0x03.
    Document(Document<'a>),
    /// 0x04: a document whose names are numbers.
    Array(Document<'a>),
    /// 0x05: subtype and bytes.
    Binary(u8, &'a [u8]),
    /// 0x07.
    ObjectId([u8; 12]),
    /// 0x08.
    Boolean(bool),
    /// 0x09: milliseconds since 1970.
    DateTime(i64),
    /// 0x0a and 0x06.
    Null,
    /// 0x0b: pattern and options.
    Regex(&'a [u8], &'a [u8]),
    /// 0x10.
    Int32(i32),
    /// 0x11: seconds and a counter.
    Timestamp(u32, u32),
    /// 0x12.
    Int64(i64),
    /// 0x13: as it is.
    Decimal([u8; 16]),
    /// 0xff.
    MinKey,
    /// 0x7f.
    MaxKey,
    /// 0x0c and 0x0f: what nobody sends any more.
    Other(u8, &'a [u8]),
}

impl<'a> Document<'a> {
    /// The document at the front of `cursor`; one that is cut is read as far as it goes.
    #[must_use]
    pub fn next(cursor: &mut Cursor<'a>) -> Option<Self> {
        let length = usize::try_from(cursor.u32_le()?).ok()?;
        let body = length.checked_sub(4).filter(|body| *body > 0)?;
        let rest = cursor.rest();
        let taken = cursor.take(body.min(rest.len()))?;
        let elements = if taken.len() == body { taken.strip_suffix(b"\0")? } else { taken };
        Some(Self { elements })
    }

    /// The document that `bytes` begin with.
    #[must_use]
    pub fn of(bytes: &'a [u8]) -> Option<Self> {
        Self::next(&mut Cursor::new(bytes))
    }

    /// Names and values in order, up to the first that can't be read.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Value<'a>)> {
        let mut cursor = Cursor::new(self.elements);
        std::iter::from_fn(move || element(&mut cursor))
    }

    /// The value of the first element of this name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Value<'a>> {
        self.iter().find(|(key, _)| *key == name.as_bytes()).map(|(_, value)| value)
    }

    /// Whether every element can be read, down to the depth that is allowed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.is_sound_to(DEPTH_MAX)
    }

    fn is_sound_to(&self, depth: usize) -> bool {
        let mut cursor = Cursor::new(self.elements);
        while !cursor.is_empty() {
            match element(&mut cursor) {
                Some((_, Value::Document(inner) | Value::Array(inner))) => {
                    if depth == 0 || !inner.is_sound_to(depth.saturating_sub(1)) {
                        return false;
                    }
                }
                Some(_) => {}
                None => return false,
            }
        }
        true
    }
}

fn element<'a>(cursor: &mut Cursor<'a>) -> Option<(&'a [u8], Value<'a>)> {
    let kind = cursor.byte()?;
    let name = cursor.until_zero()?;
    let value = match kind {
        0x01 => Value::Double(f64::from_le_bytes(cursor.array()?)),
        0x02 | 0x0d | 0x0e => Value::Text(text(cursor)?),
        0x03 => Value::Document(Document::next(cursor)?),
        0x04 => Value::Array(Document::next(cursor)?),
        0x05 => {
            let length = usize::try_from(cursor.u32_le()?).ok()?;
            let subtype = cursor.byte()?;
            Value::Binary(subtype, cursor.take(length)?)
        }
        0x06 | 0x0a => Value::Null,
        0x07 => Value::ObjectId(cursor.array()?),
        0x08 => Value::Boolean(cursor.byte()? != 0),
        0x09 => Value::DateTime(i64::from_le_bytes(cursor.array()?)),
        0x0b => Value::Regex(cursor.until_zero()?, cursor.until_zero()?),
        0x0c => {
            let before = cursor.rest();
            text(cursor)?;
            cursor.take(12)?;
            Value::Other(kind, before.get(..before.len().saturating_sub(cursor.rest().len()))?)
        }
        0x0f => {
            let length = usize::try_from(cursor.u32_le()?).ok()?.checked_sub(4)?;
            Value::Other(kind, cursor.take(length)?)
        }
        0x10 => Value::Int32(cursor.i32_le()?),
        0x11 => {
            let increment = cursor.u32_le()?;
            Value::Timestamp(cursor.u32_le()?, increment)
        }
        0x12 => Value::Int64(i64::from_le_bytes(cursor.array()?)),
        0x13 => Value::Decimal(cursor.array()?),
        0xff => Value::MinKey,
        0x7f => Value::MaxKey,
        _ => return None,
    };
    Some((name, value))
}

/// A text with its length in front and a zero byte behind.
fn text<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(cursor.u32_le()?).ok()?;
    cursor.take(length)?.strip_suffix(b"\0")
}

impl Value<'_> {
    /// A number of any kind that is whole.
    #[must_use]
    pub fn integer(&self) -> Option<i64> {
        match *self {
            Self::Int32(number) => Some(i64::from(number)),
            Self::Int64(number) => Some(number),
            // `ok` and counts are doubles where a shell sent them.
            Self::Double(number) if number.fract() == 0.0 => format!("{number:.0}").parse().ok(),
            Self::Boolean(truth) => Some(i64::from(truth)),
            _ => None,
        }
    }

    /// A text; what is no UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        }
    }
}

/// A document as extended JSON, relaxed where that loses nothing; cut to about `bytes_max`, and whether it was.
#[must_use]
pub fn json(document: &Document<'_>, bytes_max: usize) -> (String, bool) {
    let mut writer = Writer { text: String::new(), elements: 0, bytes_max, truncated: false };
    writer.document(document, false, 0);
    (writer.text, writer.truncated)
}

/// An array as extended JSON, as [`json`].
#[must_use]
pub fn json_array(array: &Document<'_>, bytes_max: usize) -> (String, bool) {
    let mut writer = Writer { text: String::new(), elements: 0, bytes_max, truncated: false };
    writer.document(array, true, 0);
    (writer.text, writer.truncated)
}

/// Documents that lie one after the other.
pub fn documents(bytes: &[u8]) -> impl Iterator<Item = Document<'_>> {
    let mut cursor = Cursor::new(bytes);
    std::iter::from_fn(move || if cursor.is_empty() { None } else { Document::next(&mut cursor) })
}

struct Writer {
    text: String,
    elements: usize,
    bytes_max: usize,
    truncated: bool,
}

impl Writer {
    fn document(&mut self, document: &Document<'_>, is_array: bool, depth: usize) {
        let (open, close) = if is_array { ('[', ']') } else { ('{', '}') };
        self.text.push(open);
        let mut first = true;
        let mut cursor = Cursor::new(document.elements);
        while !cursor.is_empty() {
            self.elements += 1;
            if self.elements > ELEMENTS_MAX || depth > DEPTH_MAX || self.text.len() > self.bytes_max {
                self.truncated = true;
                break;
            }
            let Some((name, value)) = element(&mut cursor) else {
                self.truncated = true;
                break;
            };
            if !first {
                self.text.push(',');
            }
            first = false;
            if !is_array {
                self.quoted(name);
                self.text.push(':');
            }
            self.value(value, depth);
        }
        self.text.push(close);
    }

    fn value(&mut self, value: Value<'_>, depth: usize) {
        match value {
            Value::Document(inner) => self.document(&inner, false, depth + 1),
            Value::Array(inner) => self.document(&inner, true, depth + 1),
            Value::Text(text) => self.quoted(text),
            Value::Null => self.text.push_str("null"),
            Value::Regex(pattern, options) => {
                self.text.push_str("{\"$regularExpression\":{\"pattern\":");
                self.quoted(pattern);
                self.text.push_str(",\"options\":");
                self.quoted(options);
                self.text.push_str("}}");
            }
            other => {
                // Writing to a String can't fail.
                let _ = self.plain(other);
            }
        }
    }

    fn plain(&mut self, value: Value<'_>) -> std::fmt::Result {
        let text = &mut self.text;
        match value {
            Value::Double(number) if number.is_finite() => write!(text, "{number:?}"),
            Value::Double(number) if number.is_nan() => write!(text, "{{\"$numberDouble\":\"NaN\"}}"),
            Value::Double(number) => {
                let sign = if number < 0.0 { "-" } else { "" };
                write!(text, "{{\"$numberDouble\":\"{sign}Infinity\"}}")
            }
            Value::Boolean(truth) => write!(text, "{truth}"),
            Value::Int32(number) => write!(text, "{number}"),
            Value::Int64(number) => write!(text, "{number}"),
            Value::DateTime(millis) => write!(text, "{{\"$date\":{{\"$numberLong\":\"{millis}\"}}}}"),
            Value::Timestamp(seconds, counter) => {
                write!(text, "{{\"$timestamp\":{{\"t\":{seconds},\"i\":{counter}}}}}")
            }
            Value::ObjectId(bytes) => {
                text.push_str("{\"$oid\":\"");
                hex(text, &bytes)?;
                text.write_str("\"}")
            }
            Value::Binary(subtype, bytes) => {
                let room = self.bytes_max.saturating_sub(text.len()) / 4 * 3;
                let kept = bytes.get(..room).unwrap_or(bytes);
                self.truncated |= kept.len() < bytes.len();
                text.push_str("{\"$binary\":{\"base64\":\"");
                base64(text, kept);
                write!(text, "\",\"subType\":\"{subtype:02x}\"}}}}")
            }
            Value::Decimal(bytes) => {
                text.push_str("{\"$numberDecimalBytes\":\"");
                hex(text, &bytes)?;
                text.write_str("\"}")
            }
            Value::MinKey => text.write_str("{\"$minKey\":1}"),
            Value::MaxKey => text.write_str("{\"$maxKey\":1}"),
            _ => text.write_str("null"),
        }
    }

    fn quoted(&mut self, bytes: &[u8]) {
        let room = self.bytes_max.saturating_sub(self.text.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.truncated |= kept.len() < bytes.len();
        self.text.push('"');
        for letter in String::from_utf8_lossy(kept).chars() {
            match letter {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                control if control < ' ' => {
                    let _ = write!(self.text, "\\u{:04x}", u32::from(control));
                }
                plain => self.text.push(plain),
            }
        }
        self.text.push('"');
    }
}

fn hex(text: &mut String, bytes: &[u8]) -> std::fmt::Result {
    bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}"))
}

/// RFC 4648 §4.
fn base64(text: &mut String, bytes: &[u8]) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let [a, b, c] = [0, 1, 2].map(|at| group.get(at).copied().unwrap_or(0));
        let bits = u32::from_be_bytes([0, a, b, c]);
        for at in 0..4_usize {
            let index = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap_or(0);
            let letter = if at <= group.len() { LETTERS.get(index).copied().unwrap_or(b'=') } else { b'=' };
            text.push(char::from(letter));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `{"a": 1, "b": ["x", true], "c": {"$oid": …}, "d": 1.5, "e": null, "f": binary}`
    fn sample() -> Vec<u8> {
        let array = b"\x020\0\x02\0\0\0x\0\x081\0\x01";
        let mut body = b"\x10a\0\x01\0\0\0\x04b\0".to_vec();
        body.extend(u32::try_from(array.len() + 5).unwrap().to_le_bytes());
        body.extend(array);
        body.push(0);
        body.extend(b"\x07c\0abcdefghijkl\x01d\0\0\0\0\0\0\0\xf8\x3f\x0ae\0\x05f\0\x02\0\0\0\0hi");
        let mut bytes = u32::try_from(body.len() + 5).unwrap().to_le_bytes().to_vec();
        bytes.extend(body);
        bytes.push(0);
        bytes
    }

    #[test]
    fn documents_become_extended_json() {
        let bytes = sample();
        let document = Document::of(&bytes).unwrap();
        assert!(document.is_sound());
        let (text, truncated) = json(&document, 1000);
        assert_eq!(
            text,
            r#"{"a":1,"b":["x",true],"c":{"$oid":"6162636465666768696a6b6c"},"d":1.5,"e":null,"f":{"$binary":{"base64":"aGk=","subType":"00"}}}"#
        );
        assert!(!truncated);
        assert_eq!(document.value("a").and_then(|value| value.integer()), Some(1));
    }

    #[test]
    fn cut_and_lying_documents_end_where_they_end() {
        let bytes = sample();
        for length in 0..bytes.len() {
            if let Some(document) = Document::of(&bytes[..length]) {
                let _ = json(&document, 1000);
            }
        }
        assert!(json(&Document::of(&bytes).unwrap(), 20).1);
        // Documents in documents, deeper than anybody sends.
        let mut deep = b"\x05\0\0\0\0".to_vec();
        for _ in 0..5000 {
            let length = u32::try_from(deep.len() + 8).unwrap().to_le_bytes();
            deep = [&length[..], b"\x03a\0", &deep, b"\0"].concat();
        }
        let document = Document::of(&deep).unwrap();
        assert!(!document.is_sound());
        assert!(json(&document, 1 << 20).1);
        // A length that is a lie.
        assert!(!Document::of(b"\xff\xff\xff\x7f\x02a\0\xff\xff\xff\x7fx\0").unwrap().is_sound());
    }
}
