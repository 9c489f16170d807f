//! Cuts PostgreSQL's byte streams into messages, and tells where one begins.
//!
//! A message is a type byte, a length of four bytes that counts itself, and a body:
//!
//! ```text
//!   51 00 00 00 0d 53 45 4c 45 43 54 20 31 00      Q, 13 bytes: "SELECT 1"
//! ```
//!
//! The first message of a client has no type byte (documentation, "Message Formats").

use crate::protocol::cursor::Cursor;
use crate::protocol::{Direction, Probe};

/// Bytes of a type and a length.
pub const HEADER_BYTES: usize = 5;
/// Bytes of a length and a code, which a session begins with.
pub const OPENING_BYTES: usize = 8;
/// PostgreSQL's own limit of a startup packet.
pub const STARTUP_BYTES_MAX: usize = 10_000;
/// Longest message that a server takes or sends (`PQ_LARGE_MESSAGE_LIMIT`).
const MESSAGE_BYTES_MAX: u32 = 0x3fff_ffff;
/// Most bytes of a message that is looked at to tell whether it begins where one thinks.
const SOUND_BYTES_MAX: usize = 16 * 1024;

/// Codes that stand where a version does.
pub const CANCEL_REQUEST: u32 = 80_877_102;
/// Asks for TLS.
pub const SSL_REQUEST: u32 = 80_877_103;
/// Asks for GSSAPI encryption.
pub const GSS_ENC_REQUEST: u32 = 80_877_104;

/// A message's type, and how many bytes follow its header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// The letter of the type.
    pub kind: u8,
    /// Bytes behind the length.
    pub body_bytes: u32,
}

/// Not a message that PostgreSQL would send.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// The header that `input` begins with.
///
/// # Errors
/// If the type is unknown in this direction, or the length impossible.
pub fn header(direction: Direction, input: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some(&kind) = input.first() else { return Ok(None) };
    if !is_kind(direction, kind) {
        return Err(Malformed);
    }
    let Some((header, _)) = input.split_first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let [_, a, b, c, d] = *header;
    let length = u32::from_be_bytes([a, b, c, d]);
    let Some(body_bytes) = length.checked_sub(4) else { return Err(Malformed) };
    if length > MESSAGE_BYTES_MAX || !is_length(direction, kind, body_bytes) {
        return Err(Malformed);
    }
    Ok(Some(Header { kind, body_bytes }))
}

fn is_kind(direction: Direction, kind: u8) -> bool {
    match direction {
        Direction::ToServer => b"BCcdDEFfHPpQSX".contains(&kind),
        Direction::ToClient => b"123ACcdDEGHIKNnRSstTVvWZ".contains(&kind),
    }
}

/// Whether a message of this type can be so long.
fn is_length(direction: Direction, kind: u8, body_bytes: u32) -> bool {
    match (direction, kind) {
        (Direction::ToServer, b'S' | b'H' | b'X' | b'c') => body_bytes == 0,
        (Direction::ToServer, b'Q' | b'p' | b'f') => body_bytes >= 1,
        (Direction::ToServer, b'D' | b'C') => (2..0x1_0000).contains(&body_bytes),
        (Direction::ToServer, b'E') => (5..0x1_0000).contains(&body_bytes),
        (Direction::ToServer, b'P') => body_bytes >= 4,
        (Direction::ToServer, b'B') => body_bytes >= 8,
        (Direction::ToServer, b'F') => body_bytes >= 10,
        (Direction::ToClient, b'1' | b'2' | b'3' | b'c' | b'I' | b'n' | b's') => body_bytes == 0,
        (Direction::ToClient, b'Z') => body_bytes == 1,
        (Direction::ToClient, b'C') => (1..1024).contains(&body_bytes),
        (Direction::ToClient, b'K') => (8..=260).contains(&body_bytes),
        (Direction::ToClient, b'R') => (4..0x1_0000).contains(&body_bytes),
        (Direction::ToClient, b'G' | b'H' | b'W') => (3..0x1_0000).contains(&body_bytes),
        (Direction::ToClient, b'A') => body_bytes >= 6,
        (Direction::ToClient, b'T' | b't' | b'D' | b'S') => body_bytes >= 2,
        (Direction::ToClient, b'V') => body_bytes >= 4,
        (Direction::ToClient, b'E' | b'N') => body_bytes >= 1,
        _ => true,
    }
}

