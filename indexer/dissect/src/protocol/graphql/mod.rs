//! GraphQL, as an interpretation of HTTP messages, and of those of WebSocket.
//!
//! [`request`] finds what was asked, wherever HTTP carries it; [`document`] tells what the operations in a
//! query select; [`response`] finds the errors, which come with status 200; [`subscription`] reads what comes over
//! WebSocket. [`json`] takes objects apart that may be cut.
//!
//! A request is of GraphQL if it holds a document that parses, or the hash of one, or if the server answers that it
//! should: many other APIs have a field or a parameter named `query`
//! (<https://spec.graphql.org/October2021/>, <https://graphql.github.io/graphql-over-http/draft/>).

pub mod document;
pub mod json;
pub mod request;
pub mod response;
pub mod subscription;

pub use document::{Document, Kind, Operation};
pub use request::{Call, Request};
pub use response::Response;

use crate::protocol::http_view::{Fields, RequestView, ResponseView, media_type};

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
    if is_response_type(headers) {
        return true;
    }
    let Some(request) = request.filter(|_| Media::of(headers) == Some(Media::Json)) else { return false };
    if is_named_in(request.target) {
        return true;
    }
    if !request.body.complete && request.body.bytes.is_empty() {
        return may_be_request(request.target, request.headers) || request::may_be(&request);
    }
    request::may_be(&request)
}

/// What a server answers to a request that holds no GraphQL and should, if it says so in the words of GraphQL:
/// nothing but errors.
#[must_use]
pub fn refusal(
    asked: &RequestView<'_>,
    answered: &ResponseView<'_>,
    decoded_bytes_max: usize,
) -> Option<Response> {
    if !is_response_type(answered.headers) && !is_named_in(asked.target) {
        return None;
    }
    let response = response::read(answered, decoded_bytes_max)?;
    let says = response.errors.iter().all(|error| !error.message.is_empty());
    (says && response.errors_count > 0 && !response.has_data).then_some(response)
}

/// Whether a content type is that of GraphQL's responses, and of nothing else.
fn is_response_type(headers: Fields<'_>) -> bool {
    media_type(headers).eq_ignore_ascii_case(b"application/graphql-response+json")
}

/// Whether a path says that GraphQL is spoken there.
fn is_named_in(target: &[u8]) -> bool {
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default().to_ascii_lowercase();
    [b"graphql".as_slice(), b"gql"].iter().any(|name| memchr::memmem::find(&path, name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http_view::BodyView;
    use crate::protocol::http1::message::Headers;

    /// The errors of a refusal.
    fn refused(target: &str, content_type: &str, answer: &str) -> Option<Vec<String>> {
        let (asked, empty) = (Headers::parse(b"Content-Type: application/json\r\n"), Headers::default());
        let answered = Headers::parse(format!("Content-Type: {content_type}\r\n").as_bytes());
        let body = |bytes| BodyView {
            bytes,
            length_bytes: u64::try_from(bytes.len()).unwrap(),
            gaps: &[],
            complete: true,
            trailers: Fields::Http1(&empty),
        };
        let request = RequestView {
            method: b"POST",
            target: target.as_bytes(),
            headers: Fields::Http1(&asked),
            body: body(b"{"),
        };
        let headers = Fields::Http1(&answered);
        let response = ResponseView { headers, body: body(answer.as_bytes()) };
        assert_eq!(request::read(&request, 1000), None);
        assert!(
            refusal(&request, &response, 1000).is_none() || may_be_response(Some(request), headers),
            "a body that says something must be kept"
        );
        let errors = refusal(&request, &response, 1000)?.errors;
        Some(errors.into_iter().map(|error| error.message).collect())
    }

    #[test]
    fn what_a_server_refuses_as_graphql_is_graphql() {
        let answer = r#"{"errors":[{"message":"Syntax Error: Unexpected <EOF>."}]}"#;
        let said = Some(vec!["Syntax Error: Unexpected <EOF>.".to_owned()]);
        assert_eq!(refused("/graphql", "application/json", answer), said);
        assert_eq!(refused("/api", "application/graphql-response+json", answer), said);
        assert_eq!(refused("/api", "application/json", answer), None);
        for other in
            ["Unable to parse request body as JSON", r#"{"data":{"a":1}}"#, r#"{"errors":["no"]}"#, "{}"]
        {
            assert_eq!(refused("/graphql", "application/json", other), None, "{other}");
        }
        assert_eq!(refused("/graphql", "text/plain", answer), None);
    }
}
