//! A packet header by header, field by field, each with the bytes it was read from.
//!
//! The same steps as [`decode`](super::decode()) takes, told one by one: for people who want to see what was on the
//! wire.

use std::ops::Range;

use segment::{LinkType, Packet};

use super::{Flags, Layer, Payload, Span, Step, Tunnels, step, tunnel};

/// One header, or what is left behind the last one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Header {
    /// `Ethernet`, `IPv4`, `TCP`, `payload`.
    pub name: &'static str,
    /// Which bytes of the packet it takes.
    pub bytes: Range<usize>,
    /// What it says, in the order of its bytes.
    pub fields: Vec<Field>,
}

/// One field of a header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Field {
    /// In the words of its specification.
    pub name: &'static str,
    /// As people write it.
    pub value: String,
    /// Which bytes of the packet it was read from.
    pub bytes: Range<usize>,
}

/// Explains a packet down to its innermost payload; what can't be read is payload.
#[must_use]
pub fn explain(packet: &Packet<'_>) -> Vec<Header> {
    let mut headers = Vec::new();
    let wire_bytes = usize::try_from(packet.original_length_bytes).unwrap_or(usize::MAX);
    let mut span = Span::new(packet.data, wire_bytes);
    let mut layer = Layer::Link(packet.link_type);
    let mut context = super::context(Tunnels::default());
    for _ in 0..super::LAYERS_MAX {
        let at = position(packet.data, span.data());
        let (next, payload) = match step(&mut context, layer, span) {
            Ok(Step::Next(next, rest)) => (Some(next), rest),
            Ok(Step::Done(payload)) => match tunnel::inside(&payload) {
                Some((next, rest)) => (Some(next), rest),
                None => (None, behind(&payload).unwrap_or(span)),
            },
            Ok(Step::NotIp) | Err(_) => break,
        };
        let end = position(packet.data, payload.data());
        push(&mut headers, name(layer, span.data()), packet.data, at..end);
        span = payload;
        match next {
            Some(next) => layer = next,
            None => break,
        }
    }
    let at = position(packet.data, span.data());
    let end = at.saturating_add(span.data().len());
    if end > at {
        headers.push(Header { name: "payload", bytes: at..end, fields: Vec::new() });
    }
    headers
}

/// Where `part`, a part of `whole`, begins.
fn position(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr()).min(whole.len())
}

fn behind<'a>(payload: &Payload<'a>) -> Option<Span<'a>> {
    match *payload {
        Payload::Tcp(_, span) | Payload::Udp(_, span) => Some(span),
        Payload::Fragment(fragment) => Some(fragment.span),
        Payload::Ports(..) | Payload::Icmp(_) | Payload::Other(_) => None,
    }
}

fn name(layer: Layer, bytes: &[u8]) -> &'static str {
    match layer {
        Layer::Link(LinkType::ETHERNET) => "Ethernet",
        Layer::Link(LinkType::LINUX_SLL | LinkType::LINUX_SLL2) => "Linux cooked",
        Layer::Link(_) => "link layer",
        Layer::EtherType(0x8100 | 0x88a8) => "VLAN",
        Layer::EtherType(_) => "EtherType",
        Layer::Llc => "LLC",
        Layer::Ip if bytes.first().is_some_and(|byte| byte >> 4 == 6) => "IPv6",
        Layer::Ip => "IPv4",
        Layer::IpPayload(6) => "TCP",
        Layer::IpPayload(17) => "UDP",
        Layer::IpPayload(1) => "ICMP",
        Layer::IpPayload(58) => "ICMPv6",
        Layer::IpPayload(47) => "GRE",
        Layer::IpPayload(137) => "MPLS",
        Layer::IpPayload(4 | 41) => "IP in IP",
        Layer::IpPayload(_) => "extension header",
        Layer::Vxlan => "VXLAN",
        Layer::VxlanGpe => "VXLAN-GPE",
        Layer::Geneve => "Geneve",
        Layer::GtpUser => "GTP-U",
    }
}

fn push(headers: &mut Vec<Header>, name: &'static str, packet: &[u8], bytes: Range<usize>) {
    // Steps that only choose the next one take no bytes.
    let Some(header) = packet.get(bytes.clone()).filter(|header| !header.is_empty()) else { return };
    let mut fields = Fields { header, at: bytes.start, list: Vec::new() };
    match name {
        "Ethernet" => ethernet(&mut fields),
        "VLAN" => {
            fields.number("identifier", 0..2, |value| value & 0x0fff);
            fields.hex("type", 2..4);
        }
        "IPv4" => ipv4(&mut fields),
        "IPv6" => ipv6(&mut fields),
        "TCP" => tcp(&mut fields),
        "UDP" => udp(&mut fields),
        "VXLAN" | "Geneve" => fields.number("network identifier", 4..7, |value| value),
        _ => {}
    }
    // A UDP header whose port is a tunnel's is followed by the tunnel at once.
    headers.push(Header { name, bytes, fields: fields.list });
}

/// Reads the fields of one header; those that are cut off are left out.
struct Fields<'a> {
    header: &'a [u8],
    at: usize,
    list: Vec<Field>,
}

