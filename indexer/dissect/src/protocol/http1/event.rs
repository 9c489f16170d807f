//! What a reader tells: the heads and the ends of messages.

use serde::{Deserialize, Serialize};

use crate::protocol::Mark;
use crate::protocol::http1::message::{Body, BodyGap, Framing, Headers};

/// What a reader found.
#[derive(Debug)]
pub enum Event {
    /// The head of a message; the reader waits for [`Reader::body`].
    Head(Head),
    /// The message whose head came last is over.
    End(Tail),
}

/// A message's head.
#[derive(Debug, Serialize, Deserialize)]
pub struct Head {
    /// The first line.
    pub line: Line,
    /// The field lines.
    pub headers: Headers,
    /// The packet of the first byte.
    pub first: Mark,
    /// The packet of the last byte of the head.
    pub last: Mark,
    /// Bytes of the head in the stream.
    pub wire_bytes: u64,
    /// Whether a gap, the end of the stream or our limit cut it.
    pub cut: bool,
    /// Whether a gap came between the message before and this one.
    pub after_gap: bool,
}

/// A first line that owns its parts; see [`StartLine`].
#[derive(Debug, Serialize, Deserialize)]
pub enum Line {
    /// Of a request.
    Request {
        /// As sent.
        method: Vec<u8>,
        /// As sent.
        target: Vec<u8>,
        /// As sent.
        version: Vec<u8>,
    },
    /// Of a response.
    Status {
        /// As sent.
        version: Vec<u8>,
        /// Three digits.
        status: u16,
        /// As sent.
        reason: Vec<u8>,
    },
}

/// What follows a head.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tail {
    /// The body.
    pub body: Body,
    /// The packet of the message's last byte.
    pub last: Mark,
    /// Bytes of the whole message in the stream, gaps counted in.
    pub wire_bytes: u64,
    /// Bytes of the whole message that were never seen.
    pub gap_bytes: u64,
}

/// How a stream came to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StreamEnd {
    /// The sender said so.
    Closed,
    /// Nothing came any more, or the capture ended.
    Silent,
}

/// A message whose head was told and whose end was not.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) body: Body,
    pub(super) last: Mark,
    pub(super) wire_bytes: u64,
    /// Bytes of the body to keep.
    body_bytes_max: usize,
}

impl Open {
    pub(super) fn new(framing: Framing, head: &Head, body_bytes_max: usize) -> Self {
        let body = Body { framing, complete: !head.cut, ..Body::default() };
        Self { body, last: head.last, wire_bytes: head.wire_bytes, body_bytes_max }
    }

    /// Adds bytes of the body, and keeps as many as there is room for.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let room = self.body_bytes_max.saturating_sub(self.body.bytes.len());
        self.body.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.body.truncated |= bytes.len() > room;
        self.body.length_bytes = self.body.length_bytes.saturating_add(super::count(bytes.len()));
    }

    /// Adds a hole to the body.
    pub(super) fn push_gap(&mut self, length_bytes: u64) {
        if self.body.gaps.len() < Body::GAPS_MAX {
            self.body.gaps.push(BodyGap { offset_bytes: self.body.length_bytes, length_bytes });
        }
        self.body.length_bytes = self.body.length_bytes.saturating_add(length_bytes);
        self.body.gap_bytes = self.body.gap_bytes.saturating_add(length_bytes);
        self.wire_bytes = self.wire_bytes.saturating_add(length_bytes);
    }

    pub(super) fn end(self) -> Tail {
        let gap_bytes = self.body.gap_bytes;
        Tail { body: self.body, last: self.last, wire_bytes: self.wire_bytes, gap_bytes }
    }
}
