//! One WebSocket message.

use serde_json::{Value, json};

use super::page::{Page, is_empty, plain};
use crate::terminal::paint::Style;
use crate::terminal::quantity;

/// What it is, how it came, and what it says.
pub fn render(page: &mut Page, entry: &Value) {
    let message = &entry["request"];
    let size = |name: &str| quantity::bytes(message[name].as_u64().unwrap_or_default());
    let count = message["framesCount"].as_u64().unwrap_or_default();
    let frames = quantity::counted(count, "frame");
    page.heading(&format!("{} message, {} in {frames}", plain(&message["type"]), size("payloadSize")));
    for name in ["path", "subprotocol", "closeCode", "closeName", "closeReason"] {
        if !is_empty(&message[name]) {
            page.named(name, &plain(&message[name]));
        }
    }
    if message["compressed"] == true {
        page.named("compressed", &format!("{} were sent", size("sentSize")));
    }
    if !is_empty(&message["graphql"]) {
        page.tree("graphql", &message["graphql"]);
    }
    if message["complete"] == false {
        page.styled(Style::Notice, "(its end was not seen)");
    }
    if !is_empty(&message["error"]) {
        page.styled(Style::Bad, &plain(&message["error"]));
    }
    // What a close says was said above.
    if message["type"] != "close" && !is_empty(&message["payload"]) {
        page.gap();
        page.body(&json!({ "text": message["payload"], "encoding": message["encoding"] }));
    }
}
