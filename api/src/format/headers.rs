//! What a list of packets shows of each: its ends and its TCP flags.
//!
//! Only for looking at: the outermost IP header, and nothing that takes more than fixed offsets. What can't be
//! read stays empty; the packet's bytes are the evidence.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use segment::LinkType;

/// VLAN tags and IPv6 extension headers that are looked behind.
const HEADERS_MAX: usize = 8;

/// What the headers say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Headers {
    /// `10.0.0.5:40000`, `[::1]:80`; without the port where there is none.
    pub source: String,
    /// The same for the other end.
    pub destination: String,
    /// `SYN ACK`; empty unless it is TCP.
    pub flags: String,
}

/// Reads the headers of a packet, if it is IP.
pub fn read(link_type: LinkType, data: &[u8]) -> Option<Headers> {
    let packet = network_layer(link_type, data)?;
    let (source, destination, protocol, payload) = match packet.first()? >> 4 {
        4 => ipv4(packet)?,
        6 => ipv6(packet)?,
        _ => return None,
    };
    let end = |address: IpAddr, port: Option<u16>| match (address, port) {
        (address, None) => address.to_string(),
        (IpAddr::V4(address), Some(port)) => format!("{address}:{port}"),
        (IpAddr::V6(address), Some(port)) => format!("[{address}]:{port}"),
    };
    let ports = payload.filter(|_| matches!(protocol, 6 | 17 | 132));
    let flags = payload.filter(|_| protocol == 6).and_then(|tcp| tcp.get(13)).map(|flags| flag_names(*flags));
    Some(Headers {
        source: end(source, ports.and_then(|ports| u16_at(ports, 0))),
        destination: end(destination, ports.and_then(|ports| u16_at(ports, 2))),
        flags: flags.unwrap_or_default(),
    })
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn network_layer(link_type: LinkType, data: &[u8]) -> Option<&[u8]> {
    match link_type {
        LinkType::NULL | LinkType::LOOP => data.get(4..),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            Some(data)
        }
        LinkType::LINUX_SLL => data.get(16..),
        LinkType::LINUX_SLL2 => data.get(20..),
        LinkType::ETHERNET => {
            let mut at = 12;
            // IEEE 802.1Q and 802.1ad tags stand before the type.
            for _ in 0..HEADERS_MAX {
                match u16_at(data, at)? {
                    0x8100 | 0x88a8 | 0x9100 => at += 4,
                    0x0800 | 0x86dd => return data.get(at + 2..),
                    _ => return None,
                }
            }
            None
        }
        _ => None,
    }
}

/// Both addresses, the protocol, and its bytes, which a later fragment does not begin with.
type Network<'a> = (IpAddr, IpAddr, u8, Option<&'a [u8]>);

fn ipv4(packet: &[u8]) -> Option<Network<'_>> {
    let address = |at: usize| {
        let bytes: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(IpAddr::V4(Ipv4Addr::from(bytes)))
    };
    let header_bytes = usize::from(packet.first()? & 15) * 4;
    let first_fragment = u16_at(packet, 6)? & 0x1fff == 0;
    let payload = packet.get(header_bytes.max(20)..).filter(|_| first_fragment);
    Some((address(12)?, address(16)?, *packet.get(9)?, payload))
}

fn ipv6(packet: &[u8]) -> Option<Network<'_>> {
    let address = |at: usize| {
        let bytes: [u8; 16] = packet.get(at..at + 16)?.try_into().ok()?;
        Some(IpAddr::V6(Ipv6Addr::from(bytes)))
    };
    let (source, destination) = (address(8)?, address(24)?);
    let mut protocol = *packet.get(6)?;
    let mut payload = packet.get(40..);
    for _ in 0..HEADERS_MAX {
        // Hop-by-hop, routing, fragment and destination options (RFC 8200, section 4).
        let Some(header) = payload.filter(|_| matches!(protocol, 0 | 43 | 44 | 60)) else { break };
        let (Some(next), Some(length)) = (header.first(), header.get(1)) else { break };
        let later_fragment = protocol == 44 && u16_at(header, 2)? & 0xfff8 != 0;
        let header_bytes = if protocol == 44 { 8 } else { (usize::from(*length) + 1) * 8 };
        protocol = *next;
        payload = header.get(header_bytes..).filter(|_| !later_fragment);
    }
    Some((source, destination, protocol, payload))
}

fn flag_names(flags: u8) -> String {
    const NAMES: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set = NAMES.into_iter().enumerate().filter(|(bit, _)| flags >> bit & 1 == 1);
    set.map(|(_, name)| name).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp_over_ipv4() -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 5, 10, 0, 0, 9];
        packet.extend([0x9c, 0x40, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x12, 0, 0, 0, 0, 0, 0]);
        packet
    }

    fn shown(link_type: LinkType, data: &[u8]) -> String {
        let headers = read(link_type, data).unwrap();
        format!("{} > {} {}", headers.source, headers.destination, headers.flags)
    }

    #[test]
    fn ends_and_flags_behind_each_link_layer() {
        let ip = tcp_over_ipv4();
        let expected = "10.0.0.5:40000 > 10.0.0.9:80 SYN ACK";
        assert_eq!(shown(LinkType::RAW, &ip), expected);
        let tagged = [&[0; 12][..], &[0x81, 0, 0, 7, 8, 0], &ip].concat();
        assert_eq!(shown(LinkType::ETHERNET, &tagged), expected);
        for (link_type, header_bytes) in
            [(LinkType::NULL, 4), (LinkType::LINUX_SLL, 16), (LinkType::LINUX_SLL2, 20)]
        {
            assert_eq!(shown(link_type, &[&vec![0; header_bytes][..], &ip].concat()), expected);
        }
    }

    #[test]
    fn ipv6_is_read_behind_extension_headers() {
        let mut packet = vec![0x60, 0, 0, 0, 0, 16, 0, 64];
        packet.extend([0; 15]);
        packet.push(1);
        packet.extend([0; 15]);
        packet.push(2);
        packet.extend([17, 0, 0, 0, 0, 0, 0, 0]);
        packet.extend([0, 53, 0x14, 0xe9, 0, 8, 0, 0]);
        assert_eq!(shown(LinkType::IPV6, &packet), "[::1]:53 > [::2]:5353 ");
    }

    #[test]
    fn any_cut_and_any_byte_is_survived() {
        let mut packet = [&[0; 12][..], &[8, 0], &tcp_over_ipv4()].concat();
        for at in 0..packet.len() {
            let _ = read(LinkType::ETHERNET, &packet[..at]);
            let was = packet[at];
            for value in 0..=255 {
                packet[at] = value;
                let _ = read(LinkType::ETHERNET, &packet);
            }
            packet[at] = was;
        }
    }
}
