//! Protocol Buffers without their schema: what the bytes alone tell
//! (<https://protobuf.dev/programming-guides/encoding/>).
//!
//! The wire says a field's number and how long it is, not its name or type. So a varint is given as all the
//! numbers that it may be, and what has a length as the first of message, text, packed numbers and bytes that
//! it can be without contradiction. These are guesses; the bytes themselves stay available.

/// How far to go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Fields in all, nested ones counted.
    pub fields_max: usize,
    /// Messages within messages.
    pub depth_max: usize,
    /// Numbers told apart in one packed field.
    pub packed_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { fields_max: 2_000, depth_max: 16, packed_max: 1_000 }
    }
}

/// Field numbers go up to here (29 bits).
const NUMBER_MAX: u64 = (1 << 29) - 1;
/// Numbers that no schema may use: an implementation's own.
const RESERVED: std::ops::RangeInclusive<u64> = 19_000..=19_999;
/// A varint holds 64 bits, seven a byte.
const VARINT_BYTES_MAX: usize = 10;

/// A field, as the wire shows it.
#[derive(Clone, PartialEq, Debug)]
pub struct Field<'a> {
    /// Its number in the schema.
    pub number: u32,
    /// What it holds.
    pub value: Value<'a>,
}

/// What a field holds.
#[derive(Clone, PartialEq, Debug)]
pub enum Value<'a> {
    /// An integer of any size, a bool or an enum.
    Varint(Varint),
    /// fixed64, sfixed64 or double.
    Fixed64(u64),
    /// fixed32, sfixed32 or float.
    Fixed32(u32),
    /// What can be a message.
    Message(Vec<Field<'a>>),
    /// What reads as text.
    Text(&'a str),
    /// What can be packed varints.
    Packed(Vec<u64>),
    /// Anything else that has a length.
    Bytes(&'a [u8]),
    /// A group: the older way to nest.
    Group(Vec<Field<'a>>),
}

/// A varint, and the numbers that it may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Varint(pub u64);

impl Varint {
    /// As int32 or int64: two's complement.
    #[must_use]
    pub fn signed(self) -> i64 {
        i64::from_ne_bytes(self.0.to_ne_bytes())
    }

    /// As sint32 or sint64: the sign is in the lowest bit.
    #[must_use]
    pub fn zigzag(self) -> i64 {
        let half = i64::try_from(self.0 >> 1).unwrap_or_default();
        if self.0 & 1 == 0 { half } else { -half - 1 }
    }

    /// As bool, if it can be one.
    #[must_use]
    pub fn bool(self) -> Option<bool> {
        match self.0 {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

/// A message, as far as it could be read.
#[derive(Clone, PartialEq, Debug)]
pub struct Tree<'a> {
    /// The fields, in order.
    pub fields: Vec<Field<'a>>,
    /// The bytes behind the last field that could be read: damage, a cut, or a bound of ours.
    pub rest: &'a [u8],
    /// Whether a bound ended the reading.
    pub truncated: bool,
}

/// Reads a message that may be damaged or cut.
#[must_use]
pub fn read(bytes: &[u8], bounds: Bounds) -> Tree<'_> {
    let mut reader = Reader { fields_left: bounds.fields_max, bounds };
    let mut fields = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() && reader.fields_left > 0 {
        let Some((field, behind)) = reader.field(rest, bounds.depth_max) else { break };
        fields.push(field);
        rest = behind;
    }
    Tree { fields, rest, truncated: reader.fields_left == 0 }
}

/// The fields of a message that have a length, as bytes, up to the first damage.
pub fn delimited(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let (number, wire, behind) = tag(rest)?;
            let (skipped, value) = match wire {
                0 => (varint(behind)?.1, None),
                1 => (behind.get(8..)?, None),
                2 => {
                    let (value, behind) = with_length(behind)?;
                    (behind, Some(value))
                }
                5 => (behind.get(4..)?, None),
                _ => return None,
            };
            rest = skipped;
            if let Some(value) = value {
                return Some((number, value));
            }
        }
    })
}

struct Reader {
    fields_left: usize,
    bounds: Bounds,
}

impl Reader {
    /// One field and what is behind it; `None` if the bytes hold none.
    fn field<'a>(&mut self, bytes: &'a [u8], depth_left: usize) -> Option<(Field<'a>, &'a [u8])> {
        self.fields_left = self.fields_left.checked_sub(1)?;
        let (number, wire, rest) = tag(bytes)?;
        let (value, rest) = match wire {
            0 => varint(rest).map(|(value, rest)| (Value::Varint(Varint(value)), rest))?,
            1 => {
                let (value, rest) = rest.split_first_chunk()?;
                (Value::Fixed64(u64::from_le_bytes(*value)), rest)
            }
            2 => {
                let (value, rest) = with_length(rest)?;
                (self.guess(value, depth_left), rest)
            }
            3 => {
                let (fields, rest) = self.group(number, rest, depth_left.checked_sub(1)?)?;
                (Value::Group(fields), rest)
            }
            5 => {
                let (value, rest) = rest.split_first_chunk()?;
                (Value::Fixed32(u32::from_le_bytes(*value)), rest)
            }
            _ => return None,
        };
        Some((Field { number, value }, rest))
    }

    /// The fields up to the end tag of group `number`.
    fn group<'a>(
        &mut self,
        number: u32,
        mut bytes: &'a [u8],
        depth_left: usize,
    ) -> Option<(Vec<Field<'a>>, &'a [u8])> {
        let mut fields = Vec::new();
        loop {
            if let Some((ended, 4, rest)) = tag(bytes) {
                return (ended == number).then_some((fields, rest));
            }
            let (field, rest) = self.field(bytes, depth_left)?;
            fields.push(field);
            bytes = rest;
        }
    }

    /// What bytes with a length may be.
    ///
    /// Text comes before message: nearly no message is made of printable characters alone, while much text
    /// would read as one. What begins with a line end or a tab is rather a message (0x0a is field 1, 0x09 a
    /// number of eight bytes).
    fn guess<'a>(&mut self, bytes: &'a [u8], depth_left: usize) -> Value<'a> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.chars().all(is_of_text));
        match text {
            Some(text) if !text.starts_with(['\n', '\t', '\r']) => return Value::Text(text),
            _ => {}
        }
        if let Some(fields) = depth_left.checked_sub(1).and_then(|depth| self.whole(bytes, depth)) {
            return Value::Message(fields);
        }
        if let Some(text) = text {
            return Value::Text(text);
        }
        packed(bytes, self.bounds.packed_max).map_or(Value::Bytes(bytes), Value::Packed)
    }

    /// All of `bytes` as a message, or nothing.
    fn whole<'a>(&mut self, bytes: &'a [u8], depth_left: usize) -> Option<Vec<Field<'a>>> {
        // Whoever looks into what turns out to be none pays for it too: so nesting can't cost more than it holds.
        let mut fields = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let (field, behind) = self.field(rest, depth_left)?;
            fields.push(field);
            rest = behind;
        }
        Some(fields)
    }
}

