//! What was asked, wherever HTTP carries it.
//!
//! As JSON in a POST (one object, or a list of them), as a document in a POST, in the parameters of a GET or
//! of a form, or as the `operations` of a multipart form that uploads files. A persisted query sends the hash
//! of a document that the server knows.

use serde_json::Value;

use crate::protocol::graphql::document::{Document, Operation};
use crate::protocol::graphql::json::Raw;
use crate::protocol::graphql::{Media, is_named_in};
use crate::protocol::http_view::RequestView;
use crate::protocol::percent;

/// Most requests told apart in one batch.
const CALLS_MAX: usize = 64;
/// Most parameters of a URL or form that are looked at.
const PARAMETERS_MAX: usize = 256;
/// Most parts of a multipart form that are looked at; `operations` comes first.
const PARTS_MAX: usize = 8;

/// A request: one call, or a batch of them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Request {
    /// The calls, in order; never none.
    pub calls: Vec<Call>,
    /// Whether they came as a list.
    pub is_batch: bool,
    /// Whether bytes of the body are missing, or calls beyond a limit.
    pub truncated: bool,
}

/// What was asked for.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Call {
    /// The document, as sent.
    pub query: Option<String>,
    /// What is in it.
    pub document: Document,
    /// Which of its operations to execute.
    pub operation_name: Option<String>,
    /// The variables.
    pub variables: Option<Value>,
    /// The SHA-256 of a document that the server may know, in hexadecimal.
    pub persisted_hash: Option<String>,
    /// The name of a document that the server knows.
    pub document_id: Option<String>,
}

impl Call {
    /// The operation that is executed, if the document is here and says which.
    #[must_use]
    pub fn operation(&self) -> Option<&Operation> {
        match (&self.operation_name, self.document.operations.as_slice()) {
            (Some(name), operations) => {
                operations.iter().find(|operation| operation.name.as_ref() == Some(name))
            }
            (None, [only]) => Some(only),
            (None, _) => None,
        }
    }
}

/// Whether a request is likely to be of GraphQL, without parsing it.
#[must_use]
pub fn may_be(view: &RequestView<'_>) -> bool {
    let has = |bytes: &[u8], word: &[u8]| memchr::memmem::find(bytes, word).is_some();
    let body = view.body.bytes;
    let in_body = match Media::of(view.headers) {
        Some(Media::Document) => true,
        Some(Media::Json) => has(body, b"\"query\"") || has(body, b"sha256Hash") || has(body, b"documentId"),
        Some(Media::Form | Media::Multipart) => is_named_in(view.target),
        None => false,
    };
    let parameters = view.target.splitn(2, |&byte| byte == b'?').nth(1).unwrap_or_default();
    in_body || has(parameters, b"query=") || has(parameters, b"sha256Hash") || has(parameters, b"documentId=")
}

/// What a message of a subscription asks for: an object with the members that one in a POST has.
pub(super) fn of_message(payload: Raw<'_>) -> Call {
    let mut call = of_object(payload);
    call.document = call.query.as_deref().map(Document::parse).unwrap_or_default();
    call
}

/// Reads a request; `None` if it is not of GraphQL.
#[must_use]
pub fn read(view: &RequestView<'_>, decoded_bytes_max: usize) -> Option<Request> {
    if !may_be(view) && view.headers.value("content-encoding").is_none() {
        return None;
    }
    let media = Media::of(view.headers);
    let decoded = media.map(|_| view.body.decoded(view.headers, decoded_bytes_max));
    let body = decoded.as_ref().map(|decoded| decoded.bytes.as_slice()).unwrap_or_default();
    let is_cut = decoded.as_ref().is_some_and(|decoded| decoded.truncated || decoded.error.is_some());
    let is_whole = view.body.is_whole() && !is_cut;
    let from_url = || view.target.splitn(2, |&byte| byte == b'?').nth(1).map(of_parameters);
    let mut request = match media {
        Some(Media::Json) => of_json(body),
        Some(Media::Multipart) => operations_part(view, body).map(of_json).unwrap_or_default(),
        Some(Media::Form) => Request::one(of_parameters(body)),
        Some(Media::Document) => {
            let mut call = from_url().unwrap_or_default();
            call.query = Some(String::from_utf8_lossy(body).into_owned());
            Request::one(call)
        }
        None => Request::default(),
    };
    if request.calls.iter().all(|call| call.is_empty()) {
        request = Request::one(from_url()?);
    }
    request.truncated |= !is_whole;
    let is_named = is_named_in(view.target);
    for call in &mut request.calls {
        call.document = call.query.as_deref().map(Document::parse).unwrap_or_default();
    }
    let is_known = |call: &Call| call.is_graphql(is_named, is_whole);
    request.calls.iter().any(is_known).then_some(request)
}

