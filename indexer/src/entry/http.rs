//! What the entries of HTTP/1 and HTTP/2 have in common: targets, bodies, headers, cookies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dissect::protocol::content_encoding::Decoded;
use serde_json::{Map, Value, json};

/// Most bytes of a decoded body in an entry; what is longer is cut and marked.
pub(super) const DECODED_BYTES_MAX: usize = 4 << 20;
/// Form fields and query parameters told apart; the rest stays in the text.
const PARAMETERS_MAX: usize = 1_024;

/// The target of a request, whole and in parts.
pub(super) fn add_target(fields: &mut Map<String, Value>, target: &str) {
    let (path, query) = split_target(target);
    fields.insert("url".into(), target.into());
    fields.insert("targetUri".into(), target.into());
    fields.insert("path".into(), path.into());
    let segments: Vec<_> =
        path.split('/').skip(1).take(PARAMETERS_MAX).filter(|part| !part.is_empty()).collect();
    fields.insert("pathSegments".into(), segments.into());
    fields.insert("queryString".into(), parameters(query));
}

/// The body of a request; `decoded` where bodies are kept.
pub(super) fn post_data(mime_type: String, decoded: Option<&Decoded>) -> Value {
    let mut fields = Map::new();
    if let Some(decoded) = decoded {
        if mime_type.starts_with("application/x-www-form-urlencoded") {
            fields.insert("params".into(), form(&decoded.bytes));
        }
        add_body(&mut fields, decoded);
    }
    fields.insert("mimeType".into(), mime_type.into());
    fields.into()
}

/// The body of a response; `decoded` where bodies are kept.
pub(super) fn content(mime_type: String, decoded: Option<&Decoded>) -> Value {
    let mut fields = Map::new();
    if let Some(decoded) = decoded {
        fields.insert("size".into(), decoded.bytes.len().into());
        add_body(&mut fields, decoded);
    }
    fields.insert("mimeType".into(), mime_type.into());
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
pub(super) fn headers<'a>(lines: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in lines {
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
pub(super) fn cookies<'a>(pairs: impl Iterator<Item = &'a [u8]>) -> Value {
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
pub(super) fn text(bytes: &[u8]) -> String {
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
