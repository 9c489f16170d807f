//! Reads ICMP messages.

use super::message::{Message, Quoted};
use crate::decode::{Payload, decode_quoted};
use crate::exchange::Transport;

/// RFC 792 and RFC 4443 §2.1: type, code, checksum (2), four bytes that depend on the type, and the rest.
#[must_use]
pub fn message(is_v6: bool, bytes: &[u8]) -> Option<Message> {
    let (&[kind, code, _, _], rest) = bytes.split_first_chunk()?;
    let word = rest.first_chunk::<4>();
    let behind = rest.get(4..).unwrap_or_default();
    let payload_bytes = u64::try_from(behind.len()).unwrap_or(u64::MAX);
    let mut message = Message { is_v6, kind, code, echo: None, quoted: None, payload_bytes };
    if (message.is_echo_request() || message.is_echo_reply())
        && let Some(&[i0, i1, s0, s1]) = word
    {
        message.echo = Some((u16::from_be_bytes([i0, i1]), u16::from_be_bytes([s0, s1])));
    }
    if message.is_error() {
        message.quoted = quoted(behind);
    }
    Some(message)
}

/// The packet that an error quotes, or the beginning of it.
fn quoted(bytes: &[u8]) -> Option<Quoted> {
    let decoded = decode_quoted(bytes)?;
    let ports = match decoded.payload {
        Payload::Tcp(header, _) => Some((Transport::Tcp, header.source_port, header.destination_port)),
        Payload::Udp(header, _) => Some((Transport::Udp, header.source_port, header.destination_port)),
        Payload::Ports(transport, source, destination) => Some((transport, source, destination)),
        Payload::Fragment(_) | Payload::Icmp(_) | Payload::Other(_) => None,
    };
    let (source, destination) = (decoded.network.source, decoded.network.destination);
    Some(Quoted { source, destination, ports })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_whose_packet_it_is_about() {
        // Destination unreachable, port unreachable; an IPv4 header and eight bytes of UDP.
        let bytes = [
            &[3, 3, 0, 0, 0, 0, 0, 0][..],
            &[0x45, 0, 0, 40, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
            &[0x9c, 0x40, 0, 53, 0, 20, 0, 0],
        ]
        .concat();
        let message = message(false, &bytes).unwrap();
        assert_eq!((message.name(), message.is_error()), ("Port Unreachable", true));
        let quoted = message.quoted.unwrap();
        assert_eq!(quoted.ports, Some((Transport::Udp, 40_000, 53)));
        assert_eq!(quoted.destination.to_string(), "10.0.0.2");
    }

    #[test]
    fn an_echo_tells_its_numbers() {
        let message = message(true, &[128, 0, 1, 2, 0, 7, 0, 9, 1, 2, 3]).unwrap();
        assert_eq!((message.echo, message.payload_bytes), (Some((7, 9)), 3));
        assert!(super::message(false, &[8, 0, 0]).is_none());
    }
}
