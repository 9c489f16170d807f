//! Redis against `FILE.redis-hiredis.jsonl`: what hiredis, the C client library, reads in the same streams.
//! It knows RESP3 and is given inline commands, which tshark 4.0 isn't.

use std::collections::BTreeMap;

use dissect::protocol::Content;
use dissect::protocol::redis::message::{Data, Kind, Role, Value as Resp};
use dissect::{Dissector, Exchange, Limits, Message};
use serde_json::{Value, json};

use super::normal::redis::shown;
use crate::corpus;

/// What hiredis reads otherwise than we, and why.
const LEFT_OUT: [(&str, &str); 2] = [
    ("redis-zeek-redis-attr.pcap", "hiredis takes an attribute for a value"),
    ("redis-spicyredis-tls.pcap", "is TLS"),
];

/// Messages by sender and receiver.
type Streams = BTreeMap<(String, String), Vec<Value>>;

#[test]
fn messages_are_those_that_hiredis_reads() {
    let Some(folder) = corpus::corpus() else { return };
    let (mut expected_count, mut missing) = (0, Vec::new());
    for capture in corpus::with_oracle(&folder, ".redis-hiredis.jsonl") {
        let name = capture.file_name().unwrap().to_string_lossy().into_owned();
        if LEFT_OUT.iter().any(|(file, _)| *file == name) {
            continue;
        }
        let mut found = dissect_file(&capture);
        for line in corpus::oracle(&capture, ".redis-hiredis.jsonl") {
            let said = match line["kind"].as_str().unwrap() {
                "command" => line["args"].clone(),
                "reply" => line["value"].clone(),
                _ => continue,
            };
            expected_count += 1;
            let said = if line["inline"] == true { bare(said.as_str().unwrap()) } else { said };
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            let stream = found.entry((text("from"), text("to"))).or_default();
            match stream.iter().position(|ours| *ours == said) {
                Some(at) => drop(stream.remove(at)),
                None => missing.push(format!("{name}: {said}")),
            }
        }
    }
    assert!(missing.is_empty(), "{} of {expected_count}:\n{}", missing.len(), missing.join("\n"));
    assert!(expected_count > 2500, "{expected_count} messages");
}

fn dissect_file(capture: &std::path::Path) -> Streams {
    let mut dissector = Dissector::new(Limits { body_bytes_max: 1 << 26, ..Limits::default() });
    let mut streams = Streams::new();
    let mut sink = |exchange: Exchange| {
        let (client, server) = (ended(&exchange.client), ended(&exchange.server));
        let ways = [(&exchange.request, &client, &server), (&exchange.response, &server, &client)];
        for (message, from, to) in ways {
            if let Some(message) = message {
                streams.entry((from.clone(), to.clone())).or_default().extend(said(message));
            }
        }
    };
    for (number, packet) in corpus::packets(capture).iter().enumerate() {
        dissector.packet(&packet.packet(), corpus::place(number), &mut sink);
    }
    dissector.finish(&mut sink);
    streams
}

fn ended(end: &dissect::Endpoint) -> String {
    std::net::SocketAddr::new(end.ip, end.port).to_string()
}

/// What a message says, in hiredis' form; confirmations of one command are several replies there.
fn said(message: &Message) -> Vec<Value> {
    match &message.content {
        Content::RedisCommand(command) => {
            let words: Vec<Value> = command.args.iter().map(|word| bulk(&word.bytes)).collect();
            if command.inline {
                let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
                return vec![bare(&words.join(" "))];
            }
            vec![words.into()]
        }
        Content::RedisReply(reply) => {
            let is_list = reply.role == Role::Confirmation
                && reply.value.items().iter().any(|item| !item.items().is_empty());
            if is_list { reply.value.items().iter().map(value).collect() } else { vec![value(&reply.value)] }
        }
        _ => Vec::new(),
    }
}

/// A line without what quotes it.
fn bare(line: &str) -> Value {
    line.chars().filter(|letter| !"\"'\\ ".contains(*letter)).collect::<String>().into()
}

fn value(value_: &Resp) -> Value {
    match (&value_.data, value_.kind) {
        (Data::Null, _) => Value::Null,
        (Data::Integer(number), _) => json!(number),
        (Data::Boolean(is), _) => json!(is),
        (Data::Bytes(blob), Kind::Error | Kind::BulkError) => {
            json!({"error": String::from_utf8_lossy(&blob.bytes)})
        }
        (Data::Bytes(blob), _) => bulk(&blob.bytes),
        (Data::Items(items), kind) => {
            let mut values: Vec<Value> = items.values.iter().map(value).collect();
            if kind == Kind::Map {
                let pairs: Vec<Value> = values.chunks(2).take(50).map(|pair| json!(pair)).collect();
                return json!({"map": pairs});
            }
            if values.len() > 50 && kind != Kind::Push {
                let all = values.len();
                values.truncate(50);
                values.push(format!("... {all} in all").into());
            }
            if kind == Kind::Push { json!({"push": values}) } else { values.into() }
        }
    }
}

fn bulk(bytes: &[u8]) -> Value {
    if bytes.len() <= 200 {
        return shown(bytes);
    }
    json!({"bulk_len": bytes.len(), "starts": shown(&bytes[..40])})
}
