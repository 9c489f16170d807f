//! The record layer (RFC 8446 §5.1): five bytes of header before everything.
//!
//! ```text
//! +------+---------------+--------+----------
//! | type | legacy version| length | content …
//! |  1   |  2, 03 0x     |   2    |
//! +------+---------------+--------+----------
//! ```

use super::handshake;
use crate::protocol::Direction;

/// Bytes of a record's header.
pub const HEADER_BYTES: usize = 5;

/// Most bytes that a record may hold: 2^14 of content, and what ciphers of old versions add (RFC 5246 §6.2.3).
pub const CONTENT_BYTES_MAX: usize = (1 << 14) + 2048;

/// What a record holds (RFC 8446 §5.1, RFC 6520).
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// 20
    ChangeCipherSpec,
    /// 21
    Alert,
    /// 22
    Handshake,
    /// 23
    ApplicationData,
    /// 24
    Heartbeat,
}

impl Kind {
    /// Of the number on the wire.
    #[must_use]
    pub const fn of(number: u8) -> Option<Self> {
        match number {
            20 => Some(Self::ChangeCipherSpec),
            21 => Some(Self::Alert),
            22 => Some(Self::Handshake),
            23 => Some(Self::ApplicationData),
            24 => Some(Self::Heartbeat),
            _ => None,
        }
    }
}

/// A record's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// What it holds.
    pub kind: Kind,
    /// The version as written there; 0x0301 to 0x0303 for nearly all, whatever was agreed.
    pub version: u16,
    /// Bytes that follow.
    pub length: usize,
}

/// The bytes are no record's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a TLS record")]
pub struct Malformed;

/// Reads the header at the start of `input`.
///
/// # Errors
/// If no TLS implementation would send it.
pub fn header(input: &[u8]) -> Result<Option<(Header, usize)>, Malformed> {
    let kind = match input.first() {
        Some(&number) => Kind::of(number).ok_or(Malformed)?,
        None => return Ok(None),
    };
    if input.get(1).is_some_and(|&major| major != 3) || input.get(2).is_some_and(|&minor| minor > 4) {
        return Err(Malformed);
    }
    let Some(&[_, major, minor, high, low]) = input.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if !is_sound(kind, length) {
        return Err(Malformed);
    }
    Ok(Some((Header { kind, version: u16::from_be_bytes([major, minor]), length }, HEADER_BYTES)))
}

/// RFC 8446 §5.1: only application data may be empty; a change of cipher spec is one byte (RFC 5246 §7.1).
fn is_sound(kind: Kind, length: usize) -> bool {
    match kind {
        Kind::ChangeCipherSpec => (1..=256).contains(&length),
        Kind::Alert => (2..=512).contains(&length),
        Kind::Handshake | Kind::Heartbeat => (1..=CONTENT_BYTES_MAX).contains(&length),
        Kind::ApplicationData => length <= CONTENT_BYTES_MAX,
    }
}

/// Whether a hello that may go in `direction` begins at the start of `input`: it shows by itself what it is.
///
/// `None` asks for more bytes.
pub fn begins_hello(direction: Direction, input: &[u8]) -> Option<bool> {
    let is_hello = |record: Header| record.kind == Kind::Handshake && record.length > handshake::HEADER_BYTES;
    match header(input) {
        Ok(Some((record, _))) if is_hello(record) => {}
        Ok(None) => return None,
        Ok(Some(_)) | Err(Malformed) => return Some(false),
    }
    let content = input.get(HEADER_BYTES..).unwrap_or_default();
    let wanted = match direction {
        Direction::ToServer => handshake::kind::CLIENT_HELLO,
        Direction::ToClient => handshake::kind::SERVER_HELLO,
    };
    if content.first().is_some_and(|&kind| kind != wanted) {
        return Some(false);
    }
    let (kind, length) = handshake::header(content)?;
    let &major = content.get(handshake::HEADER_BYTES)?;
    let is_believed = handshake::is_known(kind, length) && length <= handshake::BODY_BYTES_MAX;
    Some(is_believed && matches!(major, 0x03 | 0x7f | 0xfb))
}

/// Whether records begin at the start of `input`: two in a row, since a header alone says too little.
///
/// `None` asks for more bytes.
pub fn two_in_a_row(input: &[u8]) -> Option<bool> {
    let (first, length) = match header(input) {
        Ok(Some(found)) => found,
        Ok(None) => return None,
        Err(Malformed) => return Some(false),
    };
    let rest = input.get(length.saturating_add(first.length)..)?;
    match header(rest) {
        Ok(Some((second, _))) => Some(second.version == first.version),
        Ok(None) => None,
        Err(Malformed) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_told_from_other_bytes() {
        let sound = |bytes: &[u8]| header(bytes).map(|found| found.map(|(header, _)| header.length));
        assert_eq!(sound(b"\x16\x03\x01\x02\x00"), Ok(Some(512)));
        assert_eq!(sound(b"\x17\x03\x03\x00\x00"), Ok(Some(0)));
        assert_eq!(sound(b"\x16\x03\x01"), Ok(None));
        assert_eq!(sound(b""), Ok(None));
        for bytes in [b"\x16\x03\x01\x00\x00", b"\x16\x03\x05\x00\x09", b"\x17\x03\x03\xff\xff", b"HTTP/"] {
            assert_eq!(sound(bytes), Err(Malformed), "{bytes:x?}");
        }
    }

    #[test]
    fn two_records_make_a_stream() {
        assert_eq!(two_in_a_row(b"\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x28"), Some(true));
        assert_eq!(two_in_a_row(b"\x14\x03\x03\x00\x01\x01\x16\x03\x01\x00\x28"), Some(false));
        assert_eq!(two_in_a_row(b"\x14\x03\x03\x00\x01\x01\x16"), None);
        assert_eq!(two_in_a_row(b"\x14\x03\x03\x00\x01\x01abcde"), Some(false));
    }
}
