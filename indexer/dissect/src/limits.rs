//! How much a [`Dissector`](crate::Dissector) may hold, and how long it waits.
//!
//! Memory is bounded by configuration, not by traffic. Reaching a limit moves a counter; it never stops
//! the rest. All times are packet time.

use segment::time::NANOS_PER_SECOND;

const MIB: usize = 1024 * 1024;

/// The configurable bounds; `Default` holds the values for production.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Flows known at once; the one that was silent longest makes room.
    pub flows_max: usize,
    /// Bytes held by all flows and fragments together; silent flows are given up until it holds.
    pub memory_bytes_max: usize,
    /// Bytes one stream holds behind a hole, its bookkeeping included; beyond it the hole becomes a gap.
    pub stream_buffer_bytes_max: usize,
    /// Bytes of one message body that are kept; the rest is counted and the message marked as truncated.
    pub body_bytes_max: usize,
    /// Bytes of a body that are kept even so, where what it says is needed to tell what kind of message it is:
    /// gRPC and GraphQL lie in bodies of HTTP.
    pub interpreted_bytes_max: usize,
    /// Bytes that decoding one content encoding may produce: the bomb limit.
    pub decoded_bytes_max: usize,
    /// Bytes held by IP fragments that wait for the others.
    pub fragment_bytes_max: usize,
    /// Silence after which an open TCP flow is over.
    pub tcp_idle_ns: i64,
    /// How long a closed TCP flow is remembered, to tell late copies of its packets from new flows.
    pub tcp_closed_ns: i64,
    /// Silence after which a UDP flow is over.
    pub udp_idle_ns: i64,
    /// How long a fragment waits for the others (RFC 8200 §4.5 says 60 s; RFC 791 15 s and more).
    pub fragment_idle_ns: i64,
    /// How long a hole that the receiver acknowledged waits for its bytes: the sender won't repeat them,
    /// so only packets that were captured out of order can still fill it.
    pub hole_acknowledged_ns: i64,
    /// How long a hole that nobody acknowledged waits: repeats come after up to a few doublings of the
    /// sender's timer (RFC 6298 §5.5).
    pub hole_silent_ns: i64,
    /// Within this time the same UDP datagram seen at another interface is the same datagram.
    pub duplicate_ns: i64,
    /// Mixed into the hash of flow keys, so that senders can't aim at one bucket. Any random number.
    pub hash_seed: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flows_max: 200_000,
            memory_bytes_max: 512 * MIB,
            stream_buffer_bytes_max: 4 * MIB,
            body_bytes_max: MIB,
            interpreted_bytes_max: MIB,
            decoded_bytes_max: 8 * MIB,
            fragment_bytes_max: 16 * MIB,
            tcp_idle_ns: 600 * NANOS_PER_SECOND,
            tcp_closed_ns: 10 * NANOS_PER_SECOND,
            udp_idle_ns: 60 * NANOS_PER_SECOND,
            fragment_idle_ns: 30 * NANOS_PER_SECOND,
            hole_acknowledged_ns: NANOS_PER_SECOND,
            hole_silent_ns: 30 * NANOS_PER_SECOND,
            duplicate_ns: NANOS_PER_SECOND,
            hash_seed: 0,
        }
    }
}
