//! An exchange under way: two halves, and the 1xx responses between them.

use serde::{Deserialize, Serialize};

use crate::exchange::Message;
use crate::protocol::http_view::{BodyView, Fields, RequestView};
use crate::protocol::http1::count;
use crate::protocol::http1::event::{Head, Line, Tail};
use crate::protocol::http1::frame::HEAD_BYTES_MAX;
use crate::protocol::http1::framing::Method;
use crate::protocol::http1::message::{Body, Headers, Interim, Oddities, Request, Response};
use crate::protocol::{Content, Direction, Mark, Pair};

/// Most 1xx responses kept of one exchange; a server that sends more keeps a connection alive with them.
const INTERIM_MAX: usize = 16;

/// One exchange under way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Slot {
    method: Method,
    /// When the request began, as far as it was seen.
    start: Option<Mark>,
    request: Half,
    response: Half,
    interim: Vec<Interim>,
    memory_bytes: usize,
}

/// One half of an exchange.
#[derive(Debug, Serialize, Deserialize)]
enum Half {
    /// Nothing of it came yet.
    Awaited,
    /// Its head came.
    Open(Box<Opened>),
    /// It is whole, or as whole as it will be.
    Done(Box<Message>),
    /// It will not come any more.
    Missing,
}

#[derive(Debug, Serialize, Deserialize)]
struct Opened {
    head: Head,
    oddities: Oddities,
}

impl Slot {
    /// A request of which the head came.
    pub(super) fn with_request(method: Method, head: Head, oddities: Oddities) -> Self {
        let start = Some(head.first);
        let request = Half::Open(Box::new(Opened { head, oddities }));
        Self { method, start, request, response: Half::Awaited, interim: Vec::new(), memory_bytes: 0 }
    }

    /// For a response that nobody was seen to ask for.
    pub(super) fn without_request() -> Self {
        Self {
            method: Method::Other,
            start: None,
            request: Half::Missing,
            response: Half::Awaited,
            interim: Vec::new(),
            memory_bytes: 0,
        }
    }

    /// Whether a response may still be for this exchange.
    pub(super) fn waits(&self) -> bool {
        matches!(self.response, Half::Awaited)
    }

    /// Whether the request, as far as it was seen, began before `response` did.
    pub(super) fn began_before(&self, response: &Head) -> bool {
        self.start.is_none_or(|start| start.timestamp <= response.first.timestamp)
    }

    /// What was asked, as far as that decides how the response ends.
    pub(super) fn method(&self) -> Method {
        self.method
    }

    /// The request, if it is whole.
    pub(super) fn request(&self) -> Option<&Message> {
        match &self.request {
            Half::Done(message) => Some(message),
            _ => None,
        }
    }

    /// The fields of the response, if its head came.
    pub(super) fn response_headers(&self) -> Option<&Headers> {
        match &self.response {
            Half::Open(opened) => Some(&opened.head.headers),
            Half::Done(message) => match &message.content {
                Content::Http1Response(response) => Some(&response.headers),
                _ => None,
            },
            _ => None,
        }
    }

