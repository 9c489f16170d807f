//! GraphQL requests as fields: those of the HTTP exchange that carries them, and the operation's own.

use dissect::protocol::graphql::{self, Call, Operation, Request, Response};
use dissect::protocol::http_view::{RequestView, ResponseView};
use serde_json::{Map, Value, json};

use super::description::{Description, Field, Outcome, Summary, joined, joined_paths};
use super::{Bodies, Said, http1};

/// Most bytes of a decoded body that are read.
const DECODED_BYTES_MAX: usize = 4 << 20;
/// Most errors in an entry; the rest is counted.
const ERRORS_MAX: usize = 16;

pub const DESCRIPTION: Description = Description {
    name: "http",
    abbr: "GQL",
    version: "1.1",
    long_name: "Hypertext Transfer Protocol -- HTTP/{version} [ GraphQL over HTTP/{version} ]",
    macro_name: "gql",
    ports: &["80", "443", "8080"],
    priority: 0,
    background: "#e10098",
    foreground: "#ffffff",
    reference: "https://graphql.org/learn/serving-over-http/",
    bodies: &joined_paths::<{ http1::BODIES.len() + BODIES.len() }>(&[http1::BODIES, BODIES]),
    fields: &joined::<{ http1::FIELDS.len() + OPERATION_FIELDS.len() + ANSWER_FIELDS.len() }>(&[
        http1::FIELDS,
        OPERATION_FIELDS,
        ANSWER_FIELDS,
    ]),
    summary,
};

const BODIES: &[&[&str]] = &[
    &["request", "graphql", "query"],
    &["request", "graphql", "variables"],
    &["request", "graphql", "calls", "*", "variables"],
];

/// What any message that holds an operation says of it.
pub(super) const OPERATION_FIELDS: &[Field] = &[
    Field::text("request.graphql.operationType", "query, mutation or subscription that is executed"),
    Field::text("request.graphql.operationName", "its name"),
    Field::any("request.graphql.fields.*", "fields that it asks of the root, by their names in the schema"),
    Field::text("request.graphql.aliases.*", "name in the schema of a root field, by its alias"),
    Field::any(
        "request.graphql.selections.*",
        "every field that it asks for, fragments expanded: user.orders.id",
    ),
    Field::text(
        "request.graphql.operations.*.type",
        "where the document has several, or not the one that is named: query, mutation or subscription",
    ),
    Field::text("request.graphql.operations.*.name", "its name"),
    Field::text("request.graphql.query", "the document, as sent"),
    Field::any("request.graphql.variables.*", "variables"),
    Field::text("request.graphql.sha256Hash", "hash of a persisted query"),
    Field::text("request.graphql.documentId", "name of a persisted query"),
    Field::text("request.graphql.problem", "what is wrong with the document"),
    Field::boolean("request.graphql.truncated", "whether the request is cut, or told only in part"),
];

const ANSWER_FIELDS: &[Field] = &[
    Field::number("request.graphql.batch", "calls in a batch; the fields above are those of the first"),
    Field::any("request.graphql.calls.*", "calls of a batch behind the first, with the same fields"),
    Field::number("response.graphql.errorsCount", "errors, also in a response with status 200"),
    Field::text("response.graphql.errors.*.message", "error, for people"),
    Field::text("response.graphql.errors.*.path", "the field that failed: user.orders.0"),
    Field::text("response.graphql.errors.*.code", "extensions.code, or what else names the kind of error"),
    Field::boolean("response.graphql.hasData", "whether there is data; beside errors it is partial"),
    Field::boolean("response.graphql.truncated", "whether the response is cut: there may be more errors"),
];

