//! What goes wrong, as whoever asked hears it: a problem document (RFC 9457).

use std::ops::Range;

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::format::json;
use indexer::ErrorKind;

/// What a problem is about; `type` of the document names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The text is no KFL, or asks for what can't be answered here.
    Filter,
    /// Another part of the query string, of the path or of the body makes no sense.
    Request,
    /// A token is needed.
    Token,
    /// A page of another site asks.
    Foreign,
    /// It holds what is not shown.
    Withheld,
    /// There is nothing of that name.
    NotFound,
    /// The path knows no such method.
    Method,
    /// The body did not come.
    Slow,
    /// The body is too long.
    LongBody,
    /// Path and query are too long.
    LongUri,
    /// It was sent to another server's name.
    Host,
    /// An address asks too often.
    TooOften,
    /// Too much is asked at once.
    Busy,
    /// It failed here.
    Failed,
}

impl Kind {
    /// The last part of `type`, what all of the kind have in common, and the status.
    const fn parts(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::Filter => ("wrong-filter", "The filter is wrong", StatusCode::BAD_REQUEST),
            Self::Request => ("wrong-request", "The request is wrong", StatusCode::BAD_REQUEST),
            Self::Token => ("token-needed", "A token is needed", StatusCode::UNAUTHORIZED),
            Self::Foreign => ("foreign-origin", "Other sites may not ask", StatusCode::FORBIDDEN),
            Self::Withheld => ("withheld", "This is not shown", StatusCode::FORBIDDEN),
            Self::NotFound => ("not-found", "There is nothing here", StatusCode::NOT_FOUND),
            Self::Method => ("wrong-method", "This can't be done here", StatusCode::METHOD_NOT_ALLOWED),
            Self::Slow => ("too-slow", "The request took too long", StatusCode::REQUEST_TIMEOUT),
            Self::LongBody => ("body-too-long", "The body is too long", StatusCode::PAYLOAD_TOO_LARGE),
            Self::LongUri => ("uri-too-long", "The request is too long", StatusCode::URI_TOO_LONG),
            Self::Host => ("wrong-host", "This is another server", StatusCode::MISDIRECTED_REQUEST),
            Self::TooOften => ("too-often", "Asked too often", StatusCode::TOO_MANY_REQUESTS),
            Self::Busy => ("busy", "Too much is asked at once", StatusCode::SERVICE_UNAVAILABLE),
            Self::Failed => ("failed", "It failed", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// What it is about.
    pub kind: Kind,
    /// What is wrong this time, for people.
    pub detail: String,
    /// The wrong bytes of a filter.
    pub span: Option<Range<usize>>,
    /// What to write there instead.
    pub suggestion: Option<String>,
    /// Seconds after which it is worth asking again.
    pub retry_after_s: Option<u32>,
}

impl Problem {
    /// A problem of a kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), span: None, suggestion: None, retry_after_s: None }
    }

    /// What is asked makes no sense.
    pub fn request(detail: impl Into<String>) -> Self {
        Self::new(Kind::Request, detail)
    }

    /// It failed; the reason goes to the log, because it may name files.
    pub fn failed(error: &dyn std::fmt::Display) -> Self {
        tracing::warn!(%error, "a question failed");
        Self::new(Kind::Failed, "it failed here; the server's log says why")
    }

    /// As JSON.
    pub fn document(&self) -> Value {
        let (name, title, status) = self.kind.parts();
        let mut document = json!({
            "type": format!("urn:remora:problem:{name}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail,
        });
        if let Some(span) = &self.span {
            document["span"] = json!({ "start": span.start, "end": span.end });
        }
        if let Some(suggestion) = &self.suggestion {
            document["suggestion"] = suggestion.as_str().into();
        }
        document
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = Vec::new();
        // Writing to memory can't fail.
        let _ = json::write_line(&mut body, &self.document());
        let (_, _, status) = self.kind.parts();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        if self.kind == Kind::Token {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.kind, Kind::LongBody | Kind::Slow) {
            // What is still to come is not read.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<kfl::SyntaxError> for Problem {
    fn from(error: kfl::SyntaxError) -> Self {
        let problem = Self::new(Kind::Filter, error.message);
        Self { span: Some(error.span), suggestion: error.hint, ..problem }
    }
}

impl From<indexer::Error> for Problem {
    fn from(error: indexer::Error) -> Self {
        match error.kind() {
            ErrorKind::Invalid => Self::request(error.to_string()),
            ErrorKind::Unavailable | ErrorKind::Data | ErrorKind::Internal => Self::failed(&error),
        }
    }
}

impl From<std::io::Error> for Problem {
    fn from(error: std::io::Error) -> Self {
        Self::failed(&error)
    }
}
