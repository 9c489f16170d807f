//! The request that asked for HTTP/2 while it was HTTP/1.1 (RFC 7540 §3.2).

use super::headers::HeaderList;
use super::message::Body;
use super::part::Part;
use crate::exchange::Message;
use crate::protocol::Content;
use crate::protocol::http1::message::Request;

/// Fields that speak of the HTTP/1.1 connection (RFC 9113 §8.2.2).
const OF_CONNECTION: [&str; 7] = [
    "connection",
    "upgrade",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "host",
];

/// The request as a stream would have carried it; `None` if it is no HTTP/1 request.
pub(super) fn part(message: &Message) -> Option<Part> {
    let Content::Http1Request(request) = &message.content else { return None };
    let body = Body {
        bytes: request.body.bytes.clone(),
        length_bytes: request.body.length_bytes,
        gaps: request.body.gaps.clone(),
        gap_bytes: request.body.gap_bytes,
        frames: 0,
        truncated: request.body.truncated,
    };
    Some(Part::of_message(message, headers(request), body))
}

fn headers(request: &Request) -> HeaderList {
    let authority = request.headers.value("host").map(|host| (b":authority".as_slice(), host));
    let pseudo = [
        (b":method".as_slice(), request.method.as_slice()),
        (b":scheme", b"http"),
        (b":path", request.target.as_slice()),
    ];
    let names: Vec<_> =
        request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
    let fields = names.iter().map(|(name, value)| (name.as_slice(), *value));
    let ends_here = |name: &[u8]| OF_CONNECTION.iter().any(|known| known.as_bytes() == name);
    pseudo.into_iter().chain(authority).chain(fields.filter(|(name, _)| !ends_here(name))).collect()
}
