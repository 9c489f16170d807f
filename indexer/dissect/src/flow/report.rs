//! What a flow was, whatever it spoke: counts each way, how it began, how it ended.
//!
//! Every flow leaves one report, so that traffic of unknown protocols is never invisible. Bytes are those of
//! whole frames on the wire, as Wireshark's conversations count them.

use std::net::IpAddr;

use segment::Timestamp;
use serde::{Deserialize, Serialize};

use crate::decode::{Flags, TcpHeader, Tunnel, Tunnels};
use crate::exchange::Transport;
use crate::flow::key::{Side, Sides};
use crate::protocol::Mark;

/// ICMP errors told of one flow; more are counted.
const ICMP_ERRORS_MAX: usize = 8;

/// A flow from its first packet to its last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FlowReport {
    /// What carried it.
    pub transport: Transport,
    /// From the client: who sent the SYN, else who speaks the protocol as a client, else who was seen first.
    pub to_server: Way,
    /// From the server.
    pub to_client: Way,
    /// From the SYN to the acknowledgement that completes the handshake (RFC 9293 §3.5), if all was seen.
    pub handshake_ns: Option<i64>,
    /// How it ended.
    pub end: FlowEnd,
    /// The protocols that were recognised, in order; several where the flow changed its protocol.
    pub protocols: Vec<String>,
    /// Why every other protocol was refused, where none was recognised.
    pub refusals: Vec<Refusal>,
    /// The tunnels that its first packet came through, the outermost first.
    pub tunnels: Vec<Tunnel>,
    /// ICMP errors about it, the first few.
    pub icmp_errors: Vec<IcmpError>,
    /// ICMP errors about it, all of them.
    pub icmp_error_count: u64,
}

/// One direction of a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Way {
    /// Packets.
    pub packets: u64,
    /// Bytes of their frames on the wire.
    pub wire_bytes: u64,
    /// Bytes behind the transport header, repeats included.
    pub payload_bytes: u64,
    /// TCP flags of all packets together.
    pub flags: Flags,
    /// Packets with bytes that were seen before.
    pub retransmitted_packets: u64,
    /// Bytes that were seen before.
    pub retransmitted_bytes: u64,
    /// Packets with bytes that came before the bytes in front of them.
    pub reordered_packets: u64,
    /// Packets with RST.
    pub resets: u64,
    /// Holes that were never filled.
    pub gaps: u64,
    /// Bytes in them.
    pub gap_bytes: u64,
}

/// How a flow ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum FlowEnd {
    /// Both sides sent a FIN.
    Finished,
    /// The client sent a FIN, the server did not: a half-closed connection.
    FinishedByClient,
    /// The server sent a FIN, the client did not.
    FinishedByServer,
    /// The client sent an RST.
    ResetByClient,
    /// The server sent an RST.
    ResetByServer,
    /// Nobody spoke for longer than the limit.
    Silent,
    /// Another flow began with the same addresses and ports.
    Replaced,
    /// It was given up to make room.
    Evicted,
    /// The recording ended first.
    Open,
}

/// Why a protocol refused a flow.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// The protocol's short name.
    pub protocol: String,
    /// A few words.
    pub reason: String,
}

/// An ICMP message that quotes a packet of a flow (RFC 792, RFC 4443 §3).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct IcmpError {
    /// Who sent it: a router, or the other end.
    pub from: IpAddr,
    /// ICMP's number for what happened.
    pub kind: u8,
    /// The same in more detail.
    pub code: u8,
    /// Whether it is of ICMPv6.
    pub is_v6: bool,
    /// When, and where it lies.
    pub mark: Mark,
}

/// Why the table let a flow go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    Silent,
    Replaced,
    Evicted,
    Over,
}

/// What is counted of a flow while it lasts.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) first: Mark,
    pub(crate) last: Mark,
    /// Who sent the first packet.
    pub(crate) opener: Side,
    pub(crate) ways: Sides<Way>,
    /// The SYN that began it, and its answer.
    syn: Option<(Side, Timestamp)>,
    is_answered: bool,
    handshake_ns: Option<i64>,
    reset_by: Option<Side>,
    tunnels: Tunnels,
    icmp_errors: Vec<IcmpError>,
    icmp_error_count: u64,
}