impl Request {
    fn one(call: Call) -> Self {
        Self { calls: vec![call], ..Self::default() }
    }
}

impl Call {
    fn is_empty(&self) -> bool {
        self.query.is_none() && self.persisted_hash.is_none() && self.document_id.is_none()
    }

    /// A document must parse; where the path names GraphQL, or bytes are missing, it may be wrong.
    pub(super) fn is_graphql(&self, is_named: bool, is_whole: bool) -> bool {
        if self.persisted_hash.is_some() || (is_named && self.document_id.is_some()) {
            return true;
        }
        if self.query.is_none() {
            return false;
        }
        let has_operation = !self.document.operations.is_empty();
        let is_sound = has_operation && self.document.problem.is_none();
        let is_limited = has_operation && self.document.truncated;
        is_sound || is_limited || (is_named && (has_operation || is_whole))
    }

    /// Takes one member of a request.
    fn take(&mut self, name: &str, value: Raw<'_>) {
        match name {
            "query" => self.query = value.text().or(self.query.take()),
            "operationName" => self.operation_name = value.text().filter(|name| !name.is_empty()),
            "variables" => self.variables = value.value().filter(|variables| !variables.is_null()),
            "documentId" => self.document_id = value.text(),
            "extensions" => {
                let persisted = value.members().find(|(name, _)| name == "persistedQuery");
                let hash = persisted.and_then(|(_, value)| {
                    value.members().find(|(name, _)| name == "sha256Hash").and_then(|(_, hash)| hash.text())
                });
                self.persisted_hash = hash.filter(|hash| is_hash(hash));
            }
            _ => {}
        }
    }
}

/// SHA-256 in hexadecimal.
fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn of_json(body: &[u8]) -> Request {
    let raw = Raw::first(body);
    if !raw.is_list() {
        return Request::one(of_object(raw));
    }
    let mut elements = raw.elements().filter(|element| element.is_object());
    let calls = elements.by_ref().take(CALLS_MAX).map(of_object).collect();
    Request { calls, is_batch: true, truncated: elements.next().is_some() }
}

fn of_object(raw: Raw<'_>) -> Call {
    let mut call = Call::default();
    raw.members().for_each(|(name, value)| call.take(&name, value));
    call
}

/// In parameters, `variables` and `extensions` are JSON, the others are text.
fn of_parameters(query: &[u8]) -> Call {
    let mut call = Call::default();
    for (name, value) in percent::parameters(query, PARAMETERS_MAX) {
        let text = || Some(String::from_utf8_lossy(&value).into_owned());
        match name.as_slice() {
            b"query" => call.query = text(),
            b"operationName" => call.operation_name = text().filter(|name| !name.is_empty()),
            b"documentId" => call.document_id = text(),
            b"variables" => call.take("variables", Raw::first(&value)),
            b"extensions" => call.take("extensions", Raw::first(&value)),
            _ => {}
        }
    }
    call
}

