//! AMQP methods and their contents as fields.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dissect::protocol::Content;
use dissect::protocol::amqp::field::{Field as Amqp, Table};
use dissect::protocol::amqp::message::{Content as Body, Message, Properties, Says, protocol_name};
use serde_json::{Map, Value, json};

use super::description::{Description, Field, Outcome, Summary};
use super::{Bodies, Said, rfc3339};

pub const DESCRIPTION: Description = Description {
    name: "amqp",
    abbr: "AMQP",
    version: "0-9-1",
    long_name: "Advanced Message Queuing Protocol 0-9-1",
    macro_name: "amqp",
    ports: &["5671", "5672"],
    priority: 1,
    background: "#ff6600",
    foreground: "#ffffff",
    reference: "https://www.rabbitmq.com/amqp-0-9-1-reference.html",
    bodies: &[
        &["request", "body"],
        &["request", "encoding"],
        &["request", "response"],
        &["request", "newSecret"],
        &["request", "challenge"],
        &["response", "body"],
        &["response", "encoding"],
        &["response", "response"],
    ],
    fields: FIELDS,
    summary,
};

const FIELDS: &[Field] = &[
    Field::text("request.method", "class and method, as in Kubeshark: basic publish"),
    Field::text("request.amqpMethod", "class and method with a dot: basic.publish"),
    Field::number("request.channel", "channel; 0 is the connection"),
    Field::text(
        "request.protocol",
        "name of the protocol that a protocol header asks for: AMQP 0-9-1, AMQP 1.0",
    ),
    Field::boolean("request.cut", "true where its end was not seen"),
    Field::text("request.exchange", "exchange"),
    Field::text("request.routingKey", "routing key"),
    Field::text("request.queue", "queue"),
    Field::text("request.destination", "exchange that is bound"),
    Field::text("request.source", "exchange that it is bound to"),
    Field::text("request.consumerTag", "name of the subscription"),
    Field::number(
        "request.deliveryTag",
        "tag of a delivery; of a publish, the tag that the server confirms it by",
    ),
    Field::boolean("request.multiple", "whether all tags up to this one are meant"),
    Field::boolean("request.requeue", "whether the message goes back to the queue"),
    Field::boolean("request.redelivered", "whether the message was delivered before"),
    Field::boolean("request.mandatory", "whether it comes back where no queue takes it"),
    Field::boolean("request.immediate", "whether it comes back where no consumer takes it"),
    Field::boolean("request.passive", "whether it only asks if the thing is there"),
    Field::boolean("request.durable", "whether it survives a restart"),
    Field::boolean("request.exclusive", "whether it is for this connection alone"),
    Field::boolean("request.autoDelete", "whether it goes with its last user"),
    Field::boolean("request.internal", "whether only exchanges may publish to it"),
    Field::boolean("request.noWait", "whether no answer is wanted"),
    Field::boolean("request.noLocal", "whether own messages are left out"),
    Field::boolean("request.noAck", "whether deliveries count as acknowledged"),
    Field::boolean("request.ifUnused", "whether it is deleted only if nobody uses it"),
    Field::boolean("request.ifEmpty", "whether it is deleted only if it is empty"),
    Field::boolean("request.global", "whether the limit is for the whole channel"),
    Field::boolean("request.active", "whether content may flow"),
    Field::boolean("request.write", "whether access to write is wanted"),
    Field::boolean("request.read", "whether access to read is wanted"),
    Field::number("request.prefetchSize", "bytes that may be on their way unacknowledged"),
    Field::number("request.prefetchCount", "messages that may be on their way unacknowledged"),
    Field::number("request.messageCount", "messages in the queue"),
    Field::number(
        "request.replyCode",
        "why it is closed, or came back: 200 (or 0) as wished, 312, 404, 406 …",
    ),
    Field::text("request.replyText", "the same in words"),
    Field::number("request.classId", "class of the method that went wrong"),
    Field::number("request.methodId", "number of the method that went wrong"),
    Field::text("request.type", "type of an exchange: direct, fanout, topic, headers"),
    Field::text("request.virtualHost", "virtual host"),
    Field::text("request.realm", "realm of an access request"),
    Field::text("request.reason", "why a connection is blocked, or a secret is replaced"),
    Field::number("request.channelMax", "most channels, as proposed"),
    Field::number("request.frameMax", "most bytes of a frame, as proposed"),
    Field::number("request.heartbeat", "seconds between signs of life, as proposed"),
    Field::number("request.versionMajor", "version of the server's protocol"),
    Field::number("request.versionMinor", "version of the server's protocol"),
    Field::text("request.mechanisms", "SASL mechanisms that the server offers"),
    Field::text("request.locales", "languages that the server offers"),
    Field::any("request.serverProperties.*", "what the server says of itself"),
    Field::any("request.arguments.*", "arguments of the server's own: x-message-ttl …"),
    Field::text("request.challenge", "what the client is to answer, base64"),
    Field::text("request.newSecret", "the new secret, base64"),
    Field::text("request.body", "body of the message"),
    Field::text("request.encoding", "base64 where the body is no text"),
    Field::number("request.bodySize", "bytes of the body, as announced"),
    Field::boolean("request.incomplete", "true where a part of the body was not seen"),
    Field::text("request.properties.contentType", "MIME type of the body"),
    Field::text("request.properties.contentEncoding", "MIME encoding of the body"),
    Field::any("request.properties.headers.*", "headers of the application"),
    Field::any("request.properties.headers", "null where there are no headers"),
    Field::number("request.properties.deliveryMode", "2 if the message survives a restart"),
    Field::number("request.properties.priority", "0 to 9"),
    Field::text("request.properties.correlationId", "what it answers"),
    Field::text("request.properties.replyTo", "where answers go"),
    Field::text("request.properties.expiration", "milliseconds until it is dropped"),
    Field::text("request.properties.messageId", "the application's name for it"),
    Field::text("request.properties.timestamp", "when the application says it was made, RFC 3339"),
    Field::text("request.properties.type", "the application's kind of it"),
    Field::text("request.properties.userId", "who sent it"),
    Field::text("request.properties.appId", "which application sent it"),
    Field::text("request.properties.clusterId", "not in use"),
    Field::text(
        "response.method",
        "class and method of the answer: queue declare-ok; empty where none is due",
    ),
    Field::text("response.amqpMethod", "the same with a dot: queue.declare-ok"),
    Field::number("response.channel", "channel"),
    Field::text("response.protocol", "protocol that the server names when it refuses the client's"),
    Field::boolean("response.cut", "true where its end was not seen"),
    Field::text("response.queue", "queue, as named by the server"),
    Field::number("response.messageCount", "messages in the queue"),
    Field::number("response.consumerCount", "consumers of the queue"),
    Field::text("response.consumerTag", "name of the subscription"),
    Field::number("response.deliveryTag", "tag of the message that was got"),
    Field::boolean("response.redelivered", "whether the message was delivered before"),
    Field::text("response.exchange", "exchange that the message was published to"),
    Field::text("response.routingKey", "routing key of the message"),
    Field::boolean("response.active", "whether content flows"),
    Field::number("response.ticket", "ticket of an access request"),
    Field::text("response.mechanism", "SASL mechanism that the client chose"),
    Field::text("response.locale", "language that the client chose"),
    Field::text("response.response", "the client's SASL response, base64"),
    Field::any("response.clientProperties.*", "what the client says of itself"),
    Field::number("response.channelMax", "most channels, as agreed"),
    Field::number("response.frameMax", "most bytes of a frame, as agreed"),
    Field::number("response.heartbeat", "seconds between signs of life, as agreed"),
    Field::text("response.body", "body of the message that was got"),
    Field::text("response.encoding", "base64 where the body is no text"),
    Field::number("response.bodySize", "bytes of the body, as announced"),
    Field::boolean("response.incomplete", "true where a part of the body was not seen"),
    Field::any("response.properties.*", "properties of the message that was got, as in request.properties"),
];

