//! The flow table: which 5-tuples a segment holds, when, and in which frames.
//!
//! It exists so that a reader can skip segments and frames. It reads fixed header offsets of the
//! outermost IP packet only; what it can't read simply has no flow. A list of frames may name
//! more frames than needed, never fewer.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::block::bytes::{Order, read_u16};
use crate::packet::{LinkType, Packet};
use crate::time::{TimeRange, Timestamp};

/// Most flows in the table of one segment: 65,536 take about 10 MB while the segment is open and
/// some 2 MB in the footer. Later flows are left out, and `flows_complete` says so.
pub const FLOWS_MAX: usize = 65_536;

/// Most runs of frames over all flows (4 MB). Beyond it the last run of a flow is widened.
const RUNS_MAX: usize = 524_288;

/// Most VLAN tags that are looked behind.
const VLAN_TAGS_MAX: usize = 4;
/// Most IPv6 extension headers that are looked behind.
const EXTENSION_HEADERS_MAX: usize = 8;

/// Both directions of a 5-tuple; the lower address and port come first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FlowKey {
    /// IP protocol number: 6 is TCP, 17 UDP.
    pub protocol: u8,
    /// The lower end.
    pub low: Endpoint,
    /// The higher end.
    pub high: Endpoint,
}

/// An address and a port; the port is 0 where the protocol has none or it was cut off.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
}

/// Frames from `first` to `last`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FrameRun {
    /// The first frame.
    pub first: u32,
    /// The last frame.
    pub last: u32,
}

/// What the footer says about one flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// The 5-tuple.
    pub key: FlowKey,
    /// From its first to its last packet.
    pub range: TimeRange,
    /// Packets in both directions.
    pub packets: u64,
    /// Bytes on the wire in both directions.
    pub bytes: u64,
    /// The frames that hold its packets, in order; perhaps some more.
    pub frames: Vec<FrameRun>,
}

/// The table while it grows.
#[derive(Debug)]
pub(crate) struct FlowTable {
    places: HashMap<FlowKey, usize>,
    flows: Vec<Flow>,
    runs: usize,
    complete: bool,
    /// Packets come in bursts of one flow: the last one is tried before the map.
    last: Option<(FlowKey, usize)>,
}

impl FlowTable {
    pub fn new() -> Self {
        Self { places: HashMap::new(), flows: Vec::new(), runs: 0, complete: true, last: None }
    }

    /// Whether no flow had to be left out.
    pub fn complete(&self) -> bool {
        self.complete
    }

    /// The flows, in order of their first packets.
    pub fn into_flows(self) -> Vec<Flow> {
        let mut flows = self.flows;
        flows.sort_by_key(|flow| (flow.range.start(), flow.key));
        flows
    }

    /// Counts a packet that lies in `frame`.
    pub fn add(&mut self, packet: &Packet<'_>, frame: u32) {
        let Some(key) = flow_key(packet.link_type, packet.data) else { return };
        let Some(place) = self.place(key, packet.timestamp) else { return };
        let Some(flow) = self.flows.get_mut(place) else { return };
        flow.range = flow.range.union(TimeRange::covering(packet.timestamp, packet.timestamp));
        flow.packets = flow.packets.saturating_add(1);
        flow.bytes = flow.bytes.saturating_add(u64::from(packet.original_length_bytes));
        match flow.frames.last_mut() {
            Some(run) if run.last == frame => {}
            Some(run) if run.last.checked_add(1) == Some(frame) || self.runs >= RUNS_MAX => run.last = frame,
            _ => {
                flow.frames.push(FrameRun { first: frame, last: frame });
                self.runs += 1;
            }
        }
    }

    fn place(&mut self, key: FlowKey, first: Timestamp) -> Option<usize> {
        if let Some((_, place)) = self.last.filter(|(last, _)| *last == key) {
            return Some(place);
        }
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if self.flows.len() >= FLOWS_MAX => {
                self.complete = false;
                return None;
            }
            None => {
                let range = TimeRange::covering(first, first);
                self.places.insert(key, self.flows.len());
                self.flows.push(Flow { key, range, packets: 0, bytes: 0, frames: Vec::new() });
                self.flows.len() - 1
            }
        };
        self.last = Some((key, place));
        Some(place)
    }
}

/// The flow of a packet, if its outermost IP header can be read.
#[must_use]
pub fn flow_key(link_type: LinkType, data: &[u8]) -> Option<FlowKey> {
    let ip = network_layer(link_type, data)?;
    match ip.first()? >> 4 {
        4 => ipv4(ip),
        6 => ipv6(ip),
        _ => None,
    }
}

/// The bytes from the IP header on.
fn network_layer(link_type: LinkType, data: &[u8]) -> Option<&[u8]> {
    match link_type {
        LinkType::ETHERNET => behind_tags(data.get(12..)?),
        LinkType::LINUX_SLL => behind_tags(data.get(14..)?),
        LinkType::LINUX_SLL2 => {
            let protocol = data.get(..2)?;
            is_ip(read_u16(protocol, 0, Order::Big)?).then(|| data.get(20..)).flatten()
        }
        LinkType::NULL | LinkType::LOOP => data.get(4..),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            Some(data)
        }
        _ => None,
    }
}

