//! Answers as JSON. Text from the wire does nothing to a terminal here either: somebody asks with `curl`.

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::format::json;

/// JSON that is on its way out.
#[derive(Clone, Debug)]
pub struct Answer(Vec<u8>);

impl Answer {
    /// Of a value.
    pub fn of(value: &Value) -> Self {
        let mut text = Vec::new();
        // Writing to memory can't fail.
        let _ = json::write_line(&mut text, value);
        Self(text)
    }

    /// Of text that is JSON already.
    pub fn text(text: Vec<u8>) -> Self {
        Self(text)
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        (headers, self.0).into_response()
    }
}
