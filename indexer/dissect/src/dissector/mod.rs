//! The front door: packets in, exchanges out.
//!
//! The dissector owns everything: fragments, flows, alarms. Its clock is the latest packet's time. A packet
//! more than `CLOCK_BACK_NS` older than that sets the clock back, so that one wrong time stamp does not
//! make every later flow expire at once.

mod state;
mod tapping;
mod time;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use segment::time::NANOS_PER_SECOND;
use segment::{InterfaceId, Packet, PacketRef, Timestamp};

use crate::counters::Counters;
use crate::decode::{Decoded, Network, Payload, Span, TcpHeader, Tunnels, UdpHeader, decode, decode_whole};
use crate::defragment::Defragmenter;
use crate::exchange::{Endpoint, Exchange, Transport};
use crate::flow::key::{BuildFold, FlowKey, Side};
use crate::flow::report::{Account, Cause, IcmpError};
use crate::flow::table::{Flow, Kind, Patience, Slot, Table};
use crate::flow::tap::Part;
use crate::flow::tcp::{Belongs, TcpFlow};
use crate::flow::udp::{Datagram, UdpFlow};
use crate::flow::{recognition, udp};
use crate::limits::Limits;
use crate::protocol::icmp::message::{Message, Quoted};
use crate::protocol::table::{self, DATAGRAM_PROTOCOLS, DatagramProtocol, STREAM_PROTOCOLS, StreamProtocol};
use crate::protocol::{Mark, Pair, icmp};
use tapping::tap;

/// How long after its last packet a flow is looked at again, for holes and answers that do not come.
const ALARM_NS: i64 = 2 * NANOS_PER_SECOND;
/// Tunnels may carry fragments of tunnels that carry fragments; deeper than this nobody goes.
const DEFRAGMENT_DEPTH_MAX: u32 = 4;

/// Takes packets in the order of their capture and gives the exchanges they hold.
///
/// ```
/// use dissect::{Dissector, Limits};
/// use segment::{InterfaceId, LinkType, Packet, PacketRef, Timestamp};
///
/// let mut dissector = Dissector::new(Limits::default());
/// let packet = Packet {
///     timestamp: Timestamp::from_nanos(0),
///     interface: InterfaceId(0),
///     link_type: LinkType::ETHERNET,
///     original_length_bytes: 3,
///     data: &[1, 2, 3],
///     comment: None,
/// };
/// let at = PacketRef { sequence: 0, frame: 1, index: 0 };
/// dissector.packet(&packet, at, &mut |exchange| panic!("no exchange in {exchange:?}"));
/// assert_eq!(dissector.counters().undecodable.truncated, 1);
/// ```
pub struct Dissector {
    limits: Limits,
    stream_protocols: &'static [StreamProtocol],
    datagram_protocols: &'static [DatagramProtocol],
    hash: BuildFold,
    table: Table,
    defragmenter: Defragmenter,
    alarms: BinaryHeap<Reverse<(Timestamp, u64, Slot)>>,
    pairs: Vec<Pair>,
    /// Payload that leaves as it is, where somebody wants it.
    parts: Option<Vec<Part>>,
    counters: Counters,
    now: Timestamp,
    last: PacketRef,
}

/// Where a packet was seen, and how it came there.
#[derive(Clone, Copy)]
struct Place {
    interface: InterfaceId,
    mark: Mark,
    /// Bytes of its frame on the wire.
    wire_bytes: u64,
    tunnels: Tunnels,
}

type Sink<'a> = &'a mut dyn FnMut(Exchange);

