//! What the entries of HTTP/1 and HTTP/2 have in common: targets, bodies, headers, cookies.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

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

/// Field lines as `key`: names in canonical case (`content-type` → `Content-Type`), repeats joined by commas
/// (RFC 9110 §5.3). Beside it, as `keyLatin1`, the names of those whose values are no UTF-8 and are read as ISO-8859-1
/// (obs-text, §5.5): so nothing is lost, and both readings can be undone.
pub(super) fn add_headers<'a>(
    fields: &mut Map<String, Value>,
    key: &str,
    lines: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) {
    let mut values: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, value) in lines {
        match values.entry(canonical(name)) {
            Entry::Vacant(vacant) => drop(vacant.insert(value.to_vec())),
            Entry::Occupied(mut known) => {
                known.get_mut().push(b',');
                known.get_mut().extend_from_slice(value);
            }
        }
    }
    let is_latin1 = |(_, value): &(&String, &Vec<u8>)| std::str::from_utf8(value).is_err();
    let latin1: Vec<Value> = values.iter().filter(is_latin1).map(|(name, _)| name.as_str().into()).collect();
    if !latin1.is_empty() {
        fields.insert(format!("{key}Latin1"), latin1.into());
    }
    let told: Map<String, Value> =
        values.into_iter().map(|(name, value)| (name, text(&value).into())).collect();
    fields.insert(key.to_owned(), told.into());
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
fn unescape(escaped: &str) -> String {
    if !escaped.contains(['+', '%']) {
        return escaped.to_owned();
    }
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
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
    text(&bytes)
}

/// Bytes of HTTP as text: UTF-8, and what is none as ISO-8859-1, as RFC 9110 §5.5 has it of fields.
pub(super) fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
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
    fn values_that_are_no_utf_8_are_read_as_iso_8859_1_and_can_be_had_back() {
        let lines: [(&[u8], &[u8]); 5] = [
            (b"server", b"nginx"),
            (b"x-utf8", "caf\u{e9}".as_bytes()),
            (b"x-latin", b"caf\xe9"),
            (b"x-latin", "caf\u{e9}".as_bytes()),
            (b"x-bytes", b"\x80\xff"),
        ];
        let mut fields = Map::new();
        add_headers(&mut fields, "headers", lines.into_iter());
        assert_eq!(
            Value::from(fields.clone()),
            json!({
                "headers": {
                    "Server": "nginx", "X-Utf8": "caf\u{e9}", "X-Latin": "caf\u{e9},caf\u{c3}\u{a9}",
                    "X-Bytes": "\u{80}\u{ff}",
                },
                "headersLatin1": ["X-Bytes", "X-Latin"],
            })
        );
        let latin1 = |text: &str| text.chars().map(|c| u8::try_from(c).unwrap()).collect::<Vec<u8>>();
        assert_eq!(latin1(fields["headers"]["X-Latin"].as_str().unwrap()), b"caf\xe9,caf\xc3\xa9");
        assert_eq!(parameters("q=caf%E9&r=caf%C3%A9"), json!({"q": "caf\u{e9}", "r": "caf\u{e9}"}));
    }

    #[test]
    fn header_names_are_canonical() {
        assert_eq!(canonical(b"x-REQUEST-id"), "X-Request-Id");
    }
}
