//! What is planned is what is evaluated: on random entries, random expressions.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use crate::bundle::Bundle;
use crate::document::{Indexed, Words};
use crate::entry::{complete, without_bodies};
use crate::growing::GrowingIndex;
use crate::opened::{Opened, Ready};
use crate::plan;
use crate::search::{row, rules_out};

/// Indexes, and expressions tried on each.
const INDEXES: u32 = 500;
const EXPRESSIONS: usize = 48;
/// Shortens what CI can't wait for: `REMORA_PLANNED_INDEXES=20000` looks for longer.
const INDEXES_VARIABLE: &str = "REMORA_PLANNED_INDEXES";

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => select(vec!["GET", "cart", "/carts/57a98d98e4b00679b4a830b2/items", "/carts", "10.0.0.5", "200", "true", "",
                         "550e8400-e29b-41d4-a716-446655440000", "x-446655440000-beefcafe42-cart", "Connection refused",
                         "connection", "refused connection", "a\u{0}b", "\u{1e}x\u{1f}", "null", "1.5", "zebra-00000000001"])
            .prop_map(Value::from),
        1 => "[a-c0-2 /-]{0,30}".prop_map(Value::from),
        3 => select(vec![0_i64, 1, 7, 200, 404, 500, -3, i64::MAX]).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!(1.5)),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((select(KEYS.to_vec()), inner), 0..3).prop_map(|members| members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

const KEYS: [&str; 8] = ["a", "b", "status", "Host", "[]", "", "traceparent", "x\u{1e}y"];

prop_compose! {
    fn entry()(
        abbr in select(vec!["HTTP", "DNS", "REDIS", "TCP"]),
        start_ns in -5_i64..3_000_000_000,
        ip in select(vec!["10.0.0.5", "10.0.0.6", "192.168.1.1", "::1"]),
        port in select(vec!["80", "443", "32769", "none"]),
        sizes in (0_u64..5, 0_u64..2_000),
        elapsed_ns in prop::option::of(0_u64..3_000_000_000),
        path in scalar(), status in scalar(), body in scalar(), extra in tree(), list in prop::collection::vec(tree(), 0..3),
        trace in prop::bool::weighted(0.2),
    ) -> (i64, Option<u64>, Value) {
        let mut entry = json!({
            "id": format!("a-0000000001.1.{}", start_ns.unsigned_abs()), "protocol": {"name": abbr.to_lowercase(), "abbr": abbr},
            "timestamp": start_ns.div_euclid(1_000_000), "src": {"ip": ip, "port": port, "name": ""},
            "requestSize": sizes.0, "responseSize": sizes.1, "tls": false,
            "request": {"path": path, "extra": extra, "list": list, "headers": {}},
            "response": {"status": status, "content": {"text": body}},
        });
        if trace {
            entry["request"]["headers"]["Traceparent"] = format!("00-{TRACE}-00f067aa0ba902b7-01").into();
        }
        if let Some(elapsed_ns) = elapsed_ns {
            entry["elapsedTime"] = ((elapsed_ns + 500_000) / 1_000_000).into();
        }
        (start_ns, elapsed_ns, entry)
    }
}

fn path() -> impl Strategy<Value = String> {
    select(vec![
        "request.path",
        "request.extra",
        "request.extra.a",
        "request.extra.b.a",
        "request.extra[\"[]\"]",
        "request.extra.*",
        "request.list",
        "request.list[0]",
        "request.list[1].a",
        "request.list.*.b",
        "response.status",
        "request.extra.status",
        "response.content.text",
        "src.ip",
        "src.port",
        "src.name",
        "requestSize",
        "responseSize",
        "elapsedTime",
        "timestamp",
        "tls",
        "protocol.abbr",
        "protocol.longName",
        "missing",
        "request",
        "request..a",
        "request.extra.Host",
        "request.extra[\"x\u{1e}y\"]",
    ])
    .prop_map(str::to_owned)
}

fn predicate() -> impl Strategy<Value = String> {
    let op = select(vec!["==", "!=", "<", "<=", ">", ">="]);
    (path(), op, scalar(), scalar(), 0..16_u8).prop_map(|(path, op, value, other, kind)| {
        let (value, other) = (written(&value), written(&other));
        let start: String =
            value.trim_matches('"').chars().take(4).filter(char::is_ascii_alphanumeric).collect();
        match kind {
            0..=3 => format!("{path} {op} {value}"),
            4 => format!("{value} {op} {path}"),
            5 => format!("{path} == r\"{start}\""),
            6 => format!("{path}.startsWith({value})"),
            7 => format!("{path}.contains(\"{start}\")"),
            8 => format!("{path} in ({value}, {other})"),
            9 => format!("{path} not in 1..500"),
            10 => format!("{path} in 10.0.0.0/8"),
            11 => path,
            12 => format!("size({path}) > 1"),
            13 => format!("{path} {op} nil"),
            14 => format!("{path} == {path}"),
            _ => format!("{path} {op} {other} and {path}.endsWith(\"{start}\")"),
        }
    })
}

fn written(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::String(text) => Value::from(text.replace(char::is_control, "")).to_string(),
        other => other.to_string(),
    }
}

