//! HTTP/1 requests and responses as fields.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dissect::protocol::Content;
use dissect::protocol::content_encoding::Decoded;
use dissect::protocol::http1::message::{Headers, Request, Response};
use serde_json::{Map, Value, json};

use super::description::{Description, Field, Outcome, Summary};
use super::{Bodies, Said};

/// Most bytes of a decoded body in an entry; what is longer is cut and marked.
const DECODED_BYTES_MAX: usize = 4 << 20;
/// Form fields and query parameters told apart; the rest stays in the text.
const PARAMETERS_MAX: usize = 1_024;

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
    Field::number("response.status", "status code"),
    Field::text("response.statusText", "reason phrase"),
    Field::text("response.httpVersion", "HTTP/1.1 and others"),
    Field::text("response.headers.*", "header by its canonical name; repeats are joined by commas"),
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
    let target = text(&request.target);
    let (path, query) = split_target(&target);
    let mut fields = Map::new();
    fields.insert("method".into(), text(&request.method).into());
    fields.insert("url".into(), target.as_str().into());
    fields.insert("targetUri".into(), target.as_str().into());
    fields.insert("path".into(), path.into());
    let segments: Vec<_> =
        path.split('/').skip(1).take(PARAMETERS_MAX).filter(|part| !part.is_empty()).collect();
    fields.insert("pathSegments".into(), segments.into());
    fields.insert("queryString".into(), parameters(query));
    fields.insert("httpVersion".into(), text(&request.version).into());
    fields.insert("headers".into(), headers(&request.headers));
    fields.insert(
        "cookies".into(),
        cookies(request.headers.values("cookie").flat_map(|line| line.split(|&b| b == b';'))),
    );
    fields.insert("headersSize".into(), (-1).into());
    fields.insert("bodySize".into(), request.body.length_bytes.into());
    if request.body.length_bytes > 0 {
        let mime_type = request.headers.value("content-type").map(text).unwrap_or_default();
        let mut post_data = Map::new();
        if bodies == Bodies::Kept {
            let decoded = request.decoded(DECODED_BYTES_MAX);
            if mime_type.starts_with("application/x-www-form-urlencoded") {
                post_data.insert("params".into(), form(&decoded.bytes));
            }
            add_body(&mut post_data, &decoded);
        }
        post_data.insert("mimeType".into(), mime_type.into());
        fields.insert("postData".into(), post_data.into());
    }
    if !request.body.trailers.is_empty() {
        fields.insert("trailers".into(), headers(&request.body.trailers));
    }
    fields.into()
}

/// The `response` of an entry.
fn response(response: &Response, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("status".into(), response.status.into());
    fields.insert("statusText".into(), text(&response.reason).into());
    fields.insert("httpVersion".into(), text(&response.version).into());
    fields.insert("headers".into(), headers(&response.headers));
    let set = response.headers.values("set-cookie").filter_map(|line| line.split(|&b| b == b';').next());
    fields.insert("cookies".into(), cookies(set));
    fields.insert(
        "redirectURL".into(),
        response.headers.value("location").map(text).unwrap_or_default().into(),
    );
    fields.insert("headersSize".into(), (-1).into());
    fields.insert("bodySize".into(), response.body.length_bytes.into());
    let mut content = Map::new();
    if bodies == Bodies::Kept {
        let decoded = response.decoded(DECODED_BYTES_MAX);
        content.insert("size".into(), decoded.bytes.len().into());
        add_body(&mut content, &decoded);
    }
    content.insert(
        "mimeType".into(),
        response.headers.value("content-type").map(text).unwrap_or_default().into(),
    );
    fields.insert("content".into(), content.into());
    if !response.interim.is_empty() {
        let interim: Vec<_> = response.interim.iter().map(|interim| interim.status).collect();
        fields.insert("interim".into(), interim.into());
    }
    if !response.body.trailers.is_empty() {
        fields.insert("trailers".into(), headers(&response.body.trailers));
    }
    fields.into()
}

