//! What a reader tells of one direction.

use serde::{Deserialize, Serialize};

use super::headers::HeaderList;
use super::message::ErrorCode;
use crate::protocol::Mark;

/// What a reader found.
#[derive(Debug)]
pub enum Event<'a> {
    /// The connection begins here: nothing came before.
    Begin,
    /// SETTINGS: the longest payload that the other side may send.
    PayloadMax(usize),
    /// A header block, as whole as it will be.
    Block(Block),
    /// A part of a DATA frame.
    Piece(Piece<'a>),
    /// RST_STREAM.
    Reset {
        /// The stream it stops.
        stream_id: u32,
        /// Why.
        code: ErrorCode,
        /// The packet of its last byte.
        mark: Mark,
    },
    /// GOAWAY.
    Goaway {
        /// The last of the receiver's streams that was or may be acted on.
        last_stream_id: u32,
        /// Why.
        code: ErrorCode,
        /// The packet of its last byte that was read.
        mark: Mark,
    },
    /// Frames may be missing here, of any stream.
    Lost,
}

/// A header block and the frames that carried it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Block {
    /// The stream of its frames.
    pub stream_id: u32,
    /// The stream whose request it is, in PUSH_PROMISE.
    pub promised: Option<u32>,
    /// Whether nothing follows on the stream.
    pub end_stream: bool,
    /// What it says.
    pub headers: HeaderList,
    /// The packet of the first byte of the first frame.
    pub first: Mark,
    /// The packet of the last byte of the last frame.
    pub last: Mark,
    /// Bytes of its frames in the stream.
    pub wire_bytes: u64,
    /// Bytes of them that were never seen.
    pub gap_bytes: u64,
}

/// A part of a DATA frame.
#[derive(Debug)]
pub struct Piece<'a> {
    /// Its stream.
    pub stream_id: u32,
    /// Content, without padding.
    pub bytes: &'a [u8],
    /// Content that was never seen, behind `bytes`.
    pub gap_bytes: u64,
    /// Bytes in the stream, header and padding counted in.
    pub wire_bytes: u64,
    /// Of these, bytes that were never seen.
    pub wire_gap_bytes: u64,
    /// The packet of its first byte.
    pub first: Mark,
    /// The packet of its last byte.
    pub last: Mark,
    /// Whether the frame begins here.
    pub begins: bool,
    /// Whether the stream's sender is done with this piece.
    pub end_stream: bool,
}

impl Piece<'_> {
    /// Of nothing yet.
    pub(super) fn empty(mark: Mark) -> Self {
        Self {
            stream_id: 0,
            bytes: &[],
            gap_bytes: 0,
            wire_bytes: 0,
            wire_gap_bytes: 0,
            first: mark,
            last: mark,
            begins: false,
            end_stream: false,
        }
    }
}
