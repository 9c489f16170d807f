//! Reads a message's body by the table of messages.
//!
//! Two ways of writing exist (Kafka protocol guide, "Protocol Primitive Types"). Up to some version, lengths
//! are fixed integers, -1 for null. From then on the message is *flexible* (KIP-482): lengths are varints of
//! the length plus one, 0 for null, and every structure ends with tagged fields.
//!
//! Lengths are hostile: nothing is reserved by them. A list can't have more elements than bytes that are
//! left, because every element takes a byte at least, and the tree has a largest number of values.

use super::consumer;
use super::schema::{Api, Field, Kind};
use super::value::{Fields, Value};

/// Most values of one message; a megabyte of a broker's metadata has some hundred thousand.
const VALUES_MAX: usize = 200_000;

/// How the reading of a body ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The fields took all bytes.
    Whole,
    /// The fields ended so many bytes before the body did.
    Early(usize),
    /// The body ended before its fields, because we have only a part of it.
    Cut,
    /// The body breaks the protocol's rules.
    Malformed,
    /// The body has more values than we keep.
    TooMany,
    /// The operation, or its version, is not in the table.
    Unknown,
}

/// A body as far as it could be read.
#[derive(Clone, PartialEq, Debug)]
pub struct Decoded<'a> {
    /// The fields before the end.
    pub fields: Fields<'a>,
    /// How it ended.
    pub end: End,
}

/// What can't be read any further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stop {
    Cut,
    Malformed,
    TooMany,
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cut => Self::Cut,
            Stop::Malformed => Self::Malformed,
            Stop::TooMany => Self::TooMany,
        }
    }
}

/// Bytes of which a part may be missing at the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'a> {
    pub(super) bytes: &'a [u8],
    /// Bytes that belong behind those, as the message's length says, and that we don't have.
    pub(super) missing: u64,
}

/// Reads the fields of a request's or response's body.
pub(super) fn body<'a>(fields: &'static [Field], api: &Api, version: i16, body: Body<'a>) -> Decoded<'a> {
    let mut reader = Reader::new(body, version, api.flexible.contains(version));
    let mut decoded = Fields::new();
    let end = match reader.structure(fields, &mut decoded) {
        Ok(()) if reader.rest.is_empty() && reader.missing == 0 => End::Whole,
        Ok(()) => End::Early(reader.rest.len()),
        Err(stop) => stop.into(),
    };
    Decoded { fields: decoded, end }
}

