//! AMQP 0-9-1: each method with its arguments, the properties, headers and body of a message.

use serde_json::{Value, json};

use super::message::has_response;
use super::page::{Page, is_empty, plain};
use crate::format::row::nothing;
use crate::terminal::paint::Style;

/// What has a place of its own.
const TOLD: [&str; 7] = ["method", "amqpMethod", "channel", "body", "bodySize", "encoding", "properties"];

/// The method and its answer.
pub fn render(page: &mut Page, entry: &Value) {
    method(page, &entry["request"]);
    if has_response(entry) && entry["response"]["method"] != "empty" {
        method(page, &entry["response"]);
    }
}

fn method(page: &mut Page, message: &Value) {
    if nothing(message) {
        page.gap();
        return page.styled(Style::Notice, "not seen");
    }
    page.heading(&format!("{} (channel {})", plain(&message["amqpMethod"]), message["channel"]));
    for (name, value) in message.as_object().into_iter().flatten() {
        if !TOLD.contains(&name.as_str()) && !is_empty(value) {
            page.tree(name, value);
        }
    }
    // A property that was not sent is empty, or 0.
    let mut properties = message["properties"].clone();
    if let Some(properties) = properties.as_object_mut() {
        properties.retain(|_, value| !is_empty(value) && *value != 0);
    }
    if !is_empty(&properties) {
        page.tree("properties", &properties);
    }
    if !is_empty(&message["body"]) {
        page.gap();
        page.body(&json!({ "text": message["body"], "encoding": message["encoding"] }));
    }
}
