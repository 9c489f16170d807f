//! Keeps the flows: found by key, in order of their last packets, bounded.
//!
//! Slots are numbered; the index maps keys to slots. Three lists thread through the slots, one per patience
//! (open TCP, closed TCP, UDP), each ordered by last packet, so the flow that was silent longest is always
//! at a list's front and expiry never searches.

use std::collections::HashMap;

use segment::{InterfaceId, Timestamp};
use serde::{Deserialize, Serialize};

use super::key::{BuildFold, FlowKey, Side};
use super::report::{Account, Cause, FlowReport, Refusal};
use super::tcp::TcpFlow;
use super::udp::UdpFlow;
use crate::counters::Counters;
use crate::exchange::{Exchange, Message};
use crate::protocol::{Content, Direction, Pair};

/// What a flow costs beside its protocol state: its slot and its place in the index.
const FLOW_OVERHEAD_BYTES: usize = 640;

/// What a flow carries.
pub(crate) enum Kind {
    Tcp(Box<TcpFlow>),
    Udp(Box<UdpFlow>),
}

/// One flow.
pub(crate) struct Flow {
    pub(crate) key: FlowKey,
    /// In order of first packets, from 0.
    pub(crate) number: u64,
    pub(crate) interface: InterfaceId,
    pub(crate) last_seen: Timestamp,
    /// Number of the next exchange.
    pub(crate) index: u64,
    pub(crate) kind: Kind,
    /// What is counted of it.
    pub(crate) account: Account,
    /// Whether a wake-up is planned.
    pub(crate) has_alarm: bool,
    /// Bytes that the table counts for it; set there.
    pub(crate) counted_bytes: usize,
}

impl Flow {
    /// Hands out the pairs of this flow as exchanges.
    pub(crate) fn hand_out(
        &mut self,
        pairs: &mut Vec<Pair>,
        counters: &mut Counters,
        sink: &mut dyn FnMut(Exchange),
    ) {
        if pairs.is_empty() {
            return;
        }
        let client = self.client();
        for Pair { request_direction, request, response } in pairs.drain(..) {
            let client = match request_direction {
                Direction::ToServer => client,
                Direction::ToClient => client.other(),
            };
            counters.exchanges += 1;
            sink(self.exchange(client, request, response));
        }
    }

    /// Who asks: known once a handshake or a protocol tells, else whoever spoke first.
    fn client(&self) -> Side {
        let client = match &self.kind {
            Kind::Tcp(tcp) => tcp.client(),
            Kind::Udp(udp) => udp.client(),
        };
        client.unwrap_or(self.account.opener)
    }

    /// The flow itself as an exchange, when it is over.
    pub(crate) fn report(&mut self, cause: Cause) -> Exchange {
        let (client, transport) = (self.client(), self.key.transport());
        let (spoken, refused) = match &self.kind {
            Kind::Tcp(tcp) => (tcp.spoken().to_vec(), tcp.refusals()),
            Kind::Udp(udp) => (udp.spoken().into_iter().collect(), udp.refusals()),
        };
        let refusals = refused
            .iter()
            .map(|(protocol, reason)| Refusal { protocol: protocol.to_string(), reason: reason.to_string() })
            .collect();
        let mut report = FlowReport {
            protocols: spoken.iter().map(ToString::to_string).collect(),
            refusals,
            ..self.account.report(transport, client, cause)
        };
        if let Kind::Tcp(tcp) = &self.kind {
            for (way, side) in [(&mut report.to_server, client), (&mut report.to_client, client.other())] {
                let gaps = tcp.gaps(side);
                (way.gaps, way.gap_bytes) = (gaps.count, gaps.bytes);
            }
        }
        let (first, last) = (self.account.first, self.account.last);
        let message = Message {
            start: first.timestamp,
            end: last.timestamp,
            first: first.packet,
            last: last.packet,
            wire_bytes: report.to_server.wire_bytes,
            gap_bytes: report.to_server.gap_bytes + report.to_client.gap_bytes,
            truncated: false,
            content: Content::Flow(Box::new(report)),
        };
        self.exchange(client, Some(message), None)
    }

