//! Kafka requests and responses as fields.
//!
//! `payload` holds what the message says under the names of Kafka's protocol guide. Beside it stands what most
//! questions are about, alike for every API and version: topics, partitions, errors. Rows leave records out, and secrets.

mod records;
mod summary;
mod tree;

use dissect::protocol::Content;
use dissect::protocol::kafka::decode::End;
use dissect::protocol::kafka::message::{Request, Response, Topic, errors};
use dissect::protocol::kafka::{error, schema};
use serde_json::{Map, Value, json};

use super::description::{Description, Field};
use super::{Bodies, Said};

pub const DESCRIPTION: Description = Description {
    name: "kafka",
    abbr: "KAFKA",
    version: "12",
    long_name: "Apache Kafka Protocol",
    macro_name: "kafka",
    ports: &["9092"],
    priority: 2,
    background: "#000000",
    foreground: "#ffffff",
    reference: "https://kafka.apache.org/protocol",
    bodies: BODIES,
    fields: FIELDS,
    summary: summary::summary,
};

/// What an API without a head of its own is called: a token after an old `SaslHandshake`.
const TOKEN: &str = "SaslToken";

/// Records, and what is secret or opaque.
const BODIES: &[&[&str]] = &[
    &["request", "payload", "topicData", "*", "partitionData", "*", "records"],
    &["response", "payload", "responses", "*", "partitions", "*", "records"],
    &["response", "payload", "topics", "*", "partitions", "*", "unalignedRecords"],
    &["request", "payload", "authBytes"],
    &["request", "payload", "authBytesEncoding"],
    &["response", "payload", "authBytes"],
    &["response", "payload", "authBytesEncoding"],
    &["request", "payload", "hmac"],
    &["request", "payload", "hmacEncoding"],
    &["response", "payload", "hmac"],
    &["response", "payload", "hmacEncoding"],
    &["response", "payload", "tokens", "*", "hmac"],
    &["response", "payload", "tokens", "*", "hmacEncoding"],
    &["request", "payload", "upsertions", "*", "salt"],
    &["request", "payload", "upsertions", "*", "saltEncoding"],
    &["request", "payload", "upsertions", "*", "saltedPassword"],
    &["request", "payload", "upsertions", "*", "saltedPasswordEncoding"],
    &["request", "payload", "requestData"],
    &["request", "payload", "requestDataEncoding"],
    &["response", "payload", "responseData"],
    &["response", "payload", "responseDataEncoding"],
    &["request", "payload", "metrics"],
    &["request", "payload", "metricsEncoding"],
];

const FIELDS: &[Field] = &[
    Field::number("request.size", "length of the message, as it stands before it"),
    Field::number("request.apiKey", "number of the operation"),
    Field::text("request.apiKeyName", "name of the operation: Produce, Fetch, Metadata"),
    Field::number("request.apiVersion", "version of the operation"),
    Field::number("request.correlationID", "the response has the same"),
    Field::text("request.clientID", "how the client calls itself"),
    Field::any("request.topics.*", "names of the topics it is about; the id of one whose name was not seen"),
    Field::any("request.partitions.*", "the partitions it is about: orders[0]"),
    Field::text("request.damage", "why reading the payload ended early"),
    Field::number("request.payload.requiredAcks", "Produce: acknowledgements asked for: 0, 1, or -1 for all"),
    Field::number("request.payload.timeout", "Produce: patience, milliseconds"),
    Field::text("request.payload.transactionalID", "Produce: transaction, if it is part of one"),
    Field::text("request.payload.topicData.*.topic", "Produce: topic"),
    Field::number("request.payload.topicData.*.partitionData.*.index", "Produce: partition"),
    Field::number(
        "request.payload.topicData.*.partitionData.*.recordCount",
        "Produce: records for the partition",
    ),
    Field::number("request.payload.topicData.*.partitionData.*.recordsSize", "Produce: their bytes as sent"),
    Field::text(
        "request.payload.topicData.*.partitionData.*.records.recordBatch.*.compression",
        "none, gzip, snappy, lz4, zstd",
    ),
    Field::text(
        "request.payload.topicData.*.partitionData.*.records.recordBatch.*.record.*.key",
        "key of a record; base64 where it is not text",
    ),
    Field::text(
        "request.payload.topicData.*.partitionData.*.records.recordBatch.*.record.*.value",
        "value of a record; base64 where it is not text",
    ),
    Field::boolean(
        "request.payload.topicData.*.partitionData.*.records.recordBatch.*.partial",
        "whether the batch is cut; the records told of it are those that are whole",
    ),
    Field::text("request.payload.groupId", "consumer group"),
    Field::text("request.payload.memberId", "member of the group"),
    Field::text("request.payload.transactionalId", "transaction"),
    Field::text("request.payload.user", "who authenticates, where the mechanism tells: PLAIN, SCRAM"),
    Field::any("request.payload.*", "the request's fields by the names of Kafka's protocol guide"),
    Field::number("response.size", "length of the message, as it stands before it"),
    Field::number("response.correlationID", "as in the request"),
    Field::any("response.topics.*", "names of the topics it is about; the id of one whose name was not seen"),
    Field::any("response.partitions.*", "the partitions it is about: orders[0]"),
    Field::any("response.errors.*", "names of its errors, each once: UNKNOWN_TOPIC_OR_PARTITION"),
    Field::text("response.damage", "why reading the payload ended early"),
    Field::number("response.payload.errorCode", "error of the whole"),
    Field::text("response.payload.errorName", "its name: NONE, COORDINATOR_NOT_AVAILABLE"),
    Field::text("response.payload.responses.*.name", "Produce: topic"),
    Field::number("response.payload.responses.*.partitionResponses.*.index", "Produce: partition"),
    Field::number("response.payload.responses.*.partitionResponses.*.errorCode", "Produce: error"),
    Field::number(
        "response.payload.responses.*.partitionResponses.*.baseOffset",
        "Produce: offset of the first record",
    ),
    Field::text("response.payload.responses.*.topic", "Fetch: topic"),
    Field::number("response.payload.responses.*.partitions.*.partitionIndex", "Fetch: partition"),
    Field::number("response.payload.responses.*.partitions.*.recordCount", "Fetch: records of the partition"),
    Field::number(
        "response.payload.responses.*.partitions.*.highWatermark",
        "Fetch: offset behind the last record",
    ),
    Field::any(
        "response.payload.responses.*.partitions.*.records.*",
        "Fetch: records, as in a Produce request",
    ),
    Field::text("response.payload.brokers.*.host", "Metadata: host of a broker"),
    Field::number("response.payload.brokers.*.port", "Metadata: port of a broker"),
    Field::any("response.payload.*", "the response's fields by the names of Kafka's protocol guide"),
];

