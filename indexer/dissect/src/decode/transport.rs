//! TCP (RFC 9293) and UDP (RFC 768) headers.

use serde::{Deserialize, Serialize};

use super::{Payload, Span, Step, Undecodable};
use crate::exchange::Transport;

/// The control bits of a TCP segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Flags(u8);

impl Flags {
    /// No more bytes from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Hand the bytes on at once.
    pub const PSH: Self = Self(0x08);
    /// The urgent pointer is valid.
    pub const URG: Self = Self(0x20);
    /// The acknowledgement field is valid.
    pub const ACK: Self = Self(0x10);

    /// From the header's byte.
    #[must_use]
    pub const fn new(bits: u8) -> Self {
        Self(bits)
    }

    /// Whether every flag of `other` is set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Names of the flags that are set, in the header's order from the last bit on.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let named = [
            (Self::FIN, "FIN"),
            (Self::SYN, "SYN"),
            (Self::RST, "RST"),
            (Self::PSH, "PSH"),
            (Self::ACK, "ACK"),
            (Self::URG, "URG"),
        ];
        named.into_iter().filter(move |(flag, _)| self.has(*flag)).map(|(_, name)| name)
    }

    /// The flags of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What reassembly needs of a TCP header.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TcpHeader {
    /// Sender's port.
    pub source_port: u16,
    /// Receiver's port.
    pub destination_port: u16,
    /// Number of the first payload byte, or of the SYN.
    pub sequence: u32,
    /// Number of the next byte the sender expects, if `flags` has ACK.
    pub acknowledgement: u32,
    /// Control bits.
    pub flags: Flags,
}

/// What a UDP header tells.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UdpHeader {
    /// Sender's port.
    pub source_port: u16,
    /// Receiver's port.
    pub destination_port: u16,
}

pub(super) fn tcp(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    // Fourteen bytes tell all that is needed: a short snap length must not lose the packet.
    if span.data().len() < 14 && span.cut_bytes() > 0 {
        return ports(Transport::Tcp, span);
    }
    let (&[s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, offset, flags], _) = span.header()?;
    let header_bytes = usize::from(offset >> 4) * 4;
    if header_bytes < 20 {
        return Err(Undecodable::Length);
    }
    let payload = span.skip_wire(header_bytes).ok_or(Undecodable::Length)?;
    let header = TcpHeader {
        source_port: u16::from_be_bytes([s0, s1]),
        destination_port: u16::from_be_bytes([d0, d1]),
        sequence: u32::from_be_bytes([q0, q1, q2, q3]),
        acknowledgement: u32::from_be_bytes([a0, a1, a2, a3]),
        flags: Flags::new(flags),
    };
    Ok(Step::Done(Payload::Tcp(header, payload)))
}

pub(super) fn udp(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    if span.data().len() < 8 && span.cut_bytes() > 0 {
        return ports(Transport::Udp, span);
    }
    let (&[s0, s1, d0, d1, l0, l1, _, _], rest) = span.header()?;
    let payload = match usize::from(u16::from_be_bytes([l0, l1])) {
        // A jumbogram (RFC 2675 §4), or offload: to the packet's end.
        0 => rest,
        length => rest.limit(length.checked_sub(8).ok_or(Undecodable::Length)?),
    };
    let header = UdpHeader {
        source_port: u16::from_be_bytes([s0, s1]),
        destination_port: u16::from_be_bytes([d0, d1]),
    };
    Ok(Step::Done(Payload::Udp(header, payload)))
}

/// The snap length left only the ports.
fn ports(transport: Transport, span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&[s0, s1, d0, d1], _) = span.header()?;
    let (source, destination) = (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]));
    Ok(Step::Done(Payload::Ports(transport, source, destination)))
}
