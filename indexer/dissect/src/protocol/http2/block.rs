//! A header block under way: HEADERS or PUSH_PROMISE, and the CONTINUATION frames behind it.

use serde::{Deserialize, Serialize};

use super::event::Block;
use super::frame::{self, FrameHeader, Kind, flag};
use super::headers::HeaderList;
use super::hpack;
use super::table::Table;
use crate::protocol::Mark;

/// Longest single line, compressed, that may lie across frames.
const LINE_BYTES_MAX: usize = 256 * 1024;

/// What came of a block so far.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OpenBlock {
    block: Block,
    /// The beginning of a representation whose rest is in the next frame.
    rest: Vec<u8>,
    /// Whether it broke the rules or a limit: what follows is not read.
    is_broken: bool,
}

impl OpenBlock {
    pub(super) fn new(header: &FrameHeader, first: Mark) -> Self {
        let block = Block {
            stream_id: header.stream_id,
            promised: None,
            end_stream: header.kind == Kind::Headers && header.has(flag::END_STREAM),
            headers: HeaderList::default(),
            first,
            last: first,
            wire_bytes: 0,
            gap_bytes: 0,
        };
        Self { block, rest: Vec::new(), is_broken: false }
    }

    /// Whether a frame may come behind those that came so far.
    pub(super) fn goes_on_in(&self, header: &FrameHeader) -> bool {
        header.kind == Kind::Continuation && header.stream_id == self.block.stream_id
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.block.headers.memory_bytes() + self.rest.capacity()
    }

    /// Counts a frame, or the part of one that came.
    pub(super) fn took(&mut self, wire_bytes: usize, last: Mark) {
        let wire_bytes = u64::try_from(wire_bytes).unwrap_or(u64::MAX);
        self.block.wire_bytes = self.block.wire_bytes.saturating_add(wire_bytes);
        self.block.last = last;
    }

    /// Reads a frame's payload, or the part of it that came.
    pub(super) fn read(&mut self, header: &FrameHeader, payload: &[u8], table: &mut Table) {
        let Ok(fragment) = frame::fragment(header, payload) else {
            self.is_broken = true;
            return;
        };
        self.block.promised = self.block.promised.or(fragment.promised);
        if self.is_broken {
            return;
        }
        let mut kept = std::mem::take(&mut self.rest);
        let bytes = if kept.is_empty() {
            fragment.bytes
        } else {
            kept.extend_from_slice(fragment.bytes);
            &kept
        };
        match hpack::decode(bytes, table, &mut self.block.headers) {
            Ok(used) => self.rest = bytes.get(used..).unwrap_or_default().to_vec(),
            Err(_) => self.is_broken = true,
        }
        if self.rest.len() > LINE_BYTES_MAX {
            self.rest = Vec::new();
            self.block.headers.truncated = true;
            self.is_broken = true;
        }
    }

    /// All its frames came. If they could not be read to the end, the table is out of step from here on.
    pub(super) fn end(mut self, table: &mut Table) -> Block {
        if self.is_broken || !self.rest.is_empty() {
            self.block.headers.cut = true;
            table.forget();
        }
        self.block.headers.shrink();
        self.block
    }

    /// The rest of it will not come; `gap_bytes` of its last frame were never seen.
    pub(super) fn cut(mut self, gap_bytes: u64) -> Block {
        self.block.headers.cut = true;
        self.block.headers.shrink();
        self.block.wire_bytes = self.block.wire_bytes.saturating_add(gap_bytes);
        self.block.gap_bytes = self.block.gap_bytes.saturating_add(gap_bytes);
        self.block
    }

    /// It was too long to be read.
    pub(super) fn too_long(mut self) -> Block {
        self.block.headers.truncated = true;
        self.cut(0)
    }
}
