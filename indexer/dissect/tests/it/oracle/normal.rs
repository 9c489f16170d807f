//! One form for messages: ours and the oracle's.

use std::collections::BTreeMap;
use std::fmt;

use dissect::Exchange;
use dissect::exchange::{Endpoint, Message};
use dissect::protocol::Content;
use dissect::protocol::dns::code::RecordType;
use dissect::protocol::dns::data::RecordData;
use dissect::protocol::dns::message::{Message as Dns, Question, Record};
use dissect::protocol::http1::message::{Body, Headers};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

type Fields = BTreeMap<String, Value>;

/// A message in the form of `make_oracle.py`.
#[derive(Clone)]
pub struct Normal {
    pub proto: &'static str,
    pub kind: &'static str,
    /// The file's packet that completed it, from 1.
    pub frame: u64,
    /// Addresses and ports, from sender to receiver.
    pub flow: String,
    /// What tells it from its neighbours.
    pub main: String,
    pub fields: Fields,
    /// What our side says about its wholeness.
    pub note: String,
}

impl fmt::Display for Normal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} frame {} {} {}{}",
            self.proto,
            self.kind,
            self.frame,
            self.flow,
            self.main.replace('\t', " "),
            self.note
        )
    }
}

/// What is compared, besides the frame.
const HTTP_FIELDS: [&str; 13] = [
    "method",
    "uri",
    "version",
    "host",
    "user_agent",
    "status",
    "phrase",
    "content_length",
    "content_type",
    "transfer_encoding",
    "content_encoding",
    "body_len",
    "body_sha256",
];
const DNS_FIELDS: [&str; 12] = [
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

/// A line of the oracle, if it is of our protocols. Messages that were inside TLS need keys and are left out.
pub fn of_oracle(line: &Value) -> Option<Normal> {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let (proto, kind, names) = match (line["proto"].as_str()?, line["kind"].as_str()?) {
        ("http", "request") => ("http", "request", HTTP_FIELDS.as_slice()),
        ("http", "response") => ("http", "response", HTTP_FIELDS.as_slice()),
        ("dns", "query") => ("dns", "query", DNS_FIELDS.as_slice()),
        ("dns", "response") => ("dns", "response", DNS_FIELDS.as_slice()),
        _ => return None,
    };
    if line["over_tls"] == json!(true) {
        return None;
    }
    // No port: a packet quoted in an ICMP error, which is no message that was sent here.
    if line["sport"].is_null() && line["src"] != json!("") {
        return None;
    }
    let mut fields: Fields = names
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), line.get(*name)?.clone())))
        .filter(|(_, value)| *value != json!(""))
        .collect();
    if fields.get("body_len") == Some(&json!(0)) {
        fields.retain(|name, _| !name.starts_with("body_"));
    }
    let flow = format!("{}:{} {}:{}", text("src"), line["sport"], text("dst"), line["dport"]);
    Some(Normal {
        proto,
        kind,
        frame: line["frame"].as_u64()?,
        flow,
        main: main(&fields),
        fields,
        note: String::new(),
    })
}

fn main(fields: &Fields) -> String {
    ["method", "uri", "status", "id", "qname", "qtype"]
        .iter()
        .filter_map(|name| fields.get(*name))
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The messages of an exchange.
pub fn of_exchange(exchange: &Exchange, out: &mut Vec<Normal>) {
    let to_server = flow(exchange.client, exchange.server);
    let to_client = flow(exchange.server, exchange.client);
    if let Some(request) = &exchange.request {
        out.push(of_message(request, "request", "query", to_server));
    }
    if let Some(response) = &exchange.response {
        if let Content::Http1Response(content) = &response.content {
            for interim in &content.interim {
                let mut fields = header_fields(&interim.headers);
                set_status(&mut fields, interim.status, &interim.reason, &interim.version);
                let frame = u64::from(interim.last.packet.index) + 1;
                let (main, note) = (main(&fields), String::new());
                out.push(Normal {
                    proto: "http",
                    kind: "response",
                    frame,
                    flow: to_client.clone(),
                    main,
                    fields,
                    note,
                });
            }
        }
        out.push(of_message(response, "response", "response", to_client));
    }
}

fn flow(from: Endpoint, to: Endpoint) -> String {
    format!("{}:{} {}:{}", from.ip, from.port, to.ip, to.port)
}

fn of_message(message: &Message, http: &'static str, dns: &'static str, flow: String) -> Normal {
    let (proto, kind, fields) = match &message.content {
        Content::Http1Request(request) => {
            let mut fields = header_fields(&request.headers);
            set(&mut fields, "method", text(&request.method));
            set(&mut fields, "uri", text(&request.target));
            set(&mut fields, "version", text(&request.version));
            set_body(&mut fields, &request.body, &request.decoded(1 << 26).bytes);
            ("http", http, fields)
        }
        Content::Http1Response(response) => {
            let mut fields = header_fields(&response.headers);
            set_status(&mut fields, response.status, &response.reason, &response.version);
            set_body(&mut fields, &response.body, &response.decoded(1 << 26).bytes);
            ("http", http, fields)
        }
        Content::Dns(message) => ("dns", dns, dns_fields(message)),
        _ => panic!("a protocol without an oracle here"),
    };
    let frame = u64::from(message.last.index) + 1;
    let note = note(message);
    Normal { proto, kind, frame, flow, main: main(&fields), fields, note }
}

fn note(message: &Message) -> String {
    let (body, cut) = match &message.content {
        Content::Http1Request(request) => (&request.body, request.oddities.head_cut),
        Content::Http1Response(response) => (&response.body, response.oddities.head_cut),
        _ => return String::new(),
    };
    let is = |is: bool, what: &'static str| if is { what } else { "" };
    [is(cut, " head cut"), is(!body.complete, " incomplete"), is(message.gap_bytes > 0, " gap")].concat()
}

fn set(fields: &mut Fields, name: &str, value: Value) {
    if value != json!("") && value != json!([]) && !value.is_null() {
        fields.insert(name.to_owned(), value);
    }
}

fn text(bytes: &[u8]) -> Value {
    Value::String(String::from_utf8_lossy(bytes).into_owned())
}

fn set_status(fields: &mut Fields, status: u16, reason: &[u8], version: &[u8]) {
    set(fields, "status", json!(status));
    set(fields, "phrase", text(reason));
    set(fields, "version", text(version));
}

fn header_fields(headers: &Headers) -> Fields {
    let mut fields = Fields::new();
    for (name, header) in [
        ("host", "host"),
        ("user_agent", "user-agent"),
        ("content_type", "content-type"),
        ("transfer_encoding", "transfer-encoding"),
        ("content_encoding", "content-encoding"),
    ] {
        if let Some(value) = headers.value(header) {
            set(&mut fields, name, text(value));
        }
    }
    let length = headers
        .value("content-length")
        .and_then(|value| std::str::from_utf8(value).ok()?.parse::<u64>().ok());
    set(&mut fields, "content_length", json!(length));
    fields
}

fn set_body(fields: &mut Fields, body: &Body, decoded: &[u8]) {
    if body.length_bytes > 0 && !decoded.is_empty() {
        set(fields, "body_len", json!(decoded.len()));
        set(
            fields,
            "body_sha256",
            json!(Sha256::digest(decoded).iter().map(|b| format!("{b:02x}")).collect::<String>()),
        );
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
