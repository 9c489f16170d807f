//! What both sides agreed on in the opening handshake (RFC 6455 §4, RFC 7692 §7).

use serde::{Deserialize, Serialize};

use crate::protocol::Direction;
use crate::protocol::http1::message::{Headers, Request};

/// Most bytes kept of the target and of the name of the subprotocol: they stand in every message.
const TEXT_BYTES_MAX: usize = 256;

/// The agreement; `Default` is one of nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Negotiated {
    /// The request's target: which of a server's sockets it is.
    pub target: Option<String>,
    /// `Sec-WebSocket-Protocol` of the response.
    pub subprotocol: Option<String>,
    /// The stream of HTTP/2 that carries it, over HTTP/2.
    pub stream_id: Option<u32>,
    /// What is known of compression.
    pub compression: Compression,
}

/// Whether messages may be compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Compression {
    /// They may not.
    #[default]
    No,
    /// By permessage-deflate.
    Deflate(Deflate),
    /// The agreement was not seen.
    Unknown,
}

/// The parameters of permessage-deflate (RFC 7692 §7.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deflate {
    /// Of messages to the server.
    pub client: Context,
    /// Of messages to the client.
    pub server: Context,
}

/// What one side's compressor keeps from message to message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Context {
    /// Whether it refers to earlier messages.
    pub takes_over: bool,
    /// How far back it refers, as a power of two: 8 to 15.
    pub window_bits: u8,
}

impl Default for Context {
    fn default() -> Self {
        Self { takes_over: true, window_bits: 15 }
    }
}

impl Negotiated {
    /// Nothing is known: the connection was joined in the middle.
    #[must_use]
    pub fn unknown() -> Self {
        Self { compression: Compression::Unknown, ..Self::default() }
    }

    /// The agreement that a request and the head of its 101 response made.
    #[must_use]
    pub fn of_http1(request: Option<&Request>, response: &Headers) -> Self {
        Self::of(
            request.map(|request| request.target.as_slice()),
            response.values("sec-websocket-extensions"),
            response.value("sec-websocket-protocol"),
        )
    }

    /// The agreement made by a target and by the response's `Sec-WebSocket-Extensions` and
    /// `Sec-WebSocket-Protocol`; over HTTP/2 (RFC 8441) they are the same.
    #[must_use]
    pub fn of<'a>(
        target: Option<&[u8]>,
        extensions: impl Iterator<Item = &'a [u8]>,
        subprotocol: Option<&[u8]>,
    ) -> Self {
        let extension = extensions.flat_map(|value| value.split(|&byte| byte == b',')).find_map(deflate);
        Self {
            target: target.map(text),
            subprotocol: subprotocol.map(text),
            stream_id: None,
            compression: extension.map_or(Compression::No, Compression::Deflate),
        }
    }

    /// What the compressor of `direction` keeps; `None` if nothing may be compressed.
    #[must_use]
    pub fn context(&self, direction: Direction) -> Option<Context> {
        match (self.compression, direction) {
            (Compression::No, _) => None,
            (Compression::Unknown, _) => Some(Context::default()),
            (Compression::Deflate(deflate), Direction::ToServer) => Some(deflate.client),
            (Compression::Deflate(deflate), Direction::ToClient) => Some(deflate.server),
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..TEXT_BYTES_MAX).unwrap_or(bytes)).into_owned()
}

/// RFC 7692 §7.1: `permessage-deflate; server_no_context_takeover; client_max_window_bits=12`.
fn deflate(extension: &[u8]) -> Option<Deflate> {
    let mut parts = extension.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    if !parts.next()?.eq_ignore_ascii_case(b"permessage-deflate") {
        return None;
    }
    let mut deflate = Deflate { client: Context::default(), server: Context::default() };
    for part in parts {
        let mut sides = part.splitn(2, |&byte| byte == b'=').map(<[u8]>::trim_ascii);
        let name = sides.next().unwrap_or_default().to_ascii_lowercase();
        let bits = sides.next().and_then(bits);
        match name.as_slice() {
            b"client_no_context_takeover" => deflate.client.takes_over = false,
            b"server_no_context_takeover" => deflate.server.takes_over = false,
            b"client_max_window_bits" => deflate.client.window_bits = bits.unwrap_or(15),
            b"server_max_window_bits" => deflate.server.window_bits = bits.unwrap_or(15),
            _ => {}
        }
    }
    Some(deflate)
}

/// A number from 8 to 15, perhaps in quotes.
fn bits(value: &[u8]) -> Option<u8> {
    let value = std::str::from_utf8(value).ok()?.trim_matches('"');
    value.parse().ok().filter(|bits| (8..=15).contains(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreements_are_read() {
        let of = |value: &'static [u8]| Negotiated::of(Some(b"/chat"), [value].into_iter(), Some(b"stomp"));
        let plain = of(b"");
        assert_eq!((plain.target.as_deref(), plain.subprotocol.as_deref()), (Some("/chat"), Some("stomp")));
        assert_eq!(plain.context(Direction::ToServer), None);
        let deflate =
            of(b"x-other, permessage-deflate; server_no_context_takeover; client_max_window_bits=\"10\"");
        let context = |takes_over, window_bits| Some(Context { takes_over, window_bits });
        assert_eq!(deflate.context(Direction::ToServer), context(true, 10));
        assert_eq!(deflate.context(Direction::ToClient), context(false, 15));
    }
}
