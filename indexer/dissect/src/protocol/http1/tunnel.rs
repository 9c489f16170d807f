//! What follows when a connection stops being HTTP/1: CONNECT (RFC 9110 §9.3.6) and `Upgrade` (§7.8).

use serde::{Deserialize, Serialize};

use crate::exchange::Message;
use crate::limits::Limits;
use crate::protocol::http1::message::{Headers, Request};
use crate::protocol::http1::slot::Slot;
use crate::protocol::websocket::{self, Negotiated};
use crate::protocol::{Content, Held, Next, StreamDissector, http2};

/// An agreement to speak something else, and what came too early for it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tunnel {
    /// Bytes of the client that belong to what follows; `None` once they were handed over.
    pub(super) held: Option<Vec<Held>>,
    request: Option<Box<Message>>,
    response_headers: Headers,
}

impl Tunnel {
    /// The agreement that the messages of `slot` made.
    pub(super) fn of(slot: &Slot, held: Vec<Held>) -> Self {
        Self {
            held: Some(held),
            request: slot.request().cloned().map(Box::new),
            response_headers: slot.response_headers().cloned().unwrap_or_default(),
        }
    }

    /// Who reads the bytes behind it: the protocol that the server named, or whoever knows them.
    pub(super) fn next(&mut self) -> Next {
        let upgrade = self.response_headers.value("upgrade").unwrap_or_default();
        let token = upgrade.to_ascii_lowercase();
        // Protocols that are known by their token, not by their first bytes.
        match (token.as_slice(), self.request.take()) {
            // RFC 7540 §3.2: the request that asked is answered on stream 1.
            (b"h2c", Some(request)) => Next::Start {
                name: "http2",
                start: Box::new(move |limits| Box::new(http2::Dissector::upgraded(limits, &request))),
            },
            (b"websocket", request) => {
                let asked = request.as_deref().and_then(http1_request);
                let negotiated = Negotiated::of_http1(asked, &self.response_headers);
                let start = move |limits: &Limits| -> Box<dyn StreamDissector> {
                    Box::new(websocket::Dissector::new(&negotiated, limits))
                };
                Next::Start { name: "ws", start: Box::new(start) }
            }
            _ => Next::Recognise,
        }
    }
}

fn http1_request(message: &Message) -> Option<&Request> {
    match &message.content {
        Content::Http1Request(request) => Some(request),
        _ => None,
    }
}