    /// The request, as far as it is there.
    pub(super) fn request_view(&self) -> Option<RequestView<'_>> {
        match &self.request {
            Half::Open(opened) => {
                let Line::Request { method, target, .. } = &opened.head.line else { return None };
                let headers = Fields::Http1(&opened.head.headers);
                Some(RequestView { method, target, headers, body: BodyView::default() })
            }
            Half::Done(message) => match &message.content {
                Content::Http1Request(request) => Some(request.into()),
                _ => None,
            },
            Half::Awaited | Half::Missing => None,
        }
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.memory_bytes
    }

    /// If no response has begun, none will.
    pub(super) fn give_up(&mut self) {
        if self.waits() {
            self.response = Half::Missing;
        }
    }

    /// The head of the final response came.
    pub(super) fn open_response(&mut self, head: Head, oddities: Oddities) {
        self.response = Half::Open(Box::new(Opened { head, oddities }));
    }

    pub(super) fn has_open_request(&self) -> bool {
        matches!(self.request, Half::Open(_))
    }

    pub(super) fn has_open_response(&self) -> bool {
        matches!(self.response, Half::Open(_))
    }

    pub(super) fn end_request(&mut self, tail: Tail) {
        self.request.end(tail, Vec::new());
        self.memory_bytes = self.memory_bytes.saturating_add(self.request.memory_bytes());
    }

    pub(super) fn end_response(&mut self, tail: Tail) {
        self.response.end(tail, std::mem::take(&mut self.interim));
        self.memory_bytes = self.memory_bytes.saturating_add(self.response.memory_bytes());
    }

    /// Whether nothing more can come.
    pub(super) fn is_done(&self) -> bool {
        let over = |half: &Half| matches!(half, Half::Done(_) | Half::Missing);
        over(&self.request) && over(&self.response)
    }

    /// Keeps a 1xx response.
    pub(super) fn keep_interim(&mut self, head: Head) {
        let Line::Status { version, status, reason } = head.line else { return };
        if self.interim.len() >= INTERIM_MAX {
            return;
        }
        self.memory_bytes = self.memory_bytes.saturating_add(head.headers.memory_bytes());
        self.interim.push(Interim {
            status,
            reason,
            version,
            headers: head.headers,
            first: head.first,
            last: head.last,
            wire_bytes: head.wire_bytes,
        });
    }

    /// The exchange as it is; nothing if neither half was seen.
    pub(super) fn leave(mut self, pairs: &mut Vec<Pair>) {
        let request = self.request.message();
        // An exchange that got as far as a 1xx response was answered that much.
        let response = self.response.message().or_else(|| last_interim(std::mem::take(&mut self.interim)));
        if request.is_some() || response.is_some() {
            pairs.push(Pair { request_direction: Direction::ToServer, request, response });
        }
    }
}

impl Half {
    /// A half whose head came is done with its `tail`.
    fn end(&mut self, tail: Tail, interim: Vec<Interim>) {
        if let Self::Open(opened) = std::mem::replace(self, Self::Missing) {
            *self = Self::Done(Box::new(message(*opened, tail, interim)));
        }
    }

    fn message(self) -> Option<Message> {
        match self {
            Self::Done(message) => Some(*message),
            Self::Awaited | Self::Open(_) | Self::Missing => None,
        }
    }

    fn memory_bytes(&self) -> usize {
        let Self::Done(message) = self else { return 0 };
        let (headers, body) = match &message.content {
            Content::Http1Request(request) => (&request.headers, &request.body),
            Content::Http1Response(response) => (&response.headers, &response.body),
            _ => return 0,
        };
        headers.memory_bytes() + body.bytes.capacity() + body.trailers.memory_bytes()
    }
}

/// The response that stands in where a final one never came.
fn last_interim(mut interim: Vec<Interim>) -> Option<Message> {
    let last = interim.pop()?;
    let head = Head {
        line: Line::Status { version: last.version, status: last.status, reason: last.reason },
        headers: last.headers,
        first: last.first,
        last: last.last,
        wire_bytes: last.wire_bytes,
        cut: false,
        after_gap: false,
    };
    let tail = Tail {
        body: Body { complete: true, ..Body::default() },
        last: last.last,
        wire_bytes: last.wire_bytes,
        gap_bytes: 0,
    };
    Some(message(Opened { head, oddities: Oddities::default() }, tail, interim))
}

fn message(opened: Opened, tail: Tail, interim: Vec<Interim>) -> Message {
    let Opened { head, oddities } = opened;
    let truncated = tail.body.truncated || (head.cut && head.wire_bytes >= count(HEAD_BYTES_MAX));
    let (headers, body) = (head.headers, tail.body);
    let content = match head.line {
        Line::Request { method, target, version } => {
            Content::Http1Request(Request { method, target, version, headers, body, oddities })
        }
        Line::Status { version, status, reason } => {
            Content::Http1Response(Response { status, reason, version, headers, body, interim, oddities })
        }
    };
    Message {
        start: head.first.timestamp,
        end: tail.last.timestamp,
        first: head.first.packet,
        last: tail.last.packet,
        wire_bytes: tail.wire_bytes,
        gap_bytes: tail.gap_bytes,
        truncated,
        content,
    }
}
