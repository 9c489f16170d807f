//! Domain names: labels on the wire, text with dots everywhere else.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::protocol::dns::frame::Malformed;

/// RFC 1035 §2.3.4.
const NAME_BYTES_MAX: usize = 255;

/// A domain name as text (RFC 1035 §5.1): no dot at its end, `.` for the root, a dot or backslash inside a
/// label with a backslash before it, every byte that is not a visible ASCII character as `\DDD`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Name(Box<str>);

impl Name {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Length of the text in bytes.
    #[expect(clippy::len_without_is_empty, reason = "a name is never empty: the root is a dot")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// RFC 4343: names don't differ by the case of ASCII letters.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads the name at `start` of `message`, whose own bytes end before `end`; returns where they end.
///
/// # Errors
/// [`Malformed`] if the name is cut, too long, or its pointers lead astray.
pub fn read(message: &[u8], start: usize, end: usize) -> Result<(Name, usize), Malformed> {
    let mut text = String::new();
    let mut wire_bytes = 1;
    let mut at = start;
    let mut own_end = None;
    // RFC 1035 §4.1.4: a pointer leads to a *prior* occurrence. So each must lead before all that was read
    // of this name so far, and there can be no loop.
    let mut lowest = start;
    loop {
        let limit = if own_end.is_none() { end } else { message.len() };
        let length = *message.get(at).filter(|_| at < limit).ok_or(Malformed::Cut)?;
        match length {
            0 => {
                let root = if text.is_empty() { Box::from(".") } else { text.into_boxed_str() };
                return Ok((Name(root), own_end.unwrap_or(at + 1)));
            }
            1..=63 => {
                let from = at + 1;
                let to = from + usize::from(length);
                let label = message.get(from..to).filter(|_| to <= limit).ok_or(Malformed::Cut)?;
                wire_bytes += label.len() + 1;
                if wire_bytes > NAME_BYTES_MAX {
                    return Err(Malformed::NameTooLong);
                }
                push_label(&mut text, label);
                at = to;
            }
            0xc0.. => {
                let low = *message.get(at + 1).filter(|_| at + 1 < limit).ok_or(Malformed::Cut)?;
                own_end.get_or_insert(at + 2);
                let target = usize::from(u16::from_be_bytes([length & 0x3f, low]));
                if target >= lowest {
                    return Err(Malformed::PointerForward);
                }
                lowest = target;
                at = target;
            }
            // RFC 6891 §5: the other two kinds of label are not in use.
            _ => return Err(Malformed::LabelKind),
        }
    }
}

fn push_label(text: &mut String, label: &[u8]) {
    if !text.is_empty() {
        text.push('.');
    }
    for &byte in label {
        match byte {
            b'.' | b'\\' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            b'!'..=b'~' => text.push(char::from(byte)),
            _ => push_escaped(text, byte),
        }
    }
}

/// Appends `byte` as `\DDD`.
pub(super) fn push_escaped(text: &mut String, byte: u8) {
    text.push('\\');
    for digit in [byte / 100, byte / 10 % 10, byte % 10] {
        text.push(char::from(b'0' + digit));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(message: &[u8], start: usize) -> Result<(String, usize), Malformed> {
        read(message, start, message.len()).map(|(name, end)| (name.to_string(), end))
    }

    #[test]
    fn names_are_read_through_pointers() {
        let message = b"\x03www\x07example\x03com\x00\x04mail\xc0\x04\x00";
        assert_eq!(text(message, 0), Ok(("www.example.com".into(), 17)));
        assert_eq!(text(message, 17), Ok(("mail.example.com".into(), 24)));
        assert_eq!(text(message, 24), Ok((".".into(), 25)));
    }

    #[test]
    fn odd_bytes_are_escaped() {
        assert_eq!(text(b"\x05a.b\\ \x02\xff\x00\x00", 0).unwrap().0, r"a\.b\\\032.\255\000");
    }

    #[test]
    fn hostile_names_end() {
        assert_eq!(text(b"\xc0\x00", 0), Err(Malformed::PointerForward));
        assert_eq!(text(b"\x01a\xc0\x00", 0), Err(Malformed::PointerForward));
        assert_eq!(text(b"\x01a\xc0", 0), Err(Malformed::Cut));
        assert_eq!(text(b"\x40a", 0), Err(Malformed::LabelKind));
        let long: Vec<u8> = std::iter::repeat_n(*b"\x03abc", 100).flatten().collect();
        assert_eq!(text(&long, 0), Err(Malformed::NameTooLong));
    }
}
