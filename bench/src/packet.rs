//! Ethernet frames with IP, TCP and UDP, checksums included.

/// The most TCP payload in one packet: 1500 less IP, TCP and its time stamp option.
pub const PAYLOAD_MAX: usize = 1428;

/// Two ends that talk.
#[derive(Clone, Copy)]
pub struct Ends {
    /// Whether they talk IPv6.
    pub v6: bool,
    /// The number that their client's address is made from.
    pub client: u16,
    /// The number that their server's address is made from.
    pub server: u16,
    /// The client's port.
    pub client_port: u16,
    /// The server's port.
    pub server_port: u16,
}

/// Which way a packet goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client.
    ToServer,
    /// From the server.
    ToClient,
}

/// What a TCP header says besides ports.
#[derive(Clone, Copy)]
pub struct Tcp {
    /// FIN, SYN, RST, PSH, ACK from the lowest bit.
    pub flags: u8,
    /// The first byte's number.
    pub sequence: u32,
    /// The next byte expected.
    pub acknowledged: u32,
    /// A clock in milliseconds.
    pub clock: u32,
}

/// A TCP packet.
pub fn tcp(ends: &Ends, direction: Direction, header: Tcp, payload: &[u8]) -> Vec<u8> {
    let (from, to) = ports(ends, direction);
    let mut segment = Vec::with_capacity(32 + payload.len());
    segment.extend_from_slice(&from.to_be_bytes());
    segment.extend_from_slice(&to.to_be_bytes());
    segment.extend_from_slice(&header.sequence.to_be_bytes());
    segment.extend_from_slice(&header.acknowledged.to_be_bytes());
    segment.extend_from_slice(&[0x80, header.flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(&[1, 1, 8, 10]); // two no-operations, time stamps
    segment.extend_from_slice(&header.clock.to_be_bytes());
    segment.extend_from_slice(&header.clock.wrapping_sub(3).to_be_bytes());
    segment.extend_from_slice(payload);
    frame(ends, direction, 6, 16, segment)
}

/// A UDP packet.
pub fn udp(ends: &Ends, direction: Direction, payload: &[u8]) -> Vec<u8> {
    let (from, to) = ports(ends, direction);
    let mut datagram = Vec::with_capacity(8 + payload.len());
    datagram.extend_from_slice(&from.to_be_bytes());
    datagram.extend_from_slice(&to.to_be_bytes());
    datagram.extend_from_slice(&(8 + payload.len() as u16).to_be_bytes());
    datagram.extend_from_slice(&[0, 0]);
    datagram.extend_from_slice(payload);
    frame(ends, direction, 17, 6, datagram)
}

fn ports(ends: &Ends, direction: Direction) -> (u16, u16) {
    match direction {
        Direction::ToServer => (ends.client_port, ends.server_port),
        Direction::ToClient => (ends.server_port, ends.client_port),
    }
}

/// Puts IP and Ethernet before a transport segment, and its checksum at `checksum_at`.
fn frame(
    ends: &Ends,
    direction: Direction,
    protocol: u8,
    checksum_at: usize,
    mut segment: Vec<u8>,
) -> Vec<u8> {
    let (from, to) = match direction {
        Direction::ToServer => (address(ends, 1, ends.client), address(ends, 2, ends.server)),
        Direction::ToClient => (address(ends, 2, ends.server), address(ends, 1, ends.client)),
    };
    let sum = sum(&from) + sum(&to) + u64::from(protocol) + segment.len() as u64 + sum(&segment);
    let checksum = match (folded(sum), protocol) {
        (0, 17) => 0xffff, // in UDP, zero means none
        (checksum, _) => checksum,
    };
    segment[checksum_at..checksum_at + 2].copy_from_slice(&checksum.to_be_bytes());

    let mut frame = Vec::with_capacity(54 + segment.len());
    let (near, far): (u8, u8) = if direction == Direction::ToServer { (1, 2) } else { (2, 1) };
    frame.extend_from_slice(&[2, 0, 0, 0, 0, far, 2, 0, 0, 0, 0, near]);
    if ends.v6 {
        frame.extend_from_slice(&[0x86, 0xdd, 0x60, 0, 0, 0]);
        frame.extend_from_slice(&(segment.len() as u16).to_be_bytes());
        frame.extend_from_slice(&[protocol, 64]);
    } else {
        let mut header = [0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, protocol, 0, 0];
        header[2..4].copy_from_slice(&(20 + segment.len() as u16).to_be_bytes());
        let checksum = folded(self::sum(&header) + self::sum(&from) + self::sum(&to));
        header[10..12].copy_from_slice(&checksum.to_be_bytes());
        frame.extend_from_slice(&[0x08, 0x00]);
        frame.extend_from_slice(&header);
    }
    frame.extend_from_slice(&from);
    frame.extend_from_slice(&to);
    frame.extend_from_slice(&segment);
    frame
}

fn address(ends: &Ends, side: u8, number: u16) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    if ends.v6 {
        vec![0x20, 0x01, 0x0d, 0xb8, 0, side, 0, 0, 0, 0, 0, 0, 0, 0, high, low]
    } else {
        vec![10, side, high, low]
    }
}

/// The sum of RFC 1071, not yet folded.
fn sum(bytes: &[u8]) -> u64 {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let pairs: u64 = pairs.iter().map(|pair| u64::from(u16::from_be_bytes(*pair))).sum();
    pairs + odd.first().map_or(0, |last| u64::from(*last) << 8)
}

fn folded(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
