//! HTTP/1 requests and responses as fields.

use dissect::protocol::Content;
use dissect::protocol::http1::message::{Request, Response};
use serde_json::{Map, Value};

use super::description::{Description, Field, Outcome, Summary};
use super::http::{DECODED_BYTES_MAX, add_headers, add_target, content, cookies, post_data, text};
use super::{Bodies, Said};

pub const DESCRIPTION: Description = Description {
    name: "http",
    abbr: "HTTP",
    version: "",
    long_name: "Hypertext Transfer Protocol -- HTTP/{version}",
    macro_name: "http",
    ports: &["80", "443", "8080"],
    priority: 0,
    background: "#326de6",
    foreground: "#ffffff",
    reference: "https://www.rfc-editor.org/rfc/rfc9112",
    bodies: BODIES,
    fields: FIELDS,
    summary,
};

/// What rows leave out of HTTP messages.
pub const BODIES: &[&[&str]] = &[
    &["request", "postData", "text"],
    &["request", "postData", "encoding"],
    &["request", "postData", "params"],
    &["request", "postData", "truncated"],
    &["response", "content", "text"],
    &["response", "content", "encoding"],
    &["response", "content", "size"],
    &["response", "content", "truncated"],
];

/// The fields of HTTP messages.
pub const FIELDS: &[Field] = &[
    Field::text("request.method", "GET, POST and others"),
    Field::text("request.url", "target as it was sent, query included"),
    Field::text("request.targetUri", "the same as request.url"),
    Field::text("request.path", "path of the target, without the query"),
    Field::any("request.pathSegments.*", "parts of the path between slashes"),
    Field::any(
        "request.queryString.*",
        "parameter of the query, decoded; a list where it came several times",
    ),
    Field::text("request.httpVersion", "HTTP/1.1 and others"),
    Field::text("request.headers.*", "header by its canonical name; repeats are joined by commas"),
    Field::any("request.headersLatin1.*", "names of headers that are no UTF-8 and told as ISO-8859-1"),
    Field::text("request.cookies.*", "cookie by its name"),
    Field::number("request.headersSize", "not told: -1"),
    Field::number("request.bodySize", "bytes of the body on the wire, without framing"),
    Field::text("request.postData.mimeType", "Content-Type of the body"),
    Field::text("request.postData.text", "body, decoded; base64 where it is not text"),
    Field::text("request.postData.encoding", "base64 where text is that"),
    Field::boolean("request.postData.truncated", "whether a limit cut the body"),
    Field::text("request.postData.params.*.name", "name of a form field"),
    Field::text("request.postData.params.*.value", "value of a form field"),
    Field::text("request.trailers.*", "trailer by its canonical name"),
    Field::any("request.trailersLatin1.*", "names of trailers that are no UTF-8 and told as ISO-8859-1"),
    Field::number("response.status", "status code"),
    Field::text("response.statusText", "reason phrase"),
    Field::text("response.httpVersion", "HTTP/1.1 and others"),
    Field::text("response.headers.*", "header by its canonical name; repeats are joined by commas"),
    Field::any("response.headersLatin1.*", "names of headers that are no UTF-8 and told as ISO-8859-1"),
    Field::text("response.cookies.*", "cookie that is set, by its name"),
    Field::text("response.redirectURL", "Location"),
    Field::number("response.headersSize", "not told: -1"),
    Field::number("response.bodySize", "bytes of the body on the wire, without framing"),
    Field::text("response.content.mimeType", "Content-Type of the body"),
    Field::number("response.content.size", "bytes of the decoded body"),
    Field::text("response.content.text", "body, decoded; base64 where it is not text"),
    Field::text("response.content.encoding", "base64 where text is that"),
    Field::boolean("response.content.truncated", "whether a limit cut the body"),
    Field::any("response.interim.*", "status codes of the 1xx responses before"),
    Field::text("response.trailers.*", "trailer by its canonical name"),
    Field::any("response.trailersLatin1.*", "names of trailers that are no UTF-8 and told as ISO-8859-1"),
    Field::number("request.streamId", "HTTP/2: stream that carried it"),
    Field::text("request.origin", "HTTP/2: pushed or upgraded, where the client did not send it as HTTP/2"),
    Field::text("request.protocol", "HTTP/2: what an extended CONNECT asks for: websocket"),
    Field::number("request.headersUnknown", "HTTP/2: headers said before recording began, or lost"),
    Field::boolean("request.headersCut", "HTTP/2: whether headers are missing"),
    Field::text("request.end", "HTTP/2: reset or cut, where it is not complete"),
    Field::text("request.reset.code", "HTTP/2: why the stream was stopped: CANCEL"),
    Field::text("request.reset.by", "HTTP/2: who stopped it: client or server"),
    Field::number("response.streamId", "HTTP/2: stream that carried it"),
    Field::number("response.headersUnknown", "HTTP/2: headers said before recording began, or lost"),
    Field::boolean("response.headersCut", "HTTP/2: whether headers are missing"),
    Field::text("response.end", "HTTP/2: reset or cut, where it is not complete"),
    Field::text("response.reset.code", "HTTP/2: why the stream was stopped: CANCEL"),
    Field::text("response.reset.by", "HTTP/2: who stopped it: client or server"),
];

