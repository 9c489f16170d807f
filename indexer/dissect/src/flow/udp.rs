//! One UDP flow: datagrams between two ports, until silence.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};

use segment::Timestamp;
use serde::{Deserialize, Serialize};

use super::asking::Refused;
use super::key::{BuildFold, FlowKey, Side};
use super::tap::Tap;
use crate::counters::Counters;
use crate::limits::Limits;
use crate::protocol::table::DatagramProtocol;
use crate::protocol::{Chunk, DatagramDissector, Direction, Mark, Pair, Probe};

/// Datagrams of one flow that are shown to the protocols before it is given up.
const TRIES_MAX: u32 = 8;
/// Datagrams remembered to find copies: those of one packet come within a few packets of each other.
const REMEMBERED: usize = 8;

/// What is needed beside the flow's own state.
pub(crate) struct Surroundings<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) protocols: &'static [DatagramProtocol],
    pub(crate) hash: BuildFold,
    pub(crate) pairs: &'a mut Vec<Pair>,
    /// Who wants the bytes themselves.
    pub(crate) tap: Option<Tap<'a>>,
}

impl<'a> Surroundings<'a> {
    pub(crate) fn new(
        limits: &'a Limits,
        protocols: &'static [DatagramProtocol],
        hash: BuildFold,
        pairs: &'a mut Vec<Pair>,
    ) -> Self {
        Self { limits, protocols, hash, pairs, tap: None }
    }
}

/// A datagram and where it was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    pub(crate) payload: &'a [u8],
    /// Its length before the snap length cut it.
    pub(crate) wire_bytes: u64,
    pub(crate) identification: u32,
    /// Interface, and place within it.
    pub(crate) tap: (u32, u64),
    pub(crate) mark: Mark,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Seen {
    hash: u64,
    tap: (u32, u64),
    at: Timestamp,
}

enum State {
    Undecided { tries: u32 },
    Recognised(Box<dyn DatagramDissector>),
    Off,
}

/// A [`UdpFlow`] put away.
#[derive(Serialize, Deserialize)]
pub(crate) struct Saved {
    state: SavedState,
    client: Option<Side>,
    spoken: Option<Cow<'static, str>>,
    refusals: Box<[Refused]>,
    seen: [Option<Seen>; REMEMBERED],
    seen_next: usize,
}

#[derive(Serialize, Deserialize)]
enum SavedState {
    Undecided { tries: u32 },
    Recognised(Vec<u8>),
    Off,
}

/// Both directions between two UDP ports.
pub(crate) struct UdpFlow {
    state: State,
    client: Option<Side>,
    spoken: Option<Cow<'static, str>>,
    /// Why each protocol refused the datagram shown last.
    refusals: Box<[Refused]>,
    seen: [Option<Seen>; REMEMBERED],
    seen_next: usize,
}

impl UdpFlow {
    pub(crate) fn new() -> Self {
        Self {
            state: State::Undecided { tries: 0 },
            client: None,
            spoken: None,
            refusals: Box::default(),
            seen: [None; REMEMBERED],
            seen_next: 0,
        }
    }

    /// What is known, for [`Self::restore`].
    pub(crate) fn save(self) -> Saved {
        let state = match self.state {
            State::Undecided { tries } => SavedState::Undecided { tries },
            State::Recognised(dissector) => SavedState::Recognised(dissector.save()),
            State::Off => SavedState::Off,
        };
        let Self { client, spoken, refusals, seen, seen_next, .. } = self;
        Saved { state, client, spoken, refusals, seen, seen_next }
    }

    /// Goes on where another one stopped.
    pub(crate) fn restore(saved: Saved, limits: &Limits, protocols: &'static [DatagramProtocol]) -> Self {
        let Saved { state, client, spoken, refusals, seen, seen_next } = saved;
        let state = match state {
            SavedState::Undecided { tries } => State::Undecided { tries },
            SavedState::Recognised(bytes) => spoken
                .as_ref()
                .and_then(|name| protocols.iter().find(|protocol| protocol.name == *name))
                .and_then(|protocol| (protocol.restore)(limits, &bytes))
                .map_or(State::Off, State::Recognised),
            SavedState::Off => State::Off,
        };
        Self { state, client, spoken, refusals, seen, seen_next: seen_next % REMEMBERED }
    }

    pub(crate) fn client(&self) -> Option<Side> {
        self.client
    }