/// An exchange as fields.
pub fn said(asked: Option<&Content>, answered: Option<&Content>, bodies: Bodies) -> Said {
    let request = match asked {
        Some(Content::KafkaRequest(message)) => Some(request(message, bodies)),
        _ => None,
    };
    let response = match answered {
        Some(Content::KafkaResponse(message)) => Some(response(message, bodies)),
        _ => None,
    };
    Said { protocol: &DESCRIPTION, version: None, request, response }
}

/// The `request` of an entry.
fn request(request: &Request, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("size".into(), request.length_bytes.into());
    let Some(head) = &request.head else {
        fields.insert("apiKeyName".into(), TOKEN.into());
        fields.insert("payload".into(), tree::token(&request.body, bodies).into());
        return fields.into();
    };
    let api = schema::api(head.api_key);
    fields.insert("apiKey".into(), head.api_key.into());
    fields.insert(
        "apiKeyName".into(),
        api.map_or_else(|| head.api_key.to_string(), |api| api.name.into()).into(),
    );
    fields.insert("apiVersion".into(), head.api_version.into());
    fields.insert("correlationID".into(), head.correlation_id.into());
    fields.insert("clientID".into(), json!(head.client_id));
    add_topics(&mut fields, &request.topics);
    let decoded = request.payload();
    let mut payload = tree::Tree::new(&request.topics, bodies).structure(&decoded.fields);
    tree::add_familiar(&mut payload);
    fields.insert("payload".into(), payload.into());
    add_damage(&mut fields, decoded.end);
    fields.into()
}

/// The `response` of an entry.
fn response(response: &Response, bodies: Bodies) -> Value {
    let mut fields = Map::new();
    fields.insert("size".into(), response.length_bytes.into());
    let Some(correlation_id) = response.correlation_id else {
        fields.insert("payload".into(), tree::token(&response.body, bodies).into());
        return fields.into();
    };
    fields.insert("correlationID".into(), correlation_id.into());
    if response.api.is_none() {
        let damage = "the request, which tells how to read it, was not seen";
        fields.insert("damage".into(), damage.into());
        return fields.into();
    }
    add_topics(&mut fields, &response.topics);
    let decoded = response.payload();
    let errors = errors(&decoded.fields).into_iter().filter(|code| *code != 0);
    let errors: Vec<_> = errors.map(error_name).collect();
    if !errors.is_empty() {
        fields.insert("errors".into(), errors.into());
    }
    let payload = tree::Tree::new(&response.topics, bodies).structure(&decoded.fields);
    fields.insert("payload".into(), payload.into());
    add_damage(&mut fields, decoded.end);
    fields.into()
}

fn add_topics(fields: &mut Map<String, Value>, topics: &[Topic]) {
    if topics.is_empty() {
        return;
    }
    fields.insert("topics".into(), topics.iter().map(|topic| Value::from(topic.name.as_str())).collect());
    let named = |topic: &Topic| {
        let name = topic.name.clone();
        topic.partitions.clone().into_iter().map(move |partition| Value::from(format!("{name}[{partition}]")))
    };
    let partitions: Vec<Value> = topics.iter().flat_map(named).collect();
    if !partitions.is_empty() {
        fields.insert("partitions".into(), partitions.into());
    }
}

