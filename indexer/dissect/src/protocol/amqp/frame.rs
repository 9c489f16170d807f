//! Frames (AMQP 0-9-1 §2.3.5).
//!
//! ```text
//! 0      1         3             7                  size+7 size+8
//! +------+---------+-------------+  +------------+  +------+
//! | type | channel |    size     |  |  payload   |  | 0xCE |
//! +------+---------+-------------+  +------------+  +------+
//! ```
//!
//! The payload of a body frame is read as it comes, because it may be as large as both sides agreed on;
//! all other frames are read whole.

use super::field::Fields;
use super::message::Properties;
use super::method::{self, Method};

/// Bytes before the payload.
pub const HEADER_BYTES: usize = 7;
/// The byte behind the payload.
pub const END: u8 = 0xce;
/// Most bytes of a frame that is read whole: RabbitMQ agrees on 128 KiB unless configured otherwise.
pub const PAYLOAD_BYTES_MAX: u32 = 1 << 20;
/// The class of all contents.
const BASIC: u16 = 60;

/// Bytes that are no AMQP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// A frame, or the part of one that can be read alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'a> {
    /// What a connection begins with, and what a server refuses one with.
    Protocol([u8; 4]),
    /// Class, method and arguments.
    Method {
        /// The channel.
        channel: u16,
        /// All of the payload.
        payload: &'a [u8],
    },
    /// A content header.
    Header {
        /// The channel.
        channel: u16,
        /// All of the payload.
        payload: &'a [u8],
    },
    /// The start of a body frame; so many bytes follow, and the end.
    Body {
        /// The channel.
        channel: u16,
        /// Bytes of the payload.
        length: u32,
    },
    /// Nothing but a sign of life.
    Heartbeat,
}

/// The first bytes of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Start {
    /// Type of the frame.
    pub kind: u8,
    /// Its channel.
    pub channel: u16,
    /// Bytes of its payload.
    pub length: u32,
}

/// Reads the first bytes of a frame.
///
/// # Errors
/// If they begin none.
pub fn start(input: &[u8]) -> Result<Option<Start>, Malformed> {
    let Some([kind, rest @ ..]) = input.first_chunk::<HEADER_BYTES>() else {
        return if input.first().is_none_or(|kind| matches!(kind, 1..=4 | 8)) {
            Ok(None)
        } else {
            Err(Malformed)
        };
    };
    let [c0, c1, l0, l1, l2, l3] = *rest;
    let start = Start {
        kind: *kind,
        channel: u16::from_be_bytes([c0, c1]),
        length: u32::from_be_bytes([l0, l1, l2, l3]),
    };
    let is_sound = match kind {
        1 => start.length >= 4 && start.length <= PAYLOAD_BYTES_MAX,
        2 => start.length >= 14 && start.length <= PAYLOAD_BYTES_MAX && start.channel != 0,
        3 => start.channel != 0,
        // 4 was the heartbeat's number in 0-9 (RabbitMQ's errata).
        4 | 8 => start.length == 0 && start.channel == 0,
        _ => false,
    };
    if is_sound { Ok(Some(start)) } else { Err(Malformed) }
}

/// Reads a frame, and how many bytes it takes.
///
/// # Errors
/// If the bytes are none.
pub fn frame(input: &[u8]) -> Result<Option<(Frame<'_>, usize)>, Malformed> {
    if input.first() == Some(&b'A') {
        return protocol(input);
    }
    let Some(Start { kind, channel, length }) = start(input)? else { return Ok(None) };
    if kind == 3 {
        return Ok(Some((Frame::Body { channel, length }, HEADER_BYTES)));
    }
    let length = usize::try_from(length).map_err(|_| Malformed)?;
    let rest = input.get(HEADER_BYTES..).unwrap_or_default();
    let Some((payload, [end, ..])) = rest.split_at_checked(length) else { return Ok(None) };
    if *end != END {
        return Err(Malformed);
    }
    let frame = match kind {
        1 => Frame::Method { channel, payload },
        2 => Frame::Header { channel, payload },
        _ => Frame::Heartbeat,
    };
    Ok(Some((frame, HEADER_BYTES.saturating_add(length).saturating_add(1))))
}

