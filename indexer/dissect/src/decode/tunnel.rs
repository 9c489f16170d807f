//! Packets inside packets: GRE, ERSPAN, MPLS, VXLAN, Geneve, GTP-U.
//!
//! A tunnel over UDP is only guessed from its port: if what is inside can't be read, the UDP datagram
//! stands as it is.

use std::net::IpAddr;

use segment::LinkType;
use serde::{Deserialize, Serialize};

use super::{Layer, Network, Payload, Span, Step, Undecodable, wlan};

const ETHERNET: Layer = Layer::Link(LinkType::ETHERNET);
/// Most labels in an MPLS stack; real ones have fewer than ten.
const MPLS_LABELS_MAX: usize = 16;
/// Most extension headers of a GTP-U packet; real ones have one or two.
const GTP_EXTENSIONS_MAX: usize = 16;

/// Most tunnels inside one another that are told; deeper ones are decoded all the same.
const TUNNELS_MAX: usize = 3;

/// A tunnel that carried a packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Tunnel {
    /// How it carries packets.
    pub kind: TunnelKind,
    /// Sender of the carrying packet.
    pub source: IpAddr,
    /// Receiver of the carrying packet.
    pub destination: IpAddr,
    /// VXLAN and Geneve network identifier, GRE key, GTP tunnel endpoint; `None` where there is none.
    pub id: Option<u32>,
}

/// How a tunnel carries packets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum TunnelKind {
    /// RFC 7348, and its generic extension.
    Vxlan,
    /// RFC 8926.
    Geneve,
    /// RFC 2784, ERSPAN among it.
    Gre,
    /// IPv4 in IPv4 (RFC 2003) or in IPv6 (RFC 2473).
    Ipip,
    /// IPv6 in IPv4 (RFC 4213) or in IPv6 (RFC 2473).
    Ipv6,
    /// RFC 4023.
    Mpls,
    /// 3GPP TS 29.281.
    GtpUser,
}

impl TunnelKind {
    /// Its usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Vxlan => "VXLAN",
            Self::Geneve => "Geneve",
            Self::Gre => "GRE",
            Self::Ipip => "IPIP",
            Self::Ipv6 => "6in4",
            Self::Mpls => "MPLS",
            Self::GtpUser => "GTP-U",
        }
    }
}

/// The tunnels that brought a packet, the outermost first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Tunnels([Option<Tunnel>; TUNNELS_MAX]);

impl Tunnels {
    /// The outermost first.
    pub fn iter(&self) -> impl Iterator<Item = &Tunnel> {
        self.0.iter().flatten()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    pub(super) fn enter(&mut self, tunnel: Tunnel) {
        if let Some(free) = self.0.iter_mut().find(|tunnel| tunnel.is_none()) {
            *free = Some(tunnel);
        }
    }
}

/// The tunnel that an IP protocol is ([`is_tunnel`]), at its header.
pub(super) fn by_protocol(number: u8, network: &Network, span: Span<'_>) -> Tunnel {
    let (kind, id) = match number {
        4 => (TunnelKind::Ipip, None),
        41 => (TunnelKind::Ipv6, None),
        47 => (TunnelKind::Gre, gre_key(span.data())),
        _ => (TunnelKind::Mpls, None),
    };
    Tunnel { kind, source: network.source, destination: network.destination, id }
}

/// RFC 2890 §2: the key follows the checksum, if there is one.
fn gre_key(header: &[u8]) -> Option<u32> {
    let flags = header.first()?;
    let at = if flags & 0x80 != 0 { 8 } else { 4 };
    let key = header.get(at..)?.first_chunk::<4>().filter(|_| flags & 0x20 != 0)?;
    Some(u32::from_be_bytes(*key))
}

/// The tunnel that a layer over UDP is, at its header.
pub(super) fn by_port(layer: Layer, network: &Network, span: Span<'_>) -> Tunnel {
    let word =
        span.data().get(4..).and_then(|rest| rest.first_chunk::<4>()).map(|word| u32::from_be_bytes(*word));
    let (kind, id) = match layer {
        Layer::Geneve => (TunnelKind::Geneve, word.map(|word| word >> 8)),
        Layer::GtpUser => (TunnelKind::GtpUser, word),
        _ => (TunnelKind::Vxlan, word.map(|word| word >> 8)),
    };
    Tunnel { kind, source: network.source, destination: network.destination, id }
}

/// What a UDP datagram carries, if its port is one of a tunnel's.
pub(super) fn inside<'a>(payload: &Payload<'a>) -> Option<(Layer, Span<'a>)> {
    let Payload::Udp(header, span) = *payload else { return None };
    match header.destination_port {
        // RFC 7348, and the port that Linux used before it and flannel still does.
        4789 | 8472 => Some((Layer::Vxlan, span)),
        4790 => Some((Layer::VxlanGpe, span)),
        6081 => Some((Layer::Geneve, span)),
        2152 => Some((Layer::GtpUser, span)),
        _ => None,
    }
}

