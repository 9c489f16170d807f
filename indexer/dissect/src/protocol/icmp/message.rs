//! What an ICMP message says.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::exchange::Transport;

/// A message of either version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Whether it is of ICMPv6.
    pub is_v6: bool,
    /// What kind of message.
    pub kind: u8,
    /// The kind in more detail.
    pub code: u8,
    /// Identifier and sequence number, of echo requests and replies.
    pub echo: Option<(u16, u16)>,
    /// The packet that could not be delivered, of errors.
    pub quoted: Option<Quoted>,
    /// Bytes behind the first eight.
    pub payload_bytes: u64,
}

/// A packet that an error quotes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Quoted {
    /// Its sender.
    pub source: IpAddr,
    /// Its receiver.
    pub destination: IpAddr,
    /// Transport and both ports, where they are known.
    pub ports: Option<(Transport, u16, u16)>,
}

impl Message {
    /// Whether it tells that a packet was not delivered (RFC 792; RFC 4443 §2.1: types below 128).
    #[must_use]
    pub fn is_error(&self) -> bool {
        if self.is_v6 { self.kind < 128 } else { matches!(self.kind, 3 | 4 | 5 | 11 | 12) }
    }

    /// Whether it asks for an echo.
    #[must_use]
    pub fn is_echo_request(&self) -> bool {
        self.kind == if self.is_v6 { 128 } else { 8 }
    }

    /// Whether it is an echo.
    #[must_use]
    pub fn is_echo_reply(&self) -> bool {
        self.kind == if self.is_v6 { 129 } else { 0 }
    }

    /// Kind and code in words (IANA's registries).
    #[must_use]
    pub fn name(&self) -> &'static str {
        name(self.is_v6, self.kind, self.code)
    }
}

/// Kind and code in words (IANA's registries).
#[must_use]
pub fn name(is_v6: bool, kind: u8, code: u8) -> &'static str {
    match (is_v6, kind, code) {
        (false, 0, _) | (true, 129, _) => "Echo Reply",
        (false, 8, _) | (true, 128, _) => "Echo Request",
        (false, 3, 0) => "Network Unreachable",
        (false, 3, 1) => "Host Unreachable",
        (false, 3, 2) => "Protocol Unreachable",
        (false, 3, 3) | (true, 1, 4) => "Port Unreachable",
        (false, 3, 4) => "Fragmentation Needed",
        (false, 3, 9 | 10 | 13) | (true, 1, 1) => "Administratively Prohibited",
        (true, 1, 0) => "No Route",
        (true, 1, 3) => "Address Unreachable",
        (false, 3, _) | (true, 1, _) => "Destination Unreachable",
        (false, 4, _) => "Source Quench",
        (false, 5, _) | (true, 137, _) => "Redirect",
        (true, 2, _) => "Packet Too Big",
        (false, 11, 0) | (true, 3, 0) => "Time To Live Exceeded",
        (false, 11, _) | (true, 3, _) => "Fragment Reassembly Time Exceeded",
        (false, 12, _) | (true, 4, _) => "Parameter Problem",
        (false, 9, _) | (true, 134, _) => "Router Advertisement",
        (false, 10, _) | (true, 133, _) => "Router Solicitation",
        (false, 13, _) => "Timestamp Request",
        (false, 14, _) => "Timestamp Reply",
        (true, 130, _) => "Multicast Listener Query",
        (true, 131 | 143, _) => "Multicast Listener Report",
        (true, 132, _) => "Multicast Listener Done",
        (true, 135, _) => "Neighbor Solicitation",
        (true, 136, _) => "Neighbor Advertisement",
        _ => "Other",
    }
}
