//! What tells flows apart, and a hash for it.
//!
//! The key holds both ends in a fixed order, so both directions find the same flow. VLAN tags and tunnel
//! numbers are not part of it: a recording of several interfaces sees the same packets with and without
//! them, and they must meet in one flow.

use std::hash::{BuildHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use crate::exchange::{Endpoint, Transport};

/// One end of a flow, by its place in the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub(crate) enum Side {
    A,
    B,
}

impl Side {
    /// The other end.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Something for each side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Sides<T> {
    pub(crate) a: T,
    pub(crate) b: T,
}

impl<T> Sides<T> {
    pub(crate) fn of(&self, side: Side) -> &T {
        match side {
            Side::A => &self.a,
            Side::B => &self.b,
        }
    }

    pub(crate) fn of_mut(&mut self, side: Side) -> &mut T {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }
}

/// A flow's 5-tuple, without a direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct FlowKey {
    addresses: Sides<u128>,
    ports: Sides<u16>,
    transport: Transport,
    is_ipv6: bool,
}

impl FlowKey {
    /// The key, and which side sent.
    pub(crate) fn new(transport: Transport, source: Endpoint, destination: Endpoint) -> (Self, Side) {
        let is_ipv6 = source.ip.is_ipv6();
        let from = (bits(source.ip), source.port);
        let to = (bits(destination.ip), destination.port);
        let (a, b, sender) = if from <= to { (from, to, Side::A) } else { (to, from, Side::B) };
        let key =
            Self { addresses: Sides { a: a.0, b: b.0 }, ports: Sides { a: a.1, b: b.1 }, transport, is_ipv6 };
        (key, sender)
    }

    /// Address and port of one side.
    pub(crate) fn endpoint(&self, side: Side) -> Endpoint {
        let address = *self.addresses.of(side);
        let ip = match u32::try_from(address) {
            Ok(ipv4) if !self.is_ipv6 => IpAddr::V4(Ipv4Addr::from_bits(ipv4)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(address)),
        };
        Endpoint { ip, port: *self.ports.of(side) }
    }

    pub(crate) fn port(&self, side: Side) -> u16 {
        *self.ports.of(side)
    }

    /// Whether it is of IPv6.
    pub(crate) fn is_ipv6(&self) -> bool {
        self.is_ipv6
    }

    pub(crate) fn transport(&self) -> Transport {
        self.transport
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

impl Hash for FlowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.addresses.a);
        state.write_u128(self.addresses.b);
        let transport = match self.transport {
            Transport::Udp => 0,
            Transport::Tcp => 1,
            Transport::Icmp => 2,
        };
        let kind = u64::from(self.is_ipv6) << 2 | transport;
        state.write_u64(u64::from(self.ports.a) << 32 | u64::from(self.ports.b) << 16 | kind);
    }
}

/// Folded multiplication: multiply two words to 128 bits and mix both halves. A few instructions a word,
/// where SipHash takes a hundred a packet. The seed keeps senders from aiming at one bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fold(u64);

/// Makes [`Fold`]s of one seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuildFold(u64);

impl BuildFold {
    pub(crate) fn new(seed: u64) -> Self {
        // 2^64 / φ: any seed, 0 too, gives well-mixed bits.
        Self(fold(seed ^ 0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93))
    }
}

impl BuildHasher for BuildFold {
    type Hasher = Fold;

    fn build_hasher(&self) -> Fold {
        Fold(self.0)
    }
}

fn fold(a: u64, b: u64) -> u64 {
    let [l0, l1, l2, l3, l4, l5, l6, l7, h0, h1, h2, h3, h4, h5, h6, h7] =
        (u128::from(a) * u128::from(b)).to_le_bytes();
    u64::from_le_bytes([l0, l1, l2, l3, l4, l5, l6, l7])
        ^ u64::from_le_bytes([h0, h1, h2, h3, h4, h5, h6, h7])
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for &word in words {
            self.write_u64(u64::from_le_bytes(word));
        }
        let mut last = [0; 8];
        for (to, &from) in last.iter_mut().zip(rest) {
            *to = from;
        }
        self.write_u64(u64::from_le_bytes(last) ^ u64::try_from(bytes.len()).unwrap_or_default() << 56);
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = fold(self.0 ^ word, 0xA076_1D64_78BD_642F);
    }

    fn write_u128(&mut self, value: u128) {
        let [l0, l1, l2, l3, l4, l5, l6, l7, h0, h1, h2, h3, h4, h5, h6, h7] = value.to_le_bytes();
        self.write_u64(u64::from_le_bytes([l0, l1, l2, l3, l4, l5, l6, l7]));
        self.write_u64(u64::from_le_bytes([h0, h1, h2, h3, h4, h5, h6, h7]));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
