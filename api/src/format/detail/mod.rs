//! One entry in full, for people: who, when, both messages the way users of their protocol read them.
//!
//! Protocols that have a customary form have a file here; the others are shown field by field.

mod dns;
mod flow;

use std::fmt::Write;

use serde_json::{Map, Value};

use super::body::{self, Body};
use super::row::{Row, nothing};
use crate::terminal::escape;
use crate::terminal::paint::{Paint, Style};
use crate::terminal::quantity;

/// Most bytes of a binary body that are shown.
const HEXDUMP_BYTES_MAX: usize = 4 << 10;

/// Most characters of a text body that are shown; `--json` has the whole.
const BODY_CHARACTERS_MAX: usize = 64 << 10;

/// The fields that have a place of their own above, or repeat others.
const TOLD: [&str; 14] = [
    "headers",
    "cookies",
    "queryString",
    "pathSegments",
    "content",
    "postData",
    "headersSize",
    "bodySize",
    "method",
    "url",
    "targetUri",
    "path",
    "httpVersion",
    "statusText",
];

/// The whole entry as text.
pub fn render(entry: &Value, paint: Paint) -> String {
    let row = Row::of(entry);
    let mut text = String::new();
    let summary = format!("{} {}", row.protocol, row.summary);
    line(&mut text, &paint.of(Style::Heading, escape::line(&summary)).to_string());
    field(&mut text, paint, "id", row.id);
    field(&mut text, paint, "time", row.time);
    field(
        &mut text,
        paint,
        "elapsed",
        &row.elapsed_ms.map_or_else(|| "no answer".to_owned(), quantity::millis),
    );
    field(&mut text, paint, "from", &end(&entry["src"], &row.source.label()));
    field(&mut text, paint, "to", &end(&entry["dst"], &row.destination.label()));
    let size = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), quantity::bytes);
    field(&mut text, paint, "sizes", &format!("{} → {}", size(row.request_bytes), size(row.response_bytes)));
    if let Some(error) = entry["error"]["msg"].as_str().or_else(|| entry["error"].as_str()) {
        field(&mut text, paint, "error", error);
    }
    if entry["truncated"] == true {
        field(&mut text, paint, "truncated", "a limit cut what was kept of this exchange");
    }
    if let Some(gaps) = entry["gaps"].as_u64().filter(|gaps| *gaps > 0) {
        field(&mut text, paint, "gaps", &format!("{} were never seen", quantity::counted(gaps, "byte")));
    }
    match entry["protocol"]["abbr"].as_str() {
        Some("DNS") => dns::render(&mut text, paint, entry),
        Some("TCP" | "UDP") => flow::render(&mut text, paint, entry),
        _ => {
            message(&mut text, paint, "Request", &entry["request"]);
            if !(nothing(&entry["response"]) && entry["error"].is_null()) {
                message(&mut text, paint, "Response", &entry["response"]);
            }
        }
    }
    text
}

fn line(text: &mut String, safe: &str) {
    text.push_str(safe);
    text.push('\n');
}

fn field(text: &mut String, paint: Paint, name: &str, value: &str) {
    let _ = writeln!(text, "{}  {}", paint.of(Style::Faint, format!("{name:>10}")), escape::line(value));
}

/// The label, and the address too where the label is a name.
fn end(end: &Value, label: &str) -> String {
    let ip = end["ip"].as_str().unwrap_or_default();
    if label.contains(ip) { label.to_owned() } else { format!("{label} ({ip})") }
}

fn message(text: &mut String, paint: Paint, title: &str, message: &Value) {
    text.push('\n');
    if nothing(message) {
        line(text, &paint.of(Style::Notice, format!("{title}: not seen")).to_string());
        return;
    }
    let first = first_line(message);
    let heading = if first.is_empty() { title.to_owned() } else { format!("{title}: {first}") };
    line(text, &paint.of(Style::Heading, escape::line(&heading)).to_string());
    if let Some(headers) = message["headers"].as_object() {
        for (name, value) in named_values(headers) {
            let _ =
                writeln!(text, "  {}: {}", paint.of(Style::Faint, escape::line(&name)), escape::line(&value));
        }
    }
    for (name, value) in message.as_object().into_iter().flatten() {
        let in_first_line = name == "status" && value.is_u64();
        if !in_first_line && !TOLD.contains(&name.as_str()) && !is_empty(value) {
            other_field(text, paint, name, value);
        }
    }
    for content in [&message["postData"], &message["content"]] {
        if let Some(body) = body::of(content) {
            text.push('\n');
            show_body(text, &body);
        }
        if content["truncated"] == true {
            line(text, &paint.of(Style::Notice, "(the body was longer than the limit)").to_string());
        }
    }
}

