//! Cuts the parts of HTTP/1 that lie between bodies: first lines, heads, chunk lines.
//!
//! Pure functions over bytes. Lines end with LF; a CR before it belongs to the line end (RFC 9112 §2.2
//! lets a recipient take a bare LF for a line end).

use memchr::{memchr, memmem};
use serde::{Deserialize, Serialize};

use crate::protocol::Direction;

/// Most bytes of a head, field lines included. Servers refuse beyond 8 to 80 KiB; a capture may hold worse.
pub const HEAD_BYTES_MAX: usize = 256 * 1024;

/// Most bytes of a first line: targets of 32 KiB are seen in the wild.
pub const START_LINE_BYTES_MAX: usize = 64 * 1024;

/// Most bytes of a chunk line: a size and its extensions (RFC 9112 §7.1.1).
pub const CHUNK_LINE_BYTES_MAX: usize = 4096;

/// Most bytes of a method: the longest registered one has 17.
const METHOD_BYTES_MAX: usize = 64;

/// Most bytes of a version: `HTTP/1.1` has 8.
const VERSION_BYTES_MAX: usize = 16;

/// Bytes that can't be what they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

/// The first line of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartLine<'a> {
    /// `method SP target SP version` (RFC 9112 §3).
    Request {
        /// A token.
        method: &'a [u8],
        /// May hold spaces where the sender broke the rules; may be empty.
        target: &'a [u8],
        /// As sent; empty for HTTP/0.9.
        version: &'a [u8],
    },
    /// `version SP status SP [reason]` (RFC 9112 §4).
    Status {
        /// As sent.
        version: &'a [u8],
        /// Three digits.
        status: u16,
        /// Often empty.
        reason: &'a [u8],
    },
}

impl StartLine<'_> {
    /// Whether this is how an HTTP/2 connection begins (RFC 9113 §3.4).
    #[must_use]
    pub fn is_http2_preface(&self) -> bool {
        matches!(self, Self::Request { method: b"PRI", target: b"*", version: b"HTTP/2.0" })
    }
}

/// The first line of `bytes` without its line end; `None` while it goes on.
#[must_use]
pub fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes.get(..memchr(b'\n', bytes)?)?;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Reads the first line of a message that goes in `direction`; `None` if it is none.
#[must_use]
pub fn start_line(direction: Direction, line: &[u8]) -> Option<StartLine<'_>> {
    match direction {
        Direction::ToServer => request_line(line),
        Direction::ToClient => status_line(line),
    }
}

/// RFC 9112 §3. The target is what lies between the method and the version, spaces and all: a recipient
/// that stops at the first space (as RFC 9112 §3.2 advises servers) would hide what was asked.
fn request_line(line: &[u8]) -> Option<StartLine<'_>> {
    let space = memchr(b' ', line.get(..METHOD_BYTES_MAX).unwrap_or(line))?;
    let (method, rest) = line.split_at_checked(space)?;
    if method.is_empty() || !method.iter().copied().all(is_token_byte) {
        return None;
    }
    let rest = rest.get(1..)?.trim_ascii_end();
    let split = rest.iter().rposition(|&byte| byte == b' ').map_or(0, |at| at + 1);
    let (target, version) = rest.split_at_checked(split)?;
    if is_version(version) {
        return Some(StartLine::Request { method, target: target.trim_ascii(), version });
    }
    // HTTP/0.9 had no version; only for methods that leave no doubt.
    is_known_method(method).then_some(StartLine::Request { method, target: rest.trim_ascii(), version: b"" })
}

/// RFC 9112 §4. The space before an empty reason is often missing.
fn status_line(line: &[u8]) -> Option<StartLine<'_>> {
    let space = memchr(b' ', line.get(..VERSION_BYTES_MAX).unwrap_or(line))?;
    let (version, rest) = line.split_at_checked(space)?;
    if !is_version(version) {
        return None;
    }
    let rest = rest.trim_ascii_start();
    let (digits, reason) = rest.split_at_checked(3)?;
    // A fourth digit is an evasion: recipients read three, and so must who looks on.
    let more = reason.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let reason = reason.get(more..)?;
    let status = std::str::from_utf8(digits).ok()?.parse().ok().filter(|status| *status >= 100)?;
    match reason.split_first() {
        None => Some(StartLine::Status { version, status, reason }),
        Some((b' ', reason)) => Some(StartLine::Status { version, status, reason }),
        Some(_) => None,
    }
}