    fn exchange(&mut self, client: Side, request: Option<Message>, response: Option<Message>) -> Exchange {
        let index = self.index;
        self.index += 1;
        Exchange {
            client: self.key.endpoint(client),
            server: self.key.endpoint(client.other()),
            transport: self.key.transport(),
            flow: self.number,
            index,
            interface: self.interface,
            request,
            response,
        }
    }

    fn memory_bytes(&self) -> usize {
        FLOW_OVERHEAD_BYTES
            + match &self.kind {
                Kind::Tcp(flow) => flow.memory_bytes(),
                Kind::Udp(flow) => flow.memory_bytes(),
            }
    }
}

/// How patient the table is with a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Patience {
    OpenTcp,
    ClosedTcp,
    Udp,
}

/// All of them.
pub(crate) const PATIENCES: [Patience; 3] = [Patience::OpenTcp, Patience::ClosedTcp, Patience::Udp];

/// The number of a flow's place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Slot(u32);

#[derive(Clone, Copy, Debug, Default)]
struct Ends {
    front: Option<Slot>,
    back: Option<Slot>,
}

struct Place {
    flow: Flow,
    patience: Patience,
    before: Option<Slot>,
    behind: Option<Slot>,
}

#[derive(Default)]
struct Lists {
    open_tcp: Ends,
    closed_tcp: Ends,
    udp: Ends,
}

impl Lists {
    fn of(&mut self, patience: Patience) -> &mut Ends {
        match patience {
            Patience::OpenTcp => &mut self.open_tcp,
            Patience::ClosedTcp => &mut self.closed_tcp,
            Patience::Udp => &mut self.udp,
        }
    }
}

/// The flows that are known.
pub(crate) struct Table {
    index: HashMap<FlowKey, Slot, BuildFold>,
    places: Vec<Option<Place>>,
    free: Vec<Slot>,
    lists: Lists,
    memory_bytes: usize,
    opened: u64,
}

impl Table {
    pub(crate) fn new(hash: BuildFold) -> Self {
        Self {
            index: HashMap::with_hasher(hash),
            places: Vec::new(),
            free: Vec::new(),
            lists: Lists::default(),
            memory_bytes: 0,
            opened: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Bytes held by all flows.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory_bytes
    }

    pub(crate) fn find(&self, key: &FlowKey) -> Option<Slot> {
        self.index.get(key).copied()
    }

    pub(crate) fn flow(&mut self, slot: Slot) -> Option<&mut Flow> {
        self.place(slot).map(|place| &mut place.flow)
    }

    /// Adds a flow; one of the same key must have been removed before.
    pub(crate) fn insert(
        &mut self,
        key: FlowKey,
        interface: InterfaceId,
        now: Timestamp,
        patience: Patience,
        kind: Kind,
        account: Account,
    ) -> Slot {
        let mut flow = Flow {
            key,
            number: self.opened,
            interface,
            last_seen: now,
            index: 0,
            kind,
            account,
            has_alarm: false,
            counted_bytes: 0,
        };
        flow.counted_bytes = flow.memory_bytes();
        self.opened += 1;
        self.place_flow(flow, patience)
    }

    fn place_flow(&mut self, flow: Flow, patience: Patience) -> Slot {
        let key = flow.key;
        self.memory_bytes += flow.counted_bytes;
        let place = Place { flow, patience, before: None, behind: None };
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = Slot(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
                self.places.push(None);
                slot
            }
        };
        if let Some(free) = position(slot).and_then(|at| self.places.get_mut(at)) {
            *free = Some(place);
        }
        self.index.insert(key, slot);
        self.append(slot);
        slot
    }

    pub(crate) fn remove(&mut self, slot: Slot) -> Option<Flow> {
        self.unlink(slot);
        let place = position(slot).and_then(|at| self.places.get_mut(at)).and_then(Option::take)?;
        self.index.remove(&place.flow.key);
        self.memory_bytes = self.memory_bytes.saturating_sub(place.flow.counted_bytes);
        self.free.push(slot);
        Some(place.flow)
    }

