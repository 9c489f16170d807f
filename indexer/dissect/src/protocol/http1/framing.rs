//! Decides where a body ends (RFC 9112 §6.3).

use serde::{Deserialize, Serialize};

use crate::protocol::http1::message::{Framing, Headers, Oddities};

/// What the requests before it say about a response.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Method {
    /// The response has no body.
    Head,
    /// A 2xx response begins a tunnel.
    Connect,
    /// Any other, or a request that was not seen.
    Other,
}

impl Method {
    /// Methods are case-sensitive (RFC 9110 §9.1).
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        match name {
            b"HEAD" => Self::Head,
            b"CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// How the body of a request ends.
#[must_use]
pub fn of_request(headers: &Headers) -> (Framing, Oddities) {
    let (length, coding, mut oddities) = declared(headers);
    let framing = match (coding, length) {
        (Coding::Chunked, _) => Framing::Chunked,
        // RFC 9112 §6.3, 4: a server can't know the end, answers 400 and closes.
        (Coding::Other, _) => {
            oddities.encoding_not_chunked = true;
            Framing::UntilClose
        }
        (Coding::None, Some(length)) => Framing::Length(length),
        // RFC 9112 §6.3, 7: a request without a declaration has no body.
        (Coding::None, None) => Framing::None,
    };
    (framing, oddities)
}

/// How the body of a response with `status` to a request with `method` ends.
#[must_use]
pub fn of_response(method: Method, status: u16, headers: &Headers) -> (Framing, Oddities) {
    let (length, coding, mut oddities) = declared(headers);
    let framing = match (method, status) {
        // RFC 9112 §6.3, 1: whatever the fields say.
        (_, 101) => Framing::Tunnel,
        (Method::Head, _) | (_, 100..=199 | 204 | 304) => Framing::None,
        // RFC 9112 §6.3, 2.
        (Method::Connect, 200..=299) => Framing::Tunnel,
        _ => match (coding, length) {
            (Coding::Chunked, _) => Framing::Chunked,
            (Coding::Other, _) => {
                oddities.encoding_not_chunked = true;
                Framing::UntilClose
            }
            (Coding::None, Some(length)) => Framing::Length(length),
            (Coding::None, None) => Framing::UntilClose,
        },
    };
    (framing, oddities)
}

/// The transfer coding applied last.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Coding {
    None,
    Chunked,
    Other,
}

fn declared(headers: &Headers) -> (Option<u64>, Coding, Oddities) {
    let mut oddities = Oddities::default();
    let length = content_length(headers, &mut oddities);
    let coding = transfer_coding(headers);
    oddities.length_and_encoding = coding != Coding::None && headers.value("content-length").is_some();
    (length, coding, oddities)
}

/// RFC 9112 §6.3, 5: repeats of the same number are one; of different numbers the first is taken, because
/// that is what most recipients do, and the breach is noted.
fn content_length(headers: &Headers, oddities: &mut Oddities) -> Option<u64> {
    let mut first = None;
    for value in headers.values("content-length").flat_map(|value| value.split(|&byte| byte == b',')) {
        match (decimal(value.trim_ascii()), first) {
            (None, _) => oddities.length_invalid = true,
            (Some(length), None) => first = Some(length),
            (Some(length), Some(before)) => oddities.lengths_differ |= length != before,
        }
    }
    first
}

/// RFC 9110 §8.6: digits only, so no sign.
fn decimal(text: &[u8]) -> Option<u64> {
    let digits = text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// RFC 9112 §6.1. `identity` was a coding in RFC 2616 and means none; empty list elements don't count.
fn transfer_coding(headers: &Headers) -> Coding {
    let mut last = Coding::None;
    for coding in headers.values("transfer-encoding").flat_map(|value| value.split(|&byte| byte == b',')) {
        let coding = coding.trim_ascii();
        if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        last = if coding.eq_ignore_ascii_case(b"chunked") { Coding::Chunked } else { Coding::Other };
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(method: Method, status: u16, lines: &str) -> (Framing, Oddities) {
        of_response(method, status, &Headers::parse(lines.as_bytes()))
    }

    #[test]
    fn bodies_end_as_rfc_9112_says() {
        let length = "Content-Length: 5\r\n";
        for (method, status, lines, expected) in [
            (Method::Other, 200, length, Framing::Length(5)),
            (Method::Head, 200, length, Framing::None),
            (Method::Other, 304, length, Framing::None),
            (Method::Other, 204, "Transfer-Encoding: chunked\r\n", Framing::None),
            (Method::Connect, 200, length, Framing::Tunnel),
            (Method::Connect, 407, length, Framing::Length(5)),
            (Method::Other, 101, "", Framing::Tunnel),
            (Method::Other, 200, "", Framing::UntilClose),
            (Method::Other, 200, "Transfer-Encoding: gzip, Chunked\r\n", Framing::Chunked),
            (Method::Other, 200, "Transfer-Encoding: , chunked,\r\n", Framing::Chunked),
            (Method::Other, 200, "Transfer-Encoding: identity\r\nContent-Length: 3\r\n", Framing::Length(3)),
            (Method::Other, 200, "Transfer-Encoding: chunked, gzip\r\n", Framing::UntilClose),
        ] {
            assert_eq!(response(method, status, lines).0, expected, "{status} {lines}");
        }
        assert_eq!(of_request(&Headers::default()).0, Framing::None);
    }

    #[test]
    fn conflicts_are_noted() {
        let (framing, oddities) =
            response(Method::Other, 200, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
        assert!(framing == Framing::Chunked && oddities.length_and_encoding);
        let (framing, oddities) = response(Method::Other, 200, "Content-Length: 5\r\nContent-Length: 6\r\n");
        assert!(framing == Framing::Length(5) && oddities.lengths_differ);
        let (framing, oddities) = response(Method::Other, 200, "Content-Length: +5\r\n");
        assert!(framing == Framing::UntilClose && oddities.length_invalid);
        assert!(!response(Method::Other, 200, "Content-Length: 5, 5\r\n").1.lengths_differ);
    }
}
