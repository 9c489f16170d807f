//! One message of a stream under way.

use serde::{Deserialize, Serialize};

use super::event::{Block, Piece};
use super::headers::HeaderList;
use super::message::{Body, End};
use crate::exchange::Message;
use crate::protocol::http1::message::BodyGap;
use crate::protocol::{Content, Mark};

/// Where something ends, and how long it was.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Extent {
    last: Mark,
    wire_bytes: u64,
    gap_bytes: u64,
}

/// What came of a message so far.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) headers: HeaderList,
    pub(super) body: Body,
    pub(super) trailers: HeaderList,
    first: Mark,
    pub(super) last: Mark,
    wire_bytes: u64,
    gap_bytes: u64,
    /// Of the head alone.
    head: Extent,
    /// Bytes of the body to keep.
    pub(super) body_bytes_max: usize,
    /// How it ended, once it did.
    pub(super) end: Option<End>,
}

impl Part {
    /// A message whose head came.
    pub(super) fn with_head(block: Block) -> Self {
        let mut part = Self::without_head(block.first, 0);
        part.count(&block);
        part.head = Extent { last: part.last, wire_bytes: part.wire_bytes, gap_bytes: part.gap_bytes };
        part.headers = block.headers;
        part
    }

    /// A message whose head was never seen.
    pub(super) fn without_head(first: Mark, body_bytes_max: usize) -> Self {
        Self {
            headers: HeaderList::missing(),
            body: Body::default(),
            trailers: HeaderList::default(),
            first,
            last: first,
            wire_bytes: 0,
            gap_bytes: 0,
            head: Extent { last: first, wire_bytes: 0, gap_bytes: 0 },
            body_bytes_max,
            end: None,
        }
    }

    /// The message that another message stands for, on a stream that carried none of it.
    pub(super) fn of_message(message: &Message, headers: HeaderList, body: Body) -> Self {
        let last = Mark { timestamp: message.end, packet: message.last };
        let Message { wire_bytes, gap_bytes, .. } = *message;
        Self {
            headers,
            body,
            trailers: HeaderList::default(),
            first: Mark { timestamp: message.start, packet: message.first },
            last,
            wire_bytes,
            gap_bytes,
            head: Extent { last, wire_bytes, gap_bytes },
            body_bytes_max: 0,
            end: Some(End::Complete),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.end.is_some()
    }

    /// Whether anything came of its content, or may have been lost of it.
    pub(super) fn has_content(&self) -> bool {
        self.body.frames > 0 || !self.body.gaps.is_empty()
    }

    /// Bytes of memory held by all but the bytes of the body.
    pub(super) fn heads_bytes(&self) -> usize {
        let gaps_bytes = self.body.memory_bytes() - self.body.bytes.capacity();
        self.headers.memory_bytes() + self.trailers.memory_bytes() + gaps_bytes
    }

    /// Its head alone: what came behind it is no content.
    pub(super) fn without_content(self) -> Self {
        let Extent { last, wire_bytes, gap_bytes } = self.head;
        let (body, trailers) = (Body::default(), HeaderList::default());
        Self { body, trailers, last, wire_bytes, gap_bytes, end: Some(End::Complete), ..self }
    }

    /// Adds a header block behind the head.
    pub(super) fn push_trailers(&mut self, block: Block) {
        self.count(&block);
        self.trailers = block.headers;
    }

    /// The head was an interim response: the final one is `block`. Returns the old head, its first and last
    /// packet, and its bytes.
    pub(super) fn replace_head(&mut self, block: Block) -> Self {
        std::mem::replace(self, Self::with_head(block))
    }

    /// The head, its first and last packet, and its bytes.
    pub(super) fn into_head(self) -> (HeaderList, Mark, Mark, u64) {
        (self.headers, self.first, self.last, self.wire_bytes)
    }

    /// Adds content, and keeps as much as there is room for.
    pub(super) fn push(&mut self, piece: &Piece<'_>, room_bytes: usize) {
        let body = &mut self.body;
        let room_bytes = room_bytes.min(self.body_bytes_max.saturating_sub(body.bytes.len()));
        body.frames = body.frames.saturating_add(u64::from(piece.begins));
        body.bytes.extend_from_slice(piece.bytes.get(..room_bytes).unwrap_or(piece.bytes));
        body.truncated |= piece.bytes.len() > room_bytes;
        let seen = u64::try_from(piece.bytes.len()).unwrap_or(u64::MAX);
        body.length_bytes = body.length_bytes.saturating_add(seen);
        if piece.gap_bytes > 0 {
            self.push_gap(piece.gap_bytes);
        }
        self.wire_bytes = self.wire_bytes.saturating_add(piece.wire_bytes);
        self.gap_bytes = self.gap_bytes.saturating_add(piece.wire_gap_bytes);
        if piece.wire_bytes > piece.wire_gap_bytes {
            self.last = piece.last;
        }
    }

    /// Adds a hole to the body; 0 where nobody knows whether there is one.
    pub(super) fn push_gap(&mut self, length_bytes: u64) {
        let body = &mut self.body;
        let gap = BodyGap { offset_bytes: body.length_bytes, length_bytes };
        if body.gaps.len() < Body::GAPS_MAX && body.gaps.last() != Some(&gap) {
            body.gaps.push(gap);
        }
        body.length_bytes = body.length_bytes.saturating_add(length_bytes);
        body.gap_bytes = body.gap_bytes.saturating_add(length_bytes);
    }

    /// Its sender is done with it.
    pub(super) fn complete(&mut self) {
        self.end = Some(End::Complete);
        let declared = self.headers.value("content-length").and_then(|value| std::str::from_utf8(value).ok());
        if declared.and_then(|length| length.parse().ok()) == Some(self.body.length_bytes) {
            // As many as were to come: what was lost was none of these.
            self.body.gaps.retain(|gap| gap.length_bytes > 0);
        }
    }

    /// It ends here, if it did not before.
    pub(super) fn stop(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    /// The message, its content made by `content`.
    pub(super) fn into_message(
        self,
        content: impl FnOnce(HeaderList, Body, HeaderList, End) -> Content,
    ) -> Message {
        let Self { headers, body, trailers, first, last, wire_bytes, gap_bytes, end, .. } = self;
        let truncated = headers.truncated || trailers.truncated || body.truncated;
        Message {
            start: first.timestamp,
            end: last.timestamp,
            first: first.packet,
            last: last.packet,
            wire_bytes,
            gap_bytes,
            truncated,
            content: content(headers, body, trailers, end.unwrap_or_default()),
        }
    }

    fn count(&mut self, block: &Block) {
        self.last = block.last;
        self.wire_bytes = self.wire_bytes.saturating_add(block.wire_bytes);
        self.gap_bytes = self.gap_bytes.saturating_add(block.gap_bytes);
    }
}
