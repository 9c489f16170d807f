//! A DATA frame under way (RFC 9113 §6.1): content passes through as it comes, padding is left out.

use serde::{Deserialize, Serialize};

use super::event::Piece;
use super::frame::{FrameHeader, HEADER_BYTES, flag};
use crate::protocol::Mark;
use crate::protocol::pending::Input;

/// What is to come of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct OpenData {
    stream_id: u32,
    left: u64,
    padding: u64,
    end_stream: bool,
}

impl OpenData {
    /// Consumes the header, and the length of the padding if there is any.
    pub(super) fn begin(header: &FrameHeader, input: &mut Input<'_>) -> Self {
        input.advance(HEADER_BYTES);
        let (mut left, mut padding) = (count(header.length), 0);
        if header.has(flag::PADDED) && header.length > 0 {
            padding = input.advance(1).first().copied().map_or(0, u64::from);
            // RFC 9113 §6.1: padding longer than the frame is an error; there is no content then.
            left = left.saturating_sub(1);
            padding = padding.min(left);
            left -= padding;
        }
        Self { stream_id: header.stream_id, left, padding, end_stream: header.has(flag::END_STREAM) }
    }

    /// Whether all of it came.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0 && self.padding == 0
    }

    /// Bytes to come.
    pub(super) fn wire_bytes(&self) -> u64 {
        self.left.saturating_add(self.padding)
    }

    /// Consumes the next part.
    pub(super) fn next<'a>(&mut self, input: &mut Input<'a>) -> Piece<'a> {
        let (first, at) = (input.next_mark(), input.at());
        let bytes = input.advance(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= count(bytes.len());
        if self.left == 0 {
            let padding = input.advance(usize::try_from(self.padding).unwrap_or(usize::MAX));
            self.padding -= count(padding.len());
        }
        Piece {
            stream_id: self.stream_id,
            bytes,
            wire_bytes: input.at().saturating_sub(at),
            last: input.last_mark(),
            end_stream: self.is_over() && self.end_stream,
            ..Piece::empty(first)
        }
    }

    /// Passes over bytes that were never seen, as many of them as belong to it.
    pub(super) fn gap(&mut self, length_bytes: u64, mark: Mark) -> Piece<'static> {
        let in_content = length_bytes.min(self.left);
        let in_padding = (length_bytes - in_content).min(self.padding);
        self.left -= in_content;
        self.padding -= in_padding;
        Piece {
            stream_id: self.stream_id,
            gap_bytes: in_content,
            wire_bytes: in_content + in_padding,
            wire_gap_bytes: in_content + in_padding,
            end_stream: self.is_over() && self.end_stream,
            ..Piece::empty(mark)
        }
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
