//! What waits behind a hole of a stream: pieces that never overlap, by their place.

use std::collections::BTreeMap;

use segment::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decode::Span;
use crate::protocol::Mark;

/// What a waiting piece costs beside its bytes, about: tree node share, mark and length.
const PIECE_OVERHEAD_BYTES: usize = 128;

/// Bytes that came before the bytes in front of them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Piece {
    /// Fewer than `wire_bytes` if the snap length cut some off.
    pub(super) bytes: Box<[u8]>,
    /// 0 for a FIN.
    pub(super) wire_bytes: i64,
    pub(super) mark: Mark,
}

/// The pieces of one stream; allocated only once there is one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Waiting {
    pieces: BTreeMap<i64, Piece>,
    held_bytes: usize,
    /// When bytes were last handed out, or the hole appeared.
    pub(super) since: Timestamp,
}

impl Waiting {
    pub(super) fn new(since: Timestamp) -> Self {
        Self { pieces: BTreeMap::new(), held_bytes: 0, since }
    }

    /// Bytes of memory held by the pieces.
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Where the first piece begins, and the packet that brought it.
    pub(super) fn first(&self) -> Option<(i64, Mark)> {
        self.pieces.first_key_value().map(|(&at, piece)| (at, piece.mark))
    }

    /// Where the last piece ends.
    pub(super) fn furthest(&self) -> Option<i64> {
        self.pieces.last_key_value().map(|(&at, piece)| at + piece.wire_bytes)
    }

    /// Keeps a FIN, which must lie behind every piece.
    pub(super) fn end_at(&mut self, end: i64, mark: Mark) {
        self.keep(end, Piece { bytes: Box::default(), wire_bytes: 0, mark });
    }

    /// Keeps the parts of `span` that no piece covers: the bytes seen first stay. Tells how many are covered.
    pub(super) fn insert(&mut self, start: i64, span: Span<'_>, mark: Mark) -> i64 {
        let end = start + i64::try_from(span.wire_bytes()).unwrap_or(0);
        let (mut at, mut repeated) = (start, 0);
        if let Some((&before, piece)) = self.pieces.range(..=at).next_back() {
            let covered = before + piece.wire_bytes;
            repeated += (covered.min(end) - at).max(0);
            at = at.max(covered);
        }
        while at < end {
            let following =
                self.pieces.range(at..).next().map(|(&next, piece)| (next, next + piece.wire_bytes));
            let stop = following.map_or(end, |(next, _)| next.min(end));
            if stop > at {
                let data = span.data();
                let from = usize::try_from(at - start).unwrap_or(usize::MAX).min(data.len());
                let to = usize::try_from(stop - start).unwrap_or(usize::MAX).min(data.len());
                let bytes: Box<[u8]> = data.get(from..to).unwrap_or_default().into();
                self.keep(at, Piece { bytes, wire_bytes: stop - at, mark });
            }
            // A FIN is the only piece without bytes, and nothing lies behind it: each turn gets further.
            let Some((next, covered)) = following else { break };
            repeated += (covered.min(end) - next).max(0);
            at = covered;
        }
        repeated
    }

    /// Takes the first piece out if it begins at `next`.
    pub(super) fn take(&mut self, next: i64) -> Option<Piece> {
        let first = self.pieces.first_entry().filter(|first| *first.key() <= next)?;
        let piece = first.remove();
        self.held_bytes -= piece.bytes.len() + PIECE_OVERHEAD_BYTES;
        Some(piece)
    }

    fn keep(&mut self, at: i64, piece: Piece) {
        self.held_bytes += piece.bytes.len() + PIECE_OVERHEAD_BYTES;
        self.pieces.insert(at, piece);
    }
}
