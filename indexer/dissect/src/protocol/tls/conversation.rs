//! Pairs a ClientHello with what the server answered, for TLS and DTLS alike.
//!
//! The exchange is what can be read of a handshake: the ClientHello and, below TLS 1.3, the client's
//! certificate; the ServerHello and what follows it up to ServerHelloDone. It leaves when the rest is
//! encrypted. A HelloRetryRequest answers an exchange of its own, as the client then begins anew.

use serde::{Deserialize, Serialize};

use super::handshake::{self, kind};
use super::hello;
use super::message::{Alert, Carrier, ClientHello, ServerFlight, ServerHello};
use crate::exchange::Message;
use crate::protocol::{Content, Direction, Mark, Pair};

/// Where a handshake message or an alert was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) first: Mark,
    pub(super) last: Mark,
    pub(super) wire_bytes: u64,
}

/// A whole handshake message; `is_cut` where it was longer than what is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit<'a> {
    pub(super) kind: u8,
    pub(super) body: &'a [u8],
    pub(super) is_cut: bool,
    pub(super) place: Place,
}

/// The handshake under way.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Conversation {
    carrier: Carrier,
    request: Option<Half<ClientHello>>,
    response: Option<Half<ServerFlight>>,
    /// Whether it is TLS 1.3, which encrypts what follows the hellos.
    hides_the_rest: bool,
    /// Directions in which bytes were lost since the ClientHello: with both, a retry may have been lost.
    doubt: [bool; 2],
}

/// A message that may still grow.
#[derive(Debug, Serialize, Deserialize)]
struct Half<T> {
    content: Box<T>,
    first: Mark,
    last: Mark,
    wire_bytes: u64,
    gap_bytes: u64,
    is_cut: bool,
}

impl<T> Half<T> {
    fn new(content: T, unit: &Unit<'_>) -> Self {
        let Place { first, last, wire_bytes } = unit.place;
        Self { content: Box::new(content), first, last, wire_bytes, gap_bytes: 0, is_cut: unit.is_cut }
    }

    /// One more handshake message is part of it.
    fn grow(&mut self, unit: &Unit<'_>) {
        self.last = unit.place.last;
        self.wire_bytes = self.wire_bytes.saturating_add(unit.place.wire_bytes);
        self.is_cut |= unit.is_cut;
    }

    fn message(self, content: fn(Box<T>) -> Content) -> Message {
        Message {
            start: self.first.timestamp,
            end: self.last.timestamp,
            first: self.first.packet,
            last: self.last.packet,
            wire_bytes: self.wire_bytes.saturating_add(self.gap_bytes),
            gap_bytes: self.gap_bytes,
            truncated: self.is_cut,
            content: content(self.content),
        }
    }
}

