//! Where messages begin: at the start of a stream, and after a gap.
//!
//! A command is an array whose first string is a word; nothing else on the wire looks so. A reply may be
//! three bytes, and the elements of an array look like replies of their own, so a reply is believed only
//! where one is due: the dissector asks at the start of a packet that came after a command.

use super::command;
use super::frame::{self, Header, Malformed};
use super::message::Kind;
use crate::protocol::{Direction, Probe};

/// Most bytes looked at of one message.
const LOOK_BYTES_MAX: usize = 2048;

/// Longest name of a command, those of modules included.
const NAME_BYTES_MAX: u64 = 64;

/// Whether `bytes`, the first of a stream in `direction`, are Redis.
#[must_use]
pub fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    let sound = match direction {
        Direction::ToServer if bytes.first() == Some(&b'*') => begins_command(bytes),
        Direction::ToServer => return probe_inline(bytes),
        Direction::ToClient => sound_reply(bytes),
    };
    match sound {
        Some(true) => Probe::Yes,
        Some(false) => Probe::No("no RESP type byte and length"),
        None => Probe::More,
    }
}

/// Lines alone are too weak: `QUIT` is said in many languages. The server's answer decides.
fn probe_inline(bytes: &[u8]) -> Probe {
    const NO: Probe = Probe::No("no command of Redis");
    let mut rest = bytes;
    let mut is_first = true;
    while let Some((line, length)) = frame::inline_line(rest) {
        rest = rest.get(length..).unwrap_or_default();
        if !frame::is_inline(line) || is_first && !is_inline_command(line) {
            return NO;
        }
        is_first = false;
    }
    let text = rest.strip_suffix(b"\r").unwrap_or(rest);
    let may_begin = text.first().is_none_or(u8::is_ascii_alphabetic) && frame::is_inline(text);
    if may_begin { Probe::More } else { NO }
}

/// Whether a line is a command that Redis knows.
pub fn is_inline_command(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.next().is_some_and(command::is_known) && !words.any(|word| word.starts_with(b"HTTP/"))
}

/// Whether `bytes` begin an array, a string and a word: enough at the start of a stream, where a capture may
/// hold no more than the first bytes of each packet.
fn begins_command(bytes: &[u8]) -> Option<bool> {
    let name = bytes.splitn(3, |&byte| byte == b'\n').nth(2).unwrap_or_default();
    match sound_command(bytes) {
        None if !name.is_empty() => Some(true),
        sound => sound,
    }
}

/// Whether `bytes` begin a command; `None` asks for more of them.
pub fn sound_command(bytes: &[u8]) -> Option<bool> {
    let sound = || -> Result<Option<bool>, Malformed> {
        let Some((header, length)) = frame::header(bytes)? else { return Ok(None) };
        let Header::Items(Kind::Array, count @ 1..) = header else { return Ok(Some(false)) };
        let rest = bytes.get(length..).unwrap_or_default();
        let Some((header, length)) = frame::header(rest)? else { return Ok(None) };
        let Header::Bytes(Kind::BulkString, name @ 1..=NAME_BYTES_MAX) = header else {
            return Ok(Some(false));
        };
        let rest = rest.get(length..).unwrap_or_default();
        let name_length = usize::try_from(name).map_err(|_| Malformed)?;
        let name = rest.get(..name_length).unwrap_or(rest);
        let is_name = name.first().is_none_or(u8::is_ascii_alphabetic)
            && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-|".contains(byte));
        if !is_name {
            return Ok(Some(false));
        }
        let Some(rest) = rest.get(name_length..) else { return Ok(None) };
        match rest {
            [b'\r', b'\n', rest @ ..] if count > 1 => {
                let Some((header, _)) = frame::header(rest)? else { return Ok(None) };
                Ok(Some(matches!(header, Header::Bytes(Kind::BulkString, _))))
            }
            [b'\r', b'\n', ..] => Ok(Some(true)),
            [] | [b'\r'] => Ok(None),
            _ => Ok(Some(false)),
        }
    };
    sound().unwrap_or(Some(false))
}

/// Whether `bytes` begin a reply; `None` asks for more of them.
pub fn sound_reply(bytes: &[u8]) -> Option<bool> {
    let sound = || -> Result<Option<bool>, Malformed> {
        let Some((header, length)) = frame::header(bytes)? else { return Ok(None) };
        let rest = bytes.get(length..).unwrap_or_default();
        match header {
            Header::Line(kind) => Ok(sound_line(kind, rest)),
            Header::Bytes(_, left) => {
                let end = usize::try_from(left).map_err(|_| Malformed)?;
                match rest.get(end..) {
                    Some([b'\r', b'\n', ..]) => Ok(Some(true)),
                    Some([] | [b'\r']) => Ok(None),
                    Some(_) => Ok(Some(false)),
                    // Too long to see its end: a length on a line of its own is rare enough.
                    None => Ok((rest.len() >= LOOK_BYTES_MAX.min(end)).then_some(true)),
                }
            }
            Header::Items(_, 0) => Ok(Some(true)),
            Header::Items(..) | Header::ItemsUntilEnd(_) => match frame::header(rest)? {
                None => Ok(None),
                Some((Header::Line(kind), length)) => {
                    Ok(sound_line(kind, rest.get(length..).unwrap_or_default()))
                }
                Some(_) => Ok(Some(true)),
            },
            Header::Parts => match frame::part(rest)? {
                None => Ok(None),
                Some(_) => Ok(Some(true)),
            },
            Header::End => Ok(Some(false)),
            Header::Integer(_) | Header::Null(_) | Header::Boolean(_) | Header::Double => Ok(Some(true)),
        }
    };
    sound().unwrap_or(Some(false))
}

