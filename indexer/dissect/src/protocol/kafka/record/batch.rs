//! Record batches: format 2, since Kafka 0.11.
//!
//! ```text
//! base_offset:8 length:4 leader_epoch:4 magic:1 crc:4 attributes:2 last_offset_delta:4
//! base_timestamp:8 max_timestamp:8 producer_id:8 producer_epoch:2 base_sequence:4 count:4 records
//!
//! record  length attributes:1 timestamp_delta offset_delta key value count (key value)*
//! ```
//!
//! Numbers without a width are varints, zigzag; a length of -1 is null. Only the records are compressed, all
//! together.

use super::{Batch, Codec, Cursor, Header, Problem, Reader, Record};

/// Reads one batch; `None` if not even its header is there.
pub(super) fn read(bytes: &[u8], reader: &mut Reader) -> Option<Batch> {
    let mut cursor = Cursor { rest: bytes };
    let (mut batch, header) = head(&mut cursor)?;
    if batch.codec == Codec::None {
        batch.problem = records(&mut batch, header, cursor.rest, reader);
        return Some(batch);
    }
    let decoded = reader.decompress(batch.codec, cursor.rest);
    let problem = records(&mut batch, header, &decoded.bytes, reader);
    batch.problem = match decoded.error {
        Some(error) => Some(Problem::Compression(error)),
        None if decoded.truncated => Some(Problem::Limit),
        None => problem,
    };
    Some(batch)
}

/// Reads a batch whose end is not there: the records that are whole, if they are not compressed.
pub(super) fn read_begun(bytes: &[u8], reader: &mut Reader) -> Option<Batch> {
    let mut cursor = Cursor { rest: bytes };
    let (mut batch, header) = head(&mut cursor)?;
    batch.is_partial = true;
    if batch.codec == Codec::None {
        let problem = records(&mut batch, header, cursor.rest, reader);
        batch.problem = problem.filter(|problem| *problem != Problem::Damaged);
    }
    Some(batch)
}

/// How many whole records there are in a batch whose end is not there.
pub(super) fn count_begun(bytes: &[u8]) -> u64 {
    let mut cursor = Cursor { rest: bytes };
    let Some((batch, header)) = head(&mut cursor) else { return 0 };
    let mut count = 0;
    while batch.codec == Codec::None && count < header.count.max(0) {
        let length = cursor.varint().and_then(|length| usize::try_from(length).ok());
        if length.and_then(|length| cursor.take(length)).is_none() {
            break;
        }
        count += 1;
    }
    u64::try_from(count).unwrap_or(0)
}

/// How many records a batch says it has.
pub(super) fn count(bytes: &[u8]) -> u64 {
    let header = head(&mut Cursor { rest: bytes });
    header.and_then(|(_, header)| u64::try_from(header.count).ok()).unwrap_or(0)
}

fn head(cursor: &mut Cursor<'_>) -> Option<(Batch, Header)> {
    let base_offset = i64::from_be_bytes(cursor.array()?);
    let length_bytes = i32::from_be_bytes(cursor.array()?);
    let partition_leader_epoch = i32::from_be_bytes(cursor.array()?);
    let magic = i8::from_be_bytes(cursor.array()?);
    let crc = u32::from_be_bytes(cursor.array()?);
    let attributes = i16::from_be_bytes(cursor.array()?);
    let header = Header {
        partition_leader_epoch,
        last_offset_delta: i32::from_be_bytes(cursor.array()?),
        base_timestamp: i64::from_be_bytes(cursor.array()?),
        max_timestamp: i64::from_be_bytes(cursor.array()?),
        producer_id: i64::from_be_bytes(cursor.array()?),
        producer_epoch: i16::from_be_bytes(cursor.array()?),
        base_sequence: i32::from_be_bytes(cursor.array()?),
        count: i32::from_be_bytes(cursor.array()?),
    };
    let batch = Batch {
        base_offset,
        length_bytes,
        magic,
        codec: Codec::of(attributes),
        crc,
        attributes,
        header: Some(header),
        records: Vec::new(),
        problem: None,
        is_partial: false,
    };
    Some((batch, header))
}

/// Reads as many records as the batch says it has, and tells what ended it before.
fn records(batch: &mut Batch, header: Header, bytes: &[u8], reader: &mut Reader) -> Option<Problem> {
    let mut cursor = Cursor { rest: bytes };
    for _ in 0..header.count.max(0) {
        if !reader.take_record() {
            return Some(Problem::Limit);
        }
        let Some(record) = record(&mut cursor, batch, header) else { return Some(Problem::Damaged) };
        batch.records.push(record);
    }
    None
}

fn record(cursor: &mut Cursor<'_>, batch: &Batch, header: Header) -> Option<Record> {
    let length = usize::try_from(cursor.varint()?).ok()?;
    let mut cursor = Cursor { rest: cursor.take(length)? };
    cursor.array::<1>()?;
    let timestamp_delta = cursor.varint()?;
    let offset_delta = cursor.varint()?;
    let key = cursor.bytes()?;
    let value = cursor.bytes()?;
    let mut headers = Vec::new();
    for _ in 0..cursor.varint()? {
        headers.push((cursor.bytes()?.unwrap_or_default(), cursor.bytes()?));
    }
    let timestamp = if batch.is_log_append_time() {
        header.max_timestamp
    } else {
        header.base_timestamp.saturating_add(timestamp_delta)
    };
    Some(Record {
        offset: batch.base_offset.saturating_add(offset_delta),
        timestamp: Some(timestamp),
        key,
        value,
        headers,
    })
}

impl Cursor<'_> {
    /// Seven bits a byte, the lowest first; then the lowest bit is the sign.
    fn varint(&mut self) -> Option<i64> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        None
    }

    /// A length and so many bytes.
    fn bytes(&mut self) -> Option<Option<Vec<u8>>> {
        match self.varint()? {
            -1 => Some(None),
            length => Some(Some(self.take(usize::try_from(length).ok()?)?.to_vec())),
        }
    }
}