fn is_of_text(character: char) -> bool {
    matches!(character, '\n' | '\t' | '\r') || !character.is_control()
}

/// Numbers that were packed into one field, if that is likely: in random bytes every other one goes on, in
/// lists of small numbers few do.
fn packed(bytes: &[u8], packed_max: usize) -> Option<Vec<u64>> {
    let going_on = bytes.iter().filter(|byte| **byte >= 0x80).count();
    let mut numbers = Vec::new();
    let mut longest = 0;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (number, behind) = varint(rest)?;
        if numbers.len() == packed_max {
            return None;
        }
        longest = longest.max(rest.len() - behind.len());
        numbers.push(number);
        rest = behind;
    }
    (longest <= 2 || going_on * 4 <= bytes.len()).then_some(numbers)
}

/// A field's number and wire type, and what is behind them.
fn tag(bytes: &[u8]) -> Option<(u32, u8, &[u8])> {
    let (tag, rest) = varint(bytes)?;
    let number = tag >> 3;
    if number == 0 || number > NUMBER_MAX || RESERVED.contains(&number) {
        return None;
    }
    Some((u32::try_from(number).ok()?, u8::try_from(tag & 7).ok()?, rest))
}

fn with_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = varint(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, byte) in (0_u32..).zip(bytes.iter().take(VARINT_BYTES_MAX)) {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if index == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(usize::try_from(index).ok()? + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    fn show(fields: &[Field<'_>], indent: usize, text: &mut String) {
        for Field { number, value } in fields {
            write!(text, "{:indent$}{number}: ", "").unwrap();
            match value {
                Value::Message(fields) | Value::Group(fields) => {
                    text.push_str(if matches!(value, Value::Group(_)) { "group\n" } else { "\n" });
                    show(fields, indent + 2, text);
                }
                Value::Varint(varint) => {
                    let Varint(number) = varint;
                    writeln!(text, "{number} {} {} {:?}", varint.signed(), varint.zigzag(), varint.bool())
                        .unwrap();
                }
                other => writeln!(text, "{other:?}").unwrap(),
            }
        }
    }

    fn check(bytes: &[u8], expected: Expect) {
        let tree = read(bytes, Bounds::default());
        let mut text = String::new();
        show(&tree.fields, 0, &mut text);
        if !tree.rest.is_empty() {
            writeln!(text, "rest {:?}", tree.rest).unwrap();
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn varints_have_several_readings() {
        check(
            b"\x08\x96\x01\x10\x01\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x20\x00",
            expect![[r#"
            1: 150 150 75 None
            2: 1 1 -1 Some(true)
            3: 18446744073709551615 -1 -9223372036854775808 None
            4: 0 0 0 Some(false)
        "#]],
        );
    }

    #[test]
    fn what_has_a_length_is_guessed() {
        // Text, a message within a message, packed numbers, bytes, nothing.
        check(
            b"\x0a\x05hello\x12\x09\x0a\x07\x0a\x05hello\x1a\x03\x03\x8e\x02\x22\x04\xff\xfe\xfd\xfc\x2a\x00",
            expect![[r#"
            1: Text("hello")
            2: 
              1: 
                1: Text("hello")
            3: Packed([3, 270])
            4: Bytes([255, 254, 253, 252])
            5: Text("")
        "#]],
        );
        check(
            "\x0a\x06caf\u{e9}\n".as_bytes(),
            expect![[r#"
            1: Text("café\n")
        "#]],
        );
    }

    #[test]
    fn fixed_numbers_and_groups_are_read() {
        check(
            b"\x09\x00\x00\x00\x00\x00\x00\xf0\x3f\x15\x00\x00\x80\x3f\x1b\x08\x05\x1c\x28\x02",
            expect![[r#"
            1: Fixed64(4607182418800017408)
            2: Fixed32(1065353216)
            3: group
              1: 5 5 -3 None
            5: 2 2 1 None
        "#]],
        );
    }

    #[test]
    fn damage_keeps_what_came_before() {
        check(
            b"\x08\x01\x12\x09abc",
            expect![[r#"
            1: 1 1 -1 Some(true)
            rest [18, 9, 97, 98, 99]
        "#]],
        );
        check(
            b"\x08\x01\x00\x01",
            expect![[r#"
            1: 1 1 -1 Some(true)
            rest [0, 1]
        "#]],
        );
        check(
            b"\x1b\x08\x05\x24",
            expect![[r#"
            rest [27, 8, 5, 36]
        "#]],
        );
        check(
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            expect![[r#"
            rest [255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255]
        "#]],
        );
    }

    #[test]
    fn bounds_hold() {
        let flat = b"\x08\x01".repeat(100_000);
        let tree = read(&flat, Bounds::default());
        assert_eq!((tree.fields.len(), tree.truncated), (2_000, true));
        let mut nested = b"\x08\x01".to_vec();
        for _ in 0..100 {
            let mut outer = vec![0x0a, u8::try_from(nested.len() & 0x7f).unwrap()];
            outer.extend(&nested);
            nested = outer;
        }
        let _ = read(&nested, Bounds::default());
        let groups = [0x0b_u8; 100_000];
        assert!(read(&groups, Bounds::default()).fields.is_empty());
    }

    #[test]
    fn fields_with_a_length_are_listed() {
        let all: Vec<_> =
            delimited(b"\x08\x01\x12\x02ab\x19\0\0\0\0\0\0\0\0\x12\x01c\x25\0\0\0\0\x2a\x00").collect();
        assert_eq!(all, [(2, b"ab".as_slice()), (2, b"c"), (5, b"")]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes, Bounds::default());
            delimited(&bytes).count();
        }
    }
}
