//! What went wrong: errors come with status 200, beside the data.

use serde_json::Value;

use crate::protocol::graphql::Media;
use crate::protocol::graphql::json::Raw;
use crate::protocol::http_view::ResponseView;

/// Most errors told of one response.
const ERRORS_MAX: usize = 64;
/// Most responses told apart in one batch.
const RESULTS_MAX: usize = 64;
/// Most steps told of one path.
const PATH_STEPS_MAX: usize = 32;
/// Most characters told of one message.
const MESSAGE_CHARACTERS_MAX: usize = 1024;

/// A response, or a batch of them taken together.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Response {
    /// The first errors.
    pub errors: Vec<Error>,
    /// How many errors there are.
    pub errors_count: usize,
    /// Whether there is data: partial answers have errors as well.
    pub has_data: bool,
    /// Whether the response is cut, so that there may be more errors.
    pub truncated: bool,
}

/// An error (GraphQL §7.1.2).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Error {
    /// For people.
    pub message: String,
    /// The field that failed: `user.orders.0.id`.
    pub path: Option<String>,
    /// `extensions.code`, or what else names the kind of error.
    pub code: Option<String>,
}

/// Reads a response; `None` if it is not of GraphQL.
#[must_use]
pub fn read(view: &ResponseView<'_>, decoded_bytes_max: usize) -> Option<Response> {
    if Media::of(view.headers) != Some(Media::Json) {
        return None;
    }
    let decoded = view.body.decoded(view.headers, decoded_bytes_max);
    let is_whole = view.body.is_whole() && !decoded.truncated && decoded.error.is_none();
    let mut response = Response { truncated: !is_whole, ..Response::default() };
    let raw = Raw::first(&decoded.bytes);
    let is_known = if raw.is_list() {
        raw.elements().take(RESULTS_MAX).filter(|element| response.take(*element)).count() > 0
    } else {
        response.take(raw)
    };
    is_known.then_some(response)
}

impl Response {
    /// A result by itself; `None` if it is none.
    pub(super) fn of_result(result: Raw<'_>, is_whole: bool) -> Option<Self> {
        let mut response = Self { truncated: !is_whole, ..Self::default() };
        response.take(result).then_some(response)
    }

    /// An error by itself, or a list of them.
    pub(super) fn of_errors(errors: Raw<'_>, is_whole: bool) -> Self {
        let mut response = Self { truncated: !is_whole, ..Self::default() };
        if errors.is_list() {
            errors.elements().for_each(|error| response.add(error));
        } else if errors.is_object() {
            response.add(errors);
        }
        response
    }

    fn add(&mut self, error: Raw<'_>) {
        self.errors_count += 1;
        if self.errors.len() < ERRORS_MAX {
            self.errors.push(Error::of(error));
        }
    }

    /// Takes one result; `false` if it is none.
    fn take(&mut self, result: Raw<'_>) -> bool {
        let mut is_known = false;
        for (name, value) in result.members() {
            match name.as_str() {
                "data" => {
                    is_known = true;
                    self.has_data |= value.bytes != b"null";
                }
                "errors" if value.is_list() => {
                    is_known = true;
                    value.elements().for_each(|error| self.add(error));
                }
                _ => {}
            }
        }
        is_known
    }
}

impl Error {
    fn of(raw: Raw<'_>) -> Self {
        let mut error = Self::default();
        for (name, value) in raw.members() {
            match name.as_str() {
                "message" => {
                    let message = value.text().unwrap_or_default();
                    error.message = message.chars().take(MESSAGE_CHARACTERS_MAX).collect();
                }
                "path" => {
                    let steps = value.elements().take(PATH_STEPS_MAX).filter_map(|step| step.value());
                    let steps: Vec<String> = steps.map(|step| plain(&step)).collect();
                    error.path = (!steps.is_empty()).then(|| steps.join("."));
                }
                "extensions" => {
                    let code = |wanted| value.members().find(|(name, _)| name == wanted);
                    // `code` is Apollo's, and most others'; Spring and Hot Chocolate have a classification.
                    let code = code("code").or_else(|| code("classification"));
                    error.code = code.and_then(|(_, value)| value.value()).map(|code| plain(&code));
                }
                _ => {}
            }
        }
        error
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http_view::{BodyView, Fields};
    use crate::protocol::http1::message::Headers;

    fn of(content_type: &str, body: &str, beyond: u64) -> Option<Response> {
        let headers = Headers::parse(format!("Content-Type: {content_type}\r\n").as_bytes());
        let view = ResponseView {
            headers: Fields::Http1(&headers),
            body: BodyView {
                bytes: body.as_bytes(),
                length_bytes: body.len() as u64 + beyond,
                gaps: &[],
                complete: true,
                trailers: Fields::Http1(&Headers::default()),
            },
        };
        read(&view, 1 << 20)
    }

    #[test]
    fn errors_come_beside_the_data() {
        let body = r#"{"data":{"user":null},"errors":[{"message":"gone","path":["user","orders",0],
            "extensions":{"code":"NOT_FOUND","stacktrace":["x"]}},{"message":"other"}]}"#;
        let response = of("application/json", body, 0).unwrap();
        let first = Error {
            message: "gone".to_owned(),
            path: Some("user.orders.0".to_owned()),
            code: Some("NOT_FOUND".to_owned()),
        };
        assert_eq!(response.errors[0], first);
        assert_eq!(response.errors[1], Error { message: "other".to_owned(), ..Error::default() });
        assert_eq!((response.errors_count, response.has_data, response.truncated), (2, true, false));
    }

    #[test]
    fn batches_are_taken_together() {
        let body = r#"[{"data":null,"errors":[{"message":"a"}]},{"data":{}},{"errors":[{"message":"b"}]}]"#;
        let response = of("application/graphql-response+json", body, 0).unwrap();
        let messages: Vec<_> = response.errors.iter().map(|error| error.message.as_str()).collect();
        assert_eq!((messages, response.has_data), (vec!["a", "b"], true));
    }

    #[test]
    fn errors_before_a_cut_are_found() {
        let response =
            of("application/json", r#"{"errors":[{"message":"first"}],"data":{"a":[1,2"#, 1).unwrap();
        assert_eq!((response.errors_count, response.truncated), (1, true));
    }

    #[test]
    fn other_json_is_none() {
        assert_eq!(of("application/json", r#"{"result":1}"#, 0), None);
        assert_eq!(of("text/html", r#"{"data":1}"#, 0), None);
        assert_eq!(of("application/json", "", 0), None);
    }
}
