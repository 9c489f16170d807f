//! One form for messages: ours and the oracle's. A file for each protocol.

mod amqp;
mod dns;
mod grpc;
mod http1;
mod http2;
mod kafka;
pub mod redis;
mod tls;
mod websocket;

use std::collections::BTreeMap;
use std::fmt;

use dissect::Exchange;
use dissect::exchange::{Endpoint, Message};
use serde_json::{Value, json};

/// Every protocol that the corpus has an oracle for.
pub const PROTOCOLS: &[Protocol] = &[
    http1::PROTOCOL,
    http2::PROTOCOL,
    grpc::PROTOCOL,
    dns::PROTOCOL,
    tls::PROTOCOL,
    websocket::PROTOCOL,
    redis::PROTOCOL,
    kafka::PROTOCOL,
    amqp::PROTOCOL,
];

pub type Fields = BTreeMap<String, Value>;

/// How the messages of one protocol are compared.
pub struct Protocol {
    /// `proto` in the oracle.
    pub name: &'static str,
    /// `kind` in the oracle, and the fields that are compared besides the frame.
    pub kinds: &'static [(&'static str, &'static [&'static str])],
    /// Fields that tell a message from its neighbours.
    pub main: &'static [&'static str],
    /// Appends what our side found.
    pub of_exchange: fn(&Exchange, &mut Vec<Normal>),
    /// The differences that are known, with their reasons.
    pub exceptions: &'static str,
}

/// A message in the form of `make_oracle.py`.
#[derive(Clone)]
pub struct Normal {
    pub proto: &'static str,
    pub kind: &'static str,
    /// The file's packet that completed it, from 1.
    pub frame: u64,
    /// Addresses and ports, from sender to receiver.
    pub flow: String,
    /// What tells it from its neighbours.
    pub main: String,
    pub fields: Fields,
    /// What our side says about its wholeness.
    pub note: String,
}

impl Normal {
    /// A message of ours that ends where `message` does.
    pub fn of(
        protocol: &Protocol,
        kind: &'static str,
        message: &Message,
        flow: String,
        fields: Fields,
    ) -> Self {
        let frame = u64::from(message.last.index) + 1;
        let main = main(protocol, &fields);
        Self { proto: protocol.name, kind, frame, flow, main, fields, note: String::new() }
    }

    pub fn with_note(self, note: String) -> Self {
        Self { note, ..self }
    }
}

impl fmt::Display for Normal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} frame {} {} {}{}",
            self.proto,
            self.kind,
            self.frame,
            self.flow,
            self.main.replace('\t', " "),
            self.note
        )
    }
}

/// A line of the oracle, if it is of our protocols. Messages that were inside TLS need keys and are left out.
pub fn of_oracle(line: &Value) -> Option<Normal> {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let protocol = PROTOCOLS.iter().find(|protocol| line["proto"] == protocol.name)?;
    let (kind, names) = protocol.kinds.iter().find(|(kind, _)| line["kind"] == *kind)?;
    if line["over_tls"] == json!(true) {
        return None;
    }
    // No port: a packet quoted in an ICMP error, which is no message that was sent here.
    if line["sport"].is_null() && line["src"] != json!("") {
        return None;
    }
    let mut fields: Fields = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), line.get(*name)?.clone())))
        .filter(|(_, value)| *value != json!(""))
        .collect();
    if line["incomplete"] == json!(true) {
        // A header block that tshark could not read tells nothing.
        fields = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        fields.insert("stream_id".to_owned(), line["stream_id"].clone());
    }
    if fields.get("body_len") == Some(&json!(0)) {
        fields.retain(|name, _| !name.starts_with("body_"));
    }
    let flow = format!("{}:{} {}:{}", text("src"), line["sport"], text("dst"), line["dport"]);
    Some(Normal {
        proto: protocol.name,
        kind,
        frame: line["frame"].as_u64()?,
        flow,
        main: main(protocol, &fields),
        fields,
        note: String::new(),
    })
}

/// Captures whose messages of a protocol tshark 4.0 misreads as a whole, and why: they say nothing about ours.
const MISREAD: [(&str, &str, &str); 3] = [
    (
        "redis",
        "redis-spicyredis-auth.pcap",
        "gives up in the middle of a large array, and lists what is in it",
    ),
    ("redis", "redis-spicyredis-tls.pcap", "is TLS, on Redis' port"),
    (
        "redis",
        "redis-zeek-redis-attr.pcap",
        "is RESP3 without HELLO: attributes and maps are listed as replies",
    ),
];

/// Whether the oracle of a capture is of no use for a protocol.
pub fn is_misread(file: &str, protocol: &str) -> bool {
    MISREAD.iter().any(|(of, name, _)| *of == protocol && *name == file)
}

/// The messages of an exchange.
pub fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    for protocol in PROTOCOLS {
        (protocol.of_exchange)(exchange, out);
    }
}

fn main(protocol: &Protocol, fields: &Fields) -> String {
    protocol
        .main
        .iter()
        .filter_map(|name| fields.get(*name))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect::<Vec<_>>()
        .join(" ")
}

/// From sender to receiver.
pub fn flow(from: Endpoint, to: Endpoint) -> String {
    format!("{}:{} {}:{}", from.ip, from.port, to.ip, to.port)
}

/// Sets a field that says something.
pub fn set(fields: &mut Fields, name: &str, value: Value) {
    if value != json!("") && value != json!([]) && !value.is_null() {
        fields.insert(name.to_owned(), value);
    }
}

/// Bytes as text, as the oracle writes them.
pub fn text(bytes: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(bytes).into_owned())
}