impl Dissector {
    /// A dissector for every protocol there is.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::with_protocols(limits, STREAM_PROTOCOLS, DATAGRAM_PROTOCOLS)
    }

    /// A dissector for these protocols only.
    #[must_use]
    pub fn with_protocols(
        limits: Limits,
        stream_protocols: &'static [StreamProtocol],
        datagram_protocols: &'static [DatagramProtocol],
    ) -> Self {
        let hash = BuildFold::new(limits.hash_seed);
        let defragmenter =
            Defragmenter::new(limits.fragment_bytes_max, limits.fragment_idle_ns, limits.hash_seed);
        Self {
            stream_protocols,
            datagram_protocols,
            hash,
            table: Table::new(hash),
            defragmenter,
            alarms: BinaryHeap::new(),
            pairs: Vec::new(),
            parts: None,
            counters: Counters::default(),
            now: Timestamp::MIN,
            last: PacketRef { sequence: 0, frame: 0, index: 0 },
            limits,
        }
    }

    /// Takes the next packet; the exchanges it completes go to `sink`.
    pub fn packet(&mut self, packet: &Packet<'_>, at: PacketRef, sink: Sink<'_>) {
        self.counters.packets += 1;
        self.counters.bytes += u64::try_from(packet.data.len()).unwrap_or_default();
        self.last = at;
        self.tick(packet.timestamp, sink);
        let mark = Mark { timestamp: packet.timestamp, packet: at };
        let wire_bytes = u64::from(packet.original_length_bytes);
        let tunnels = Tunnels::default();
        let place = Place { interface: packet.interface, mark, wire_bytes, tunnels };
        match decode(packet) {
            Ok(Some(decoded)) => self.decoded(&decoded, place, 0, sink),
            Ok(None) => self.counters.not_ip += 1,
            Err(reason) => self.counters.undecodable.add(reason),
        }
    }

    /// Time has come to `now` without a packet: what waited long enough leaves.
    pub fn advance(&mut self, now: Timestamp, sink: Sink<'_>) {
        if now > self.now {
            self.tick(now, sink);
        }
    }

    /// No more packets: everything that waits leaves as it is.
    pub fn finish(&mut self, sink: Sink<'_>) {
        for slot in self.table.slots() {
            self.end(slot, Cause::Over, sink);
        }
        self.alarms.clear();
        self.defragmenter.expire(Timestamp::MAX);
        self.counters.fragments_given_up = self.defragmenter.given_up();
    }

    /// What was seen, could not be used and was given up.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Bytes held by flows and fragments, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.table.memory_bytes() + self.defragmenter.memory_bytes()
    }

    /// Flows known now.
    #[must_use]
    pub fn flows(&self) -> usize {
        self.table.len()
    }

    fn decoded(&mut self, decoded: &Decoded<'_>, place: Place, depth: u32, sink: Sink<'_>) {
        let place = Place { tunnels: decoded.tunnels, ..place };
        match decoded.payload {
            Payload::Tcp(header, span) => self.tcp(&decoded.network, &header, span, place, sink),
            Payload::Udp(header, span) => self.udp(&decoded.network, &header, span, place, sink),
            Payload::Ports(..) => self.counters.undecodable.truncated += 1,
            Payload::Icmp(span) => self.icmp(&decoded.network, span, place, sink),
            Payload::Other(_) => self.counters.other_ip += 1,
            Payload::Fragment(fragment) => {
                self.counters.fragments += 1;
                let whole = self.defragmenter.add(&decoded.network, &fragment, self.now);
                self.counters.fragments_given_up = self.defragmenter.given_up();
                let Some(whole) = whole else { return self.shrink(sink) };
                self.counters.defragmented += 1;
                let span = Span::new(&whole.bytes, whole.wire_bytes);
                match decode_whole(decoded.network, decoded.tunnels, fragment.protocol, span) {
                    Ok(Some(inner)) if depth < DEFRAGMENT_DEPTH_MAX => {
                        self.decoded(&inner, place, depth + 1, sink)
                    }
                    Ok(Some(_)) => self.counters.undecodable.nesting += 1,
                    Ok(None) => self.counters.not_ip += 1,
                    Err(reason) => self.counters.undecodable.add(reason),
                }
            }
        }
    }

    fn tcp(&mut self, network: &Network, header: &TcpHeader, span: Span<'_>, place: Place, sink: Sink<'_>) {
        self.counters.tcp += 1;
        let (key, side) = key_of(Transport::Tcp, network, header.source_port, header.destination_port);
        let found = self.table.find(&key);
        if let Some(slot) = found {
            if self.tcp_segment(slot, side, header, span, place) == Belongs::Here {
                self.settled(slot, sink);
                return;
            }
            self.counters.flows_replaced += 1;
            self.end(slot, Cause::Replaced, sink);
        }
        let kind = Kind::Tcp(Box::new(TcpFlow::new()));
        let slot = self.open(key, side, place, Patience::OpenTcp, kind, sink);
        // A fresh flow takes any segment.
        self.tcp_segment(slot, side, header, span, place);
        self.settled(slot, sink);
    }

    fn tcp_segment(
        &mut self,
        slot: Slot,
        side: Side,
        header: &TcpHeader,
        span: Span<'_>,
        place: Place,
    ) -> Belongs {
        let Some(Flow { key, number, kind: Kind::Tcp(flow), account, .. }) = self.table.flow(slot) else {
            return Belongs::ToNew;
        };
        let mut around =
            recognition::Surroundings::new(*key, &self.limits, self.stream_protocols, &mut self.pairs);
        around.tap = tap(&mut self.parts, *number, *key, account.opener);
        let Counters { repeated_bytes, reordered_bytes, .. } = self.counters;
        let belongs = flow.segment(side, header, span, place.mark, &mut self.counters, &mut around);
        if belongs == Belongs::Here {
            account.packet(side, place.wire_bytes, count(span.wire_bytes()), place.mark);
            account.tcp(side, header, place.mark);
            let repeated_bytes = self.counters.repeated_bytes - repeated_bytes;
            account.order(side, repeated_bytes, self.counters.reordered_bytes - reordered_bytes);
        }
        belongs
    }

    fn udp(&mut self, network: &Network, header: &UdpHeader, span: Span<'_>, place: Place, sink: Sink<'_>) {
        self.counters.udp += 1;
        self.counters.cut_bytes += count(span.cut_bytes());
        let (key, side) = key_of(Transport::Udp, network, header.source_port, header.destination_port);
        self.datagram(key, side, datagram_of(network, span, place), place, self.datagram_protocols, sink);
    }

    /// An ICMP message is one of the flow between two addresses, and may tell what became of another flow.
    fn icmp(&mut self, network: &Network, span: Span<'_>, place: Place, sink: Sink<'_>) {
        self.counters.icmp += 1;
        let (key, side) = key_of(Transport::Icmp, network, 0, 0);
        let is_v6 = key.is_ipv6();
        if let Some(message) = icmp::frame::message(is_v6, span.data())
            && let Some(Quoted { source, destination, ports: Some((transport, from, to)) }) = message.quoted
        {
            let source = Endpoint { ip: source, port: from };
            let (about, _) = FlowKey::new(transport, source, Endpoint { ip: destination, port: to });
            let Message { kind, code, .. } = message;
            if let Some(flow) = self.table.find(&about).and_then(|slot| self.table.flow(slot)) {
                flow.account.icmp_error(IcmpError {
                    from: network.source,
                    kind,
                    code,
                    is_v6,
                    mark: place.mark,
                });
            }
        }
        let protocols = if is_v6 { table::ICMPV6 } else { table::ICMP };
        self.datagram(key, side, datagram_of(network, span, place), place, protocols, sink);
    }

    fn datagram(
        &mut self,
        key: FlowKey,
        side: Side,
        datagram: Datagram<'_>,
        place: Place,
        protocols: &'static [DatagramProtocol],
        sink: Sink<'_>,
    ) {
        let slot = match self.table.find(&key) {
            Some(slot) => slot,
            None => {
                let kind = Kind::Udp(Box::new(UdpFlow::new()));
                self.open(key, side, place, Patience::Udp, kind, sink)
            }
        };
        if let Some(Flow { number, kind: Kind::Udp(flow), account, .. }) = self.table.flow(slot) {
            account.packet(side, place.wire_bytes, datagram.wire_bytes, place.mark);
            let mut around = udp::Surroundings::new(&self.limits, protocols, self.hash, &mut self.pairs);
            around.tap = tap(&mut self.parts, *number, key, account.opener);
            flow.datagram(&key, side, datagram, &mut self.counters, &mut around);
        }
        self.settled(slot, sink);
    }

    /// Adds a flow; the one that was silent longest makes room.
    fn open(
        &mut self,
        key: FlowKey,
        opener: Side,
        place: Place,
        patience: Patience,
        kind: Kind,
        sink: Sink<'_>,
    ) -> Slot {
        while self.table.len() >= self.limits.flows_max.max(1) {
            let Some(oldest) = self.table.oldest() else { break };
            self.counters.flows_evicted += 1;
            self.end(oldest, Cause::Evicted, sink);
        }
        self.counters.flows_opened += 1;
        let account = Account::new(opener, place.mark, place.tunnels);
        self.table.insert(key, place.interface, self.now, patience, kind, account)
    }

    /// After a flow had a packet: its exchanges leave, its place in the lists and its alarm are set.
    fn settled(&mut self, slot: Slot, sink: Sink<'_>) {
        let now = self.now;
        let Some(flow) = self.table.flow(slot) else { return };
        flow.hand_out(&mut self.pairs, &mut self.counters, sink);
        let (patience, wants_alarm) = match &flow.kind {
            Kind::Tcp(flow) if flow.is_ending() => (Patience::ClosedTcp, flow.has_hole()),
            Kind::Tcp(flow) => (Patience::OpenTcp, flow.has_hole()),
            Kind::Udp(flow) => (Patience::Udp, flow.is_recognised()),
        };
        if wants_alarm && !flow.has_alarm {
            flow.has_alarm = true;
            self.alarms.push(Reverse((now.plus_nanos(ALARM_NS), flow.number, slot)));
            self.forget_alarms();
        }
        self.table.touch(slot, now, patience);
        self.shrink(sink);
    }

    /// While too much is held, the flow that was silent longest makes room.
    fn shrink(&mut self, sink: Sink<'_>) {
        while self.memory_bytes() > self.limits.memory_bytes_max {
            let Some(oldest) = self.table.oldest() else { return };
            self.counters.flows_evicted += 1;
            self.end(oldest, Cause::Evicted, sink);
        }
    }

    /// Ends a flow: what waits in it leaves.
    fn end(&mut self, slot: Slot, cause: Cause, sink: Sink<'_>) {
        let mark = Mark { timestamp: self.now, packet: self.last };
        let Some(mut flow) = self.table.remove(slot) else { return };
        match &mut flow.kind {
            Kind::Tcp(tcp) => {
                let mut around = recognition::Surroundings::new(
                    flow.key,
                    &self.limits,
                    self.stream_protocols,
                    &mut self.pairs,
                );
                around.tap = tap(&mut self.parts, flow.number, flow.key, flow.account.opener);
                tcp.finish(mark, &mut self.counters, &mut around);
            }
            Kind::Udp(udp) => {
                let mut around =
                    udp::Surroundings::new(&self.limits, self.datagram_protocols, self.hash, &mut self.pairs);
                udp.finish(&mut self.counters, &mut around);
            }
        }
        flow.hand_out(&mut self.pairs, &mut self.counters, sink);
        if flow.key.transport() != Transport::Icmp {
            sink(flow.report(cause));
        }
    }
}

fn datagram_of<'a>(network: &Network, span: Span<'a>, place: Place) -> Datagram<'a> {
    Datagram {
        payload: span.data(),
        wire_bytes: count(span.wire_bytes()),
        identification: network.identification,
        tap: (place.interface.0, network.tap),
        mark: place.mark,
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn key_of(
    transport: Transport,
    network: &Network,
    source_port: u16,
    destination_port: u16,
) -> (FlowKey, Side) {
    let source = Endpoint { ip: network.source, port: source_port };
    let destination = Endpoint { ip: network.destination, port: destination_port };
    FlowKey::new(transport, source, destination)
}
