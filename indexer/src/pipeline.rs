//! From the frames of a chain to its exchanges: the one path that live and past both take.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

use dissect::{Dissector, Exchange, Limits};
use segment::{
    Chain, Frame, Manifest, Packet, Reading, Record, SegmentId, SegmentReader, TimeRange, Timestamp,
};
use store::Layout;

use crate::Error;
use crate::entry::{Bodies, Naming};
use crate::names::Names;
use crate::state::State;

/// Takes exchanges as they end, with what is needed to make entries of them.
pub type Sink<'a> = &'a mut dyn FnMut(&mut Naming, &Names, Exchange);

/// A flow that was silent for longer has nothing under way: so much is read before a segment to know its flows.
const WARM_UP_NS: i64 = 120 * 1_000_000_000;
/// At most so many segments are read before one, however short they are.
const WARM_UP_SEGMENTS_MAX: usize = 8;

/// What is known of flows where reading starts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// What the segments before tell.
    Warm,
    /// What was put away, else nothing.
    Cold,
}

/// The state that lives on from one segment of a chain to the next.
pub struct Pipeline {
    dissector: Dissector,
    naming: Naming,
    names: Names,
    /// Time of the latest packet: from when on the names behind it are known.
    now: Timestamp,
    /// The first segment that was read: of what began before, bodies may be missing.
    since: u64,
}

impl Pipeline {
    /// With no flows. A pipeline for rows, which have no bodies, does not copy them either.
    #[must_use]
    pub fn new(chain: &Chain, bodies: Bodies) -> Self {
        Self {
            dissector: Dissector::new(limits(bodies)),
            naming: Naming::new(chain.clone()),
            names: Names::default(),
            now: Timestamp::MIN,
            since: u64::MAX,
        }
    }

    /// Tells that a segment is read from its start.
    pub fn begin(&mut self, id: &SegmentId) {
        self.since = self.since.min(id.sequence);
    }

    /// The first segment that was read, or whose flows were put away with all there was of them: what began in it or
    /// behind has whole bodies.
    #[must_use]
    pub fn since(&self) -> u64 {
        self.since
    }

    /// With the flows that were under way where segment `id` begins, as whoever read the segment before it put
    /// them away, with what there was of bodies; `None` where nobody did.
    #[must_use]
    pub fn resume(layout: &Layout, id: &SegmentId, bodies: Bodies) -> Option<Self> {
        let State { dissector, begun, names, now, .. } = State::read(&layout.state(id))?;
        let dissector = Dissector::restore(limits(bodies), &dissector)?;
        Some(Self { dissector, naming: Naming::resume(id.chain.clone(), begun), names, now, since: 0 })
    }

