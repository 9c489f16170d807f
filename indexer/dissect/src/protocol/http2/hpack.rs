//! Header compression (RFC 7541): representations and the table that they refer to.
//!
//! A header block is read one representation at a time, as its frames come; so a block is never held whole,
//! and one that never ends costs nothing but time. What a representation adds to the table is added whether
//! or not there is room left in the list: the table must stay in step with the sender's.
//!
//! Only the sender decides how large its table is, within what the receiver's SETTINGS_HEADER_TABLE_SIZE
//! allows, and tells its decision in the block itself (§6.3). That is what is followed here; the setting
//! is not, because nobody knows when it reached the sender.

use std::borrow::Cow;

use super::headers::{Header, HeaderList, Text};
use super::huffman;
use super::table::Table;

/// Why a header block can't be read; the table is then out of step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Malformed {
    /// An index that no entry can have (RFC 7541 §2.3.3).
    #[error("index has no entry")]
    Index,
    /// A number larger than anything here (RFC 7541 §5.1).
    #[error("number is too large")]
    Number,
    /// A string that breaks the rules of its code (RFC 7541 §5.2).
    #[error("Huffman code is damaged")]
    Huffman,
}

/// Bytes of a string as they came (RFC 7541 §5.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Literal<'a> {
    bytes: &'a [u8],
    is_huffman: bool,
}

/// Where a name comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Name<'a> {
    /// From an entry, static or dynamic.
    Index(usize),
    /// As given.
    Literal(Literal<'a>),
}

/// One step of a header block (RFC 7541 §6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Representation<'a> {
    /// A whole entry (§6.1).
    Indexed(usize),
    /// A line with a value of its own (§6.2).
    Literal {
        /// Its name.
        name: Name<'a>,
        /// Its value.
        value: Literal<'a>,
        /// Whether it becomes an entry (§6.2.1).
        is_kept: bool,
    },
    /// The sender's table has another size from here on (§6.3).
    TableSize(usize),
}

/// Cuts one representation off `input`; `None` asks for more bytes.
///
/// # Errors
/// If a number is larger than any honest sender's.
pub fn representation(input: &[u8]) -> Result<Option<(Representation<'_>, usize)>, Malformed> {
    let Some(&first) = input.first() else { return Ok(None) };
    let prefix = match first {
        0x80.. => 7,
        0x40.. => 6,
        0x20.. => 5,
        _ => 4,
    };
    let Some((number, mut used)) = integer(input, prefix)? else { return Ok(None) };
    let whole = match first {
        0x80.. => Representation::Indexed(number),
        0x20..0x40 => Representation::TableSize(number),
        _ => {
            let mut string = || -> Result<Option<Literal<'_>>, Malformed> {
                let Some((literal, length)) = literal(input.get(used..).unwrap_or_default())? else {
                    return Ok(None);
                };
                used += length;
                Ok(Some(literal))
            };
            let name = if number == 0 { string()?.map(Name::Literal) } else { Some(Name::Index(number)) };
            let Some(name) = name else { return Ok(None) };
            let Some(value) = string()? else { return Ok(None) };
            Representation::Literal { name, value, is_kept: first >= 0x40 }
        }
    };
    Ok(Some((whole, used)))
}

/// A number whose first bits fill the low `prefix` bits of the first byte (RFC 7541 §5.1).
fn integer(input: &[u8], prefix: u32) -> Result<Option<(usize, usize)>, Malformed> {
    let Some((&first, rest)) = input.split_first() else { return Ok(None) };
    let most = (1_u32 << prefix) - 1;
    let mut number = u32::from(first) & most;
    if number < most {
        return Ok(Some((usize::try_from(number).map_err(|_| Malformed::Number)?, 1)));
    }
    // Four bytes of seven bits are more than any length or index can be.
    for (place, &byte) in (0_u32..4).zip(rest) {
        number += u32::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            let used = usize::try_from(place).map_err(|_| Malformed::Number)? + 2;
            return Ok(Some((usize::try_from(number).map_err(|_| Malformed::Number)?, used)));
        }
    }
    if rest.len() < 4 { Ok(None) } else { Err(Malformed::Number) }
}

/// A string (RFC 7541 §5.2).
fn literal(input: &[u8]) -> Result<Option<(Literal<'_>, usize)>, Malformed> {
    let Some((length, used)) = integer(input, 7)? else { return Ok(None) };
    let Some(end) = used.checked_add(length) else { return Err(Malformed::Number) };
    let Some(bytes) = input.get(used..end) else { return Ok(None) };
    let is_huffman = input.first().is_some_and(|first| first & 0x80 != 0);
    Ok(Some((Literal { bytes, is_huffman }, end)))
}

impl<'a> Literal<'a> {
    fn text(self) -> Result<Cow<'a, [u8]>, Malformed> {
        if !self.is_huffman {
            return Ok(Cow::Borrowed(self.bytes));
        }
        let mut text = Vec::with_capacity(self.bytes.len() * 8 / 5);
        huffman::decode(self.bytes, &mut text)?;
        Ok(Cow::Owned(text))
    }
}

