//! JSON whose end may be missing.
//!
//! A body can be cut by a gap or a limit, and its largest part (`data`, `variables`) is often of no interest.
//! So objects and lists are taken apart by their brackets only; the parts that matter are then parsed.

use serde_json::Value;

/// Most parts told apart in one object or list.
const PARTS_MAX: usize = 1024;

/// A value, as it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Raw<'a> {
    /// From its first byte to its last, as far as it is there.
    pub bytes: &'a [u8],
    /// Whether its end is there.
    pub is_whole: bool,
}

impl<'a> Raw<'a> {
    /// The first value in `bytes`.
    #[must_use]
    pub fn first(bytes: &'a [u8]) -> Self {
        let bytes = bytes.trim_ascii_start();
        match end(bytes) {
            Some(end) => Self { bytes: bytes.get(..end).unwrap_or(bytes), is_whole: true },
            None => Self { bytes, is_whole: false },
        }
    }

    /// Whether it begins as an object does.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.bytes.first() == Some(&b'{')
    }

    /// Whether it begins as a list does.
    #[must_use]
    pub fn is_list(self) -> bool {
        self.bytes.first() == Some(&b'[')
    }

    /// The value, if it is whole and valid, nested at most as deep as `serde_json` allows.
    #[must_use]
    pub fn value(self) -> Option<Value> {
        serde_json::from_slice(self.bytes).ok()
    }

    /// A string, also one whose end is missing.
    #[must_use]
    pub fn text(self) -> Option<String> {
        if self.is_whole {
            return serde_json::from_slice(self.bytes).ok();
        }
        // The cut may be in an escape or in a character.
        let shortest = self.bytes.len().saturating_sub(12).max(1);
        (shortest..=self.bytes.len()).rev().find_map(|length| {
            let mut closed = self.bytes.get(..length)?.to_vec();
            closed.push(b'"');
            serde_json::from_slice(&closed).ok()
        })
    }

    /// The members of an object, in order, with their names.
    pub fn members(self) -> impl Iterator<Item = (String, Raw<'a>)> {
        let mut rest = if self.is_object() { self.bytes.get(1..).unwrap_or_default() } else { &[] };
        std::iter::from_fn(move || {
            let name = Raw::first(rest).text().filter(|_| rest.trim_ascii_start().first() == Some(&b'"'))?;
            rest = behind(rest)?.trim_ascii_start().strip_prefix(b":")?;
            let value = Raw::first(rest);
            rest = behind(rest).map_or(&[][..], next_part);
            (!value.bytes.is_empty()).then_some((name, value))
        })
        .take(PARTS_MAX)
    }

    /// The elements of a list, in order.
    pub fn elements(self) -> impl Iterator<Item = Raw<'a>> {
        let mut rest = if self.is_list() { self.bytes.get(1..).unwrap_or_default() } else { &[] };
        std::iter::from_fn(move || {
            let value = Raw::first(rest);
            rest = behind(rest).map_or(&[][..], next_part);
            (!value.bytes.is_empty()).then_some(value)
        })
        .take(PARTS_MAX)
    }
}

/// What follows the first value of `bytes`, if its end is there.
fn behind(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = bytes.trim_ascii_start();
    bytes.get(end(bytes)?..)
}

/// What follows a comma; nothing at the end of the object or list.
fn next_part(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii_start().strip_prefix(b",").unwrap_or_default()
}

/// Where the value that `bytes` begin with ends: 0 if none begins there, `None` if its end is missing.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut index = 0;
    loop {
        match *bytes.get(index)? {
            b'"' => index = string_end(bytes, index)?,
            b'{' | b'[' => {
                depth += 1;
                index += 1;
            }
            b'}' | b']' if depth == 0 => return Some(index),
            b'}' | b']' => {
                depth -= 1;
                index += 1;
            }
            b',' | b':' if depth == 0 => return Some(index),
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => {
                index += 1;
                continue;
            }
            // A number or a word; at the top it may be cut where the bytes end.
            _ => {
                let rest = bytes.get(index..)?;
                let length = rest.iter().position(|byte| b",:]}{[\" \t\r\n".contains(byte));
                index += length?;
            }
        }
        if depth == 0 {
            return Some(index);
        }
    }
}

/// Where the string that begins at `start` ends.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut index = start + 1;
    loop {
        let rest = bytes.get(index..)?;
        let found = memchr::memchr2(b'"', b'\\', rest)?;
        index += found + 1;
        if rest.get(found) == Some(&b'"') {
            return Some(index);
        }
        index += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn members(text: &str) -> Vec<(String, &str, bool)> {
        let parts = Raw::first(text.as_bytes()).members();
        parts.map(|(name, raw)| (name, std::str::from_utf8(raw.bytes).unwrap(), raw.is_whole)).collect()
    }

    #[test]
    fn members_are_told_apart() {
        assert_eq!(
            members(r#" { "a" : 1 , "b":{"c":[1,"}"]}, "d\"":"x\\", "e": null } trailing"#),
            [
                ("a".to_owned(), "1", true),
                ("b".to_owned(), r#"{"c":[1,"}"]}"#, true),
                ("d\"".to_owned(), r#""x\\""#, true),
                ("e".to_owned(), "null", true)
            ]
        );
        assert_eq!(members("[1]"), []);
        assert_eq!(members("{}"), []);
        assert_eq!(members("{1:2}"), []);
    }

    #[test]
    fn a_cut_object_gives_what_is_there() {
        assert_eq!(members(r#"{"query":"{ a"#), [("query".to_owned(), "\"{ a", false)]);
        assert_eq!(
            members(r#"{"n":12,"variables":{"x":[1"#)[1],
            ("variables".to_owned(), r#"{"x":[1"#, false)
        );
        assert_eq!(members(r#"{"a":1,"quer"#).len(), 1);
        let text = |raw: &str| Raw::first(raw.as_bytes()).text();
        assert_eq!(text(r#""ab\u00"#).as_deref(), Some("ab"));
        assert_eq!(text("\"ab\\").as_deref(), Some("ab"));
        assert_eq!(Raw::first(b"\"caf\xc3").text().as_deref(), Some("caf"));
        assert_eq!(text("1"), None);
    }

    #[test]
    fn elements_are_told_apart() {
        let all: Vec<_> =
            Raw::first(b"[ {\"a\":[]}, 2,\"x\" ]").elements().map(|raw| raw.value().unwrap()).collect();
        assert_eq!(all, [json!({"a": []}), json!(2), json!("x")]);
        assert_eq!(Raw::first(b"[[1,[2").elements().count(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_apart(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\ a1".to_vec()), 0..60)) {
            let raw = Raw::first(&bytes);
            raw.members().for_each(|(_, value)| drop(value.text()));
            raw.elements().for_each(|value| drop(value.value()));
        }

        #[test]
        fn whole_objects_are_as_serde_sees_them(keys in prop::collection::btree_map("[a-z\"\\\\]{1,4}", "[ -~]{0,12}", 0..8)) {
            let text = serde_json::to_vec(&keys).unwrap();
            let found: std::collections::BTreeMap<String, String> =
                Raw::first(&text).members().map(|(name, raw)| (name, raw.text().unwrap())).collect();
            prop_assert_eq!(found, keys);
        }
    }
}
