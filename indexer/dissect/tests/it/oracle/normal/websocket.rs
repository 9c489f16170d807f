//! WebSocket: the oracle tells frames, we tell messages, so that each frame of ours is compared by itself. What
//! a message says is compared with the last of its frames.

use std::fmt::Write;

use dissect::Exchange;
use dissect::protocol::Content;
use dissect::protocol::websocket::frame::opcode;
use dissect::protocol::websocket::message::{Frame, Message};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Fields, Normal, Protocol, flow, set};

pub const PROTOCOL: Protocol = Protocol {
    name: "websocket",
    kinds: &[("frame", &FIELDS)],
    main: &["opcode", "length", "payload_sha256"],
    of_exchange,
    exceptions: include_str!("../exceptions/websocket.tsv"),
};

const FIELDS: [&str; 9] = [
    "opcode",
    "fin",
    "masked",
    "length",
    "compressed",
    "close_code",
    "payload_len",
    "payload_sha256",
    "text",
];

fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    let Some(message) = &exchange.request else { return };
    let Content::WebSocket(said) = &message.content else { return };
    for frame in &said.frames {
        let flow = flow(exchange.client, exchange.server);
        let mut normal = Normal::of(&PROTOCOL, "frame", message, flow, fields(said, frame));
        normal.frame = u64::from(frame.last.packet.index) + 1;
        out.push(normal);
    }
}

fn fields(said: &Message, frame: &Frame) -> Fields {
    let mut fields = Fields::new();
    set(&mut fields, "opcode", json!(frame.opcode));
    set(&mut fields, "fin", json!(frame.fin));
    set(&mut fields, "masked", json!(frame.is_masked));
    set(&mut fields, "length", json!(frame.payload_bytes));
    if frame.reserved & 4 != 0 {
        set(&mut fields, "compressed", json!(true));
    }
    if let Some(close) = said.close() {
        set(&mut fields, "close_code", json!(close.code));
    }
    // What is in SIP's messages tshark tells as SIP.
    let is_told = matches!(said.opcode, opcode::TEXT | opcode::PING | opcode::PONG)
        && said.subprotocol.as_deref() != Some("sip");
    if is_told && frame.fin && !said.payload.is_empty() {
        set(&mut fields, "payload_len", json!(said.payload.len()));
        let digest = Sha256::digest(&said.payload);
        let hex = digest.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        });
        set(&mut fields, "payload_sha256", json!(hex));
        if said.opcode == opcode::TEXT {
            let text: String =
                String::from_utf8_lossy(said.payload.get(..200).unwrap_or(&said.payload)).into();
            set(&mut fields, "text", json!(text));
        }
    }
    fields
}