/// Whether `bytes`, the first of a stream, begin a session, or a message in the middle of one.
#[must_use]
pub fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    if direction == Direction::ToServer {
        match opening(bytes) {
            Some(Probe::No(_)) | None => {}
            Some(answer) => return answer,
        }
    }
    match sound(direction, bytes) {
        Sound::Yes => Probe::Yes,
        Sound::More => Probe::More,
        Sound::No => NO,
    }
}

/// Whether `bytes` are a StartupMessage or one of the requests in its place; `None` if clearly not.
fn opening(bytes: &[u8]) -> Option<Probe> {
    let mut cursor = Cursor::new(bytes);
    if !bytes.is_empty() && !may_begin(b"\0\0", bytes) {
        return None;
    }
    let (Some(length), Some(code)) = (cursor.u32_be(), cursor.u32_be()) else {
        return Some(if bytes.len() < OPENING_BYTES { Probe::More } else { NO });
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match (code, length) {
        (SSL_REQUEST | GSS_ENC_REQUEST, OPENING_BYTES) | (CANCEL_REQUEST, 16) => return Some(Probe::Yes),
        (0x0003_0000..=0x0003_ffff, OPENING_BYTES..=STARTUP_BYTES_MAX) => {}
        _ => return None,
    }
    let Some(settings) = bytes.get(OPENING_BYTES..length) else {
        return Some(if is_printable(cursor.rest(), 0) { Probe::More } else { NO });
    };
    // Pairs of texts with zero bytes behind, and one more zero byte; `user` is the only one required.
    let is_settings = settings.ends_with(b"\0\0")
        && is_printable(settings, 0)
        && settings.split(|byte| *byte == 0).any(|part| part == b"user");
    Some(if is_settings { Probe::Yes } else { NO })
}

/// Whether a message begins here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sound {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Too few bytes to tell.
    More,
}

/// Whether sound messages begin at the first of `bytes`: one that says much, or two that say little.
#[must_use]
pub fn sound(direction: Direction, bytes: &[u8]) -> Sound {
    let mut rest = bytes;
    let mut weak = 0;
    loop {
        let header = match header(direction, rest) {
            Ok(Some(header)) => header,
            Ok(None) => return Sound::More,
            Err(Malformed) => return Sound::No,
        };
        let length = usize::try_from(header.body_bytes).unwrap_or(usize::MAX);
        let seen = rest.get(HEADER_BYTES..).unwrap_or_default();
        let body = seen.get(..length);
        match strength(direction, header.kind, body, seen) {
            Strength::Strong => return Sound::Yes,
            Strength::Weak => weak += 1,
            Strength::Wrong => return Sound::No,
            Strength::Unknown => {
                return if length > SOUND_BYTES_MAX { Sound::No } else { Sound::More };
            }
        }
        if weak >= 2 {
            return Sound::Yes;
        }
        rest = seen.get(length..).unwrap_or_default();
        if bytes.len().saturating_sub(rest.len()) > SOUND_BYTES_MAX {
            return Sound::No;
        }
    }
}

enum Strength {
    /// Rare by chance: 40 bits and more are as they must be.
    Strong,
    /// As it must be, but that says little.
    Weak,
    Wrong,
    /// The body must be whole.
    Unknown,
}

fn strength(direction: Direction, kind: u8, body: Option<&[u8]>, seen: &[u8]) -> Strength {
    use Direction::{ToClient, ToServer};
    let is = |sound: bool, strength: Strength| if sound { strength } else { Strength::Wrong };
    if (direction, kind) == (ToServer, b'Q') && !is_printable(seen, 1) {
        return Strength::Wrong;
    }
    let Some(body) = body else { return Strength::Unknown };
    match (direction, kind) {
        (ToServer, b'Q') => is(is_sql(body), Strength::Strong),
        (ToServer, b'S') => Strength::Strong,
        (ToServer, b'H' | b'c') => Strength::Weak,
        (ToServer, b'X') => Strength::Weak,
        (ToServer, b'P') => is(is_parse(body), Strength::Weak),
        (ToServer, b'B') => is(is_bind(body), Strength::Weak),
        (ToServer, b'D' | b'C') => {
            is(matches!(body, [b'S' | b'P', name @ .., 0] if !name.contains(&0)), Strength::Weak)
        }
        (ToServer, b'E') => {
            is(body.iter().position(|b| *b == 0) == body.len().checked_sub(5), Strength::Weak)
        }
        (ToClient, b'Z') => is(matches!(body, [b'I' | b'T' | b'E']), Strength::Strong),
        (ToClient, b'1' | b'2' | b'3' | b'n') => Strength::Weak,
        (ToClient, b'C') => is(is_tag(body), Strength::Strong),
        (ToClient, b'E' | b'N') => is(is_report(body), Strength::Strong),
        (ToClient, b'T') => is(is_row_description(body), Strength::Strong),
        (ToClient, b'D') => is(is_data_row(body), Strength::Weak),
        (ToClient, b't') => {
            let count = body.first_chunk().map(|bytes| usize::from(u16::from_be_bytes(*bytes)));
            is(count.is_some_and(|count| count * 4 + 2 == body.len()), Strength::Weak)
        }
        (ToClient, b'S') => is(is_setting(body), Strength::Weak),
        _ => Strength::Wrong,
    }
}

