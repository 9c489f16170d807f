//! Packets in, payload in order out: for who looks for bytes, whatever protocol they belong to.
//!
//! The same flows, reassembly and limits as for exchanges, with nobody to recognise a protocol. A stream is one
//! direction of a TCP flow; of UDP and ICMP each datagram is a chunk of its own.

use segment::{Packet, PacketRef, Timestamp};

use crate::counters::Counters;
use crate::dissector::Dissector;
use crate::exchange::{Endpoint, Transport};
use crate::flow::tap::Part;
use crate::limits::Limits;
use crate::protocol::{Chunk, Direction};

/// The next part of a stream, or a datagram.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// Number of the flow in this run, from 0, in order of first packets.
    pub flow: u64,
    /// What carries it.
    pub transport: Transport,
    /// Who sent it.
    pub source: Endpoint,
    /// Who received it.
    pub destination: Endpoint,
    /// Which way that is, as far as is known who asks.
    pub direction: Direction,
    /// Whether the beginning of the stream was seen: then the chunks so far tell where this one lies.
    pub has_start: bool,
    /// What was sent, or that it was not seen.
    pub chunk: Chunk<'a>,
}

/// What comes out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a> {
    /// A part of a stream, or a datagram.
    Piece(Piece<'a>),
    /// The TCP or UDP flow of this number is over.
    End(u64),
}

/// Takes events as they happen.
pub type Sink<'a> = &'a mut dyn FnMut(Event<'_>);

/// Takes packets in the order of their capture and gives the payload of every flow in the order of its streams.
///
/// ```
/// use dissect::streams::Streams;
/// use dissect::Limits;
///
/// let mut streams = Streams::new(Limits::default());
/// streams.finish(&mut |event| panic!("nothing was sent: {event:?}"));
/// ```
pub struct Streams {
    dissector: Dissector,
    ended: Vec<u64>,
}

impl Streams {
    /// With no flows.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { dissector: Dissector::tapped(limits), ended: Vec::new() }
    }

    /// Takes the next packet.
    pub fn packet(&mut self, packet: &Packet<'_>, at: PacketRef, sink: Sink<'_>) {
        let ended = &mut self.ended;
        self.dissector.packet(packet, at, &mut |exchange| ended.push(exchange.flow));
        self.hand_out(sink);
    }

    /// Time has come to `now` without a packet.
    pub fn advance(&mut self, now: Timestamp, sink: Sink<'_>) {
        let ended = &mut self.ended;
        self.dissector.advance(now, &mut |exchange| ended.push(exchange.flow));
        self.hand_out(sink);
    }

    /// No more packets: what waits behind holes leaves, and every flow ends.
    pub fn finish(&mut self, sink: Sink<'_>) {
        let ended = &mut self.ended;
        self.dissector.finish(&mut |exchange| ended.push(exchange.flow));
        self.hand_out(sink);
    }

    /// What was seen, could not be used and was given up.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        self.dissector.counters()
    }

    /// A flow that ended gave its last parts before.
    fn hand_out(&mut self, sink: Sink<'_>) {
        for part in self.dissector.take_parts() {
            sink(Event::Piece(piece(&part)));
        }
        for flow in self.ended.drain(..) {
            sink(Event::End(flow));
        }
    }
}

fn piece(part: &Part) -> Piece<'_> {
    let direction = if part.side == part.client { Direction::ToServer } else { Direction::ToClient };
    Piece {
        flow: part.flow,
        transport: part.key.transport(),
        source: part.key.endpoint(part.side),
        destination: part.key.endpoint(part.side.other()),
        direction,
        has_start: part.has_start,
        chunk: part.content.chunk(),
    }
}
