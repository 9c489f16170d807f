//! What entries of databases have in common: values, and how a list shows a statement.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::description::{Outcome, Summary};

/// Inserts what is there.
pub fn put(fields: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value.into());
    }
}

/// A value of a row: text as it is, other bytes in base64, told apart by `encoding`; null is NULL.
pub fn cell(value: Option<&[u8]>, text: Option<String>) -> Value {
    match (value, text) {
        (None, _) => Value::Null,
        (Some(_), Some(text)) => text.into(),
        (Some(bytes), None) => json!({"value": STANDARD.encode(bytes), "encoding": "base64"}),
    }
}

/// Bytes as text where they are text, with `encoding` beside.
pub fn bytes(fields: &mut Map<String, Value>, name: &str, bytes: &[u8]) {
    let (text, encoding) = match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), ""),
        Err(_) => (STANDARD.encode(bytes), "base64"),
    };
    fields.insert(name.to_owned(), text.into());
    fields.insert("encoding".into(), encoding.into());
}

/// `SELECT`, the statement on one line, and rows or the error.
pub fn summary(entry: &Value, text: String) -> Summary {
    let (request, response) = (&entry["request"], &entry["response"]);
    let method = request["command"].as_str().unwrap_or_default().to_owned();
    let plural = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (status, outcome) = match (response["success"].as_bool(), &response["errorCode"]) {
        (None, _) => (String::new(), Outcome::Neutral),
        (Some(false), Value::String(code)) => (code.clone(), Outcome::Bad),
        (Some(false), Value::Number(code)) => (code.to_string(), Outcome::Bad),
        (Some(false), _) => ("error".to_owned(), Outcome::Bad),
        (Some(true), _) => {
            let rows = response["rowCount"].as_u64().filter(|_| response["hasRows"] == true);
            let affected = response["affectedRows"].as_u64();
            let said = match (rows, affected) {
                (Some(rows), _) => plural(rows, "row"),
                (None, Some(affected)) => plural(affected, "row") + " affected",
                (None, None) => "OK".to_owned(),
            };
            (said, Outcome::Good)
        }
    };
    Summary { method, text, status, outcome }
}

/// Text on one line, cut where a list would cut it anyway.
pub fn one_line(text: &str) -> String {
    const CHARACTERS_MAX: usize = 500;
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() > CHARACTERS_MAX {
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().take(CHARACTERS_MAX));
    }
    line
}
