//! Every protocol, one line each: how it is recognised and how its dissector starts.
//!
//! Streams are recognised by their first bytes, whatever the port: each protocol looks at them in turn, and
//! the first that answers [`Probe::Yes`] gets the flow. `ports` only helps where bytes can't tell: which end
//! is the server of a flow that was joined in the middle, and which protocol a datagram is of.

use super::{
    DatagramDissector, Direction, Probe, StreamDissector, amqp, dns, http1, http2, icmp, kafka, mongodb,
    mysql, postgres, redis, state, tls, websocket,
};
use crate::limits::Limits;

/// A protocol over TCP.
#[derive(Clone, Copy, Debug)]
pub struct StreamProtocol {
    /// Short name, as in counters.
    pub name: &'static str,
    /// Well-known ports of its servers.
    pub ports: &'static [u16],
    /// Looks at the first bytes of a stream that goes in the given direction. `Yes` must be rare by chance
    /// (1 in a million), because a wrong one costs the flow; `More` is asked again with more bytes, up to 4 KiB.
    pub probe: fn(Direction, &[u8]) -> Probe,
    /// A dissector for one flow.
    pub start: fn(&Limits) -> Box<dyn StreamDissector>,
    /// A dissector that goes on where another stopped.
    pub restore: state::Restore<dyn StreamDissector>,
}

/// A protocol over UDP.
#[derive(Clone, Copy, Debug)]
pub struct DatagramProtocol {
    /// Short name, as in counters.
    pub name: &'static str,
    /// Ports on which a datagram is of this protocol unless `probe` says `No`.
    pub ports: &'static [u16],
    /// Looks at one whole datagram that goes in the given direction; on other ports than `ports` only `Yes` counts.
    pub probe: fn(Direction, &[u8]) -> Probe,
    /// A dissector for one flow.
    pub start: fn(&Limits) -> Box<dyn DatagramDissector>,
    /// A dissector that goes on where another stopped.
    pub restore: state::Restore<dyn DatagramDissector>,
}

/// The protocols over TCP, in the order in which they are asked.
pub const STREAM_PROTOCOLS: &[StreamProtocol] = &[
    StreamProtocol {
        name: "http",
        ports: &[80, 8080, 8000, 3128],
        probe: http1::probe,
        start: |limits| Box::new(http1::Dissector::new(limits)),
        restore: state::restore::<http1::Dissector>,
    },
    StreamProtocol {
        name: "http2",
        ports: &[80, 443, 8080, 50051],
        probe: http2::probe,
        start: |limits| Box::new(http2::Dissector::new(limits)),
        restore: state::restore::<http2::Dissector>,
    },
    StreamProtocol {
        name: "dns",
        ports: &[53, 5353, 5355],
        probe: dns::probe_stream,
        start: |_| Box::new(dns::Dissector::new()),
        restore: state::restore::<dns::Dissector>,
    },
    StreamProtocol {
        name: "tls",
        ports: &[443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 5061, 5671, 6697, 8443, 8883, 9093],
        probe: tls::probe,
        start: |_| Box::new(tls::Dissector::new()),
        restore: state::restore::<tls::Dissector>,
    },
    StreamProtocol {
        name: "redis",
        ports: &[6379],
        probe: redis::probe,
        start: |limits| Box::new(redis::Dissector::new(limits.interpreted_bytes_max)),
        restore: state::restore::<redis::Dissector>,
    },
    StreamProtocol {
        name: "kafka",
        ports: &[9092, 9093, 9094],
        probe: kafka::probe,
        start: |limits| Box::new(kafka::Dissector::new(limits.interpreted_bytes_max)),
        restore: state::restore::<kafka::Dissector>,
    },
    StreamProtocol {
        name: "postgresql",
        ports: &[5432, 6432],
        probe: postgres::probe,
        start: |limits| Box::new(postgres::Dissector::new(limits.interpreted_bytes_max)),
        restore: state::restore::<postgres::Dissector>,
    },
    StreamProtocol {
        name: "mysql",
        ports: &[3306],
        probe: mysql::probe,
        start: |limits| {
            Box::new(mysql::Dissector::new(limits.interpreted_bytes_max, limits.decoded_bytes_max))
        },
        restore: state::restore::<mysql::Dissector>,
    },
    StreamProtocol {
        name: "amqp",
        ports: &[5672],
        probe: amqp::probe,
        start: |limits| Box::new(amqp::Dissector::new(limits.body_bytes_max)),
        restore: state::restore::<amqp::Dissector>,
    },
    StreamProtocol {
        name: "mongodb",
        ports: &[27017],
        probe: mongodb::probe,
        start: |limits| {
            Box::new(mongodb::Dissector::new(limits.interpreted_bytes_max, limits.decoded_bytes_max))
        },
        restore: state::restore::<mongodb::Dissector>,
    },
    // Begins by an upgrade; the probe is for connections that were joined in the middle.
    StreamProtocol {
        name: "ws",
        ports: &[80, 8080],
        probe: websocket::probe,
        start: |limits| Box::new(websocket::Dissector::new(&websocket::Negotiated::unknown(), limits)),
        restore: state::restore::<websocket::Dissector>,
    },
];

/// ICMP, whose flows are pairs of addresses.
pub const ICMP: &[DatagramProtocol] = &[ICMP_PROTOCOL];

const ICMP_PROTOCOL: DatagramProtocol = DatagramProtocol {
    name: "icmp",
    ports: &[],
    probe: icmp::probe,
    start: |_| Box::new(icmp::Dissector::new(false)),
    restore: state::restore_datagram::<icmp::Dissector>,
};

/// ICMPv6.
pub const ICMPV6: &[DatagramProtocol] =
    &[DatagramProtocol { start: |_| Box::new(icmp::Dissector::new(true)), ..ICMP_PROTOCOL }];

/// The protocols over UDP, in the order in which they are asked.
pub const DATAGRAM_PROTOCOLS: &[DatagramProtocol] = &[
    DatagramProtocol {
        name: "dns",
        ports: &[53, 5353, 5355],
        probe: dns::probe_datagram,
        start: |_| Box::new(dns::Dissector::new()),
        restore: state::restore_datagram::<dns::Dissector>,
    },
    DatagramProtocol {
        name: "tls",
        ports: &[4433, 5349, 5684],
        probe: tls::dtls::probe,
        start: |_| Box::new(tls::dtls::Dissector::new()),
        restore: state::restore_datagram::<tls::dtls::Dissector>,
    },
];