/// `HTTP/` and a digit, in any case: `HTTP/1.`, `HTTP/1.01` and `http/1.1` are all seen.
fn is_version(text: &[u8]) -> bool {
    let Some((name, number)) = text.split_first_chunk::<5>() else { return false };
    name.eq_ignore_ascii_case(b"HTTP/")
        && number.first().is_some_and(u8::is_ascii_digit)
        && number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Methods by which a request is recognised where doubt is possible (RFC 9110 §9, RFC 5789, RFC 4918 and others).
const METHODS: [&[u8]; 18] = [
    b"GET",
    b"POST",
    b"PUT",
    b"DELETE",
    b"HEAD",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
];

fn is_known_method(method: &[u8]) -> bool {
    METHODS.contains(&method)
}

/// Whether `bytes` could grow into something that begins with `prefix`.
#[must_use]
pub fn may_begin(prefix: &[u8], bytes: &[u8]) -> bool {
    bytes.iter().zip(prefix).all(|(byte, wanted)| byte.eq_ignore_ascii_case(wanted))
}

/// Whether `bytes`, without a line end, could be the beginning of a request line.
#[must_use]
pub fn may_begin_request(bytes: &[u8]) -> bool {
    match memchr(b' ', bytes) {
        None => METHODS.iter().any(|method| method.starts_with(bytes)),
        Some(space) => {
            bytes.get(..space).is_some_and(is_known_method) && !bytes.iter().any(|byte| *byte < b' ')
        }
    }
}

/// Where in `line`, which has its line end, a message begins that goes in `direction`.
///
/// Used after a gap: what lies before may be the end of a body.
#[must_use]
pub fn start_within(direction: Direction, line: &[u8]) -> Option<usize> {
    memmem::find(line, b"HTTP/1.")?;
    let line = first_line(line)?;
    let valid = |at: &usize| match line.get(*at..).and_then(|rest| start_line(direction, rest)) {
        Some(StartLine::Request { version, .. } | StartLine::Status { version, .. }) => !version.is_empty(),
        None => false,
    };
    match direction {
        Direction::ToClient => memmem::find_iter(line, b"HTTP/1.").find(valid),
        Direction::ToServer => {
            METHODS.iter().filter_map(|method| memmem::find_iter(line, method).find(valid)).min()
        }
    }
}

/// How far the search for the empty line has come, so that no byte is looked at twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Scan {
    line_start: usize,
    seen: usize,
}

impl Scan {
    /// The length of the section that ends with an empty line, that line included; `None` while it goes on.
    pub fn section_end(&mut self, input: &[u8]) -> Option<usize> {
        loop {
            let Some(line_end) = input.get(self.seen..).and_then(|rest| memchr(b'\n', rest)) else {
                self.seen = input.len();
                return None;
            };
            let end = self.seen + line_end + 1;
            let line = input.get(self.line_start..end).unwrap_or_default();
            self.line_start = end;
            self.seen = end;
            if matches!(line, b"\n" | b"\r\n") {
                return Some(end);
            }
        }
    }

    /// Where the line that is not finished yet begins.
    #[must_use]
    pub fn whole_lines(&self) -> usize {
        self.line_start
    }
}

/// Reads a chunk's size and the length of its line (RFC 9112 §7.1); extensions are passed over.
///
/// # Errors
/// [`Malformed`] if the line does not begin with a hexadecimal number of at most 64 bits, or is too long.
pub fn chunk_line(input: &[u8]) -> Result<Option<(u64, usize)>, Malformed> {
    let within = input.get(..CHUNK_LINE_BYTES_MAX).unwrap_or(input);
    let line_end = memchr(b'\n', within);
    let line = within.get(..line_end.unwrap_or(within.len())).unwrap_or_default().trim_ascii();
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (size, rest) = line.split_at_checked(digits).ok_or(Malformed)?;
    if !matches!(rest.first(), None | Some(b';' | b' ' | b'\t' | b'\r')) {
        return Err(Malformed);
    }
    let Some(line_end) = line_end else {
        return if within.len() == CHUNK_LINE_BYTES_MAX { Err(Malformed) } else { Ok(None) };
    };
    let size =
        std::str::from_utf8(size).ok().and_then(|hex| u64::from_str_radix(hex, 16).ok()).ok_or(Malformed)?;
    Ok(Some((size, line_end + 1)))
}

