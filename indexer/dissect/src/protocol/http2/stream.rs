//! A stream under way: a request, its response, and the 1xx responses between them.

use serde::{Deserialize, Serialize};

use super::event::{Block, Piece};
use super::headers::HeaderList;
use super::message::{End, Interim, Origin, Request, Reset, Response};
use super::part::Part;
use super::tunnel::{self, Early, Tunnel};
use super::weight::{Room, Weight};
use crate::protocol::http_view::{BodyBytes, BodyView, Fields, RequestView};
use crate::protocol::{Content, Direction, Pair, Tally};

/// Most 1xx responses kept of one exchange; a server that sends more keeps a connection alive with them.
const INTERIM_MAX: usize = 16;

/// Which message of a stream something belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    Request,
    Response,
}

impl Role {
    /// The way that it sends, where requests go in `asks`.
    pub(super) fn direction(self, asks: Direction) -> Direction {
        match self {
            Self::Request => asks,
            Self::Response => asks.opposite(),
        }
    }
}

/// One stream.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stream {
    id: u32,
    origin: Origin,
    request: Option<Part>,
    response: Option<Part>,
    interim: Vec<Interim>,
    reset: Option<Reset>,
    /// Of a request for a WebSocket that is not answered.
    early: Option<Box<Early>>,
    /// The WebSocket, once it was granted; the exchange that made it has left.
    tunnel: Option<Box<Tunnel>>,
}

