//! HTTP/2 requests and responses as fields: those of HTTP/1, and what only streams have.

use dissect::protocol::http2::headers::{HeaderList, Text};
use dissect::protocol::http2::message::{End, Origin, Request, Reset, Response};
use dissect::protocol::{Content, Direction};
use serde_json::{Map, Value, json};

use super::description::{Description, Outcome, Summary};
use super::http::{DECODED_BYTES_MAX, add_headers, add_target, content, cookies, post_data, text};
use super::{Bodies, Said, http1};

pub const DESCRIPTION: Description = Description {
    name: "http",
    abbr: "HTTP/2",
    version: "2.0",
    long_name: "Hypertext Transfer Protocol Version 2 (HTTP/2)",
    macro_name: "http2",
    ports: &["80", "443", "8080"],
    priority: 0,
    background: "#244c5a",
    foreground: "#ffffff",
    reference: "https://www.rfc-editor.org/rfc/rfc9113",
    bodies: http1::BODIES,
    fields: http1::FIELDS,
    summary,
};

/// Under this name stand values whose names are unknown.
const UNKNOWN_NAME: &[u8] = b"?";

/// `GET /path`, and the status, or why there is none.
fn summary(entry: &Value) -> Summary {
    let mut summary = http1::summary(entry);
    let part = |name: &str| entry[name]["reset"]["code"].as_str();
    let is_whole = entry["response"].is_object() && entry["response"]["end"].is_null();
    if let Some(code) = part("request").or_else(|| part("response")).filter(|_| !is_whole) {
        (summary.status, summary.outcome) = (code.to_owned(), Outcome::Bad);
    } else if entry["response"]["status"].is_null() {
        (summary.status, summary.outcome) = (String::new(), Outcome::Neutral);
    }
    summary
}

/// An exchange as fields.
pub fn said(asked: Option<&Content>, answered: Option<&Content>, bodies: Bodies) -> Said {
    let request = match asked {
        Some(Content::Http2Request(message)) => Some(request(message, bodies)),
        _ => None,
    };
    let response = match answered {
        Some(Content::Http2Response(message)) => Some(response(message, bodies)),
        _ => None,
    };
    Said { protocol: &DESCRIPTION, version: Some("2.0".to_owned()), request, response }
}

/// What stopped an exchange before it was complete.
pub fn stopped(asked: Option<&Content>, answered: Option<&Content>) -> Option<Reset> {
    match (asked, answered) {
        (_, Some(Content::Http2Response(response))) if response.end == End::Complete => None,
        (_, Some(Content::Http2Response(response))) => response.reset,
        (Some(Content::Http2Request(request)), _) => request.reset,
        _ => None,
    }
}

/// The `error` of an entry whose stream was stopped.
pub fn error(reset: Reset) -> Value {
    let by = by(reset);
    let message = match reset.goaway {
        true => format!("the {by} ended the connection before it acted on the request: {}", reset.code),
        false => format!("the {by} stopped the stream: {}", reset.code),
    };
    json!({"type": "connection", "msg": message})
}

/// Of a push, the server is still the one that stops in its own direction.
fn by(reset: Reset) -> &'static str {
    match reset.direction {
        Direction::ToServer => "client",
        Direction::ToClient => "server",
    }
}

/// The `request` of an entry.
fn request(request: &Request, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("method".into(), request.method().map(text).unwrap_or_default().into());
    // CONNECT has an authority only (RFC 9113 §8.5).
    let target = request.path().or_else(|| request.headers.value(":authority"));
    add_target(&mut fields, &target.map(text).unwrap_or_default());
    add_common(&mut fields, request.stream_id, &request.headers, request.end, request.reset);
    let lines = request.headers.values("cookie").flat_map(|line| line.split(|&b| b == b';'));
    fields.insert("cookies".into(), cookies(lines));
    fields.insert("bodySize".into(), request.body.length_bytes.into());
    match request.origin {
        Origin::Sent => {}
        Origin::Upgraded => drop(fields.insert("origin".into(), "upgraded".into())),
        Origin::Pushed { .. } => drop(fields.insert("origin".into(), "pushed".into())),
    }
    if let Some(protocol) = request.protocol() {
        fields.insert("protocol".into(), text(protocol).into());
    }
    if request.body.length_bytes > 0 {
        let mime_type = request.headers.value("content-type").map(text).unwrap_or_default();
        let decoded = (bodies == Bodies::Kept).then(|| request.decoded(DECODED_BYTES_MAX));
        fields.insert("postData".into(), post_data(mime_type, decoded.as_ref()));
    }
    add_trailers(&mut fields, &request.trailers);
    fields.into()
}

/// The `response` of an entry.
fn response(response: &Response, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    if let Some(status) = response.status() {
        fields.insert("status".into(), status.into());
    }
    // RFC 9113 §8.3.2: there is no reason phrase.
    fields.insert("statusText".into(), "".into());
    add_common(&mut fields, response.stream_id, &response.headers, response.end, response.reset);
    let set = response.headers.values("set-cookie").filter_map(|line| line.split(|&b| b == b';').next());
    fields.insert("cookies".into(), cookies(set));
    let location = response.headers.value("location").map(text).unwrap_or_default();
    fields.insert("redirectURL".into(), location.into());
    fields.insert("bodySize".into(), response.body.length_bytes.into());
    let mime_type = response.headers.value("content-type").map(text).unwrap_or_default();
    let decoded = (bodies == Bodies::Kept).then(|| response.decoded(DECODED_BYTES_MAX));
    fields.insert("content".into(), content(mime_type, decoded.as_ref()));
    if !response.interim.is_empty() {
        let interim: Vec<_> = response.interim.iter().filter_map(|interim| interim.status()).collect();
        fields.insert("interim".into(), interim.into());
    }
    add_trailers(&mut fields, &response.trailers);
    fields.into()
}

/// What both messages have.
fn add_common(
    fields: &mut Map<String, Value>,
    stream_id: u32,
    list: &HeaderList,
    end: End,
    reset: Option<Reset>,
) {
    fields.insert("httpVersion".into(), "HTTP/2.0".into());
    fields.insert("streamId".into(), stream_id.into());
    add_headers(fields, "headers", lines(list));
    fields.insert("headersSize".into(), (-1).into());
    let unknown = list.iter().filter(|header| header.name == Text::Unknown).count();
    if unknown > 0 {
        fields.insert("headersUnknown".into(), unknown.into());
    }
    if list.cut {
        fields.insert("headersCut".into(), true.into());
    }
    match end {
        End::Complete => {}
        End::Reset => drop(fields.insert("end".into(), "reset".into())),
        End::Cut => drop(fields.insert("end".into(), "cut".into())),
    }
    if let Some(reset) = reset {
        fields.insert("reset".into(), json!({"code": reset.code.to_string(), "by": by(reset)}));
    }
}

fn add_trailers(fields: &mut Map<String, Value>, trailers: &HeaderList) {
    if !trailers.is_empty() {
        add_headers(fields, "trailers", lines(trailers));
    }
}

/// Lines of which anything is known.
fn lines(list: &HeaderList) -> impl Iterator<Item = (&[u8], &[u8])> {
    list.iter().filter_map(|header| {
        let value = header.value.known()?;
        Some((header.name.known().unwrap_or(UNKNOWN_NAME), value))
    })
}
