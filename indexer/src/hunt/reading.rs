//! Reads segments for a hunt, and tells what is found in them.

use std::ops::ControlFlow;

use dissect::{Endpoint, Limits, Transport};
use segment::flow::FlowKey;
use segment::{Chain, Frame, Record, SegmentId, Timestamp};
use store::Summary;

use super::resume::Resume;
use super::scanner::{Given, Match, Scanner};
use super::{End, Event, Hit, Hunt, Outcome, Sink};
use crate::Error;
use crate::chosen::Chosen;
use crate::data::{Coverage, Data};
use crate::names::Names;
use crate::pipeline;

/// What the last bytes of all streams may take together.
const HELD_BYTES_MAX: usize = 256 << 20;

/// A hunt on its way.
pub struct Reading<'a> {
    data: &'a Data,
    run: Run<'a>,
    telling: Telling<'a>,
    outcome: Outcome,
    /// How many segments in front of the one that is read still have bytes at hand.
    back: u64,
}

/// What lives on from one segment of a chain to the next.
struct Run<'h> {
    scanner: Scanner<'h>,
    names: Names,
    now: Timestamp,
}

/// Decides which matches are told.
struct Telling<'a> {
    hunt: &'a Hunt,
    chosen: Option<Chosen>,
    /// Matches of this segment that were told, now or before the hunt went on here.
    told: u64,
    /// How many of them were told before.
    to_skip: u64,
    hits: u64,
}

impl<'h> Run<'h> {
    fn new(hunt: &'h Hunt) -> Self {
        let scanner = Scanner::new(&hunt.pattern, Limits::default(), HELD_BYTES_MAX);
        Self { scanner, names: Names::default(), now: Timestamp::MIN }
    }

    /// Takes what a frame holds; gives the bytes of its packets.
    fn frame(&mut self, frame: &Frame, out: &mut dyn FnMut(&Names, Match) -> ControlFlow<()>) -> u64 {
        let mut bytes = 0;
        for record in frame.records() {
            match record {
                Ok((Some(at), Record::Packet(packet))) => {
                    bytes += packet.data.len() as u64;
                    self.now = self.now.max(packet.timestamp);
                    let names = &self.names;
                    self.scanner.packet(&packet, at, &mut |found| out(names, found));
                }
                Ok((_, Record::Names(names))) => self.names.learn(&names, self.now),
                Ok((_, Record::InterfaceStatistics(statistics))) => {
                    self.now = self.now.max(statistics.timestamp);
                    let names = &self.names;
                    self.scanner.advance(self.now, &mut |found| out(names, found));
                }
                // Damage is a hole, and told as a loss.
                Ok(_) | Err(_) => {}
            }
        }
        bytes
    }
}

impl<'a> Reading<'a> {
    pub fn new(data: &'a Data, hunt: &'a Hunt, chosen: Option<Chosen>, coverage: Coverage) -> Self {
        let to_skip = hunt.resume.as_ref().map_or(0, |place| place.told);
        Self {
            data,
            run: Run::new(hunt),
            telling: Telling { hunt, chosen, told: 0, to_skip, hits: 0 },
            outcome: Outcome { coverage, scanned_bytes: 0, gaps: 0, cuts: 0, resume: None },
            back: 0,
        }
    }

    /// Where a hunt goes on, the streams under way are made again by reading what is before, in silence: the segments that
    /// had bytes at hand, and those in which packets may have waited for others.
    pub fn warm_up(&mut self, before: &[Summary], place: &Resume) {
        let sequence = place.segment.sequence;
        let near = pipeline::before(self.data.layout(), &place.segment);
        let near = near.first().map_or(sequence, |id| id.sequence);
        let from = near.min(sequence.saturating_sub(place.back));
        let mut needed: Vec<&SegmentId> = Vec::new();
        for segment in before.iter().rev() {
            let next = needed.last().copied().unwrap_or(&place.segment);
            if next.before().as_ref() != Some(&segment.id) || segment.id.sequence < from {
                break;
            }
            needed.push(&segment.id);
        }
        for id in needed.into_iter().rev() {
            let Ok(mut reader) = pipeline::open(self.data.layout(), id) else { continue };
            while let Ok(Some(frame)) = reader.next_frame() {
                self.run.frame(&frame, &mut |_, _| ControlFlow::Continue(()));
                reader.recycle(frame);
            }
        }
    }

