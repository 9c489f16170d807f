//! TLS: what both sides offered and agreed on, and who the certificates speak for.

use serde_json::Value;

use super::message::has_response;
use super::page::{Page, is_empty, plain};
use crate::format::row::nothing;
use crate::terminal::paint::Style;

/// What people look for first, in this order; the rest follows.
const FIRST: [&str; 14] = [
    "version",
    "versions",
    "sni",
    "alpn",
    "cipher",
    "group",
    "resumed",
    "ja3",
    "ja3s",
    "ja4",
    "ja4s",
    "level",
    "description",
    "code",
];
/// What has a place of its own, or only says more of what was said.
const TOLD: [&str; 7] =
    ["type", "certificates", "certificatesCount", "ja3Text", "ja3sText", "ja4Text", "ja4sText"];

/// Both hellos, or the alert.
pub fn render(page: &mut Page, entry: &Value) {
    hello(page, "Client", &entry["request"]);
    if has_response(entry) {
        hello(page, "Server", &entry["response"]);
    }
}

fn hello(page: &mut Page, side: &str, message: &Value) {
    if nothing(message) {
        page.gap();
        return page.styled(Style::Notice, &format!("{side}: nothing was seen"));
    }
    page.heading(&plain(&message["type"]));
    for name in FIRST {
        if !is_empty(&message[name]) {
            page.tree(name, &message[name]);
        }
    }
    for (name, value) in message.as_object().into_iter().flatten() {
        let name = name.as_str();
        if !FIRST.contains(&name) && !TOLD.contains(&name) && !is_empty(value) {
            page.tree(name, value);
        }
    }
    for (at, certificate) in message["certificates"].as_array().into_iter().flatten().enumerate() {
        page.gap();
        page.styled(Style::Heading, &format!("Certificate {at}: {}", plain(&certificate["subject"])));
        for (name, value) in certificate.as_object().into_iter().flatten() {
            if name != "subject" && !is_empty(value) {
                page.tree(name, value);
            }
        }
    }
}
