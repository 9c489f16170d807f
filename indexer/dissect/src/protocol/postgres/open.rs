//! A request under way, and the answer to it as far as it came.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::exchange::Message;
use crate::protocol::postgres::message::{Copy, CopyEnd, Format, Operation, Request, Response};
use crate::protocol::postgres::result::{Column, ResultEnd, StatementResult};
use crate::protocol::unit::Unit;
use crate::protocol::{Content, Mark};

/// Bytes of a message's header; part of what it is on the wire.
const HEADER_BYTES: u64 = 5;

/// Where a message's bytes were.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Place {
    first: Mark,
    last: Mark,
    wire_bytes: u64,
    gap_bytes: u64,
    truncated: bool,
}

impl Place {
    /// The place of a message with a type byte.
    #[must_use]
    pub fn of(unit: &Unit) -> Self {
        Self::with_header(unit, HEADER_BYTES)
    }

    /// The place of a message whose header is so long.
    #[must_use]
    pub fn with_header(unit: &Unit, header_bytes: u64) -> Self {
        Self {
            first: unit.first,
            last: unit.last,
            wire_bytes: unit.length_bytes.saturating_add(header_bytes),
            gap_bytes: unit.gap_bytes,
            truncated: false,
        }
    }

    /// A place where no byte was yet.
    #[must_use]
    pub fn empty(unit: &Unit) -> Self {
        Self { first: unit.first, last: unit.last, wire_bytes: 0, gap_bytes: 0, truncated: false }
    }

    /// Bytes that were seen.
    #[must_use]
    pub fn seen_bytes(&self) -> u64 {
        self.wire_bytes.saturating_sub(self.gap_bytes)
    }

    /// Another message of the same request or response.
    pub fn extend(&mut self, unit: &Unit) {
        self.last = unit.last;
        self.wire_bytes = self.wire_bytes.saturating_add(unit.length_bytes).saturating_add(HEADER_BYTES);
        self.gap_bytes = self.gap_bytes.saturating_add(unit.gap_bytes);
    }

    /// A limit cut what is kept.
    pub fn cut(&mut self, is_cut: bool) {
        self.truncated |= is_cut;
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

/// What the server will answer to, one message of the extended query protocol each.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Step {
    /// ParseComplete.
    Parse,
    /// BindComplete.
    Bind,
    /// ParameterDescription, then RowDescription or NoData; of this statement.
    DescribeStatement(String, Option<u64>),
    /// RowDescription or NoData.
    DescribePortal,
    /// Rows, then CommandComplete, EmptyQueryResponse or PortalSuspended.
    Execute,
    /// CloseComplete.
    Close,
}

/// A request under way.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Open {
    /// Where its bytes were.
    pub place: Place,
    /// What it says.
    pub request: Request,
    /// What the server has not answered to yet.
    pub steps: VecDeque<Step>,
    /// Whether more of its messages may come.
    pub building: bool,
    /// The columns that an Execute without a Describe will have, as a Describe before it told.
    pub columns_of: Option<(String, u64)>,
    /// Those columns, if they were told before the Bind.
    pub columns: Vec<Column>,
    /// The formats in which columns were asked for.
    pub formats: Vec<Format>,
    /// What the server answered so far.
    pub answer: Option<Answer>,
}

impl Open {
    /// A request that begins.
    #[must_use]
    pub fn new(place: Place, request: Request) -> Self {
        Self {
            place,
            request,
            steps: VecDeque::new(),
            building: false,
            columns_of: None,
            columns: Vec::new(),
            formats: Vec::new(),
            answer: None,
        }
    }

    /// Whether ReadyForQuery ends it, rather than a Sync behind it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !matches!(self.request.operation, Operation::Execute | Operation::Prepare)
    }

    /// Whether the server said all that it says to it.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        !self.is_whole() && !self.building && self.steps.is_empty() && self.answer.is_some()
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.request.memory_bytes()
            + self.answer.as_ref().map_or(0, Answer::memory_bytes)
            + self.steps.capacity() * size_of::<Step>()
    }
}

