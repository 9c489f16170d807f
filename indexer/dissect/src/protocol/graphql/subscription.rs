//! GraphQL over WebSocket: a JSON object a message, with a type and mostly the id of an operation.
//!
//! Two protocols do the same under other names. Of `graphql-transport-ws`, `subscribe` is answered by `next`, `error`
//! and `complete`; of the older `graphql-ws` (by the library subscriptions-transport-ws), `start` is by `data`, `error`
//! and `complete`, and taken back by `stop`
//! (<https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md>,
//! <https://github.com/apollographql/subscriptions-transport-ws/blob/master/PROTOCOL.md>).

use serde_json::Value;

use crate::protocol::graphql::json::Raw;
use crate::protocol::graphql::request::{self, Call};
use crate::protocol::graphql::response::Response;

/// Longest type that is told; all that are known are shorter.
const KIND_BYTES_MAX: usize = 64;
/// Longest id that is told: clients count, or take UUIDs.
const ID_BYTES_MAX: usize = 256;

/// A message of either protocol.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Message {
    /// Its type: `subscribe`, `next`.
    pub kind: String,
    /// The operation that it belongs to; one connection carries several.
    pub id: Option<String>,
    /// What is asked for, by `subscribe` and `start`.
    pub call: Option<Call>,
    /// What `next`, `data` and `error` say.
    pub response: Option<Response>,
}

/// Whether this subprotocol of WebSocket is GraphQL.
#[must_use]
pub fn is_spoken(subprotocol: &str) -> bool {
    matches!(subprotocol, "graphql-transport-ws" | "graphql-ws")
}

/// Reads what a message says; `is_whole` tells whether it is all there.
///
/// Where the subprotocol is not known, only what says an operation or its outcome is believed to be GraphQL.
#[must_use]
pub fn read(subprotocol: Option<&str>, payload: &[u8], is_whole: bool) -> Option<Message> {
    if !subprotocol.is_none_or(is_spoken) {
        return None;
    }
    let (mut message, mut payload_raw) = (Message::default(), None);
    for (name, value) in Raw::first(payload).members() {
        match name.as_str() {
            "type" => message.kind = value.text().filter(|kind| kind.len() <= KIND_BYTES_MAX)?,
            "id" => message.id = id(value),
            "payload" => payload_raw = Some(value),
            _ => {}
        }
    }
    if message.kind.is_empty() {
        return None;
    }
    if let Some(payload) = payload_raw {
        match message.kind.as_str() {
            "subscribe" | "start" => message.call = Some(request::of_message(payload)),
            "next" | "data" => message.response = Response::of_result(payload, is_whole),
            "error" => message.response = Some(Response::of_errors(payload, is_whole)),
            _ => {}
        }
    }
    let is_sure = subprotocol.is_some() || message.is_graphql_by_itself(is_whole);
    is_sure.then_some(message)
}

/// An id is text; some clients take numbers.
fn id(raw: Raw<'_>) -> Option<String> {
    let id = match raw.value()? {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (id.len() <= ID_BYTES_MAX).then_some(id)
}

impl Message {
    /// Whether it can hardly be anything else.
    fn is_graphql_by_itself(&self, is_whole: bool) -> bool {
        let is_asked = self.call.as_ref().is_some_and(|call| call.is_graphql(false, is_whole));
        let is_told = matches!(self.kind.as_str(), "next" | "data") && self.response.is_some();
        self.id.is_some() && (is_asked || is_told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEW: Option<&str> = Some("graphql-transport-ws");
    const OLD: Option<&str> = Some("graphql-ws");

    fn shown(subprotocol: Option<&str>, payload: &str, is_whole: bool) -> String {
        let Some(message) = read(subprotocol, payload.as_bytes(), is_whole) else { return "-".to_owned() };
        let mut text = message.kind;
        if let Some(id) = message.id {
            text += &format!(" #{id}");
        }
        if let Some(operation) = message.call.as_ref().and_then(Call::operation) {
            text += &format!(" {} {:?} {:?}", operation.kind.name(), operation.name, operation.paths);
        }
        if let Some(response) = message.response {
            let errors: Vec<_> = response.errors.iter().map(|error| error.message.as_str()).collect();
            text += &format!(" data {} errors {errors:?}", response.has_data);
            text += if response.truncated { " truncated" } else { "" };
        }
        text
    }

    #[test]
    fn both_protocols_are_read() {
        let subscribe = r#"{"id":"1","type":"subscribe","payload":{"query":"subscription S { a { b } }"}}"#;
        assert_eq!(shown(NEW, subscribe, true), r#"subscribe #1 subscription Some("S") ["a", "a.b"]"#);
        let start = r#"{"id":"2","type":"start","payload":{"query":"{ a }","variables":{"x":1}}}"#;
        assert_eq!(shown(OLD, start, true), r#"start #2 query None ["a"]"#);
        let next = r#"{"id":"1","type":"next","payload":{"data":{"a":1}}}"#;
        assert_eq!(shown(NEW, next, true), "next #1 data true errors []");
        let data = r#"{"type":"data","id":"1","payload":{"data":null,"errors":[{"message":"gone"}]}}"#;
        assert_eq!(shown(OLD, data, true), r#"data #1 data false errors ["gone"]"#);
        // A list of errors in the new one, a single error in the old one.
        let errors = r#"{"id":"1","type":"error","payload":[{"message":"a"},{"message":"b"}]}"#;
        assert_eq!(shown(NEW, errors, true), r#"error #1 data false errors ["a", "b"]"#);
        let error = r#"{"id":"1","type":"error","payload":{"message":"a"}}"#;
        assert_eq!(shown(OLD, error, true), r#"error #1 data false errors ["a"]"#);
        assert_eq!(shown(NEW, r#"{"id":"1","type":"complete"}"#, true), "complete #1");
        assert_eq!(
            shown(NEW, r#"{"type":"connection_init","payload":{"token":"x"}}"#, true),
            "connection_init"
        );
    }

    #[test]
    fn without_a_subprotocol_only_operations_and_their_outcomes_are_believed() {
        let subscribe = r#"{"id":"1","type":"subscribe","payload":{"query":"subscription { a }"}}"#;
        assert_eq!(shown(None, subscribe, true), r#"subscribe #1 subscription None ["a"]"#);
        assert_eq!(
            shown(None, r#"{"id":"1","type":"next","payload":{"data":1}}"#, true),
            "next #1 data true errors []"
        );
        for other in [
            r#"{"type":"ping"}"#,
            r#"{"id":"1","type":"complete"}"#,
            r#"{"id":"1","type":"subscribe","payload":{"query":"shoes"}}"#,
            r#"{"id":"1","type":"data","payload":[1,2]}"#,
            "hello",
            "",
        ] {
            assert_eq!(shown(None, other, true), "-", "{other}");
        }
        assert_eq!(shown(Some("mqtt"), subscribe, true), "-");
        assert_eq!(shown(NEW, r#"{"id":"1"}"#, true), "-");
    }

    #[test]
    fn what_is_cut_tells_what_is_there() {
        let next = r#"{"id":"1","type":"next","payload":{"errors":[{"message":"gone"}],"data":{"a":"b"#;
        assert_eq!(shown(NEW, next, false), r#"next #1 data true errors ["gone"] truncated"#);
    }
}