impl Fields<'_> {
    fn add(&mut self, name: &'static str, at: Range<usize>, write: impl FnOnce(&[u8]) -> String) {
        if let Some(bytes) = self.header.get(at.clone()) {
            let bytes_of_packet = self.at + at.start..self.at + at.end;
            self.list.push(Field { name, value: write(bytes), bytes: bytes_of_packet });
        }
    }

    fn number(&mut self, name: &'static str, at: Range<usize>, pick: impl FnOnce(u64) -> u64) {
        self.add(name, at, |bytes| pick(big_endian(bytes)).to_string());
    }

    fn hex(&mut self, name: &'static str, at: Range<usize>) {
        self.add(name, at, |bytes| format!("0x{:0width$x}", big_endian(bytes), width = 2 * bytes.len()));
    }

    fn address(&mut self, name: &'static str, at: Range<usize>) {
        self.add(name, at, |bytes| match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
            (Ok(ipv4), _) => std::net::Ipv4Addr::from(ipv4).to_string(),
            (_, Ok(ipv6)) => std::net::Ipv6Addr::from(ipv6).to_string(),
            _ => bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
        });
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).fold(0, |value, &byte| value << 8 | u64::from(byte))
}

fn ethernet(fields: &mut Fields<'_>) {
    fields.address("destination", 0..6);
    fields.address("source", 6..12);
    fields.hex("type", 12..14);
}

/// RFC 791 §3.1.
fn ipv4(fields: &mut Fields<'_>) {
    fields.number("version", 0..1, |value| value >> 4);
    fields.number("header length", 0..1, |value| (value & 0x0f) * 4);
    fields.hex("type of service", 1..2);
    fields.number("total length", 2..4, |value| value);
    fields.hex("identification", 4..6);
    fields.add("flags", 6..7, |bytes| {
        let bits = big_endian(bytes);
        let named = [(0x40, "don't fragment"), (0x20, "more fragments")];
        named.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
    });
    fields.number("fragment offset", 6..8, |value| (value & 0x1fff) * 8);
    fields.number("time to live", 8..9, |value| value);
    fields.number("protocol", 9..10, |value| value);
    fields.hex("header checksum", 10..12);
    fields.address("source", 12..16);
    fields.address("destination", 16..20);
}

/// RFC 8200 §3.
fn ipv6(fields: &mut Fields<'_>) {
    fields.number("version", 0..1, |value| value >> 4);
    fields.hex("traffic class and flow label", 0..4);
    fields.number("payload length", 4..6, |value| value);
    fields.number("next header", 6..7, |value| value);
    fields.number("hop limit", 7..8, |value| value);
    fields.address("source", 8..24);
    fields.address("destination", 24..40);
}

/// RFC 9293 §3.1.
fn tcp(fields: &mut Fields<'_>) {
    fields.number("source port", 0..2, |value| value);
    fields.number("destination port", 2..4, |value| value);
    fields.number("sequence number", 4..8, |value| value);
    fields.number("acknowledgement number", 8..12, |value| value);
    fields.number("header length", 12..13, |value| (value >> 4) * 4);
    fields.add("flags", 13..14, |bytes| {
        let bits = bytes.first().copied().unwrap_or_default();
        Flags::new(bits).names().collect::<Vec<_>>().join(" ")
    });
    fields.number("window", 14..16, |value| value);
    fields.hex("checksum", 16..18);
    fields.number("urgent pointer", 18..20, |value| value);
    let options = 20..fields.header.len();
    if !options.is_empty() {
        fields.add("options", options, |bytes| bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    }
}

/// RFC 768.
fn udp(fields: &mut Fields<'_>) {
    fields.number("source port", 0..2, |value| value);
    fields.number("destination port", 2..4, |value| value);
    fields.number("length", 4..6, |value| value);
    fields.hex("checksum", 6..8);
}

#[cfg(test)]
mod tests {
    use segment::{InterfaceId, Timestamp};

    use super::*;

    #[test]
    fn a_packet_is_told_header_by_header() {
        let data = [
            &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..],
            &[0x45, 0, 0, 30, 0, 1, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2],
            &[0x9c, 0x40, 0, 99, 0, 10, 0, 0, b'h', b'i'],
            &[0, 0],
        ]
        .concat();
        let packet = Packet {
            timestamp: Timestamp::from_nanos(0),
            interface: InterfaceId(0),
            link_type: LinkType::ETHERNET,
            original_length_bytes: 46,
            data: &data,
            comment: None,
        };
        let headers = explain(&packet);
        let told: Vec<_> = headers.iter().map(|header| (header.name, header.bytes.clone())).collect();
        assert_eq!(told, [("Ethernet", 0..14), ("IPv4", 14..34), ("UDP", 34..42), ("payload", 42..44)]);
        let field = |header: usize, name: &str| {
            headers[header].fields.iter().find(|field| field.name == name).map(|field| field.value.clone())
        };
        assert_eq!(field(0, "source").as_deref(), Some("02:00:00:00:00:02"));
        assert_eq!(field(1, "flags").as_deref(), Some("don't fragment"));
        assert_eq!(field(2, "source port").as_deref(), Some("40000"));
        let cut = Packet { data: &data[..20], ..packet };
        assert_eq!(explain(&cut).len(), 2);
    }
}
