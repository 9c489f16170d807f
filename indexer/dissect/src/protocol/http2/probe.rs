//! Recognises HTTP/2 by its first bytes, or by frames in the middle.

use super::frame::{self, HEADER_BYTES, Kind, PREFACE};
use super::search::{self, Bounds, Look};
use crate::protocol::{Direction, Probe};

/// Whether `bytes` of a stream in `direction` are HTTP/2.
#[must_use]
pub fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    match search::look(bytes, Bounds::NONE) {
        Look::No => Probe::No("no preface and no frame header"),
        _ if bytes.first() == PREFACE.first() && direction == Direction::ToClient => {
            Probe::No("a client's preface, from the server")
        }
        Look::More => Probe::More,
        Look::Frame if goes_other_way(direction, bytes) => Probe::No("headers of the other direction"),
        Look::Frame => Probe::Yes,
    }
}

/// Whether the first frame holds headers that only the other side sends.
fn goes_other_way(direction: Direction, bytes: &[u8]) -> bool {
    let Some(header) = frame::header(bytes).filter(|header| header.kind == Kind::Headers) else {
        return false;
    };
    let payload = bytes.get(HEADER_BYTES..header.frame_bytes()).unwrap_or_default();
    let name = match direction {
        Direction::ToServer => ":status",
        Direction::ToClient => ":method",
    };
    search::headers(&header, payload).is_some_and(|list| list.iter().any(|header| header.name.is(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_recognised_from_the_start_and_in_the_middle() {
        use Direction::{ToClient, ToServer};
        let request = b"\0\0\x02\x01\x05\0\0\0\x01\x82\x84".as_slice();
        let response = b"\0\0\x01\x01\x05\0\0\0\x01\x88".as_slice();
        for (direction, bytes, expected) in [
            (ToServer, PREFACE.as_slice(), "Yes"),
            (ToServer, &PREFACE[..3], "More"),
            (ToServer, b"PRI * HTTP/1.1", "No"),
            (ToClient, PREFACE.as_slice(), "No"),
            (ToClient, b"\0\0\0\x04\0\0\0\0\0", "Yes"),
            (ToServer, request, "Yes"),
            (ToClient, request, "No"),
            (ToClient, response, "Yes"),
            (ToServer, response, "No"),
            (ToServer, b"", "More"),
            (ToServer, b"POST / HTTP/1.1\r\n", "No"),
        ] {
            let answer = format!("{:?}", probe(direction, bytes));
            assert!(answer.starts_with(expected), "{bytes:x?}: {answer}");
        }
    }
}
