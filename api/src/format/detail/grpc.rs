//! gRPC: the call, its metadata and deadline, every message as a protobuf tree, and the status.

use serde_json::Value;

use super::message::has_response;
use super::page::{Page, is_empty, plain};
use crate::format::row::nothing;
use crate::terminal::paint::Style;
use crate::terminal::quantity;

/// What has a place of its own, or is counted in headings.
const TOLD: [&str; 9] = [
    "service",
    "method",
    "contents",
    "messages",
    "messagesSize",
    "status",
    "statusName",
    "message",
    "metadata",
];

/// The call and its answer.
pub fn render(page: &mut Page, entry: &Value) {
    let (request, response) = (&entry["request"], &entry["response"]);
    if nothing(request) {
        page.gap();
        page.styled(Style::Notice, "Request: not seen");
    } else {
        let call = &request["grpc"];
        page.heading(&format!("{}/{}", plain(&call["service"]), plain(&call["method"])));
        half(page, request);
    }
    if !has_response(entry) {
        return;
    }
    if nothing(response) {
        page.gap();
        return page.styled(Style::Notice, "Response: not seen");
    }
    let status = &response["grpc"]["status"];
    let name = response["grpc"]["statusName"].as_str().unwrap_or_default();
    page.heading(&if status.is_u64() { format!("Status {status} {name}") } else { "Response".to_owned() });
    if !is_empty(&response["grpc"]["message"]) {
        page.styled(Style::Bad, &plain(&response["grpc"]["message"]));
    }
    half(page, response);
}

/// One direction: metadata, other fields, then its messages.
fn half(page: &mut Page, side: &Value) {
    let call = &side["grpc"];
    for (name, value) in call["metadata"].as_object().into_iter().flatten() {
        page.tree(name, value);
    }
    for (name, value) in call.as_object().into_iter().flatten() {
        if !TOLD.contains(&name.as_str()) && !is_empty(value) {
            page.tree(name, value);
        }
    }
    if !is_empty(&side["reset"]) {
        page.tree("reset", &side["reset"]);
    }
    for message in call["contents"].as_array().into_iter().flatten() {
        let index = message["index"].as_u64().unwrap_or_default();
        let length = quantity::bytes(message["length"].as_u64().unwrap_or_default());
        let mut heading = format!("message {index}, {length}");
        for mark in ["compressed", "cut", "truncated", "damaged"] {
            if message[mark] == true {
                heading.push_str(", ");
                heading.push_str(mark);
            }
        }
        page.gap();
        page.styled(Style::Faint, &heading);
        match (&message["value"], message["fields"].as_array()) {
            (Value::Null, Some(fields)) => {
                let mut text = String::new();
                raw(&mut text, fields, 1);
                page.block(&text);
            }
            (Value::Null, None) => {
                for name in ["text", "bytes"] {
                    if !is_empty(&message[name]) {
                        page.named(name, &plain(&message[name]));
                    }
                }
            }
            (value, _) => page.json(value),
        }
    }
}

/// Fields by number, as `protoc --decode_raw` prints them.
fn raw(text: &mut String, fields: &[Value], depth: usize) {
    let margin = "  ".repeat(depth);
    for field in fields {
        let number = &field["number"];
        match (field["wire"].as_str(), field["value"].as_array()) {
            (Some("message" | "group"), Some(nested)) => {
                text.push_str(&format!("{margin}{number} {{\n"));
                raw(text, nested, depth + 1);
                text.push_str(&format!("{margin}}}\n"));
            }
            (Some(wire @ ("truncated" | "damaged")), _) => {
                text.push_str(&format!("{margin}({wire}: base64 {})\n", plain(&field["bytes"])));
            }
            (Some("bytes"), _) => {
                text.push_str(&format!("{margin}{number}: base64 {}\n", plain(&field["value"])));
            }
            _ => {
                let fraction = [&field["double"], &field["float"]].into_iter().find(|value| is_likely(value));
                let value = fraction.unwrap_or(&field["value"]);
                text.push_str(&format!("{margin}{number}: {value}\n"));
            }
        }
    }
}

/// Whether bits that may be a fraction or an integer are likelier a fraction: of a size that people write.
fn is_likely(fraction: &Value) -> bool {
    fraction.as_f64().is_some_and(|value| (1e-9..1e15).contains(&value.abs()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::terminal::paint::Paint;

    #[test]
    fn a_call_is_shown_with_its_messages_as_trees() {
        let nested = json!([{ "number": 1, "wire": "varint", "value": 5, "zigzag": -3 }]);
        let fields = json!([
            { "number": 1, "wire": "text", "value": "a\u{1b}\"b" },
            { "number": 3, "wire": "message", "value": nested },
            { "number": 4, "wire": "fixed64", "value": 4_608_308_318_706_860_032_u64, "double": 1.25 },
        ]);
        let asked = json!({ "service": "shop.Orders", "method": "Get", "call": "unary", "deadlineMs": 500,
            "metadata": { "tenant": ["a", "b"] }, "contents": [{ "index": 0, "length": 12, "fields": fields }] });
        let answered = json!({ "status": 5, "statusName": "NOT_FOUND", "message": "no such order",
            "contents": [{ "index": 0, "length": 2, "compressed": true, "value": { "id": "1" } }] });
        let mut page = Page::new(Paint::Plain);
        let entry = json!({ "request": { "grpc": asked }, "response": { "grpc": answered } });
        render(&mut page, &entry);
        let expected = "
shop.Orders/Get
  tenant: a, b
  call: unary
  deadlineMs: 500

message 0, 12 B
  1: \"a\\u001b\\\"b\"
  3 {
    1: 5
  }
  4: 1.25

Status 5 NOT_FOUND
no such order

message 0, 2 B, compressed
{
  \"id\": \"1\"
}
";
        assert_eq!(page.into_text(), expected);
    }
}
