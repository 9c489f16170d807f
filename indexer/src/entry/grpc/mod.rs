//! gRPC and gRPC-Web calls as fields: those of the HTTP exchange that carries the call, and the call's own.
//!
//! Without a schema a message is shown as what its bytes can mean, field number by field number. With one
//! (see [`crate::schema`]) it is shown as JSON, when the entry is opened.

mod contents;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dissect::protocol::grpc::{self, Body, Codec, End, Flavour, metadata, status};
use dissect::protocol::http_view::{Fields, RequestView, ResponseView};
use serde_json::{Map, Value, json};

use super::description::{Description, Field, Outcome, Summary, joined, joined_paths};
use super::{Bodies, Said, http, http1};
use crate::schema::Schemas;
use contents::{Show, contents, tree};

/// Most bytes of a decoded message that are shown.
const DECODED_BYTES_MAX: usize = 4 << 20;
/// A deadline is told in milliseconds.
const NANOS_PER_MILLI: u64 = 1_000_000;

pub const DESCRIPTION: Description = Description {
    name: "http",
    abbr: "gRPC",
    version: "2.0",
    long_name: "Hypertext Transfer Protocol -- HTTP/{version} [ gRPC ]",
    macro_name: "grpc",
    ports: &["80", "443", "8080", "50051"],
    priority: 0,
    background: "#244c5a",
    foreground: "#ffffff",
    reference: "https://grpc.github.io/grpc/core/md_doc__p_r_o_t_o_c_o_l-_h_t_t_p2.html",
    bodies: &joined_paths::<{ http1::BODIES.len() + BODIES.len() }>(&[http1::BODIES, BODIES]),
    fields: &joined::<{ http1::FIELDS.len() + FIELDS.len() }>(&[http1::FIELDS, FIELDS]),
    summary,
};

const BODIES: &[&[&str]] = &[
    &["request", "grpc", "contents"],
    &["request", "grpc", "metadata"],
    &["response", "grpc", "contents"],
    &["response", "grpc", "metadata"],
    &["response", "grpc", "details", "*", "value"],
];

const FIELDS: &[Field] = &[
    Field::text("request.grpc.service", "service with its package: helloworld.Greeter"),
    Field::text("request.grpc.method", "method of the service: SayHello"),
    Field::text("request.grpc.flavour", "grpc, grpc-web or grpc-web-text"),
    Field::text("request.grpc.codec", "how messages are written: proto, json or other"),
    Field::text(
        "request.grpc.call",
        "client stream, server stream or bidirectional stream where several messages went that way; unary where one \
         went each way and the call ended; absent where neither was seen",
    ),
    Field::number("request.grpc.deadlineMs", "milliseconds that the client waits (grpc-timeout)"),
    Field::text("request.grpc.encoding", "how compressed messages are compressed"),
    Field::number("request.grpc.messages", "messages that the client sent"),
    Field::number("request.grpc.messagesSize", "bytes of those messages, compressed ones as they were sent"),
    Field::number("request.grpc.compressed", "how many of those messages are compressed"),
    Field::number("request.grpc.cut", "how many of those messages lack bytes"),
    Field::text("request.grpc.end", "why there may be more messages: cut, limit, lost or malformed"),
    Field::any(
        "request.grpc.metadata.*",
        "metadata by name, that of names in -bin as decoded text or base64",
    ),
    Field::any("request.grpc.contents.*", "messages: index, length, and what they say"),
    Field::number("response.grpc.status", "status code; absent where it was not seen"),
    Field::text("response.grpc.statusName", "name of the status: NOT_FOUND"),
    Field::text("response.grpc.message", "grpc-message, decoded"),
    Field::boolean("response.grpc.trailersOnly", "whether the answer was a status alone"),
    Field::text("response.grpc.details.*.type", "type of an error detail"),
    Field::any("response.grpc.details.*.value", "an error detail"),
    Field::any("response.grpc.details.*.value.*", "a field of an error detail"),
    Field::text("response.grpc.flavour", "grpc, grpc-web or grpc-web-text"),
    Field::text("response.grpc.codec", "how messages are written: proto, json or other"),
    Field::text("response.grpc.encoding", "how compressed messages are compressed"),
    Field::number("response.grpc.messages", "messages that the server sent"),
    Field::number("response.grpc.messagesSize", "bytes of those messages, compressed ones as they were sent"),
    Field::number("response.grpc.compressed", "how many of those messages are compressed"),
    Field::number("response.grpc.cut", "how many of those messages lack bytes"),
    Field::text("response.grpc.end", "why there may be more messages: cut, limit, lost or malformed"),
    Field::any("response.grpc.metadata.*", "metadata and trailers by name, as in the request"),
    Field::any("response.grpc.contents.*", "messages: index, length, and what they say"),
];

