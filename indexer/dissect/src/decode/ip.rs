//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Context, Fragment, Layer, Payload, Span, Step, Undecodable, transport, tunnel};

const ICMP: u8 = 1;
const IPV4: u8 = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const GRE: u8 = 47;
const AUTHENTICATION: u8 = 51;
const ICMPV6: u8 = 58;
const MPLS: u8 = 137;
const IPV6_HOP_BY_HOP: u8 = 0;
const IPV6_ROUTING: u8 = 43;
const IPV6_FRAGMENT: u8 = 44;
const IPV6_DESTINATION: u8 = 60;
const IPV6_MOBILITY: u8 = 135;
const IPV6_HOST_IDENTITY: u8 = 139;
const IPV6_SHIM6: u8 = 140;

/// Takes an IP header of either version off.
pub(super) fn ip<'a>(context: &mut Context, span: Span<'a>) -> Result<Step<'a>, Undecodable> {
    match span.data().first().map(|byte| byte >> 4) {
        Some(4) => ipv4(context, span),
        Some(6) => ipv6(context, span),
        Some(_) => Err(Undecodable::Version),
        None => Err(Undecodable::Truncated),
    }
}

fn ipv4<'a>(context: &mut Context, span: Span<'a>) -> Result<Step<'a>, Undecodable> {
    let (&[version_ihl, _, len0, len1, id0, id1, frag0, frag1, _, protocol, _, _], rest) = span.header()?;
    let (&source, rest) = rest.header::<4>()?;
    let (&destination, _) = rest.header::<4>()?;
    let header_bytes = usize::from(version_ihl & 0x0F) * 4;
    if header_bytes < 20 {
        return Err(Undecodable::Length);
    }
    let total = match usize::from(u16::from_be_bytes([len0, len1])) {
        // Segmentation offload: the network card writes the length, after the capture.
        0 => span.wire_bytes(),
        total if total < header_bytes => return Err(Undecodable::Length),
        total => total,
    };
    let rest = span.limit(total).skip(header_bytes)?;
    context.network.source = IpAddr::V4(Ipv4Addr::from(source));
    context.network.destination = IpAddr::V4(Ipv4Addr::from(destination));
    context.network.identification = u32::from(u16::from_be_bytes([id0, id1]));
    let flags_offset = u16::from_be_bytes([frag0, frag1]);
    let (more, offset) = (flags_offset & 0x2000 != 0, usize::from(flags_offset & 0x1FFF) * 8);
    if more || offset > 0 {
        return Ok(Step::Done(Payload::Fragment(Fragment { protocol, offset, more, span: rest })));
    }
    Ok(Step::Next(Layer::IpPayload(protocol), rest))
}

fn ipv6<'a>(context: &mut Context, span: Span<'a>) -> Result<Step<'a>, Undecodable> {
    let (fixed, rest) = span.header::<8>()?;
    let &[_, _, _, _, len0, len1, next, _hops] = fixed;
    let (&source, rest) = rest.header::<16>()?;
    let (&destination, rest) = rest.header::<16>()?;
    // 0: segmentation offload, or a jumbogram (RFC 2675); both reach to the packet's end.
    let rest = match usize::from(u16::from_be_bytes([len0, len1])) {
        0 => rest,
        length => rest.limit(length),
    };
    context.network.source = IpAddr::V6(Ipv6Addr::from(source));
    context.network.destination = IpAddr::V6(Ipv6Addr::from(destination));
    context.network.identification = 0;
    Ok(Step::Next(Layer::IpPayload(next), rest))
}

/// Follows a protocol number: to a transport header, an extension header or a packet inside the packet.
pub(super) fn payload<'a>(
    context: &mut Context,
    number: u8,
    span: Span<'a>,
) -> Result<Step<'a>, Undecodable> {
    match number {
        TCP => transport::tcp(span),
        UDP => transport::udp(span),
        ICMP | ICMPV6 => Ok(Step::Done(Payload::Icmp(span))),
        IPV4 | IPV6 => Ok(Step::Next(Layer::Ip, span)),
        GRE => tunnel::gre(span),
        MPLS => tunnel::mpls(span),
        IPV6_HOP_BY_HOP | IPV6_ROUTING | IPV6_DESTINATION | IPV6_MOBILITY | IPV6_HOST_IDENTITY
        | IPV6_SHIM6
            if context.network.source.is_ipv6() =>
        {
            let (&[next, length], _) = span.header()?;
            Ok(Step::Next(Layer::IpPayload(next), span.skip(8 + usize::from(length) * 8)?))
        }
        IPV6_FRAGMENT if context.network.source.is_ipv6() => ipv6_fragment(context, span),
        AUTHENTICATION => {
            let (&[next, length], _) = span.header()?;
            Ok(Step::Next(Layer::IpPayload(next), span.skip(8 + usize::from(length) * 4)?))
        }
        other => Ok(Step::Done(Payload::Other(other))),
    }
}

fn ipv6_fragment<'a>(context: &mut Context, span: Span<'a>) -> Result<Step<'a>, Undecodable> {
    let (&[protocol, _, high, low, i0, i1, i2, i3], rest) = span.header()?;
    context.network.identification = u32::from_be_bytes([i0, i1, i2, i3]);
    let field = u16::from_be_bytes([high, low]);
    let (more, offset) = (field & 1 != 0, usize::from(field & 0xFFF8));
    if more || offset > 0 {
        return Ok(Step::Done(Payload::Fragment(Fragment { protocol, offset, more, span: rest })));
    }
    // An "atomic fragment" (RFC 6946) is whole.
    Ok(Step::Next(Layer::IpPayload(protocol), rest))
}
