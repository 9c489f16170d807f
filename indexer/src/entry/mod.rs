//! The entry: an exchange as KFL, scripts and JSON see it.
//!
//! Field names are those of Kubeshark's entries, so that filters carry over; our own stand beside them
//! (`segment`, `packets`, `gaps`, `truncated`). What differs on purpose: a field holds the decoded value
//! (bodies are text where they are text, base64 once where they are not, `encoding` tells which).

mod amqp;
mod certificate;
mod database;
mod description;
mod dns;
mod flow;
mod graphql;
mod grpc;
mod http;
mod http1;
mod http2;
mod icmp;
mod id;
mod kafka;
mod mongodb;
mod mysql;
mod postgres;
mod protocol;
mod redis;
mod subscription;
mod tls;
mod websocket;

use dissect::protocol::Content;
use dissect::protocol::http1::message::{Request as Http1Request, Response as Http1Response};
use dissect::protocol::http2::message::{Request as Http2Request, Response as Http2Response};
use dissect::{Endpoint, Exchange, Limits, Message, Transport};
use segment::{PacketRef, SegmentId, Timestamp};
use serde_json::{Map, Value, json};

use crate::document::ENTRY_VERSION;
use crate::names::Names;
use crate::schema::Schemas;

pub use description::{COMMON, Description, Field, Kind, Outcome, Summary};
pub use id::{Begun, EntryId, Naming, Ordinal};
pub use protocol::{ALL, complete, of, reads_bodies, row_has, summary, undescribed, without_bodies};

/// Whether bodies are part of the entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bodies {
    /// As text, decoded.
    Kept,
    /// Left out: they lie in the segment.
    Left,
}

/// Builds the entry of an exchange, without the constant part of `protocol` (see [`complete`]).
#[must_use]
pub fn entry(naming: &mut Naming, names: &Names, exchange: &Exchange, bodies: Bodies) -> (Timestamp, Value) {
    build(naming, names, exchange, bodies, None)
}

/// Builds the entry with its bodies, which are shown by their schemas where there are any.
#[must_use]
pub fn in_full(
    naming: &mut Naming,
    names: &Names,
    exchange: &Exchange,
    schemas: Option<&Schemas>,
) -> (Timestamp, Value) {
    build(naming, names, exchange, Bodies::Kept, schemas)
}

fn build(
    naming: &mut Naming,
    names: &Names,
    exchange: &Exchange,
    bodies: Bodies,
    schemas: Option<&Schemas>,
) -> (Timestamp, Value) {
    let id = naming.id(exchange);
    let start = start(exchange);
    let mut entry = Map::new();
    let first = exchange.request.as_ref().or(exchange.response.as_ref());
    let last = exchange.response.as_ref().or(exchange.request.as_ref());
    entry.insert(
        "packets".into(),
        json!({
            "first": first.map(|message| packet_ref(naming, message.first)),
            "last": last.map(|message| packet_ref(naming, latest(exchange, message))),
        }),
    );
    entry.insert("segment".into(), id.segment.to_string().into());
    entry.insert("id".into(), id.to_string().into());
    if let Ordinal::Exchange(ordinal) = id.ordinal {
        entry.insert("index".into(), ordinal.into());
    }
    entry.insert("stream".into(), stream(exchange).into());
    entry.insert("node".into(), json!({"name": naming.chain().as_str()}));
    entry.insert("timestamp".into(), start.millis().into());
    entry.insert("startTime".into(), rfc3339(start).into());
    entry.insert("src".into(), end(names, exchange.client, start));
    entry.insert("dst".into(), end(names, exchange.server, start));
    entry.insert("dissectorVersion".into(), ENTRY_VERSION.into());
    entry.insert("outgoing".into(), false.into());
    entry.insert("tls".into(), false.into());
    entry.insert("passed".into(), false.into());
    entry.insert("failed".into(), false.into());
    add_sizes(&mut entry, exchange);
    add_content(&mut entry, exchange, bodies, schemas);
    if let Some(error) = error(exchange) {
        entry.insert("error".into(), error);
    }
    (start, Value::Object(entry))
}

