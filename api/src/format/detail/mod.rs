//! One entry in full, for people: who, when, both messages the way users of their protocol read them.
//!
//! Each protocol that has a customary form has a file here; the others are shown as [`message`]s.

mod amqp;
mod dns;
mod flow;
mod graphql;
mod grpc;
mod kafka;
mod message;
mod mongodb;
mod page;
mod redis;
mod sql;
mod tls;
mod websocket;

use serde_json::Value;

use self::page::Page;
use super::row::Row;
use crate::terminal::paint::{Paint, Style};
use crate::terminal::quantity;

/// The whole entry as text.
pub fn render(entry: &Value, paint: Paint) -> String {
    let mut page = Page::new(paint);
    head(&mut page, entry);
    let render = match entry["protocol"]["abbr"].as_str() {
        Some("AMQP") => amqp::render,
        Some("DNS") => dns::render,
        Some("GQL") => graphql::render,
        Some("gRPC") => grpc::render,
        Some("KAFKA") => kafka::render,
        Some("MongoDB") => mongodb::render,
        Some("MySQL" | "PostgreSQL") => sql::render,
        Some("REDIS") => redis::render,
        Some("TCP" | "UDP") => flow::render,
        Some("TLS" | "DTLS") => tls::render,
        Some("WS") => websocket::render,
        _ => message::render,
    };
    render(&mut page, entry);
    page.into_text()
}

/// What every entry has.
fn head(page: &mut Page, entry: &Value) {
    let row = Row::of(entry);
    page.styled(Style::Heading, &format!("{} {}", row.protocol, row.summary));
    page.field("id", row.id);
    page.field("time", row.time);
    page.field("elapsed", &row.elapsed_ms.map_or_else(|| "no answer".to_owned(), quantity::millis));
    page.field("from", &end(&entry["src"], &row.source.label()));
    page.field("to", &end(&entry["dst"], &row.destination.label()));
    let size = |bytes: Option<u64>| bytes.map_or_else(|| "-".to_owned(), quantity::bytes);
    page.field("sizes", &format!("{} → {}", size(row.request_bytes), size(row.response_bytes)));
    if let Some(error) = entry["error"]["msg"].as_str().or_else(|| entry["error"].as_str()) {
        page.field("error", error);
    }
    if entry["truncated"] == true {
        page.field("truncated", "a limit cut what was kept of this exchange");
    }
    if let Some(gaps) = entry["gaps"].as_u64().filter(|gaps| *gaps > 0) {
        page.field("gaps", &format!("{} were never seen", quantity::counted(gaps, "byte")));
    }
}

/// The label, and the address too where the label is a name.
fn end(end: &Value, label: &str) -> String {
    let ip = end["ip"].as_str().unwrap_or_default();
    if label.contains(ip) { label.to_owned() } else { format!("{label} ({ip})") }
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
