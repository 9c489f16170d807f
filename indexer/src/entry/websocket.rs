//! WebSocket messages as fields: each is an entry of its own, with the sender as `src`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dissect::protocol::Content;
use dissect::protocol::websocket::message::{Message, close_name, opcode_name};
use serde_json::{Map, Value, json};

use super::description::{Description, Field, Outcome, Summary, joined, joined_paths};
use super::{Bodies, Said, graphql, subscription};

pub const DESCRIPTION: Description = Description {
    name: "ws",
    abbr: "WS",
    version: "13",
    long_name: "WebSocket",
    macro_name: "ws",
    ports: &["80", "443", "8080"],
    priority: 0,
    background: "#0f766e",
    foreground: "#ffffff",
    reference: "https://www.rfc-editor.org/rfc/rfc6455",
    bodies: &joined_paths::<{ BODIES.len() + subscription::BODIES.len() }>(&[BODIES, subscription::BODIES]),
    fields: &joined::<{ FIELDS.len() + subscription::FIELDS.len() + graphql::OPERATION_FIELDS.len() }>(&[
        FIELDS,
        subscription::FIELDS,
        graphql::OPERATION_FIELDS,
    ]),
    summary,
};

const BODIES: &[&[&str]] = &[&["request", "payload"], &["request", "encoding"], &["request", "frames"]];

const FIELDS: &[Field] = &[
    Field::text("request.type", "text, binary, close, ping, pong, or continuation without its start"),
    Field::number("request.opcode", "opcode of the first frame"),
    Field::text("request.path", "target of the request that opened the connection"),
    Field::text("request.subprotocol", "subprotocol agreed on"),
    Field::number("request.streamId", "stream of HTTP/2 that carried it"),
    Field::text("request.payload", "what the message says, decompressed; base64 where it is not text"),
    Field::text("request.encoding", "base64 where payload is"),
    Field::number("request.payloadSize", "bytes the message says, decompressed"),
    Field::number("request.sentSize", "bytes of payload as they were sent"),
    Field::boolean("request.masked", "whether it was masked, as clients' messages are"),
    Field::boolean("request.compressed", "whether it was compressed"),
    Field::boolean("request.complete", "whether its end was seen"),
    Field::number("request.framesCount", "how many frames it came in"),
    Field::number("request.frames.*.opcode", "opcode of the frame"),
    Field::boolean("request.frames.*.fin", "whether it is the last of its message"),
    Field::number("request.frames.*.reserved", "reserved bits, the first of them highest"),
    Field::boolean("request.frames.*.masked", "whether it was masked"),
    Field::number("request.frames.*.size", "bytes of payload"),
    Field::text("request.error", "why the payload is compressed still, or ends early"),
    Field::number("request.closeCode", "close: its code"),
    Field::text("request.closeName", "close: what its code means"),
    Field::text("request.closeReason", "close: its reason in words"),
];

/// What kind of message, where, and how long.
fn summary(entry: &Value) -> Summary {
    let request = &entry["request"];
    let text = |key: &str| request[key].as_str().unwrap_or_default();
    let kind = text("type");
    let status = match kind {
        "close" => request["closeCode"].as_u64().map_or_else(String::new, |code| code.to_string()),
        _ => format!("{} B", request["payloadSize"].as_u64().unwrap_or_default()),
    };
    if request["graphql"].is_object() {
        return subscription::summary(&request["graphql"], status);
    }
    let is_bad = kind == "close" && !matches!(status.as_str(), "" | "1000" | "1001" | "1005");
    let said = if kind == "close" { text("closeReason") } else { text("path") };
    Summary {
        method: kind.to_owned(),
        text: said.to_owned(),
        status,
        outcome: if is_bad { Outcome::Bad } else { Outcome::Neutral },
    }
}

/// A message as fields.
pub fn said(asked: Option<&Content>, bodies: Bodies) -> Said {
    let request = match asked {
        Some(Content::WebSocket(message)) => Some(request(message, bodies)),
        _ => None,
    };
    Said { protocol: &DESCRIPTION, version: None, request, response: None }
}

fn request(message: &Message, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    let mut set = |key: &str, value: Value| drop(fields.insert(key.to_owned(), value));
    let kind = opcode_name(message.opcode).map_or_else(|| message.opcode.to_string(), str::to_owned);
    set("type", kind.into());
    set("opcode", message.opcode.into());
    if let Some(target) = &message.target {
        set("path", target.as_str().into());
    }
    if let Some(subprotocol) = &message.subprotocol {
        set("subprotocol", subprotocol.as_str().into());
    }
    if let Some(stream_id) = message.stream_id {
        set("streamId", stream_id.into());
    }
    set("payloadSize", message.payload_bytes.into());
    set("sentSize", message.sent_bytes.into());
    set("masked", message.is_masked().into());
    set("compressed", message.is_compressed.into());
    set("complete", message.is_complete.into());
    set("framesCount", message.frame_count.into());
    if let Some(error) = message.error {
        set("error", error.to_string().into());
    }
    if let Some(close) = message.close() {
        set("closeCode", close.code.into());
        if let Some(name) = close_name(close.code) {
            set("closeName", name.into());
        }
        set("closeReason", String::from_utf8_lossy(close.reason).into());
    }
    if let Some(graphql) = subscription::said(message, bodies) {
        set("graphql", graphql);
    }
    if bodies == Bodies::Kept {
        match std::str::from_utf8(&message.payload) {
            Ok(text) => set("payload", text.into()),
            Err(_) => {
                set("payload", STANDARD.encode(&message.payload).into());
                set("encoding", "base64".into());
            }
        }
        set("frames", message.frames.iter().map(frame).collect());
    }
    fields.into()
}

fn frame(frame: &dissect::protocol::websocket::message::Frame) -> Value {
    json!({
        "opcode": frame.opcode,
        "fin": frame.fin,
        "reserved": frame.reserved,
        "masked": frame.is_masked,
        "size": frame.payload_bytes,
    })
}
