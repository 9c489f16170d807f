//! Reads the frames of one direction.
//!
//! The reader is asked for one [`Event`] after the other. DATA passes through as it comes; header blocks are
//! decompressed frame by frame. A gap inside a frame is that frame's loss and nothing more, because its header
//! told where it ends; any other costs the position, and what the sender's table held (see [`super::table`]).

use serde::{Deserialize, Serialize};

use super::block::OpenBlock;
use super::counts::FrameCounts;
use super::data::OpenData;
use super::event::{Event, Piece};
use super::frame::{self, FrameHeader, HEADER_BYTES, Kind, PREFACE, flag};
use super::message::ErrorCode;
use super::search::{self, Bounds, Look};
use super::table::Table;
use crate::protocol::pending::Input;
use crate::protocol::{Mark, Tally};

/// Longest frame of a header block that is held; servers allow blocks of 8 to 64 KiB.
const BLOCK_FRAME_BYTES_MAX: usize = 256 * 1024;
/// Longest SETTINGS that is looked at: a few for each setting there is.
const SETTINGS_BYTES_MAX: usize = 6 * 64;
/// Longest payload believed where nobody saw what was agreed on.
const PAYLOAD_BYTES_LIKELY: usize = 1024 * 1024;
/// Most bytes searched in vain for a frame before the direction is given up.
const SEARCH_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What a step led to.
enum Step<'a> {
    Event(Event<'a>),
    More,
    Again,
}

/// Where in a frame the next byte belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum State {
    /// The client's preface is to come.
    Preface,
    /// Between frames, or in one that is awaited whole.
    Frame,
    /// In DATA.
    Data(OpenData),
    /// In a frame, or the rest of one, that says nothing to us.
    Skip { left: u64 },
    /// The position is not known.
    Search,
    /// Searched too long.
    Off,
}

/// The state of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reader {
    state: State,
    table: Table,
    block: Option<OpenBlock>,
    /// Whether every frame since the beginning of the connection was seen.
    is_whole: bool,
    searched_bytes: u64,
    /// Frames seen, by kind.
    pub frames: FrameCounts,
    /// Bytes that no message is made of because they could not be understood.
    pub tally: Tally,
}

impl Reader {
    /// Where a client's bytes begin.
    #[must_use]
    pub fn of_client() -> Self {
        Self { state: State::Preface, ..Self::of_server() }
    }

    /// Where a server's bytes begin.
    #[must_use]
    pub fn of_server() -> Self {
        Self {
            state: State::Frame,
            table: Table::default(),
            block: None,
            is_whole: true,
            searched_bytes: 0,
            frames: FrameCounts::default(),
            tally: Tally::default(),
        }
    }

