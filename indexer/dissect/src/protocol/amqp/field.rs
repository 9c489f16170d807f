//! Arguments and the values of field tables.
//!
//! AMQP 0-9-1 §4.2.5 names the types; RabbitMQ's errata say which letters are in use: `s` is a short integer,
//! not a short string, and `V`, `x`, `b`, `B` came later.

use serde::{Deserialize, Serialize};

/// Deepest nesting of tables and arrays that is kept.
const DEPTH_MAX: u32 = 16;
/// Most values of one frame that are kept.
pub const VALUES_MAX: usize = 4096;

/// A value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Field {
    /// `t`, and bits.
    Bool(bool),
    /// `b`, `s`, `U`, `I`, `l`, `L`: signed, of one to eight bytes.
    Signed(i64),
    /// `B`, `u`, `i`, and the numbers among arguments.
    Unsigned(u64),
    /// `f`: the bits of a single-precision number.
    Float(u32),
    /// `d`: the bits of a double-precision number.
    Double(u64),
    /// `D`: a number, and how many of its digits stand behind the point.
    Decimal(u8, i32),
    /// `S`, and strings among arguments: usually text.
    Text(Vec<u8>),
    /// `x`: any bytes.
    Bytes(Vec<u8>),
    /// `T`: seconds since 1970.
    Timestamp(u64),
    /// `A`.
    Array(Vec<Self>),
    /// `F`.
    Table(Table),
    /// `V`.
    Void,
}

/// Names and values, in their order.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Table(pub Vec<(Vec<u8>, Field)>);

impl Field {
    /// Bytes of memory held. Values are not nested deeper than the reader allows.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(bytes) | Self::Bytes(bytes) => bytes.capacity(),
                Self::Array(values) => values.iter().map(Self::memory_bytes).sum(),
                Self::Table(table) => table.memory_bytes(),
                _ => 0,
            }
    }

    /// The bytes of a string.
    #[must_use]
    pub fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A number that can't be negative.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            _ => None,
        }
    }
}

impl Table {
    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let size =
            |(name, value): &(Vec<u8>, Field)| size_of::<Vec<u8>>() + name.capacity() + value.memory_bytes();
        self.0.iter().map(size).sum()
    }
}

/// Reads arguments one after the other. What goes beyond the bytes reads as `None`.
#[derive(Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    /// Bits share bytes: those of the last one not read yet, and how many.
    bits: (u8, u8),
    values_left: usize,
    /// Whether values were left out.
    pub truncated: bool,
}

impl<'a> Fields<'a> {
    /// Reads from the start of `rest`.
    #[must_use]
    pub fn new(rest: &'a [u8]) -> Self {
        Self { rest, bits: (0, 0), values_left: VALUES_MAX, truncated: false }
    }

    /// Whether all was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// A bit; the first of a row takes the lowest bit of a byte.
    pub fn bit(&mut self) -> Option<bool> {
        if self.bits.1 == 0 {
            let [byte] = self.fixed()?;
            self.bits = (byte, 8);
        }
        let (byte, left) = self.bits;
        self.bits = (byte >> 1, left - 1);
        Some(byte & 1 == 1)
    }

    /// One byte.
    pub fn octet(&mut self) -> Option<u8> {
        self.fixed().map(u8::from_be_bytes)
    }

    /// Two bytes.
    pub fn short(&mut self) -> Option<u16> {
        self.fixed().map(u16::from_be_bytes)
    }

    /// Four bytes.
    pub fn long(&mut self) -> Option<u32> {
        self.fixed().map(u32::from_be_bytes)
    }

    /// Eight bytes.
    pub fn long_long(&mut self) -> Option<u64> {
        self.fixed().map(u64::from_be_bytes)
    }

