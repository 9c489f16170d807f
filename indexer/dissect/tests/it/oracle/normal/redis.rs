//! Redis. tshark 4.0 knows arrays of RESP2, so inline commands and replies of RESP3 are not compared here;
//! `hiredis` does.

use dissect::Exchange;
use dissect::protocol::Content;
use dissect::protocol::redis::message::{Command, Data, Kind, Role, Value as Resp};
use serde_json::{Value, json};

use super::{Fields, Normal, Protocol, flow, set};

pub const PROTOCOL: Protocol = Protocol {
    name: "redis",
    kinds: &[("command", &["command", "args_n", "args"]), ("reply", &["type", "length", "value"])],
    main: &["command", "args", "type", "value"],
    of_exchange,
    exceptions: include_str!("../exceptions/redis.tsv"),
};

fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    let there = flow(exchange.client, exchange.server);
    let back = flow(exchange.server, exchange.client);
    let messages = [(&exchange.request, there), (&exchange.response, back)];
    for (message, flow) in messages.iter().filter_map(|(message, flow)| Some((message.as_ref()?, flow))) {
        match &message.content {
            Content::RedisCommand(command) if !command.inline => {
                out.push(Normal::of(&PROTOCOL, "command", message, flow.clone(), command_fields(command)));
            }
            Content::RedisReply(reply) => {
                for value in values(&reply.value, reply.role) {
                    if is_resp2(value) {
                        let fields = reply_fields(value);
                        out.push(Normal::of(&PROTOCOL, "reply", message, flow.clone(), fields));
                    }
                }
            }
            _ => {}
        }
    }
}

/// Confirmations of one command come as one reply of ours.
fn values(value: &Resp, role: Role) -> Vec<&Resp> {
    let is_list = role == Role::Confirmation && value.items().iter().any(|item| !item.items().is_empty());
    if is_list { value.items().iter().collect() } else { vec![value] }
}

fn is_resp2(value: &Resp) -> bool {
    matches!(value.kind, Kind::SimpleString | Kind::Error | Kind::Integer | Kind::BulkString | Kind::Array)
        && value.items().iter().all(is_resp2)
}

fn command_fields(command: &Command) -> Fields {
    let mut fields = Fields::new();
    let args: Vec<Value> = command.args.iter().take(20).map(|word| shown(&word.bytes)).collect();
    if let Some(name) = args.first().and_then(Value::as_str) {
        set(&mut fields, "command", json!(name.to_uppercase()));
    }
    set(&mut fields, "args_n", json!(command.args_count));
    set(&mut fields, "args", args.into());
    fields
}

fn reply_fields(value: &Resp) -> Fields {
    let mut fields = Fields::new();
    let [kind, length, text] = triple(value);
    set(&mut fields, "type", kind);
    set(&mut fields, "length", length);
    set(&mut fields, "value", text);
    fields
}

/// Type, length and value, as the oracle has them.
fn triple(value: &Resp) -> [Value; 3] {
    match (&value.data, value.kind) {
        (Data::Null, Kind::Array) => [json!("array"), json!(-1), json!([])],
        (Data::Null, _) => [json!("bulk"), json!(-1), Value::Null],
        (Data::Integer(number), _) => [json!("integer"), Value::Null, json!(number)],
        (Data::Bytes(blob), Kind::BulkString) => {
            [json!("bulk"), json!(blob.length_bytes), shown(&blob.bytes)]
        }
        (Data::Bytes(blob), kind) => {
            let kind = if kind == Kind::Error { "error" } else { "simple" };
            [json!(kind), Value::Null, shown(&blob.bytes)]
        }
        (Data::Items(items), _) => {
            let element = |value: &Resp| match triple(value) {
                [kind, length, _] if kind == "array" => json!([kind, length, "..."]),
                triple => json!(triple),
            };
            let elements = items.values.iter().take(20).map(element).collect();
            [json!("array"), json!(items.count), elements]
        }
        (Data::Boolean(_), _) => unreachable!("RESP3 only"),
    }
}

/// The first 200 bytes; what is no UTF-8 as `\xNN`.
pub fn shown(bytes: &[u8]) -> Value {
    let mut text = String::new();
    for chunk in bytes[..bytes.len().min(200)].utf8_chunks() {
        text += chunk.valid();
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text.into()
}
