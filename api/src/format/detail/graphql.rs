//! GraphQL: the document as it was written, its variables, and the answer; around it the HTTP exchange.

use serde_json::Value;

use super::message::{self, has_response};
use super::page::{Page, is_empty, plain};
use crate::terminal::paint::Style;

/// The operation and its answer.
pub fn render(page: &mut Page, entry: &Value) {
    let (request, response) = (&entry["request"], &entry["response"]);
    message::half(page, "Request", request);
    let first = &request["graphql"];
    operation(page, first);
    for call in first["calls"].as_array().into_iter().flatten() {
        operation(page, call);
    }
    if has_response(entry) {
        message::half(page, "Response", response);
        for error in response["graphql"]["errors"].as_array().into_iter().flatten() {
            let path = error["path"].as_str().map(|path| format!(" at {path}")).unwrap_or_default();
            page.styled(Style::Bad, &format!("error{path}: {}", plain(&error["message"])));
        }
        message::body(page, response);
    }
}

fn operation(page: &mut Page, call: &Value) {
    let name = [&call["operationType"], &call["operationName"]].into_iter().filter(|part| !is_empty(part));
    let name = name.map(plain).collect::<Vec<_>>().join(" ");
    page.heading(if name.is_empty() { "operation" } else { &name });
    for name in ["sha256Hash", "documentId"] {
        if !is_empty(&call[name]) {
            page.named(name, &plain(&call[name]));
        }
    }
    if !is_empty(&call["problem"]) {
        page.styled(Style::Bad, &plain(&call["problem"]));
    }
    match call["query"].as_str() {
        Some(document) => page.block(document),
        None => page.tree("selections", &call["selections"]),
    }
    if !is_empty(&call["variables"]) {
        page.styled(Style::Faint, "variables");
        page.json(&call["variables"]);
    }
}