/// When the exchange began.
#[must_use]
pub fn start(exchange: &Exchange) -> Timestamp {
    exchange.request.as_ref().or(exchange.response.as_ref()).map_or(Timestamp::MIN, |message| message.start)
}

/// An instant as RFC 3339 with nanoseconds; instants beyond its years as a number.
#[must_use]
pub fn rfc3339(instant: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(instant.nanos()))
        .map_or_else(|_| instant.to_string(), |instant| format!("{instant:.9}"))
}

/// Sizes are bytes on the wire, the time is milliseconds until the response was complete.
fn add_sizes(entry: &mut Map<String, Value>, exchange: &Exchange) {
    let Exchange { request, response, .. } = exchange;
    let wire = |message: &Option<Message>| message.as_ref().map_or(0, |message| message.wire_bytes);
    let gaps: u64 = [request, response].into_iter().flatten().map(|message| message.gap_bytes).sum();
    entry.insert("requestSize".into(), wire(request).into());
    entry.insert("responseSize".into(), wire(response).into());
    entry.insert("gaps".into(), gaps.into());
    let truncated = [request, response].into_iter().flatten().any(is_truncated);
    entry.insert("truncated".into(), truncated.into());
    if let Some(elapsed_ns) = elapsed_ns(exchange) {
        entry.insert("elapsedTime".into(), (elapsed_ns.saturating_add(500_000) / 1_000_000).into());
    }
}

/// Nanoseconds from the first byte of the request to the last of the response; `None` without both. A flow lasts
/// from its first packet to its last.
#[must_use]
pub fn elapsed_ns(exchange: &Exchange) -> Option<u64> {
    let elapsed_ns = match (&exchange.request, &exchange.response) {
        (Some(request), Some(response)) => response.end.since(request.start),
        (Some(message), None) if matches!(message.content, Content::Flow(_)) => {
            message.end.since(message.start)
        }
        _ => return None,
    };
    Some(u64::try_from(elapsed_ns).unwrap_or(0))
}

/// Whether a limit cut what an entry keeps of a message. A row says the same, though it keeps no body at all.
fn is_truncated(message: &Message) -> bool {
    let (seen_bytes, is_body_cut) = match &message.content {
        Content::Http1Request(Http1Request { body, .. })
        | Content::Http1Response(Http1Response { body, .. }) => {
            (body.length_bytes.saturating_sub(body.gap_bytes), body.truncated)
        }
        Content::Http2Request(Http2Request { body, .. })
        | Content::Http2Response(Http2Response { body, .. }) => {
            (body.length_bytes.saturating_sub(body.gap_bytes), body.truncated)
        }
        Content::RedisCommand(command) => return is_too_long(command.whole_bytes),
        Content::RedisReply(reply) => return is_too_long(reply.whole_bytes),
        Content::Amqp(amqp) => match &amqp.content {
            Some(body) => (body.seen_bytes.saturating_sub(body.gap_bytes), body.truncated),
            None => return message.truncated,
        },
        _ => return message.truncated,
    };
    let is_head_cut = message.truncated && !is_body_cut;
    is_head_cut || is_too_long(seen_bytes)
}

/// Whether an entry keeps less than so many bytes.
fn is_too_long(bytes: u64) -> bool {
    bytes > Limits::default().body_bytes_max as u64
}

/// What an entry says of its exchange in the words of its protocol.
struct Said {
    protocol: &'static Description,
    /// Where entries of one protocol have several.
    version: Option<String>,
    request: Option<Value>,
    response: Option<Value>,
}

fn add_content(
    entry: &mut Map<String, Value>,
    exchange: &Exchange,
    bodies: Bodies,
    schemas: Option<&Schemas>,
) {
    let request = exchange.request.as_ref().map(|message| &message.content);
    let response = exchange.response.as_ref().map(|message| &message.content);
    let Some(said) = said(request, response, bodies, schemas) else { return };
    let layer4 = match exchange.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
        Transport::Icmp => "icmp",
    };
    let mut protocol = json!({"name": said.protocol.name, "abbr": said.protocol.abbr, "layer4": layer4});
    if let Some(version) = said.version {
        protocol["version"] = version.into();
    }
    entry.insert("protocol".into(), protocol);
    for (name, part) in [("request", said.request), ("response", said.response)] {
        if let Some(part) = part {
            entry.insert(name.into(), part);
        }
    }
    if let Some(Content::Flow(report)) = request {
        entry.insert("flow".into(), flow::flow(report));
        entry.insert("responseSize".into(), report.to_client.wire_bytes.into());
    }
}