/// What the message begins with on the wire, where that is text.
fn first_line(message: &Value) -> String {
    let of = |name: &str| message[name].as_str().unwrap_or_default();
    let target = if of("url").is_empty() { of("path") } else { of("url") };
    match message["status"].as_u64() {
        Some(status) => format!("{} {status} {}", of("httpVersion"), of("statusText")).trim().to_owned(),
        None => format!("{} {target} {}", of("method"), of("httpVersion")).trim().to_owned(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

fn other_field(text: &mut String, paint: Paint, name: &str, value: &Value) {
    let name = paint.of(Style::Faint, escape::line(name)).to_string();
    match value {
        // Answers of DNS and the like: a line for each, without what it leaves empty.
        Value::Array(list) if list.iter().all(Value::is_object) => {
            for item in list {
                let parts: Vec<String> = item
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(_, value)| !is_empty(value))
                    .map(|(key, value)| format!("{key}={}", plain(value)))
                    .collect();
                let _ = writeln!(text, "  {name}: {}", escape::line(&parts.join(" ")));
            }
        }
        _ => {
            let _ = writeln!(text, "  {name}: {}", escape::line(&plain(value)));
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A header that came several times has an array of values: a line for each.
fn named_values(headers: &Map<String, Value>) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        match value {
            Value::Array(several) => lines.extend(several.iter().map(|value| (name.clone(), plain(value)))),
            one => lines.push((name.clone(), plain(one))),
        }
    }
    lines
}

fn show_body(text: &mut String, body: &Body) {
    match body {
        Body::Bytes(bytes) => text.push_str(&body::hexdump(bytes, HEXDUMP_BYTES_MAX)),
        Body::Text(body) => {
            let pretty = serde_json::from_str::<Value>(body)
                .ok()
                .filter(|json| json.is_object() || json.is_array())
                .and_then(|json| serde_json::to_string_pretty(&json).ok());
            let shown = pretty.as_deref().unwrap_or(body);
            match shown.char_indices().nth(BODY_CHARACTERS_MAX) {
                None => line(text, escape::block(shown.trim_end_matches('\n')).as_ref()),
                Some((cut, _)) => {
                    line(text, &escape::block(shown.get(..cut).unwrap_or_default()));
                    line(text, "… (cut; --json has all of it)");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_exchange_is_shown_whole_and_harmless() {
        let entry = json!({
            "id": "web-1.2.3", "startTime": "2023-03-13T02:37:46.172Z", "elapsedTime": 23,
            "protocol": { "name": "http", "abbr": "HTTP" }, "requestSize": 184, "responseSize": 127,
            "src": { "ip": "10.0.0.5", "port": "40000", "name": "" },
            "dst": { "ip": "10.0.0.9", "port": "80", "name": "catalogue" },
            "request": { "method": "GET", "url": "/\u{1b}[2J", "httpVersion": "HTTP/1.1",
                         "headers": { "Host": "shop", "Accept": ["a/b", "c/d"] } },
            "response": { "status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": {},
                          "content": { "text": "{\"id\":42}", "mimeType": "application/json" } },
        });
        let expected = "\
HTTP GET /\\x1b[2J
        id  web-1.2.3
      time  2023-03-13T02:37:46.172Z
   elapsed  23ms
      from  10.0.0.5:40000
        to  catalogue:80 (10.0.0.9)
     sizes  184 B → 127 B

Request: GET /\\x1b[2J HTTP/1.1
  Accept: a/b
  Accept: c/d
  Host: shop

Response: HTTP/1.1 200 OK

{
  \"id\": 42
}
";
        assert_eq!(render(&entry, Paint::Plain), expected);
    }

    #[test]
    fn dns_answers_have_a_line_each_and_a_missing_half_is_said() {
        let entry = json!({
            "protocol": { "abbr": "DNS" },
            "request": { "opCode": "Query", "questions": [{ "name": "a.example", "type": "A" }] },
            "response": { "code": "No Error", "answers": [{ "name": "a.example", "type": "A", "class": "IN", "ip": "10.0.0.1", "ttl": 5 }] },
        });
        let text = render(&entry, Paint::Plain);
        assert!(text.contains("\na.example.\t5\tIN\tA\t10.0.0.1\n"), "{text}");
        assert!(render(&json!({ "request": {} }), Paint::Plain).contains("Request: not seen"));
    }
}