/// What is cut by a gap or a limit is told by `gaps` and `truncated`.
fn add_damage(fields: &mut Map<String, Value>, end: End) {
    let damage = match end {
        End::Whole | End::Cut => return,
        End::Early(bytes) => format!("{bytes} bytes more than this version has"),
        End::Malformed => "a length or a number that can't be".to_owned(),
        End::TooMany => "more values than are told".to_owned(),
        End::Unknown => "an API or a version that is not known".to_owned(),
    };
    fields.insert("damage".into(), damage.into());
}

fn error_name(code: i16) -> String {
    error::name(code).map_or_else(|| format!("error {code}"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use dissect::protocol::kafka::Dissector;
    use dissect::protocol::{Chunk, Direction, Mark, StreamDissector};
    use segment::{PacketRef, Timestamp};

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
        let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    /// The entry of what both sides said, as far as its protocol tells it.
    fn entry(steps: &[(Direction, Vec<u8>)], bodies: Bodies) -> Value {
        let mark = Mark {
            timestamp: Timestamp::from_nanos(0),
            packet: PacketRef { sequence: 0, frame: 0, index: 0 },
        };
        let (mut dissector, mut pairs) = (Dissector::new(1 << 20), Vec::new());
        for (direction, bytes) in steps {
            dissector.feed(*direction, Chunk::Data { bytes, mark }, &mut pairs);
        }
        dissector.finish(&mut pairs);
        let pair = pairs.pop().unwrap();
        let content =
            |message: &Option<dissect::Message>| message.as_ref().map(|message| message.content.clone());
        let (request, response) = (content(&pair.request), content(&pair.response));
        let said = said(request.as_ref(), response.as_ref(), bodies);
        json!({"protocol": {"abbr": "KAFKA"}, "request": said.request, "response": said.response})
    }

    fn produce() -> [(Direction, Vec<u8>); 2] {
        let request = "0000007a000000030000000400067072 6f642d31ffff0001000005dc0000000100066f7264657273000000010000\
            00000000004a00000000000000000000003e000000000200000000000000000000000001 86d8d4bd3c00000186d8d4bd3cff\
            ffffffffffffffffffffffffff000000011800000002 6b0a776f726c6400";
        let response = "0000002e000000040000000100066f72646572730000000100000000000000000000 0000002affffffffffffff\
            ff00000000";
        [(Direction::ToServer, hex(request)), (Direction::ToClient, hex(response))]
    }

    #[test]
    fn a_produce_is_told_in_both_tongues() {
        let told = entry(&produce(), Bodies::Kept);
        let at = |path: &str| told.pointer(path).unwrap_or_else(|| panic!("{path} in {told}")).clone();
        assert_eq!(at("/request/apiKeyName"), "Produce");
        assert_eq!(at("/request/size"), 122);
        assert_eq!(at("/request/clientID"), "prod-1");
        assert_eq!(
            (at("/request/topics"), at("/request/partitions")),
            (json!(["orders"]), json!(["orders[0]"]))
        );
        assert_eq!((at("/request/payload/acks"), at("/request/payload/requiredAcks")), (json!(1), json!(1)));
        assert_eq!(at("/request/payload/topicData/0/topic"), "orders");
        let partition = at("/request/payload/topicData/0/partitionData/0");
        assert_eq!((&partition["recordCount"], &partition["recordsSize"]), (&json!(1), &json!(74)));
        let batch = &partition["records"]["recordBatch"][0];
        assert_eq!(batch["compression"], "none");
        assert_eq!(
            batch["record"][0],
            json!({"offset": 0, "timestamp": 1_678_675_066_172_i64, "key": "k", "value": "world", "headers": []})
        );
        let stored = at("/response/payload/responses/0/partitionResponses/0");
        assert_eq!((&stored["baseOffset"], &stored["errorName"]), (&json!(42), &json!("NONE")));
        let line = summary::summary(&entry(&produce(), Bodies::Left));
        assert_eq!(
            (line.method.as_str(), line.text.as_str(), line.status.as_str()),
            ("Produce", "orders[0] 1 record", "NONE, offset 42")
        );
    }

    #[test]
    fn rows_leave_records_and_secrets_out() {
        let bare = super::super::without_bodies(entry(&produce(), Bodies::Kept));
        assert_eq!(bare, entry(&produce(), Bodies::Left));
        // SaslHandshake 0, its answer, a token of PLAIN, and its answer.
        let steps = [
            (Direction::ToServer, hex("00000014 0011000000000001 0003636c69 0005504c41494e")),
            (Direction::ToClient, hex("00000011 00000001 0000 00000001 0005504c41494e")),
            (Direction::ToServer, hex("0000000d 00616c69636500736563726574")),
            (Direction::ToClient, hex("00000000")),
        ];
        let told = entry(&steps, Bodies::Left);
        assert_eq!(told["request"]["payload"], json!({"user": "alice"}));
        assert_eq!(summary::summary(&told).text, "alice");
        assert_eq!(entry(&steps, Bodies::Kept)["request"]["payload"]["authBytes"], "\0alice\0secret");
    }
}
