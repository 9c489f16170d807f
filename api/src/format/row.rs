//! What a list shows of an entry.

use indexer::entry::{self, Outcome, Summary};
use serde_json::Value;

use crate::terminal::paint::Style;

/// One end, as far as it is known; empty where it is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End<'a> {
    /// Its address.
    pub ip: &'a str,
    /// Its port.
    pub port: &'a str,
    /// The name it had at that moment.
    pub name: &'a str,
}

impl End<'_> {
    /// `name:port`, or `ip:port`, with IPv6 in brackets.
    pub fn label(self) -> String {
        let host = match (self.name, self.ip) {
            ("", ip) if ip.contains(':') => format!("[{ip}]"),
            ("", ip) => ip.to_owned(),
            (name, _) => name.to_owned(),
        };
        if self.port.is_empty() { host } else { format!("{host}:{}", self.port) }
    }
}

/// How it went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// `200`, `No Error`, `no answer`.
    pub text: String,
    /// Whether that is good.
    pub style: Style,
}

/// One line of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row<'a> {
    /// RFC 3339 with nanoseconds, UTC.
    pub time: &'a str,
    /// `HTTP`, `DNS`.
    pub protocol: &'a str,
    /// Who asked.
    pub source: End<'a>,
    /// Who was asked.
    pub destination: End<'a>,
    /// What was asked.
    pub summary: String,
    /// How it went.
    pub status: Status,
    /// Milliseconds from request to response; `None` without a response.
    pub elapsed_ms: Option<u64>,
    /// Size of the request on the wire.
    pub request_bytes: Option<u64>,
    /// Size of the response on the wire.
    pub response_bytes: Option<u64>,
    /// The name to open it by.
    pub id: &'a str,
}

impl<'a> Row<'a> {
    /// The row of `entry`; what it lacks stays empty.
    pub fn of(entry: &'a Value) -> Self {
        let answered = !nothing(&entry["response"]);
        let (summary, status) = told(entry);
        Self {
            time: text(&entry["startTime"]),
            protocol: first_text([&entry["protocol"]["abbr"], &entry["protocol"]["name"]]),
            source: end(&entry["src"]),
            destination: end(&entry["dst"]),
            summary,
            status,
            elapsed_ms: entry["elapsedTime"].as_u64().filter(|_| answered),
            request_bytes: entry["requestSize"].as_u64(),
            response_bytes: entry["responseSize"].as_u64().filter(|_| answered),
            id: text(&entry["id"]),
        }
    }

    /// The start cut to milliseconds: `2023-03-13 02:37:46.172Z`.
    pub fn short_time(&self) -> String {
        match self.time.parse::<jiff::Timestamp>() {
            Ok(instant) => crate::instant::short(segment::Timestamp::from_nanos(
                i64::try_from(instant.as_nanosecond()).unwrap_or_default(),
            )),
            Err(_) => self.time.to_owned(),
        }
    }
}

/// Whether a request or response was not seen.
pub fn nothing(message: &Value) -> bool {
    message.is_null() || message.as_object().is_some_and(serde_json::Map::is_empty)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn first_text<'a>(values: impl IntoIterator<Item = &'a Value>) -> &'a str {
    values.into_iter().map(text).find(|text| !text.is_empty()).unwrap_or_default()
}

fn end(end: &Value) -> End<'_> {
    End { ip: text(&end["ip"]), port: text(&end["port"]), name: text(&end["name"]) }
}

/// What was asked, and how it went.
fn told(entry: &Value) -> (String, Status) {
    let Summary { method, text, status, outcome } = entry::summary(entry);
    let style = match outcome {
        Outcome::Good => Style::Good,
        Outcome::Neutral => Style::Normal,
        Outcome::Bad => Style::Bad,
        Outcome::Unanswered => Style::Notice,
    };
    (format!("{method} {text}").trim().to_owned(), Status { text: status, style })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dns_shows_name_type_and_code() {
        let entry = json!({
            "protocol": { "abbr": "DNS" },
            "request": { "opCode": "Query", "questions": [
                { "name": "session-db.sock-shop", "type": "A" }, { "name": "b", "type": "A" }] },
            "response": { "code": "Non-Existent Domain", "answers": [] },
        });
        let row = Row::of(&entry);
        assert_eq!(row.summary, "session-db.sock-shop A (+1)");
        assert_eq!(row.status, Status { text: "Non-Existent Domain".to_owned(), style: Style::Bad });
    }

    #[test]
    fn missing_halves_are_said() {
        let unanswered = json!({ "protocol": { "abbr": "HTTP" }, "request": { "method": "GET", "url": "/x" },
                    "error": { "type": "pair-not-found" } });
        let row = Row::of(&unanswered);
        assert_eq!((row.summary.as_str(), row.status.text.as_str()), ("GET /x", "no answer"));
        assert_eq!(row.elapsed_ms, None);
        let unasked = json!({ "protocol": { "abbr": "HTTP" }, "response": { "status": 200 },
                              "error": { "type": "pair-not-found" } });
        assert_eq!(Row::of(&unasked).summary, "(request not seen)");
        assert_eq!(Row::of(&Value::Null).summary, "");
    }

    #[test]
    fn ends_prefer_names_and_bracket_ipv6() {
        let end = End { ip: "fe80::1", port: "80", name: "" };
        assert_eq!(end.label(), "[fe80::1]:80");
        assert_eq!(End { name: "shop", ..end }.label(), "shop:80");
        assert_eq!(End { ip: "10.0.0.1", port: "", name: "" }.label(), "10.0.0.1");
    }
}
