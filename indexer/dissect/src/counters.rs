//! What a [`Dissector`](crate::Dissector) saw, could not use and had to give up.
//!
//! Nothing is dropped silently: whatever does not reach a protocol moves a counter here.

use crate::decode::Undecodable;

/// Counts since the dissector began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Packets taken.
    pub packets: u64,
    /// Captured bytes of them.
    pub bytes: u64,
    /// Packets with a TCP segment, fragments put together included.
    pub tcp: u64,
    /// Packets with a UDP datagram, fragments put together included.
    pub udp: u64,
    /// Packets with ICMP or ICMPv6.
    pub icmp: u64,
    /// Packets with another protocol over IP.
    pub other_ip: u64,
    /// Packets whose link layer carries no IP: ARP, LLDP and the like.
    pub not_ip: u64,
    /// Packets that could not be decoded, by reason.
    pub undecodable: UndecodableCounters,
    /// IP fragments seen.
    pub fragments: u64,
    /// IP datagrams put together from fragments.
    pub defragmented: u64,
    /// IP datagrams given up because fragments were missing, late, or more than the limit allows.
    pub fragments_given_up: u64,
    /// Bytes cut off by the snap length, of TCP and UDP payload.
    pub cut_bytes: u64,
    /// Flows begun.
    pub flows_opened: u64,
    /// Flows ended by silence.
    pub flows_expired: u64,
    /// Flows given up because there were too many or they held too much.
    pub flows_evicted: u64,
    /// Flows ended because a new one uses the same addresses and ports.
    pub flows_replaced: u64,
    /// Flows that a protocol took.
    pub flows_recognised: u64,
    /// Flows whose bytes no protocol took.
    pub flows_unrecognised: u64,
    /// Payload bytes of streams, without repeats.
    pub stream_bytes: u64,
    /// Payload bytes that were seen before: retransmissions, and copies seen at further interfaces.
    pub repeated_bytes: u64,
    /// Payload bytes that came before the bytes in front of them.
    pub reordered_bytes: u64,
    /// Holes given up.
    pub gaps: u64,
    /// Bytes in them.
    pub gap_bytes: u64,
    /// TCP segments whose sequence number fits nowhere near the stream.
    pub implausible_segments: u64,
    /// Payload bytes of streams and datagrams that no protocol took.
    pub unclaimed_bytes: u64,
    /// Bytes that a protocol took and made no message of: searched in vain, or cut off by a gap.
    pub skipped_bytes: u64,
    /// Bytes behind an agreement to speak another protocol: tunnels and upgrades.
    pub tunnel_bytes: u64,
    /// Copies of a UDP datagram that were seen at another interface.
    pub duplicate_datagrams: u64,
    /// Dissectors that panicked; each cost its flow.
    pub panics: u64,
    /// Exchanges handed out.
    pub exchanges: u64,
}

/// Packets that could not be decoded, by reason.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UndecodableCounters {
    /// The link type is not one of those known.
    pub link_type: u64,
    /// A header is longer than what was captured.
    pub truncated: u64,
    /// The version field is neither 4 nor 6.
    pub version: u64,
    /// A header says a length that can't be.
    pub length: u64,
    /// Headers are nested deeper than the limit.
    pub nesting: u64,
}

impl UndecodableCounters {
    /// Counts one more for `reason`.
    pub fn add(&mut self, reason: Undecodable) {
        let counter = match reason {
            Undecodable::LinkType => &mut self.link_type,
            Undecodable::Truncated => &mut self.truncated,
            Undecodable::Version => &mut self.version,
            Undecodable::Length => &mut self.length,
            Undecodable::Nesting => &mut self.nesting,
        };
        *counter += 1;
    }

    /// All reasons together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.link_type + self.truncated + self.version + self.length + self.nesting
    }
}
