//! A message under way: what its frames brought so far.

use serde::{Deserialize, Serialize};

use super::frame::{self, Header};
use super::inflate::Inflater;
use super::message::{FRAMES_MAX, Frame, Message};
use crate::exchange;
use crate::protocol::{Content, Mark};

/// A message under way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Building {
    pub(super) message: Message,
    pub(super) first: Mark,
    pub(super) last: Mark,
    pub(super) wire_bytes: u64,
    pub(super) gap_bytes: u64,
}

impl Building {
    pub(super) fn new(
        header: Header,
        first: Mark,
        target: Option<String>,
        subprotocol: Option<String>,
        stream_id: Option<u32>,
    ) -> Self {
        let message = Message {
            opcode: header.opcode,
            frames: Vec::new(),
            frame_count: 0,
            sent_bytes: 0,
            is_compressed: header.is_compressed() && !header.is_control(),
            payload: Vec::new(),
            payload_bytes: 0,
            is_truncated: false,
            error: None,
            is_complete: false,
            target,
            subprotocol,
            stream_id,
        };
        Self { message, first, last: first, wire_bytes: 0, gap_bytes: 0 }
    }

    /// One more frame begins, with a header of so many bytes.
    pub(super) fn add(&mut self, header: &Header, length: usize, last: Mark) {
        self.last = last;
        self.wire_bytes = self.wire_bytes.saturating_add(count(length));
        let message = &mut self.message;
        message.frame_count = message.frame_count.saturating_add(1);
        message.sent_bytes = message.sent_bytes.saturating_add(header.payload_bytes);
        message.payload_bytes = message.sent_bytes;
        if message.frames.len() < FRAMES_MAX {
            message.frames.push(Frame {
                opcode: header.opcode,
                fin: header.fin,
                reserved: header.reserved,
                is_masked: header.mask.is_some(),
                payload_bytes: header.payload_bytes,
                last,
            });
        }
    }

    /// Takes a part of a frame's payload, which begins so many bytes into it.
    pub(super) fn take(&mut self, part: &[u8], mask: Option<[u8; 4]>, offset: u64, limit: usize, last: Mark) {
        self.last = last;
        self.wire_bytes = self.wire_bytes.saturating_add(count(part.len()));
        let message = &mut self.message;
        if message.frame_count <= count(FRAMES_MAX)
            && let Some(frame) = message.frames.last_mut()
        {
            frame.last = last;
        }
        let before = message.payload.len();
        let room = limit.saturating_sub(before);
        message.payload.extend_from_slice(part.get(..room).unwrap_or(part));
        message.is_truncated |= part.len() > room;
        if let (Some(mask), Some(fresh)) = (mask, message.payload.get_mut(before..)) {
            frame::unmask(fresh, mask, offset);
        }
    }

    pub(super) fn message(self) -> exchange::Message {
        exchange::Message {
            start: self.first.timestamp,
            end: self.last.timestamp,
            first: self.first.packet,
            last: self.last.packet,
            wire_bytes: self.wire_bytes,
            gap_bytes: self.gap_bytes,
            truncated: self.message.is_truncated,
            content: Content::WebSocket(Box::new(self.message)),
        }
    }
}

impl Message {
    pub(super) fn inflate(
        &mut self,
        inflater: &mut Inflater,
        decoded_bytes_max: usize,
        body_bytes_max: usize,
    ) {
        let inflated = inflater.message(&self.payload, decoded_bytes_max);
        self.error = inflated.error;
        if inflated.error.is_some() && inflated.bytes.is_empty() {
            return;
        }
        self.payload_bytes = count(inflated.bytes.len());
        self.payload = inflated.bytes;
        self.is_truncated = inflated.truncated || self.payload.len() > body_bytes_max;
        self.payload.truncate(body_bytes_max);
        self.payload.shrink_to_fit();
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
