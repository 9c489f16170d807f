//! The part of `protocol` that is the same for every entry of a protocol.
//!
//! Rows don't repeat it; it is put back when an entry leaves.

use serde_json::{Value, json};

/// Completes the `protocol` of an entry.
#[must_use]
pub fn complete(mut entry: Value) -> Value {
    let Some(Value::Object(protocol)) = entry.get_mut("protocol") else { return entry };
    let version = protocol.get("version").and_then(Value::as_str).unwrap_or_default().to_owned();
    let constant = match protocol.get("abbr").and_then(Value::as_str) {
        Some("DNS") => json!({
            "version": "0", "longName": "Domain Name System", "macro": "dns", "layer3": "ip",
            "ports": ["53", "5353", "5355"], "priority": 4, "backgroundColor": "#606060",
            "foregroundColor": "#ffffff", "fontSize": 12, "referenceLink": "https://www.rfc-editor.org/rfc/rfc1035",
        }),
        Some("HTTP") => json!({
            "longName": format!("Hypertext Transfer Protocol -- HTTP/{version}"), "macro": "http", "layer3": "ip",
            "ports": ["80", "443", "8080"], "priority": 0, "backgroundColor": "#326de6",
            "foregroundColor": "#ffffff", "fontSize": 12, "referenceLink": "https://www.rfc-editor.org/rfc/rfc9112",
        }),
        _ => return entry,
    };
    if let Value::Object(constant) = constant {
        for (key, value) in constant {
            protocol.entry(key).or_insert(value);
        }
    }
    entry
}

/// Whether a path below `protocol` is the same for all entries of a protocol, so that rows don't hold it.
#[must_use]
pub fn is_constant(key: &str) -> bool {
    !matches!(key, "name" | "abbr" | "layer4")
}
