//! Cuts one direction of a stream into heads and bodies.
//!
//! The reader is asked for one [`Event`] after the other. After a head it must be told how the body ends
//! ([`Reader::body`]), because for a response that depends on the request. Bytes that can't be understood, and
//! what follows a gap, are searched line by line for the next message start.

use serde::{Deserialize, Serialize};

use crate::protocol::http1::count;
use crate::protocol::http1::event::{Event, Head, Line, Open, StreamEnd};
use crate::protocol::http1::frame::{self, HEAD_BYTES_MAX, START_LINE_BYTES_MAX, Scan, StartLine};
use crate::protocol::http1::message::{Framing, Headers};
use crate::protocol::pending::Input;
use crate::protocol::{Direction, Tally};

/// What a step in a head led to.
enum Step {
    Event(Event),
    More,
    Again,
}

/// Where in a message the next byte belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum State {
    /// Between messages, or in a head.
    Head(Scan),
    /// The position is not known: looking for a first line.
    Search,
    /// In a body of known length.
    Length { left: u64 },
    /// In a body that ends with the stream.
    UntilClose,
    /// At a chunk line.
    ChunkLine,
    /// In a chunk.
    Chunk { left: u64 },
    /// Behind a chunk.
    ChunkEnd,
    /// In the trailers.
    Trailers(Scan),
    /// The body is over; the message's end is to be told.
    Ending,
    /// Not HTTP any more.
    Tunnel,
}

/// The state of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reader {
    direction: Direction,
    state: State,
    /// The message that a head was told of and whose end was not.
    open: Option<Open>,
    /// Whether a gap came since the last head.
    after_gap: bool,
    /// Bytes searched in vain or cut off by a gap, and bytes that went through a tunnel.
    pub tally: Tally,
}

impl Reader {
    /// At the start of a stream, or wherever it was joined.
    #[must_use]
    pub fn new(direction: Direction) -> Self {
        Self {
            direction,
            state: State::Head(Scan::default()),
            open: None,
            after_gap: false,
            tally: Tally::default(),
        }
    }

    /// Says how the body of the head told last ends, and how many bytes of it to keep.
    pub fn body(&mut self, framing: Framing, head: &Head, body_bytes_max: usize) {
        self.open = Some(Open::new(framing, head, body_bytes_max));
        self.state = match framing {
            // Where a head was cut, nothing is known of what follows.
            _ if head.cut => State::Ending,
            Framing::None | Framing::Length(0) => State::Ending,
            Framing::Length(left) => State::Length { left },
            Framing::Chunked => State::ChunkLine,
            Framing::UntilClose => State::UntilClose,
            Framing::Tunnel => State::Ending,
        };
    }

    /// Says that nothing belongs to the head told last, not even an end (1xx responses).
    pub fn no_body(&mut self, head: &Head) {
        self.state = if head.cut { State::Search } else { State::Head(Scan::default()) };
    }

