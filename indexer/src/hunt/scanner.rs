//! Looks for a pattern in every stream that packets make, one window per stream.
//!
//! What all windows hold together is bounded: the stream that was silent longest gives its bytes up. Matches
//! that would have begun in them are missed, and how often that happened is counted.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;

use dissect::protocol::{Chunk, Direction};
use dissect::streams::{Event, Piece, Streams};
use dissect::{Endpoint, Limits, Transport};
use segment::{Packet, PacketRef, Timestamp};

use super::pattern::Pattern;
use super::window::{Found, Rest, Window};

/// A match, and the stream it is in.
pub struct Match {
    /// What was found, and where.
    pub found: Found,
    /// What carried it.
    pub transport: Transport,
    /// Who sent it.
    pub source: Endpoint,
    /// Who received it.
    pub destination: Endpoint,
    /// Which way that is, as far as is known who asks.
    pub direction: Direction,
    /// Where it begins in its stream, where that is known.
    pub offset: Option<u64>,
}

/// What was given up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Given {
    /// Holes in streams, which no match can span.
    pub gaps: u64,
    /// Times that a stream's last bytes were let go to make room.
    pub cuts: u64,
}

/// Takes matches; may have enough, and gets no more then.
pub type Sink<'a> = &'a mut dyn FnMut(Match) -> ControlFlow<()>;

/// Takes packets in the order of their capture.
pub struct Scanner<'p> {
    streams: Streams,
    windows: Windows<'p>,
}

/// Which stream: the flow's number, and which of its ends sends.
type Key = (u64, bool);

struct Followed {
    window: Window,
    piece: Ends,
    serial: u64,
    counted_bytes: usize,
}

/// What a [`Piece`] says besides its bytes.
#[derive(Clone, Copy)]
struct Ends {
    transport: Transport,
    source: Endpoint,
    destination: Endpoint,
    direction: Direction,
    has_start: bool,
}

struct Windows<'p> {
    pattern: &'p Pattern,
    bytes_max: usize,
    followed: HashMap<Key, Followed>,
    /// By when they last had bytes; streams without any are not among them.
    silent: BTreeMap<u64, Key>,
    serial: u64,
    held_bytes: usize,
    given: Given,
    /// Whether nobody wants more matches.
    is_enough: bool,
}

impl<'p> Scanner<'p> {
    /// Holds at most about `bytes_max` of all streams.
    pub fn new(pattern: &'p Pattern, limits: Limits, bytes_max: usize) -> Self {
        let windows = Windows {
            pattern,
            bytes_max,
            followed: HashMap::new(),
            silent: BTreeMap::new(),
            serial: 0,
            held_bytes: 0,
            given: Given::default(),
            is_enough: false,
        };
        Self { streams: Streams::new(limits), windows }
    }

    /// Takes the next packet.
    pub fn packet(&mut self, packet: &Packet<'_>, at: PacketRef, out: Sink<'_>) {
        let windows = &mut self.windows;
        self.streams.packet(packet, at, &mut |event| windows.event(event, out));
    }

    /// Time has come to `now` without a packet.
    pub fn advance(&mut self, now: Timestamp, out: Sink<'_>) {
        let windows = &mut self.windows;
        self.streams.advance(now, &mut |event| windows.event(event, out));
    }

    /// No more packets.
    pub fn finish(&mut self, out: Sink<'_>) {
        let windows = &mut self.windows;
        self.streams.finish(&mut |event| windows.event(event, out));
    }

    /// The segment, by its place in the chain, from which on packets make what all streams have at hand.
    pub fn needs_from(&self) -> Option<u64> {
        let streams = self.windows.followed.values();
        streams.filter_map(|followed| followed.window.first()).map(|mark| mark.packet.sequence).min()
    }

    /// What was given up so far.
    pub fn given(&self) -> Given {
        self.windows.given
    }
}

impl Windows<'_> {
    fn event(&mut self, event: Event<'_>, out: Sink<'_>) {
        if self.is_enough {
            return;
        }
        match event {
            Event::Piece(piece) if piece.transport == Transport::Tcp => self.stream(&piece, out),
            Event::Piece(piece) => {
                if let Chunk::Data { bytes, mark } = piece.chunk {
                    let mut window = Window::default();
                    window.push(bytes, mark);
                    let ends = Ends { has_start: true, ..Ends::of(&piece) };
                    let flow = window.scan(self.pattern, Rest::Over, &mut |found| out(ends.hit(found)));
                    self.is_enough |= flow.is_break();
                }
            }
            Event::End(flow) => {
                for key in [(flow, false), (flow, true)] {
                    self.settle(key, out);
                    self.followed.remove(&key);
                }
            }
        }
    }

    /// The next part of a stream of TCP.
    fn stream(&mut self, piece: &Piece<'_>, out: Sink<'_>) {
        let key = (piece.flow, piece.source < piece.destination);
        self.serial += 1;
        match piece.chunk {
            Chunk::Data { bytes, mark } => {
                let followed = self.followed.entry(key).or_insert_with(|| Followed {
                    window: Window::default(),
                    piece: Ends::of(piece),
                    serial: 0,
                    counted_bytes: 0,
                });
                followed.piece = Ends::of(piece);
                followed.window.push(bytes, mark);
                let ends = followed.piece;
                let scanned =
                    followed.window.scan(self.pattern, Rest::MayCome, &mut |found| out(ends.hit(found)));
                self.is_enough |= scanned.is_break();
                let bytes = followed.window.memory_bytes();
                self.held_bytes =
                    self.held_bytes + bytes - std::mem::replace(&mut followed.counted_bytes, bytes);
                self.silent.remove(&std::mem::replace(&mut followed.serial, self.serial));
                self.silent.insert(self.serial, key);
            }
            Chunk::Gap { length_bytes, .. } => {
                self.given.gaps += 1;
                self.settle(key, out);
                if let Some(followed) = self.followed.get_mut(&key) {
                    followed.window.skip(length_bytes);
                }
            }
        }
        while self.held_bytes > self.bytes_max {
            let Some((_, &oldest)) = self.silent.first_key_value() else { return };
            self.given.cuts += 1;
            self.settle(oldest, out);
        }
    }

    /// No match may go on behind what a stream has so far; its bytes are let go.
    fn settle(&mut self, key: Key, out: Sink<'_>) {
        let Some(followed) = self.followed.get_mut(&key) else { return };
        let ends = followed.piece;
        let scanned = followed.window.scan(self.pattern, Rest::Over, &mut |found| out(ends.hit(found)));
        self.is_enough |= scanned.is_break();
        followed.window.skip(0);
        self.held_bytes -= std::mem::take(&mut followed.counted_bytes);
        self.silent.remove(&followed.serial);
    }
}

impl Ends {
    fn of(piece: &Piece<'_>) -> Self {
        let Piece { transport, source, destination, direction, has_start, .. } = *piece;
        Self { transport, source, destination, direction, has_start }
    }

    fn hit(self, found: Found) -> Match {
        let Self { transport, source, destination, direction, has_start } = self;
        let offset = Some(found.offset).filter(|_| has_start);
        Match { found, transport, source, destination, direction, offset }
    }
}
