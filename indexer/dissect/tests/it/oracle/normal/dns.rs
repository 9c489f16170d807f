//! DNS.

use dissect::Exchange;
use dissect::protocol::Content;
use dissect::protocol::dns::code::RecordType;
use dissect::protocol::dns::data::RecordData;
use dissect::protocol::dns::message::{Message as Dns, Question, Record};
use serde_json::{Value, json};

use super::{Fields, Normal, Protocol, flow, set, text};

pub const PROTOCOL: Protocol = Protocol {
    name: "dns",
    kinds: &[("query", &FIELDS), ("response", &FIELDS)],
    main: &["id", "qname", "qtype"],
    of_exchange,
    exceptions: include_str!("../exceptions/dns.tsv"),
};

const FIELDS: [&str; 12] = [
    "id",
    "opcode",
    "rcode",
    "tc",
    "qname",
    "qtype",
    "qclass",
    "more_questions",
    "counts",
    "answers",
    "authority",
    "additional",
];

fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    if let Some(message) = &exchange.request
        && let Content::Dns(dns) = &message.content
    {
        let flow = flow(exchange.client, exchange.server);
        out.push(Normal::of(&PROTOCOL, "query", message, flow, dns_fields(dns)));
    }
    if let Some(message) = &exchange.response
        && let Content::Dns(dns) = &message.content
    {
        let flow = flow(exchange.server, exchange.client);
        out.push(Normal::of(&PROTOCOL, "response", message, flow, dns_fields(dns)));
    }
}

fn dns_fields(message: &Dns) -> Fields {
    let mut fields = Fields::new();
    set(&mut fields, "id", json!(message.id));
    set(&mut fields, "opcode", json!(message.flags.opcode()));
    if message.flags.response() {
        set(&mut fields, "rcode", json!(message.flags.rcode()));
    }
    if message.flags.truncated() {
        set(&mut fields, "tc", json!(1));
    }
    if let Some(question) = message.questions.first() {
        set(&mut fields, "qname", name(question.name.as_str()));
        set(&mut fields, "qtype", kind(question.kind));
        set(&mut fields, "qclass", json!(question.class.0));
    }
    let more = |question: &Question| json!([name(question.name.as_str()), question.kind.0, question.class.0]);
    set(&mut fields, "more_questions", message.questions.iter().skip(1).map(more).collect());
    set(&mut fields, "counts", json!(message.counts));
    set(&mut fields, "answers", message.answers.iter().map(record).collect());
    set(&mut fields, "authority", message.authorities.iter().map(record).collect());
    set(&mut fields, "additional", message.additionals.iter().map(record).collect());
    fields
}

/// tshark writes the bytes of labels as they are, and the root as `<Root>`.
fn name(ours: &str) -> Value {
    if ours == "." {
        return json!("<Root>");
    }
    let mut bytes = Vec::new();
    let mut rest = ours.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = match (byte, after) {
            (b'\\', [b'0', b'0', b'0', after @ ..]) => {
                bytes.extend(br"\000");
                after
            }
            (b'\\', [d @ b'0'..=b'9', e, f, after @ ..]) => {
                bytes.push((d - b'0') * 100 + (e - b'0') * 10 + (f - b'0'));
                after
            }
            (b'\\', [plain, after @ ..]) => {
                bytes.push(*plain);
                after
            }
            _ => {
                bytes.push(byte);
                after
            }
        };
    }
    text(&bytes)
}

/// The oracle names only these types.
fn kind(kind: RecordType) -> Value {
    const NAMED: [u16; 27] = [
        1, 2, 5, 6, 12, 13, 15, 16, 28, 33, 35, 39, 41, 43, 46, 47, 48, 50, 51, 52, 64, 65, 99, 250, 251,
        252, 255,
    ];
    if NAMED.contains(&kind.0) || kind.0 == 257 { json!(kind.to_string()) } else { json!(kind.0) }
}

fn record(record: &Record) -> Value {
    let mut fields = serde_json::Map::new();
    fields.insert("name".into(), name(record.name.as_str()));
    fields.insert("type".into(), kind(record.kind));
    fields.insert("ttl".into(), json!(record.ttl));
    let mut add = |key: &str, value: Value| fields.insert(key.into(), value);
    match (&record.data, record.kind) {
        (RecordData::A(address), _) => add("a", json!(address.to_string())),
        (RecordData::Aaaa(address), _) => add("aaaa", json!(address.to_string())),
        (RecordData::Name(target), RecordType::CNAME) => add("cname", name(target.as_str())),
        (RecordData::Name(target), RecordType::NS) => add("ns", name(target.as_str())),
        (RecordData::Name(target), RecordType::PTR) => add("ptr.domain_name", name(target.as_str())),
        (RecordData::Preference { preference, name: target }, RecordType::MX) => {
            add("mx.mail_exchange", name(target.as_str()));
            add("mx.preference", json!(preference.to_string()))
        }
        (RecordData::Strings(strings), RecordType::TXT) => match strings.as_slice() {
            [one] => add("txt", text(one)),
            many => add("txt", many.iter().map(|one| text(one)).collect()),
        },
        (RecordData::Srv { port, target, .. }, _) => {
            add("srv.target", name(target.as_str()));
            add("srv.port", json!(port.to_string()))
        }
        (RecordData::Soa { mname, serial, .. }, _) => {
            add("soa.mname", name(mname.as_str()));
            add("soa.serial_number", json!(serial.to_string()))
        }
        (RecordData::Svcb { target, .. }, _) => add("svcb.targetname", name(target.as_str())),
        (RecordData::Ds { key_tag, .. }, RecordType::DS) => {
            add("ds.key_id", json!(format!("0x{key_tag:04x}")))
        }
        (RecordData::Caa { value, .. }, _) => add("caa.value", text(value)),
        _ => None,
    };
    Value::Object(fields)
}
