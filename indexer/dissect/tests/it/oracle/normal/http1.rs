//! HTTP/1.

use dissect::Exchange;
use dissect::exchange::Message;
use dissect::protocol::Content;
use dissect::protocol::http1::message::{Body, Headers};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Fields, Normal, Protocol, flow, set, text};

pub const PROTOCOL: Protocol = Protocol {
    name: "http",
    kinds: &[("request", &FIELDS), ("response", &FIELDS)],
    main: &["method", "uri", "status"],
    of_exchange,
    exceptions: include_str!("../exceptions/http.tsv"),
};

/// What is compared, besides the frame.
const FIELDS: [&str; 13] = [
    "method",
    "uri",
    "version",
    "host",
    "user_agent",
    "status",
    "phrase",
    "content_length",
    "content_type",
    "transfer_encoding",
    "content_encoding",
    "body_len",
    "body_sha256",
];
fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    let to_client = flow(exchange.server, exchange.client);
    if let Some(message) = &exchange.request
        && let Content::Http1Request(request) = &message.content
    {
        let mut fields = header_fields(&request.headers);
        set(&mut fields, "method", text(&request.method));
        set(&mut fields, "uri", text(&request.target));
        set(&mut fields, "version", text(&request.version));
        set_body(&mut fields, &request.body, &request.decoded(1 << 26).bytes);
        let note = note(message, &request.body, request.oddities.head_cut);
        let flow = flow(exchange.client, exchange.server);
        out.push(Normal::of(&PROTOCOL, "request", message, flow, fields).with_note(note));
    }
    if let Some(message) = &exchange.response
        && let Content::Http1Response(response) = &message.content
    {
        for interim in &response.interim {
            let mut fields = header_fields(&interim.headers);
            set_status(&mut fields, interim.status, &interim.reason, &interim.version);
            let mut normal = Normal::of(&PROTOCOL, "response", message, to_client.clone(), fields);
            normal.frame = u64::from(interim.last.packet.index) + 1;
            out.push(normal);
        }
        let mut fields = header_fields(&response.headers);
        set_status(&mut fields, response.status, &response.reason, &response.version);
        set_body(&mut fields, &response.body, &response.decoded(1 << 26).bytes);
        let note = note(message, &response.body, response.oddities.head_cut);
        out.push(Normal::of(&PROTOCOL, "response", message, to_client, fields).with_note(note));
    }
}

fn note(message: &Message, body: &Body, cut: bool) -> String {
    let is = |is: bool, what: &'static str| if is { what } else { "" };
    [is(cut, " head cut"), is(!body.complete, " incomplete"), is(message.gap_bytes > 0, " gap")].concat()
}

fn set_status(fields: &mut Fields, status: u16, reason: &[u8], version: &[u8]) {
    set(fields, "status", json!(status));
    set(fields, "phrase", text(reason));
    set(fields, "version", text(version));
}

fn header_fields(headers: &Headers) -> Fields {
    let mut fields = Fields::new();
    for (name, header) in [
        ("host", "host"),
        ("user_agent", "user-agent"),
        ("content_type", "content-type"),
        ("transfer_encoding", "transfer-encoding"),
        ("content_encoding", "content-encoding"),
    ] {
        if let Some(value) = headers.value(header) {
            set(&mut fields, name, text(value));
        }
    }
    let length = headers
        .value("content-length")
        .and_then(|value| std::str::from_utf8(value).ok()?.parse::<u64>().ok());
    set(&mut fields, "content_length", json!(length));
    fields
}

fn set_body(fields: &mut Fields, body: &Body, decoded: &[u8]) {
    if body.length_bytes > 0 && !decoded.is_empty() {
        set(fields, "body_len", json!(decoded.len()));
        set(
            fields,
            "body_sha256",
            json!(Sha256::digest(decoded).iter().map(|b| format!("{b:02x}")).collect::<String>()),
        );
    }
}