/// `helloworld.Greeter SayHello`, and the status.
pub fn summary(entry: &Value) -> Summary {
    let (request, response) = (&entry["request"]["grpc"], &entry["response"]["grpc"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let code = response["status"].as_u64();
    let reset =
        entry["request"]["reset"]["code"].as_str().or_else(|| entry["response"]["reset"]["code"].as_str());
    let status = match (code, response["statusName"].as_str()) {
        (Some(_), Some(name)) => name.to_owned(),
        (Some(code), None) => code.to_string(),
        // Whoever stopped the stream said why.
        (None, _) if reset.is_some() => reset.unwrap_or_default().to_owned(),
        // No status was seen: what HTTP says must do.
        (None, _) => {
            entry["response"]["status"].as_u64().map(|status| status.to_string()).unwrap_or_default()
        }
    };
    let outcome = match code {
        Some(0) => Outcome::Good,
        Some(_) => Outcome::Bad,
        None if reset.is_none() && entry["response"]["status"] == 200 => Outcome::Neutral,
        None => Outcome::Bad,
    };
    Summary { method: text(&request["method"]), text: text(&request["service"]), status, outcome }
}

/// A call, if the exchange is one.
pub struct Call<'a> {
    request: Option<(grpc::Request<'a>, RequestView<'a>)>,
    response: Option<(grpc::Response<'a>, ResponseView<'a>)>,
}

impl<'a> Call<'a> {
    /// Reads an exchange.
    pub fn of(asked: Option<RequestView<'a>>, answered: Option<ResponseView<'a>>) -> Option<Self> {
        let request = asked.and_then(|view| Some((grpc::request(&view, DECODED_BYTES_MAX)?, view)));
        let response = answered.and_then(|view| Some((grpc::response(&view, DECODED_BYTES_MAX)?, view)));
        // A proxy may add a status to anything; what was asked decides.
        let is_asked = request.is_some() || asked.is_none_or(|view| !view.headers.is_whole());
        (is_asked && (request.is_some() || response.is_some())).then_some(Self { request, response })
    }

    /// Adds the call to what is said of its HTTP exchange.
    pub fn add_to(&self, said: &mut Said, bodies: Bodies, schemas: Option<&Schemas>) {
        said.protocol = &DESCRIPTION;
        let types =
            self.request.as_ref().and_then(|(request, _)| schemas?.method(&request.service, &request.method));
        if let (Some((request, view)), Some(Value::Object(fields))) = (&self.request, &mut said.request) {
            let show = |bytes: &[u8]| schemas?.json(types.as_ref()?.input(), bytes);
            fields.insert("grpc".into(), self.asked(request, view, bodies, &show));
        }
        if let (Some((response, view)), Some(Value::Object(fields))) = (&self.response, &mut said.response) {
            let show = |bytes: &[u8]| schemas?.json(types.as_ref()?.output(), bytes);
            let any = |name: &str, bytes: &[u8]| schemas?.json(schemas?.message(name)?, bytes);
            fields.insert("grpc".into(), answered(response, view, bodies, &show, &any));
        }
    }

    /// Unary or streaming, as far as the messages tell it: one message each way may be all that was seen of a stream
    /// that was cancelled, and a call that failed has no answer at all.
    fn kind(&self, request: &grpc::Request<'_>, asked: &RequestView<'_>) -> Option<&'static str> {
        let answered = self.response.as_ref().map_or(0, |(response, _)| response.body.count);
        match (request.body.count, answered) {
            (2.., 2..) => Some("bidirectional stream"),
            (2.., _) => Some("client stream"),
            (_, 2..) => Some("server stream"),
            (1, 1) => {
                let (response, view) = self.response.as_ref()?;
                let is_over = asked.body.complete && view.body.complete && response.status.is_some();
                let is_whole = request.body.end == End::Whole && response.body.end == End::Whole;
                (is_over && is_whole).then_some("unary")
            }
            _ => None,
        }
    }

    fn asked(
        &self,
        request: &grpc::Request<'_>,
        view: &RequestView<'_>,
        bodies: Bodies,
        show: Show<'_>,
    ) -> Value {
        let mut fields = Map::new();
        if !request.method.is_empty() {
            fields.insert("service".into(), request.service.as_str().into());
            fields.insert("method".into(), request.method.as_str().into());
        }
        if let Some(call) = self.kind(request, view) {
            fields.insert("call".into(), call.into());
        }
        if let Some(timeout_ns) = request.timeout_ns {
            let whole = timeout_ns % NANOS_PER_MILLI == 0;
            let exact =
                if whole { json!(timeout_ns / NANOS_PER_MILLI) } else { json!(timeout_ns as f64 / 1e6) };
            fields.insert("deadlineMs".into(), exact);
        }
        add_form(&mut fields, request.flavour, request.codec, request.encoding);
        add_messages(&mut fields, &request.body);
        if bodies == Bodies::Kept {
            add_metadata(&mut fields, &[view.headers, view.body.trailers]);
            fields.insert("contents".into(), contents(&request.body, request.codec, request.encoding, show));
        }
        fields.into()
    }
}

