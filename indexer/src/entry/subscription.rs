//! GraphQL over WebSocket as fields: the message of WebSocket, and what it says of an operation.

use dissect::protocol::graphql::subscription::{self, Message};
use dissect::protocol::websocket::frame::opcode;
use dissect::protocol::websocket::message;
use serde_json::{Map, Value};

use super::description::{Field, Outcome, Summary};
use super::{Bodies, graphql};

/// What rows leave out.
pub const BODIES: &[&[&str]] = &[&["request", "graphql", "query"], &["request", "graphql", "variables"]];

/// Beside those of an operation.
pub const FIELDS: &[Field] = &[
    Field::text("request.graphql.type", "type of the message: subscribe, next, complete and others"),
    Field::text("request.graphql.id", "operation that it belongs to"),
    Field::number("request.graphql.errorsCount", "errors that it tells"),
    Field::text("request.graphql.errors.*.message", "error, for people"),
    Field::text("request.graphql.errors.*.path", "the field that failed: user.orders.0"),
    Field::text("request.graphql.errors.*.code", "extensions.code, or what else names the kind of error"),
    Field::boolean("request.graphql.hasData", "whether it brings data; beside errors it is partial"),
];

/// What a message says of an operation; `None` if it is not of GraphQL.
pub fn said(message: &message::Message, bodies: Bodies) -> Option<Value> {
    if !matches!(message.opcode, opcode::TEXT | opcode::BINARY) {
        return None;
    }
    let is_whole = message.is_complete && !message.is_truncated && message.error.is_none();
    let message = subscription::read(message.subprotocol.as_deref(), &message.payload, is_whole)?;
    Some(fields(&message, bodies).into())
}

fn fields(message: &Message, bodies: Bodies) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("type".into(), message.kind.as_str().into());
    if let Some(id) = &message.id {
        fields.insert("id".into(), id.as_str().into());
    }
    if let Some(call) = &message.call {
        fields.extend(graphql::call_fields(call, bodies));
        graphql::add_query(&mut fields, call, bodies);
    }
    if let Some(response) = &message.response {
        fields.extend(graphql::answered(response));
    }
    fields
}

/// `subscribe Shipped #1`, and the errors.
pub fn summary(graphql: &Value, size: String) -> Summary {
    let text = |name: &str| graphql[name].as_str();
    let names = || {
        let names = graphql["fields"].as_array()?.iter().filter_map(Value::as_str);
        Some(format!("{{ {} }}", names.collect::<Vec<_>>().join(" ")))
    };
    let asked = text("operationName").map(str::to_owned).or_else(names);
    let id = text("id").map(|id| format!("#{id}"));
    let about: Vec<String> =
        [text("operationType").map(str::to_owned), asked, id].into_iter().flatten().collect();
    let (status, outcome) = match graphql["errorsCount"].as_u64() {
        None | Some(0) => (size, Outcome::Neutral),
        Some(1) => ("1 error".to_owned(), Outcome::Bad),
        Some(errors) => (format!("{errors} errors"), Outcome::Bad),
    };
    let method = text("type").unwrap_or_default().to_owned();
    Summary { method, text: about.join(" "), status, outcome }
}