/// `data` begins with an EtherType, perhaps of a VLAN tag (802.1Q, 802.1ad and their forerunner).
fn behind_tags(mut data: &[u8]) -> Option<&[u8]> {
    for _ in 0..=VLAN_TAGS_MAX {
        let ethertype = read_u16(data, 0, Order::Big)?;
        if is_ip(ethertype) {
            return data.get(2..);
        }
        if !matches!(ethertype, 0x8100 | 0x88A8 | 0x9100) {
            return None;
        }
        data = data.get(4..)?;
    }
    None
}

fn is_ip(ethertype: u16) -> bool {
    matches!(ethertype, 0x0800 | 0x86DD)
}

fn ipv4(ip: &[u8]) -> Option<FlowKey> {
    let header_length = usize::from(ip.first()? & 0x0F).checked_mul(4)?;
    let protocol = *ip.get(9)?;
    let source = Ipv4Addr::from(*ip.get(12..)?.first_chunk::<4>()?);
    let target = Ipv4Addr::from(*ip.get(16..)?.first_chunk::<4>()?);
    // Only the first fragment begins with ports.
    let first_fragment = read_u16(ip, 6, Order::Big)? & 0x1FFF == 0;
    let payload = if first_fragment { ip.get(header_length..).unwrap_or_default() } else { &[] };
    Some(key(protocol, source.into(), target.into(), payload))
}

fn ipv6(ip: &[u8]) -> Option<FlowKey> {
    let mut next = *ip.get(6)?;
    let source = Ipv6Addr::from(*ip.get(8..)?.first_chunk::<16>()?);
    let target = Ipv6Addr::from(*ip.get(24..)?.first_chunk::<16>()?);
    let mut payload = ip.get(40..).unwrap_or_default();
    for _ in 0..EXTENSION_HEADERS_MAX {
        let length = match (next, payload) {
            // Hop-by-hop options, routing, destination options: in units of 8 bytes, less the first.
            (0 | 43 | 60, [_, length, ..]) => (usize::from(*length) + 1) * 8,
            // Authentication header: in units of 4 bytes, less two.
            (51, [_, length, ..]) => (usize::from(*length) + 2) * 4,
            (44, [following, _, high, low, ..]) => {
                if u16::from_be_bytes([*high, *low]) & 0xFFF8 != 0 {
                    return Some(key(*following, source.into(), target.into(), &[]));
                }
                8
            }
            _ => break,
        };
        next = *payload.first()?;
        payload = payload.get(length..).unwrap_or_default();
    }
    Some(key(next, source.into(), target.into(), payload))
}

fn key(protocol: u8, source: IpAddr, target: IpAddr, payload: &[u8]) -> FlowKey {
    // TCP, UDP, DCCP, SCTP and UDP-Lite begin with the two ports.
    let has_ports = matches!(protocol, 6 | 17 | 33 | 132 | 136);
    let ports =
        has_ports.then(|| read_u16(payload, 0, Order::Big).zip(read_u16(payload, 2, Order::Big))).flatten();
    let (from, to) = ports.unwrap_or((0, 0));
    let source = Endpoint { address: source, port: from };
    let target = Endpoint { address: target, port: to };
    FlowKey { protocol, low: source.min(target), high: source.max(target) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::InterfaceId;

    fn udp(from: u16, to: u16) -> Vec<u8> {
        let mut packet = vec![0; 12];
        packet.extend_from_slice(&[0x81, 0, 0, 7, 0x08, 0x00]);
        packet.extend_from_slice(&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend_from_slice(&from.to_be_bytes());
        packet.extend_from_slice(&to.to_be_bytes());
        packet.extend_from_slice(&[0, 8, 0, 0]);
        packet
    }

    fn packet(data: &[u8], nanos: i64) -> Packet<'_> {
        Packet {
            timestamp: Timestamp::from_nanos(nanos),
            interface: InterfaceId(0),
            link_type: LinkType::ETHERNET,
            original_length_bytes: 46,
            data,
            comment: None,
        }
    }

    #[test]
    fn both_directions_are_one_flow_behind_a_vlan_tag() {
        let mut table = FlowTable::new();
        let mut back = udp(53, 5);
        back[30..38].copy_from_slice(&[10, 0, 0, 2, 10, 0, 0, 1]);
        for (frame, data) in [(1, &udp(5, 53)), (1, &back), (2, &udp(5, 53)), (9, &udp(5, 53))] {
            table.add(&packet(data, i64::from(frame)), frame);
        }
        let [flow] = table.into_flows().try_into().unwrap();
        assert_eq!((flow.packets, flow.bytes), (4, 184));
        assert_eq!(flow.frames, [FrameRun { first: 1, last: 2 }, FrameRun { first: 9, last: 9 }]);
    }

    #[test]
    fn more_flows_than_fit_are_said_to_be_missing() {
        let mut table = FlowTable::new();
        for number in 0..=FLOWS_MAX {
            let mut data = udp(1, 2);
            data[30..34].copy_from_slice(&u32::try_from(number).unwrap().to_be_bytes());
            table.add(&packet(&data, 0), 1);
        }
        assert!(!table.complete());
        assert_eq!(table.into_flows().len(), FLOWS_MAX);
    }

    #[test]
    fn every_cut_of_a_packet_is_read_without_panic() {
        let data = udp(1, 2);
        for cut in 0..data.len() {
            let _ = flow_key(LinkType::ETHERNET, &data[..cut]);
        }
    }
}