    /// The flow had a packet: it goes to the end of its list, and its memory is counted anew.
    pub(crate) fn touch(&mut self, slot: Slot, now: Timestamp, patience: Patience) {
        let Some(place) = self.place(slot) else { return };
        place.flow.last_seen = now;
        let bytes = place.flow.memory_bytes();
        let before = std::mem::replace(&mut place.flow.counted_bytes, bytes);
        let is_last = place.patience == patience && place.behind.is_none();
        self.memory_bytes = (self.memory_bytes + bytes).saturating_sub(before);
        if is_last {
            return;
        }
        self.unlink(slot);
        if let Some(place) = self.place(slot) {
            place.patience = patience;
        }
        self.append(slot);
    }

    /// The flow of this patience that was silent longest, and since when.
    pub(crate) fn front(&mut self, patience: Patience) -> Option<(Slot, Timestamp)> {
        let slot = self.lists.of(patience).front?;
        self.place(slot).map(|place| (slot, place.flow.last_seen))
    }

    /// The flow that was silent longest of all.
    pub(crate) fn oldest(&mut self) -> Option<Slot> {
        let fronts = PATIENCES.map(|patience| self.front(patience));
        fronts.into_iter().flatten().min_by_key(|&(_, last_seen)| last_seen).map(|(slot, _)| slot)
    }

    /// Takes all flows out: those of each patience in the order of their last packets.
    pub(crate) fn drain(&mut self) -> Vec<(Patience, Flow)> {
        let mut flows = Vec::with_capacity(self.len());
        for patience in PATIENCES {
            while let Some((slot, _)) = self.front(patience) {
                flows.extend(self.remove(slot).map(|flow| (patience, flow)));
            }
        }
        flows
    }

    /// Puts a flow back that another table gave out; `None` where one of the same key is known.
    pub(crate) fn put_back(&mut self, mut flow: Flow, patience: Patience) -> Option<Slot> {
        if self.index.contains_key(&flow.key) {
            return None;
        }
        flow.counted_bytes = flow.memory_bytes();
        self.opened = self.opened.max(flow.number.saturating_add(1));
        Some(self.place_flow(flow, patience))
    }

    /// All slots, in the order of the flows' first packets.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let mut slots: Vec<(u64, Slot)> = self
            .index
            .values()
            .filter_map(|&slot| {
                let place = position(slot).and_then(|at| self.places.get(at))?.as_ref()?;
                Some((place.flow.number, slot))
            })
            .collect();
        slots.sort_unstable();
        slots.into_iter().map(|(_, slot)| slot).collect()
    }

    fn place(&mut self, slot: Slot) -> Option<&mut Place> {
        position(slot).and_then(|at| self.places.get_mut(at))?.as_mut()
    }

    fn append(&mut self, slot: Slot) {
        let Some(patience) = self.place(slot).map(|place| place.patience) else { return };
        let ends = self.lists.of(patience);
        let last = ends.back.replace(slot);
        if last.is_none() {
            ends.front = Some(slot);
        }
        if let Some(place) = last.and_then(|last| self.place(last)) {
            place.behind = Some(slot);
        }
        if let Some(place) = self.place(slot) {
            (place.before, place.behind) = (last, None);
        }
    }

    fn unlink(&mut self, slot: Slot) {
        let Some(place) = self.place(slot) else { return };
        let (patience, before, behind) = (place.patience, place.before.take(), place.behind.take());
        match before.and_then(|before| self.place(before)) {
            Some(place) => place.behind = behind,
            None => self.lists.of(patience).front = behind,
        }
        match behind.and_then(|behind| self.place(behind)) {
            Some(place) => place.before = before,
            None => self.lists.of(patience).back = before,
        }
    }
}

fn position(slot: Slot) -> Option<usize> {
    usize::try_from(slot.0).ok()
}
