//! Builds packets for tests, and runs them through a dissector that records what each flow held.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dissect::protocol::table::DatagramProtocol;
use dissect::protocol::{DatagramDissector, Direction, Mark, Pair, Probe};
use dissect::{Counters, Dissector, Endpoint, Limits};
use segment::{InterfaceId, LinkType, Timestamp};

use crate::corpus::{Owned, place};
use crate::streams::{RECORDING, Seen, take_seen};

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const ACK: u8 = 0x10;

/// Client and server of every test.
pub const CLIENT: Endpoint = Endpoint { ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), port: 40_000 };
pub const SERVER: Endpoint = Endpoint { ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), port: 8080 };

pub fn ms(milliseconds: i64) -> Timestamp {
    Timestamp::from_nanos(1_700_000_000_000_000_000 + milliseconds * 1_000_000)
}

/// A TCP header and its payload.
pub fn tcp(
    from: Endpoint,
    to: Endpoint,
    sequence: u32,
    acknowledgement: u32,
    flags: u8,
    data: &[u8],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(from.port.to_be_bytes());
    bytes.extend(to.port.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(acknowledgement.to_be_bytes());
    bytes.extend([0x50, flags, 0xFF, 0xFF, 0, 0, 0, 0]);
    bytes.extend(data);
    bytes
}

/// A UDP header and its payload.
pub fn udp(from: Endpoint, to: Endpoint, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(from.port.to_be_bytes());
    bytes.extend(to.port.to_be_bytes());
    bytes.extend(u16::try_from(8 + data.len()).unwrap().to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(data);
    bytes
}

/// An IPv4 packet; `fragment` is the field of flags and offset.
pub fn ipv4(from: Endpoint, to: Endpoint, protocol: u8, id: u16, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (from.ip, to.ip) else { panic!("not IPv4") };
    let mut bytes = vec![0x45, 0];
    bytes.extend(u16::try_from(20 + payload.len()).unwrap().to_be_bytes());
    bytes.extend(id.to_be_bytes());
    bytes.extend(fragment.to_be_bytes());
    bytes.extend([64, protocol, 0, 0]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(payload);
    bytes
}

/// An IPv6 packet; `next` says what `payload` begins with.
pub fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, next: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    bytes.extend([next, 64]);
    bytes.extend(source.octets());
    bytes.extend(destination.octets());
    bytes.extend(payload);
    bytes
}

/// A captured packet of raw IP.
pub fn raw(at: Timestamp, data: Vec<u8>) -> Owned {
    captured(at, LinkType::RAW, data)
}

pub fn captured(timestamp: Timestamp, link_type: LinkType, data: Vec<u8>) -> Owned {
    let original_length_bytes = u32::try_from(data.len()).unwrap();
    Owned { timestamp, interface: InterfaceId(0), link_type, original_length_bytes, data }
}

/// A TCP segment from the client, or from the server.
pub fn up(at: i64, sequence: u32, acknowledgement: u32, flags: u8, data: &[u8]) -> Owned {
    let segment = tcp(CLIENT, SERVER, sequence, acknowledgement, flags, data);
    raw(ms(at), ipv4(CLIENT, SERVER, 6, 1, 0, &segment))
}

pub fn down(at: i64, sequence: u32, acknowledgement: u32, flags: u8, data: &[u8]) -> Owned {
    let segment = tcp(SERVER, CLIENT, sequence, acknowledgement, flags, data);
    raw(ms(at), ipv4(SERVER, CLIENT, 6, 1, 0, &segment))
}

/// SYN, SYN+ACK, ACK: the client's bytes begin at `client + 1`, the server's at `server + 1`.
pub fn handshake(client: u32, server: u32) -> Vec<Owned> {
    let (c, s) = (client.wrapping_add(1), server.wrapping_add(1));
    vec![up(0, client, 0, SYN, b""), down(0, server, c, SYN | ACK, b""), up(0, c, s, ACK, b"")]
}

/// What one flow held.
pub struct Outcome {
    pub flow: u64,
    pub client: Endpoint,
    /// To the server, to the client.
    pub seen: [Seen; 2],
}

impl Outcome {
    pub fn up(&self) -> &str {
        std::str::from_utf8(&self.seen[0].bytes).unwrap()
    }

    pub fn down(&self) -> &str {
        std::str::from_utf8(&self.seen[1].bytes).unwrap()
    }
}

/// Runs packets through a dissector that records TCP flows.
pub fn run(packets: &[Owned]) -> (Vec<Outcome>, Counters) {
    run_with(Limits::default(), packets)
}

pub fn run_with(limits: Limits, packets: &[Owned]) -> (Vec<Outcome>, Counters) {
    let memory_bytes_max = limits.memory_bytes_max;
    let mut dissector = Dissector::with_protocols(limits, RECORDING, DATAGRAMS);
    let mut outcomes = Vec::new();
    let mut sink = |exchange: dissect::Exchange| {
        // What the recording dissector tells holds no message; the flow's own report does.
        if exchange.transport == dissect::Transport::Tcp
            && exchange.request.is_none()
            && exchange.response.is_none()
        {
            let seen = take_seen();
            outcomes.push(Outcome { flow: exchange.flow, client: exchange.client, seen });
        }
    };
    for (number, packet) in packets.iter().enumerate() {
        dissector.packet(&packet.packet(), place(number), &mut sink);
        assert!(dissector.memory_bytes() <= memory_bytes_max);
    }
    dissector.finish(&mut sink);
    outcomes.sort_by_key(|outcome| outcome.flow);
    (outcomes, *dissector.counters())
}

thread_local! {
    static PAYLOADS: RefCell<Vec<(Direction, Vec<u8>)>> = const { RefCell::new(Vec::new()) };
}

/// The payloads of all UDP datagrams since the last call.
pub fn take_payloads() -> Vec<(Direction, Vec<u8>)> {
    PAYLOADS.with(|payloads| std::mem::take(&mut *payloads.borrow_mut()))
}

struct RecordingDatagrams;

impl DatagramDissector for RecordingDatagrams {
    fn datagram(&mut self, direction: Direction, payload: &[u8], _: Mark, _: &mut Vec<Pair>) {
        assert_ne!(payload, b"panic", "as asked");
        PAYLOADS.with(|payloads| payloads.borrow_mut().push((direction, payload.to_vec())));
    }

    fn expire(&mut self, _: Timestamp, _: &mut Vec<Pair>) {}

    fn finish(&mut self, _: &mut Vec<Pair>) {}

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

/// Claims every datagram.
pub static DATAGRAMS: &[DatagramProtocol] = &[DatagramProtocol {
    name: "recording",
    ports: &[],
    probe: |_, _| Probe::Yes,
    start: |_| Box::new(RecordingDatagrams),
    restore: |_, _| None,
}];