/// `mutation AddItem`, and the errors.
pub fn summary(entry: &Value) -> Summary {
    let (request, response) = (&entry["request"]["graphql"], &entry["response"]["graphql"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let fields = || {
        let names = request["fields"].as_array().into_iter().flatten().filter_map(Value::as_str);
        format!("{{ {} }}", names.collect::<Vec<_>>().join(" "))
    };
    let mut about = match (request["operationName"].as_str(), request["operationType"].as_str()) {
        (Some(name), _) => name.to_owned(),
        (None, Some(_)) => fields(),
        (None, None) => text(&entry["request"]["path"]),
    };
    if let Some(batch) = request["batch"].as_u64().filter(|batch| *batch > 1) {
        about.push_str(&format!(" (+{})", batch - 1));
    }
    let status = entry["response"]["status"].as_u64().unwrap_or_default();
    let errors = response["errorsCount"].as_u64().unwrap_or_default();
    let (status_text, outcome) = match (errors, status) {
        (0, 0..400) => (status.to_string(), Outcome::Good),
        (0, _) => (status.to_string(), Outcome::Bad),
        (1, _) => (format!("{status} 1 error"), Outcome::Bad),
        (errors, _) => (format!("{status} {errors} errors"), Outcome::Bad),
    };
    let kind = request["operationType"].as_str().unwrap_or("graphql").to_owned();
    Summary { method: kind, text: about, status: status_text, outcome }
}

/// A GraphQL exchange, if the HTTP exchange is one.
pub struct Asked {
    /// `None` if the server refused it because it is none.
    request: Option<Request>,
    response: Option<Response>,
}

impl Asked {
    /// Reads an exchange. A response alone doesn't say what it answers.
    pub fn of(asked: Option<RequestView<'_>>, answered: Option<ResponseView<'_>>) -> Option<Self> {
        let asked = asked?;
        let Some(request) = graphql::request::read(&asked, DECODED_BYTES_MAX) else {
            let response = graphql::refusal(&asked, &answered?, DECODED_BYTES_MAX)?;
            return Some(Self { request: None, response: Some(response) });
        };
        let response = answered.and_then(|view| graphql::response::read(&view, DECODED_BYTES_MAX));
        Some(Self { request: Some(request), response })
    }

    /// Adds the operation to what is said of its HTTP exchange.
    pub fn add_to(&self, said: &mut Said, bodies: Bodies) {
        said.protocol = &DESCRIPTION;
        if let (Some(request), Some(Value::Object(fields))) = (&self.request, &mut said.request) {
            fields.insert("graphql".into(), asked(request, bodies));
        }
        if let (Some(response), Some(Value::Object(fields))) = (&self.response, &mut said.response) {
            fields.insert("graphql".into(), answered(response).into());
        }
    }
}

fn asked(request: &Request, bodies: Bodies) -> Value {
    let mut calls = request.calls.iter();
    let mut fields = calls.next().map(|call| call_fields(call, bodies)).unwrap_or_default();
    if let Some(call) = request.calls.first() {
        add_query(&mut fields, call, bodies);
    }
    if request.is_batch {
        fields.insert("batch".into(), request.calls.len().into());
        let behind: Vec<Value> = calls.map(|call| call_fields(call, bodies).into()).collect();
        if !behind.is_empty() {
            fields.insert("calls".into(), behind.into());
        }
    }
    if request.truncated {
        fields.insert("truncated".into(), true.into());
    }
    fields.into()
}

/// The document, as sent.
pub(super) fn add_query(fields: &mut Map<String, Value>, call: &Call, bodies: Bodies) {
    if let (Some(query), Bodies::Kept) = (&call.query, bodies) {
        fields.insert("query".into(), query.as_str().into());
    }
}

/// What a call asks for.
pub(super) fn call_fields(call: &Call, bodies: Bodies) -> Map<String, Value> {
    let mut fields = Map::new();
    let operation = call.operation();
    if let Some(operation) = operation {
        fields.insert("operationType".into(), operation.kind.name().into());
        add_operation(&mut fields, operation);
    }
    let name =
        call.operation_name.as_ref().or_else(|| operation.and_then(|operation| operation.name.as_ref()));
    if let Some(name) = name {
        fields.insert("operationName".into(), name.as_str().into());
    }
    if call.document.operations.len() > 1 || operation.is_none() && !call.document.operations.is_empty() {
        let operations = call.document.operations.iter();
        let told = operations.map(|operation| json!({"type": operation.kind.name(), "name": operation.name}));
        fields.insert("operations".into(), told.collect());
    }
    let texts = [
        ("sha256Hash", &call.persisted_hash),
        ("documentId", &call.document_id),
        ("problem", &call.document.problem),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            fields.insert(name.into(), text.as_str().into());
        }
    }
    if call.document.truncated {
        fields.insert("truncated".into(), true.into());
    }
    if let (Some(variables), Bodies::Kept) = (&call.variables, bodies) {
        fields.insert("variables".into(), variables.clone());
    }
    fields
}

fn add_operation(fields: &mut Map<String, Value>, operation: &Operation) {
    let mut names: Vec<&str> = Vec::new();
    let mut aliases = Map::new();
    for field in &operation.fields {
        if !names.contains(&field.name.as_str()) {
            names.push(&field.name);
        }
        if let Some(alias) = &field.alias {
            aliases.insert(alias.clone(), field.name.as_str().into());
        }
    }
    fields.insert("fields".into(), names.into());
    if !aliases.is_empty() {
        fields.insert("aliases".into(), aliases.into());
    }
    fields.insert("selections".into(), operation.paths.as_slice().into());
}

/// What a response says of errors and data.
pub(super) fn answered(response: &Response) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("errorsCount".into(), response.errors_count.into());
    fields.insert("hasData".into(), response.has_data.into());
    if !response.errors.is_empty() {
        let errors = response.errors.iter().take(ERRORS_MAX).map(|error| {
            let mut told = Map::new();
            told.insert("message".into(), error.message.as_str().into());
            for (name, text) in [("path", &error.path), ("code", &error.code)] {
                if let Some(text) = text {
                    told.insert(name.into(), text.as_str().into());
                }
            }
            Value::Object(told)
        });
        fields.insert("errors".into(), errors.collect());
    }
    if response.truncated {
        fields.insert("truncated".into(), true.into());
    }
    fields
}
