//! What aggregations need of an entry: who asked whom for what, how it went, how long it took, how much it was.

use serde_json::Value;

use super::template;
use crate::entry::{Outcome, summary};

/// Between the parts of a label in a column; no part has it.
const PART_END: char = '\x1f';

/// What one entry adds to an aggregation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Facts {
    /// Between whom.
    pub edge: Edge,
    /// For what; `None` for flows.
    pub endpoint: Option<Endpoint>,
    /// How it went.
    pub class: Class,
    /// Microseconds from the request's first byte to the response's last; `None` without both, and for flows.
    pub elapsed_us: Option<u64>,
    /// Bytes of the request on the wire.
    pub request_bytes: u64,
    /// Bytes of the response on the wire.
    pub response_bytes: u64,
}

/// Who speaks with whom, and in which protocol. An end is called by the name it had, else by its address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Edge {
    /// Who asked.
    pub source: String,
    /// Who was asked.
    pub destination: String,
    /// In which protocol, as lists show it.
    pub protocol: String,
}

/// What can be asked for, with ids taken out.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Endpoint {
    /// Who is asked.
    pub destination: String,
    /// In which protocol.
    pub protocol: String,
    /// The verb; may be empty.
    pub method: String,
    /// What the verb is about: `/carts/{id}`, a statement without its values; may be empty.
    pub template: String,
}

/// How an exchange went, coarsely.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Class {
    /// A flow, which is no exchange.
    Flow,
    /// There should be an answer, and none was seen; or only the answer was.
    Unanswered,
    /// Nothing to say: nobody answers such messages.
    Neutral,
    /// HTTP 1xx.
    Informational,
    /// As asked: HTTP 2xx.
    Success,
    /// HTTP 3xx.
    Redirection,
    /// HTTP 4xx.
    ClientError,
    /// HTTP 5xx.
    ServerError,
    /// The answer is an error, in protocols that don't say whose.
    Error,
}

impl Class {
    /// Every class; the place of each is its code in columns.
    pub const ALL: [Self; 9] = [
        Self::Flow,
        Self::Unanswered,
        Self::Neutral,
        Self::Informational,
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
        Self::Error,
    ];

    /// As it lies in columns.
    #[must_use]
    pub fn code(self) -> u64 {
        Self::ALL.iter().position(|class| *class == self).map_or(0, |place| place as u64)
    }

    /// The class of a code; an unknown one tells nothing.
    #[must_use]
    pub fn of_code(code: u64) -> Self {
        usize::try_from(code).ok().and_then(|place| Self::ALL.get(place)).copied().unwrap_or(Self::Neutral)
    }

    /// As answers call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Unanswered => "unanswered",
            Self::Neutral => "neutral",
            Self::Informational => "1xx",
            Self::Success => "ok",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
            Self::Error => "error",
        }
    }

    /// Whether the server failed at what it was asked. What a client did wrong is none of this.
    #[must_use]
    pub fn is_error(self) -> bool {
        matches!(self, Self::ServerError | Self::Error)
    }

    fn of(row: &Value, outcome: Outcome) -> Self {
        let status = row["response"]["status"].as_u64().filter(|_| row["protocol"]["name"] == "http");
        match (status, outcome) {
            (_, Outcome::Unanswered) => Self::Unanswered,
            // gRPC and GraphQL fail in a response of status 200.
            (Some(200..300), Outcome::Bad) | (None, Outcome::Bad) => Self::Error,
            (Some(100..200), _) => Self::Informational,
            (Some(200..300), _) | (None, Outcome::Good) => Self::Success,
            (Some(300..400), _) => Self::Redirection,
            (Some(400..500), _) => Self::ClientError,
            (Some(500..), _) => Self::ServerError,
            (Some(..100), _) | (None, Outcome::Neutral) => Self::Neutral,
        }
    }
}

impl Facts {
    /// Of an entry or its row, and the time from the request's first byte to the response's last.
    #[must_use]
    pub fn of(row: &Value, elapsed_ns: Option<u64>) -> Self {
        let summary = summary(row);
        let is_flow = row.get("flow").is_some();
        let text = |value: &Value| value.as_str().unwrap_or_default().replace(PART_END, " ");
        let protocol = text(&row["protocol"]["abbr"]);
        let destination = end(&row["dst"]);
        let template = match (row["request"]["path"].as_str(), protocol.as_str()) {
            // Keys are as many as values.
            (_, "REDIS") => String::new(),
            (Some(path), _) => template::of_path(path),
            (None, _) => template::of_text(&summary.text),
        };
        let endpoint = (!is_flow).then(|| Endpoint {
            destination: destination.clone(),
            protocol: protocol.clone(),
            method: summary.method.replace(PART_END, " "),
            template: template.replace(PART_END, " "),
        });
        Self {
            edge: Edge { source: end(&row["src"]), destination, protocol },
            endpoint,
            class: if is_flow { Class::Flow } else { Class::of(row, summary.outcome) },
            elapsed_us: elapsed_ns.filter(|_| !is_flow).map(|ns| ns / 1_000),
            request_bytes: row["requestSize"].as_u64().unwrap_or_default(),
            response_bytes: row["responseSize"].as_u64().unwrap_or_default(),
        }
    }
}

/// What an end is called.
fn end(end: &Value) -> String {
    let name = end["name"].as_str().filter(|name| !name.is_empty());
    name.or(end["ip"].as_str()).unwrap_or_default().replace(PART_END, " ")
}

impl Edge {
    /// As it lies in a column.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{PART_END}{}{PART_END}{}", self.source, self.destination, self.protocol)
    }

    /// Of a column's text.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let mut parts = text.split(PART_END).map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        Self { source: part(), destination: part(), protocol: part() }
    }
}

impl Endpoint {
    /// As it lies in a column.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { destination, protocol, method, template } = self;
        format!("{destination}{PART_END}{protocol}{PART_END}{method}{PART_END}{template}")
    }

    /// Of a column's text.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let mut parts = text.split(PART_END).map(str::to_owned);
        let mut part = || parts.next().unwrap_or_default();
        Self { destination: part(), protocol: part(), method: part(), template: part() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_exchange_tells_who_what_and_how() {
        let row = json!({
            "protocol": {"name": "http", "abbr": "HTTP"}, "src": {"ip": "10.0.0.1", "name": "front-end"},
            "dst": {"ip": "10.0.0.2", "name": ""}, "request": {"method": "GET", "path": "/carts/17", "url": "/carts/17?a"},
            "response": {"status": 503}, "requestSize": 10, "responseSize": 20,
        });
        let facts = Facts::of(&row, Some(1_234_567));
        let endpoint = facts.endpoint.unwrap();
        assert_eq!((facts.edge.source.as_str(), facts.edge.destination.as_str()), ("front-end", "10.0.0.2"));
        assert_eq!((endpoint.method.as_str(), endpoint.template.as_str()), ("GET", "/carts/{id}"));
        assert_eq!((facts.class, facts.elapsed_us), (Class::ServerError, Some(1_234)));
        assert_eq!(Endpoint::of_text(&endpoint.text()), endpoint);
        assert_eq!(Edge::of_text(&facts.edge.text()), facts.edge);
    }

    #[test]
    fn codes_are_read_as_they_are_written() {
        for class in Class::ALL {
            assert_eq!(Class::of_code(class.code()), class);
        }
        assert_eq!(Class::of_code(99), Class::Neutral);
    }
}
