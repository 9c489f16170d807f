//! gRPC and gRPC-Web, over HTTP/1 and HTTP/2.
//!
//! The oracle counts the trailers in a gRPC-Web body as a message, and knows the service only over HTTP/2.

use dissect::Exchange;
use dissect::exchange::Message;
use dissect::protocol::Content;
use dissect::protocol::grpc::{self, Body};
use dissect::protocol::http1::message::Headers;
use serde_json::json;

use super::{Fields, Normal, Protocol, flow, set};

pub const PROTOCOL: Protocol = Protocol {
    name: "grpc",
    kinds: &[("message", &["service", "method", "length", "compressed"])],
    main: &["service", "method", "length"],
    of_exchange,
    exceptions: include_str!("../exceptions/grpc.tsv"),
};

const DECODED_BYTES_MAX: usize = 1 << 26;

fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    let [asked, answered] = [&exchange.request, &exchange.response].map(Option::as_ref);
    let request =
        asked.and_then(|message| grpc::request(&message.content.http_request()?, DECODED_BYTES_MAX));
    let mut common = Fields::new();
    if let Some(request) = &request
        && asked.is_some_and(|message| matches!(message.content, Content::Http2Request(_)))
        && !request.method.is_empty()
    {
        set(&mut common, "service", json!(request.service));
        set(&mut common, "method", json!(request.method));
    }
    if let (Some(message), Some(request)) = (asked, &request) {
        push(message, &request.body, flow(exchange.client, exchange.server), &common, out);
    }
    if let Some(message) = answered
        && let Some(view) = message.content.http_response()
        && let Some(response) = grpc::response(&view, DECODED_BYTES_MAX)
    {
        push(message, &response.body, flow(exchange.server, exchange.client), &common, out);
    }
}

fn push(message: &Message, body: &Body<'_>, flow: String, common: &Fields, out: &mut Vec<Normal>) {
    let messages = body.messages.iter();
    let told = messages.map(|message| (u64::from(message.length_bytes), u64::from(message.is_compressed)));
    for (length, compressed) in told.chain(body.trailers.as_ref().map(|trailers| (length(trailers), 0))) {
        let mut fields = common.clone();
        set(&mut fields, "length", json!(length));
        set(&mut fields, "compressed", json!(compressed));
        out.push(Normal::of(&PROTOCOL, "message", message, flow.clone(), fields));
    }
}

/// Bytes of trailers, each with a colon, a space and a line end.
fn length(trailers: &Headers) -> u64 {
    trailers.iter().map(|(name, value)| (name.len() + value.len() + 4) as u64).sum()
}
