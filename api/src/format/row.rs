//! What a list shows of an entry.

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
        Self {
            time: text(&entry["startTime"]),
            protocol: first_text([&entry["protocol"]["abbr"], &entry["protocol"]["name"]]),
            source: end(&entry["src"]),
            destination: end(&entry["dst"]),
            summary: summary(entry),
            status: status(entry),
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

fn summary(entry: &Value) -> String {
    let (request, response) = (&entry["request"], &entry["response"]);
    if nothing(request) && nothing(&response["answers"]) {
        return "(request not seen)".to_owned();
    }
    let questions = [&request["questions"], &response["questions"], &response["answers"]];
    if let Some(questions) = questions.into_iter().filter_map(Value::as_array).find(|list| !list.is_empty()) {
        let first = questions.first().unwrap_or(&Value::Null);
        let more = if questions.len() > 1 { format!(" (+{})", questions.len() - 1) } else { String::new() };
        return format!("{} {}{more}", text(&first["name"]), text(&first["type"])).trim().to_owned();
    }
    let verb =
        first_text([&request["method"], &request["command"], &request["apiKeyName"], &request["opCode"]]);
    let object = first_text(
        ["url", "targetUri", "path", "key", "routingKey", "queue", "query"].map(|field| &request[field]),
    );
    format!("{verb} {object}").trim().to_owned()
}

fn status(entry: &Value) -> Status {
    let response = &entry["response"];
    if nothing(response) {
        return Status { text: "no answer".to_owned(), style: Style::Notice };
    }
    if let Some(code) = response["status"].as_u64() {
        let style = match code {
            0..300 => Style::Good,
            300..400 => Style::Normal,
            _ => Style::Bad,
        };
        return Status { text: code.to_string(), style };
    }
    let text = first_text(["code", "status", "error"].map(|field| &response[field]));
    let good = matches!(text, "No Error" | "NoError" | "NOERROR" | "OK");
    Status { text: text.to_owned(), style: if good { Style::Good } else { Style::Bad } }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dns_shows_name_type_and_code() {
        let entry = json!({
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
        let unanswered =
            json!({ "request": { "method": "GET", "url": "/x" }, "response": {}, "elapsedTime": 0 });
        let row = Row::of(&unanswered);
        assert_eq!((row.summary.as_str(), row.status.text.as_str()), ("GET /x", "no answer"));
        assert_eq!(row.elapsed_ms, None);
        let unasked = json!({ "response": { "status": 200 } });
        assert_eq!(Row::of(&unasked).summary, "(request not seen)");
        assert_eq!(Row::of(&Value::Null).summary, "(request not seen)");
    }

    #[test]
    fn ends_prefer_names_and_bracket_ipv6() {
        let end = End { ip: "fe80::1", port: "80", name: "" };
        assert_eq!(end.label(), "[fe80::1]:80");
        assert_eq!(End { name: "shop", ..end }.label(), "shop:80");
        assert_eq!(End { ip: "10.0.0.1", port: "", name: "" }.label(), "10.0.0.1");
    }
}
