//! Messages by their schema: what `protoc --descriptor_set_out` makes, applied when an entry is opened.
//!
//! A schema is the user's, the messages are the wire's: a message that doesn't follow its type is shown as
//! what its bytes alone tell.

use std::path::{Path, PathBuf};

use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions};
use prost_reflect::{ReflectMessage, Value as Field};
use serde_json::Value;

use crate::Error;

/// Largest message that is shown by its schema: a decoded field takes many times its bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Most `google.protobuf.Any` within each other. Each is decoded anew, so nothing else limits how deep they go.
const ANY_DEPTH_MAX: usize = 8;
/// The type that holds messages of any type.
const ANY: &str = "google.protobuf.Any";

/// Services and messages that are known by name.
#[derive(Clone, Debug)]
pub struct Schemas {
    pool: DescriptorPool,
}

impl Schemas {
    /// Reads files that each hold a `FileDescriptorSet`. Google's well-known types are known anyway; of a file
    /// that is in several sets the first counts.
    ///
    /// # Errors
    /// When a file can't be read, holds none, or lacks what it imports.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Error> {
        let mut pool = DescriptorPool::global();
        for path in paths {
            let set = std::fs::read(path).map_err(Error::io(path))?;
            pool.decode_file_descriptor_set(set.as_slice()).map_err(|error| unusable(path, &error))?;
        }
        Ok(Self { pool })
    }

    /// A method, by the names in a request's path.
    #[must_use]
    pub fn method(&self, service: &str, method: &str) -> Option<MethodDescriptor> {
        self.pool.get_service_by_name(service)?.methods().find(|candidate| candidate.name() == method)
    }

    /// A type of message, by its full name.
    #[must_use]
    pub fn message(&self, name: &str) -> Option<MessageDescriptor> {
        self.pool.get_message_by_name(name)
    }

    /// A message as JSON (<https://protobuf.dev/programming-guides/json/>, but 64-bit integers are numbers);
    /// nothing if the bytes don't follow the type.
    #[must_use]
    pub fn json(&self, kind: MessageDescriptor, bytes: &[u8]) -> Option<Value> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return None;
        }
        let message = DynamicMessage::decode(kind, bytes).ok()?;
        if !is_shallow(&message, ANY_DEPTH_MAX) {
            return None;
        }
        let options = SerializeOptions::new().stringify_64_bit_integers(false);
        message.serialize_with_options(serde_json::value::Serializer, &options).ok()
    }
}

fn unusable(path: &Path, error: &prost_reflect::DescriptorError) -> Error {
    let reason = format!("{error} (a set is made by `protoc --include_imports --descriptor_set_out=FILE`)");
    Error::Schema { path: path.into(), reason }
}

/// Whether no more than `any_left` messages of any type lie within each other.
fn is_shallow(message: &DynamicMessage, any_left: usize) -> bool {
    let kind = message.descriptor();
    if kind.full_name() != ANY {
        return message.fields().all(|(_, field)| is_shallow_field(field, any_left));
    }
    let Some(any_left) = any_left.checked_sub(1) else { return false };
    let url = message.get_field_by_name("type_url");
    let value = message.get_field_by_name("value");
    let (Some(url), Some(value)) = (url, value) else { return true };
    let (Some(url), Some(bytes)) = (url.as_str(), value.as_bytes()) else { return true };
    let name = url.rsplit('/').next().unwrap_or_default();
    let inner = kind.parent_pool().get_message_by_name(name);
    let inner = inner.and_then(|kind| DynamicMessage::decode(kind, bytes.as_ref()).ok());
    inner.is_none_or(|inner| is_shallow(&inner, any_left))
}

fn is_shallow_field(field: &Field, any_left: usize) -> bool {
    match field {
        Field::Message(message) => is_shallow(message, any_left),
        Field::List(list) => list.iter().all(|element| is_shallow_field(element, any_left)),
        Field::Map(map) => map.values().all(|value| is_shallow_field(value, any_left)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn any_schemas() -> Schemas {
        Schemas::read(&[]).unwrap()
    }

    /// Bytes of an `Any` that holds `value`.
    fn any(type_name: &str, value: &[u8]) -> Vec<u8> {
        let url = format!("x/{type_name}");
        let mut bytes = vec![0x0a, u8::try_from(url.len()).unwrap()];
        bytes.extend(url.as_bytes());
        bytes.push(0x12);
        let mut length = value.len();
        while length >= 0x80 {
            bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend(value);
        bytes
    }

    #[test]
    fn well_known_types_are_known() {
        let schemas = any_schemas();
        let timestamp = schemas.message("google.protobuf.Timestamp").unwrap();
        assert_eq!(schemas.json(timestamp.clone(), b"\x08\x05"), Some(json!("1970-01-01T00:00:05Z")));
        assert_eq!(schemas.json(timestamp, b"\x08"), None);
    }

    #[test]
    fn messages_of_any_type_within_each_other_stop_at_a_limit() {
        let schemas = any_schemas();
        let kind = schemas.message(ANY).unwrap();
        let duration = any("google.protobuf.Duration", b"\x08\x05");
        assert_eq!(
            schemas.json(kind.clone(), &duration),
            Some(json!({"@type": "x/google.protobuf.Duration", "value": "5s"}))
        );
        let mut nested = duration;
        for _ in 0..2_000 {
            nested = any(ANY, &nested);
        }
        assert_eq!(schemas.json(kind, &nested), None);
    }

    #[test]
    fn a_file_that_is_no_set_says_how_to_make_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.binpb");
        std::fs::write(&path, b"\xff\xff").unwrap();
        let error = Schemas::read(&[path]).unwrap_err().to_string();
        assert!(error.contains("--include_imports"), "{error}");
    }
}
