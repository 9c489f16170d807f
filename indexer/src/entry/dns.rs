//! DNS queries and responses as fields.

use dissect::protocol::dns::code::Rcode;
use dissect::protocol::dns::data::RecordData;
use dissect::protocol::dns::message::{Message, Question, Record};
use serde_json::{Map, Value, json};

/// The `request` of an entry.
pub fn request(message: &Message) -> Value {
    let mut fields = common(message);
    fields.insert("recursionDesired".into(), message.flags.recursion_desired().into());
    fields.into()
}

/// The `response` of an entry.
pub fn response(message: &Message) -> Value {
    let mut fields = common(message);
    fields.insert("code".into(), code_name(message.rcode).into());
    fields.insert("authoritative".into(), message.flags.authoritative().into());
    fields.insert("truncated".into(), message.flags.truncated().into());
    fields.insert("recursionAvailable".into(), message.flags.recursion_available().into());
    fields.into()
}

fn common(message: &Message) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("id".into(), message.id.into());
    fields.insert("opCode".into(), message.opcode().to_string().into());
    fields.insert("questions".into(), message.questions.iter().map(question).collect());
    for (name, records) in [
        ("answers", &message.answers),
        ("authorities", &message.authorities),
        ("additionals", &message.additionals),
    ] {
        if !records.is_empty() {
            fields.insert(name.into(), records.iter().map(record).collect());
        }
    }
    if let Some(damage) = message.damage {
        fields.insert("damage".into(), damage.to_string().into());
    }
    fields
}

fn question(question: &Question) -> Value {
    json!({
        "name": question.name.to_string(),
        "type": question.kind.to_string(),
        "class": question.class.to_string(),
    })
}

/// A record: `data` is its text in a zone file's notation; the field named for its type holds the same.
fn record(record: &Record) -> Value {
    let data = record.data.to_string();
    let mut fields = Map::new();
    fields.insert("name".into(), record.name.to_string().into());
    fields.insert("type".into(), record.kind.to_string().into());
    fields.insert("class".into(), record.class.to_string().into());
    fields.insert("ttl".into(), record.ttl.into());
    let kind = record.kind.to_string();
    let field = match &record.data {
        RecordData::A(_) | RecordData::Aaaa(_) => "ip",
        RecordData::Strings(_) => "txts",
        _ => match kind.as_str() {
            "NS" => "ns",
            "CNAME" => "cname",
            "PTR" => "ptr",
            "SOA" => "soa",
            "SRV" => "srv",
            "MX" => "mx",
            "OPT" => "opt",
            "URI" => "uri",
            _ => "data",
        },
    };
    fields.insert(field.into(), data.into());
    fields.into()
}

/// Response codes in the words that Kubeshark's entries use; newer ones by their registered names.
fn code_name(code: Rcode) -> String {
    let name = match code.0 {
        0 => "No Error",
        1 => "Format Error",
        2 => "Server Failure",
        3 => "Non-Existent Domain",
        4 => "Not Implemented",
        5 => "Query Refused",
        6 => "Name Exists when it should not",
        7 => "RR Set Exists when it should not",
        8 => "RR Set that should exist does not",
        9 => "Server Not Authoritative for zone",
        10 => "Name not contained in zone",
        _ => return code.to_string(),
    };
    name.to_owned()
}