    /// Reads one segment; behind it the streams end, unless `next` continues them.
    pub fn segment(&mut self, segment: &Summary, next: Option<&Summary>, sink: Sink<'_>) -> ControlFlow<()> {
        self.telling.told = 0;
        let needs_from = self.run.scanner.needs_from().unwrap_or(segment.id.sequence);
        self.back = segment.id.sequence.saturating_sub(needs_from);
        let coverage = &mut self.outcome.coverage;
        let range = self.telling.hunt.range;
        coverage.losses.extend(segment.losses.iter().filter(|loss| loss.range.overlaps(range)).cloned());
        let mut flow = match self.frames(segment, sink) {
            Ok(flow) => {
                self.outcome.coverage.segments_searched += 1;
                flow
            }
            Err(error) => {
                self.outcome.coverage.segments_missing.push(format!("{}: {error}", segment.id));
                ControlFlow::Continue(())
            }
        };
        let goes_on = next.is_some_and(|next| next.id.before().as_ref() == Some(&segment.id));
        if flow.is_continue() && !goes_on {
            let Run { scanner, names, .. } = &mut self.run;
            let chain = &segment.id.chain;
            scanner.finish(&mut |found| {
                flow = self.telling.tell(chain, names, found, sink);
                flow
            });
            self.end_run();
        }
        if flow.is_continue() {
            self.telling.to_skip = 0;
        }
        flow
    }

    fn frames(&mut self, segment: &Summary, sink: Sink<'_>) -> Result<ControlFlow<()>, Error> {
        let mut reader = pipeline::open(self.data.layout(), &segment.id)?;
        let mut flow = ControlFlow::Continue(());
        while let Some(frame) = reader.next_frame()? {
            self.outcome.scanned_bytes += self.run.frame(&frame, &mut |names, found| {
                flow = self.telling.tell(&segment.id.chain, names, found, sink);
                flow
            });
            reader.recycle(frame);
            if flow.is_break() || sink(Event::Scanned(self.outcome.scanned_bytes)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(flow)
    }

    /// Where to go on, if it is stopped in the segment that was read last.
    pub fn place(&self, segment: &SegmentId, name: &str) -> Resume {
        Resume::new(segment.clone(), self.telling.told, self.back, name)
    }

    /// Everything was read.
    pub fn outcome(mut self) -> Outcome {
        self.end_run();
        self.outcome.coverage.entries = self.telling.hits;
        self.outcome
    }

    /// It was stopped, and may go on at `place`.
    pub fn stopped(self, place: Resume) -> Outcome {
        let mut outcome = self.outcome();
        outcome.coverage.truncated = true;
        outcome.resume = Some(place);
        outcome
    }

    /// What comes next begins with no streams.
    fn end_run(&mut self) {
        let Given { gaps, cuts } = self.run.scanner.given();
        self.outcome.gaps += gaps;
        self.outcome.cuts += cuts;
        self.run = Run::new(self.telling.hunt);
    }
}

impl Telling<'_> {
    /// Tells a match that was asked for, unless it was told before.
    fn tell(&mut self, chain: &Chain, names: &Names, found: Match, sink: Sink<'_>) -> ControlFlow<()> {
        let Some(hit) = self.hit(chain, names, found) else { return ControlFlow::Continue(()) };
        if self.told >= self.to_skip {
            sink(Event::Hit(&hit))?;
            self.hits += 1;
        }
        self.told += 1;
        ControlFlow::Continue(())
    }

    /// The match, if it is in the range and in the exchanges that were asked for.
    fn hit(&self, chain: &Chain, names: &Names, one: Match) -> Option<Hit> {
        let first = one.found.first;
        if !self.hunt.range.contains(first.timestamp) {
            return None;
        }
        let exchange = match &self.chosen {
            Some(chosen) => Some(chosen.exchange(chain, flow_key(&one), first.packet)?.to_owned()),
            None => None,
        };
        let end = |end: Endpoint| {
            let name = names.at(end.ip, first.timestamp).unwrap_or_default().to_owned();
            End { ip: end.ip, port: end.port, name }
        };
        Some(Hit {
            time: first.timestamp,
            segment: SegmentId { chain: chain.clone(), sequence: first.packet.sequence },
            packet: first.packet,
            transport: one.transport,
            source: end(one.source),
            destination: end(one.destination),
            direction: one.direction,
            offset: one.offset,
            length_bytes: one.found.length_bytes,
            bytes: one.found.bytes,
            context: [one.found.before, one.found.after],
            exchange,
        })
    }
}

/// The flow of a match, as exchanges name theirs.
fn flow_key(one: &Match) -> FlowKey {
    let protocol = match one.transport {
        Transport::Icmp => 1,
        Transport::Tcp => 6,
        Transport::Udp => 17,
    };
    let end = |end: Endpoint| segment::flow::Endpoint { address: end.ip, port: end.port };
    let (source, destination) = (end(one.source), end(one.destination));
    FlowKey { protocol, low: source.min(destination), high: source.max(destination) }
}
