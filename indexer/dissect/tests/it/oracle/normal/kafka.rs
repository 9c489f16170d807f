//! Kafka.

use dissect::Exchange;
use dissect::protocol::Content;
use dissect::protocol::kafka::message::{Request, Response, Topic};
use dissect::protocol::kafka::value::Value as Ours;
use serde_json::{Value, json};

use super::{Fields, Normal, Protocol, flow, set};

pub const PROTOCOL: Protocol = Protocol {
    name: "kafka",
    kinds: &[("request", &REQUEST), ("response", &RESPONSE)],
    main: &["api_key", "correlation_id"],
    of_exchange,
    exceptions: include_str!("../exceptions/kafka.tsv"),
};

const REQUEST: [&str; 6] = ["api_key", "api_version", "correlation_id", "client_id", "length", "topics"];
const RESPONSE: [&str; 6] = ["api_key", "api_version", "correlation_id", "length", "topics", "errors"];

fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    if let Some(message) = &exchange.request
        && let Content::KafkaRequest(request) = &message.content
    {
        let flow = flow(exchange.client, exchange.server);
        let normal = Normal::of(&PROTOCOL, "request", message, flow, of_request(request));
        out.push(normal.with_note(format!(" {:?}", request.payload().end)));
    }
    if let Some(message) = &exchange.response
        && let Content::KafkaResponse(response) = &message.content
    {
        let flow = flow(exchange.server, exchange.client);
        let normal = Normal::of(&PROTOCOL, "response", message, flow, of_response(response));
        out.push(normal.with_note(format!(" {:?}", response.payload().end)));
    }
}

fn of_request(request: &Request) -> Fields {
    let mut fields = Fields::new();
    set(&mut fields, "length", json!(request.length_bytes));
    set(&mut fields, "topics", topics(&request.topics));
    if let Some(head) = &request.head {
        set(&mut fields, "api_key", json!(head.api_key));
        set(&mut fields, "api_version", json!(head.api_version));
        set(&mut fields, "correlation_id", json!(head.correlation_id));
        set(&mut fields, "client_id", json!(head.client_id));
    }
    fields
}

fn of_response(response: &Response) -> Fields {
    let mut fields = Fields::new();
    set(&mut fields, "length", json!(response.length_bytes));
    set(&mut fields, "topics", topics(&response.topics));
    set(&mut fields, "correlation_id", json!(response.correlation_id));
    set(&mut fields, "api_key", json!(response.api.map(|(key, _)| key)));
    set(&mut fields, "api_version", json!(response.api.map(|(_, version)| version)));
    let mut errors = Vec::new();
    let payload = response.payload();
    payload.fields.iter().for_each(|(_, value)| collect(value, &mut errors));
    if errors.iter().any(|error| *error != 0) {
        set(&mut fields, "errors", json!(errors));
    }
    fields
}

/// All error codes, as often as they come.
fn collect(value: &Ours<'_>, errors: &mut Vec<i16>) {
    match value {
        Ours::Error(code) => errors.push(*code),
        Ours::List(elements) => elements.iter().for_each(|element| collect(element, errors)),
        Ours::Structure(fields) => fields.iter().for_each(|(_, value)| collect(value, errors)),
        _ => {}
    }
}

fn topics(topics: &[Topic]) -> Value {
    topics.iter().map(|topic| json!(topic.name)).collect()
}
