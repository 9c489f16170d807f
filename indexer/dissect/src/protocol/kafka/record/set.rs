//! Message sets: formats 0 and 1, before Kafka 0.11.
//!
//! ```text
//! offset:8 size:4 crc:4 magic:1 attributes:1 [timestamp:8 in format 1] key:bytes value:bytes
//! ```
//!
//! What is compressed is a set again, as the value of a message around it. In format 1 the offsets inside count
//! from 0 and the message around has the offset of the last one (KIP-31).

use super::{Batch, Codec, Cursor, Problem, Reader, Record, frame};

/// A message of a set.
struct Message<'a> {
    offset: i64,
    size: i32,
    crc: u32,
    magic: i8,
    attributes: i8,
    timestamp: Option<i64>,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
}

/// Reads one message, which may hold a set, to the batches before it.
pub(super) fn read(bytes: &[u8], batches: &mut Vec<Batch>, reader: &mut Reader) {
    let Some(message) = message(bytes) else {
        batches.push(Batch { problem: Some(Problem::Damaged), ..empty_batch(bytes) });
        return;
    };
    let codec = Codec::of(message.attributes.into());
    if codec != Codec::None {
        batches.push(compressed(&message, codec, reader));
        return;
    }
    let fits =
        |last: &Batch| last.codec == Codec::None && last.magic == message.magic && last.header.is_none();
    if !batches.last().is_some_and(fits) {
        batches.push(batch(&message, codec));
    }
    let Some(batch) = batches.last_mut() else { return };
    if reader.take_record() {
        batch.records.push(record(&message));
    } else {
        batch.problem = Some(Problem::Limit);
    }
}

fn compressed(outer: &Message<'_>, codec: Codec, reader: &mut Reader) -> Batch {
    let mut batch = batch(outer, codec);
    let decoded = reader.decompress(codec, outer.value.unwrap_or_default());
    let mut input = decoded.bytes.as_slice();
    while !input.is_empty() {
        let inner = frame(input).and_then(|(frame, rest)| Some((message(frame.bytes)?, rest)));
        let Some((inner, rest)) = inner else {
            batch.problem = Some(Problem::Damaged);
            break;
        };
        if !reader.take_record() {
            batch.problem = Some(Problem::Limit);
            break;
        }
        batch.records.push(record(&inner));
        input = rest;
    }
    batch.problem = match decoded.error {
        Some(error) => Some(Problem::Compression(error)),
        None if decoded.truncated => Some(Problem::Limit),
        None => batch.problem,
    };
    let last = batch.records.last().map_or(0, |record| record.offset);
    let is_relative = outer.magic == 1 && outer.offset >= last;
    for record in &mut batch.records {
        if is_relative {
            record.offset = record.offset.saturating_add(outer.offset.saturating_sub(last));
        }
        if batch.attributes & 0x08 != 0 {
            record.timestamp = outer.timestamp;
        }
    }
    batch.base_offset = batch.records.first().map_or(outer.offset, |record| record.offset);
    batch
}

fn batch(message: &Message<'_>, codec: Codec) -> Batch {
    Batch {
        base_offset: message.offset,
        length_bytes: message.size,
        magic: message.magic,
        codec,
        crc: message.crc,
        attributes: message.attributes.into(),
        header: None,
        records: Vec::new(),
        problem: None,
        is_partial: false,
    }
}

fn empty_batch(bytes: &[u8]) -> Batch {
    let nothing = Message {
        offset: bytes.first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes)),
        size: 0,
        crc: 0,
        magic: 0,
        attributes: 0,
        timestamp: None,
        key: None,
        value: None,
    };
    batch(&nothing, Codec::None)
}

fn record(message: &Message<'_>) -> Record {
    Record {
        offset: message.offset,
        timestamp: message.timestamp,
        key: message.key.map(<[u8]>::to_vec),
        value: message.value.map(<[u8]>::to_vec),
        headers: Vec::new(),
    }
}

fn message(bytes: &[u8]) -> Option<Message<'_>> {
    let mut cursor = Cursor { rest: bytes };
    let offset = i64::from_be_bytes(cursor.array()?);
    let size = i32::from_be_bytes(cursor.array()?);
    let crc = u32::from_be_bytes(cursor.array()?);
    let magic = i8::from_be_bytes(cursor.array()?);
    let attributes = i8::from_be_bytes(cursor.array()?);
    let timestamp = if magic == 1 { Some(i64::from_be_bytes(cursor.array()?)) } else { None };
    let key = cursor.long_bytes()?;
    let value = cursor.long_bytes()?;
    (0..=1).contains(&magic).then_some(Message {
        offset,
        size,
        crc,
        magic,
        attributes,
        timestamp,
        key,
        value,
    })
}

impl<'a> Cursor<'a> {
    /// An int32 length, -1 for null, and so many bytes.
    fn long_bytes(&mut self) -> Option<Option<&'a [u8]>> {
        match i32::from_be_bytes(self.array()?) {
            -1 => Some(None),
            length => Some(Some(self.take(usize::try_from(length).ok()?)?)),
        }
    }
}
