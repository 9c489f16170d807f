//! A command under way, and the answer to it as far as it came.

use serde::{Deserialize, Serialize};

use crate::exchange::Message;
use crate::protocol::mysql::message::{QueryResult, Request, Response};
use crate::protocol::unit::Unit;
use crate::protocol::{Content, Direction, Mark, Pair};

/// Bytes of a packet's header; part of what it is on the wire.
const HEADER_BYTES: u64 = 4;

/// Where a message's bytes were.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Place {
    first: Mark,
    last: Mark,
    wire_bytes: u64,
    gap_bytes: u64,
    /// Whether a limit cut what is kept.
    pub truncated: bool,
}

impl Place {
    /// The place of the message that `packet` begins.
    #[must_use]
    pub fn of(packet: &Unit) -> Self {
        let mut place =
            Self { first: packet.first, last: packet.last, wire_bytes: 0, gap_bytes: 0, truncated: false };
        place.extend(packet);
        place
    }

    /// Another packet of the same message.
    pub fn extend(&mut self, packet: &Unit) {
        // Each 16 MiB have a header of their own.
        let headers = packet.length_bytes / u64::from(super::frame::PACKET_BYTES_MAX) + 1;
        self.last = packet.last;
        self.wire_bytes = self.wire_bytes.saturating_add(packet.length_bytes + headers * HEADER_BYTES);
        self.gap_bytes = self.gap_bytes.saturating_add(packet.gap_bytes);
    }

    /// Bytes that were seen.
    #[must_use]
    pub fn seen_bytes(&self) -> u64 {
        self.wire_bytes.saturating_sub(self.gap_bytes)
    }

    /// A message here.
    #[must_use]
    pub fn message(&self, content: Content) -> Message {
        Message {
            start: self.first.timestamp,
            end: self.last.timestamp,
            first: self.first.packet,
            last: self.last.packet,
            wire_bytes: self.wire_bytes,
            gap_bytes: self.gap_bytes,
            truncated: self.truncated,
            content,
        }
    }
}

/// What the next packet of the server is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Stage {
    /// Whether the client may come in, or what else it must prove.
    Login,
    /// The first of a result.
    First,
    /// One of so many columns.
    Columns(u64),
    /// The EOF behind the columns, or the first row where there is none.
    ColumnsEnd,
    /// A row, or the end of them.
    Rows,
    /// The first packet about a prepared statement.
    Prepared,
    /// One of so many parameters, then of so many columns.
    Parameters(u16, u16),
    /// The EOF behind the parameters, and so many columns.
    ParametersEnd(u16),
    /// One of so many columns.
    PreparedColumns(u16),
    /// The EOF behind the columns.
    PreparedColumnsEnd,
    /// Columns of a table, or the end of them.
    Fields,
    /// A line of text.
    Text,
    /// The client sends a file.
    File,
    /// Events of the binary log, without end.
    Events,
    /// Nothing.
    Done,
}

/// A command under way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Open {
    /// Where its bytes were.
    pub place: Place,
    /// What it says.
    pub request: Request,
    /// What the server says next.
    pub stage: Stage,
    /// The number that the next packet of either side has.
    pub number: u8,
    /// The columns of rows that come without them.
    pub columns: Vec<super::message::Column>,
    /// What the server answered so far.
    pub answer: Option<Answer>,
}

impl Open {
    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(super::message::Column::memory_bytes).sum();
        let answer = self.answer.as_ref().map_or(0, Answer::memory_bytes);
        size_of::<Self>() + self.request.memory_bytes() + columns + answer
    }

    /// Both messages, the second one only if there is one.
    #[must_use]
    pub fn pair(self, complete: bool) -> Pair {
        let Self { place, request, answer, .. } = self;
        let response = answer.map(|answer| answer.message(complete));
        let request = Some(place.message(Content::MysqlRequest(Box::new(request))));
        Pair { request_direction: Direction::ToServer, request, response }
    }
}

/// An answer as far as it came.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Where its bytes were.
    pub place: Place,
    /// What it says, without the result under way.
    pub response: Response,
    /// The result under way.
    pub result: Option<QueryResult>,
    body_bytes: usize,
}

impl Answer {
    /// An answer that `packet` begins.
    #[must_use]
    pub fn new(packet: &Unit) -> Self {
        Self { place: Place::of(packet), response: Response::default(), result: None, body_bytes: 0 }
    }

    /// The result under way.
    pub fn result(&mut self) -> &mut QueryResult {
        self.result.get_or_insert_default()
    }

    /// The result under way ends.
    pub fn end_result(&mut self) {
        let Some(result) = self.result.take() else { return };
        if self.response.results.len() < Response::RESULTS_MAX {
            self.response.results.push(result);
        } else {
            self.response.left_out = self.response.left_out.saturating_add(1);
            self.place.truncated = true;
        }
    }

    /// Takes a row.
    pub fn row(&mut self, packet: &Unit, body_bytes_max: usize) {
        let room = body_bytes_max.saturating_sub(self.body_bytes);
        let length = u32::try_from(packet.kept.len()).unwrap_or(u32::MAX);
        // A row is kept whole or not at all, so that rows can lie one after the other.
        let fits = !packet.is_cut() && packet.kept.len().saturating_add(4) <= room;
        let rows = &mut self.result.get_or_insert_default().rows;
        rows.count = rows.count.saturating_add(1);
        if fits && !rows.truncated {
            rows.bytes.extend_from_slice(&length.to_le_bytes());
            rows.bytes.extend_from_slice(&packet.kept);
            self.body_bytes += packet.kept.len() + 4;
        } else {
            rows.truncated = true;
            self.place.truncated |= packet.gap_bytes == 0;
        }
    }

    /// The message that it is.
    #[must_use]
    pub fn message(mut self, complete: bool) -> Message {
        self.end_result();
        self.response.complete = complete;
        self.place.message(Content::MysqlResponse(Box::new(self.response)))
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let result = self.result.as_ref().map_or(0, QueryResult::memory_bytes);
        size_of::<Self>() + self.response.memory_bytes() + result
    }
}
