//! The ways in which records are compressed.

use crate::protocol::content_encoding::{self, DecodeError, Decoded};

use super::{lz4, snappy};

/// How records are compressed: the lowest three bits of the attributes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names are Kafka's")]
pub enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
    /// A number that Kafka doesn't use.
    Unknown,
}

impl Codec {
    /// The codec that attributes name.
    #[must_use]
    pub fn of(attributes: i16) -> Self {
        match attributes & 7 {
            0 => Self::None,
            1 => Self::Gzip,
            2 => Self::Snappy,
            3 => Self::Lz4,
            4 => Self::Zstd,
            _ => Self::Unknown,
        }
    }

    /// As in a producer's `compression.type`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Unknown => "unknown",
        }
    }
}

/// Undoes a compression; what comes out stops at a limit.
pub(super) fn undo(codec: Codec, bytes: &[u8], bytes_max: usize) -> Decoded {
    match codec {
        Codec::None => content_encoding::decode(&[], bytes, bytes_max),
        Codec::Gzip => content_encoding::decode(&[b"gzip"], bytes, bytes_max),
        Codec::Zstd => content_encoding::decode(&[b"zstd"], bytes, bytes_max),
        Codec::Snappy => output(bytes_max, |output| snappy::undo(bytes, output)),
        Codec::Lz4 => output(bytes_max, |output| lz4::undo(bytes, output)),
        Codec::Unknown => {
            Decoded { bytes: Vec::new(), truncated: false, error: Some(DecodeError::UnknownCoding) }
        }
    }
}

/// Decompressed bytes, with a limit and a memory: both codecs repeat what came before.
pub(super) struct Output {
    bytes: Vec<u8>,
    bytes_max: usize,
}

/// What ended decompression early.
pub(super) enum Stop {
    Damaged,
    Limit,
}

fn output(bytes_max: usize, undo: impl FnOnce(&mut Output) -> Result<(), Stop>) -> Decoded {
    let mut output = Output { bytes: Vec::new(), bytes_max };
    let (truncated, error) = match undo(&mut output) {
        Ok(()) => (false, None),
        Err(Stop::Limit) => (true, None),
        Err(Stop::Damaged) => (false, Some(DecodeError::Damaged)),
    };
    Decoded { bytes: output.bytes, truncated, error }
}

impl Output {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends bytes as they are.
    pub(super) fn literal(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let room = self.bytes_max.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        if bytes.len() > room { Err(Stop::Limit) } else { Ok(()) }
    }

    /// Appends `length` bytes that stand `distance` before the end; they may reach into themselves.
    pub(super) fn repeat(&mut self, distance: usize, length: usize) -> Result<(), Stop> {
        let start = self.bytes.len().checked_sub(distance).ok_or(Stop::Damaged)?;
        if distance == 0 {
            return Err(Stop::Damaged);
        }
        let room = self.bytes_max.saturating_sub(self.bytes.len());
        let mut left = length.min(room);
        while left > 0 {
            // What was appended doubles what can be appended at once.
            let end = self.bytes.len().min(start + left);
            self.bytes.extend_from_within(start..end);
            left -= end - start;
        }
        if length > room { Err(Stop::Limit) } else { Ok(()) }
    }
}
