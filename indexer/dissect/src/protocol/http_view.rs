//! What the protocols inside HTTP see of a message, whichever version carried it.
//!
//! gRPC and GraphQL are interpretations of HTTP messages: they ask for a head, a body and trailers, and don't
//! care whether those came in lines or in frames. A view borrows all of it.

use serde::{Deserialize, Serialize};

use crate::limits::Limits;
use crate::protocol::content_encoding::{self, Decoded};
use crate::protocol::http1::message::{BodyGap, Headers};
use crate::protocol::http2::headers::HeaderList;
use crate::protocol::{graphql, grpc, http1, http2};

/// Field lines in order. What HPACK left unknown is passed over; pseudo-headers are among the lines of HTTP/2.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Fields<'a> {
    /// There are none.
    #[default]
    Nothing,
    /// As lines.
    Http1(&'a Headers),
    /// As a list.
    Http2(&'a HeaderList),
}

impl<'a> Fields<'a> {
    /// Names and values, in order.
    pub fn iter(self) -> Box<dyn Iterator<Item = (&'a [u8], &'a [u8])> + 'a> {
        match self {
            Self::Nothing => Box::new(std::iter::empty()),
            Self::Http1(headers) => Box::new(headers.iter()),
            Self::Http2(list) => {
                Box::new(list.iter().filter_map(|header| Some((header.name.known()?, header.value.known()?))))
            }
        }
    }

    /// Every value of the field `name`, in order.
    pub fn values(self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// The first value of the field `name`.
    #[must_use]
    pub fn value(self, name: &str) -> Option<&'a [u8]> {
        match self {
            Self::Nothing => None,
            Self::Http1(headers) => headers.value(name),
            Self::Http2(list) => list.value(name),
        }
    }

    /// Whether the head that they are of was never seen.
    #[must_use]
    pub fn is_missing(self) -> bool {
        match self {
            Self::Nothing | Self::Http1(_) => false,
            Self::Http2(list) => list.cut && list.is_empty(),
        }
    }

    /// Whether every line is here and known.
    #[must_use]
    pub fn is_whole(self) -> bool {
        match self {
            Self::Nothing | Self::Http1(_) => true,
            Self::Http2(list) => list.is_whole(),
        }
    }
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct RequestView<'a> {
    /// As sent; empty where it is not known.
    pub method: &'a [u8],
    /// Path and query, as sent; empty where it is not known.
    pub target: &'a [u8],
    /// Fields of the head.
    pub headers: Fields<'a>,
    /// What followed the head.
    pub body: BodyView<'a>,
}

/// A response.
#[derive(Clone, Copy, Debug)]
pub struct ResponseView<'a> {
    /// Fields of the head.
    pub headers: Fields<'a>,
    /// What followed the head.
    pub body: BodyView<'a>,
}

/// A body without its transfer framing; `Default` is one that is still to come.
#[derive(Clone, Copy, Debug, Default)]
pub struct BodyView<'a> {
    /// The first bytes that were seen; bytes of gaps are left out.
    pub bytes: &'a [u8],
    /// How many there were, known gaps and bytes beyond the limit counted in.
    pub length_bytes: u64,
    /// Where bytes were never seen, in order; a length of 0 is not known.
    pub gaps: &'a [BodyGap],
    /// Whether its end was reached.
    pub complete: bool,
    /// Fields after the body.
    pub trailers: Fields<'a>,
}

impl<'a> From<&'a http1::message::Request> for RequestView<'a> {
    fn from(request: &'a http1::message::Request) -> Self {
        Self {
            method: &request.method,
            target: &request.target,
            headers: Fields::Http1(&request.headers),
            body: (&request.body).into(),
        }
    }
}

impl<'a> From<&'a http1::message::Response> for ResponseView<'a> {
    fn from(response: &'a http1::message::Response) -> Self {
        Self { headers: Fields::Http1(&response.headers), body: (&response.body).into() }
    }
}

impl<'a> From<&'a http1::message::Body> for BodyView<'a> {
    fn from(body: &'a http1::message::Body) -> Self {
        Self {
            bytes: &body.bytes,
            length_bytes: body.length_bytes,
            gaps: &body.gaps,
            complete: body.complete,
            trailers: Fields::Http1(&body.trailers),
        }
    }
}

