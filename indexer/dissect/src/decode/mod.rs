//! From a captured packet down to its innermost IP and transport header.
//!
//! Decoding is a loop: each step takes one header off and says what comes next ([`Step`]). So tunnels need
//! no special case: a header that carries packets names `Layer::Ethernet` or `Layer::Ip` as the next one.
//!
//! Lengths in headers are claims. A [`Span`] knows what was captured and what was on the wire; a claim may
//! shorten it (Ethernet padding), never lengthen it. Checksums are not looked at: with checksum offload the
//! sender's own packets are captured before the network card fills them in.

pub mod explain;
mod ip;
mod link;
mod transport;
pub mod tunnel;
mod wlan;

use std::net::{IpAddr, Ipv4Addr};

use segment::{LinkType, Packet};

use crate::exchange::Transport;

pub use transport::{Flags, TcpHeader, UdpHeader};
pub use tunnel::{Tunnel, TunnelKind, Tunnels};

/// Most headers taken off one packet, tags, tunnels and IPv6 extensions included. Real packets have fewer
/// than ten; the bound is against packets built to keep us busy.
const LAYERS_MAX: usize = 32;

/// Why a packet can't be decoded.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum Undecodable {
    /// The link type is not one of those known.
    #[error("unknown link type")]
    LinkType,
    /// A header is longer than what was captured.
    #[error("header cut off")]
    Truncated,
    /// The version field is neither 4 nor 6.
    #[error("neither IPv4 nor IPv6")]
    Version,
    /// A header says a length that can't be.
    #[error("impossible length in a header")]
    Length,
    /// Headers are nested deeper than the limit.
    #[error("headers nested too deep")]
    Nesting,
}

/// Captured bytes, and how many there were on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span<'a> {
    data: &'a [u8],
    wire_bytes: usize,
}

impl<'a> Span<'a> {
    /// `data` out of `wire_bytes`; a source that lies is corrected.
    #[must_use]
    pub fn new(data: &'a [u8], wire_bytes: usize) -> Self {
        Self { data, wire_bytes: wire_bytes.max(data.len()) }
    }

    /// The captured bytes.
    #[must_use]
    pub fn data(self) -> &'a [u8] {
        self.data
    }

    /// Bytes on the wire; at least as many as were captured.
    #[must_use]
    pub fn wire_bytes(self) -> usize {
        self.wire_bytes
    }

    /// Bytes that the snap length cut off.
    #[must_use]
    pub fn cut_bytes(self) -> usize {
        self.wire_bytes - self.data.len()
    }

    /// Takes a header of `N` bytes off.
    fn header<const N: usize>(self) -> Result<(&'a [u8; N], Self), Undecodable> {
        let (header, data) = self.data.split_first_chunk::<N>().ok_or(Undecodable::Truncated)?;
        Ok((header, Self { data, wire_bytes: self.wire_bytes - N }))
    }

    /// What comes after `length` bytes, which must have been captured.
    fn skip(self, length: usize) -> Result<Self, Undecodable> {
        let data = self.data.get(length..).ok_or(Undecodable::Truncated)?;
        Ok(Self { data, wire_bytes: self.wire_bytes - length })
    }

    /// What comes after `length` bytes, captured or not; `None` if there were fewer on the wire.
    pub(crate) fn skip_wire(self, length: usize) -> Option<Self> {
        let wire_bytes = self.wire_bytes.checked_sub(length)?;
        Some(Self { data: self.data.get(length..).unwrap_or_default(), wire_bytes })
    }

    /// At most the first `length` bytes.
    pub(crate) fn limit(self, length: usize) -> Self {
        Self { data: self.data.get(..length).unwrap_or(self.data), wire_bytes: self.wire_bytes.min(length) }
    }
}

/// The innermost IP packet that could be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decoded<'a> {
    /// The headers that matter from the link layer to IP.
    pub network: Network,
    /// What the IP packet carries.
    pub payload: Payload<'a>,
    /// The tunnels that brought it.
    pub tunnels: Tunnels,
}

/// Where an IP packet was seen and between whom it went.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Network {
    /// Sender.
    pub source: IpAddr,
    /// Receiver.
    pub destination: IpAddr,
    /// The identification that the sender gave the packet (RFC 791, RFC 8200 §4.5); 0 where there is none.
    pub identification: u32,
    /// What tells apart the places at which a "cooked" capture saw the packet: interface index and way.
    pub tap: u64,
}

