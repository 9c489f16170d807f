//! Kafka (<https://kafka.apache.org/protocol>): what producers, consumers and brokers ask of brokers.
//!
//! Messages are a length and so many bytes ([`frame`]); a response has the correlation id of its request, and can only
//! be read by whoever saw that ([`dissector`]). What a body says in which version stands in a table ([`schema`]), by
//! which it becomes a tree of names and values ([`decode`], [`value`]). Records, the freight, are read from their
//! batches when somebody wants them ([`record`]).

mod consumer;
pub mod decode;
pub mod dissector;
pub mod error;
pub mod frame;
pub mod message;
pub mod record;
pub mod schema;
mod schema_text;
mod side;
mod topics;
pub mod value;
mod waiting;

pub use dissector::Dissector;

use crate::protocol::{Direction, Probe};
use frame::Look;

/// Bytes of a message that are kept even by whoever wants no bodies: topics and errors stand in what others call the
/// body, and only the records among them are freight.
pub const MESSAGE_BYTES_MIN: usize = 1024 * 1024;

/// Recognises the beginning of a flow. A broker's side says too little to be told by; it is recognised by its client's.
#[must_use]
pub fn probe(direction: Direction, input: &[u8]) -> Probe {
    let look = match direction {
        Direction::ToServer => frame::look_for_request(input, |_| true),
        Direction::ToClient => frame::look_for_response(input),
    };
    match look {
        Look::Sound => Probe::Yes,
        Look::More => Probe::More,
        Look::Not(why) => Probe::No(why),
        Look::Unread => Probe::No("a request that can't be read"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{ToClient, ToServer};

    const METADATA: &[u8] = b"\0\0\0\x1b\0\x03\0\0\0\0\0\x01\0\x05cli-1\0\0\0\x01\0\x06orders";

    #[test]
    fn requests_are_recognised_once_they_are_whole() {
        assert_eq!(probe(ToServer, METADATA), Probe::Yes);
        for length in 0..METADATA.len() {
            assert_eq!(probe(ToServer, &METADATA[..length]), Probe::More, "{length} bytes");
        }
        assert_eq!(probe(ToServer, &[METADATA, b"more"].concat()), Probe::Yes);
        // A long one is believed before its end.
        let mut long = METADATA.to_vec();
        long[..4].copy_from_slice(&9020_u32.to_be_bytes());
        long[22..25].copy_from_slice(b"\x03\xe8\0");
        long.truncate(19);
        long.extend(b"\0\0\x04\x69");
        long.extend(b"\0\x06orders".repeat(1125));
        assert_eq!(probe(ToServer, &long[..3000]), Probe::More);
        assert_eq!(probe(ToServer, &long[..4010]), Probe::Yes);
    }

    #[test]
    fn others_are_not() {
        let others: [&[u8]; 10] = [
            b"GET / HTTP/1.1\r\n\r\n",
            // TLS, DNS over TCP, PostgreSQL, ZooKeeper's connect, Thrift.
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
            b"\0\x1b\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01",
            b"\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0\0\0\0\0\0\0\0\0\0\0",
            b"\0\0\0\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x75\x30\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"\0\0\0\x11\x80\x01\0\x01\0\0\0\x04ping\0\0\0\0\0",
            &[0; 64],
            b"\0\0\0\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"\xff\xff\xff\xff\0\x03\0\0\0\0\0\x01",
            b"\0\0\0\x0a\0\x03\0\x63\0\0\0\x01\0\0",
        ];
        for other in others {
            assert!(matches!(probe(ToServer, other), Probe::No(_)), "{other:?}");
        }
        // A broker's first bytes tell nothing but, sometimes, that they are something else.
        assert_eq!(probe(ToClient, b"\0\0\0\x06\0\0\0\x01\0\0"), Probe::More);
        assert!(matches!(probe(ToClient, b"HTTP/1.1 200 OK\r\n"), Probe::No(_)));
    }
}
