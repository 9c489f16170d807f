//! Tells where MySQL's packets begin, and which byte streams are of them.
//!
//! A packet is three bytes of length, a sequence number, and a payload; a payload of 16 MiB − 1 goes on in the
//! next packet. Each command begins at number 0, and both sides count on from there:
//!
//! ```text
//!   09 00 00 00 03 53 45 4c 45 43 54 20 31         9 bytes, number 0: COM_QUERY "SELECT 1"
//! ```

use crate::protocol::cursor::Cursor;
use crate::protocol::mysql::message::Command;
use crate::protocol::mysql::wire;
use crate::protocol::{Direction, Probe};

/// Bytes of a length and a number.
pub const HEADER_BYTES: usize = 4;
/// Bytes of the header of a compressed packet: length, number, length when decompressed.
pub const COMPRESSED_HEADER_BYTES: usize = 7;
/// A packet of this length goes on in the next.
pub const PACKET_BYTES_MAX: u32 = 0x00ff_ffff;
/// Most bytes of a packet that is looked at to tell whether it begins where one thinks.
const SOUND_BYTES_MAX: u32 = 16 * 1024;

/// The length and the number of a packet; `None` asks for more.
#[must_use]
pub fn header(input: &[u8]) -> Option<(u32, u8)> {
    let mut cursor = Cursor::new(input);
    Some((cursor.u24_le()?, cursor.byte()?))
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

/// Whether `bytes`, the first of a stream, begin a connection, or a command or answer in the middle of one.
#[must_use]
pub fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    match (opening(direction, bytes), sound(direction, bytes)) {
        (Sound::Yes, _) | (_, Sound::Yes) => Probe::Yes,
        (Sound::More, _) | (_, Sound::More) => Probe::More,
        (Sound::No, Sound::No) => Probe::No("no MySQL greeting, login or whole command"),
    }
}

/// Whether `bytes` are the server's greeting or the client's answer to it.
fn opening(direction: Direction, bytes: &[u8]) -> Sound {
    let wanted = u8::from(direction == Direction::ToServer);
    let Some((length, number)) = header(bytes) else {
        return if bytes.get(2).is_none_or(|high| *high == 0) { Sound::More } else { Sound::No };
    };
    if number != wanted || !(32..4096).contains(&length) {
        return Sound::No;
    }
    let payload = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let whole = usize::try_from(length).ok().and_then(|length| payload.get(..length));
    match (direction, whole) {
        (Direction::ToClient, None) => more_if(payload.first().is_none_or(|version| *version == 10)),
        (Direction::ToClient, Some(greeting)) => yes_if(wire::greeting(greeting).is_some()),
        (Direction::ToServer, payload_seen) => {
            // Nineteen zero bytes are reserved.
            let seen = payload_seen.unwrap_or(payload);
            let zeros = seen.get(9..seen.len().min(28)).unwrap_or_default();
            if zeros.iter().any(|byte| *byte != 0) {
                return Sound::No;
            }
            payload_seen.map_or(Sound::More, |payload| yes_if(wire::opening(payload).is_some()))
        }
    }
}

/// Whether a command, or the first packet of an answer, begins at the first of `bytes`.
#[must_use]
pub fn sound(direction: Direction, bytes: &[u8]) -> Sound {
    let wanted = u8::from(direction == Direction::ToClient);
    let Some((length, number)) = header(bytes) else {
        return if bytes.get(2).is_none_or(|high| *high == 0) { Sound::More } else { Sound::No };
    };
    if number != wanted || length == 0 || length > SOUND_BYTES_MAX {
        return Sound::No;
    }
    let payload = bytes.get(HEADER_BYTES..).unwrap_or_default();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match direction {
        Direction::ToServer => command(payload.get(..length), payload),
        Direction::ToClient => answer(payload.get(..length), payload, length),
    }
}