impl<'a> From<&'a http2::message::Request> for RequestView<'a> {
    fn from(request: &'a http2::message::Request) -> Self {
        Self {
            method: request.method().unwrap_or_default(),
            target: request.path().unwrap_or_default(),
            headers: Fields::Http2(&request.headers),
            body: http2_body(&request.body, request.end, &request.trailers),
        }
    }
}

impl<'a> From<&'a http2::message::Response> for ResponseView<'a> {
    fn from(response: &'a http2::message::Response) -> Self {
        Self {
            headers: Fields::Http2(&response.headers),
            body: http2_body(&response.body, response.end, &response.trailers),
        }
    }
}

fn http2_body<'a>(
    body: &'a http2::message::Body,
    end: http2::message::End,
    trailers: &'a HeaderList,
) -> BodyView<'a> {
    BodyView {
        bytes: &body.bytes,
        length_bytes: body.length_bytes,
        gaps: &body.gaps,
        complete: end == http2::message::End::Complete,
        trailers: Fields::Http2(trailers),
    }
}

impl<'a> BodyView<'a> {
    /// The bytes before the first hole.
    #[must_use]
    pub fn before_gaps(&self) -> &'a [u8] {
        let end = self.gaps.first().and_then(|gap| usize::try_from(gap.offset_bytes).ok());
        end.and_then(|end| self.bytes.get(..end)).unwrap_or(self.bytes)
    }

    /// Whether every byte of the body is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.complete
            && self.gaps.is_empty()
            && u64::try_from(self.bytes.len()).is_ok_and(|seen| seen == self.length_bytes)
    }

    /// The body without its codings, up to the first hole.
    #[must_use]
    pub fn decoded(&self, headers: Fields<'_>, decoded_bytes_max: usize) -> Decoded {
        let codings: Vec<&[u8]> = codings(headers).collect();
        content_encoding::decode(&codings, self.before_gaps(), decoded_bytes_max)
    }
}

/// The codings of a body, in the order in which they were applied.
pub fn codings<'a>(headers: Fields<'a>) -> impl Iterator<Item = &'a [u8]> {
    let lists = headers.values("content-encoding").chain(headers.values("transfer-encoding"));
    lists.flat_map(|value| value.split(|&byte| byte == b',')).map(<[u8]>::trim_ascii)
}

/// The media type without its parameters, as it was sent.
#[must_use]
pub fn media_type<'a>(headers: Fields<'a>) -> &'a [u8] {
    let value = headers.value("content-type").unwrap_or_default();
    value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii()
}

/// How many bytes of bodies to keep.
///
/// Where an interpretation needs a body to say what a row says, as much is kept of it as when all bodies are:
/// so an entry says the same in a list and opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BodyBytes {
    /// Of each body.
    pub every: usize,
    /// Of one that may hold gRPC or GraphQL.
    pub interpreted: usize,
    /// That decompressing a message of a WebSocket may produce.
    pub decoded: usize,
}

impl BodyBytes {
    /// Of any body.
    #[must_use]
    pub fn most(self) -> usize {
        self.every.max(self.interpreted)
    }

    /// Of a request's body, when its head came.
    #[must_use]
    pub fn of_request(self, target: &[u8], headers: Fields<'_>) -> usize {
        if grpc::may_be(headers) || graphql::may_be_request(target, headers) {
            self.interpreted
        } else {
            self.every
        }
    }

    /// Of a response's body, when its head came; `request` is what it answers, as far as that was seen.
    #[must_use]
    pub fn of_response(self, request: Option<RequestView<'_>>, headers: Fields<'_>) -> usize {
        if grpc::may_be(headers) || graphql::may_be_response(request, headers) {
            self.interpreted
        } else {
            self.every
        }
    }
}

impl From<&Limits> for BodyBytes {
    fn from(limits: &Limits) -> Self {
        let every = limits.body_bytes_max;
        Self {
            every,
            interpreted: every.max(limits.interpreted_bytes_max),
            decoded: limits.decoded_bytes_max,
        }
    }
}

impl From<usize> for BodyBytes {
    fn from(bytes: usize) -> Self {
        Self { every: bytes, interpreted: bytes, decoded: bytes.saturating_mul(8) }
    }
}
