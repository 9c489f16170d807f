//! TLS (RFC 8446, RFC 5246 and before, back to the hello of SSL 2.0) and DTLS (RFC 6347).
//!
//! What can be read without keys: [`record`] cuts records, [`handshake`] messages, `hello` the two hellos;
//! `conversation` pairs them, for [`dissector`] over TCP and [`dtls`] over UDP. [`message`] is what remains,
//! [`fingerprint`] makes JA3 and JA4 of it, [`name`] knows what the numbers mean.
//!
//! Encrypted records are counted, not told. QUIC, which carries the same handshake in packets of its own that
//! are encrypted with keys anyone can derive, is not read.

mod assembly;
mod bytes;
mod cipher_suite;
mod conversation;
pub mod dissector;
pub mod dtls;
pub mod fingerprint;
pub mod handshake;
mod hello;
pub mod message;
pub mod name;
pub mod record;
mod sslv2;

pub use dissector::Dissector;

use crate::protocol::{Direction, Probe};
use record::Kind;

/// A record that is as long as all that a probe is ever shown is believed by its header alone: five bytes
/// that are right by chance once in sixty million times.
const LOOK_BYTES: usize = 4096;

/// Whether `bytes`, the first of a stream in `direction`, are of TLS.
#[must_use]
pub fn probe(direction: Direction, bytes: &[u8]) -> Probe {
    let header = match record::header(bytes) {
        Ok(Some((header, _))) => header,
        Ok(None) => return Probe::More,
        Err(record::Malformed) if direction == Direction::ToServer => return probe_sslv2(bytes),
        Err(record::Malformed) => return Probe::No("no TLS record header"),
    };
    if header.kind == Kind::Handshake {
        match record::begins_hello(direction, bytes) {
            Some(true) => return Probe::Yes,
            // Encrypted handshake messages begin with any byte.
            Some(false) => {}
            None => return Probe::More,
        }
    }
    let content = bytes.get(record::HEADER_BYTES..).unwrap_or_default();
    match (header.kind, content) {
        (Kind::Alert, [] | [1 | 2]) if header.length == 2 => Probe::More,
        (Kind::Alert, [1 | 2, description]) if header.length == 2 && name::alert(*description).is_some() => {
            Probe::Yes
        }
        _ => probe_records(bytes),
    }
}

/// Two records in a row, or one that is longer than what is shown.
fn probe_records(bytes: &[u8]) -> Probe {
    match record::two_in_a_row(bytes) {
        Some(true) => Probe::Yes,
        Some(false) => Probe::No("no second TLS record behind the first"),
        None if bytes.len() >= LOOK_BYTES => Probe::Yes,
        None => Probe::More,
    }
}

fn probe_sslv2(bytes: &[u8]) -> Probe {
    match sslv2::client_hello(bytes) {
        sslv2::First::Hello(..) => Probe::Yes,
        sslv2::First::More => Probe::More,
        sslv2::First::Other => Probe::No("no TLS record header"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_tell_tls_from_its_neighbours() {
        use Direction::{ToClient, ToServer};
        let hello =
            |kind: u8| [b"\x16\x03\x01\x00\x50".as_slice(), &[kind], b"\x00\x00\x4c\x03\x03"].concat();
        let is = |direction, bytes: &[u8]| match probe(direction, bytes) {
            Probe::Yes => "yes",
            Probe::More => "more",
            Probe::No(_) => "no",
        };
        let long = [b"\x17\x03\x03\x40\x00".to_vec(), vec![9; LOOK_BYTES]].concat();
        for (direction, bytes, expected) in [
            (ToServer, hello(1).as_slice(), "yes"),
            (ToClient, &hello(2), "yes"),
            (ToClient, &hello(1), "more"),
            (ToServer, &hello(1)[..8], "more"),
            (ToServer, b"", "more"),
            (ToClient, b"\x15\x03\x01\x00\x02\x02\x28", "yes"),
            (ToClient, b"\x17\x03\x03\x00\x02ab\x17\x03\x03\x00\x01", "yes"),
            (ToClient, b"\x17\x03\x03\x00\x02ab\x17\x03\x09\x00\x01", "no"),
            (ToClient, &long, "yes"),
            (ToClient, &long[..99], "more"),
            (ToServer, b"GET / HTTP/1.1\r\n", "no"),
            (ToServer, b"\x00\x00\x00\x1a\x00\x03\x00\x00", "no"),
        ] {
            assert_eq!(is(direction, bytes), expected, "{bytes:x?}");
        }
    }
}