/// Reads as many representations as `input` holds into `list`; returns how many bytes they took.
///
/// # Errors
/// If the bytes break the rules; what came before is in `list`.
pub fn decode(input: &[u8], table: &mut Table, list: &mut HeaderList) -> Result<usize, Malformed> {
    let mut used = 0;
    while let Some((next, length)) = representation(input.get(used..).unwrap_or_default())? {
        used += length;
        match next {
            Representation::TableSize(size_bytes) => table.resize(size_bytes),
            Representation::Indexed(index) => list.push(table.entry(index)?),
            Representation::Literal { name, value, is_kept } => {
                let value = value.text()?;
                let literal;
                let name = match name {
                    Name::Index(index) => table.entry(index)?.name,
                    Name::Literal(text) => {
                        literal = text.text()?;
                        Text::Known(&literal)
                    }
                };
                list.push(Header { name, value: Text::Known(&value) });
                if is_kept {
                    // The name may be lent by an entry that makes room for this one (§4.4).
                    let name = name.known().map(Box::from);
                    table.insert(name, value.into());
                }
            }
        }
    }
    Ok(used)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: String = hex.split_whitespace().collect();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    fn check(mut table: Table, blocks: &[&str], expected: Expect) {
        let mut text = String::new();
        for block in blocks {
            let mut list = HeaderList::default();
            let block = bytes(block);
            let result = decode(&block, &mut table, &mut list);
            let outcome = match result {
                Ok(used) if used == block.len() => String::new(),
                other => format!(" {other:?}"),
            };
            text += &format!("{list:?}{outcome} [{} {}]\n", table.len(), table.size_bytes());
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn requests_of_the_standard_are_read() {
        // RFC 7541, C.4: with Huffman coding.
        check(
            Table::default(),
            &[
                "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
                "8286 84be 5886 a8eb 1064 9cbf",
                "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
            ],
            expect![[r#"
                {":method": "GET", ":scheme": "http", ":path": "/", ":authority": "www.example.com"} [1 57]
                {":method": "GET", ":scheme": "http", ":path": "/", ":authority": "www.example.com", "cache-control": "no-cache"} [2 110]
                {":method": "GET", ":scheme": "https", ":path": "/index.html", ":authority": "www.example.com", "custom-key": "custom-value"} [3 164]
            "#]],
        );
    }

    #[test]
    fn entries_that_have_no_room_leave() {
        // RFC 7541, C.5: a table of 256 bytes.
        check(
            Table::with_size(256),
            &[
                "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
                "4803 3330 37c1 c0bf",
                "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
            ],
            expect![[r#"
                {":status": "302", "cache-control": "private", "date": "Mon, 21 Oct 2013 20:13:21 GMT", "location": "https://www.example.com"} [4 222]
                {":status": "307", "cache-control": "private", "date": "Mon, 21 Oct 2013 20:13:21 GMT", "location": "https://www.example.com"} [4 222]
                {":status": "200", "cache-control": "private", "date": "Mon, 21 Oct 2013 20:13:22 GMT", "location": "https://www.example.com", "content-encoding": "gzip", "set-cookie": "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"} [3 215]
            "#]],
        );
    }

    #[test]
    fn what_was_said_before_joining_is_unknown_and_what_is_said_now_is_known() {
        check(
            Table::joined(),
            // An entry of before; a value with a name of before, kept; a new line, kept; then these two and one of before.
            &["82 be", "7f 00 01 62  40 01 61 01 62  be bf c0", "20 3f e1 1f  40 01 61 01 62 be bf"],
            expect![[r#"
                {":method": "GET", ?: ?} [0 0]
                {?: "b", "a": "b", "a": "b", ?: "b", ?: ?} [2 67]
                {"a": "b", "a": "b"} Err(Index) [1 34]
            "#]],
        );
    }

    #[test]
    fn damage_is_told() {
        check(
            Table::default(),
            &["80", "c0", "ff ff ff ff ff", "40 81 00 00", "40 03 61"],
            expect![[r#"
            {} Err(Index) [0 0]
            {} Err(Index) [0 0]
            {} Err(Number) [0 0]
            {} Err(Huffman) [0 0]
            {} Ok(0) [0 0]
        "#]],
        );
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let mut table = Table::default();
        // A line of 4,000 bytes, and 100,000 references to it of one byte each.
        let mut block = vec![0x40, 1, b'a', 0x7f, 0xa1, 0x1e];
        block.extend([b'x'; 4000]);
        block.extend([0xbe; 100_000]);
        let mut list = HeaderList::default();
        assert_eq!(decode(&block, &mut table, &mut list), Ok(block.len()));
        assert!(list.truncated && list.memory_bytes() < 4 * HeaderList::TEXT_BYTES_MAX);
    }
}
