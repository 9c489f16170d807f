//! Puts the messages of one direction together, frame by frame.
//!
//! It is the same over TCP after an upgrade (RFC 6455) and over a stream of HTTP/2 (RFC 8441).

use serde::{Deserialize, Serialize};

use super::building::Building;
use super::frame::{self, Header};
use super::inflate::{InflateError, Inflater};
use super::negotiated::{Compression, Negotiated};
use super::search::{self, Begins};
use crate::exchange;
use crate::protocol::http_view::BodyBytes;
use crate::protocol::pending::{Input, Pending};
use crate::protocol::{Direction, Mark, Tally};

/// Most times that a stream is searched for a frame in vain before the rest of it is given up.
const SEARCHES_MAX: u32 = 4096;

/// The state of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reader {
    direction: Direction,
    body_bytes_max: usize,
    /// Bytes that the message under way may hold now.
    room_bytes: usize,
    decoded_bytes_max: usize,
    inflater: Option<Inflater>,
    target: Option<String>,
    subprotocol: Option<String>,
    stream_id: Option<u32>,
    pending: Pending,
    position: Position,
    frame: Option<Open>,
    /// The message under way, and the control frame within it.
    data: Option<Building>,
    control: Option<Building>,
    /// Whether a message's first frame may have been lost: its continuations say nothing.
    misses_start: bool,
    /// So many of the next frames served only to find those behind them.
    distrusted: u32,
    tally: Tally,
}

/// What is known of where frames begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
enum Position {
    /// The next byte begins a frame.
    #[default]
    Known,
    /// Some byte may begin a frame; so often one seemed to and did not.
    Lost { failures: u32 },
    /// Searched too often.
    GivenUp,
}

/// A frame whose payload is being read.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Open {
    header: Header,
    rest: u64,
    /// Whether its message's start was lost, or it may be none.
    is_skipped: bool,
}

impl Reader {
    /// At the start of what `direction` sends.
    #[must_use]
    pub fn new(direction: Direction, negotiated: &Negotiated, bytes: BodyBytes) -> Self {
        let is_known = negotiated.compression != Compression::Unknown;
        Self {
            direction,
            // What a message says is told in rows, too, and can only be inflated in a row.
            body_bytes_max: bytes.most(),
            room_bytes: usize::MAX,
            decoded_bytes_max: bytes.decoded,
            inflater: negotiated.context(direction).map(|context| Inflater::new(context, is_known)),
            target: negotiated.target.clone(),
            subprotocol: negotiated.subprotocol.clone(),
            stream_id: negotiated.stream_id,
            pending: Pending::default(),
            position: Position::default(),
            frame: None,
            data: None,
            control: None,
            misses_start: false,
            distrusted: 0,
            tally: Tally::default(),
        }
    }

    /// Takes the next bytes; messages that end in them are appended to `messages`.
    pub fn feed(&mut self, bytes: &[u8], mark: Mark, messages: &mut Vec<exchange::Message>) {
        let mut pending = std::mem::take(&mut self.pending);
        pending.feed(bytes, mark, |input| self.read(input, messages));
        self.pending = pending;
    }

    /// Bytes were never seen; 0 is an unknown number of them.
    pub fn gap(&mut self, length_bytes: u64, messages: &mut Vec<exchange::Message>) {
        self.tally.skip(self.pending.length_bytes());
        self.pending.skip(length_bytes);
        match &mut self.frame {
            Some(open) if length_bytes > 0 && length_bytes <= open.rest => {
                open.rest -= length_bytes;
                let building = if open.header.is_control() { &mut self.control } else { &mut self.data };
                if let Some(building) = building {
                    building.gap_bytes = building.gap_bytes.saturating_add(length_bytes);
                    building.wire_bytes = building.wire_bytes.saturating_add(length_bytes);
                }
            }
            _ => self.lose(length_bytes, messages),
        }
    }

    /// No more bytes will come: what is under way leaves as it is.
    pub fn close(&mut self, messages: &mut Vec<exchange::Message>) {
        self.tally.skip(self.pending.length_bytes());
        self.pending.skip(0);
        self.cut(messages);
    }

    /// From here on a message that is under way holds no more than so many bytes.
    pub fn set_room(&mut self, room_bytes: usize) {
        self.room_bytes = room_bytes;
    }