/// Both messages in the words of their protocol; a line for each.
fn said(
    request: Option<&Content>,
    response: Option<&Content>,
    bodies: Bodies,
    schemas: Option<&Schemas>,
) -> Option<Said> {
    let said = match request.or(response)? {
        Content::Amqp(_) => amqp::said(request, response, bodies),
        Content::Dns(_) => dns::said(request, response),
        Content::Flow(report) => flow::said(report),
        Content::Icmp(_) => icmp::said(request, response),
        Content::Http1Request(_) | Content::Http1Response(_) => http1::said(request, response, bodies),
        Content::Http2Request(_) | Content::Http2Response(_) => http2::said(request, response, bodies),
        Content::TlsClientHello(_) | Content::TlsServerFlight(_) | Content::TlsAlert(_) => {
            tls::said(request, response, bodies)
        }
        Content::WebSocket(_) => websocket::said(request, bodies),
        Content::RedisCommand(_) | Content::RedisReply(_) => redis::said(request, response, bodies),
        Content::PostgresRequest(_) | Content::PostgresResponse(_) | Content::PostgresAsync(_) => {
            postgres::said(request, response, bodies)
        }
        Content::MysqlRequest(_) | Content::MysqlResponse(_) => mysql::said(request, response, bodies),
        Content::KafkaRequest(_) | Content::KafkaResponse(_) => kafka::said(request, response, bodies),
        Content::MongodbRequest(_) | Content::MongodbResponse(_) => mongodb::said(request, response, bodies),
        _ => return None,
    };
    Some(interpreted(said, request, response, bodies, schemas))
}

/// An HTTP exchange, whichever version carried it, is gRPC's or GraphQL's if its messages say so.
fn interpreted(
    mut said: Said,
    request: Option<&Content>,
    response: Option<&Content>,
    bodies: Bodies,
    schemas: Option<&Schemas>,
) -> Said {
    let asked = request.and_then(Content::http_request);
    let answered = response.and_then(Content::http_response);
    if let Some(call) = grpc::Call::of(asked, answered) {
        call.add_to(&mut said, bodies, schemas);
    } else if let Some(operation) = graphql::Asked::of(asked, answered) {
        operation.add_to(&mut said, bodies);
    }
    said
}

/// The flow in words: the same however often and from wherever it is read.
fn stream(exchange: &Exchange) -> String {
    let end = |end: Endpoint| std::net::SocketAddr::new(end.ip, end.port);
    format!("{}-{}", end(exchange.client), end(exchange.server))
}

/// What is missing of the exchange, in the words of Kubeshark's `error`.
fn error(exchange: &Exchange) -> Option<Value> {
    let Exchange { request, response, .. } = exchange;
    let [asked, answered] =
        [request, response].map(|message| message.as_ref().map(|message| &message.content));
    if let Some(reset) = http2::stopped(asked, answered) {
        return Some(http2::error(reset));
    }
    let message = match (&exchange.request, &exchange.response) {
        (Some(_), Some(_)) => return None,
        (Some(message), None) if message.content.stands_alone() => return None,
        (Some(_), None) => "no response was seen",
        (None, _) => "the request was not seen",
    };
    Some(json!({"type": "pair-not-found", "msg": message}))
}

fn end(names: &Names, end: Endpoint, instant: Timestamp) -> Value {
    let name = names.at(end.ip, instant).unwrap_or_default();
    json!({"ip": end.ip.to_string(), "port": end.port.to_string(), "name": name})
}

/// The later of the last packets of both messages: a response may be done before its request.
fn latest(exchange: &Exchange, message: &Message) -> PacketRef {
    exchange.request.as_ref().map_or(message.last, |request| request.last.max(message.last))
}

fn packet_ref(naming: &Naming, at: PacketRef) -> Value {
    let segment = SegmentId { chain: naming.chain().clone(), sequence: at.sequence };
    json!({"segment": segment.to_string(), "frame": at.frame, "packet": at.index})
}
