//! HTTP/1.0 and HTTP/1.1 (RFC 9110, RFC 9112).
//!
//! [`frame`] cuts heads, chunk lines and field lines out of bytes; [`framing`] decides where a body ends;
//! [`reader`] puts both together and tells the [`event`]s of one direction; [`dissector`] pairs the two
//! directions, slot by slot; [`message`] is what remains of a request or a response.
//!
//! Senders are forgiven what a careful server forgives (bare LF, leading empty lines, folded lines, odd
//! spaces), because evidence is read as it was sent, not as it should have been.

pub mod dissector;
pub mod event;
pub mod frame;
pub mod framing;
pub mod message;
pub mod reader;
mod slot;
mod tunnel;

pub use dissector::Dissector;

use crate::protocol::{Direction, Probe};

/// Most bytes looked at before an unfinished first line is given up as not HTTP.
const PROBE_BYTES_MAX: usize = 8192;

/// Whether `bytes`, the first of a stream in `direction`, begin an HTTP/1 message.
#[must_use]
pub fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    let bytes = bytes.trim_ascii_start();
    let line = frame::first_line(bytes);
    if let Some(line) = line {
        let known = frame::start_line(direction, line).is_some_and(|start| !start.is_http2_preface());
        return if known { Probe::Yes } else { Probe::No("the first line is no start line") };
    }
    match direction {
        Direction::ToClient if frame::may_begin(b"HTTP/1.", bytes) => Probe::More,
        Direction::ToServer if bytes.len() < PROBE_BYTES_MAX && frame::may_begin_request(bytes) => {
            Probe::More
        }
        _ => Probe::No("does not begin with a start line"),
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: Probe = Probe::No("");

    #[test]
    fn probes_tell_http_from_its_neighbours() {
        use Direction::{ToClient, ToServer};
        for (direction, bytes, expected) in [
            (ToServer, "GET / HTTP/1.1\r\n", Probe::Yes),
            (ToServer, "\r\nGET / HTTP/1.1\r\n", Probe::Yes),
            (ToServer, "GE", Probe::More),
            (ToServer, "POST /a-long-target-that-goes-on", Probe::More),
            (ToServer, "BREW /pot HTTP/1.0\n", Probe::Yes),
            (ToServer, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", NO),
            (ToServer, "INVITE sip:bob@example.com SIP/2.0\r\n", NO),
            (ToServer, "EHLO mail.example.com\r\n", NO),
            (ToServer, "*1\r\n$4\r\nPING\r\n", NO),
            (ToServer, "\x16\x03\x01\x02", NO),
            (ToClient, "HTTP/1.1 200 OK\r\n", Probe::Yes),
            (ToClient, "HTTP/", Probe::More),
            (ToClient, "220 mail ESMTP\r\n", NO),
            (ToClient, "SSH-2.0-x\r\n", NO),
        ] {
            let answer = match probe(direction, bytes.as_bytes()) {
                Probe::No(_) => NO,
                answer => answer,
            };
            assert_eq!(answer, expected, "{bytes:?}");
        }
    }
}
