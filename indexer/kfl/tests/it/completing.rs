//! What is offered while a query is written.

use kfl::{Catalog, Field};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::hostile;

struct Shop;

impl Catalog for Shop {
    fn fields(&self) -> Vec<Field<'_>> {
        [
            ("request.method", "GET, POST and others"),
            ("request.path", "path of the target"),
            ("request.headers.*", "headers"),
            ("request.questions.*.name", "name asked for"),
            ("response.status", "status code"),
            ("src.name", "name it had"),
        ]
        .map(|(path, meaning)| Field { path, meaning })
        .to_vec()
    }

    fn values(&self, path: &str) -> Vec<Value> {
        match path {
            "request.method" => vec![json!("GET"), json!("POST")],
            "response.status" => vec![json!(200), json!(404)],
            "request.headers.user-agent" => vec![json!("curl/8.5")],
            "request.questions.*.name" => vec![json!("stock.shop")],
            _ => Vec::new(),
        }
    }
}

/// What the first few completions at the end of `text` make of it.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let completions = kfl::complete(text, text.len(), &Shop);
    let completed: Vec<String> = completions
        .items
        .iter()
        .take(expected.len().max(1))
        .map(|item| {
            assert!(!item.documentation.is_empty(), "{}", item.text);
            format!("{}{}", &text[..completions.replaces.start], item.text)
        })
        .collect();
    assert_eq!(completed, expected, "{text}");
}

#[test]
fn fields_protocols_and_functions() {
    check("", &["request.method", "request.path"]);
    check("resp", &["response.status"]);
    check("http and (re", &["http and (request.method", "http and (request.path"]);
    check("ht", &["http", "http2", "https"]);
    check("!dn", &["!dns"]);
    check("red", &["redis", "redact(\"request.headers.Authorization\")"]);
    check("nam", &["request.questions.*.name", "src.name"]);
    check("request.pa", &["request.path"]);
    check("request.path.st", &["request.path.startsWith(\"x\")"]);
    check("request.headers[\"x\"].c", &["request.headers[\"x\"].contains(\"x\")"]);
    check("timestamp > minu", &["timestamp > minutes(-5)"]);
    check("zzz", &[]);
}

#[test]
fn values_of_the_field() {
    check("request.method == ", &["request.method == \"GET\"", "request.method == \"POST\""]);
    check("request.method == \"P", &["request.method == \"POST\""]);
    check("http and response.status != 4", &["http and response.status != 404"]);
    check(
        "request.method in (\"GET\", ",
        &["request.method in (\"GET\", \"GET\"", "request.method in (\"GET\", \"POST\""],
    );
    check("request.method not in [\"P", &["request.method not in [\"POST\""]);
    check("request.headers[\"user-agent\"] == ", &["request.headers[\"user-agent\"] == \"curl/8.5\""]);
    check("request.questions[0].name == ", &["request.questions[0].name == \"stock.shop\""]);
    check("src.name == \"x", &[]);
}

#[test]
fn operators() {
    check("response.status ", &["response.status ==", "response.status !="]);
    check("response.status >= 400 a", &["response.status >= 400 and"]);
    check("http // remark", &[]);
    check("http /* remark", &[]);
}

proptest! {
    #[test]
    fn any_place_of_any_text(text in hostile::soup(), cursor in 0usize..200) {
        let completions = kfl::complete(&text, cursor, &Shop);
        prop_assert!(completions.replaces.end <= text.len());
        prop_assert!(text.get(completions.replaces.clone()).is_some());
        prop_assert!(completions.items.len() <= 50);
    }
}
