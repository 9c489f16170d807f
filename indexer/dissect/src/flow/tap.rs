//! Payload as it comes out of the streams, for who looks at bytes and not at protocols.
//!
//! Parts are copies: they are handed out once the packet that brought them in order has been dealt with.

use super::key::{FlowKey, Side};
use crate::protocol::{Chunk, Mark};

/// A part of one side's payload, in order.
pub(crate) struct Part {
    /// Number of the flow.
    pub(crate) flow: u64,
    pub(crate) key: FlowKey,
    /// Who sent it.
    pub(crate) side: Side,
    /// Who asks, as far as is known.
    pub(crate) client: Side,
    /// Whether the beginning of the stream was seen.
    pub(crate) has_start: bool,
    pub(crate) content: Content,
}

/// A [`Chunk`] that can be kept.
pub(crate) enum Content {
    Data { bytes: Vec<u8>, mark: Mark },
    Gap { length_bytes: u64, mark: Mark },
}

impl Content {
    pub(crate) fn chunk(&self) -> Chunk<'_> {
        match self {
            Self::Data { bytes, mark } => Chunk::Data { bytes, mark: *mark },
            Self::Gap { length_bytes, mark } => Chunk::Gap { length_bytes: *length_bytes, mark: *mark },
        }
    }
}

/// Takes the payload of one flow.
pub(crate) struct Tap<'a> {
    pub(crate) flow: u64,
    pub(crate) key: FlowKey,
    /// Who spoke first.
    pub(crate) opener: Side,
    pub(crate) parts: &'a mut Vec<Part>,
}

impl Tap<'_> {
    pub(crate) fn take(&mut self, side: Side, client: Option<Side>, has_start: bool, chunk: Chunk<'_>) {
        let content = match chunk {
            Chunk::Data { bytes, mark } => Content::Data { bytes: bytes.to_vec(), mark },
            Chunk::Gap { length_bytes, mark } => Content::Gap { length_bytes, mark },
        };
        let (flow, key, client) = (self.flow, self.key, client.unwrap_or(self.opener));
        self.parts.push(Part { flow, key, side, client, has_start, content });
    }
}
