//! What the messages of a call say: by their schema where there is one, else by their bytes alone.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dissect::protocol::grpc::protobuf::{self, Bounds, Value as Wire};
use dissect::protocol::grpc::{Body, Codec, Message};
use serde_json::{Map, Value, json};

use super::DECODED_BYTES_MAX;

/// Most bytes that the messages shown of one body may have together.
const CONTENTS_BYTES_MAX: usize = 4 << 20;
/// Most messages shown of one body.
const CONTENTS_MAX: usize = 100;

/// Shows a message by its schema; nothing if there is none, or the message doesn't follow it.
pub(super) type Show<'a> = &'a dyn Fn(&[u8]) -> Option<Value>;

/// The first messages of a body.
pub(super) fn contents(body: &Body<'_>, codec: Codec, encoding: Option<&[u8]>, show: Show<'_>) -> Value {
    let mut left = CONTENTS_BYTES_MAX;
    let mut shown = Vec::new();
    for (index, message) in body.messages.iter().enumerate().take(CONTENTS_MAX) {
        let content = content(body, message, codec, encoding, show, &mut left);
        let mut fields = json!({"index": index, "length": message.length_bytes});
        if let (Value::Object(fields), Value::Object(content)) = (&mut fields, content) {
            fields.extend(content);
        }
        shown.push(fields);
        if left == 0 {
            break;
        }
    }
    shown.into()
}

fn content(
    body: &Body<'_>,
    message: &Message,
    codec: Codec,
    encoding: Option<&[u8]>,
    show: Show<'_>,
    left: &mut usize,
) -> Value {
    let decoded = body.decoded(message, encoding, DECODED_BYTES_MAX.min(*left));
    *left = left.saturating_sub(decoded.bytes.len());
    let mut fields = Map::new();
    for (name, is) in [
        ("compressed", message.is_compressed),
        ("cut", message.missing_bytes > 0),
        ("truncated", decoded.truncated),
        ("damaged", decoded.error.is_some()),
    ] {
        if is {
            fields.insert(name.into(), true.into());
        }
    }
    // What is still compressed says nothing.
    let is_readable = decoded.error.is_none_or(|_| !decoded.bytes.is_empty())
        && !(message.is_compressed && encoding.is_none());
    let bytes = decoded.bytes.as_slice();
    let is_whole = message.missing_bytes == 0 && !decoded.truncated && decoded.error.is_none();
    match codec {
        _ if !is_readable => drop(fields.insert("bytes".into(), STANDARD.encode(body.sent(message)).into())),
        Codec::Protobuf => match show(bytes).filter(|_| is_whole) {
            Some(value) => drop(fields.insert("value".into(), value)),
            None => drop(fields.insert("fields".into(), tree(bytes))),
        },
        Codec::Json => match serde_json::from_slice(bytes) {
            Ok(value) => drop::<Option<Value>>(fields.insert("value".into(), value)),
            Err(_) => drop(fields.insert("text".into(), String::from_utf8_lossy(bytes).into())),
        },
        Codec::Other => drop(fields.insert("bytes".into(), STANDARD.encode(bytes).into())),
    }
    fields.into()
}

/// A message of an unknown schema: its fields in order, and behind them what could not be read.
pub(super) fn tree(bytes: &[u8]) -> Value {
    let tree = protobuf::read(bytes, Bounds::default());
    let mut fields: Vec<Value> = tree.fields.iter().map(wire_field).collect();
    if !tree.rest.is_empty() {
        let wire = if tree.truncated { "truncated" } else { "damaged" };
        fields.push(json!({"wire": wire, "bytes": STANDARD.encode(tree.rest)}));
    }
    fields.into()
}

/// A field: `value` is its likeliest reading, the others stand beside it where they differ.
fn wire_field(field: &protobuf::Field<'_>) -> Value {
    let mut shown = json!({"number": field.number});
    let fields = |nested: &[protobuf::Field<'_>]| nested.iter().map(wire_field).collect::<Value>();
    let (wire, value) = match &field.value {
        Wire::Varint(varint) => {
            if varint.signed() < 0 {
                shown["signed"] = varint.signed().into();
            }
            shown["zigzag"] = varint.zigzag().into();
            if let Some(bool) = varint.bool() {
                shown["bool"] = bool.into();
            }
            ("varint", varint.0.into())
        }
        Wire::Fixed64(bits) => {
            shown["double"] = f64::from_bits(*bits).into();
            ("fixed64", (*bits).into())
        }
        Wire::Fixed32(bits) => {
            shown["float"] = f32::from_bits(*bits).into();
            ("fixed32", (*bits).into())
        }
        Wire::Message(nested) => ("message", fields(nested)),
        Wire::Group(nested) => ("group", fields(nested)),
        Wire::Text(text) => ("text", (*text).into()),
        Wire::Packed(numbers) => ("packed", numbers.as_slice().into()),
        Wire::Bytes(bytes) => ("bytes", STANDARD.encode(bytes).into()),
    };
    shown["wire"] = wire.into();
    shown["value"] = value;
    shown
}