    /// The protocol that was recognised.
    pub(crate) fn spoken(&self) -> Option<Cow<'static, str>> {
        self.spoken.clone()
    }

    /// Why each protocol was refused, where none was recognised.
    pub(crate) fn refusals(&self) -> &[Refused] {
        &self.refusals
    }

    /// Whether requests may be waiting for their answers.
    pub(crate) fn is_recognised(&self) -> bool {
        matches!(self.state, State::Recognised(_))
    }

    /// Bytes of memory held.
    pub(crate) fn memory_bytes(&self) -> usize {
        let dissector = match &self.state {
            State::Recognised(dissector) => dissector.memory_bytes(),
            State::Undecided { .. } | State::Off => 0,
        };
        size_of::<Self>() + size_of_val(&*self.refusals) + dissector
    }

    /// Takes one datagram from `side`.
    pub(crate) fn datagram(
        &mut self,
        key: &FlowKey,
        side: Side,
        datagram: Datagram<'_>,
        counters: &mut Counters,
        around: &mut Surroundings<'_>,
    ) {
        if around.tap.is_some() {
            return self.tap(side, &datagram, counters, around);
        }
        if let State::Undecided { tries } = self.state {
            match recognise(around.protocols, key, side, datagram.payload, &mut self.refusals) {
                Some((protocol, client)) => {
                    counters.flows_recognised += 1;
                    self.spoken = Some(protocol.name.into());
                    self.refusals = Box::default();
                    self.client = Some(client);
                    self.state = State::Recognised((protocol.start)(around.limits));
                }
                None if tries + 1 < TRIES_MAX => self.state = State::Undecided { tries: tries + 1 },
                None => {
                    counters.flows_unrecognised += 1;
                    self.state = State::Off;
                }
            }
        }
        if !self.is_recognised() {
            counters.unclaimed_bytes += u64::try_from(datagram.payload.len()).unwrap_or_default();
            return;
        }
        if self.is_duplicate(side, &datagram, around) {
            counters.duplicate_datagrams += 1;
            return;
        }
        let direction = if self.client == Some(side) { Direction::ToServer } else { Direction::ToClient };
        self.guarded(counters, |dissector| {
            dissector.datagram(direction, datagram.payload, datagram.mark, around.pairs);
        });
    }

    /// The payload as it is: a datagram that is seen at several places is one.
    fn tap(
        &mut self,
        side: Side,
        datagram: &Datagram<'_>,
        counters: &mut Counters,
        around: &mut Surroundings<'_>,
    ) {
        if self.is_duplicate(side, datagram, around) {
            counters.duplicate_datagrams += 1;
        } else if let Some(tap) = around.tap.as_mut().filter(|_| !datagram.payload.is_empty()) {
            let chunk = Chunk::Data { bytes: datagram.payload, mark: datagram.mark };
            tap.take(side, self.client, false, chunk);
        }
    }

    /// Requests that waited too long leave without a response.
    pub(crate) fn expire(&mut self, now: Timestamp, counters: &mut Counters, around: &mut Surroundings<'_>) {
        self.guarded(counters, |dissector| dissector.expire(now, around.pairs));
    }

    /// The flow is over.
    pub(crate) fn finish(&mut self, counters: &mut Counters, around: &mut Surroundings<'_>) {
        if matches!(self.state, State::Undecided { .. }) {
            counters.flows_unrecognised += 1;
        }
        self.guarded(counters, |dissector| dissector.finish(around.pairs));
        self.state = State::Off;
    }

    fn guarded(&mut self, counters: &mut Counters, work: impl FnOnce(&mut dyn DatagramDissector)) {
        let State::Recognised(dissector) = &mut self.state else { return };
        // What a panic leaves half done is dropped with the dissector, and pairs are only ever appended.
        if catch_unwind(AssertUnwindSafe(|| work(dissector.as_mut()))).is_err() {
            counters.panics += 1;
            self.state = State::Off;
        }
    }

    /// Whether the datagram was seen before at another place. At the same place it is a repeated request.
    fn is_duplicate(&mut self, side: Side, datagram: &Datagram<'_>, around: &Surroundings<'_>) -> bool {
        let mut hasher = around.hash.build_hasher();
        side.hash(&mut hasher);
        hasher.write_u32(datagram.identification);
        hasher.write(datagram.payload);
        let hash = hasher.finish();
        let at = datagram.mark.timestamp;
        for seen in self.seen.iter().flatten() {
            if seen.hash == hash && seen.tap != datagram.tap {
                return at.since(seen.at).saturating_abs() <= around.limits.duplicate_ns;
            }
        }
        if let Some(slot) = self.seen.get_mut(self.seen_next) {
            *slot = Some(Seen { hash, tap: datagram.tap, at });
        }
        self.seen_next = (self.seen_next + 1) % REMEMBERED;
        false
    }
}

/// The protocol of a datagram, and which side is the client.
fn recognise(
    protocols: &'static [DatagramProtocol],
    key: &FlowKey,
    sender: Side,
    payload: &[u8],
    refusals: &mut Box<[Refused]>,
) -> Option<(&'static DatagramProtocol, Side)> {
    if refusals.is_empty() {
        *refusals = protocols.iter().map(|protocol| (protocol.name.into(), "".into())).collect();
    }
    for (protocol, (_, refusal)) in protocols.iter().zip(refusals.iter_mut()) {
        let is_server = |side: Side| protocol.ports.contains(&key.port(side));
        let (from_known, to_known) = (is_server(sender), is_server(sender.other()));
        // Where both ports are well known (multicast DNS), who speaks first asks.
        let guess = if from_known && !to_known { sender.other() } else { sender };
        for client in [guess, guess.other()] {
            let direction = if client == sender { Direction::ToServer } else { Direction::ToClient };
            match (protocol.probe)(direction, payload) {
                Probe::Yes => return Some((protocol, client)),
                Probe::More if (from_known || to_known) && client == guess => {
                    return Some((protocol, client));
                }
                Probe::More => *refusal = "undecided".into(),
                Probe::No(why) => *refusal = why.into(),
            }
        }
    }
    None
}
