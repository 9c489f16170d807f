//! The header of a frame (RFC 6455 §5.2), and which headers are sound.
//!
//! ```text
//! |fin rsv opcode|mask length| longer length | masking key | payload …
//! |      1       |     1     |  0, 2 or 8    |   0 or 4    |
//! ```

use serde::{Deserialize, Serialize};

use crate::protocol::Direction;

/// The numbers of RFC 6455 §11.8.
pub mod opcode {
    /// The next part of a message.
    pub const CONTINUATION: u8 = 0;
    /// UTF-8.
    pub const TEXT: u8 = 1;
    /// Anything.
    pub const BINARY: u8 = 2;
    /// The end, and why.
    pub const CLOSE: u8 = 8;
    /// Are you there?
    pub const PING: u8 = 9;
    /// I am.
    pub const PONG: u8 = 10;
}

/// RFC 6455 §5.5: what a control frame may hold.
const CONTROL_BYTES_MAX: u64 = 125;

/// A frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Header {
    /// Whether the message ends with this frame.
    pub fin: bool,
    /// The reserved bits, the first of them highest; 4 says that the message is compressed (RFC 7692 §6).
    pub reserved: u8,
    /// What it is.
    pub opcode: u8,
    /// The masking key, which clients must use and servers must not.
    pub mask: Option<[u8; 4]>,
    /// Bytes that follow.
    pub payload_bytes: u64,
    /// Whether the length took no more bytes than it must.
    pub is_minimal: bool,
}

/// The bytes are no frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a WebSocket frame")]
pub struct Malformed;

/// Reads the header at the start of `input`.
///
/// # Errors
/// If the length breaks off the scale: everything else is a breach that readers survive.
pub fn header(input: &[u8]) -> Result<Option<(Header, usize)>, Malformed> {
    let Some((&[first, second], rest)) = input.split_first_chunk::<2>() else { return Ok(None) };
    let (payload_bytes, is_minimal, length_bytes) = match second & 0x7f {
        126 => {
            let Some(bytes) = rest.first_chunk::<2>() else { return Ok(None) };
            let length = u64::from(u16::from_be_bytes(*bytes));
            (length, length > CONTROL_BYTES_MAX, 2)
        }
        127 => {
            let Some(bytes) = rest.first_chunk::<8>() else { return Ok(None) };
            let length = u64::from_be_bytes(*bytes);
            (length, length > u64::from(u16::MAX), 8)
        }
        length => (u64::from(length), true, 0),
    };
    // RFC 6455 §5.2: the most significant bit must be 0.
    if payload_bytes >> 63 != 0 {
        return Err(Malformed);
    }
    let is_masked = second & 0x80 != 0;
    let key = rest.get(length_bytes..).unwrap_or_default();
    let mask = match (is_masked, key.first_chunk::<4>()) {
        (false, _) => None,
        (true, Some(key)) => Some(*key),
        (true, None) => return Ok(None),
    };
    let header = Header {
        fin: first & 0x80 != 0,
        reserved: first >> 4 & 7,
        opcode: first & 0xf,
        mask,
        payload_bytes,
        is_minimal,
    };
    Ok(Some((header, 2 + length_bytes + if is_masked { 4 } else { 0 })))
}

impl Header {
    /// Whether it is about the connection, and may stand between the frames of a message.
    #[must_use]
    pub const fn is_control(&self) -> bool {
        self.opcode & 8 != 0
    }

    /// Whether the message that begins with this frame is compressed.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.reserved & 4 != 0
    }

    /// Whether an implementation that keeps the rules sends it in `direction`.
    #[must_use]
    pub fn is_sound(&self, direction: Direction) -> bool {
        let may_be_masked = self.mask.is_some() == (direction == Direction::ToServer);
        let is_whole_control = self.fin && self.reserved == 0 && self.payload_bytes <= CONTROL_BYTES_MAX;
        let fits = match self.opcode {
            opcode::CONTINUATION => self.reserved == 0,
            opcode::TEXT | opcode::BINARY => self.reserved & 3 == 0,
            opcode::CLOSE => is_whole_control && self.payload_bytes != 1,
            opcode::PING | opcode::PONG => is_whole_control,
            _ => false,
        };
        may_be_masked && fits && self.is_minimal
    }
}

/// Whether a sound header may begin with these bytes, however few there are.
#[must_use]
pub fn may_begin(direction: Direction, input: &[u8]) -> bool {
    let first = input.first().is_none_or(|first| {
        let (high, opcode) = (first >> 4, first & 0xf);
        match opcode {
            opcode::CONTINUATION => matches!(high, 0 | 8),
            opcode::TEXT | opcode::BINARY => matches!(high, 0 | 4 | 8 | 12),
            opcode::CLOSE..=opcode::PONG => high == 8,
            _ => false,
        }
    });
    first && input.get(1).is_none_or(|second| (second & 0x80 != 0) == (direction == Direction::ToServer))
}

/// Takes the mask off `bytes`, which begin so many bytes into the payload (RFC 6455 §5.3).
pub fn unmask(bytes: &mut [u8], mask: [u8; 4], offset: u64) {
    let start = usize::try_from(offset % 4).unwrap_or_default();
    for (byte, key) in bytes.iter_mut().zip(mask.iter().cycle().skip(start)) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_every_length_are_read() {
        let length = |bytes: &[u8]| header(bytes).map(|found| found.map(|(h, n)| (h.payload_bytes, n)));
        assert_eq!(length(b"\x81\x05hello"), Ok(Some((5, 2))));
        assert_eq!(length(b"\x81\x85\x01\x02\x03\x04"), Ok(Some((5, 6))));
        assert_eq!(length(b"\x82\x7e\x01\x00"), Ok(Some((256, 4))));
        assert_eq!(length(b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"), Ok(Some((65536, 10))));
        assert_eq!(length(b"\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00"), Err(Malformed));
        for cut in [b"\x81".as_slice(), b"\x81\x85\x01\x02\x03", b"\x82\x7e\x01", b"\x82\xff\x00"] {
            assert_eq!(length(cut), Ok(None));
        }
    }

    #[test]
    fn rules_are_known() {
        use Direction::{ToClient, ToServer};
        for (bytes, direction, expected) in [
            (b"\x81\x05".as_slice(), ToClient, true),
            (b"\x81\x05", ToServer, false),
            (b"\xc1\x05", ToClient, true),
            (b"\xa1\x05", ToClient, false),
            (b"\x09\x05", ToClient, false),
            (b"\x88\x01", ToClient, false),
            (b"\x83\x01", ToClient, false),
            (b"\x81\x7e\x00\x05", ToClient, false),
            (b"\x89\x80\x01\x02\x03\x04", ToServer, true),
        ] {
            let (header, _) = header(bytes).unwrap().unwrap();
            assert_eq!(header.is_sound(direction), expected, "{bytes:x?}");
            assert!(!expected || may_begin(direction, &bytes[..1]) && may_begin(direction, bytes));
        }
    }

    #[test]
    fn masks_go_on_where_they_stopped() {
        let mut bytes = *b"hello world";
        let (first, second) = bytes.split_at_mut(3);
        unmask(first, [1, 2, 3, 4], 0);
        unmask(second, [1, 2, 3, 4], 3);
        unmask(&mut bytes, [1, 2, 3, 4], 0);
        assert_eq!(&bytes, b"hello world");
    }
}
