//! Redis as `redis-cli` shows it: the command as typed, the reply numbered and quoted.

use std::fmt::Write;

use serde_json::Value;

use super::message::has_response;
use super::page::{Page, plain};
use crate::format::row::{Row, nothing};
use crate::terminal::paint::Style;

/// The command or push, and the reply.
pub fn render(page: &mut Page, entry: &Value) {
    let (request, response) = (&entry["request"], &entry["response"]);
    match request["role"].as_str() {
        _ if nothing(request) => {
            page.gap();
            page.styled(Style::Notice, "the command was not seen");
        }
        Some("push" | "snapshot") => {
            page.heading(request["role"].as_str().unwrap_or_default());
            if request["data"].is_array() {
                reply_lines(page, request);
            } else {
                page.named("bytes", &plain(&request["length"]));
            }
        }
        Some("monitor") => page.heading(&words(request)),
        _ => {
            let database = request["database"].as_u64().filter(|database| *database > 0);
            let database = database.map_or_else(String::new, |database| format!("[{database}]"));
            let server = Row::of(entry).destination.label();
            page.heading(&format!("{server}{database}> {}", words(request)));
        }
    }
    if has_response(entry) && nothing(response) {
        page.styled(Style::Notice, "(no reply was seen)");
    } else if !nothing(response) {
        reply_lines(page, response);
    }
    for message in [request, response] {
        if message["cut"] == true {
            page.styled(Style::Notice, "(its end was not seen)");
        }
        if message["encoding"] == "base64" {
            page.styled(Style::Notice, "(strings that are no text are shown as base64)");
        }
    }
}

/// The command's words, quoted where a shell would need it.
fn words(request: &Value) -> String {
    let Some(words) = request["args"].as_array() else {
        return [&request["command"], &request["key"], &request["value"]].map(plain).join(" ");
    };
    let quoted: Vec<String> = words.iter().map(|word| word_quoted(&plain(word))).collect();
    quoted.join(" ")
}

fn word_quoted(word: &str) -> String {
    let is_plain =
        !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"');
    if is_plain { word.to_owned() } else { Value::from(word).to_string() }
}

fn reply_lines(page: &mut Page, reply: &Value) {
    let value = || plain(&reply["value"]);
    if let Some(data) = reply.get("data").filter(|data| data.is_array()) {
        let mut text = String::new();
        let is_map = matches!(reply["type"].as_str(), Some("Map"));
        nested(&mut text, data, 0, is_map);
        return page.block(&text);
    }
    match reply["type"].as_str() {
        _ if reply["null"] == true => page.line("(nil)"),
        _ if reply["error"].is_string() => page.styled(Style::Bad, &format!("(error) {}", value())),
        Some("Integer") => page.line(&format!("(integer) {}", value())),
        Some("Simple String") if value().is_empty() => page.line(&plain(&reply["keyword"])),
        Some("Simple String" | "Verbatim String" | "Double" | "Boolean" | "Big Number") => {
            page.block(&value());
        }
        Some("Array" | "Set" | "Push" | "Map") => page.line("(empty array)"),
        _ => page.line(&Value::from(value()).to_string()),
    }
}

/// `1) "a"`, what is nested to the right of its number, as `redis-cli` indents it.
fn nested(text: &mut String, value: &Value, indent: usize, is_map: bool) {
    match value {
        Value::Array(list) if list.is_empty() => text.push_str("(empty array)\n"),
        Value::Array(list) => {
            let step = if is_map { 2 } else { 1 };
            let digits = (list.len() / step).to_string().len();
            for (at, item) in list.chunks(step).enumerate() {
                let margin = if at == 0 { 0 } else { indent };
                let mark = if is_map { '#' } else { ')' };
                let _ = write!(text, "{:margin$}{:>digits$}{mark} ", "", at + 1);
                match item {
                    [key, value] if is_map => {
                        let below = indent + digits + 2;
                        let is_list = value.as_array().is_some_and(|list| !list.is_empty());
                        let gap = if is_list { format!("\n{:below$}", "") } else { " ".to_owned() };
                        let _ = write!(text, "{key} =>{gap}");
                        nested(text, value, below, false);
                    }
                    _ => item.iter().for_each(|item| nested(text, item, indent + digits + 2, false)),
                }
            }
        }
        Value::Null => text.push_str("(nil)\n"),
        Value::Number(number) if number.is_i64() || number.is_u64() => {
            let _ = writeln!(text, "(integer) {number}");
        }
        Value::Bool(bool) => {
            let _ = writeln!(text, "({bool})");
        }
        other => {
            let _ = writeln!(text, "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::terminal::paint::Paint;

    fn shown(request: Value, response: Value) -> String {
        let mut page = Page::new(Paint::Plain);
        let dst = json!({ "ip": "10.0.0.1", "port": "6379" });
        render(&mut page, &json!({ "dst": dst, "request": request, "response": response }));
        page.into_text()
    }

    #[test]
    fn commands_and_replies_look_as_in_the_client() {
        let get = json!({ "role": "command", "args": ["GET", "a b"] });
        assert_eq!(
            shown(get.clone(), json!({ "type": "Bulk String", "value": "x\"y\u{1b}" })),
            "\n10.0.0.1:6379> GET \"a b\"\n\"x\\\"y\\u001b\"\n"
        );
        assert!(shown(get.clone(), json!({ "type": "Null", "null": true })).ends_with("\n(nil)\n"));
        assert!(shown(get.clone(), json!({ "type": "Integer", "value": "2" })).ends_with("\n(integer) 2\n"));
        assert!(
            shown(get, json!({ "type": "Error", "error": "ERR", "value": "ERR no" }))
                .ends_with("\n(error) ERR no\n")
        );
    }

    #[test]
    fn nested_replies_are_numbered() {
        let xread = json!({ "role": "command", "args": ["XREAD"] });
        let data = json!([["stream", [["1-1", ["field", null]]], 3]]);
        assert!(shown(xread, json!({ "type": "Array", "data": data })).ends_with(
            "1) 1) \"stream\"\n   2) 1) 1) \"1-1\"\n         2) 1) \"field\"\n            2) (nil)\n   3) (integer) 3\n"
        ));
        let map = json!({ "type": "Map", "data": ["a", 1, "b", ["x", "y"]] });
        let hello = json!({ "role": "command", "args": ["HELLO", "3"] });
        assert!(
            shown(hello, map).ends_with("1# \"a\" => (integer) 1\n2# \"b\" =>\n   1) \"x\"\n   2) \"y\"\n")
        );
    }
}
