//! A stream that carries a WebSocket: an extended CONNECT that the server accepted (RFC 8441 §5).
//!
//! The HTTP exchange is over with the response's head, as it is over HTTP/1 with the 101; what follows on the
//! stream are frames of WebSocket. What a client sends before the answer was seen is held, because only the
//! answer says what it is.

use serde::{Deserialize, Serialize};

use super::event::Piece;
use super::headers::HeaderList;
use super::part::Part;
use super::stream::Role;
use crate::exchange::Message;
use crate::protocol::http_view::BodyBytes;
use crate::protocol::websocket::negotiated::Compression;
use crate::protocol::websocket::{Negotiated, Reader};
use crate::protocol::{Direction, Mark, Pair, Tally};

/// Most bytes held until the server answers; clients rarely send any.
const EARLY_BYTES_MAX: usize = 16 * 1024;

/// Whether a request asks for a WebSocket (RFC 8441 §4).
pub(super) fn is_asked_for(request: &HeaderList) -> bool {
    let says = |name, wanted: &[u8]| {
        request.value(name).is_some_and(|value: &[u8]| value.eq_ignore_ascii_case(wanted))
    };
    says(":method", b"CONNECT") && says(":protocol", b"websocket")
}

/// Whether the head of a final response grants it: any status that is 2xx (RFC 9110 §9.3.6).
pub(super) fn is_granted(response: &HeaderList) -> bool {
    response.value(":status").is_some_and(|status| status.len() == 3 && status.starts_with(b"2"))
}

/// What a client said before the server answered.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Early {
    said: Vec<Said>,
    /// Payload bytes in it, and what stands for gaps.
    bytes: usize,
    /// Whether more came than is held.
    is_cut: bool,
}

/// Content, and how much behind it was never seen, if some was: 0 is an unknown number of bytes.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    bytes: Vec<u8>,
    mark: Mark,
    gap_bytes: Option<u64>,
}

impl Early {
    /// Of a request whose content, if any came, was not held.
    pub(super) fn of_unheld(request: &Part) -> Self {
        Self { is_cut: request.has_content(), ..Self::default() }
    }

    /// Holds a part of a DATA frame.
    pub(super) fn push(&mut self, piece: &Piece<'_>) {
        let gap_bytes = (piece.gap_bytes > 0).then_some(piece.gap_bytes);
        self.hold(piece.bytes, piece.last, gap_bytes);
    }

    /// Something may have been lost here.
    pub(super) fn may_have_lost(&mut self, mark: Mark) {
        self.hold(&[], mark, Some(0));
    }

    fn hold(&mut self, bytes: &[u8], mark: Mark, gap_bytes: Option<u64>) {
        let cost = bytes.len() + gap_bytes.map_or(0, |_| size_of::<Said>());
        if self.is_cut || cost == 0 {
            return;
        }
        let room = EARLY_BYTES_MAX.saturating_sub(self.bytes);
        self.is_cut = cost > room;
        self.bytes += cost.min(room);
        let bytes = bytes.get(..room).unwrap_or(bytes);
        match self.said.last_mut() {
            Some(last) if last.mark == mark && last.gap_bytes.is_none() => {
                last.bytes.extend_from_slice(bytes);
                last.gap_bytes = gap_bytes;
            }
            _ => self.said.push(Said { bytes: bytes.to_vec(), mark, gap_bytes }),
        }
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        let bytes: usize = self.said.iter().map(|said| said.bytes.capacity()).sum();
        bytes + self.said.capacity() * size_of::<Said>()
    }
}

/// A WebSocket under way.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tunnel {
    client: Side,
    server: Side,
}

#[derive(Debug, Serialize, Deserialize)]
struct Side {
    reader: Reader,
    is_closed: bool,
}