/// What an IP packet carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Payload<'a> {
    /// A TCP segment.
    Tcp(TcpHeader, Span<'a>),
    /// A UDP datagram.
    Udp(UdpHeader, Span<'a>),
    /// Of a TCP or UDP header only the sender's and the receiver's port were captured.
    Ports(Transport, u16, u16),
    /// A part of an IP packet.
    Fragment(Fragment<'a>),
    /// An ICMP or ICMPv6 message, header included.
    Icmp(Span<'a>),
    /// Another protocol, by its IANA number.
    Other(u8),
}

/// A part of an IP packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fragment<'a> {
    /// Protocol of the whole, by its IANA number.
    pub protocol: u8,
    /// Where this part lies in the whole.
    pub offset: usize,
    /// Whether further parts follow.
    pub more: bool,
    /// The part.
    pub span: Span<'a>,
}

/// How the bytes at hand begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Layer {
    Link(LinkType),
    /// Behind an EtherType or a protocol field that uses its numbers.
    EtherType(u16),
    /// IEEE 802.2.
    Llc,
    /// Either version; the first nibble tells.
    Ip,
    /// Behind an IP header or an IPv6 extension header, by IANA number.
    IpPayload(u8),
    Vxlan,
    VxlanGpe,
    Geneve,
    GtpUser,
}

/// What one header leads to.
enum Step<'a> {
    Next(Layer, Span<'a>),
    Done(Payload<'a>),
    /// Something that carries no IP packet, such as ARP.
    NotIp,
}

/// What is known of the packet so far.
struct Context {
    network: Network,
    tunnels: Tunnels,
}

/// Decodes a packet down to its innermost IP packet; `None` if it holds none.
///
/// # Errors
///
/// When a header can't be read. What an unreadable tunnel was carried by is still returned.
pub fn decode<'a>(packet: &Packet<'a>) -> Result<Option<Decoded<'a>>, Undecodable> {
    let wire_bytes = usize::try_from(packet.original_length_bytes).unwrap_or(usize::MAX);
    let span = Span::new(packet.data, wire_bytes);
    run(context(Tunnels::default()), Layer::Link(packet.link_type), span)
}

/// Decodes the beginning of an IP packet that an ICMP error quotes; its innermost ports may be all there is.
#[must_use]
pub fn decode_quoted(bytes: &[u8]) -> Option<Decoded<'_>> {
    // Nobody says how long the packet was before it was quoted; its own header does.
    let span = Span::new(bytes, usize::from(u16::MAX));
    run(context(Tunnels::default()), Layer::Ip, span).ok()?
}

/// Before the first header.
fn context(tunnels: Tunnels) -> Context {
    let unspecified = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let network = Network { source: unspecified, destination: unspecified, identification: 0, tap: 0 };
    Context { network, tunnels }
}

/// Decodes what an IP packet carries that was put together from fragments.
///
/// # Errors
///
/// As [`decode`].
pub fn decode_whole<'a>(
    network: Network,
    tunnels: Tunnels,
    protocol: u8,
    payload: Span<'a>,
) -> Result<Option<Decoded<'a>>, Undecodable> {
    run(Context { network, tunnels }, Layer::IpPayload(protocol), payload)
}

fn run<'a>(
    mut context: Context,
    mut layer: Layer,
    mut span: Span<'a>,
) -> Result<Option<Decoded<'a>>, Undecodable> {
    let mut carrier: Option<Decoded<'a>> = None;
    for _ in 0..LAYERS_MAX {
        if let Layer::IpPayload(number) = layer
            && tunnel::is_tunnel(number)
        {
            let Context { network, tunnels } = context;
            carrier = Some(Decoded { network, payload: Payload::Other(number), tunnels });
            context.tunnels.enter(tunnel::by_protocol(number, &network, span));
        }
        match step(&mut context, layer, span) {
            Ok(Step::Next(next, rest)) => (layer, span) = (next, rest),
            // A tunnel that carries something else than packets is the innermost itself.
            Ok(Step::Done(Payload::Other(number))) if tunnel::is_tunnel(number) => return Ok(carrier),
            Ok(Step::Done(payload)) => {
                let Context { network, tunnels } = context;
                let decoded = Decoded { network, payload, tunnels };
                let Some((tunnel, inner)) = tunnel::inside(&payload) else { return Ok(Some(decoded)) };
                carrier = Some(decoded);
                context.tunnels.enter(tunnel::by_port(tunnel, &network, inner));
                (layer, span) = (tunnel, inner);
            }
            // What looked like a tunnel was none, or carries no IP: its carrier is the innermost packet.
            Ok(Step::NotIp) => return Ok(carrier),
            Err(reason) => return carrier.map_or(Err(reason), |carrier| Ok(Some(carrier))),
        }
    }
    carrier.map_or(Err(Undecodable::Nesting), |carrier| Ok(Some(carrier)))
}

fn step<'a>(context: &mut Context, layer: Layer, span: Span<'a>) -> Result<Step<'a>, Undecodable> {
    match layer {
        Layer::Link(link_type) => link::link(context, link_type, span),
        Layer::EtherType(number) => link::ether_type(number, span),
        Layer::Llc => link::llc(span),
        Layer::Ip => ip::ip(context, span),
        Layer::IpPayload(number) => ip::payload(context, number, span),
        Layer::Vxlan => tunnel::vxlan(span),
        Layer::VxlanGpe => tunnel::vxlan_gpe(span),
        Layer::Geneve => tunnel::geneve(span),
        Layer::GtpUser => tunnel::gtp_user(span),
    }
}
