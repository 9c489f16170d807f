//! Link layers and the tags between them and IP.

use segment::LinkType;

use super::{Context, Layer, Span, Step, Undecodable, tunnel, wlan};

const PPP: LinkType = LinkType(9);
const FDDI: LinkType = LinkType(10);
const PPP_HDLC: LinkType = LinkType(50);
const CISCO_HDLC: LinkType = LinkType(104);
const WLAN: LinkType = LinkType(105);
const WLAN_RADIOTAP: LinkType = LinkType(127);
const PPI: LinkType = LinkType(192);
const NFLOG: LinkType = LinkType(239);

/// Below this an "EtherType" is the length of an IEEE 802.3 frame, with 802.2 behind it.
const ETHER_TYPE_MIN: u16 = 0x0600;
/// `LINUX_SLL_P_802_2`.
const SLL_LLC: u16 = 0x0004;
/// `ARPHRD_NETLINK`: messages between kernel and programs, not packets.
const ARPHRD_NETLINK: u16 = 824;
/// TLV of an NFLOG record that holds the packet.
const NFLOG_PAYLOAD: u16 = 9;
/// Most TLVs looked at in an NFLOG record; the kernel writes fewer than 20.
const NFLOG_TLVS_MAX: usize = 64;

/// Takes off what the link layer put in front.
pub(super) fn link<'a>(
    context: &mut Context,
    link_type: LinkType,
    span: Span<'a>,
) -> Result<Step<'a>, Undecodable> {
    match link_type {
        LinkType::ETHERNET => ethernet(span),
        LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD | LinkType::IPV4 | LinkType::IPV6 => {
            Ok(Step::Next(Layer::Ip, span))
        }
        LinkType::NULL | LinkType::LOOP => null(span),
        LinkType::LINUX_SLL => cooked_v1(context, span),
        LinkType::LINUX_SLL2 => cooked_v2(context, span),
        PPP | PPP_HDLC => ppp(span),
        CISCO_HDLC => {
            let (&[_address, _control, high, low], rest) = span.header()?;
            Ok(Step::Next(Layer::EtherType(u16::from_be_bytes([high, low])), rest))
        }
        NFLOG => nflog(span),
        // Per-packet information: version, flags, length of all of it, link type of the rest, all little-endian.
        PPI => {
            let (&[_, _, low, high, t0, t1, _, _], _) = span.header()?;
            let inner = LinkType(u16::from_le_bytes([t0, t1]));
            Ok(Step::Next(Layer::Link(inner), span.skip(usize::from(u16::from_le_bytes([low, high])))?))
        }
        // Frame control and two addresses.
        FDDI => Ok(Step::Next(Layer::Llc, span.skip(13)?)),
        WLAN => wlan::frame(span),
        WLAN_RADIOTAP => wlan::radiotap(span),
        _ => Err(Undecodable::LinkType),
    }
}

fn ethernet(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (header, rest) = span.header::<14>()?;
    let &[.., high, low] = header;
    Ok(Step::Next(Layer::EtherType(u16::from_be_bytes([high, low])), rest))
}

/// Follows an EtherType (IEEE 802 numbers).
pub(super) fn ether_type(number: u16, span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    match number {
        0x0800 | 0x86DD => Ok(Step::Next(Layer::Ip, span)),
        // 802.1Q, 802.1ad (QinQ) and the numbers used before it was agreed: two bytes of tag, then a type.
        0x8100 | 0x88A8 | 0x9100 | 0x9200 | 0x9300 => {
            let (&[_, _, high, low], rest) = span.header()?;
            Ok(Step::Next(Layer::EtherType(u16::from_be_bytes([high, low])), rest))
        }
        // 802.1ah: four bytes of service tag, then a whole Ethernet frame.
        0x88E7 => Ok(Step::Next(Layer::Link(LinkType::ETHERNET), span.skip(4)?)),
        // Transparent Ethernet bridging, as GRE and Geneve carry it.
        0x6558 => Ok(Step::Next(Layer::Link(LinkType::ETHERNET), span)),
        0x8847 | 0x8848 => tunnel::mpls(span),
        0x8864 => {
            let (&[_, _, _, _, high, low], rest) = span.header()?;
            ppp(rest.limit(usize::from(u16::from_be_bytes([high, low]))))
        }
        0x880B => ppp(span),
        length if length < ETHER_TYPE_MIN => Ok(Step::Next(Layer::Llc, span.limit(usize::from(length)))),
        _ => Ok(Step::NotIp),
    }
}