    /// Bytes of messages under way.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        [&self.data, &self.control].into_iter().flatten().map(|building| building.message.payload.len()).sum()
    }

    /// Bytes of which no message was made.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let building = [&self.data, &self.control];
        self.pending.memory_bytes()
            + self.inflater.as_ref().map_or(0, Inflater::memory_bytes)
            + building.iter().filter_map(|b| b.as_ref()).map(|b| b.message.memory_bytes()).sum::<usize>()
    }

    fn read(&mut self, input: &mut Input<'_>, messages: &mut Vec<exchange::Message>) {
        loop {
            match self.frame {
                Some(open) if open.rest == 0 => self.end_frame(open, messages),
                Some(_) if input.rest().is_empty() => return,
                Some(open) => self.payload(open, input),
                None => {
                    if !self.next_frame(input, messages) {
                        return;
                    }
                }
            }
        }
    }

    /// Finds the next frame; false if more bytes are needed.
    fn next_frame(&mut self, input: &mut Input<'_>, messages: &mut Vec<exchange::Message>) -> bool {
        match self.position {
            Position::GivenUp => {
                self.skip(input, usize::MAX);
                return false;
            }
            Position::Known => {}
            Position::Lost { failures } => {
                match search::begins_here(self.direction, self.inflater.is_some(), input.rest()) {
                    None => return false,
                    Some(Begins::Frames { distrusted }) => {
                        self.position = Position::Known;
                        self.distrusted = distrusted;
                    }
                    Some(Begins::No) => {
                        self.search(failures, input);
                        return true;
                    }
                }
            }
        }
        let first = input.next_mark();
        match frame::header(input.rest()) {
            Ok(None) => return false,
            Err(frame::Malformed) => self.lose(0, messages),
            Ok(Some((header, length))) => {
                input.advance(length);
                self.begin_frame(header, length, first, input.last_mark(), messages);
            }
        }
        true
    }

    fn begin_frame(
        &mut self,
        header: Header,
        length: usize,
        first: Mark,
        last: Mark,
        messages: &mut Vec<exchange::Message>,
    ) {
        let is_control = header.is_control();
        let begins = is_control || header.opcode != frame::opcode::CONTINUATION;
        let is_distrusted = self.distrusted > 0;
        self.distrusted = self.distrusted.saturating_sub(1);
        let is_skipped = is_distrusted || !begins && self.data.is_none() && self.misses_start;
        self.frame = Some(Open { header, rest: header.payload_bytes, is_skipped });
        if is_skipped {
            self.tally.skip(count(length));
            return;
        }
        if begins && !is_control {
            // RFC 6455 §5.4 forbids to begin a message within another.
            self.misses_start = false;
            let unfinished = self.data.take();
            self.leave(unfinished, messages);
        }
        let (target, subprotocol, stream_id) = (&self.target, &self.subprotocol, self.stream_id);
        let new = || Building::new(header, first, target.clone(), subprotocol.clone(), stream_id);
        let building = if is_control { &mut self.control } else { &mut self.data }.get_or_insert_with(new);
        building.add(&header, length, last);
    }

    fn payload(&mut self, open: Open, input: &mut Input<'_>) {
        let available = usize::try_from(open.rest).unwrap_or(usize::MAX).min(input.rest().len());
        let offset = open.header.payload_bytes.saturating_sub(open.rest);
        let part = input.advance(available);
        if let Some(open) = &mut self.frame {
            open.rest = open.rest.saturating_sub(count(part.len()));
        }
        if open.is_skipped {
            self.tally.skip(count(part.len()));
            return;
        }
        let limit = self.body_bytes_max.min(self.room_bytes);
        let building = if open.header.is_control() { &mut self.control } else { &mut self.data };
        if let Some(building) = building {
            building.take(part, open.header.mask, offset, limit, input.last_mark());
        }
    }

    fn end_frame(&mut self, open: Open, messages: &mut Vec<exchange::Message>) {
        self.frame = None;
        if open.is_skipped || !(open.header.fin || open.header.is_control()) {
            return;
        }
        let ended = if open.header.is_control() { self.control.take() } else { self.data.take() };
        if let Some(mut ended) = ended {
            ended.message.is_complete = true;
            self.leave(Some(ended), messages);
        }
    }

    /// A message leaves, decompressed.
    fn leave(&mut self, building: Option<Building>, messages: &mut Vec<exchange::Message>) {
        let Some(mut building) = building else { return };
        let message = &mut building.message;
        if message.is_compressed {
            let is_whole = message.is_complete && !message.is_truncated && building.gap_bytes == 0;
            match &mut self.inflater {
                None => message.error = Some(InflateError::NotNegotiated),
                Some(inflater) if !is_whole => {
                    inflater.lose();
                    message.error = Some(InflateError::Incomplete);
                }
                Some(inflater) => message.inflate(inflater, self.decoded_bytes_max, self.body_bytes_max),
            }
        }
        messages.push(building.message());
    }

    /// What is under way was cut off.
    fn cut(&mut self, messages: &mut Vec<exchange::Message>) {
        let (data, control) = (self.data.take(), self.control.take());
        self.frame = None;
        self.leave(control, messages);
        self.leave(data, messages);
    }

    /// Where frames begin is not known any more.
    fn lose(&mut self, gap_bytes: u64, messages: &mut Vec<exchange::Message>) {
        for building in [&mut self.data, &mut self.control].into_iter().flatten() {
            building.gap_bytes = building.gap_bytes.saturating_add(gap_bytes.max(1));
            building.wire_bytes = building.wire_bytes.saturating_add(gap_bytes.max(1));
        }
        self.cut(messages);
        self.misses_start = true;
        self.distrusted = 0;
        if let Some(inflater) = &mut self.inflater {
            inflater.lose();
        }
        if self.position == Position::Known {
            self.position = Position::Lost { failures: 0 };
        }
    }

    /// Skips to the next byte that may begin a frame.
    fn search(&mut self, failures: u32, input: &mut Input<'_>) {
        let rest = input.rest();
        let direction = self.direction;
        let is_sound = |rest: &[u8]| match frame::header(rest) {
            Ok(Some((header, _))) => header.is_sound(direction),
            _ => false,
        };
        if is_sound(rest) {
            self.position = match failures {
                0..SEARCHES_MAX => Position::Lost { failures: failures + 1 },
                _ => Position::GivenUp,
            };
        }
        let may_begin = |&at: &usize| {
            rest.get(at..)
                .is_some_and(|rest| frame::may_begin(direction, rest) && frame::header(rest).is_ok())
        };
        let next = (1..rest.len()).find(may_begin).unwrap_or(rest.len());
        self.skip(input, next);
    }

    fn skip(&mut self, input: &mut Input<'_>, length: usize) {
        self.tally.skip(count(input.advance(length).len()));
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