fn leaf() -> impl Strategy<Value = String> {
    let texts = [
        "cart",
        "connection refused",
        "conn*",
        "refusd~",
        "446655440000",
        "550e8400-e29b-41d4-a716-446655440000",
        "beef*",
        "200",
        "a 1",
        "zebra-00000000001",
        "beefcafe42",
        "x",
    ];
    prop_oneof![
        8 => predicate(),
        2 => select(texts.to_vec()).prop_map(|text| format!("text(\"{text}\")")),
        1 => Just(format!("trace(\"{TRACE}\")")),
        1 => select(vec!["http", "dns", "redis", "true", "false", ""]).prop_map(|word| if word.is_empty() { "true".to_owned() } else { word.to_owned() }),
        1 => select(vec!["redact(\"request.path\")", "redact(\"response.status\")"]).prop_map(str::to_owned),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) or ({b})")),
            inner.prop_map(|a| format!("!({a})")),
        ]
    })
}

/// Checks an expression on the entries of an index: what is sure holds, what holds is possible, and what an index rules
/// out before it is opened holds nowhere.
fn check(text: &str, entries: &[Value], index: &Opened) -> Result<(), TestCaseError> {
    let Ok(query) = kfl::parse(text, 0) else { return Ok(()) };
    let Ready { searcher, fields } = index.ready().unwrap();
    let reader = searcher.segment_reader(0);
    let planned = plan::candidates(query.expression(), reader, *fields).unwrap();
    let ruled_out = rules_out(query.expression(), index).unwrap();
    for (doc, entry) in (0..).zip(entries) {
        let holds = query.matches(entry);
        prop_assert!(holds || !planned.sure.contains(doc), "sure, but does not hold: {} {}", text, entry);
        prop_assert!(
            !holds || planned.possible.contains(doc),
            "holds, but isn't possible: {} {}",
            text,
            entry
        );
        prop_assert!(!holds || ruled_out.is_none(), "holds, but was ruled out: {} {}", text, entry);
    }
    Ok(())
}

fn index(dir: &Path, entries: &[(i64, Option<u64>, Value)]) -> Opened {
    let id = "a-0000000001".parse().unwrap();
    let mut index = GrowingIndex::create(dir.join("growing"), &id).unwrap();
    for (number, (start_ns, elapsed_ns, entry)) in (0..).zip(entries) {
        let words = Words::of(entry, true);
        let entry = without_bodies(entry.clone());
        index.add(Indexed { start_ns: *start_ns, number, elapsed_ns: *elapsed_ns, words, entry }).unwrap();
    }
    let target = dir.join("a.index");
    index.bundle(&target).unwrap();
    Opened::of(Bundle::open(&target).unwrap())
}

#[test]
fn what_is_planned_is_what_is_evaluated() {
    let indexes =
        std::env::var(INDEXES_VARIABLE).ok().and_then(|count| count.parse().ok()).unwrap_or(INDEXES);
    let mut runner =
        TestRunner::new(ProptestConfig { cases: indexes, max_shrink_iters: 400, ..Default::default() });
    let entries = prop::collection::vec(entry(), 1..40);
    let questions = prop::collection::vec(expression(), EXPRESSIONS);
    runner
        .run(&(entries, questions), |(entries, questions)| {
            let dir = tempfile::tempdir().unwrap();
            let index = index(dir.path(), &entries);
            let whole: Vec<Value> = entries.into_iter().map(|(_, _, entry)| complete(entry)).collect();
            for text in questions {
                check(&text, &whole, &index)?;
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn rows_are_entries_without_bodies() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 20, ..Default::default() });
    runner
        .run(&prop::collection::vec(entry(), 1..40), |entries| {
            let dir = tempfile::tempdir().unwrap();
            let index = index(dir.path(), &entries);
            let ready = index.ready().unwrap();
            for (doc, (_, _, entry)) in (0..).zip(entries) {
                let row = row(ready, tantivy::DocAddress::new(0, doc)).unwrap().unwrap();
                for (name, value) in without_bodies(entry).as_object().unwrap() {
                    prop_assert_eq!(&row[name], value);
                }
            }
            Ok(())
        })
        .unwrap();
}