fn command(whole: Option<&[u8]>, seen: &[u8]) -> Sound {
    let Some((&byte, rest)) = seen.split_first() else { return Sound::More };
    match Command(byte) {
        Command::QUERY | Command::STMT_PREPARE => {
            let Some(payload) = whole else { return more_if(is_text(rest)) };
            yes_if(is_sql(payload.get(1..).unwrap_or_default()))
        }
        Command::STMT_EXECUTE => {
            // Statement, flags of a cursor, and an iteration count that is always 1.
            match rest.get(..9) {
                Some([_, _, _, _, flags, 1, 0, 0, 0]) => yes_if(*flags < 8),
                Some(_) => Sound::No,
                None => more_if(whole.is_none()),
            }
        }
        Command(0x0e) | Command::QUIT | Command::STATISTICS | Command::RESET_CONNECTION => {
            whole.map_or(Sound::No, |payload| yes_if(payload.len() == 1))
        }
        _ => Sound::No,
    }
}

/// An OK, an ERR, or the number of columns with the first of them behind.
fn answer(whole: Option<&[u8]>, seen: &[u8], length: usize) -> Sound {
    let Some(&byte) = seen.first() else { return Sound::More };
    match byte {
        0x00 if length < 7 => Sound::No,
        0x00 => {
            let Some(payload) = whole else { return more_if(length < 64) };
            let result = payload.get(1..).and_then(|payload| wire::ok(payload, None));
            // Autocommit or a transaction; none of the flags that only rows have.
            yes_if(length == 7 && result.is_some_and(|ok| ok.status & 3 != 0 && ok.status & 0x00c0 == 0))
        }
        0xff => {
            let Some(payload) = whole else { return more_if(length < 600) };
            let failure = payload.get(1..).and_then(wire::failure);
            yes_if(failure.is_some_and(|failure| {
                (1000..5000).contains(&failure.code)
                    && failure
                        .state
                        .is_some_and(|state| state.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            }))
        }
        1..=0xfa if length == 1 => {
            // A column: `def` with its length, number 2.
            let Some(next) = seen.get(1..) else { return Sound::No };
            let Some((length, number)) = header(next) else { return Sound::More };
            if number != 2 || !(20..2048).contains(&length) {
                return Sound::No;
            }
            match next.get(HEADER_BYTES..HEADER_BYTES + 4) {
                Some(def) => yes_if(def == b"\x03def"),
                None => Sound::More,
            }
        }
        _ => Sound::No,
    }
}

/// Words that statements begin with.
const VERBS: [&str; 38] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "REPLACE",
    "SET",
    "SHOW",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "START",
    "CREATE",
    "DROP",
    "ALTER",
    "TRUNCATE",
    "USE",
    "CALL",
    "WITH",
    "EXPLAIN",
    "DESCRIBE",
    "DESC",
    "GRANT",
    "REVOKE",
    "LOCK",
    "UNLOCK",
    "LOAD",
    "KILL",
    "FLUSH",
    "ANALYZE",
    "OPTIMIZE",
    "REPAIR",
    "CHECK",
    "DO",
    "XA",
    "SAVEPOINT",
    "RELEASE",
    "PREPARE",
    "EXECUTE",
];

fn is_sql(sql: &[u8]) -> bool {
    if sql.len() < 4 || !is_text(sql) {
        return false;
    }
    let verb = crate::protocol::postgres::wire::verb(&String::from_utf8_lossy(sql.get(..200).unwrap_or(sql)));
    VERBS.contains(&verb.as_str())
}

/// Nothing but text at the front; bytes of blobs may follow.
fn is_text(bytes: &[u8]) -> bool {
    let front = bytes.get(..64).unwrap_or(bytes);
    front.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..))
}

fn yes_if(sound: bool) -> Sound {
    if sound { Sound::Yes } else { Sound::No }
}

fn more_if(sound: bool) -> Sound {
    if sound { Sound::More } else { Sound::No }
}
