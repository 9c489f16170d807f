//! AMQP 0-9-1. A message of ours is a method with its header and its bodies, which the oracle lists alone.

use dissect::Exchange;
use dissect::exchange::Message as Whole;
use dissect::protocol::Content;
use dissect::protocol::amqp::field::Field;
use dissect::protocol::amqp::message::{Message, Says};
use serde_json::{Value, json};

use super::{Fields, Normal, Protocol, flow, set, text};

pub const PROTOCOL: Protocol = Protocol {
    name: "amqp",
    kinds: &[
        ("protocol_header", &["protocol"]),
        (
            "method",
            &[
                "channel",
                "class_id",
                "method_id",
                "name",
                "exchange",
                "routing_key",
                "queue",
                "consumer_tag",
                "delivery_tag",
                "reply_code",
                "reply_text",
                "vhost",
                "type",
                "message_count",
            ],
        ),
        ("header", &["channel", "class_id", "body_size", "content_type"]),
        ("body", &["channel", "length"]),
        ("heartbeat", &["channel"]),
    ],
    main: &["channel", "name", "routing_key", "delivery_tag", "body_size", "length"],
    of_exchange,
    exceptions: include_str!("../exceptions/amqp.tsv"),
};

fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    let there = flow(exchange.client, exchange.server);
    let back = flow(exchange.server, exchange.client);
    for (message, flow) in [(&exchange.request, there), (&exchange.response, back)] {
        if let Some(message) = message
            && let Content::Amqp(amqp) = &message.content
        {
            of_message(message, amqp, &flow, out);
        }
    }
}

fn of_message(message: &Whole, amqp: &Message, flow: &str, out: &mut Vec<Normal>) {
    let mut add = |kind, fields| out.push(Normal::of(&PROTOCOL, kind, message, flow.to_owned(), fields));
    let channel = || Fields::from([("channel".to_owned(), json!(amqp.channel))]);
    match &amqp.says {
        Says::Protocol(_) => add("protocol_header", Fields::from([("protocol".to_owned(), json!("AMQP"))])),
        Says::Heartbeat => add("heartbeat", channel()),
        Says::Method(method) => {
            let mut fields = channel();
            set(&mut fields, "class_id", json!(method.class));
            set(&mut fields, "method_id", json!(method.number));
            set(&mut fields, "name", json!(method.name()));
            for (theirs, ours) in [
                ("exchange", "exchange"),
                ("routing_key", "routingKey"),
                ("queue", "queue"),
                ("consumer_tag", "consumerTag"),
                ("delivery_tag", "deliveryTag"),
                ("reply_code", "replyCode"),
                ("reply_text", "replyText"),
                ("vhost", "virtualHost"),
                ("type", "type"),
                ("message_count", "messageCount"),
            ] {
                match method.arg(ours) {
                    Some(Field::Text(bytes)) => set(&mut fields, theirs, text(bytes)),
                    Some(Field::Unsigned(number)) => set(&mut fields, theirs, json!(number)),
                    _ => {}
                }
            }
            add("method", fields);
        }
    }
    let Some(content) = amqp.content.as_ref().filter(|content| content.has_header) else { return };
    let mut fields = channel();
    set(&mut fields, "class_id", json!(60));
    set(&mut fields, "body_size", json!(content.length_bytes));
    let content_type = content.properties.content_type.as_deref().map_or(Value::Null, text);
    set(&mut fields, "content_type", content_type);
    add("header", fields);
    if content.length_bytes > 0 {
        let mut fields = channel();
        set(&mut fields, "length", json!(content.length_bytes));
        add("body", fields);
    }
}