/// Text without control bytes but the usual ones, with up to `zeros` zero bytes as the last ones looked at;
/// 0 allows zero bytes anywhere.
fn is_printable(bytes: &[u8], zeros: usize) -> bool {
    let text = if zeros == 0 { bytes } else { bytes.split(|byte| *byte == 0).next().unwrap_or_default() };
    text.iter().all(|byte| {
        matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x20..=0x7e | 0x80..) || (*byte == 0 && zeros == 0)
    })
}

/// Printable SQL that begins with a word, and its zero byte.
fn is_sql(body: &[u8]) -> bool {
    let Some((0, sql)) = body.split_last() else { return false };
    let start = sql.trim_ascii_start();
    !sql.contains(&0)
        && is_printable(sql, 1)
        && start.first().is_none_or(|byte| byte.is_ascii_alphabetic() || b"(-/;".contains(byte))
        && (start.len() >= 4 || start.is_empty())
}

fn is_parse(body: &[u8]) -> bool {
    let mut cursor = Cursor::new(body);
    let names = cursor.until_zero().is_some_and(|name| is_printable(name, 1));
    let query = cursor.until_zero().is_some_and(|query| is_printable(query, 1));
    let count = cursor.u16_be().map(usize::from);
    names && query && count.is_some_and(|count| count * 4 == cursor.rest().len())
}

fn is_bind(body: &[u8]) -> bool {
    let mut cursor = Cursor::new(body);
    if cursor.until_zero().is_none() || cursor.until_zero().is_none() {
        return false;
    }
    let Some(formats) = cursor.u16_be() else { return false };
    if cursor.take(usize::from(formats) * 2).is_none() {
        return false;
    }
    let Some(values) = cursor.u16_be() else { return false };
    for _ in 0..values {
        if super::wire::next_value(&mut cursor).is_none() {
            return false;
        }
    }
    cursor.u16_be().is_some_and(|formats| usize::from(formats) * 2 == cursor.rest().len())
}

/// `SELECT 1`, `INSERT 0 3`, `CREATE TABLE` …
fn is_tag(body: &[u8]) -> bool {
    matches!(body, [first, tag @ .., 0] if first.is_ascii_uppercase() && tag.len() >= 2
        && tag.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' '))
}

/// Letters with texts; severity and code are always there.
fn is_report(body: &[u8]) -> bool {
    let report = super::wire::report(body);
    body.ends_with(b"\0\0")
        && report.field('S').is_some()
        && report
            .field('C')
            .is_some_and(|code| code.len() == 5 && code.bytes().all(|b| b.is_ascii_alphanumeric()))
        && report.field('M').is_some()
}

fn is_row_description(body: &[u8]) -> bool {
    let mut cursor = Cursor::new(body);
    let Some(count) = cursor.u16_be() else { return false };
    for _ in 0..count {
        let Some(name) = cursor.until_zero() else { return false };
        let format = cursor.take(16).and_then(|_| cursor.u16_be());
        if !is_printable(name, 1) || format.is_none_or(|format| format > 1) {
            return false;
        }
    }
    count > 0 && cursor.is_empty()
}

fn is_data_row(body: &[u8]) -> bool {
    let mut cursor = Cursor::new(body);
    let Some(count) = cursor.u16_be() else { return false };
    for _ in 0..count {
        if super::wire::next_value(&mut cursor).is_none() {
            return false;
        }
    }
    cursor.is_empty()
}

fn is_setting(body: &[u8]) -> bool {
    let mut cursor = Cursor::new(body);
    let name = cursor.until_zero().is_some_and(|name| !name.is_empty() && is_printable(name, 1));
    name && cursor.until_zero().is_some_and(|value| is_printable(value, 1)) && cursor.is_empty()
}

/// Whether `bytes` begin with `start`, or are its beginning.
fn may_begin(start: &[u8], bytes: &[u8]) -> bool {
    let length = start.len().min(bytes.len());
    start.get(..length) == bytes.get(..length)
}

const NO: Probe = Probe::No("no PostgreSQL message that is sound to its end");