    /// A string with a length of one byte.
    pub fn short_string(&mut self) -> Option<&'a [u8]> {
        let length = self.octet()?;
        self.take(usize::from(length))
    }

    /// A string with a length of four bytes.
    pub fn long_string(&mut self) -> Option<&'a [u8]> {
        let length = self.long()?;
        self.take(usize::try_from(length).ok()?)
    }

    /// A field table.
    pub fn table(&mut self) -> Option<Table> {
        self.table_at(0)
    }

    fn table_at(&mut self, depth: u32) -> Option<Table> {
        let bytes = self.long_string()?;
        let mut inner = self.inside(bytes);
        let mut table = Table::default();
        while !inner.is_empty() {
            if inner.values_left == 0 || depth >= DEPTH_MAX {
                inner.truncated = true;
                break;
            }
            let name = inner.short_string()?.to_vec();
            let value = inner.value(depth.saturating_add(1))?;
            table.0.push((name, value));
        }
        self.outside(&inner);
        Some(table)
    }

    fn array_at(&mut self, depth: u32) -> Option<Vec<Field>> {
        let bytes = self.long_string()?;
        let mut inner = self.inside(bytes);
        let mut values = Vec::new();
        while !inner.is_empty() {
            if inner.values_left == 0 || depth >= DEPTH_MAX {
                inner.truncated = true;
                break;
            }
            values.push(inner.value(depth.saturating_add(1))?);
        }
        self.outside(&inner);
        Some(values)
    }

    fn value(&mut self, depth: u32) -> Option<Field> {
        self.values_left = self.values_left.saturating_sub(1);
        Some(match self.octet()? {
            b't' => Field::Bool(self.octet()? != 0),
            b'b' => Field::Signed(i8::from_be_bytes(self.fixed()?).into()),
            b'B' => Field::Unsigned(self.octet()?.into()),
            b's' | b'U' => Field::Signed(i16::from_be_bytes(self.fixed()?).into()),
            b'u' => Field::Unsigned(self.short()?.into()),
            b'I' => Field::Signed(i32::from_be_bytes(self.fixed()?).into()),
            b'i' => Field::Unsigned(self.long()?.into()),
            b'l' | b'L' => Field::Signed(i64::from_be_bytes(self.fixed()?)),
            b'f' => Field::Float(self.long()?),
            b'd' => Field::Double(self.long_long()?),
            b'D' => Field::Decimal(self.octet()?, i32::from_be_bytes(self.fixed()?)),
            b'S' => Field::Text(self.long_string()?.to_vec()),
            b'x' => Field::Bytes(self.long_string()?.to_vec()),
            b'T' => Field::Timestamp(self.long_long()?),
            b'A' => Field::Array(self.array_at(depth)?),
            b'F' => Field::Table(self.table_at(depth)?),
            b'V' => Field::Void,
            _ => return None,
        })
    }

    /// A reader of a part; [`Fields::outside`] goes on behind it.
    fn inside(&self, rest: &'a [u8]) -> Self {
        Self { rest, bits: (0, 0), values_left: self.values_left, truncated: self.truncated }
    }

    fn outside(&mut self, inner: &Self) {
        self.values_left = inner.values_left;
        self.truncated = inner.truncated;
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.bits = (0, 0);
        let (bytes, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_value_is_read() {
        let mut table = Vec::new();
        let mut add = |name: &str, letter: u8, value: &[u8]| {
            table.push(u8::try_from(name.len()).unwrap());
            table.extend(name.as_bytes());
            table.push(letter);
            table.extend(value);
        };
        add("t", b't', &[1]);
        add("b", b'b', &[0xff]);
        add("s", b's', &[0xff, 0xfe]);
        add("i", b'i', &[0xff, 0xff, 0xff, 0xff]);
        add("l", b'l', &[0xff; 8]);
        add("d", b'd', &1.5_f64.to_be_bytes());
        add("D", b'D', &[2, 0, 0, 1, 0]);
        add("S", b'S', b"\0\0\0\x02hi");
        add("A", b'A', b"\0\0\0\x04t\0V\x56");
        add("F", b'F', b"\0\0\0\x03\x01kV");
        add("V", b'V', &[]);
        let mut bytes = u32::try_from(table.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(table);
        let read = Fields::new(&bytes).table().unwrap();
        let of = |name: &str| &read.0.iter().find(|(known, _)| known == name.as_bytes()).unwrap().1;
        assert_eq!(*of("t"), Field::Bool(true));
        assert_eq!(*of("b"), Field::Signed(-1));
        assert_eq!(*of("s"), Field::Signed(-2));
        assert_eq!(*of("i"), Field::Unsigned(u64::from(u32::MAX)));
        assert_eq!(*of("l"), Field::Signed(-1));
        assert_eq!(*of("d"), Field::Double(1.5_f64.to_bits()));
        assert_eq!(*of("D"), Field::Decimal(2, 256));
        assert_eq!(*of("S"), Field::Text(b"hi".to_vec()));
        assert_eq!(*of("A"), Field::Array(vec![Field::Bool(false), Field::Void, Field::Void]));
        assert_eq!(*of("F"), Field::Table(Table(vec![(b"k".to_vec(), Field::Void)])));
        assert_eq!(*of("V"), Field::Void);
    }

    #[test]
    fn endless_tables_are_cut() {
        let mut bytes = 200_000_u32.to_be_bytes().to_vec();
        bytes.extend(b"\0V".repeat(100_000));
        let mut fields = Fields::new(&bytes);
        assert_eq!(fields.table().unwrap().0.len(), VALUES_MAX);
        assert!(fields.truncated && fields.is_empty());
        let mut nested = Vec::new();
        for _ in 0..100 {
            let length = u32::try_from(nested.len()).unwrap() + 6;
            nested = [&b"\0F"[..], &(length - 6).to_be_bytes(), &nested].concat();
        }
        let bytes = [&u32::try_from(nested.len()).unwrap().to_be_bytes()[..], &nested].concat();
        let mut fields = Fields::new(&bytes);
        assert!(fields.table().is_some() && fields.truncated);
    }

    #[test]
    fn bits_share_a_byte() {
        let mut fields = Fields::new(&[0b101, 7, 1]);
        assert_eq!((fields.bit(), fields.bit(), fields.bit()), (Some(true), Some(false), Some(true)));
        assert_eq!(fields.octet(), Some(7));
        assert_eq!((fields.bit(), fields.is_empty(), fields.octet()), (Some(true), true, None));
    }
}