impl Account {
    pub(crate) fn new(opener: Side, mark: Mark, tunnels: Tunnels) -> Self {
        Self {
            first: mark,
            last: mark,
            opener,
            ways: Sides::default(),
            syn: None,
            is_answered: false,
            handshake_ns: None,
            reset_by: None,
            tunnels,
            icmp_errors: Vec::new(),
            icmp_error_count: 0,
        }
    }

    /// Counts a packet that `side` sent.
    pub(crate) fn packet(&mut self, side: Side, wire_bytes: u64, payload_bytes: u64, mark: Mark) {
        self.last = mark;
        let way = self.ways.of_mut(side);
        way.packets += 1;
        way.wire_bytes += wire_bytes;
        way.payload_bytes += payload_bytes;
    }

    /// Takes note of what a TCP header says beside that.
    pub(crate) fn tcp(&mut self, side: Side, header: &TcpHeader, mark: Mark) {
        let (flags, way) = (header.flags, self.ways.of_mut(side));
        way.flags = way.flags.with(flags);
        if flags.has(Flags::RST) {
            way.resets += 1;
            self.reset_by = self.reset_by.or(Some(side));
        }
        match (flags.has(Flags::SYN), flags.has(Flags::ACK), self.syn) {
            (true, false, None) => self.syn = Some((side, mark.timestamp)),
            (true, true, Some((client, _))) if client != side => self.is_answered = true,
            (false, true, Some((client, since))) if client == side && self.is_answered => {
                self.handshake_ns = self.handshake_ns.or(Some(mark.timestamp.since(since)));
            }
            _ => {}
        }
    }

    /// Takes note of bytes that a packet of `side` repeated or brought too early.
    pub(crate) fn order(&mut self, side: Side, repeated_bytes: u64, reordered_bytes: u64) {
        let way = self.ways.of_mut(side);
        way.retransmitted_packets += u64::from(repeated_bytes > 0);
        way.retransmitted_bytes += repeated_bytes;
        way.reordered_packets += u64::from(reordered_bytes > 0);
    }

    /// Takes note of an ICMP error about a packet of the flow.
    pub(crate) fn icmp_error(&mut self, error: IcmpError) {
        self.icmp_error_count += 1;
        if self.icmp_errors.len() < ICMP_ERRORS_MAX {
            self.icmp_errors.push(error);
        }
    }

    /// The flow as it was, seen from `client`.
    pub(crate) fn report(&self, transport: Transport, client: Side, cause: Cause) -> FlowReport {
        FlowReport {
            transport,
            to_server: *self.ways.of(client),
            to_client: *self.ways.of(client.other()),
            handshake_ns: self.handshake_ns,
            end: self.end(client, cause),
            protocols: Vec::new(),
            refusals: Vec::new(),
            tunnels: self.tunnels.iter().copied().collect(),
            icmp_errors: self.icmp_errors.clone(),
            icmp_error_count: self.icmp_error_count,
        }
    }

    fn end(&self, client: Side, cause: Cause) -> FlowEnd {
        let finished = |side: Side| self.ways.of(side).flags.has(Flags::FIN);
        match (self.reset_by, finished(client), finished(client.other())) {
            (_, true, true) => FlowEnd::Finished,
            (Some(side), ..) if side == client => FlowEnd::ResetByClient,
            (Some(_), ..) => FlowEnd::ResetByServer,
            (None, true, false) => FlowEnd::FinishedByClient,
            (None, false, true) => FlowEnd::FinishedByServer,
            (None, false, false) => match cause {
                Cause::Silent => FlowEnd::Silent,
                Cause::Replaced => FlowEnd::Replaced,
                Cause::Evicted => FlowEnd::Evicted,
                Cause::Over => FlowEnd::Open,
            },
        }
    }
}
