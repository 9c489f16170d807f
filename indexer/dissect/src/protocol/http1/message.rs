//! What an HTTP/1 message says.
//!
//! Everything is kept as the bytes that were sent, in order, with repeats; what a name or a value means as
//! text is decided where it is shown. Bodies are kept without their transfer framing, but still encoded:
//! [`Request::decoded`] and [`Response::decoded`] undo the codings when somebody asks.

use serde::{Deserialize, Serialize};

use crate::protocol::Mark;
use crate::protocol::content_encoding::{self, Decoded};

/// A request (RFC 9112 §3).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The method, as sent: names are case-sensitive.
    pub method: Vec<u8>,
    /// The request target, in whichever of the four forms it was sent (RFC 9112 §3.2).
    pub target: Vec<u8>,
    /// The version as sent, `HTTP/1.1`; empty where none was.
    pub version: Vec<u8>,
    /// The field lines, as sent.
    pub headers: Headers,
    /// What followed the head.
    pub body: Body,
    /// What was wrong with the framing, and was tolerated.
    pub oddities: Oddities,
}

impl Request {
    /// The body without its transfer and content codings.
    #[must_use]
    pub fn decoded(&self, decoded_bytes_max: usize) -> Decoded {
        decoded(&self.headers, &self.body, decoded_bytes_max)
    }
}

/// A final response (RFC 9112 §4) and the interim ones before it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase, as sent; often empty.
    pub reason: Vec<u8>,
    /// The version as sent, `HTTP/1.1`.
    pub version: Vec<u8>,
    /// The field lines, as sent.
    pub headers: Headers,
    /// What followed the head.
    pub body: Body,
    /// The 1xx responses that came before this one (RFC 9110 §15.2).
    pub interim: Vec<Interim>,
    /// What was wrong with the framing, and was tolerated.
    pub oddities: Oddities,
}

impl Response {
    /// The body without its transfer and content codings.
    #[must_use]
    pub fn decoded(&self, decoded_bytes_max: usize) -> Decoded {
        decoded(&self.headers, &self.body, decoded_bytes_max)
    }
}

/// A 1xx response: a head that says that a final response will follow.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Interim {
    /// The status code, 100 to 199.
    pub status: u16,
    /// The reason phrase, as sent.
    pub reason: Vec<u8>,
    /// The version as sent.
    pub version: Vec<u8>,
    /// The field lines, as sent; those of a 103 are hints for the client.
    pub headers: Headers,
    /// The packet of its first byte.
    pub first: Mark,
    /// The packet of its last byte.
    pub last: Mark,
    /// Bytes of it in the stream.
    pub wire_bytes: u64,
}

/// The content of a message, without its framing.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Body {
    /// The first bytes that were seen, up to the limit; bytes of gaps are left out, not filled in.
    pub bytes: Vec<u8>,
    /// How many there were, gaps and bytes beyond the limit counted in.
    pub length_bytes: u64,
    /// Where bytes were never seen, at most [`Body::GAPS_MAX`] of them.
    pub gaps: Vec<BodyGap>,
    /// How many bytes were never seen, all gaps counted.
    pub gap_bytes: u64,
    /// How its end was to be found.
    pub framing: Framing,
    /// Whether that end was reached.
    pub complete: bool,
    /// Whether the limit cut `bytes`.
    pub truncated: bool,
    /// Field lines after the last chunk (RFC 9112 §7.1.2).
    pub trailers: Headers,
}

impl Body {
    /// Most gaps told apart in one body: a list for people, not a record of every loss.
    pub const GAPS_MAX: usize = 64;
}

/// A hole in a body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BodyGap {
    /// Position in the body, as it was sent.
    pub offset_bytes: u64,
    /// How many bytes were never seen.
    pub length_bytes: u64,
}

/// How the end of a body is found (RFC 9112 §6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Framing {
    /// There is no body.
    #[default]
    None,
    /// After so many bytes.
    Length(u64),
    /// After a chunk of size 0 and the trailers.
    Chunked,
    /// Where the sender closes the connection.
    UntilClose,
    /// What follows is not HTTP any more (CONNECT, 101).
    Tunnel,
}

/// Breaches of the rules that are signs of smuggling, of broken software, or of a cut capture.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Oddities {
    /// Both Transfer-Encoding and Content-Length: the former won (RFC 9112 §6.1).
    pub length_and_encoding: bool,
    /// Several Content-Length values that differ: the first won.
    pub lengths_differ: bool,
    /// A Content-Length that is no number: taken as absent.
    pub length_invalid: bool,
    /// A Transfer-Encoding that does not end in `chunked`.
    pub encoding_not_chunked: bool,
    /// The head was cut by a gap, by the end of the stream, or by our limit.
    pub head_cut: bool,
}

