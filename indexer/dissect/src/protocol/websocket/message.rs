//! What remains of a message: its frames' facts, and what it says.

use serde::{Deserialize, Serialize};

use super::frame::opcode;
use super::inflate::InflateError;
use crate::protocol::Mark;

/// Most frames told apart in one message; all are counted.
pub const FRAMES_MAX: usize = 64;

/// One message (RFC 6455 §5.4), or one control frame (§5.5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Of the first frame: see [`opcode`].
    pub opcode: u8,
    /// The frames, at most [`FRAMES_MAX`].
    pub frames: Vec<Frame>,
    /// How many frames there were.
    pub frame_count: u64,
    /// Bytes of payload in all frames, as they were sent: compressed, and gaps counted in.
    pub sent_bytes: u64,
    /// Whether it was compressed.
    pub is_compressed: bool,
    /// What it says, without mask and compression, up to the limit; bytes of gaps are left out.
    pub payload: Vec<u8>,
    /// How many bytes it says, those beyond the limit counted in; where it could not be decompressed, those sent.
    pub payload_bytes: u64,
    /// Whether a limit cut `payload`.
    pub is_truncated: bool,
    /// Why `payload` is compressed still, or ends early.
    pub error: Option<InflateError>,
    /// Whether its last frame was seen to its end.
    pub is_complete: bool,
    /// The target of the connection, where it is known.
    pub target: Option<String>,
    /// The subprotocol of the connection, where one was agreed on.
    pub subprotocol: Option<String>,
    /// The stream of HTTP/2 that carried it (RFC 8441).
    pub stream_id: Option<u32>,
}

/// One frame of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Frame {
    /// Of this frame: 0 for all but the first.
    pub opcode: u8,
    /// Whether it is the last.
    pub fin: bool,
    /// The reserved bits, the first of them highest.
    pub reserved: u8,
    /// Whether its payload was masked.
    pub is_masked: bool,
    /// Bytes of payload, as its header says.
    pub payload_bytes: u64,
    /// The packet of its last byte, as far as it was seen.
    pub last: Mark,
}

/// Why a connection ends (RFC 6455 §5.5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Close<'a> {
    /// 1000 is a normal end.
    pub code: u16,
    /// In UTF-8, meant for people.
    pub reason: &'a [u8],
}

impl Message {
    /// What a close frame says; `None` where it says nothing.
    #[must_use]
    pub fn close(&self) -> Option<Close<'_>> {
        let (code, reason) = self.payload.split_first_chunk::<2>()?;
        (self.opcode == opcode::CLOSE).then_some(Close { code: u16::from_be_bytes(*code), reason })
    }

    /// Whether the first frame was masked, as those of clients are.
    #[must_use]
    pub fn is_masked(&self) -> bool {
        self.frames.first().is_some_and(|frame| frame.is_masked)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::capacity);
        size_of::<Self>()
            + self.payload.capacity()
            + self.frames.capacity() * size_of::<Frame>()
            + text(&self.target)
            + text(&self.subprotocol)
    }
}

/// The name of an opcode (RFC 6455 §11.8).
#[must_use]
pub const fn opcode_name(opcode: u8) -> Option<&'static str> {
    match opcode {
        opcode::CONTINUATION => Some("continuation"),
        opcode::TEXT => Some("text"),
        opcode::BINARY => Some("binary"),
        opcode::CLOSE => Some("close"),
        opcode::PING => Some("ping"),
        opcode::PONG => Some("pong"),
        _ => None,
    }
}

/// What a close code means (RFC 6455 §7.4.1 and IANA's registry).
#[must_use]
pub const fn close_name(code: u16) -> Option<&'static str> {
    match code {
        1000 => Some("normal closure"),
        1001 => Some("going away"),
        1002 => Some("protocol error"),
        1003 => Some("unsupported data"),
        1005 => Some("no status received"),
        1006 => Some("abnormal closure"),
        1007 => Some("invalid payload data"),
        1008 => Some("policy violation"),
        1009 => Some("message too big"),
        1010 => Some("mandatory extension"),
        1011 => Some("internal error"),
        1012 => Some("service restart"),
        1013 => Some("try again later"),
        1014 => Some("bad gateway"),
        1015 => Some("TLS handshake failure"),
        _ => None,
    }
}
