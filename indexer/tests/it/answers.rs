//! The index prunes, the evaluator decides: an answer never depends on what is indexed.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use indexer::{Coverage, Data, Order, QueryOptions};
use proptest::prelude::*;
use segment::{TimeRange, Timestamp};
use serde_json::Value;

use crate::recording;

fn all() -> QueryOptions {
    QueryOptions::default()
}

pub fn ask(data: &Data, text: &str, options: QueryOptions) -> (Vec<Value>, Coverage) {
    let query = kfl::parse(text, 0).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut entries = Vec::new();
    let coverage = data
        .query(&query, options, &mut |entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        })
        .unwrap();
    (entries, coverage)
}

fn ids(entries: &[Value]) -> BTreeSet<String> {
    entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

/// Every path to a scalar in a record, as KFL writes it, with the value.
pub fn scalars(value: &Value, path: String, found: &mut BTreeSet<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}[{}]", Value::from(key.as_str()))
                };
                scalars(member, path, found);
            }
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate().take(3) {
                scalars(element, format!("{path}[{index}]"), found);
                scalars(element, format!("{path}.*"), found);
            }
        }
        scalar => {
            found.insert((path, scalar.to_string()));
        }
    }
}

/// A predicate on something that the entries have, or almost have.
fn predicate(scalars: Vec<(String, String)>) -> impl Strategy<Value = String> {
    let count = scalars.len();
    let ops = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    (0..count, 0..count, ops, 0..12u8).prop_map(move |(one, other, op, kind)| {
        let ((path, own), (_, foreign)) = (&scalars[one], &scalars[other]);
        let text = own.trim_matches('"');
        let prefix: String = text.chars().take(4).filter(|c| c.is_ascii_alphanumeric()).collect();
        match kind {
            0 | 1 => format!("{path} {op} {own}"),
            2 => format!("{path} {op} {foreign}"),
            3 => format!("{path} == r\"{prefix}\""),
            4 => format!("{path}.startsWith(\"{prefix}\")"),
            5 => path.clone(),
            6 => format!("{path}.contains(\"{prefix}\")"),
            7 => format!("{path} in ({own}, {foreign})"),
            8 => format!("{path} not in 1..500"),
            9 => format!("{path} in 10.0.0.0/8 or {path} in 127.0.0.0/8"),
            10 => format!("size({path}) > 3 and {path}.matches(\"{prefix}\")"),
            _ => format!("\"{}\" {op} {path}", text.escape_default()),
        }
    })
}

pub fn question(scalars: Vec<(String, String)>) -> impl Strategy<Value = String> {
    let macros = prop::sample::select(vec!["http", "dns", "redis", "true", "false"]).prop_map(str::to_owned);
    let leaf = prop_oneof![6 => predicate(scalars), 1 => macros];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) or ({b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

#[test]
fn an_answer_is_what_the_evaluator_says_of_every_entry() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let (rows, coverage) = ask(&data, "", all());
    assert!(coverage.segments_missing.is_empty(), "{:?}", coverage.segments_missing);
    assert!(rows.len() > 100, "only {} entries", rows.len());
    let full: Vec<Value> = ids(&rows)
        .iter()
        .map(|id| data.entry(id).unwrap().unwrap_or_else(|| panic!("{id} not found")))
        .collect();
    let mut paths = BTreeSet::new();
    full.iter().for_each(|entry| scalars(entry, String::new(), &mut paths));
    let usable =
        |(_, value): &(String, String)| value.len() < 300 && kfl::parse(&format!("a == {value}"), 0).is_ok();
    let paths: Vec<_> = paths.into_iter().filter(usable).collect();
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 400, ..Default::default() });
    runner
        .run(&question(paths), |text| {
            let Ok(query) = kfl::parse(&text, 0) else { return Ok(()) };
            let expected: Vec<Value> = full.iter().filter(|entry| query.matches(entry)).cloned().collect();
            let (found, _) = ask(&data, &text, all());
            prop_assert_eq!(ids(&found), ids(&expected), "{}", text);
            Ok(())
        })
        .unwrap();
}

#[test]
fn entries_come_in_order_and_within_the_range_and_limit() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let times = |options| -> Vec<i64> {
        ask(&data, "http or dns", options)
            .0
            .iter()
            .map(|entry| entry["timestamp"].as_i64().unwrap())
            .collect()
    };
    let every = times(all());
    assert!(every.is_sorted_by(|a, b| a >= b), "descending");
    let mut ascending = times(QueryOptions { order: Order::Ascending, ..all() });
    assert!(ascending.is_sorted(), "ascending");
    ascending.reverse();
    assert_eq!(ascending, every);
    let (entries, coverage) = ask(&data, "http or dns", QueryOptions { limit: Some(5), ..all() });
    assert_eq!((entries.len(), coverage.entries, coverage.truncated), (5, 5, true));

    let middle = Timestamp::from_nanos(every[every.len() / 2] * 1_000_000);
    let before = QueryOptions { range: TimeRange::new(Timestamp::MIN, middle).unwrap(), ..all() };
    let after = QueryOptions { range: TimeRange::new(middle, Timestamp::MAX).unwrap(), ..all() };
    assert_eq!(times(before.clone()).len() + times(after).len(), every.len());
    assert!(times(before).iter().all(|millis| *millis < middle.millis()));
}

/// Entries that begin at the same instant come in any order.
fn in_order(mut entries: Vec<Value>) -> Vec<Value> {
    entries.sort_by_key(|entry| entry["id"].to_string());
    entries
}

#[test]
fn without_an_index_the_answer_is_the_same() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let texts = [
        "http and response.status >= 400",
        "dns",
        "response.content.text.contains(\"html\")",
        "text(\"html\") == true",
        "http and redact(\"request.method\") and request.method == \"[REDACTED]\"",
        "",
    ];
    let with: Vec<_> = texts.iter().map(|text| in_order(ask(&data, text, all()).0)).collect();
    for id in data.layout().list_sealed().unwrap() {
        std::fs::remove_file(data.layout().index(&id)).unwrap();
    }
    for (text, with) in texts.iter().zip(with) {
        assert!(in_order(ask(&data, text, all()).0) == with, "{text}");
    }
}

#[test]
fn what_is_redacted_does_not_leave() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let (entries, _) = ask(&data, "http and redact(\"request.method\")", all());
    assert_eq!(ids(&entries), ids(&ask(&data, "http", all()).0));
    assert!(
        entries
            .iter()
            .all(|entry| entry["request"]["method"].is_null() || entry["request"]["method"] == kfl::REDACTED)
    );
    // What stands behind is asked of what is left.
    assert!(ask(&data, "redact(\"request.method\") and request.method == \"GET\"", all()).0.is_empty());
    assert!(!ask(&data, "request.method == \"GET\" and redact(\"request.method\")", all()).0.is_empty());
}

#[test]
fn a_damaged_index_does_not_change_the_answer() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let with = ask(&data, "http", all()).0;
    for id in data.layout().list_sealed().unwrap() {
        let path = data.layout().index(&id);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    }
    assert!(ask(&data, "http", all()).0 == with);
}
