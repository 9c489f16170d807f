//! AMQP 0-9-1 with RabbitMQ's extensions.
//!
//! [`frame`] cuts frames out of bytes; [`field`] reads arguments and field tables, [`method`] knows the
//! classes and methods, [`message`] is what remains of them; [`content`] puts content headers and bodies to
//! the methods that carry them, channel by channel; [`order`] pairs synchronous methods with their answers;
//! [`dissector`] keeps the state of a connection.
//!
//! AMQP 1.0 shares the name and the first four bytes, nothing else: its protocol header is told, the rest of
//! such a connection is counted.

pub mod content;
pub mod dissector;
pub mod field;
pub mod frame;
pub mod message;
pub mod method;
pub mod order;

pub use dissector::Dissector;

use crate::protocol::{Direction, Probe};

/// Whether `bytes`, the first of a stream in `direction`, are AMQP.
#[must_use]
pub fn probe(_: Direction, bytes: &[u8]) -> Probe {
    match frame::begins(bytes) {
        Some(true) => Probe::Yes,
        Some(false) => Probe::No("no protocol header, no frame of a known method"),
        None => Probe::More,
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_tell_amqp_from_its_neighbours() {
        for (bytes, expected) in [
            (b"AMQP\0\0\x09\x01".as_slice(), "yes"),
            (b"AMQP\x03\x01\0\0", "yes"),
            (b"AMQ", "more"),
            (b"AMQP is nice", "no"),
            (b"\x08\0\0\0\0\0\0\xce", "yes"),
            (b"\x01\0\x01\0\0\0\x05\0\x14\0\x0a\0\xce", "yes"),
            (b"\x01\0\x01\0\0\0\x50\0\x3c\0\x28", "yes"),
            (b"\x01\0\x01\0\0\0\x50\0\x3c\0\x29", "no"),
            (b"\x01\0\x01\0", "more"),
            (b"\x16\x03\x01\x02\0", "no"),
            (b"GET / HTTP/1.1\r\n", "no"),
        ] {
            let told = match probe(Direction::ToServer, bytes) {
                Probe::Yes => "yes",
                Probe::No(_) => "no",
                Probe::More => "more",
            };
            assert_eq!(told, expected, "{bytes:?}");
        }
    }
}
