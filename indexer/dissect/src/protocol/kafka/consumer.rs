//! What consumers tell each other through the group's coordinator, which only passes it on.
//!
//! To the broker a member's subscription and assignment are opaque bytes. Kafka's consumers write them as
//! `ConsumerProtocolSubscription` and `ConsumerProtocolAssignment` behind a version; others (Connect) write
//! something else, which stays bytes.

use super::decode::{Body, Reader};
use super::schema;
use super::value::{Fields, Value};

/// The bytes of a field, as a structure if the field holds one that can be read to its end.
pub(super) fn embedded<'a>(field: &str, bytes: &'a [u8]) -> Value<'a> {
    let name = match field {
        "metadata" | "memberMetadata" => "ConsumerProtocolSubscription",
        "assignment" | "memberAssignment" => "ConsumerProtocolAssignment",
        _ => return Value::Bytes(bytes),
    };
    read(name, bytes).map_or(Value::Bytes(bytes), Value::Structure)
}

/// "When it encounters a newer version, it parses it using the current format": new fields only ever come
/// behind the known ones.
fn read<'a>(name: &str, bytes: &'a [u8]) -> Option<Fields<'a>> {
    let data = schema::data(name)?;
    let (version, bytes) = bytes.split_first_chunk()?;
    let version = i16::from_be_bytes(*version);
    let known = version.clamp(data.versions.first, data.versions.last);
    if version < data.versions.first {
        return None;
    }
    let mut fields = vec![("version", Value::Int(version.into()))];
    let mut reader = Reader::new(Body { bytes, missing: 0 }, known, false);
    reader.structure(&data.fields, &mut fields).ok()?;
    (reader.rest.is_empty() || version > data.versions.last).then_some(fields)
}