/// An answer as far as it came.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Answer {
    /// Where its bytes were.
    pub place: Place,
    /// What it says, without the result under way.
    pub response: Response,
    result: Option<StatementResult>,
    body_bytes: usize,
}

impl Answer {
    /// An answer that begins.
    #[must_use]
    pub fn new(place: Place) -> Self {
        Self { place, response: Response::default(), result: None, body_bytes: 0 }
    }

    /// A RowDescription.
    pub fn columns(&mut self, columns: Vec<Column>) {
        self.end_result(ResultEnd::Open);
        self.result.get_or_insert_default().columns = columns;
    }

    /// The columns of rows that come without their description.
    pub fn known_columns(&mut self, columns: &[Column]) {
        let result = self.result.get_or_insert_default();
        if result.columns.is_empty() {
            result.columns = columns.to_vec();
        }
    }

    /// The result under way ends with this command tag.
    pub fn complete(&mut self, tag: String) {
        self.result.get_or_insert_default().tag = tag;
        self.end_result(ResultEnd::Complete);
    }

    /// The result under way, if any, ends.
    pub fn end_result(&mut self, end: ResultEnd) {
        if matches!(end, ResultEnd::Suspended | ResultEnd::Empty) {
            self.result.get_or_insert_default();
        }
        let Some(result) = self.result.take() else { return };
        if self.response.results.len() < Response::RESULTS_MAX {
            self.response.results.push(StatementResult { end, ..result });
        } else {
            self.response.left_out = self.response.left_out.saturating_add(1);
            self.place.truncated = true;
        }
    }

    /// Takes a DataRow.
    pub fn row(&mut self, unit: &Unit, body_bytes_max: usize) {
        let room = body_bytes_max.saturating_sub(self.body_bytes);
        // A row is kept whole or not at all, so that rows can lie one after the other.
        let fits = !unit.is_cut() && unit.kept.len() <= room;
        let rows = &mut self.result.get_or_insert_default().rows;
        rows.count = rows.count.saturating_add(1);
        if fits && !rows.truncated {
            rows.bytes.extend_from_slice(&unit.kept);
            self.body_bytes += unit.kept.len();
        } else {
            rows.truncated = true;
            self.place.truncated |= unit.gap_bytes == 0;
        }
    }

    /// Takes a CopyData.
    pub fn copy_data(&mut self, unit: &Unit, body_bytes_max: usize) {
        let room = body_bytes_max.saturating_sub(self.body_bytes);
        let copy = self.result.get_or_insert_default().copy.get_or_insert_default();
        self.body_bytes += copy.push(unit, room);
        self.place.truncated |= copy.truncated;
    }

    /// A CopyOutResponse or CopyBothResponse, or the end of the data.
    pub fn copy_end(&mut self, end: CopyEnd) {
        self.result.get_or_insert_default().copy.get_or_insert_default().end = end;
    }

    /// Adds to a list of the response that has a limit.
    pub fn add<T>(&mut self, list: impl FnOnce(&mut Response) -> &mut Vec<T>, item: T) {
        let list = list(&mut self.response);
        if list.len() < Response::LIST_MAX {
            list.push(item);
        } else {
            self.response.left_out = self.response.left_out.saturating_add(1);
            self.place.truncated = true;
        }
    }

    /// The message that it is.
    #[must_use]
    pub fn message(mut self, complete: bool) -> Message {
        self.end_result(ResultEnd::Open);
        self.response.complete = complete;
        self.place.message(Content::PostgresResponse(Box::new(self.response)))
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let result = self.result.as_ref().map_or(0, StatementResult::memory_bytes);
        size_of::<Self>() + self.response.memory_bytes() + result
    }
}

impl Copy {
    /// Takes a CopyData; how many bytes were kept.
    pub(super) fn push(&mut self, unit: &Unit, room: usize) -> usize {
        self.messages = self.messages.saturating_add(1);
        self.length_bytes = self.length_bytes.saturating_add(unit.length_bytes);
        if self.truncated {
            return 0;
        }
        let kept = unit.kept.get(..room).unwrap_or(&unit.kept);
        self.data.extend_from_slice(kept);
        self.truncated = unit.is_cut() || kept.len() < unit.kept.len();
        kept.len()
    }
}
