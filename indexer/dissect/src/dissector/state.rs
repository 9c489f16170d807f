//! What a dissector has learned, as bytes: put away where a segment ends, taken up where it is read alone.
//!
//! A dissector that takes the state up gives, for the packets that follow, the exchanges that the other one would
//! have given. Bytes that tell no state, or one of another version, give none.

use std::cmp::Reverse;

use segment::{InterfaceId, PacketRef, Timestamp};
use serde::{Deserialize, Serialize};

use super::Dissector;
use crate::defragment;
use crate::exchange::Transport;
use crate::flow::key::FlowKey;
use crate::flow::report::Account;
use crate::flow::table::{Flow, Kind, Patience};
use crate::flow::tcp::{self, TcpFlow};
use crate::flow::udp::{self, UdpFlow};
use crate::limits::Limits;
use crate::protocol::table;

/// Raised whenever a state of today could not be read by yesterday's code.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    /// Copies of datagrams are known by their hashes, which depend on it.
    hash_seed: u64,
    now: Timestamp,
    last: PacketRef,
    flows: Vec<SavedFlow>,
    /// When which flow is looked at again, by its number.
    alarms: Vec<(Timestamp, u64)>,
    fragments: Vec<defragment::Waiting>,
}

#[derive(Serialize, Deserialize)]
struct SavedFlow {
    key: FlowKey,
    number: u64,
    interface: InterfaceId,
    last_seen: Timestamp,
    index: u64,
    account: Account,
    has_alarm: bool,
    patience: Patience,
    kind: SavedKind,
}

#[derive(Serialize, Deserialize)]
enum SavedKind {
    Tcp(Box<tcp::Saved>),
    Udp(Box<udp::Saved>),
}

impl Dissector {
    /// What is known of the flows that are open, for [`Self::restore`]; empty where it can't be told.
    #[must_use]
    pub fn save(mut self) -> Vec<u8> {
        let flows = self.table.drain().into_iter().map(|(patience, flow)| put_away(patience, flow)).collect();
        let mut alarms: Vec<_> =
            self.alarms.into_iter().map(|Reverse((due, number, _))| (due, number)).collect();
        alarms.sort_unstable();
        let saved = Saved {
            version: VERSION,
            hash_seed: self.limits.hash_seed,
            now: self.now,
            last: self.last,
            flows,
            alarms,
            fragments: self.defragmenter.put_away(),
        };
        rmp_serde::to_vec(&saved).unwrap_or_default()
    }

    /// A dissector for every protocol there is that goes on where another one stopped. `None` where `state` is
    /// none that this version can read. The hash seed is that of the other one.
    #[must_use]
    pub fn restore(limits: Limits, state: &[u8]) -> Option<Self> {
        let saved: Saved =
            rmp_serde::from_slice(state).ok().filter(|saved: &Saved| saved.version == VERSION)?;
        let mut dissector = Self::new(Limits { hash_seed: saved.hash_seed, ..limits });
        dissector.now = saved.now;
        dissector.last = saved.last;
        dissector.defragmenter.take_up(saved.fragments);
        let mut slots = std::collections::HashMap::new();
        for saved in saved.flows {
            let (number, patience) = (saved.number, saved.patience);
            let flow = dissector.take_up(saved);
            if let Some(slot) = dissector.table.put_back(flow, patience) {
                slots.insert(number, slot);
            }
        }
        let alarms = saved.alarms.into_iter();
        dissector.alarms = alarms
            .filter_map(|(due, number)| slots.get(&number).map(|&slot| Reverse((due, number, slot))))
            .collect();
        // Whoever wrote the state may have had more room.
        dissector.shrink(&mut |_| ());
        Some(dissector)
    }

    fn take_up(&self, saved: SavedFlow) -> Flow {
        let SavedFlow { key, number, interface, last_seen, index, account, has_alarm, kind, .. } = saved;
        let datagrams = match (key.transport(), key.is_ipv6()) {
            (Transport::Icmp, false) => table::ICMP,
            (Transport::Icmp, true) => table::ICMPV6,
            _ => self.datagram_protocols,
        };
        let kind = match kind {
            SavedKind::Tcp(saved) => {
                Kind::Tcp(Box::new(TcpFlow::restore(*saved, &self.limits, self.stream_protocols)))
            }
            SavedKind::Udp(saved) => Kind::Udp(Box::new(UdpFlow::restore(*saved, &self.limits, datagrams))),
        };
        Flow { key, number, interface, last_seen, index, kind, account, has_alarm, counted_bytes: 0 }
    }
}

fn put_away(patience: Patience, flow: Flow) -> SavedFlow {
    let Flow { key, number, interface, last_seen, index, kind, account, has_alarm, .. } = flow;
    let kind = match kind {
        Kind::Tcp(tcp) => SavedKind::Tcp(Box::new(tcp.save())),
        Kind::Udp(udp) => SavedKind::Udp(Box::new(udp.save())),
    };
    SavedFlow { key, number, interface, last_seen, index, account, has_alarm, patience, kind }
}