/// Whether an IP protocol carries packets: IPv4, IPv6, GRE, MPLS.
pub(super) fn is_tunnel(protocol: u8) -> bool {
    matches!(protocol, 4 | 41 | 47 | 137)
}

/// RFC 7348 §5: flags, reserved (3), network identifier (3), reserved; then Ethernet.
pub(super) fn vxlan(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&[flags, ..], rest) = span.header::<8>()?;
    // The I flag must be set; other bits belong to extensions, which keep the layout.
    if flags & 0x08 == 0 { Ok(Step::NotIp) } else { Ok(Step::Next(ETHERNET, rest)) }
}

/// VXLAN with a field that tells the next protocol.
pub(super) fn vxlan_gpe(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&[_, _, _, next, ..], rest) = span.header::<8>()?;
    match next {
        1 | 2 => Ok(Step::Next(Layer::Ip, rest)),
        0 | 3 => Ok(Step::Next(ETHERNET, rest)),
        _ => Ok(Step::NotIp),
    }
}

/// 3GPP TS 29.281 §5.1: flags, message type, length (2), tunnel (4); four more bytes if any of three flags is
/// set, the last of them the type of an extension header.
pub(super) fn gtp_user(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&[flags, kind, ..], mut rest) = span.header::<8>()?;
    // Version 1, GTP not GTP', and a message that carries a packet.
    if flags & 0xF0 != 0x30 || kind != 0xFF {
        return Ok(Step::NotIp);
    }
    if flags & 0x07 == 0 {
        return Ok(Step::Next(Layer::Ip, rest));
    }
    let (&[_, _, _, mut extension], behind) = rest.header()?;
    rest = behind;
    for _ in 0..GTP_EXTENSIONS_MAX {
        if extension == 0 {
            return Ok(Step::Next(Layer::Ip, rest));
        }
        let (&[words], _) = rest.header()?;
        let length = usize::from(words) * 4;
        let last = length.checked_sub(1).ok_or(Undecodable::Length)?;
        extension = *rest.data().get(last).ok_or(Undecodable::Truncated)?;
        rest = rest.skip(length)?;
    }
    Err(Undecodable::Nesting)
}

/// RFC 8926 §3.4: version and option length, flags, protocol (2), network identifier (3), reserved; options.
pub(super) fn geneve(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&[version_options, _, high, low, ..], rest) = span.header::<8>()?;
    if version_options >> 6 != 0 {
        return Ok(Step::NotIp);
    }
    let rest = rest.skip(usize::from(version_options & 0x3F) * 4)?;
    Ok(Step::Next(Layer::EtherType(u16::from_be_bytes([high, low])), rest))
}

/// RFC 2784, RFC 2890: flags, protocol, then checksum, key and sequence number where flagged.
pub(super) fn gre(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let (&[flags, version, high, low], rest) = span.header()?;
    let protocol = u16::from_be_bytes([high, low]);
    let (checksum, routing, key, sequence) =
        (flags & 0x80 != 0, flags & 0x40 != 0, flags & 0x20 != 0, flags & 0x10 != 0);
    let acknowledgement = version & 0x80 != 0;
    if version & 0x07 > 1 || routing {
        return Ok(Step::Done(Payload::Other(47)));
    }
    let optional = [checksum, key, sequence, acknowledgement].into_iter().filter(|&there| there).count() * 4;
    let rest = rest.skip(optional)?;
    match protocol {
        // ERSPAN: version 1 has no header of its own and no sequence number; 2 has 8 bytes; 3 has 12 and maybe 8.
        0x88BE if !sequence => Ok(Step::Next(ETHERNET, rest)),
        0x88BE => Ok(Step::Next(ETHERNET, rest.skip(8)?)),
        0x22EB => {
            let (&[.., last], rest) = rest.header::<12>()?;
            Ok(Step::Next(ETHERNET, rest.skip(if last & 1 == 1 { 8 } else { 0 })?))
        }
        // Aruba's access points send radio frames to their controller.
        0x8200..=0x8270 => wlan::frame(rest),
        0x0800 | 0x86DD | 0x6558 | 0x8100 | 0x8847 | 0x8848 | 0x880B => {
            Ok(Step::Next(Layer::EtherType(protocol), rest))
        }
        _ => Ok(Step::Done(Payload::Other(47))),
    }
}

/// RFC 3032: labels of 4 bytes until the bottom bit; the next nibble tells what follows (RFC 4928).
pub(super) fn mpls(span: Span<'_>) -> Result<Step<'_>, Undecodable> {
    let mut rest = span;
    for _ in 0..MPLS_LABELS_MAX {
        let (&[_, _, bottom, _], next) = rest.header()?;
        rest = next;
        if bottom & 1 == 1 {
            return Ok(match rest.data().first().map(|byte| byte >> 4) {
                Some(4 | 6) => Step::Next(Layer::Ip, rest),
                // A pseudowire's control word (RFC 4385), then Ethernet.
                Some(0) => Step::Next(ETHERNET, rest.skip(4)?),
                _ => Step::Next(ETHERNET, rest),
            });
        }
    }
    Err(Undecodable::Nesting)
}
