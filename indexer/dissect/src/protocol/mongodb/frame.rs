//! Tells where MongoDB's messages begin.
//!
//! ```text
//!   length  requestID  responseTo  opcode      four times four bytes, the little end first
//! ```

use crate::protocol::cursor::Cursor;
use crate::protocol::mongodb::message::Opcode;
use crate::protocol::{Direction, Probe};

/// Bytes of a header.
pub const HEADER_BYTES: usize = 16;
/// Longest message that servers take (`maxMessageSizeBytes`).
const MESSAGE_BYTES_MAX: u32 = 48_000_000;
/// Bits of OP_MSG's flags that must be 0.
const RESERVED_FLAGS: u32 = 0xfffc;

/// A message's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Bytes behind it.
    pub body_bytes: u32,
    /// The message's number.
    pub request_id: u32,
    /// The number of the message that it answers; 0 in requests.
    pub response_to: u32,
    /// How it is written.
    pub opcode: Opcode,
}

/// Not a message that MongoDB would send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// The header that `input` begins with; `None` asks for more.
///
/// # Errors
/// If the length is impossible or the opcode unknown.
pub fn header(input: &[u8]) -> Result<Option<Header>, Malformed> {
    let mut cursor = Cursor::new(input);
    let Some(length) = cursor.u32_le() else { return Ok(None) };
    let body_bytes = length.checked_sub(16).filter(|body| (1..=MESSAGE_BYTES_MAX).contains(body));
    let body_bytes = body_bytes.ok_or(Malformed)?;
    let (Some(request_id), Some(response_to), Some(opcode)) =
        (cursor.u32_le(), cursor.u32_le(), cursor.u32_le())
    else {
        return Ok(None);
    };
    let opcode = Opcode(opcode);
    if !opcode.is_known() {
        return Err(Malformed);
    }
    Ok(Some(Header { body_bytes, request_id, response_to, opcode }))
}

/// Whether `bytes`, the first of a stream or those behind a hole, begin a message that goes in `direction`.
#[must_use]
pub fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    const NO: Probe = Probe::No("no MongoDB header with an opcode and what must follow it");
    let header = match header(bytes) {
        Ok(Some(header)) => header,
        Ok(None) => return Probe::More,
        Err(Malformed) => return NO,
    };
    let goes_back = header.opcode == Opcode::REPLY || header.response_to != 0;
    if goes_back != (direction == Direction::ToClient) {
        return NO;
    }
    let mut cursor = Cursor::new(bytes.get(HEADER_BYTES..).unwrap_or_default());
    match is_body(header, &mut cursor) {
        Some(true) => Probe::Yes,
        Some(false) => NO,
        None => Probe::More,
    }
}

/// Whether the bytes behind a header are as its opcode wants; `None` asks for more.
fn is_body(header: Header, cursor: &mut Cursor<'_>) -> Option<bool> {
    let room = header.body_bytes;
    Some(match header.opcode {
        Opcode::MSG => {
            let flags = cursor.u32_le()?;
            let kind = cursor.byte()?;
            let length = cursor.u32_le()?;
            flags & RESERVED_FLAGS == 0 && flags >> 17 == 0 && kind < 2 && (5..=room).contains(&length)
        }
        Opcode::COMPRESSED => {
            let (opcode, length, compressor) = (cursor.u32_le()?, cursor.u32_le()?, cursor.byte()?);
            Opcode(opcode).is_known() && length <= MESSAGE_BYTES_MAX && compressor < 4
        }
        Opcode::REPLY => {
            let (flags, _cursor_id) = (cursor.u32_le()?, cursor.u64_le()?);
            let (_from, count, length) = (cursor.u32_le()?, cursor.u32_le()?, cursor.u32_le());
            flags < 16 && count < 1_000_000 && (count == 0 || (5..=room).contains(&length?))
        }
        Opcode::QUERY => {
            let flags = cursor.u32_le()?;
            let Some(name) = cursor.until_zero() else {
                return if cursor.rest().len() < 256 { None } else { Some(false) };
            };
            let (_skip, _count, length) = (cursor.u32_le()?, cursor.u32_le()?, cursor.u32_le()?);
            flags < 256 && is_namespace(name) && (5..=room).contains(&length)
        }
        Opcode::INSERT | Opcode::UPDATE | Opcode::DELETE | Opcode::GET_MORE => {
            let flags = cursor.u32_le()?;
            let Some(name) = cursor.until_zero() else {
                return if cursor.rest().len() < 256 { None } else { Some(false) };
            };
            flags < 256 && is_namespace(name)
        }
        Opcode::KILL_CURSORS => {
            let (zero, count) = (cursor.u32_le()?, cursor.u32_le()?);
            zero == 0 && u64::from(count) * 8 + 8 == u64::from(room)
        }
        _ => false,
    })
}

/// `database.collection`, printable.
fn is_namespace(name: &[u8]) -> bool {
    name.contains(&b'.') && name.len() < 256 && name.iter().all(|byte| *byte > 0x20 && *byte != 0x7f)
}