impl Stream {
    pub(super) fn new(id: u32, origin: Origin) -> Self {
        Self {
            id,
            origin,
            request: None,
            response: None,
            interim: Vec::new(),
            reset: None,
            early: None,
            tunnel: None,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn is_pushed(&self) -> bool {
        matches!(self.origin, Origin::Pushed { .. })
    }

    pub(super) fn part(&mut self, role: Role) -> &mut Option<Part> {
        match role {
            Role::Request => &mut self.request,
            Role::Response => &mut self.response,
        }
    }

    pub(super) fn has_request(&self) -> bool {
        self.request.is_some() || self.tunnel.is_some()
    }

    /// Whether what `role` says was seen to begin.
    pub(super) fn has_begun(&self, role: Role) -> bool {
        let part = match role {
            Role::Request => &self.request,
            Role::Response => &self.response,
        };
        part.is_some() || self.tunnel.is_some()
    }

    /// The message of `role` may have lost something in a gap; `asks` is the way that requests go.
    pub(super) fn may_have_lost(&mut self, role: Role, asks: Direction, pairs: &mut Vec<Pair>) {
        if let Some(tunnel) = &mut self.tunnel {
            tunnel.may_have_lost(role, role.direction(asks), pairs);
            return;
        }
        let mut last = None;
        if let Some(part) = self.part(role).as_mut().filter(|part| !part.is_over()) {
            part.push_gap(0);
            last = Some(part.last);
        }
        if let (Some(mark), Role::Request, Some(early)) = (last, role, &mut self.early) {
            early.may_have_lost(mark);
        }
    }

    /// Takes a part of a DATA frame; `body_bytes` is what to keep of a body whose head was never seen, `room` how
    /// much there is room for.
    pub(super) fn take_piece(
        &mut self,
        role: Role,
        piece: &Piece<'_>,
        body_bytes: usize,
        room: Room,
        asks: Direction,
        pairs: &mut Vec<Pair>,
    ) {
        if let Some(tunnel) = &mut self.tunnel {
            let room_bytes = room.messages.saturating_add(tunnel.held_bytes(role));
            tunnel.take(role, piece, room_bytes, role.direction(asks), pairs);
            return;
        }
        let part = self.part(role).get_or_insert_with(|| Part::without_head(piece.first, body_bytes));
        if part.is_over() {
            return;
        }
        part.push(piece, room.bodies);
        if piece.end_stream {
            part.complete();
        }
        if let (Role::Request, Some(early)) = (role, &mut self.early) {
            early.push(piece);
        }
    }

    /// Takes a header block; `body_bytes` is what to keep of bodies.
    pub(super) fn take_block(
        &mut self,
        role: Role,
        block: Block,
        body_bytes: BodyBytes,
        asks: Direction,
        pairs: &mut Vec<Pair>,
    ) {
        let end_stream = block.end_stream;
        if let Some(tunnel) = &mut self.tunnel {
            // RFC 9113 §8.5: no headers follow in a tunnel. One that ends it ends it all the same.
            if end_stream {
                tunnel.close(role, role.direction(asks), pairs);
            }
            return;
        }
        let is_interim = role == Role::Response && !end_stream && is_interim(&block.headers);
        let is_head = !is_trailers(&block.headers);
        match self.part(role) {
            Some(part) if part.is_over() => return,
            None if is_interim => {
                self.keep_interim(Part::with_head(block));
                return;
            }
            None if is_head => *self.part(role) = Some(Part::with_head(block)),
            None => {
                let mut part = Part::without_head(block.first, body_bytes.every);
                part.push_trailers(block);
                *self.part(role) = Some(part);
            }
            // Its status was unknown, and it was not the last.
            Some(part) if block.headers.value(":status").is_some() && part.body.frames == 0 => {
                let before = part.replace_head(block);
                if is_interim {
                    let last = self.response.take();
                    self.keep_interim(before);
                    last.into_iter().for_each(|last| self.keep_interim(last));
                    return;
                }
                self.keep_interim(before);
            }
            Some(part) => part.push_trailers(block),
        }
        self.decide(role, body_bytes);
        if end_stream && let Some(part) = self.part(role) {
            part.complete();
        }
        self.look_for_tunnel(body_bytes, asks, pairs);
    }

    /// Whether a WebSocket was asked for, or is granted: then the exchange is over, and what follows is its.
    fn look_for_tunnel(&mut self, body_bytes: BodyBytes, asks: Direction, pairs: &mut Vec<Pair>) {
        let Some(request) = self.request.as_ref().filter(|part| tunnel::is_asked_for(&part.headers)) else {
            return;
        };
        let Some(response) = &self.response else {
            self.early.get_or_insert_default();
            return;
        };
        if response.headers.value(":status").is_none() {
            return;
        }
        let early = self.early.take();
        if !tunnel::is_granted(&response.headers) {
            return;
        }
        let early = match early {
            Some(early) => *early,
            None => Early::of_unheld(request),
        };
        let is_server_ahead = response.has_content();
        let mut tunnel = Tunnel::new(self.id, &request.headers, &response.headers, body_bytes);
        let is_over = [request, response].map(Part::is_over);
        let [request, response] = [self.request.take(), self.response.take()];
        let exchange = Self {
            id: self.id,
            origin: self.origin,
            request: request.map(Part::without_content),
            response: response.map(Part::without_content),
            interim: std::mem::take(&mut self.interim),
            reset: None,
            early: None,
            tunnel: None,
        };
        exchange.leave(asks, pairs);
        tunnel.take_early(early, asks, pairs);
        if is_server_ahead {
            tunnel.may_have_lost(Role::Response, asks.opposite(), pairs);
        }
        for (role, is_over) in [Role::Request, Role::Response].into_iter().zip(is_over) {
            if is_over {
                tunnel.close(role, role.direction(asks), pairs);
            }
        }
        self.tunnel = Some(Box::new(tunnel));
    }

    /// How much of the body to keep, now that the head is known.
    fn decide(&mut self, role: Role, body_bytes: BodyBytes) {
        let request = self.request.as_ref().map(|part| RequestView {
            method: part.headers.value(":method").unwrap_or_default(),
            target: part.headers.value(":path").unwrap_or_default(),
            headers: Fields::Http2(&part.headers),
            body: BodyView::default(),
        });
        let bytes = match (role, request, &self.response) {
            (Role::Request, Some(request), _) => body_bytes.of_request(request.target, request.headers),
            (Role::Response, _, Some(part)) => body_bytes.of_response(request, Fields::Http2(&part.headers)),
            _ => return,
        };
        if let Some(part) = self.part(role) {
            part.body_bytes_max = bytes;
        }
    }

    fn keep_interim(&mut self, part: Part) {
        if self.interim.len() < INTERIM_MAX {
            let (headers, first, last, wire_bytes) = part.into_head();
            self.interim.push(Interim { headers, first, last, wire_bytes });
        }
    }

    /// Something stopped the stream.
    pub(super) fn stop(&mut self, reset: Reset) {
        self.reset.get_or_insert(reset);
        for part in [&mut self.request, &mut self.response].into_iter().flatten() {
            part.stop(End::Reset);
        }
    }

    /// No more of the request comes; `asks` is the way that requests go.
    pub(super) fn end_request(&mut self, asks: Direction, pairs: &mut Vec<Pair>) {
        if let Some(tunnel) = &mut self.tunnel {
            tunnel.close(Role::Request, asks, pairs);
        }
        if let Some(part) = &mut self.request {
            part.stop(End::Cut);
        }
    }

    /// What was taken for the request was the response.
    pub(super) fn turn(&mut self) {
        std::mem::swap(&mut self.request, &mut self.response);
    }

    /// Whether nothing more can come; `awaits_request` tells whether a request that was not seen still may.
    pub(super) fn is_done(&self, awaits_request: bool) -> bool {
        if let Some(tunnel) = &self.tunnel {
            return self.reset.is_some() || tunnel.is_over();
        }
        let request = self.request.as_ref().map_or(!awaits_request, Part::is_over);
        self.reset.is_some() || (request && self.response.as_ref().is_some_and(Part::is_over))
    }

    /// Messages of a WebSocket that are under way leave as they are.
    pub(super) fn end_tunnel(&mut self, asks: Direction, pairs: &mut Vec<Pair>) {
        if let Some(tunnel) = &mut self.tunnel {
            tunnel.close(Role::Request, asks, pairs);
            tunnel.close(Role::Response, asks.opposite(), pairs);
        }
    }

    /// Bytes of memory held.
    pub(super) fn weight(&self) -> Weight {
        let mut weight = Weight::default();
        for part in [&self.request, &self.response].into_iter().flatten() {
            weight.heads += part.heads_bytes();
            weight.bodies += part.body.bytes.len();
            weight.spare += part.body.bytes.capacity() - part.body.bytes.len();
        }
        weight.heads += self.interim.iter().map(|interim| interim.headers.memory_bytes()).sum::<usize>();
        weight.heads += self.early.as_ref().map_or(0, |early| early.memory_bytes());
        if let Some(tunnel) = &self.tunnel {
            weight.spare += tunnel.memory_bytes();
            weight.messages += tunnel.held_bytes(Role::Request) + tunnel.held_bytes(Role::Response);
            weight.tunnels += 1;
        }
        weight
    }

    /// Whether it carries a WebSocket.
    pub(super) fn is_tunnel(&self) -> bool {
        self.tunnel.is_some()
    }

    /// Bytes of which no message was made.
    pub(super) fn tally(&self) -> Tally {
        self.tunnel.as_ref().map_or_else(Tally::default, |tunnel| tunnel.tally())
    }

    /// The exchange as it is; `asks` is the way that requests go.
    pub(super) fn leave(mut self, asks: Direction, pairs: &mut Vec<Pair>) {
        self.end_tunnel(asks, pairs);
        let Self { id, origin, request, response, mut interim, reset, .. } = self;
        // An exchange that got as far as a 1xx response was answered that much.
        let response = response.or_else(|| interim.pop().map(part_of_interim));
        let request = request.map(|part| {
            part.into_message(|headers, body, trailers, end| {
                Content::Http2Request(Request { stream_id: id, origin, headers, body, trailers, end, reset })
            })
        });
        let response = response.map(|part| {
            part.into_message(|headers, body, trailers, end| {
                Content::Http2Response(Response {
                    stream_id: id,
                    headers,
                    body,
                    trailers,
                    interim,
                    end,
                    reset,
                })
            })
        });
        if request.is_some() || response.is_some() {
            pairs.push(Pair { request_direction: asks, request, response });
        }
    }
}

fn part_of_interim(interim: Interim) -> Part {
    Part::with_head(Block {
        stream_id: 0,
        promised: None,
        end_stream: false,
        headers: interim.headers,
        first: interim.first,
        last: interim.last,
        wire_bytes: interim.wire_bytes,
        gap_bytes: 0,
    })
}

/// RFC 9113 §8.1: 1xx, but never 101 (§8.6).
fn is_interim(headers: &HeaderList) -> bool {
    headers.value(":status").is_some_and(|status| status.len() == 3 && status.starts_with(b"1"))
}

/// Whether a block whose stream was not seen to begin is its end. Pseudo-headers come first (RFC 9113 §8.3) and
/// not in trailers; a first line that is unknown may be one.
fn is_trailers(headers: &HeaderList) -> bool {
    headers.iter().next().is_some_and(|first| first.name.known().is_some() && !first.is_pseudo())
}