/// The content of the part named `operations`
/// (<https://github.com/jaydenseric/graphql-multipart-request-spec>).
fn operations_part<'a>(view: &RequestView<'_>, body: &'a [u8]) -> Option<&'a [u8]> {
    let boundary = boundary(view.headers.value("content-type")?)?;
    let delimiter = [b"--".as_slice(), boundary].concat();
    let mut starts = memchr::memmem::find_iter(body, &delimiter).take(PARTS_MAX).peekable();
    while let Some(start) = starts.next() {
        let part = body.get(start + delimiter.len()..starts.peek().copied().unwrap_or(body.len()))?;
        let head_end = memchr::memmem::find(part, b"\r\n\r\n")?;
        let (head, content) = part.split_at_checked(head_end)?;
        if memchr::memmem::find(head, b"name=\"operations\"").is_some() {
            return Some(content.trim_ascii());
        }
    }
    None
}

/// The boundary parameter of a multipart media type (RFC 2046 §5.1.1).
fn boundary(content_type: &[u8]) -> Option<&[u8]> {
    content_type.split(|&byte| byte == b';').skip(1).find_map(|parameter| {
        let parameter = parameter.trim_ascii();
        let (name, value) = parameter.split_at_checked(b"boundary=".len())?;
        let value = value.trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        (name.eq_ignore_ascii_case(b"boundary=") && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use expect_test::{Expect, expect};

    use super::*;
    use crate::protocol::http_view::{BodyView, Fields};
    use crate::protocol::http1::message::Headers;

    /// A request, shown; `body` may be cut before its end.
    fn show(method: &str, target: &str, content_type: &str, body: &str, beyond: u64) -> String {
        let headers = Headers::parse(format!("Content-Type: {content_type}\r\n").as_bytes());
        let view = RequestView {
            method: method.as_bytes(),
            target: target.as_bytes(),
            headers: Fields::Http1(&headers),
            body: BodyView {
                bytes: body.as_bytes(),
                length_bytes: body.len() as u64 + beyond,
                gaps: &[],
                complete: true,
                trailers: Fields::Http1(&Headers::default()),
            },
        };
        let Some(request) = read(&view, 1 << 20) else { return "-\n".to_owned() };
        let mut text = String::new();
        for call in &request.calls {
            let operation = call.operation().map_or("?".to_owned(), |operation| {
                format!("{} {:?} {:?}", operation.kind.name(), operation.name, operation.paths)
            });
            write!(text, "{operation} of {}", call.document.operations.len()).unwrap();
            let variables = call.variables.as_ref().map(Value::to_string);
            let others = [&call.operation_name, &variables, &call.persisted_hash, &call.document_id];
            others
                .iter()
                .filter_map(|other| other.as_ref())
                .for_each(|other| write!(text, " {other}").unwrap());
            text.push('\n');
        }
        let notes = [(request.is_batch, "batch\n"), (request.truncated, "truncated\n")];
        notes.iter().filter(|(is, _)| *is).for_each(|(_, note)| text.push_str(note));
        text
    }

    fn check_json(body: &str, expected: Expect) {
        expected.assert_eq(&show("POST", "/api", "application/json; charset=utf-8", body, 0));
    }

    const HASH: &str = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";

    #[test]
    fn json_holds_one_call_or_several() {
        check_json(
            r#"{"query":"query Q($id: ID!) { item(id: $id) { name } }","variables":{"id":"1"},"operationName":"Q"}"#,
            expect![[r#"
                query Some("Q") ["item", "item.name"] of 1 Q {"id":"1"}
            "#]],
        );
        check_json(
            r#"{"operationName":"B","query":"query A { a } mutation B { b }"}"#,
            expect![[r#"
                mutation Some("B") ["b"] of 2 B
            "#]],
        );
        check_json(
            r#"{"query":"query A { a } mutation B { b }","variables":null}"#,
            expect![[r#"
            ? of 2
        "#]],
        );
        check_json(
            r#"[{"query":"{ a }"},{"query":"mutation { b }"}]"#,
            expect![[r#"
            query None ["a"] of 1
            mutation None ["b"] of 1
            batch
        "#]],
        );
    }

    #[test]
    fn other_fields_named_query_are_not_graphql() {
        for body in [
            r#"{"query":{"match_all":{}}}"#,
            r#"{"query":"shoes"}"#,
            r#"{"query":"SELECT * FROM t"}"#,
            r#"{"query":"type A { b: Int }"}"#,
            r#"{"query":""}"#,
            r#"{"q":"{ a }"}"#,
            "[1,2]",
            "",
            "{",
        ] {
            assert_eq!(show("POST", "/api", "application/json", body, 0), "-\n", "{body}");
        }
        assert_eq!(show("GET", "/search?query=shoes", "", "", 0), "-\n");
        assert_eq!(show("GET", "/search?query=a%20b", "", "", 0), "-\n");
    }

    #[test]
    fn where_the_path_names_it_a_wrong_document_is_graphql_too() {
        expect![[r#"
            query None ["a"] of 1
        "#]]
        .assert_eq(&show("POST", "/graphql", "application/json", r#"{"query":"{ a( }"}"#, 0));
    }

    #[test]
    fn persisted_queries_have_a_hash() {
        let extensions = format!(r#"{{"persistedQuery":{{"version":1,"sha256Hash":"{HASH}"}}}}"#);
        check_json(
            &format!(r#"{{"operationName":"Q","variables":{{}},"extensions":{extensions}}}"#),
            expect![[r#"
            ? of 0 Q {} ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38
        "#]],
        );
        check_json(
            &format!(r#"{{"query":"{{ a }}","extensions":{extensions}}}"#),
            expect![[r#"
            query None ["a"] of 1 ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38
        "#]],
        );
        let target = format!("/graphql?operationName=Q&extensions={}", extensions.replace('"', "%22"));
        expect![[r#"
            ? of 0 Q ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38
        "#]]
        .assert_eq(&show("GET", &target, "", "", 0));
        check_json(
            r#"{"extensions":{"persistedQuery":{"sha256Hash":"short"}}}"#,
            expect![[r#"
            -
        "#]],
        );
    }

    #[test]
    fn urls_forms_and_documents_are_read() {
        expect![[r#"
            query None ["a"] of 1 {"x":1}
        "#]]
        .assert_eq(&show("GET", "/?query=%7B+a+%7D&variables=%7B%22x%22%3A1%7D", "", "", 0));
        expect![[r#"
            mutation Some("M") ["a"] of 1 M
        "#]]
        .assert_eq(&show(
            "POST",
            "/graphql",
            "application/x-www-form-urlencoded",
            "query=mutation+M{a}&operationName=M",
            0,
        ));
        expect![[r#"
            query Some("B") ["b"] of 2 B
        "#]]
        .assert_eq(&show("POST", "/x?operationName=B", "application/graphql", "{a} query B {b}", 0));
        expect![[r#"
            query None ["a"] of 1
        "#]]
        .assert_eq(&show("POST", "/x?query={a}", "application/json", "{}", 0));
    }

    #[test]
    fn uploads_name_their_operations() {
        let body = "--xyz\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n\
                    {\"query\":\"mutation($f: Upload!) { put(file: $f) }\",\"variables\":{\"f\":null}}\r\n\
                    --xyz\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{}\r\n--xyz--\r\n";
        expect![[r#"
            mutation None ["put"] of 1 {"f":null}
        "#]]
        .assert_eq(&show("POST", "/graphql", "multipart/form-data; boundary=\"xyz\"", body, 0));
    }

    #[test]
    fn a_cut_body_gives_what_is_there() {
        let body = r#"{"operationName":"Q","query":"query Q { user { na"#;
        expect![[r#"
            query Some("Q") ["user", "user.na"] of 1 Q
            truncated
        "#]]
        .assert_eq(&show("POST", "/graphql", "application/json", body, 900));
        let body = r#"{"query":"query Q { user { name } }","variables":{"list":[1,2"#;
        expect![[r#"
            query Some("Q") ["user", "user.name"] of 1
            truncated
        "#]]
        .assert_eq(&show("POST", "/api", "application/json", body, 900));
    }
}