fn protocol(input: &[u8]) -> Result<Option<(Frame<'_>, usize)>, Malformed> {
    const NAME: &[u8; 4] = b"AMQP";
    let Some((name, rest)) = input.split_first_chunk::<4>() else {
        return if NAME.starts_with(input) { Ok(None) } else { Err(Malformed) };
    };
    let Some(version) = rest.first_chunk::<4>().filter(|_| name == NAME) else {
        return if name == NAME { Ok(None) } else { Err(Malformed) };
    };
    // No version has large numbers: text that begins like this is none.
    if version.iter().any(|&number| number > 32) {
        return Err(Malformed);
    }
    Ok(Some((Frame::Protocol(*version), 8)))
}

/// What a content header says (§4.2.6.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// Bytes of the body.
    pub length_bytes: u64,
    /// What is said about it.
    pub properties: Properties,
    /// Whether values of the headers were left out.
    pub truncated: bool,
}

/// Reads the payload of a content header.
///
/// # Errors
/// If it is none.
pub fn header(payload: &[u8]) -> Result<Header, Malformed> {
    let mut fields = Fields::new(payload);
    let read = |fields: &mut Fields<'_>| -> Option<Header> {
        let (class, weight) = (fields.short()?, fields.short()?);
        if class != BASIC || weight != 0 {
            return None;
        }
        let length_bytes = fields.long_long()?;
        let flags = fields.short()?;
        // The lowest bit tells of more flags; basic has fourteen properties, and none of them is there.
        if flags & 0b11 != 0 {
            return None;
        }
        let has = |bit: u16| flags & (1 << bit) != 0;
        let text = |bit: u16, fields: &mut Fields<'_>| -> Option<Option<Vec<u8>>> {
            if has(bit) { Some(Some(fields.short_string()?.to_vec())) } else { Some(None) }
        };
        let properties = Properties {
            content_type: text(15, fields)?,
            content_encoding: text(14, fields)?,
            headers: if has(13) { Some(fields.table()?) } else { None },
            delivery_mode: if has(12) { Some(fields.octet()?) } else { None },
            priority: if has(11) { Some(fields.octet()?) } else { None },
            correlation_id: text(10, fields)?,
            reply_to: text(9, fields)?,
            expiration: text(8, fields)?,
            message_id: text(7, fields)?,
            timestamp: if has(6) { Some(fields.long_long()?) } else { None },
            kind: text(5, fields)?,
            user_id: text(4, fields)?,
            app_id: text(3, fields)?,
            cluster_id: text(2, fields)?,
        };
        Some(Header { length_bytes, properties, truncated: fields.truncated })
    };
    read(&mut fields).filter(|_| fields.is_empty()).ok_or(Malformed)
}

/// Whether `bytes` begin a frame that nothing else looks like; `None` asks for more of them. Body frames are
/// not looked for: they say nothing without their method.
#[must_use]
pub fn sound(bytes: &[u8]) -> Option<bool> {
    match bytes.first() {
        None => None,
        Some(b'A') => frame(bytes).map_or(Some(false), |frame| frame.map(|_| true)),
        Some(3) => Some(false),
        Some(kind) => match frame(bytes) {
            Err(Malformed) => Some(false),
            Ok(Some((Frame::Method { payload, .. }, _))) => {
                Some(Method::read(payload).is_some_and(|(_, whole)| whole.has_all))
            }
            Ok(Some((Frame::Header { payload, .. }, _))) => Some(header(payload).is_ok()),
            Ok(Some(_)) => Some(true),
            Ok(None) if *kind == 1 => (!has_known_numbers(bytes)?).then_some(false),
            Ok(None) => None,
        },
    }
}

/// As [`sound`], at the start of a stream: a method that goes on is known by its numbers, because a capture
/// may hold no more than the first bytes of each packet.
#[must_use]
pub fn begins(bytes: &[u8]) -> Option<bool> {
    let is_method = bytes.first() == Some(&1);
    sound(bytes).or_else(|| has_known_numbers(bytes).filter(|_| is_method))
}

/// Whether the class and the method of a method frame are known; `None` if they are not there yet.
fn has_known_numbers(bytes: &[u8]) -> Option<bool> {
    let mut fields = Fields::new(bytes.get(HEADER_BYTES..)?);
    Some(method::definition(fields.short()?, fields.short()?).is_some())
}
