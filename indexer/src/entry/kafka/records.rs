//! Records as JSON.

use dissect::protocol::kafka::record::{Batch, Record, Records};
use serde_json::{Map, Value, json};

use super::tree::add_bytes;

/// The records of one partition.
pub fn told(records: &Records) -> Value {
    let mut fields = Map::new();
    fields.insert("recordBatch".into(), records.batches.iter().map(batch).collect());
    if records.partial_bytes > 0 {
        fields.insert("partialBytes".into(), records.partial_bytes.into());
    }
    fields.into()
}

fn batch(batch: &Batch) -> Value {
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("baseOffset", batch.base_offset.into());
    set("batchLength", batch.length_bytes.into());
    set("magic", batch.magic.into());
    set("crc", batch.crc.into());
    set("attributes", batch.attributes.into());
    set("compression", batch.codec.name().into());
    let time = if batch.is_log_append_time() { "LogAppendTime" } else { "CreateTime" };
    set("timestampType", time.into());
    set("transactional", batch.is_transactional().into());
    set("control", batch.is_control().into());
    if let Some(header) = batch.header {
        set("partitionLeaderEpoch", header.partition_leader_epoch.into());
        set("lastOffsetDelta", header.last_offset_delta.into());
        set("firstTimestamp", header.base_timestamp.into());
        set("maxTimestamp", header.max_timestamp.into());
        set("producerId", header.producer_id.into());
        set("producerEpoch", header.producer_epoch.into());
        set("baseSequence", header.base_sequence.into());
    }
    let is_control = batch.is_control();
    set("record", batch.records.iter().map(|one| record(one, is_control)).collect());
    if batch.is_partial {
        set("partial", true.into());
    }
    if let Some(problem) = batch.problem {
        set("damage", problem.to_string().into());
    }
    fields.into()
}

fn record(record: &Record, is_control: bool) -> Value {
    let mut fields = Map::new();
    fields.insert("offset".into(), record.offset.into());
    if let Some(timestamp) = record.timestamp {
        fields.insert("timestamp".into(), timestamp.into());
    }
    if is_control {
        fields.insert("controlType".into(), control_type(record).into());
    }
    add(&mut fields, "key", record.key.as_deref());
    add(&mut fields, "value", record.value.as_deref());
    let headers = record.headers.iter().map(|(name, value)| {
        let mut header = Map::new();
        add_bytes(&mut header, "key", name);
        add(&mut header, "value", value.as_deref());
        Value::Object(header)
    });
    fields.insert("headers".into(), headers.collect());
    fields.into()
}

/// A null stays one: the value of a tombstone.
fn add(fields: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes {
        Some(bytes) => add_bytes(fields, name, bytes),
        None => drop(fields.insert(name.to_owned(), json!(null))),
    }
}

/// The key of a control record is its version and its type (KIP-98, KIP-595).
fn control_type(record: &Record) -> &'static str {
    match record.key.as_deref() {
        Some([_, _, 0, 0]) => "ABORT",
        Some([_, _, 0, 1]) => "COMMIT",
        Some([_, _, 0, 2]) => "LEADER_CHANGE",
        Some([_, _, 0, 3]) => "SNAPSHOT_HEADER",
        Some([_, _, 0, 4]) => "SNAPSHOT_FOOTER",
        Some([_, _, 0, 5]) => "KRAFT_VERSION",
        Some([_, _, 0, 6]) => "KRAFT_VOTERS",
        _ => "UNKNOWN",
    }
}