/// `basic.publish`, `exchange → routing key`, and a reply code or the answer.
fn summary(entry: &Value) -> Summary {
    let request = &entry["request"];
    let text = |field: &str| request[field].as_str().filter(|text| !text.is_empty());
    let from = text("exchange").or(text("source"));
    let to = text("routingKey").or(text("queue")).or(text("destination"));
    let about = match (from, to) {
        (Some(from), Some(to)) => format!("{from} → {to}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => text("consumerTag")
            .or(text("virtualHost"))
            .or(text("protocol"))
            .or(text("replyText"))
            .map(str::to_owned)
            .or_else(|| request["deliveryTag"].as_u64().map(|tag| format!("tag {tag}")))
            .unwrap_or_default(),
    };
    let method = text("amqpMethod").unwrap_or_default();
    let answer = entry["response"]["amqpMethod"].as_str().unwrap_or_default();
    let code = request["replyCode"].as_u64();
    let status = match code {
        Some(code) => code.to_string(),
        None => answer.rsplit('.').next().unwrap_or_default().to_owned(),
    };
    let is_bad = code.is_some_and(|code| !matches!(code, 0 | 200))
        || matches!(method, "basic.nack" | "basic.reject" | "connection.blocked")
        || answer == "protocol.header";
    let outcome = match (is_bad, answer.is_empty()) {
        (true, _) => Outcome::Bad,
        (false, true) => Outcome::Neutral,
        (false, false) => Outcome::Good,
    };
    Summary { method: method.to_owned(), text: about, status, outcome }
}

/// An exchange as fields.
pub fn said(request: Option<&Content>, response: Option<&Content>, bodies: Bodies) -> Said {
    let part = |content: Option<&Content>| match content {
        Some(Content::Amqp(message)) => Some(fields(message, bodies)),
        _ => None,
    };
    let is_alone = request.is_some_and(Content::stands_alone);
    // What Kubeshark tells where no answer is due.
    let none_due = is_alone.then(|| json!({"method": "empty"}));
    Said {
        protocol: &DESCRIPTION,
        version: None,
        request: part(request),
        response: part(response).or(none_due),
    }
}

fn fields(message: &Message, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("method".into(), message.name().replacen('.', " ", 1).into());
    fields.insert("amqpMethod".into(), message.name().into());
    fields.insert("channel".into(), message.channel.into());
    match &message.says {
        Says::Protocol(version) => drop(fields.insert("protocol".into(), protocol_name(*version).into())),
        Says::Heartbeat => {}
        Says::Method(method) => {
            for (name, value) in method.named_args() {
                if !is_secret(name) {
                    fields.insert(name.into(), value_of(value));
                } else if bodies == Bodies::Kept {
                    let bytes = value.text().unwrap_or_default();
                    fields.insert(name.into(), STANDARD.encode(bytes).into());
                }
            }
        }
    }
    if let Some(tag) = message.delivery_tag {
        fields.insert("deliveryTag".into(), tag.into());
    }
    if message.is_cut {
        fields.insert("cut".into(), true.into());
    }
    if let Some(content) = &message.content {
        add_content(&mut fields, content, bodies);
    }
    fields.into()
}

/// Arguments that no row shows.
fn is_secret(name: &str) -> bool {
    matches!(name, "response" | "challenge" | "newSecret")
}

fn add_content(fields: &mut Map<String, Value>, content: &Body, bodies: Bodies) {
    fields.insert("properties".into(), properties(&content.properties));
    fields.insert("bodySize".into(), content.length_bytes.into());
    if !content.is_complete() {
        fields.insert("incomplete".into(), true.into());
    }
    if bodies == Bodies::Left {
        return;
    }
    let is_cut = content.body.len() as u64 != content.length_bytes;
    let (body, encoding) = match std::str::from_utf8(&content.body) {
        Ok(text) => (text.to_owned(), ""),
        // Our limit, or the end of the capture, may have cut a character.
        Err(error) if is_cut && error.error_len().is_none() => {
            (text(&content.body[..error.valid_up_to()]), "")
        }
        Err(_) => (STANDARD.encode(&content.body), "base64"),
    };
    fields.insert("body".into(), body.into());
    fields.insert("encoding".into(), encoding.into());
}

fn properties(properties: &Properties) -> Value {
    let string = |value: &Option<Vec<u8>>| value.as_deref().map(text).unwrap_or_default();
    let timestamp = properties.timestamp.and_then(|seconds| {
        let nanos = i64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?;
        Some(rfc3339(segment::Timestamp::from_nanos(nanos)))
    });
    let mut fields = json!({
        "contentType": string(&properties.content_type),
        "contentEncoding": string(&properties.content_encoding),
        "headers": properties.headers.as_ref().map(table),
        "deliveryMode": properties.delivery_mode.unwrap_or(0),
        "priority": properties.priority.unwrap_or(0),
        "correlationId": string(&properties.correlation_id),
        "replyTo": string(&properties.reply_to),
        "expiration": string(&properties.expiration),
        "messageId": string(&properties.message_id),
        "timestamp": timestamp.unwrap_or_default(),
        "type": string(&properties.kind),
        "userId": string(&properties.user_id),
        "appId": string(&properties.app_id),
    });
    if properties.cluster_id.is_some() {
        fields["clusterId"] = string(&properties.cluster_id).into();
    }
    fields
}

fn table(table: &Table) -> Value {
    let pairs = table.0.iter().map(|(name, value)| (text(name), value_of(value)));
    Value::Object(pairs.collect())
}

/// A value as JSON: bytes and strings that are no text in base64, with the encoding beside.
fn value_of(value: &Amqp) -> Value {
    match value {
        Amqp::Bool(is) => (*is).into(),
        Amqp::Signed(number) => (*number).into(),
        Amqp::Unsigned(number) => (*number).into(),
        Amqp::Float(bits) => f32::from_bits(*bits).into(),
        Amqp::Double(bits) => f64::from_bits(*bits).into(),
        Amqp::Decimal(scale, number) => decimal(*scale, *number).into(),
        Amqp::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => json!({"base64": STANDARD.encode(bytes)}),
        },
        Amqp::Bytes(bytes) => json!({"base64": STANDARD.encode(bytes)}),
        Amqp::Timestamp(seconds) => (*seconds).into(),
        Amqp::Array(values) => values.iter().map(value_of).collect(),
        Amqp::Table(inner) => table(inner),
        Amqp::Void => Value::Null,
    }
}

/// `314` with two digits behind the point is `3.14`.
fn decimal(scale: u8, number: i32) -> String {
    let digits = format!("{:0>width$}", number.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if number < 0 { "-" } else { "" };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_their_point() {
        let all = [(0, 5), (2, 314), (2, -5), (3, 1)].map(|(scale, number)| decimal(scale, number));
        assert_eq!(all, ["5", "3.14", "-0.05", "0.001"]);
    }
}