    /// Puts the flows that are under way away for whoever reads segment `id`, which follows, and goes on.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn put_away(self, layout: &Layout, id: &SegmentId, bodies: Bodies) -> Result<Self, Error> {
        let Self { dissector, naming, names, now, since } = self;
        let state = State::new(dissector.save(), naming.begun().clone(), names, now);
        state.write(&layout.state(id))?;
        let State { dissector, names, now, .. } = state;
        let dissector = Dissector::restore(limits(bodies), &dissector);
        Ok(Self {
            dissector: dissector.unwrap_or_else(|| Dissector::new(limits(bodies))),
            naming,
            names,
            now,
            since,
        })
    }

    /// With the flows that are under way where segment `id` begins: as they were put away, else what was
    /// recorded shortly before it, and is still there, is read in silence.
    ///
    /// # Errors
    /// When one of those segments can't be read.
    pub fn warm(layout: &Layout, id: &SegmentId, bodies: Bodies) -> Result<Self, Error> {
        if let Some(pipeline) = Self::resume(layout, id, bodies) {
            return Ok(pipeline);
        }
        let mut pipeline = Self::new(&id.chain, bodies);
        for earlier in before(layout, id) {
            let mut reader = open(layout, &earlier)?;
            pipeline.begin(&earlier);
            while let Some(frame) = reader.next_frame()? {
                pipeline.feed(&frame, &mut |naming, _, exchange| drop(naming.id(&exchange)));
            }
        }
        Ok(pipeline)
    }

    /// Feeds what a frame holds; every exchange that ends goes to `sink`.
    pub fn feed(&mut self, frame: &Frame, sink: Sink<'_>) {
        self.feed_some(frame, &|_| true, sink);
    }

    /// Feeds what a frame holds, of packets only those that are wanted.
    pub fn feed_some(&mut self, frame: &Frame, is_wanted: &dyn Fn(&Packet<'_>) -> bool, sink: Sink<'_>) {
        for record in frame.records() {
            match record {
                Ok((Some(at), Record::Packet(packet))) if is_wanted(&packet) => {
                    self.now = self.now.max(packet.timestamp);
                    let (naming, names) = (&mut self.naming, &self.names);
                    self.dissector.packet(&packet, at, &mut |exchange| sink(naming, names, exchange));
                }
                Ok((_, Record::Names(names))) => self.names.learn(&names, self.now),
                Ok((_, Record::InterfaceStatistics(statistics))) => {
                    // Where no packet passes, the recorder's statistics tell the time.
                    self.now = self.now.max(statistics.timestamp);
                    let (naming, names) = (&mut self.naming, &self.names);
                    self.dissector.advance(self.now, &mut |exchange| sink(naming, names, exchange));
                }
                // The other records are for reports; damage is in the reader's losses.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// No segment follows: what waits for a response leaves without one.
    pub fn finish(&mut self, sink: Sink<'_>) {
        let (naming, names) = (&mut self.naming, &self.names);
        self.dissector.finish(&mut |exchange| sink(naming, names, exchange));
    }
}

fn limits(bodies: Bodies) -> Limits {
    let mut limits = Limits { hash_seed: random(), ..Limits::default() };
    if bodies == Bodies::Left {
        limits.body_bytes_max = 0;
    }
    limits
}

/// A number that nobody outside can guess, so that nobody can aim flows at one place of the flow table: the
/// keys that the standard library gives its hash maps.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// The segments that lead up to `id`, in order: as many as cover [`WARM_UP_NS`], without a hole.
#[must_use]
pub fn before(layout: &Layout, id: &SegmentId) -> Vec<SegmentId> {
    let mut segments = VecDeque::new();
    let mut latest = None;
    let mut next = id.before();
    while let Some(earlier) = next.filter(|_| segments.len() < WARM_UP_SEGMENTS_MAX) {
        let Ok(manifest) = Manifest::read(&layout.manifest(&earlier)) else { break };
        let covered_ns = match (latest, manifest.range) {
            (Some(latest), Some(range)) => range.start().since(latest).saturating_neg(),
            _ => 0,
        };
        latest = latest.or(manifest.range.map(TimeRange::end));
        next = earlier.before();
        segments.push_front(earlier);
        if covered_ns >= WARM_UP_NS {
            break;
        }
    }
    segments.into()
}

/// Every exchange that ended in segment `id`. With [`Start::Warm`] those are the ones in its index; with
/// [`Start::Cold`] some that began before it may be missing. Of those that began before it, bodies are not
/// whole; [`began_in`] tells.
///
/// # Errors
/// When the segment can't be read.
pub fn exchanges(layout: &Layout, id: &SegmentId, start: Start, sink: Sink<'_>) -> Result<(), Error> {
    let mut pipeline = match start {
        Start::Warm => Pipeline::warm(layout, id, Bodies::Kept)?,
        Start::Cold => cold(layout, id),
    };
    let mut reader = open(layout, id)?;
    while let Some(frame) = reader.next_frame()? {
        pipeline.feed(&frame, sink);
    }
    let next = SegmentId { chain: id.chain.clone(), sequence: id.sequence + 1 };
    if reader.is_sealed() && !has_successor(layout, &next) {
        pipeline.finish(sink);
    }
    Ok(())
}

/// Whether the chain goes on with `next`, here or where its segments went.
#[must_use]
pub fn has_successor(layout: &Layout, next: &SegmentId) -> bool {
    [layout.open_segment(next), layout.sealed_segment(next), layout.state(next)]
        .iter()
        .any(|path| path.exists())
}

/// With what was put away where segment `id` begins, else with no flows; keeps bodies.
#[must_use]
pub fn cold(layout: &Layout, id: &SegmentId) -> Pipeline {
    Pipeline::resume(layout, id, Bodies::Kept).unwrap_or_else(|| Pipeline::new(&id.chain, Bodies::Kept))
}

/// Whether an exchange began in segment `id`, so that nothing of it lies elsewhere before.
#[must_use]
pub fn began_in(id: &SegmentId, exchange: &Exchange) -> bool {
    first_sequence(exchange).is_none_or(|first| first >= id.sequence)
}

/// The segment in which an exchange began.
#[must_use]
pub fn first_sequence(exchange: &Exchange) -> Option<u64> {
    exchange.request.iter().chain(&exchange.response).map(|message| message.first.sequence).min()
}

/// Opens a segment wherever it is now.
///
/// # Errors
/// When it is gone or can't be read.
pub fn open(layout: &Layout, id: &SegmentId) -> Result<SegmentReader, Error> {
    let sealed = layout.sealed_segment(id);
    let path = if sealed.exists() { sealed } else { layout.open_segment(id) };
    match SegmentReader::open(&path, Reading::Forgiving) {
        Ok(reader) => Ok(reader),
        // Sealed between the look and the open.
        Err(_) if !path.exists() => Ok(SegmentReader::open(&layout.sealed_segment(id), Reading::Forgiving)?),
        Err(error) => Err(error.into()),
    }
}
