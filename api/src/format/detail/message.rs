//! A request and its response as messages: a first line, headers, other fields, a body. HTTP, and any protocol
//! without a form of its own.

use serde_json::{Map, Value};

use super::page::{Page, is_empty, plain};
use crate::format::row::nothing;
use crate::terminal::paint::Style;

/// The fields that have a place of their own above, or repeat others.
const TOLD: [&str; 16] = [
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
    "grpc",
    "graphql",
];

/// Both messages; a half that was not seen is said.
pub fn render(page: &mut Page, entry: &Value) {
    half(page, "Request", &entry["request"]);
    body(page, &entry["request"]);
    if has_response(entry) {
        half(page, "Response", &entry["response"]);
        body(page, &entry["response"]);
    }
}

/// Whether a response was seen, or its absence is worth a word.
pub fn has_response(entry: &Value) -> bool {
    !(nothing(&entry["response"]) && entry["error"].is_null())
}

/// The heading, the headers and the other fields.
pub fn half(page: &mut Page, title: &str, message: &Value) {
    if nothing(message) {
        page.gap();
        page.styled(Style::Notice, &format!("{title}: not seen"));
        return;
    }
    let first = first_line(message);
    page.heading(&if first.is_empty() { title.to_owned() } else { format!("{title}: {first}") });
    if let Some(headers) = message["headers"].as_object() {
        for (name, value) in named_values(headers) {
            page.named(&name, &value);
        }
    }
    for (name, value) in message.as_object().into_iter().flatten() {
        let in_first_line = name == "status" && value.is_u64();
        if !in_first_line && !TOLD.contains(&name.as_str()) && !is_empty(value) {
            page.tree(name, value);
        }
    }
}

/// The body, below an empty line.
pub fn body(page: &mut Page, message: &Value) {
    for content in [&message["postData"], &message["content"]] {
        if !is_empty(&content["text"]) || content["truncated"] == true {
            page.gap();
            page.body(content);
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