/// The length of a line end at the start of `input`.
///
/// # Errors
/// [`Malformed`] if something else is there.
pub fn line_end(input: &[u8]) -> Result<Option<usize>, Malformed> {
    match input {
        [b'\n', ..] => Ok(Some(1)),
        [b'\r', b'\n', ..] => Ok(Some(2)),
        [] | [b'\r'] => Ok(None),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Option<(String, String, String)> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match start_line(Direction::ToServer, line.as_bytes())? {
            StartLine::Request { method, target, version } => {
                Some((text(method), text(target), text(version)))
            }
            StartLine::Status { .. } => None,
        }
    }

    #[test]
    fn request_lines_are_read_as_sent() {
        for (line, method, target, version) in [
            ("GET / HTTP/1.1", "GET", "/", "HTTP/1.1"),
            ("get /a b c http/1.0 ", "get", "/a b c", "http/1.0"),
            ("CONNECT example.com:443 HTTP/1.1", "CONNECT", "example.com:443", "HTTP/1.1"),
            ("GET http://example.com/x HTTP/1.1", "GET", "http://example.com/x", "HTTP/1.1"),
            ("OPTIONS * HTTP/1.1", "OPTIONS", "*", "HTTP/1.1"),
            ("GET /old", "GET", "/old", ""),
            ("GET / HTTP/1.", "GET", "/", "HTTP/1."),
        ] {
            assert_eq!(request(line), Some((method.into(), target.into(), version.into())), "{line}");
        }
        for line in ["", "GET", "HELO there", "G(T / HTTP/1.1", " / HTTP/1.1"] {
            assert_eq!(request(line), None, "{line}");
        }
    }

    #[test]
    fn status_lines_are_read_as_sent() {
        let read = |line: &'static [u8]| match start_line(Direction::ToClient, line) {
            Some(StartLine::Status { status, reason, .. }) => Some((status, reason)),
            _ => None,
        };
        assert_eq!(read(b"HTTP/1.1 200 Very OK"), Some((200, b"Very OK".as_slice())));
        assert_eq!(read(b"http/1.0 404"), Some((404, b"".as_slice())));
        assert_eq!(read(b"HTTP/1.1 2000 OK"), Some((200, b"OK".as_slice())));
        assert_eq!(read(b"HTTP/1.1 OK"), None);
    }

    #[test]
    fn a_start_is_found_behind_the_end_of_a_body() {
        assert_eq!(start_within(Direction::ToClient, b"}]HTTP/1.1 200 OK\r\n"), Some(2));
        assert_eq!(start_within(Direction::ToServer, b"a=b c=dPOST /x HTTP/1.1\r\n"), Some(7));
        // What is left of `ELETE /pot` behind a gap looks like a method, too.
        assert_eq!(start_within(Direction::ToServer, b"BREW /pot HTTP/1.1\r\n"), None);
        assert_eq!(start_within(Direction::ToServer, b"Via: HTTP/1.1 proxy\r\n"), None);
    }

    #[test]
    fn chunk_lines_bound_their_numbers() {
        assert_eq!(chunk_line(b"1aF;name=value\r\nrest"), Ok(Some((0x1af, 16))));
        assert_eq!(chunk_line(b"0\n"), Ok(Some((0, 2))));
        assert_eq!(chunk_line(b"12"), Ok(None));
        assert_eq!(chunk_line(b"ffffffffffffffffff\r\n"), Err(Malformed));
        assert_eq!(chunk_line(b"xyz"), Err(Malformed));
        assert_eq!(chunk_line(&[b'1'; CHUNK_LINE_BYTES_MAX]), Err(Malformed));
    }
}