fn answered(
    response: &grpc::Response<'_>,
    view: &ResponseView<'_>,
    bodies: Bodies,
    show: Show<'_>,
    any: &dyn Fn(&str, &[u8]) -> Option<Value>,
) -> Value {
    let mut fields = Map::new();
    if let Some(status) = &response.status {
        fields.insert("status".into(), status.code.into());
        if !status.name().is_empty() {
            fields.insert("statusName".into(), status.name().into());
        }
        if let Some(message) = &status.message {
            fields.insert("message".into(), message.as_str().into());
        }
        fields.insert("trailersOnly".into(), response.is_trailers_only.into());
        if !status.details.is_empty() {
            let details = status.details.iter().map(|detail| detail_fields(detail, bodies, any));
            fields.insert("details".into(), details.collect());
        }
    }
    add_form(&mut fields, response.flavour, response.codec, response.encoding);
    add_messages(&mut fields, &response.body);
    if bodies == Bodies::Kept {
        let mut lists = vec![view.headers, view.body.trailers];
        lists.extend(response.body.trailers.as_ref().map(Fields::Http1));
        add_metadata(&mut fields, &lists);
        fields.insert("contents".into(), contents(&response.body, response.codec, response.encoding, show));
    }
    fields.into()
}

fn detail_fields(
    detail: &status::Detail,
    bodies: Bodies,
    any: &dyn Fn(&str, &[u8]) -> Option<Value>,
) -> Value {
    let mut fields = Map::new();
    let name = detail.type_url.rsplit('/').next().unwrap_or_default();
    fields.insert("type".into(), name.into());
    if bodies == Bodies::Kept {
        let shown = any(name, &detail.value).unwrap_or_else(|| tree(&detail.value));
        fields.insert("value".into(), shown);
    }
    fields.into()
}

fn add_form(fields: &mut Map<String, Value>, flavour: Flavour, codec: Codec, encoding: Option<&[u8]>) {
    let flavour = match flavour {
        Flavour::Grpc => "grpc",
        Flavour::Web => "grpc-web",
        Flavour::WebText => "grpc-web-text",
    };
    let codec = match codec {
        Codec::Protobuf => "proto",
        Codec::Json => "json",
        Codec::Other => "other",
    };
    fields.insert("flavour".into(), flavour.into());
    fields.insert("codec".into(), codec.into());
    if let Some(encoding) = encoding {
        fields.insert("encoding".into(), String::from_utf8_lossy(encoding).into());
    }
}

fn add_messages(fields: &mut Map<String, Value>, body: &Body<'_>) {
    fields.insert("messages".into(), body.count.into());
    fields.insert("messagesSize".into(), body.messages_bytes.into());
    for (name, count) in [("compressed", body.compressed), ("cut", body.cut)] {
        if count > 0 {
            fields.insert(name.into(), count.into());
        }
    }
    let end = match body.end {
        End::Whole => return,
        End::Cut => "cut",
        End::Limit => "limit",
        End::Lost => "lost",
        End::Malformed => "malformed",
    };
    fields.insert("end".into(), end.into());
}

/// Metadata by name; of a name that comes several times, a list.
fn add_metadata(fields: &mut Map<String, Value>, lists: &[Fields<'_>]) {
    let mut all: Map<String, Value> = Map::new();
    for item in lists.iter().flat_map(|list| metadata::items(*list)) {
        let value: Value = match item.value {
            metadata::Value::Text(text) => http::text(&text).into(),
            metadata::Value::Binary(bytes) => binary(&bytes),
        };
        match all.get_mut(&item.name) {
            None => drop(all.insert(item.name, value)),
            Some(Value::Array(values)) => values.push(value),
            Some(known) => *known = json!([known.take(), value]),
        }
    }
    if !all.is_empty() {
        fields.insert("metadata".into(), all.into());
    }
}

/// Text where it is text, base64 where it is not; which of both is told.
fn binary(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|c: char| c.is_control()) => json!({"text": text, "encoding": ""}),
        _ => json!({"text": STANDARD.encode(bytes), "encoding": "base64"}),
    }
}
