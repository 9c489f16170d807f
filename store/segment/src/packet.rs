//! A captured packet, the interface it came by, and where it lies.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A `LINKTYPE_` value of the pcap registry (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct LinkType(pub u16);

impl LinkType {
    /// BSD loopback: a 4-byte address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// IEEE 802.3 Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP as some systems number it.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as OpenBSD numbers it.
    pub const RAW_OPENBSD: Self = Self(14);
    /// Raw IPv4 or IPv6; the first nibble tells which.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: a 4-byte address family in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" capture, version 2: carries the interface index.
    pub const LINUX_SLL2: Self = Self(276);
}

/// Number of an interface inside one segment, in the order of description blocks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct InterfaceId(pub u32);

/// What an Interface Description Block says (pcapng, section 4.2).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Interface {
    /// `if_name`; empty where the source has none.
    pub name: String,
    /// `if_description`; empty where the source has none.
    pub description: String,
    /// How each packet of this interface begins.
    pub link_type: LinkType,
    /// Most bytes kept of a packet; 0 means no limit.
    pub snap_length_bytes: u32,
    /// `if_filter` as BPF text; empty where none was set.
    pub filter: String,
}

/// A captured packet, borrowed from where it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Packet<'a> {
    /// When the packet was captured.
    pub timestamp: Timestamp,
    /// The interface it came by.
    pub interface: InterfaceId,
    /// How `data` begins.
    pub link_type: LinkType,
    /// Bytes the packet had on the wire; at least `data.len()`, unless the source lied.
    pub original_length_bytes: u32,
    /// The bytes that were kept.
    pub data: &'a [u8],
    /// `opt_comment` (pcapng, section 3.5.1).
    pub comment: Option<&'a str>,
}

/// Where a packet lies: a path back to the evidence. Ordered as packets were recorded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct PacketRef {
    /// The segment's number in its chain.
    pub sequence: u64,
    /// The frame's number in the segment, from 0; frame 0 is the header frame.
    pub frame: u32,
    /// The packet's number in the frame, from 0.
    pub index: u32,
}
