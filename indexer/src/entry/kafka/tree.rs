//! What a message's body says, as JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dissect::protocol::kafka::message::Topic;
use dissect::protocol::kafka::record;
use dissect::protocol::kafka::value::{Value as Said, uuid_text};
use serde_json::{Map, Value};

use super::super::Bodies;
use super::{error_name, records};

/// Most bytes of a message's records once they are decompressed.
const DECODED_BYTES_MAX: usize = 4 << 20;

/// Bytes that rows leave out: secrets, and what only a program reads.
const HIDDEN: [&str; 7] =
    ["authBytes", "hmac", "salt", "saltedPassword", "requestData", "responseData", "metrics"];

/// Turns values into JSON.
pub struct Tree<'t> {
    topics: &'t [Topic],
    bodies: Bodies,
    records: record::Reader,
}

impl<'t> Tree<'t> {
    /// For a message that names these topics.
    pub fn new(topics: &'t [Topic], bodies: Bodies) -> Self {
        Self { topics, bodies, records: record::Reader::new(DECODED_BYTES_MAX) }
    }

    /// The fields of a structure.
    pub fn structure(&mut self, fields: &[(&'static str, Said<'_>)]) -> Map<String, Value> {
        let mut told = Map::new();
        for (name, value) in fields {
            match value {
                Said::Records(bytes) => {
                    told.insert("recordCount".into(), record::count(bytes).into());
                    told.insert("recordsSize".into(), bytes.len().into());
                    if self.bodies == Bodies::Kept {
                        told.insert((*name).into(), records::told(&self.records.read(bytes)));
                    }
                }
                Said::Bytes(bytes) => {
                    if *name == "authBytes"
                        && let Some(user) = user(bytes)
                    {
                        told.insert("user".into(), user.into());
                    }
                    if self.bodies == Bodies::Kept || !HIDDEN.contains(name) {
                        add_bytes(&mut told, name, bytes);
                    }
                }
                Said::Error(code) => {
                    told.insert((*name).into(), (*code).into());
                    told.insert(name.replace("Code", "Name"), error_name(*code).into());
                }
                Said::TopicId(id) => {
                    told.insert((*name).into(), uuid_text(id).into());
                    let known = self.topics.iter().find(|topic| topic.id == Some(*id));
                    if let Some(topic) = known.filter(|topic| topic.name != uuid_text(id)) {
                        told.entry("topic").or_insert_with(|| topic.name.as_str().into());
                    }
                }
                value => {
                    told.insert((*name).into(), self.value(value));
                }
            }
        }
        told
    }

    fn value(&mut self, value: &Said<'_>) -> Value {
        match value {
            Said::Null => Value::Null,
            Said::Bool(value) => (*value).into(),
            Said::Int(value) => (*value).into(),
            Said::Float(value) => (*value).into(),
            Said::Text(bytes) | Said::Topic(bytes) => String::from_utf8_lossy(bytes).into(),
            Said::Bytes(bytes) | Said::Records(bytes) => text(bytes).0.into(),
            Said::Uuid(id) | Said::TopicId(id) => uuid_text(id).into(),
            Said::Error(code) => (*code).into(),
            Said::Partition(number) => (*number).into(),
            Said::List(elements) => elements.iter().map(|element| self.value(element)).collect(),
            Said::Structure(fields) => self.structure(fields).into(),
        }
    }
}

/// A token of an authentication, and who it is about.
pub fn token(bytes: &[u8], bodies: Bodies) -> Map<String, Value> {
    Tree::new(&[], bodies).structure(&[("authBytes", Said::Bytes(bytes))])
}

/// Of a `Produce`, the names that Kubeshark's entries have beside those of the protocol guide.
pub fn add_familiar(payload: &mut Map<String, Value>) {
    if !payload.contains_key("topicData") {
        return;
    }
    for (name, familiar) in
        [("acks", "requiredAcks"), ("timeoutMs", "timeout"), ("transactionalId", "transactionalID")]
    {
        if let Some(value) = payload.get(name).cloned() {
            payload.insert(familiar.into(), value);
        }
    }
    for topic in payload.get_mut("topicData").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Value::Object(topic) = topic
            && let Some(name) = topic.get("name").cloned()
        {
            topic.insert("topic".into(), name);
        }
    }
}

/// Bytes as text where they are, in base64 where they are not, which stands beside.
pub fn add_bytes(fields: &mut Map<String, Value>, name: &str, bytes: &[u8]) {
    let (text, is_base64) = text(bytes);
    fields.insert(name.into(), text.into());
    if is_base64 {
        fields.insert(format!("{name}Encoding"), "base64".into());
    }
}

fn text(bytes: &[u8]) -> (String, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (STANDARD.encode(bytes), true),
    }
}

/// RFC 4616 §2: `[authzid] NUL authcid NUL passwd`; RFC 5802 §7: `n,,n=user,r=nonce`.
fn user(token: &[u8]) -> Option<String> {
    let token = std::str::from_utf8(token).ok()?;
    let plain: Vec<&str> = token.split('\0').collect();
    if let [_, user, _] = plain.as_slice() {
        return Some((*user).to_owned());
    }
    let scram = token.strip_prefix("n,").or_else(|| token.strip_prefix("y,"))?;
    let (_, message) = scram.split_once(',')?;
    let user = message.strip_prefix("n=")?.split(',').next()?;
    Some(user.replace("=2C", ",").replace("=3D", "="))
}
