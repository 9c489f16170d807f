//! What leaves this crate: a request and its response, with the way back to their packets.

use std::net::IpAddr;

use segment::{InterfaceId, PacketRef, Timestamp};
use serde::{Deserialize, Serialize};

use crate::protocol::Content;

/// One end of a flow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Endpoint {
    /// IPv4 or IPv6 address, innermost header.
    pub ip: IpAddr,
    /// TCP or UDP port.
    pub port: u16,
}

/// What carries the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Transport {
    /// RFC 9293.
    Tcp,
    /// RFC 768.
    Udp,
    /// RFC 792 and RFC 4443; ports are 0.
    Icmp,
}

/// One message of a protocol, and where its bytes were.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Message {
    /// Time of the packet that held the message's first byte.
    pub start: Timestamp,
    /// Time of the packet that completed it.
    pub end: Timestamp,
    /// The packet that held the first byte.
    pub first: PacketRef,
    /// The packet that held the last byte.
    pub last: PacketRef,
    /// Bytes of the message in the stream, framing included, gaps counted in.
    pub wire_bytes: u64,
    /// Bytes of the message that were never seen.
    pub gap_bytes: u64,
    /// Whether a limit of ours cut what is kept (never what is counted).
    pub truncated: bool,
    /// What the message says.
    pub content: Content,
}

/// A request and its response; one of them may be missing, never both.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Exchange {
    /// Who asked.
    pub client: Endpoint,
    /// Who was asked.
    pub server: Endpoint,
    /// What carried it.
    pub transport: Transport,
    /// Number of the flow in this run of the dissector, from 0, in order of first packets.
    pub flow: u64,
    /// Number of the exchange in its flow, from 0.
    pub index: u64,
    /// The interface that the flow was first seen on.
    pub interface: InterfaceId,
    /// `None` when the request was not seen.
    pub request: Option<Message>,
    /// `None` when no response was seen before the flow ended or expired.
    pub response: Option<Message>,
}