/// `GET /path`, and the status.
pub fn summary(entry: &Value) -> Summary {
    let of = |field: &str| entry["request"][field].as_str().unwrap_or_default().to_owned();
    let status = entry["response"]["status"].as_u64().unwrap_or_default();
    let outcome = match status {
        0..300 => Outcome::Good,
        300..400 => Outcome::Neutral,
        _ => Outcome::Bad,
    };
    Summary { method: of("method"), text: of("url"), status: status.to_string(), outcome }
}

/// An exchange as fields.
pub fn said(asked: Option<&Content>, answered: Option<&Content>, bodies: Bodies) -> Said {
    let request = match asked {
        Some(Content::Http1Request(message)) => Some(request(message, bodies)),
        _ => None,
    };
    let response = match answered {
        Some(Content::Http1Response(message)) => Some(response(message, bodies)),
        _ => None,
    };
    Said { protocol: &DESCRIPTION, version: Some(version(asked, answered)), request, response }
}

/// `1.1`, from whichever message there is.
fn version(request: Option<&Content>, response: Option<&Content>) -> String {
    let version = match (request, response) {
        (Some(Content::Http1Request(request)), _) => &request.version,
        (_, Some(Content::Http1Response(response))) => &response.version,
        _ => return String::new(),
    };
    let version = text(version);
    version.strip_prefix("HTTP/").unwrap_or(&version).to_owned()
}

/// The `request` of an entry.
fn request(request: &Request, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("method".into(), text(&request.method).into());
    add_target(&mut fields, &text(&request.target));
    fields.insert("httpVersion".into(), text(&request.version).into());
    add_headers(&mut fields, "headers", request.headers.iter());
    fields.insert(
        "cookies".into(),
        cookies(request.headers.values("cookie").flat_map(|line| line.split(|&b| b == b';'))),
    );
    fields.insert("headersSize".into(), (-1).into());
    fields.insert("bodySize".into(), request.body.length_bytes.into());
    if request.body.length_bytes > 0 {
        let mime_type = request.headers.value("content-type").map(text).unwrap_or_default();
        let decoded = (bodies == Bodies::Kept).then(|| request.decoded(DECODED_BYTES_MAX));
        fields.insert("postData".into(), post_data(mime_type, decoded.as_ref()));
    }
    if !request.body.trailers.is_empty() {
        add_headers(&mut fields, "trailers", request.body.trailers.iter());
    }
    fields.into()
}

/// The `response` of an entry.
fn response(response: &Response, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("status".into(), response.status.into());
    fields.insert("statusText".into(), text(&response.reason).into());
    fields.insert("httpVersion".into(), text(&response.version).into());
    add_headers(&mut fields, "headers", response.headers.iter());
    let set = response.headers.values("set-cookie").filter_map(|line| line.split(|&b| b == b';').next());
    fields.insert("cookies".into(), cookies(set));
    fields.insert(
        "redirectURL".into(),
        response.headers.value("location").map(text).unwrap_or_default().into(),
    );
    fields.insert("headersSize".into(), (-1).into());
    fields.insert("bodySize".into(), response.body.length_bytes.into());
    let mime_type = response.headers.value("content-type").map(text).unwrap_or_default();
    let decoded = (bodies == Bodies::Kept).then(|| response.decoded(DECODED_BYTES_MAX));
    fields.insert("content".into(), content(mime_type, decoded.as_ref()));
    if !response.interim.is_empty() {
        let interim: Vec<_> = response.interim.iter().map(|interim| interim.status).collect();
        fields.insert("interim".into(), interim.into());
    }
    if !response.body.trailers.is_empty() {
        add_headers(&mut fields, "trailers", response.body.trailers.iter());
    }
    fields.into()
}