/// Simple strings and errors are text; others speak so, too (`+OK` of POP3), hence the words.
fn sound_line(kind: Kind, rest: &[u8]) -> Option<bool> {
    const WORDS: [&[u8]; 6] = [b"OK", b"PONG", b"QUEUED", b"RESET", b"FULLRESYNC", b"CONTINUE"];
    let window = rest.get(..LOOK_BYTES_MAX).unwrap_or(rest);
    let line = match memchr::memchr(b'\n', window) {
        Some(end) => window.get(..end).and_then(|line| line.strip_suffix(b"\r")),
        None if window.len() < LOOK_BYTES_MAX
            && frame::is_inline(window.strip_suffix(b"\r").unwrap_or(window)) =>
        {
            return None;
        }
        None => None,
    };
    let Some(line) = line.filter(|line| frame::is_inline(line)) else { return Some(false) };
    let word = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    Some(match kind {
        Kind::SimpleString => {
            let is_whole = word.len() == line.len() || matches!(word, b"FULLRESYNC" | b"CONTINUE");
            (WORDS.contains(&word) && is_whole) || super::session::is_monitor_line(line) || is_type(line)
        }
        Kind::Error => is_error(word, line),
        _ => line.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'),
    })
}

/// Answers to `TYPE`, and what else Redis says in a word.
fn is_type(line: &[u8]) -> bool {
    const TYPES: [&[u8]; 8] =
        [b"string", b"list", b"set", b"zset", b"hash", b"stream", b"none", b"Background saving started"];
    TYPES.contains(&line)
}

/// Errors begin with their kind in capitals. `ERR` is said by POP3 too, but not in these words.
fn is_error(word: &[u8], line: &[u8]) -> bool {
    const WORDS: [&[u8]; 8] = [
        b"command",
        b"argument",
        b"Protocol error",
        b"syntax error",
        b"value is",
        b"no such key",
        b"DB index",
        b"clients reached",
    ];
    let is_kind = word.len() >= 3 && word.iter().all(u8::is_ascii_uppercase);
    is_kind && (word != b"ERR" || WORDS.iter().any(|known| memchr::memmem::find(line, known).is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_tell_redis_from_its_neighbours() {
        use Direction::{ToClient, ToServer};
        let (yes, no, more) = ("yes", "no", "more");
        for (direction, bytes, expected) in [
            (ToServer, "*1\r\n$4\r\nPING\r\n", yes),
            (ToServer, "*2\r\n$3\r\nGET\r\n$1\r\n", yes),
            (ToServer, "*2\r\n$8\r\nJSON.GET\r\n$1\r\n", yes),
            (ToServer, "*1\r\n$4\r\nPI", yes),
            (ToServer, "*1\r\n$4\r\n", more),
            (ToServer, "*", more),
            (ToServer, "*1\r\n:4\r\n", no),
            (ToServer, "* OK IMAP4rev1\r\n", no),
            (ToServer, "PING\r\n", more),
            (ToServer, "set key value\r\nGET key\r\n", more),
            (ToServer, "GET / HTTP/1.1\r\nHost: a\r\n", no),
            (ToServer, "EHLO a\r\n", no),
            (ToServer, "\x16\x03\x01", no),
            (ToClient, "+OK\r\n", yes),
            (ToClient, "+OK Dovecot ready.\r\n", no),
            (ToClient, "-ERR [AUTH] wrong\r\n", no),
            (ToClient, "-ERR unknown command 'x'\r\n", yes),
            (ToClient, "-MOVED 1 10.0.0.1:6379\r\n", yes),
            (ToClient, "$5\r\nhello\r\n", yes),
            (ToClient, "$5\r\nhello!\r\n", no),
            (ToClient, "$5\r\nhel", more),
            (ToClient, "%1\r\n$6\r\nserver\r\n", yes),
            (ToClient, ":12\r\n", yes),
            (ToClient, "220 mail ESMTP\r\n", no),
            (ToClient, "* OK IMAP4rev1\r\n", no),
            (ToClient, "HTTP/1.1 200 OK\r\n", no),
        ] {
            let told = match probe(direction, bytes.as_bytes()) {
                Probe::Yes => yes,
                Probe::No(_) => no,
                Probe::More => more,
            };
            assert_eq!(told, expected, "{bytes:?}");
        }
    }
}