/// IEEE 802.2: IP comes behind a SNAP header (RFC 1042) or, rarely, directly.
pub(super) fn llc(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&[destination, source, control], rest) = span.header()?;
    match (destination, source, control) {
        (0xAA, 0xAA, 0x03) => {
            let (&[_, _, _, high, low], rest) = rest.header()?;
            Ok(Step::Next(Layer::EtherType(u16::from_be_bytes([high, low])), rest))
        }
        (0x06, 0x06, 0x03) => Ok(Step::Next(Layer::Ip, rest)),
        _ => Ok(Step::NotIp),
    }
}

/// BSD loopback: an address family in the byte order of some host. The IP version nibble tells more than
/// the family, whose number for IPv6 differs from system to system.
fn null(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&family, rest) = span.header::<4>()?;
    match (u32::from_be_bytes(family), u32::from_le_bytes(family)) {
        (2 | 10 | 23 | 24 | 28 | 30, _) | (_, 2 | 10 | 23 | 24 | 28 | 30) => Ok(Step::Next(Layer::Ip, rest)),
        // Some systems write an EtherType.
        (number @ (0x0800 | 0x86DD), _) | (_, number @ (0x0800 | 0x86DD)) => {
            Ok(Step::Next(Layer::EtherType(u16::try_from(number).unwrap_or_default()), rest))
        }
        _ => Ok(Step::NotIp),
    }
}

/// LINKTYPE_LINUX_SLL: way, hardware type, address length, address (8), protocol.
fn cooked_v1<'a>(context: &mut Context, span: Span<'a>) -> Result<Step<'a>, Undecodable> {
    let (&[way_high, way_low, hw_high, hw_low, _, _, _, _, _, _, _, _, _, _, high, low], rest) =
        span.header()?;
    context.network.tap = u64::from(u16::from_be_bytes([way_high, way_low]));
    cooked(u16::from_be_bytes([hw_high, hw_low]), u16::from_be_bytes([high, low]), rest)
}

/// LINKTYPE_LINUX_SLL2: protocol, reserved, interface index (4), hardware type, way, address length, address (8).
fn cooked_v2<'a>(context: &mut Context, span: Span<'a>) -> Result<Step<'a>, Undecodable> {
    let (&[high, low, _, _, i0, i1, i2, i3, hw_high, hw_low, way, _], rest) = span.header()?;
    context.network.tap = u64::from(u32::from_be_bytes([i0, i1, i2, i3])) << 8 | u64::from(way);
    cooked(u16::from_be_bytes([hw_high, hw_low]), u16::from_be_bytes([high, low]), rest.skip(8)?)
}

fn cooked(hardware: u16, protocol: u16, rest: Span<'_>) -> Result<Step<'_>, Undecodable> {
    match (hardware, protocol) {
        (ARPHRD_NETLINK, _) => Ok(Step::NotIp),
        (_, SLL_LLC) => Ok(Step::Next(Layer::Llc, rest)),
        (_, number) if number < ETHER_TYPE_MIN => Ok(Step::NotIp),
        (_, number) => Ok(Step::Next(Layer::EtherType(number), rest)),
    }
}

/// RFC 1661, RFC 1662: the address and control bytes and the first byte of the protocol may be left out.
fn ppp(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let span = if span.data().starts_with(&[0xFF, 0x03]) { span.skip(2)? } else { span };
    let (&[first], rest) = span.header()?;
    let (protocol, rest) = if first & 1 == 1 {
        (u16::from(first), rest)
    } else {
        let (&[second], rest) = rest.header()?;
        (u16::from_be_bytes([first, second]), rest)
    };
    match protocol {
        0x0021 | 0x0057 => Ok(Step::Next(Layer::Ip, rest)),
        0x0281 | 0x0283 => tunnel::mpls(rest),
        _ => Ok(Step::NotIp),
    }
}

/// LINKTYPE_NFLOG: family, version, resource id, then TLVs in the byte order of the host, padded to 4.
fn nflog(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let mut rest = span.skip(4)?;
    for _ in 0..NFLOG_TLVS_MAX {
        let (&[l0, l1, t0, t1], value) = rest.header()?;
        // Little-endian hosts are nearly all; a length that can't be is tried the other way round.
        let (length, kind) = match u16::from_le_bytes([l0, l1]) {
            length if usize::from(length) <= rest.wire_bytes() => (length, u16::from_le_bytes([t0, t1])),
            _ => (u16::from_be_bytes([l0, l1]), u16::from_be_bytes([t0, t1])),
        };
        let length = usize::from(length);
        if length < 4 {
            return Err(Undecodable::Length);
        }
        if kind == NFLOG_PAYLOAD {
            return Ok(Step::Next(Layer::Ip, value.limit(length - 4)));
        }
        rest = rest.skip(length.next_multiple_of(4))?;
    }
    Err(Undecodable::Nesting)
}