    /// Whether every frame since the beginning of the connection was seen.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.table.memory_bytes() + self.block.as_ref().map_or(0, OpenBlock::memory_bytes)
    }

    /// Consumes `input` up to the next event; `None` asks for more bytes.
    pub fn next<'a>(&mut self, input: &mut Input<'a>, bounds: Bounds) -> Option<Event<'a>> {
        while !input.rest().is_empty() {
            let step = match self.state {
                State::Preface => self.preface(input),
                State::Frame => self.frame(input, bounds),
                State::Data(mut data) => Step::Event(Event::Piece(self.data(&mut data, input))),
                State::Skip { left } => {
                    let skipped = count(input.advance(usize::try_from(left).unwrap_or(usize::MAX)).len());
                    self.skip(left.saturating_sub(skipped));
                    Step::Again
                }
                State::Search => self.search(input, bounds),
                State::Off => {
                    self.tally.skip(count(input.advance(usize::MAX).len()));
                    Step::Again
                }
            };
            match step {
                Step::Event(event) => return Some(event),
                Step::More => return None,
                Step::Again => {}
            }
        }
        None
    }

    fn preface<'a>(&mut self, input: &mut Input<'a>) -> Step<'a> {
        if input.rest().starts_with(PREFACE) {
            input.advance(PREFACE.len());
            self.state = State::Frame;
            return Step::Event(Event::Begin);
        }
        if PREFACE.starts_with(input.rest()) {
            return Step::More;
        }
        self.is_whole = false;
        self.table.forget();
        self.state = State::Search;
        Step::Again
    }

    fn frame<'a>(&mut self, input: &mut Input<'a>, bounds: Bounds) -> Step<'a> {
        let Some(header) = frame::header(input.rest()) else { return Step::More };
        let may_follow = self.may_follow(&header, bounds);
        if let Some(block) = self.block.take_if(|block| !may_follow || !block.goes_on_in(&header)) {
            // RFC 9113 §6.10: nothing may come between the frames of a block.
            self.table.forget();
            return Step::Event(Event::Block(block.cut(0)));
        }
        if !may_follow {
            // What looked like frames was something else.
            self.lose();
            return Step::Event(Event::Lost);
        }
        match header.kind {
            Kind::Data => {
                let is_padded = header.has(flag::PADDED);
                if is_padded && input.rest().len() <= HEADER_BYTES && header.length > 0 {
                    return Step::More;
                }
                Step::Event(Event::Piece(self.begin_data(&header, input)))
            }
            Kind::Headers | Kind::PushPromise | Kind::Continuation => self.header_frame(&header, input),
            Kind::RstStream | Kind::Settings | Kind::Goaway => self.told(&header, input),
            Kind::Priority | Kind::Ping | Kind::WindowUpdate | Kind::Other(_) => {
                self.pass(&header, input);
                Step::Again
            }
        }
    }

    /// Whether a frame may be what its header says. Who saw the connection begin knows that it is a frame, and
    /// forgives its sender; who found the position by searching may have been wrong.
    fn may_follow(&self, header: &FrameHeader, bounds: Bounds) -> bool {
        let is_known = !matches!(header.kind, Kind::Other(_));
        let length_max = bounds.payload_bytes.max(PAYLOAD_BYTES_LIKELY);
        self.is_whole || (is_known && !header.reserved && header.length <= length_max)
    }

    /// Passes over a frame.
    fn pass(&mut self, header: &FrameHeader, input: &mut Input<'_>) {
        self.frames.add(header.kind);
        input.advance(HEADER_BYTES);
        self.skip(count(header.length));
    }

    /// Frames that say something in their first few bytes.
    fn told<'a>(&mut self, header: &FrameHeader, input: &mut Input<'a>) -> Step<'a> {
        let (fits, wanted) = match header.kind {
            Kind::RstStream => (header.length == 4, 4),
            Kind::Goaway => (header.length >= 8, 8),
            _ => (header.length <= SETTINGS_BYTES_MAX && !header.has(flag::ACK), header.length),
        };
        if !fits {
            self.pass(header, input);
            return Step::Again;
        }
        let Some(payload) = input.rest().get(HEADER_BYTES..HEADER_BYTES + wanted) else { return Step::More };
        self.frames.add(header.kind);
        input.advance(HEADER_BYTES + wanted);
        self.skip(count(header.length - wanted));
        let mark = input.last_mark();
        let event = match header.kind {
            Kind::RstStream => frame::numbers(payload).map(|[code]| Event::Reset {
                stream_id: header.stream_id,
                code: ErrorCode(code),
                mark,
            }),
            Kind::Goaway => frame::numbers(payload).map(|[last, code]| Event::Goaway {
                last_stream_id: last & (u32::MAX >> 1),
                code: ErrorCode(code),
                mark,
            }),
            _ => frame::payload_bytes_max(payload).map(Event::PayloadMax),
        };
        event.map_or(Step::Again, Step::Event)
    }

    fn header_frame<'a>(&mut self, header: &FrameHeader, input: &mut Input<'a>) -> Step<'a> {
        let first = input.next_mark();
        if header.length > BLOCK_FRAME_BYTES_MAX {
            let mut block = self.block.take().unwrap_or_else(|| OpenBlock::new(header, first));
            self.pass(header, input);
            block.took(header.frame_bytes(), first);
            self.table.forget();
            return Step::Event(Event::Block(block.too_long()));
        }
        let Some(payload) = input.rest().get(HEADER_BYTES..header.frame_bytes()) else { return Step::More };
        self.frames.add(header.kind);
        input.advance(header.frame_bytes());
        if header.kind == Kind::Continuation && self.block.is_none() {
            // Its beginning was lost, and with it what it does to the table.
            self.table.forget();
            self.tally.skip(count(header.frame_bytes()));
            return Step::Again;
        }
        let mut block = self.block.take().unwrap_or_else(|| OpenBlock::new(header, first));
        block.took(header.frame_bytes(), input.last_mark());
        block.read(header, payload, &mut self.table);
        if !header.has(flag::END_HEADERS) {
            self.block = Some(block);
            return Step::Again;
        }
        Step::Event(Event::Block(block.end(&mut self.table)))
    }

    /// The first part of a DATA frame.
    fn begin_data<'a>(&mut self, header: &FrameHeader, input: &mut Input<'a>) -> Piece<'a> {
        self.frames.add(header.kind);
        let (first, at) = (input.next_mark(), input.at());
        let mut data = OpenData::begin(header, input);
        let piece = self.data(&mut data, input);
        Piece { first, begins: true, wire_bytes: input.at().saturating_sub(at), ..piece }
    }

    /// The next part of a DATA frame.
    fn data<'a>(&mut self, data: &mut OpenData, input: &mut Input<'a>) -> Piece<'a> {
        let piece = data.next(input);
        self.state = if data.is_over() { State::Frame } else { State::Data(*data) };
        piece
    }

    fn search<'a>(&mut self, input: &mut Input<'a>, bounds: Bounds) -> Step<'a> {
        let mut passed = 0;
        let found = loop {
            match search::look(input.rest().get(passed..).unwrap_or_default(), bounds) {
                Look::No => passed += 1,
                found => break found,
            }
        };
        self.searched(passed, input);
        if self.state == State::Off {
            return Step::Again;
        }
        if found == Look::More {
            return Step::More;
        }
        self.searched_bytes = 0;
        // A preface says that all begins here, table included.
        self.is_whole = input.rest().starts_with(PREFACE);
        self.state = if self.is_whole { State::Preface } else { State::Frame };
        if self.is_whole {
            self.table = Table::default();
        }
        Step::Again
    }

    fn searched(&mut self, passed: usize, input: &mut Input<'_>) {
        let passed = count(input.advance(passed).len());
        self.tally.skip(passed);
        self.searched_bytes = self.searched_bytes.saturating_add(passed);
        if self.searched_bytes > SEARCH_BYTES_MAX {
            self.state = State::Off;
        }
    }

    /// After `input` nothing comes, or a gap: frames that end just there need no other one behind them.
    pub fn look_at_end(&mut self, input: &mut Input<'_>, bounds: Bounds) {
        if self.state == State::Search
            && let Some(start) = search::chain_to_end(input.rest(), bounds)
        {
            self.searched(start, input);
            if self.state == State::Search {
                self.state = State::Frame;
            }
        }
    }

    /// What is left in `input` is the beginning of a frame whose rest won't come whole, because
    /// `gap_bytes` are missing or, if `None`, because nothing comes any more.
    pub fn cut_off(&mut self, input: &mut Input<'_>, gap_bytes: Option<u64>) -> Option<Event<'static>> {
        let rest = input.rest();
        let Some(header) = frame::header(rest).filter(|_| self.state == State::Frame) else {
            self.tally.skip(count(rest.len()));
            self.state = if self.state == State::Off { State::Off } else { State::Search };
            return None;
        };
        let first = input.next_mark();
        let came = rest.len();
        let left = count(header.frame_bytes().saturating_sub(came));
        let missing = gap_bytes.map_or(0, |gap| if gap == 0 { left } else { gap.min(left) });
        self.frames.add(header.kind);
        input.advance(came);
        let last = input.last_mark();
        self.skip(left);
        match header.kind {
            Kind::Headers | Kind::PushPromise | Kind::Continuation => {
                let is_lone = header.kind == Kind::Continuation && self.block.is_none();
                let mut block = self.block.take().unwrap_or_else(|| OpenBlock::new(&header, first));
                block.took(came, last);
                block.read(&header, rest.get(HEADER_BYTES..).unwrap_or_default(), &mut self.table);
                self.table.forget();
                (!is_lone).then(|| Event::Block(block.cut(missing)))
            }
            // Waiting for the length of its padding.
            Kind::Data => Some(Event::Piece(Piece {
                stream_id: header.stream_id,
                gap_bytes: missing,
                wire_bytes: count(came).saturating_add(missing),
                wire_gap_bytes: missing,
                last,
                begins: true,
                end_stream: gap_bytes.is_some() && header.has(flag::END_STREAM),
                ..Piece::empty(first)
            })),
            _ => None,
        }
    }

    /// Passes over bytes that were never seen; 0 means that nobody knows how many. What was awaited whole was
    /// cut off before.
    pub fn gap(&mut self, length_bytes: u64, mark: Mark) -> [Option<Event<'static>>; 3] {
        let mut hole = None;
        match self.state {
            State::Off => return [None, None, None],
            State::Data(mut data) if length_bytes > 0 => {
                let is_within = length_bytes <= data.wire_bytes();
                hole = Some(Event::Piece(data.gap(length_bytes, mark)));
                self.state = if data.is_over() { State::Frame } else { State::Data(data) };
                if is_within {
                    return [hole, None, None];
                }
            }
            State::Skip { left } if (1..=left).contains(&length_bytes) => {
                self.skip(left - length_bytes);
                return [None, None, None];
            }
            _ => {}
        }
        let block = self.block.take().map(|block| Event::Block(block.cut(0)));
        self.lose();
        [hole, block, Some(Event::Lost)]
    }

    /// Nothing more comes: a block whose rest is missing.
    pub fn end(&mut self) -> Option<Event<'static>> {
        let block = self.block.take()?;
        self.table.forget();
        Some(Event::Block(block.cut(0)))
    }

    fn lose(&mut self) {
        self.table.forget();
        self.is_whole = false;
        self.state = State::Search;
    }

    fn skip(&mut self, left: u64) {
        self.state = if left == 0 { State::Frame } else { State::Skip { left } };
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
