//! GraphQL: an interpretation of HTTP messages, so what is held against it is what was sent.

use dissect::Limits;
use dissect::protocol::Direction::{ToClient, ToServer};
use dissect::protocol::graphql::{Kind, Request, Response, request, response};
use dissect::protocol::{Direction, Pair, http1};
use proptest::prelude::*;

use super::{Keeping, Step, config, parts, play, splits_alike};

const DECODED_BYTES_MAX: usize = 1 << 20;
const MIB: usize = 1024 * 1024;

/// An operation as it is sent, and what comes of it.
#[derive(Clone, Debug)]
struct Operation {
    kind: Kind,
    fields: Vec<&'static str>,
    variable: String,
    errors: usize,
    has_data: bool,
}

fn operation() -> impl Strategy<Value = Operation> {
    let kind = prop::sample::select(vec![Kind::Query, Kind::Mutation, Kind::Subscription]);
    let fields = prop::sample::subsequence(vec!["orders", "user", "cart", "total"], 1..4);
    (kind, fields, "[a-zé{}\\[\\]:, ]{0,60}", 0_usize..4, any::<bool>()).prop_map(
        |(kind, fields, variable, errors, has_data)| Operation { kind, fields, variable, errors, has_data },
    )
}

impl Operation {
    /// Names are told apart from each other, and none begins another.
    fn name(index: usize) -> String {
        format!("Operation{index}x")
    }

    fn error(index: usize, error: usize) -> String {
        format!("error {error} of {index}.")
    }

    fn asked(&self, index: usize) -> Vec<u8> {
        let query = format!("{} {} {{ {} }}", self.kind.name(), Self::name(index), self.fields.join(" "));
        let body = serde_json::json!({"query": query, "variables": {"x": self.variable}}).to_string();
        let head = "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n";
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    fn answered(&self, index: usize) -> Vec<u8> {
        let errors: Vec<_> =
            (0..self.errors).map(|error| serde_json::json!({"message": Self::error(index, error)})).collect();
        let data =
            if self.has_data { serde_json::json!({"x": self.variable}) } else { serde_json::Value::Null };
        let body = serde_json::json!({"errors": errors, "data": data}).to_string();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

fn talk(operations: &[Operation]) -> Vec<(Direction, Vec<u8>)> {
    let turn = |(index, operation): (usize, &Operation)| {
        [(ToServer, operation.asked(index)), (ToClient, operation.answered(index))]
    };
    operations.iter().enumerate().flat_map(turn).collect()
}

fn dissector() -> http1::Dissector {
    http1::Dissector::new(&Limits::default())
}

fn check_request(request: &Request, operations: &[Operation]) -> Result<Option<usize>, TestCaseError> {
    prop_assert_eq!(request.calls.len(), 1);
    let call = &request.calls[0];
    let Some(told) = call.document.operations.first() else {
        prop_assert!(request.truncated, "no operation in {:?}", call);
        return Ok(None);
    };
    let Some(name) = &told.name else {
        prop_assert!(request.truncated, "no name in {:?}", call);
        return Ok(None);
    };
    let found = (0..operations.len()).find(|index| Operation::name(*index) == *name);
    let Some(index) = found else {
        let begins = (0..operations.len()).any(|index| Operation::name(index).starts_with(name.as_str()));
        prop_assert!(request.truncated && begins, "never sent: {:?}", name);
        return Ok(None);
    };
    let sent = &operations[index];
    prop_assert_eq!(told.kind, sent.kind);
    if !request.truncated {
        prop_assert_eq!(&told.paths, &sent.fields);
        prop_assert_eq!(&call.variables, &Some(serde_json::json!({"x": sent.variable})));
    }
    Ok(Some(index))
}

fn check_response(told: &Response, index: usize, sent: &Operation) -> Result<(), TestCaseError> {
    prop_assert!(told.errors_count <= sent.errors);
    for (error, told_error) in told.errors.iter().enumerate() {
        let message = Operation::error(index, error);
        let is_cut = told.truncated && message.starts_with(&told_error.message);
        prop_assert!(message == told_error.message || is_cut, "never sent: {:?}", told_error);
    }
    prop_assert!(sent.has_data || !told.has_data || told.truncated);
    if !told.truncated {
        prop_assert_eq!((told.errors_count, told.has_data), (sent.errors, sent.has_data));
    }
    Ok(())
}

/// Every operation told was sent, with the outcome that it had.
fn check(pairs: &[Pair], operations: &[Operation]) -> Result<usize, TestCaseError> {
    let mut whole = 0;
    for pair in pairs {
        let asked = pair.request.as_ref().and_then(|message| message.content.http_request());
        let answered = pair.response.as_ref().and_then(|message| message.content.http_response());
        let Some(request) = asked.and_then(|view| request::read(&view, DECODED_BYTES_MAX)) else { continue };
        let index = check_request(&request, operations)?;
        let response = answered.and_then(|view| response::read(&view, DECODED_BYTES_MAX));
        let (Some(index), Some(response)) = (index, response) else { continue };
        check_response(&response, index, &operations[index])?;
        whole += usize::from(!request.truncated && !response.truncated);
    }
    Ok(whole)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_was_sent_is_told_however_it_is_split(
        operations in prop::collection::vec(operation(), 1..5),
        parts in parts(),
    ) {
        let steps: Vec<_> = talk(&operations).into_iter().map(|(way, bytes)| Step::Data(way, bytes)).collect();
        splits_alike(dissector, &steps, &parts)?;
        let pairs = play(dissector(), &steps, &parts, Keeping::InMemory);
        prop_assert_eq!(check(&pairs, &operations)?, operations.len());
    }

    #[test]
    fn a_gap_tells_nothing_new(
        operations in prop::collection::vec(operation(), 1..5),
        gap in (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1_usize..200),
    ) {
        let mut steps: Vec<_> =
            talk(&operations).into_iter().map(|(way, bytes)| Step::Data(way, bytes)).collect();
        let (index, at, length) = gap;
        let index = index.index(steps.len());
        let Step::Data(way, bytes) = steps[index].clone() else { unreachable!("only data") };
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + length);
        let [before, behind] = [&bytes[..at], &bytes[end..]].map(|bytes| Step::Data(way, bytes.to_vec()));
        steps.splice(index..=index, [before, Step::Gap(way, (end - at) as u64), behind]);
        check(&play(dissector(), &steps, &[usize::MAX], Keeping::InMemory), &operations)?;
    }
}

#[test]
fn no_flood_is_held() {
    let start =
        b"POST /graphql HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    for again in ["4\r\n{{{{\r\n", "a\r\n[{\"query\":\r\n", "6\r\n\\u0041\r\n"] {
        let most = super::flood(http1::Dissector::new(MIB), ToServer, start, again.as_bytes());
        assert!(most <= 4 * MIB, "{again:?}: {most} bytes");
    }
}
