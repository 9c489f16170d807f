//! Looks for bytes in everything that was recorded, whatever protocol they belong to.
//!
//! A [`Pattern`](pattern::Pattern) is looked for in the streams of TCP, in order and in both directions, and in each datagram of UDP and
//! ICMP, so that a match may lie in several packets, frames and segments. Segments are read chain by chain, from the
//! first to the last; a [`scanner`] lives on from one to the next where nothing is missing in between. A hunt may be
//! stopped at any frame and [goes on](resume) there later.
//!
//! What can be missed: a match across a hole; a match of a regular expression that is longer than
//! [`REACH_BYTES`](pattern::REACH_BYTES); what too many streams at once made [`scanner`] let go, which is counted. Where a
//! hunt goes on, a stream that began long before is joined in its middle: its offsets are not known then.

pub mod pattern;
mod reading;
pub mod resume;
mod scanner;
mod window;

use std::net::IpAddr;
use std::ops::ControlFlow;

pub use dissect::Transport;
pub use dissect::protocol::Direction;
use kfl::Query;
use segment::{PacketRef, SegmentId, TimeRange, Timestamp};
use store::Summary;

use crate::Error;
use crate::chosen::Chosen;
use crate::data::{Coverage, Data};
use crate::search::Budget;
use pattern::Pattern;
use reading::Reading;
use resume::Resume;

/// What is looked for, and where.
pub struct Hunt {
    /// The bytes.
    pub pattern: Pattern,
    /// When the packet that brought the first of them was captured.
    pub range: TimeRange,
    /// The exchanges that the packet belongs to; `None` for all packets.
    pub filter: Option<Query>,
    /// Where to go on.
    pub resume: Option<Resume>,
}

/// One end of a flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct End {
    /// Its address.
    pub ip: IpAddr,
    /// Its port; 0 for ICMP.
    pub port: u16,
    /// The name it had then, if it had one.
    pub name: String,
}

/// A match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hit {
    /// When the packet that brought its first byte was captured.
    pub time: Timestamp,
    /// The segment of that packet.
    pub segment: SegmentId,
    /// That packet.
    pub packet: PacketRef,
    /// What carried it.
    pub transport: Transport,
    /// Who sent it.
    pub source: End,
    /// Who received it.
    pub destination: End,
    /// Which way that is, as far as is known who asks.
    pub direction: Direction,
    /// Bytes of the stream before it; `None` where the stream's beginning was not seen.
    pub offset: Option<u64>,
    /// How long it is.
    pub length_bytes: usize,
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// What is in front of it, and behind it.
    pub context: [Vec<u8>; 2],
    /// The exchange that the packet belongs to, where a filter asked for exchanges.
    pub exchange: Option<String>,
}

/// How a hunt goes.
pub enum Event<'a> {
    /// Something was found.
    Hit(&'a Hit),
    /// So many bytes of packets were looked at.
    Scanned(u64),
}

/// Takes events; may stop the hunt, by a hit that it doesn't take: it is the first one where the hunt goes on.
pub type Sink<'a> = &'a mut dyn FnMut(Event<'_>) -> ControlFlow<()>;

/// How a hunt ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// What was looked at; its entries are the matches.
    pub coverage: Coverage,
    /// Bytes of packets that were looked at.
    pub scanned_bytes: u64,
    /// Holes in streams.
    pub gaps: u64,
    /// Times that a stream's last bytes were let go to make room.
    pub cuts: u64,
    /// Where to go on, if it was stopped.
    pub resume: Option<Resume>,
}

/// How much there is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Segments.
    pub segments: usize,
    /// Bytes of their packets, about.
    pub bytes: u64,
}

/// A hunt that is ready to begin.
pub struct Prepared<'a> {
    data: &'a Data,
    hunt: &'a Hunt,
    chosen: Option<Chosen>,
    /// The segments to be read, in order, and how many of them are done already.
    segments: Vec<Summary>,
    done: usize,
    coverage: Coverage,
}

/// Finds out which segments are to be read.
///
/// # Errors
/// When the directory can't be listed, or there is no place to go on.
pub fn prepare<'a>(data: &'a Data, hunt: &'a Hunt) -> Result<Prepared<'a>, Error> {
    let (segments, unreadable) = data.segments()?;
    let mut coverage = Coverage::default();
    coverage.segments_missing.extend(unreadable.iter().map(ToString::to_string));
    let chosen = hunt.filter.as_ref();
    let chosen = chosen
        .map(|query| Chosen::of(data, query, hunt.range, &Budget::default(), &mut coverage))
        .transpose()?;
    coverage.entries = 0;
    let all = segments.len();
    let is_wanted = |segment: &Summary| {
        segment.may_overlap(hunt.range) && chosen.as_ref().is_none_or(|chosen| chosen.reaches(&segment.id))
    };
    let segments: Vec<_> = segments.into_iter().filter(is_wanted).collect();
    coverage.segments_pruned = all - segments.len();
    let done = match &hunt.resume {
        Some(place) if !place.is_of(&name(hunt)) => {
            return Err(Error::Resume("the token is of a hunt for something else".to_owned()));
        }
        Some(place) => segments.iter().position(|segment| segment.id == place.segment).ok_or_else(|| {
            Error::Resume(format!("segment {} is not here, or not in the range", place.segment))
        })?,
        None => 0,
    };
    Ok(Prepared { data, hunt, chosen, segments, done, coverage })
}

/// What is looked for, in words.
fn name(hunt: &Hunt) -> String {
    let filter = hunt.filter.as_ref().map(|query| query.expression().to_string());
    format!("{}\0{}", hunt.pattern.name(), filter.unwrap_or_default())
}

impl Prepared<'_> {
    /// How much there is to do.
    #[must_use]
    pub fn size(&self) -> Size {
        let segments = self.segments.get(self.done..).unwrap_or_default();
        // Of an open one only its size on disk is known.
        let bytes = segments.iter().map(|segment| segment.bytes.max(segment.file_bytes)).sum();
        Size { segments: segments.len(), bytes }
    }

    /// Looks at everything, or until `sink` stops it. A segment that can't be read is named in the coverage.
    pub fn run(self, sink: Sink<'_>) -> Outcome {
        let Self { data, hunt, chosen, segments, done, coverage } = self;
        let (before, segments) = segments.split_at(done);
        let mut reading = Reading::new(data, hunt, chosen, coverage);
        if let Some(place) = &hunt.resume {
            reading.warm_up(before, place);
        }
        for (number, segment) in segments.iter().enumerate() {
            if reading.segment(segment, segments.get(number + 1), sink).is_break() {
                let place = reading.place(&segment.id, &name(hunt));
                return reading.stopped(place);
            }
        }
        reading.outcome()
    }
}
