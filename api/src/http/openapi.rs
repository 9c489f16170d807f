//! What the API says of itself: OpenAPI, made from the code that answers.
//!
//! What all operations have in common is added here: the problems that any may end with, and how one may be let in.
//! Answers have all their fields, null where nothing is known, so that types made from this need no guessing.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

/// The document's head; operations and types come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(title = "Remora", description = ABOUT),
    components(schemas(ProblemDocument, super::routes::Credentials)),
    tags(
        (name = "Entries", description = "Exchanges and flows"),
        (name = "Totals", description = "Counts, sums and comparisons"),
        (name = "Recording", description = "Segments, and what they cover"),
        (name = "Filters", description = "Help with writing KFL"),
        (name = "Access", description = "Sessions of browsers"),
        (name = "Health", description = "For whoever watches over the server"),
    )
)]
pub struct Document;

const ABOUT: &str = "Ask a network's flight recorder what happened. Times that are asked for are RFC 3339, Unix time \
(seconds; longer numbers are ms, µs, ns), `now`, or relative (`-15m`); ranges are half-open. Times in answers are RFC 3339 \
with nanoseconds, or whole nanoseconds as text. Filters are KFL. On loopback no token is needed; elsewhere it goes into the \
header `Authorization: Bearer TOKEN`, or is exchanged for a session.";

/// What went wrong (RFC 9457).
#[derive(utoipa::ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes what is written by hand")]
pub struct ProblemDocument {
    /// `urn:remora:problem:` and a word.
    r#type: String,
    /// What all of the type have in common.
    title: String,
    /// The status.
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// The wrong bytes of a filter, in UTF-8.
    span: Option<Span>,
    /// What to write there instead.
    suggestion: Option<String>,
}

/// Bytes of a text.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "describes what is written by hand")]
pub struct Span {
    /// The first.
    start: usize,
    /// The first one behind.
    end: usize,
}

/// Fields that may be absent, by type; all others are always there.
const OPTIONAL: &[(&str, &[&str])] = &[
    ("Problem", &["span", "suggestion"]),
    ("Stats", &["recorder"]),
    ("Subject", &["source", "destination", "protocol", "method", "endpoint", "field", "name"]),
    (
        "Entry",
        &[
            "index",
            "elapsedTime",
            "tls",
            "requestSize",
            "responseSize",
            "gaps",
            "truncated",
            "error",
            "request",
            "response",
            "packets",
        ],
    ),
    ("Protocol", &["layer4"]),
    ("StreamEvent", &["id"]),
    ("Evidence", &["first", "last"]),
];

/// Types that may have more fields than are described.
const OPEN: &[&str] =
    &["Entry", "Protocol", "End", "EntryNode", "EntryError", "PacketPlace", "Evidence", "Problem"];

/// Problems that any operation may end with.
const PROBLEMS: &[(&str, &str)] = &[
    ("400", "What is asked makes no sense"),
    ("401", "A token is needed"),
    ("403", "Another site's page asks, or it is not shown"),
    ("404", "There is nothing of that name"),
    ("405", "The path knows no such method"),
    ("408", "The body did not come"),
    ("413", "The body is too long"),
    ("414", "Path and query are too long"),
    ("421", "The request was sent to another server's name"),
    ("429", "The address asks too often; Retry-After says when to ask again"),
    ("500", "It failed here"),
    ("503", "As much is asked as may be; Retry-After says when to ask again"),
];

/// The document.
pub fn document(api: &utoipa::openapi::OpenApi) -> Value {
    let mut document = serde_json::to_value(api).unwrap_or_default();
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    if let Some(info) = document["info"].as_object_mut() {
        info.remove("contact");
        info.insert("license".to_owned(), json!({ "name": "Apache-2.0", "identifier": "Apache-2.0" }));
    }
    document["servers"] = json!([{ "url": "/" }]);
    document["security"] = json!([{}, { "token": [] }, { "session": [] }]);
    document["components"]["securitySchemes"] = json!({
        "token": { "type": "http", "scheme": "bearer" },
        "session": { "type": "apiKey", "in": "cookie", "name": "remora_session" },
    });
    document["components"]["responses"] = Value::Object(PROBLEMS.iter().map(problem).collect());
    for operation in object(&mut document["paths"]).flat_map(|(_, path)| object(path)).map(|(_, one)| one) {
        for (status, _) in PROBLEMS {
            let responses = &mut operation["responses"];
            if responses.get(status).is_none() {
                responses[*status] = json!({ "$ref": format!("#/components/responses/Problem{status}") });
            }
        }
    }
    for (name, schema) in object(&mut document["components"]["schemas"]) {
        complete(name, schema);
    }
    document
}

fn problem((status, description): &(&str, &str)) -> (String, Value) {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    let content = json!({ "application/problem+json": { "schema": schema } });
    (format!("Problem{status}"), json!({ "description": description, "content": content }))
}

fn object(value: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    value.as_object_mut().map(Map::iter_mut).into_iter().flatten()
}

/// Says which fields are always there, and whether there may be others.
fn complete(name: &str, schema: &mut Value) {
    let optional = OPTIONAL.iter().find(|(of, _)| *of == name).map_or(&[][..], |(_, fields)| fields);
    if OPEN.contains(&name) {
        schema["additionalProperties"] = true.into();
    }
    require(schema, optional);
    // A type that holds all fields of another one has its own beside it.
    if let Some(parts) = schema.get_mut("allOf").and_then(Value::as_array_mut) {
        parts.iter_mut().for_each(|part| require(part, optional));
    }
    let is_right = match name {
        "RightKfl" => true,
        "WrongKfl" => false,
        _ => return,
    };
    schema["properties"]["ok"]["enum"] = json!([is_right]);
}

fn require(schema: &mut Value, optional: &[&str]) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required: Vec<&String> =
        properties.keys().filter(|name| !optional.contains(&name.as_str())).collect();
    schema["required"] = json!(required);
}
