//! What a Kafka request and a response say.

use super::decode::{self, Body, Decoded, End};
use super::frame::{self, Head};
use super::schema::{self, Api};
use super::value;

/// A request: its head, and its body as it was sent.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// `None` for a token of an authentication that follows a `SaslHandshake` of version 0: such a frame is the
    /// token and nothing else.
    pub head: Option<Head>,
    /// The length that stands before the message.
    pub length_bytes: u32,
    /// What follows the head; its beginning if it is longer than we keep.
    pub body: Vec<u8>,
    /// The topics that it names, and those that its fetch session goes on with.
    pub topics: Vec<Topic>,
    /// False for what the broker doesn't answer: a `Produce` with acks 0.
    pub is_answered: bool,
}

/// A response: what it answers, and its body as it was sent.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Response {
    /// Which request it answers; `None` for a token, see [`Request::head`].
    pub correlation_id: Option<i32>,
    /// The operation and the version of its request, without which it can't be read; `None` if that was not seen, and
    /// of a token.
    pub api: Option<(i16, i16)>,
    /// The length that stands before the message.
    pub length_bytes: u32,
    /// What follows the head; its beginning if it is longer than we keep.
    pub body: Vec<u8>,
    /// The topics that it names.
    pub topics: Vec<Topic>,
}

/// A topic and partitions of it, as a message names them.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Topic {
    /// Its name; its id as Kafka writes it, where the name was not seen.
    pub name: String,
    /// Its id, where the message goes by ids.
    pub id: Option<[u8; 16]>,
    /// The partitions; empty where the message speaks of the topic as a whole.
    pub partitions: Vec<i32>,
}

/// The version of `ApiVersions` that everyone reads, and in which a broker answers that it doesn't know the one
/// asked with (KIP-511).
const API_VERSIONS: i16 = 18;
/// `UNSUPPORTED_VERSION`.
const UNSUPPORTED_VERSION: [u8; 2] = [0, 35];

impl Request {
    /// What the body says; nothing for what is not known.
    #[must_use]
    pub fn payload(&self) -> Decoded<'_> {
        let known = self.head.as_ref().and_then(|head| known(head.api_key, head.api_version));
        let Some((api, version)) = known else { return unknown() };
        let head_bytes = self.head.as_ref().map_or(0, Head::length_bytes);
        let missing = missing(self.length_bytes, head_bytes, &self.body);
        decode::body(&api.request, api, version, Body { bytes: &self.body, missing })
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let client = self.head.as_ref().and_then(|head| head.client_id.as_ref()).map_or(0, String::capacity);
        self.body.capacity() + client + topics_memory_bytes(&self.topics)
    }
}

impl Response {
    /// What the body says; nothing for what is not known.
    #[must_use]
    pub fn payload(&self) -> Decoded<'_> {
        let Some((api, version)) =
            self.api.and_then(|(key, version)| response_known(key, version, &self.body))
        else {
            return unknown();
        };
        let head_bytes = frame::RESPONSE_HEAD_BYTES;
        let missing = missing(self.length_bytes, head_bytes, &self.body);
        let mut body = Body { bytes: &self.body, missing };
        if frame::is_flexible_response(api, version) {
            match frame::skip_tagged(body) {
                Ok(rest) => body = rest,
                Err(stop) => return Decoded { fields: Vec::new(), end: stop.into() },
            }
        }
        decode::body(&api.response, api, version, body)
    }
}

/// The operation and the version in which a response to it is written.
fn response_known(key: i16, version: i16, body: &[u8]) -> Option<(&'static Api, i16)> {
    if key == API_VERSIONS && body.starts_with(&UNSUPPORTED_VERSION) {
        return Some((schema::api(key)?, 0));
    }
    known(key, version)
}

fn known(key: i16, version: i16) -> Option<(&'static Api, i16)> {
    schema::api(key).filter(|api| api.versions.contains(version)).map(|api| (api, version))
}

fn missing(length_bytes: u32, head_bytes: usize, body: &[u8]) -> u64 {
    let present = u64::try_from(head_bytes + body.len()).unwrap_or(u64::MAX);
    u64::from(length_bytes).saturating_sub(present)
}

fn unknown() -> Decoded<'static> {
    Decoded { fields: Vec::new(), end: End::Unknown }
}

pub(super) fn topics_memory_bytes(topics: &[Topic]) -> usize {
    let of = |topic: &Topic| {
        size_of::<Topic>() + topic.name.capacity() + topic.partitions.capacity() * size_of::<i32>()
    };
    topics.iter().map(of).sum()
}

/// The error codes of a body, each once, in order.
#[must_use]
pub fn errors(fields: &[(&'static str, value::Value<'_>)]) -> Vec<i16> {
    let mut codes = Vec::new();
    fields.iter().for_each(|(_, value)| collect_errors(value, &mut codes));
    codes
}

fn collect_errors(value: &value::Value<'_>, codes: &mut Vec<i16>) {
    match value {
        value::Value::Error(code) if !codes.contains(code) => codes.push(*code),
        value::Value::List(elements) => {
            elements.iter().for_each(|element| collect_errors(element, codes));
        }
        value::Value::Structure(fields) => fields.iter().for_each(|(_, value)| collect_errors(value, codes)),
        _ => {}
    }
}