/// The bytes not read yet.
pub(super) struct Reader<'a> {
    pub(super) rest: &'a [u8],
    missing: u64,
    version: i16,
    is_flexible: bool,
    values_left: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(body: Body<'a>, version: i16, is_flexible: bool) -> Self {
        let Body { bytes, missing } = body;
        Self { rest: bytes, missing, version, is_flexible, values_left: VALUES_MAX }
    }

    /// Reads a structure's fields into `to`; where it stops, what came before is there.
    pub(super) fn structure(&mut self, fields: &'static [Field], to: &mut Fields<'a>) -> Result<(), Stop> {
        let version = self.version;
        for field in fields.iter().filter(|field| field.tag.is_none() && field.versions.contains(version)) {
            self.field(field, to)?;
        }
        if self.is_flexible { self.tagged(fields, to) } else { Ok(()) }
    }

    fn field(&mut self, field: &'static Field, to: &mut Fields<'a>) -> Result<(), Stop> {
        let mut value = Value::Null;
        let outcome = self.value(field, &mut value);
        if outcome.is_ok() || value != Value::Null {
            to.push((field.name, value));
        }
        outcome
    }

    /// KIP-482: a count, then of each its number, its length and itself. Unknown ones are from the future.
    fn tagged(&mut self, fields: &'static [Field], to: &mut Fields<'a>) -> Result<(), Stop> {
        let mut unknown = Vec::new();
        for _ in 0..self.unsigned_varint()? {
            self.count_value()?;
            let tag = self.unsigned_varint()?;
            let length = self.unsigned_varint()?;
            let known = |field: &&Field| field.tag == Some(tag) && field.versions.contains(self.version);
            let Some(field) = fields.iter().find(known) else {
                let data = Value::Bytes(self.take(length)?);
                unknown.push(Value::Structure(vec![("tag", Value::Int(tag.into())), ("data", data)]));
                continue;
            };
            let bytes = self.take(length)?;
            let mut inner = Reader::new(Body { bytes, missing: 0 }, self.version, true);
            inner.values_left = self.values_left;
            let outcome = inner.field(field, to);
            self.values_left = inner.values_left;
            outcome.map_err(|stop| if stop == Stop::Cut { Stop::Malformed } else { stop })?;
        }
        if !unknown.is_empty() {
            to.push(("unknownTaggedFields", Value::List(unknown)));
        }
        Ok(())
    }

    fn value(&mut self, field: &'static Field, to: &mut Value<'a>) -> Result<(), Stop> {
        if !field.is_list {
            return self.element(field, to);
        }
        let count = if self.is_flexible {
            self.unsigned_varint()?.checked_sub(1)
        } else {
            length_or_null(self.int32()?)?
        };
        let Some(count) = count else { return Ok(()) };
        if u64::from(count) > self.left() {
            return Err(Stop::Malformed);
        }
        *to = Value::List(Vec::new());
        for _ in 0..count {
            let mut value = Value::Null;
            let outcome = self.element(field, &mut value);
            if let Value::List(elements) = to
                && (outcome.is_ok() || value != Value::Null)
            {
                elements.push(value);
            }
            outcome?;
        }
        Ok(())
    }

    fn element(&mut self, field: &'static Field, to: &mut Value<'a>) -> Result<(), Stop> {
        self.count_value()?;
        *to = match &field.kind {
            Kind::Bool => Value::Bool(self.array::<1>()? != [0]),
            Kind::Int8 => Value::Int(i8::from_be_bytes(self.array()?).into()),
            Kind::Int16 => Value::Int(i16::from_be_bytes(self.array()?).into()),
            Kind::Uint16 => Value::Int(u16::from_be_bytes(self.array()?).into()),
            Kind::Int32 => Value::Int(self.int32()?.into()),
            Kind::Int64 => Value::Int(i64::from_be_bytes(self.array()?)),
            Kind::Float64 => Value::Float(f64::from_be_bytes(self.array()?)),
            Kind::Uuid => Value::Uuid(self.array()?),
            Kind::TopicId => Value::TopicId(self.array()?),
            Kind::Partition => Value::Partition(self.int32()?),
            Kind::Error => Value::Error(i16::from_be_bytes(self.array()?)),
            Kind::String => self.string()?.map_or(Value::Null, Value::Text),
            Kind::Topic => self.string()?.map_or(Value::Null, Value::Topic),
            Kind::Bytes => match self.bytes_length()? {
                Some(length) => consumer::embedded(field.name, self.take(length)?),
                None => Value::Null,
            },
            Kind::Records => return self.records(to),
            Kind::Structure(fields) => return self.nested(field, fields, to),
        };
        Ok(())
    }

    /// A structure that may be null says so in a byte of its own (KIP-893).
    fn nested(&mut self, field: &Field, fields: &'static [Field], to: &mut Value<'a>) -> Result<(), Stop> {
        let may_be_null = !field.is_list && field.nullable.contains(self.version);
        if may_be_null && i8::from_be_bytes(self.array()?) < 0 {
            return Ok(());
        }
        let mut inner = Fields::new();
        let outcome = self.structure(fields, &mut inner);
        *to = Value::Structure(inner);
        outcome
    }

    /// Of records that are cut, what there is of them is worth having.
    fn records(&mut self, to: &mut Value<'a>) -> Result<(), Stop> {
        let Some(length) = self.bytes_length()? else { return Ok(()) };
        let present = self.rest;
        let taken = self.take(length);
        match taken {
            Ok(bytes) => *to = Value::Records(bytes),
            Err(Stop::Cut) => *to = Value::Records(present),
            Err(_) => {}
        }
        taken.map(|_| ())
    }

    pub(super) fn string(&mut self) -> Result<Option<&'a [u8]>, Stop> {
        let length = if self.is_flexible {
            self.unsigned_varint()?.checked_sub(1)
        } else {
            length_or_null(i16::from_be_bytes(self.array()?).into())?
        };
        length.map(|length| self.take(length)).transpose()
    }

    fn bytes_length(&mut self) -> Result<Option<u32>, Stop> {
        if self.is_flexible {
            Ok(self.unsigned_varint()?.checked_sub(1))
        } else {
            length_or_null(self.int32()?)
        }
    }

    pub(super) fn int32(&mut self) -> Result<i32, Stop> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// Seven bits a byte, the lowest first; five bytes hold 32 bits.
    fn unsigned_varint(&mut self) -> Result<u32, Stop> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(value).map_err(|_| Stop::Malformed);
            }
        }
        Err(Stop::Malformed)
    }

    /// Skips tagged fields where none is known: the end of a header.
    pub(super) fn skip_tagged(&mut self) -> Result<(), Stop> {
        for _ in 0..self.unsigned_varint()? {
            self.unsigned_varint()?;
            let length = self.unsigned_varint()?;
            self.take(length)?;
        }
        Ok(())
    }

    fn take(&mut self, length: u32) -> Result<&'a [u8], Stop> {
        let length_bytes = usize::try_from(length).map_err(|_| Stop::Malformed)?;
        match self.rest.split_at_checked(length_bytes) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None if u64::from(length) <= self.left() => Err(Stop::Cut),
            None => Err(Stop::Malformed),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None if self.missing > 0 => Err(Stop::Cut),
            None => Err(Stop::Malformed),
        }
    }

    /// Bytes up to the end of the message, missing ones too.
    fn left(&self) -> u64 {
        u64::try_from(self.rest.len()).unwrap_or(u64::MAX).saturating_add(self.missing)
    }

    fn count_value(&mut self) -> Result<(), Stop> {
        self.values_left = self.values_left.checked_sub(1).ok_or(Stop::TooMany)?;
        Ok(())
    }
}

/// -1 is null; what is less is nonsense.
fn length_or_null(length: i32) -> Result<Option<u32>, Stop> {
    match length {
        -1 => Ok(None),
        length => u32::try_from(length).map(Some).map_err(|_| Stop::Malformed),
    }
}
