//! Puts one handshake message together from parts of records.

use serde::{Deserialize, Serialize};

use super::conversation::{Place, Unit};
use super::handshake::{self, BODY_BYTES_MAX};
use crate::protocol::Mark;

/// A handshake message put together from parts of records.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Assembly {
    /// Header and body; of the body at most [`BODY_BYTES_MAX`].
    pub(super) bytes: Vec<u8>,
    /// Bytes of the message taken so far, kept or not.
    pub(super) taken: usize,
    pub(super) start: Option<(u64, Mark)>,
    /// After a gap: only a record that begins with a hello or with certificates is believed.
    pub(super) is_lost: bool,
    /// The rest of this record is not believed.
    pub(super) skips_record: bool,
}

impl Assembly {
    /// How many bytes complete the header, or the message.
    pub(super) fn wanted(&self) -> usize {
        let total = handshake::header(&self.bytes)
            .map_or(handshake::HEADER_BYTES, |(_, length)| handshake::HEADER_BYTES.saturating_add(length));
        total.saturating_sub(self.taken)
    }

    pub(super) fn take(&mut self, part: &[u8]) {
        let room = (handshake::HEADER_BYTES + BODY_BYTES_MAX).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(part.get(..room).unwrap_or(part));
        self.taken = self.taken.saturating_add(part.len());
    }

    /// Whether the header is one. Where encrypted messages are expected only a hello is believed: a client
    /// that was asked to begin anew sends one behind its ChangeCipherSpec (RFC 8446 §D.4).
    pub(super) fn is_believed(&self, is_encrypted: bool) -> bool {
        handshake::header(&self.bytes).is_some_and(|(kind, length)| {
            let tells_itself = handshake::tells_itself(kind) && length <= BODY_BYTES_MAX;
            handshake::is_known(kind, length)
                && (!self.is_lost || tells_itself)
                && (!is_encrypted || tells_itself && kind != handshake::kind::CERTIFICATE)
        })
    }

    pub(super) fn place(&self, last: Mark, end: u64) -> Place {
        let (at, first) = self.start.unwrap_or((end, last));
        Place { first, last, wire_bytes: end.saturating_sub(at) }
    }

    pub(super) fn unit(&self, place: Place) -> Option<Unit<'_>> {
        let (kind, _) = handshake::header(&self.bytes)?;
        let body = self.bytes.get(handshake::HEADER_BYTES..)?;
        Some(Unit { kind, body, is_cut: self.taken > self.bytes.len(), place })
    }
}
