//! DNS queries and responses as fields.

use dissect::protocol::Content;
use dissect::protocol::dns::code::Rcode;
use dissect::protocol::dns::data::RecordData;
use dissect::protocol::dns::message::{Message, Question, Record};
use serde_json::{Map, Value, json};

use super::Said;
use super::description::{Description, Field, Outcome, Summary};

pub const DESCRIPTION: Description = Description {
    name: "dns",
    abbr: "DNS",
    version: "0",
    long_name: "Domain Name System",
    macro_name: "dns",
    ports: &["53", "5353", "5355"],
    priority: 4,
    background: "#606060",
    foreground: "#ffffff",
    reference: "https://www.rfc-editor.org/rfc/rfc1035",
    bodies: &[],
    fields: FIELDS,
    summary,
};

/// The fields of both messages; records are told alike wherever they stand.
const FIELDS: &[Field] = &[
    Field::number("request.id", "transaction id"),
    Field::text("request.opCode", "operation: Query, Status, Notify, Update"),
    Field::boolean("request.recursionDesired", "whether the client asks for recursion"),
    Field::text("request.questions.*.name", "name asked for"),
    Field::text("request.questions.*.type", "record type asked for"),
    Field::text("request.questions.*.class", "class, nearly always IN"),
    Field::any("request.answers.*.*", "records the query brings along, as in response.answers"),
    Field::any("request.authorities.*.*", "records the query brings along, as in response.answers"),
    Field::any("request.additionals.*.*", "records the query brings along: EDNS options"),
    Field::text("request.damage", "why reading the query ended early"),
    Field::number("response.id", "transaction id"),
    Field::text("response.opCode", "operation"),
    Field::text("response.code", "response code in words: No Error, Non-Existent Domain"),
    Field::boolean(
        "response.codePartial",
        "whether the upper bits of the code, which stand in the OPT record, may be in what is missing",
    ),
    Field::boolean("response.authoritative", "whether the server owns the zone"),
    Field::boolean("response.truncated", "whether the answer did not fit; the client asks again over TCP"),
    Field::boolean("response.recursionAvailable", "whether the server recurses"),
    Field::text("response.questions.*.name", "name asked for, repeated by the server"),
    Field::text("response.questions.*.type", "record type asked for"),
    Field::text("response.questions.*.class", "class"),
    Field::text("response.answers.*.name", "owner of the record"),
    Field::text("response.answers.*.type", "record type"),
    Field::text("response.answers.*.class", "class"),
    Field::number("response.answers.*.ttl", "time to live, seconds"),
    Field::text(
        "response.answers.*.*",
        "the record's data under the name of its type: ip, cname, ns, ptr, txts, soa, srv, mx, opt, uri, data",
    ),
    Field::any("response.authorities.*.*", "records of the authority section, as in response.answers"),
    Field::any("response.additionals.*.*", "records of the additional section, as in response.answers"),
    Field::text("response.damage", "why reading the response ended early"),
];

/// `name TYPE`, and the response code.
fn summary(entry: &Value) -> Summary {
    let lists = ["/request/questions", "/response/questions", "/response/answers"];
    let list = lists.iter().filter_map(|path| entry.pointer(path)?.as_array()).find(|list| !list.is_empty());
    let text = list.map(|list| {
        let of = |field: &str| list.first().and_then(|first| first[field].as_str()).unwrap_or_default();
        let more = if list.len() > 1 { format!(" (+{})", list.len() - 1) } else { String::new() };
        format!("{} {}{more}", of("name"), of("type"))
    });
    let status = entry["response"]["code"].as_str().unwrap_or_default();
    Summary {
        method: String::new(),
        text: text.unwrap_or_default(),
        status: status.to_owned(),
        outcome: match (status, &entry["response"]["codePartial"]) {
            ("No Error", Value::Bool(true)) => Outcome::Neutral,
            ("No Error", _) => Outcome::Good,
            _ => Outcome::Bad,
        },
    }
}

/// An exchange as fields.
pub fn said(query: Option<&Content>, answer: Option<&Content>) -> Said {
    let part = |content: Option<&Content>, part: fn(&Message) -> Value| match content {
        Some(Content::Dns(message)) => Some(part(message)),
        _ => None,
    };
    Said {
        protocol: &DESCRIPTION,
        version: None,
        request: part(query, request),
        response: part(answer, response),
    }
}

/// The `request` of an entry.
fn request(message: &Message) -> Value {
    let mut fields = common(message);
    fields.insert("recursionDesired".into(), message.flags.recursion_desired().into());
    fields.into()
}

/// The `response` of an entry.
fn response(message: &Message) -> Value {
    let mut fields = common(message);
    fields.insert("code".into(), code_name(message.rcode).into());
    if !message.is_rcode_whole() {
        fields.insert("codePartial".into(), true.into());
    }
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

#[cfg(test)]
mod tests {
    use dissect::protocol::dns::frame;

    use super::*;

    /// BADVERS: 0 in the header, and 1 in the OPT record, which comes last (RFC 6891 §6.1.3).
    const BADVERS: &[u8] =
        b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\x01\x01a\0\0\x01\0\x01\0\0\x29\x04\xd0\x01\0\0\0\0\0";
    /// The same without an OPT record, and so without an error.
    const NO_ERROR: &[u8] = b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\0\x01a\0\0\x01\0\x01";

    fn entry(bytes: &[u8]) -> Option<Value> {
        let content = Content::Dns(frame::message(bytes).ok()?);
        Some(json!({"response": said(None, Some(&content)).response}))
    }

    #[test]
    fn a_cut_response_claims_no_more_of_its_code_than_is_there() {
        let whole = entry(BADVERS).unwrap();
        assert_eq!((&whole["response"]["code"], summary(&whole).outcome), (&json!("BADVERS"), Outcome::Bad));
        for length in 0..BADVERS.len() {
            let Some(cut) = entry(&BADVERS[..length]) else {
                assert!(length < frame::HEADER_BYTES);
                continue;
            };
            let response = &cut["response"];
            assert_eq!((&response["code"], &response["codePartial"]), (&json!("No Error"), &json!(true)));
            assert_eq!(
                (&response["damage"], summary(&cut).outcome),
                (&json!("message is cut"), Outcome::Neutral)
            );
        }
        for length in frame::HEADER_BYTES..=NO_ERROR.len() {
            let told = entry(&NO_ERROR[..length]).unwrap();
            assert!(told["response"]["codePartial"].is_null() && summary(&told).outcome == Outcome::Good);
        }
    }
}
