//! GraphQL, as an interpretation of HTTP messages.
//!
//! [`request`] finds what was asked, wherever HTTP carries it; [`document`] tells what the operations in a
//! query select; [`response`] finds the errors, which come with status 200. [`json`] takes objects apart that
//! may be cut.
//!
//! A request is of GraphQL if it holds a document that parses, or the hash of one: many other APIs have a
//! field or a parameter named `query`
//! (<https://spec.graphql.org/October2021/>, <https://graphql.github.io/graphql-over-http/draft/>).

pub mod document;
pub mod json;
pub mod request;
pub mod response;

pub use document::{Document, Kind, Operation};
pub use request::{Call, Request};
pub use response::Response;

use crate::protocol::http_view::{Fields, RequestView, media_type};

/// How a body is written, if GraphQL may be in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Media {
    /// An object, or a list of them.
    Json,
    /// The document itself.
    Document,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `multipart/form-data`, for uploads.
    Multipart,
}

impl Media {
    fn of(headers: Fields<'_>) -> Option<Self> {
        let name = media_type(headers).to_ascii_lowercase();
        match name.as_slice() {
            b"application/json" | b"application/graphql+json" | b"application/graphql-response+json" => {
                Some(Self::Json)
            }
            b"application/graphql" => Some(Self::Document),
            b"application/x-www-form-urlencoded" => Some(Self::Form),
            b"multipart/form-data" => Some(Self::Multipart),
            _ => None,
        }
    }
}

/// Whether a request may be of GraphQL, so that its body is to be kept.
#[must_use]
pub fn may_be_request(target: &[u8], headers: Fields<'_>) -> bool {
    match Media::of(headers) {
        Some(Media::Json | Media::Document) => true,
        Some(Media::Form | Media::Multipart) => is_named_in(target),
        None => false,
    }
}

/// Whether a response may be of GraphQL, so that its body is to be kept. Of the request at least the head is
/// there, if it was seen at all.
#[must_use]
pub fn may_be_response(request: Option<RequestView<'_>>, headers: Fields<'_>) -> bool {
    if media_type(headers).eq_ignore_ascii_case(b"application/graphql-response+json") {
        return true;
    }
    let Some(request) = request.filter(|_| Media::of(headers) == Some(Media::Json)) else { return false };
    if !request.body.complete && request.body.bytes.is_empty() {
        return may_be_request(request.target, request.headers) || request::may_be(&request);
    }
    request::may_be(&request)
}

/// Whether a path says that GraphQL is spoken there.
fn is_named_in(target: &[u8]) -> bool {
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default().to_ascii_lowercase();
    [b"graphql".as_slice(), b"gql"].iter().any(|name| memchr::memmem::find(&path, name).is_some())
}