/// Text as it is, other bytes in base64; `encoding` tells which.
fn add_body(fields: &mut Map<String, Value>, decoded: &Decoded) {
    match std::str::from_utf8(&decoded.bytes) {
        Ok(body) => {
            fields.insert("text".into(), body.into());
            fields.insert("encoding".into(), "".into());
        }
        Err(_) => {
            fields.insert("text".into(), STANDARD.encode(&decoded.bytes).into());
            fields.insert("encoding".into(), "base64".into());
        }
    }
    if decoded.truncated {
        fields.insert("truncated".into(), true.into());
    }
}

/// Header names in canonical case (`content-type` → `Content-Type`), repeats joined by commas (RFC 9110 §5.3).
fn headers(lines: &Headers) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in lines.iter() {
        let value = text(value);
        match fields.entry(canonical(name)) {
            serde_json::map::Entry::Vacant(vacant) => {
                vacant.insert(value.into());
            }
            serde_json::map::Entry::Occupied(mut known) => {
                if let Value::String(known) = known.get_mut() {
                    known.push(',');
                    known.push_str(&value);
                }
            }
        }
    }
    fields.into()
}

/// The first letter and each after a hyphen in upper case, the rest in lower case.
fn canonical(name: &[u8]) -> String {
    let mut upper = true;
    let mut canonical = text(name);
    if canonical.is_ascii() {
        canonical = canonical
            .chars()
            .map(|letter| {
                let cased = if upper { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
                upper = letter == '-';
                cased
            })
            .collect();
    }
    canonical
}

/// Cookies by name; of the same name the first one counts, as in browsers.
fn cookies<'a>(pairs: impl Iterator<Item = &'a [u8]>) -> Value {
    let mut fields = Map::new();
    for pair in pairs.take(PARAMETERS_MAX) {
        let pair = text(pair.trim_ascii());
        if let Some((name, value)) = pair.split_once('=') {
            fields.entry(name.to_owned()).or_insert_with(|| value.trim_matches('"').into());
        }
    }
    fields.into()
}

/// Path and query of a target in any of its four forms (RFC 9112 §3.2).
fn split_target(target: &str) -> (&str, &str) {
    let absolute = target.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let origin = absolute.unwrap_or(target);
    let origin = origin.split_once('#').map_or(origin, |(before, _)| before);
    origin.split_once('?').unwrap_or((origin, ""))
}

/// A query string or form; a name that comes several times holds a list.
fn parameters(query: &str) -> Value {
    let mut fields = Map::new();
    for (name, value) in pairs(query) {
        match fields.get_mut(&name) {
            None => drop(fields.insert(name, value.into())),
            Some(Value::Array(values)) => values.push(value.into()),
            Some(known) => *known = json!([known.take(), value]),
        }
    }
    fields.into()
}

fn form(body: &[u8]) -> Value {
    pairs(&text(body)).map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>().into()
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let parts = query.split('&').filter(|part| !part.is_empty()).take(PARAMETERS_MAX);
    parts.map(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (unescape(name), unescape(value))
    })
}

/// `+` and `%XX` undone; an escape that is none stays as it is.
fn unescape(text: &str) -> String {
    if !text.contains(['+', '%']) {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (byte, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'+', _) => bytes.push(b' '),
            (b'%', Some(value)) => {
                bytes.push(value);
                rest = &tail[2..];
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Bytes from the wire as text; what is no UTF-8 becomes U+FFFD.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_split_into_path_and_query() {
        assert_eq!(split_target("/a/b?x=1#f"), ("/a/b", "x=1"));
        assert_eq!(split_target("http://host:80/a?x"), ("/a", "x"));
        assert_eq!(split_target("*"), ("*", ""));
        assert_eq!(split_target("host:443"), ("host:443", ""));
    }

    #[test]
    fn repeated_parameters_become_a_list() {
        assert_eq!(
            parameters("limit=10&tag=a&tag=b&q=hello%20w+x&bad=%zz&flag"),
            json!({"limit": "10", "tag": ["a", "b"], "q": "hello w x", "bad": "%zz", "flag": ""})
        );
    }

    #[test]
    fn header_names_are_canonical() {
        assert_eq!(canonical(b"x-REQUEST-id"), "X-Request-Id");
    }
}