impl Tunnel {
    /// As a request and the head of the response to it agreed on.
    pub(super) fn new(
        stream_id: u32,
        request: &HeaderList,
        response: &HeaderList,
        body_bytes: BodyBytes,
    ) -> Self {
        let extensions = response.values("sec-websocket-extensions");
        let subprotocol = response.value("sec-websocket-protocol");
        let mut negotiated = Negotiated::of(request.value(":path"), extensions, subprotocol);
        negotiated.stream_id = Some(stream_id);
        if !response.is_whole() && negotiated.compression == Compression::No {
            negotiated.compression = Compression::Unknown;
        }
        let side =
            |direction| Side { reader: Reader::new(direction, &negotiated, body_bytes), is_closed: false };
        Self { client: side(Direction::ToServer), server: side(Direction::ToClient) }
    }

    fn side(&mut self, role: Role) -> &mut Side {
        match role {
            Role::Request => &mut self.client,
            Role::Response => &mut self.server,
        }
    }

    /// Takes a part of a DATA frame of the side that has `role`, whose messages go in `direction` and may hold
    /// `room_bytes` as long as they are under way.
    pub(super) fn take(
        &mut self,
        role: Role,
        piece: &Piece<'_>,
        room_bytes: usize,
        direction: Direction,
        pairs: &mut Vec<Pair>,
    ) {
        let (side, mut messages) = (self.side(role), Vec::new());
        if side.is_closed {
            return;
        }
        side.reader.set_room(room_bytes);
        if !piece.bytes.is_empty() {
            side.reader.feed(piece.bytes, piece.last, &mut messages);
        }
        if piece.gap_bytes > 0 {
            side.reader.gap(piece.gap_bytes, &mut messages);
        }
        tell(messages, direction, pairs);
        if piece.end_stream {
            self.close(role, direction, pairs);
        }
    }

    /// Takes what the client said too early.
    pub(super) fn take_early(&mut self, early: Early, direction: Direction, pairs: &mut Vec<Pair>) {
        let (reader, mut messages) = (&mut self.client.reader, Vec::new());
        for said in early.said {
            if !said.bytes.is_empty() {
                reader.feed(&said.bytes, said.mark, &mut messages);
            }
            if let Some(gap_bytes) = said.gap_bytes {
                reader.gap(gap_bytes, &mut messages);
            }
        }
        if early.is_cut {
            reader.gap(0, &mut messages);
        }
        tell(messages, direction, pairs);
    }

    /// Bytes of the side that has `role` may have been lost here.
    pub(super) fn may_have_lost(&mut self, role: Role, direction: Direction, pairs: &mut Vec<Pair>) {
        let mut messages = Vec::new();
        self.side(role).reader.gap(0, &mut messages);
        tell(messages, direction, pairs);
    }

    /// The side that has `role` says no more.
    pub(super) fn close(&mut self, role: Role, direction: Direction, pairs: &mut Vec<Pair>) {
        let (side, mut messages) = (self.side(role), Vec::new());
        if !std::mem::replace(&mut side.is_closed, true) {
            side.reader.close(&mut messages);
        }
        tell(messages, direction, pairs);
    }

    /// Whether both sides said that they say no more.
    pub(super) fn is_over(&self) -> bool {
        self.client.is_closed && self.server.is_closed
    }

    /// Bytes of which no message was made.
    pub(super) fn tally(&self) -> Tally {
        self.client.reader.tally().and(self.server.reader.tally())
    }

    /// Bytes of messages under way, as many as there are: what is kept must not depend on how they came.
    pub(super) fn held_bytes(&self, role: Role) -> usize {
        match role {
            Role::Request => self.client.reader.held_bytes(),
            Role::Response => self.server.reader.held_bytes(),
        }
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.client.reader.memory_bytes() + self.server.reader.memory_bytes()
    }
}

fn tell(messages: Vec<Message>, direction: Direction, pairs: &mut Vec<Pair>) {
    pairs.extend(messages.into_iter().map(|message| Pair {
        request_direction: direction,
        request: Some(message),
        response: None,
    }));
}