    /// From here on nothing is HTTP.
    pub fn tunnel(&mut self) {
        self.state = State::Tunnel;
        self.open = None;
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.body.bytes.capacity() + open.body.trailers.memory_bytes())
    }

    /// Consumes `input` up to the next event; `None` asks for more bytes.
    pub fn next(&mut self, input: &mut Input<'_>) -> Option<Event> {
        loop {
            let before = input.at();
            match self.state {
                State::Ending => return self.end(),
                _ if input.rest().is_empty() => return None,
                State::Head(scan) => match self.head(scan, input) {
                    Step::Event(event) => return Some(event),
                    Step::More => return None,
                    Step::Again => {}
                },
                State::Search => self.search(input)?,
                State::Length { left } => match self.take(left, input) {
                    0 => self.state = State::Ending,
                    left => self.state = State::Length { left },
                },
                State::UntilClose => {
                    self.take(u64::MAX, input);
                }
                State::Chunk { left } => match self.take(left, input) {
                    0 => self.state = State::ChunkEnd,
                    left => self.state = State::Chunk { left },
                },
                State::ChunkLine | State::ChunkEnd => self.between_chunks(input)?,
                State::Trailers(scan) => self.trailers(scan, input)?,
                State::Tunnel => return None,
            }
            if let Some(open) = self.open.as_mut().filter(|_| input.at() > before) {
                open.last = input.last_mark();
                open.wire_bytes = open.wire_bytes.saturating_add(input.at().saturating_sub(before));
            }
        }
    }

    /// Tells the end of a message that needs no more bytes.
    pub fn end(&mut self) -> Option<Event> {
        if self.state != State::Ending {
            return None;
        }
        let open = self.open.take()?;
        self.state = if open.body.complete { State::Head(Scan::default()) } else { State::Search };
        Some(Event::End(open.end()))
    }

    /// What is left in `input` will never be complete: tells a head of which at least the first line is whole.
    pub fn cut_off(&mut self, input: &mut Input<'_>) -> Option<Event> {
        let head = match self.state {
            State::Head(scan) if scan.whole_lines() > 0 => self.cut_head(input.rest().len(), true, input),
            _ => None,
        };
        self.tally.skip(count(input.rest().len()));
        head.map(Event::Head)
    }

    /// Passes over bytes that were never seen; 0 means that nobody knows how many.
    ///
    /// A gap inside a body of known length is a hole in that body and nothing more. Any other costs the
    /// position: the open message is cut and the next one searched for.
    pub fn gap(&mut self, length_bytes: u64) -> Option<Event> {
        match self.state {
            State::Length { left } | State::Chunk { left } if (1..=left).contains(&length_bytes) => {
                self.body_gap(length_bytes);
                self.state = match (self.state, left - length_bytes) {
                    (State::Length { .. }, 0) => State::Ending,
                    (State::Length { .. }, left) => State::Length { left },
                    (_, 0) => State::ChunkEnd,
                    (_, left) => State::Chunk { left },
                };
                return self.end();
            }
            State::Length { left } if length_bytes > left => {
                // The body's end lies in the gap, and perhaps whole messages behind it.
                self.body_gap(left);
                self.state = State::Ending;
            }
            State::UntilClose => {
                self.body_gap(length_bytes);
                return None;
            }
            State::Tunnel => {
                self.tally.tunnel(length_bytes);
                return None;
            }
            State::Head(_) | State::Search => {}
            _ => self.cut(),
        }
        let end = self.end();
        self.after_gap = true;
        self.state = State::Search;
        end
    }

    /// No more bytes will come; a body that ends with the stream is complete if the sender said so.
    pub fn close(&mut self, ending: StreamEnd) -> Option<Event> {
        match (self.state, ending) {
            (State::Tunnel | State::Head(_) | State::Search, _) => return None,
            (State::UntilClose, StreamEnd::Closed) => self.state = State::Ending,
            _ => self.cut(),
        }
        self.end()
    }

    fn head(&mut self, mut scan: Scan, input: &mut Input<'_>) -> Step {
        if scan.whole_lines() == 0 {
            // RFC 9112 §2.2: empty lines before a first line are passed over.
            while let Ok(Some(length)) = frame::line_end(input.rest()) {
                input.advance(length);
                scan = Scan::default();
            }
        }
        let bytes = input.rest();
        let within = bytes.get(..HEAD_BYTES_MAX).unwrap_or(bytes);
        let end = scan.section_end(within);
        let first_line = within.get(..START_LINE_BYTES_MAX).unwrap_or(within);
        match frame::first_line(first_line) {
            None if first_line.len() < START_LINE_BYTES_MAX => {
                self.state = State::Head(scan);
                return Step::More;
            }
            Some(line) if frame::start_line(self.direction, line).is_some() => {}
            _ => {
                self.state = State::Search;
                return Step::Again;
            }
        }
        let length = match end {
            Some(length) => length,
            None if within.len() < HEAD_BYTES_MAX => {
                self.state = State::Head(scan);
                return Step::More;
            }
            None => HEAD_BYTES_MAX,
        };
        match self.cut_head(length, end.is_none(), input) {
            Some(head) => Step::Event(Event::Head(head)),
            None => Step::Again,
        }
    }

    /// Takes a head of `length` bytes off `input`, whose first line is known to be valid.
    fn cut_head(&mut self, length: usize, cut: bool, input: &mut Input<'_>) -> Option<Head> {
        let first = input.next_mark();
        let bytes = input.advance(length);
        let line_length = memchr::memchr(b'\n', bytes)? + 1;
        let line = match frame::start_line(self.direction, frame::first_line(bytes)?)? {
            StartLine::Request { method, target, version } => {
                Line::Request { method: method.into(), target: target.into(), version: version.into() }
            }
            StartLine::Status { version, status, reason } => {
                Line::Status { version: version.into(), status, reason: reason.into() }
            }
        };
        let headers = Headers::parse(bytes.get(line_length..).unwrap_or_default());
        let after_gap = std::mem::take(&mut self.after_gap);
        let last = input.last_mark();
        Some(Head { line, headers, first, last, wire_bytes: count(length), cut, after_gap })
    }

    /// Passes over lines until one holds the start of a message; `None` asks for more.
    fn search(&mut self, input: &mut Input<'_>) -> Option<()> {
        let bytes = input.rest();
        let within = bytes.get(..START_LINE_BYTES_MAX).unwrap_or(bytes);
        let skip = match memchr::memchr(b'\n', within) {
            Some(line_end) => {
                let line = within.get(..=line_end).unwrap_or(within);
                let found = frame::start_within(self.direction, line);
                if found.is_some() {
                    self.state = State::Head(Scan::default());
                }
                found.unwrap_or(line_end + 1)
            }
            None if within.len() == START_LINE_BYTES_MAX => within.len(),
            None => return None,
        };
        input.advance(skip);
        self.tally.skip(count(skip));
        Some(())
    }

    /// Moves up to `left` bytes into the open body; returns how many are still to come.
    fn take(&mut self, left: u64, input: &mut Input<'_>) -> u64 {
        let taken = input.advance(usize::try_from(left).unwrap_or(usize::MAX));
        if let Some(open) = &mut self.open {
            open.push(taken);
        }
        left.saturating_sub(count(taken.len()))
    }

    fn between_chunks(&mut self, input: &mut Input<'_>) -> Option<()> {
        let (length, next) = if self.state == State::ChunkEnd {
            (frame::line_end(input.rest()), State::ChunkLine)
        } else {
            match frame::chunk_line(input.rest()) {
                Ok(Some((0, length))) => (Ok(Some(length)), State::Trailers(Scan::default())),
                Ok(Some((left, length))) => (Ok(Some(length)), State::Chunk { left }),
                Ok(None) => (Ok(None), self.state),
                Err(malformed) => (Err(malformed), self.state),
            }
        };
        match length {
            Ok(Some(length)) => {
                input.advance(length);
                self.state = next;
            }
            Ok(None) => return None,
            Err(frame::Malformed) => self.not_chunked(),
        }
        Some(())
    }

    /// A response that says `chunked` but has no chunk at all is read to its end as it is: what hides a body
    /// from recorders is worth keeping. Anything else that breaks the framing costs the position.
    fn not_chunked(&mut self) {
        match &mut self.open {
            Some(open) if self.direction == Direction::ToClient && open.body.length_bytes == 0 => {
                open.body.framing = Framing::UntilClose;
                self.state = State::UntilClose;
            }
            _ => self.cut(),
        }
    }

    fn trailers(&mut self, mut scan: Scan, input: &mut Input<'_>) -> Option<()> {
        let bytes = input.rest();
        let within = bytes.get(..HEAD_BYTES_MAX).unwrap_or(bytes);
        match scan.section_end(within) {
            Some(length) => {
                let lines = input.advance(length);
                if let Some(open) = &mut self.open {
                    open.body.trailers = Headers::parse(lines);
                }
                self.state = State::Ending;
                Some(())
            }
            None if within.len() == HEAD_BYTES_MAX => {
                self.cut();
                Some(())
            }
            None => {
                self.state = State::Trailers(scan);
                None
            }
        }
    }

    fn body_gap(&mut self, length_bytes: u64) {
        if let Some(open) = &mut self.open {
            open.push_gap(length_bytes);
        }
    }

    /// The open message can't be followed any further.
    fn cut(&mut self) {
        if let Some(open) = &mut self.open {
            open.body.complete = false;
        }
        self.state = State::Ending;
    }
}
