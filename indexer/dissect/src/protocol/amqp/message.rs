//! What is said on an AMQP connection.

use serde::{Deserialize, Serialize};

use super::field::Table;
use super::method::Method;

/// A method with its content, a heartbeat or a protocol header.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// The channel; 0 is the connection.
    pub channel: u16,
    /// What is said.
    pub says: Says,
    /// What a publish, a delivery, a return or the answer to a get carries.
    pub content: Option<Content>,
    /// The tag under which the server confirms a publish: its number on the channel since `confirm.select`.
    pub delivery_tag: Option<u64>,
    /// Whether it neither asks nor answers.
    pub alone: bool,
    /// Whether its end was not seen.
    pub is_cut: bool,
}

/// What is said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Says {
    /// `AMQP` and four bytes: the client's wish, or the server's refusal, naming what it speaks.
    Protocol([u8; 4]),
    /// A method.
    Method(Method),
    /// I'm still there.
    Heartbeat,
}

/// What a method carries.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Content {
    /// What is said about the body.
    pub properties: Properties,
    /// As many bytes of the body as were kept.
    pub body: Vec<u8>,
    /// How many bytes it has, by its header.
    pub length_bytes: u64,
    /// Bytes that came or are known to be missing; less than `length_bytes` where the end was not seen.
    pub seen_bytes: u64,
    /// Bytes of the body that were never seen.
    pub gap_bytes: u64,
    /// Whether the limit cut what is kept.
    pub truncated: bool,
    /// Whether a content header was seen.
    pub has_header: bool,
}

/// The properties of a content of class basic.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Properties {
    /// MIME type.
    pub content_type: Option<Vec<u8>>,
    /// MIME encoding.
    pub content_encoding: Option<Vec<u8>>,
    /// Whatever the application says.
    pub headers: Option<Table>,
    /// 2 if it survives a restart of the server.
    pub delivery_mode: Option<u8>,
    /// 0 to 9.
    pub priority: Option<u8>,
    /// What it answers.
    pub correlation_id: Option<Vec<u8>>,
    /// Where answers go.
    pub reply_to: Option<Vec<u8>>,
    /// Milliseconds until it is dropped, as text.
    pub expiration: Option<Vec<u8>>,
    /// The application's name for it.
    pub message_id: Option<Vec<u8>>,
    /// Seconds since 1970.
    pub timestamp: Option<u64>,
    /// The application's kind of it.
    pub kind: Option<Vec<u8>>,
    /// Who sent it; the server checks it.
    pub user_id: Option<Vec<u8>>,
    /// Which application sent it.
    pub app_id: Option<Vec<u8>>,
    /// Not in use.
    pub cluster_id: Option<Vec<u8>>,
}

impl Message {
    /// Class and method: `basic.publish`; `protocol.header` and `heartbeat` for what is none.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match &self.says {
            Says::Protocol(_) => "protocol.header",
            Says::Method(method) => method.name(),
            Says::Heartbeat => "heartbeat",
        }
    }

    /// The method, if it is one.
    #[must_use]
    pub fn method(&self) -> Option<&Method> {
        match &self.says {
            Says::Method(method) => Some(method),
            _ => None,
        }
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.method().map_or(0, Method::memory_bytes)
            + self
                .content
                .as_ref()
                .map_or(0, |content| content.body.capacity() + content.properties.memory_bytes())
    }
}

impl Content {
    /// Whether every byte of the body came.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.has_header && self.seen_bytes >= self.length_bytes && self.gap_bytes == 0
    }
}

impl Properties {
    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let texts = [
            &self.content_type,
            &self.content_encoding,
            &self.correlation_id,
            &self.reply_to,
            &self.expiration,
            &self.message_id,
            &self.kind,
            &self.user_id,
            &self.app_id,
            &self.cluster_id,
        ];
        texts.into_iter().flatten().map(Vec::capacity).sum::<usize>()
            + self.headers.as_ref().map_or(0, Table::memory_bytes)
    }
}

/// The name of a protocol, by the four bytes behind `AMQP`.
#[must_use]
pub fn protocol_name(version: [u8; 4]) -> String {
    match version {
        [0, 0, 9, 1] => "AMQP 0-9-1".to_owned(),
        [1, 1, 0, 9] => "AMQP 0-9".to_owned(),
        [1, 1, 8, 0] => "AMQP 0-8".to_owned(),
        [1, 1, 0, 10] => "AMQP 0-10".to_owned(),
        [0, 1, 0, 0] => "AMQP 1.0".to_owned(),
        [2, 1, 0, 0] => "AMQP 1.0 over TLS".to_owned(),
        [3, 1, 0, 0] => "AMQP 1.0 over SASL".to_owned(),
        [id, major, minor, revision] => format!("AMQP {id}-{major}-{minor}-{revision}"),
    }
}
