//! What an HTTP/2 message says.
//!
//! A stream carries one request and one response. Headers are kept as they were sent, in order, pseudo-headers
//! among them; bodies without their framing, but still encoded: [`Request::decoded`] and
//! [`Response::decoded`] undo the codings when somebody asks.

use serde::{Deserialize, Serialize};

use crate::protocol::content_encoding::{self, Decoded};
use crate::protocol::http1::message::BodyGap;
use crate::protocol::http2::headers::HeaderList;
use crate::protocol::{Direction, Mark};

/// A request (RFC 9113 §8.3.1).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The stream that carried it.
    pub stream_id: u32,
    /// Where it came from.
    pub origin: Origin,
    /// Its head; empty and [`cut`](HeaderList::cut) where it was never seen.
    pub headers: HeaderList,
    /// Its content.
    pub body: Body,
    /// The field lines after its content; empty where there were none.
    pub trailers: HeaderList,
    /// How it ended.
    pub end: End,
    /// What stopped its stream before both messages were complete, whoever did it and whenever: a complete
    /// request can be cancelled, or refused instead of being answered.
    pub reset: Option<Reset>,
}

/// Where a request came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Origin {
    /// The client sent it.
    #[default]
    Sent,
    /// The client sent it as HTTP/1.1 and asked for an upgrade; the headers are made of that request
    /// (RFC 7540 §3.2).
    Upgraded,
    /// The server promised to answer it, unasked, in PUSH_PROMISE on this stream (RFC 9113 §8.4).
    Pushed {
        /// The stream of the request that it goes with.
        with: u32,
    },
}

impl Request {
    /// `:method`.
    #[must_use]
    pub fn method(&self) -> Option<&[u8]> {
        self.headers.value(":method")
    }

    /// `:path`: path and query; none for CONNECT.
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        self.headers.value(":path")
    }

    /// `:authority`, or else `host` (RFC 9113 §8.3.1).
    #[must_use]
    pub fn authority(&self) -> Option<&[u8]> {
        self.headers.value(":authority").or_else(|| self.headers.value("host"))
    }

    /// `:protocol`: what an extended CONNECT asks for, such as `websocket` (RFC 8441 §4).
    #[must_use]
    pub fn protocol(&self) -> Option<&[u8]> {
        self.headers.value(":protocol")
    }

    /// The body without its content codings.
    #[must_use]
    pub fn decoded(&self, decoded_bytes_max: usize) -> Decoded {
        decoded(&self.headers, &self.body, decoded_bytes_max)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.headers.memory_bytes() + self.trailers.memory_bytes() + self.body.memory_bytes()
    }
}

/// A final response and the interim ones before it (RFC 9113 §8.3.2).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Response {
    /// The stream that carried it.
    pub stream_id: u32,
    /// Its head; empty and [`cut`](HeaderList::cut) where it was never seen.
    pub headers: HeaderList,
    /// Its content.
    pub body: Body,
    /// The field lines after its content: where gRPC tells its status. Empty where there were none.
    pub trailers: HeaderList,
    /// The 1xx responses that came before this one (RFC 9113 §8.1).
    pub interim: Vec<Interim>,
    /// How it ended.
    pub end: End,
    /// What stopped its stream before both messages were complete.
    pub reset: Option<Reset>,
}

impl Response {
    /// `:status`, if it is known and a number.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        status(&self.headers)
    }

    /// The body without its content codings.
    #[must_use]
    pub fn decoded(&self, decoded_bytes_max: usize) -> Decoded {
        decoded(&self.headers, &self.body, decoded_bytes_max)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let interim: usize = self.interim.iter().map(|interim| interim.headers.memory_bytes()).sum();
        self.headers.memory_bytes() + self.trailers.memory_bytes() + self.body.memory_bytes() + interim
    }
}

/// A 1xx response: a head that says that a final response will follow.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Interim {
    /// Its head, `:status` among it.
    pub headers: HeaderList,
    /// The packet of its first byte.
    pub first: Mark,
    /// The packet of its last byte.
    pub last: Mark,
    /// Bytes of it in the stream.
    pub wire_bytes: u64,
}

impl Interim {
    /// `:status`, 100 to 199.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        status(&self.headers)
    }
}

/// The content of a message: what its DATA frames carried, without their padding.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Body {
    /// The first bytes that were seen, up to the limit; bytes of gaps are left out, not filled in.
    pub bytes: Vec<u8>,
    /// How many there were, known gaps and bytes beyond the limit counted in.
    pub length_bytes: u64,
    /// Where bytes were never seen, at most [`Body::GAPS_MAX`] of them. A length of 0 is a gap in the
    /// connection in which bytes of this body may have been, nobody knows how many.
    pub gaps: Vec<BodyGap>,
    /// How many bytes are known never to have been seen, all gaps counted.
    pub gap_bytes: u64,
    /// In how many DATA frames it came.
    pub frames: u64,
    /// Whether a limit cut `bytes`.
    pub truncated: bool,
}

impl Body {
    /// Most gaps told apart in one body: a list for people, not a record of every loss.
    pub const GAPS_MAX: usize = 64;

    /// Whether `bytes` are all that was sent.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.gaps.is_empty() && !self.truncated
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.gaps.capacity() * size_of::<BodyGap>()
    }
}

/// How a message ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum End {
    /// Its sender said that it was over (END_STREAM), or both agreed that what follows its head is of a
    /// WebSocket (RFC 8441).
    Complete,
    /// Its stream was stopped before that; `reset` of the message says by whom and why.
    Reset,
    /// Its end was never seen: lost in a gap, or the connection or the capture ended first.
    #[default]
    Cut,
}

/// What stopped a stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reset {
    /// Why.
    pub code: ErrorCode,
    /// The way it was sent: `ToServer` is a client that cancels.
    pub direction: Direction,
    /// Whether it was GOAWAY, which says that the request was not and will not be acted on (RFC 9113 §6.8),
    /// rather than RST_STREAM.
    pub goaway: bool,
    /// The packet of its last byte.
    pub mark: Mark,
}

/// Why a stream or a connection was stopped (RFC 9113 §7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErrorCode(pub u32);

impl ErrorCode {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];

    /// Its name in the standard.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        usize::try_from(self.0).ok().and_then(|code| Self::NAMES.get(code).copied())
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#x}", self.0),
        }
    }
}

fn status(headers: &HeaderList) -> Option<u16> {
    std::str::from_utf8(headers.value(":status")?).ok()?.parse().ok()
}

/// Undoes content codings, last applied first (RFC 9110 §8.4).
fn decoded(headers: &HeaderList, body: &Body, decoded_bytes_max: usize) -> Decoded {
    let codings: Vec<&[u8]> =
        headers.values("content-encoding").flat_map(|value| value.split(|&byte| byte == b',')).collect();
    content_encoding::decode(&codings, &body.bytes, decoded_bytes_max)
}