impl Conversation {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self { carrier, ..Self::default() }
    }

    /// Takes one handshake message; false if it is none that may stand here.
    pub(super) fn unit(&mut self, direction: Direction, unit: &Unit<'_>, pairs: &mut Vec<Pair>) -> bool {
        match direction {
            Direction::ToServer => self.client_unit(unit, pairs),
            Direction::ToClient => self.server_unit(unit, pairs),
        }
    }

    fn client_unit(&mut self, unit: &Unit<'_>, pairs: &mut Vec<Pair>) -> bool {
        match unit.kind {
            kind::CLIENT_HELLO => {
                let Some(hello) = hello::client(unit.body, self.carrier) else { return false };
                self.begin(hello, unit, pairs);
            }
            kind::CERTIFICATE => {
                let Some(mut chain) = handshake::certificates(unit.body, unit.is_cut) else { return false };
                chain.at = Some(unit.place.last);
                if let Some(request) = &mut self.request {
                    request.content.certificates = Some(chain);
                    request.grow(unit);
                }
            }
            _ => {}
        }
        true
    }

    /// A ClientHello, in whatever form.
    pub(super) fn begin(&mut self, mut hello: ClientHello, unit: &Unit<'_>, pairs: &mut Vec<Pair>) {
        self.leave(pairs);
        hello.at = Some(unit.place.last);
        self.doubt = [false; 2];
        self.request = Some(Half::new(hello, unit));
    }

    fn server_unit(&mut self, unit: &Unit<'_>, pairs: &mut Vec<Pair>) -> bool {
        let Unit { body, is_cut, .. } = *unit;
        match unit.kind {
            kind::SERVER_HELLO => match hello::server(body, self.carrier) {
                Some(hello) => self.answer(hello, unit, pairs),
                None => return false,
            },
            kind::HELLO_RETRY_REQUEST => {
                if let Some(hello) = hello::draft_retry(body) {
                    self.answer(hello, unit, pairs);
                }
            }
            kind::HELLO_VERIFY_REQUEST if self.carrier == Carrier::Datagram => {
                // RFC 6347 §4.2.1: a version and a cookie.
                let length = body.get(2).map_or(0, |&length| usize::from(length));
                self.refuse_doubt(pairs);
                self.flight(unit).verify_cookie_bytes = Some(length);
                self.leave(pairs);
            }
            kind::CERTIFICATE => {
                let Some(mut chain) = handshake::certificates(body, is_cut) else { return false };
                chain.at = Some(unit.place.last);
                self.grown(unit).certificates = Some(chain);
            }
            kind::CERTIFICATE_STATUS => self.grown(unit).has_status = true,
            kind::SERVER_KEY_EXCHANGE => {
                self.grown(unit).key_exchange_group = handshake::key_exchange_group(body);
            }
            kind::CERTIFICATE_REQUEST => {
                let Some(request) = handshake::certificate_request(body) else { return false };
                self.grown(unit).certificate_request = Some(request);
            }
            kind::SERVER_HELLO_DONE => self.grown(unit).is_done = true,
            _ => {}
        }
        true
    }

    fn answer(&mut self, mut hello: ServerHello, unit: &Unit<'_>, pairs: &mut Vec<Pair>) {
        if self.response.is_some() {
            self.leave(pairs);
        }
        self.refuse_doubt(pairs);
        hello.at = Some(unit.place.last);
        self.hides_the_rest |= hello.hides_the_rest();
        let is_last = hello.is_retry || hello.hides_the_rest();
        self.flight(unit).hello = Some(hello);
        if is_last {
            self.leave(pairs);
        }
    }

    /// Lets a ClientHello go that this answer may not belong to.
    fn refuse_doubt(&mut self, pairs: &mut Vec<Pair>) {
        if self.doubt == [true; 2] && self.response.is_none() {
            self.leave(pairs);
        }
    }

    /// The answer under way, which may begin with `unit`.
    fn flight(&mut self, unit: &Unit<'_>) -> &mut ServerFlight {
        let carrier = self.carrier;
        let new = || Half::new(ServerFlight { carrier, ..ServerFlight::default() }, unit);
        &mut self.response.get_or_insert_with(new).content
    }

    /// The answer under way, of which `unit` is the next part.
    fn grown(&mut self, unit: &Unit<'_>) -> &mut ServerFlight {
        if let Some(response) = &mut self.response {
            response.grow(unit);
        }
        self.flight(unit)
    }

    /// Takes an alert. Whatever it ends has said what it had to say.
    pub(super) fn alert(&mut self, direction: Direction, alert: Alert, place: Place, pairs: &mut Vec<Pair>) {
        const CLOSE_NOTIFY: u8 = 0;
        const FATAL: u8 = 2;
        if alert.level == FATAL || alert.description == CLOSE_NOTIFY {
            self.leave(pairs);
        }
        let message = Message {
            start: place.first.timestamp,
            end: place.last.timestamp,
            first: place.first.packet,
            last: place.last.packet,
            wire_bytes: place.wire_bytes,
            gap_bytes: 0,
            truncated: false,
            content: Content::TlsAlert(alert),
        };
        pairs.push(Pair { request_direction: direction, request: Some(message), response: None });
    }

    /// What `direction` sends from here on is encrypted.
    pub(super) fn hidden(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        // Early data comes before any answer (RFC 8446 §2.3).
        if direction == Direction::ToClient || self.response.is_some() {
            self.leave(pairs);
        }
    }

    /// Bytes of `direction` were never seen; 0 is an unknown number of them.
    pub(super) fn gap(&mut self, direction: Direction, length_bytes: u64) {
        let length_bytes = length_bytes.max(1);
        let index = match direction {
            Direction::ToServer => {
                if let Some(request) = &mut self.request {
                    request.gap_bytes = request.gap_bytes.saturating_add(length_bytes);
                }
                0
            }
            Direction::ToClient => {
                if let Some(response) = self.response.as_mut().filter(|response| !response.content.is_done) {
                    response.gap_bytes = response.gap_bytes.saturating_add(length_bytes);
                }
                1
            }
        };
        if let Some(doubt) = self.doubt.get_mut(index) {
            *doubt = true;
        }
    }

    /// What was seen of the handshake leaves.
    pub(super) fn leave(&mut self, pairs: &mut Vec<Pair>) {
        let request = self.request.take().map(|half| half.message(Content::TlsClientHello));
        let response = self.response.take().map(|half| half.message(Content::TlsServerFlight));
        if request.is_some() || response.is_some() {
            pairs.push(Pair { request_direction: Direction::ToServer, request, response });
        }
    }

    /// Whether it is TLS 1.3, which encrypts what follows the hellos.
    pub(super) fn hides_the_rest(&self) -> bool {
        self.hides_the_rest
    }

    /// Time of the ClientHello that waits.
    pub(super) fn waits_since(&self) -> Option<segment::Timestamp> {
        let response = self.response.as_ref().map(|half| half.first.timestamp);
        self.request.as_ref().map(|half| half.first.timestamp).or(response)
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.request.as_ref().map_or(0, |half| half.content.memory_bytes())
            + self.response.as_ref().map_or(0, |half| half.content.memory_bytes())
    }
}