/// Field lines in the order they came, names as they were sent.
///
/// One buffer holds the text of all, so that a head costs two allocations, not forty.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Headers {
    text: Box<[u8]>,
    /// Where each name ends, and where each value begins and ends, in `text`.
    fields: Vec<Field>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Field {
    name: (u32, u32),
    value: (u32, u32),
}

impl Headers {
    /// From the lines of a head without its first one, or of a trailer section.
    ///
    /// A line that begins with a space or a tab goes on with the value before (obs-fold, RFC 9112 §5.2):
    /// its line end becomes spaces. A line without a colon is kept as a name without a value.
    #[must_use]
    pub fn parse(lines: &[u8]) -> Self {
        let mut text: Box<[u8]> = lines.into();
        let mut fields: Vec<Field> = Vec::with_capacity(16);
        let mut start = 0;
        while let Some(line) = lines.get(start..).filter(|rest| !rest.is_empty()) {
            let length = memchr::memchr(b'\n', line).map_or(line.len(), |end| end + 1);
            let line = line.get(..length).unwrap_or(line);
            let kept = trim_line_end(line);
            match (line.first(), fields.last_mut()) {
                _ if kept.is_empty() => {}
                (Some(b' ' | b'\t'), Some(before)) => {
                    let end = offset(start + kept.trim_ascii_end().len());
                    if let Some(fold) = text.get_mut(usize_of(before.value.1)..start) {
                        fold.fill(b' ');
                    }
                    if end > before.value.1 {
                        before.value.1 = end;
                    }
                }
                _ => fields.push(Field::of(start, kept)),
            }
            start += length;
        }
        Self { text, fields }
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.fields.iter().map(|field| (self.slice(field.name), self.slice(field.value).trim_ascii()))
    }

    /// Every value of the field `name`, in order; names don't differ by case (RFC 9110 §5.1).
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The first value of the field `name`.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(key, _)| key.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// How many field lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.text.len() + self.fields.capacity() * size_of::<Field>()
    }

    fn slice(&self, (start, end): (u32, u32)) -> &[u8] {
        self.text.get(usize_of(start)..usize_of(end)).unwrap_or_default()
    }
}

impl Field {
    /// `line` has no line end and begins at `start` of the text.
    fn of(start: usize, line: &[u8]) -> Self {
        let Some(colon) = memchr::memchr(b':', line) else {
            let end = offset(start + line.trim_ascii_end().len());
            return Self { name: (offset(start), end), value: (end, end) };
        };
        // Spaces before the colon are forbidden (RFC 9112 §5.1), and seen; they are no part of the name.
        let name = line.get(..colon).unwrap_or_default().trim_ascii_end();
        let value = line.get(colon + 1..).unwrap_or_default();
        let value_start = start + colon + 1 + (value.len() - value.trim_ascii_start().len());
        let value_end = value_start + value.trim_ascii().len();
        Self {
            name: (offset(start), offset(start + name.len())),
            value: (offset(value_start), offset(value_end)),
        }
    }
}

impl std::fmt::Debug for Headers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(n, v)| (String::from_utf8_lossy(n), String::from_utf8_lossy(v))))
            .finish()
    }
}

/// `line` without its CRLF or LF.
fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Heads are far smaller than 4 GiB; one that were not would end at the offset that can be said.
fn offset(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

fn usize_of(offset: u32) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

/// Undoes transfer codings, then content codings, last applied first (RFC 9110 §8.4, RFC 9112 §7).
fn decoded(headers: &Headers, body: &Body, decoded_bytes_max: usize) -> Decoded {
    let codings: Vec<&[u8]> = headers
        .values("content-encoding")
        .chain(headers.values("transfer-encoding"))
        .flat_map(|value| value.split(|&byte| byte == b','))
        .collect();
    content_encoding::decode(&codings, &body.bytes, decoded_bytes_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_order_case_and_repeats() {
        let headers = Headers::parse(b"Host: a\r\nset-cookie:x=1\nSet-Cookie : \ty=2 \r\nodd line\r\n\r\n");
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(
            all,
            [
                (b"Host".as_slice(), b"a".as_slice()),
                (b"set-cookie", b"x=1"),
                (b"Set-Cookie", b"y=2"),
                (b"odd line", b"")
            ]
        );
        assert_eq!(headers.values("SET-COOKIE").count(), 2);
    }

    #[test]
    fn folded_lines_become_one_value() {
        let headers = Headers::parse(b"X: a\r\n  b\r\n\tc\r\nY:\r\n z\r\n");
        assert_eq!(headers.value("x"), Some(b"a    b  \tc".as_slice()));
        assert_eq!(headers.value("y"), Some(b"z".as_slice()));
    }
}
