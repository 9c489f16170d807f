//! HTTP/2: its header blocks, and what its streams carried.

use dissect::Exchange;
use dissect::exchange::Message;
use dissect::protocol::Content;
use dissect::protocol::http2::headers::{HeaderList, Text};
use dissect::protocol::http2::message::{Body, End, Origin};
use serde_json::{Value, json};

use super::{Fields, Normal, Protocol, flow, set, text};

pub const PROTOCOL: Protocol = Protocol {
    name: "http2",
    kinds: &[
        ("headers", &BLOCK_FIELDS),
        ("push_promise", &BLOCK_FIELDS),
        ("data_total", &["stream_id", "bytes", "frames", "end_stream"]),
    ],
    main: &["stream_id", "method", "path", "status"],
    of_exchange,
    exceptions: include_str!("../exceptions/http2.tsv"),
};

const BLOCK_FIELDS: [&str; 10] = [
    "stream_id",
    "method",
    "path",
    "authority",
    "scheme",
    "status",
    "grpc_status",
    "content_type",
    "end_stream",
    "headers",
];

/// What both messages of a stream have.
struct Half<'a> {
    message: &'a Message,
    flow: &'a str,
    stream_id: u32,
    headers: &'a HeaderList,
    body: &'a Body,
    trailers: &'a HeaderList,
    end: End,
}

fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    let to_server = flow(exchange.client, exchange.server);
    let to_client = flow(exchange.server, exchange.client);
    if let Some(message) = &exchange.request
        && let Content::Http2Request(request) = &message.content
    {
        let half = Half {
            message,
            flow: &to_server,
            stream_id: request.stream_id,
            headers: &request.headers,
            body: &request.body,
            trailers: &request.trailers,
            end: request.end,
        };
        match request.origin {
            Origin::Sent => of_half(&half, out),
            Origin::Pushed { with } => {
                let mut fields = block(with, &request.headers, false);
                fields.insert("stream_id".into(), json!(with));
                out.push(Normal::of(&PROTOCOL, "push_promise", message, to_client.clone(), fields));
            }
            Origin::Upgraded => {}
        }
    }
    if let Some(message) = &exchange.response
        && let Content::Http2Response(response) = &message.content
    {
        for interim in &response.interim {
            let fields = block(response.stream_id, &interim.headers, false);
            let mut normal = Normal::of(&PROTOCOL, "headers", message, to_client.clone(), fields);
            normal.frame = u64::from(interim.last.packet.index) + 1;
            out.push(normal);
        }
        let half = Half {
            message,
            flow: &to_client,
            stream_id: response.stream_id,
            headers: &response.headers,
            body: &response.body,
            trailers: &response.trailers,
            end: response.end,
        };
        of_half(&half, out);
    }
}

fn of_half(half: &Half<'_>, out: &mut Vec<Normal>) {
    let Half { message, flow, stream_id, headers, body, trailers, end } = half;
    let is_complete = *end == End::Complete;
    let is_all = is_complete && body.frames == 0 && trailers.is_empty();
    if !headers.is_empty() {
        let fields = block(*stream_id, headers, is_all);
        let mut normal = Normal::of(&PROTOCOL, "headers", message, (*flow).to_owned(), fields);
        normal.frame = u64::from(message.first.index) + 1;
        out.push(normal);
    }
    if !trailers.is_empty() {
        let fields = block(*stream_id, trailers, is_complete);
        out.push(Normal::of(&PROTOCOL, "headers", message, (*flow).to_owned(), fields));
    }
    if body.frames > 0 {
        let mut fields = Fields::new();
        set(&mut fields, "stream_id", json!(stream_id));
        set(&mut fields, "bytes", json!(body.length_bytes));
        set(&mut fields, "frames", json!(body.frames));
        set(&mut fields, "end_stream", json!(is_complete));
        let note = if body.gap_bytes > 0 { " gap" } else { "" };
        let normal = Normal::of(&PROTOCOL, "data_total", message, (*flow).to_owned(), fields);
        out.push(normal.with_note(note.to_owned()));
    }
}

fn block(stream_id: u32, headers: &HeaderList, end_stream: bool) -> Fields {
    let mut fields = Fields::new();
    set(&mut fields, "stream_id", json!(stream_id));
    for (field, name) in [
        ("method", ":method"),
        ("path", ":path"),
        ("authority", ":authority"),
        ("scheme", ":scheme"),
        ("content_type", "content-type"),
    ] {
        set(&mut fields, field, headers.value(name).map_or(Value::Null, |value| cut(value, 600)));
    }
    for (field, name) in [("status", ":status"), ("grpc_status", "grpc-status")] {
        let number =
            headers.value(name).and_then(|value| std::str::from_utf8(value).ok()?.parse::<u64>().ok());
        set(&mut fields, field, json!(number));
    }
    set(&mut fields, "end_stream", json!(end_stream));
    let lines = headers.iter().map(|header| {
        let value = header.value.known().map_or(json!(""), |value| cut(value, 600));
        match header.name {
            Text::Known(name) => json!([cut(name, 300), value]),
            Text::Unknown => json!(["<unknown>", value]),
        }
    });
    set(&mut fields, "headers", lines.collect());
    fields
}

/// The oracle keeps so many bytes.
fn cut(bytes: &[u8], length: usize) -> Value {
    text(bytes.get(..length).unwrap_or(bytes))
}
