//! Texts nobody means: whatever comes, it is answered or refused, at once and without harm.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value, json};

pub fn op() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="])
}

/// Something to compare with, as it is written.
pub fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "nil",
            "null",
            "true",
            "false",
            "0",
            "1",
            "-2",
            "4.0",
            "042",
            "0x10",
            "1e3",
            ".5",
            "\"\"",
            "\"a\"",
            "'1'",
            "`-2`",
            "\"true\"",
            "\"042\"",
            "r\"a\"",
            "r'^[0-9]+$'",
            "r``",
            "now()",
            "minutes(-1)",
            "1..5",
            "-2..-1",
            "minutes(-1)..now()",
            "10.0.0.0/8",
            "::1",
            "250ms",
            "1.5MiB",
            "2 * 3 - 1",
            "now() - 1h30m",
        ])
        .prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>()
            .prop_filter("a number", |number| number.is_finite())
            .prop_map(|number| format!("{number:e}")),
        "[ -~é\n]{0,8}".prop_map(|text| format!("{text:?}")),
    ]
}

fn path() -> impl Strategy<Value = String> {
    let step = prop_oneof![
        prop::sample::select(vec![
            ".a",
            ".b",
            "[\"c-d\"]",
            "[0]",
            "[1]",
            ".*",
            "[*]",
            "..a",
            ".json()",
            ".xml()",
            ".and",
            ".http"
        ])
        .prop_map(str::to_owned),
        "[ -~é]{0,4}".prop_map(|key| format!("[{key:?}]")),
    ];
    let root =
        prop::sample::select(vec!["a", "b", "and", "not", "or", "limit", "r", "..b", "[\"http\"]", "é"]);
    (root, prop::collection::vec(step, 0..4)).prop_map(|(root, steps)| root.to_owned() + &steps.concat())
}

fn operand() -> impl Strategy<Value = String> {
    let function = prop::sample::select(vec!["startsWith", "endsWith", "contains"]);
    prop_oneof![
        3 => path(),
        2 => literal(),
        1 => prop::sample::select(vec!["http", "dns", "redis", "now", "limit(3)"]).prop_map(str::to_owned),
        1 => (path(), function, prop_oneof![literal(), path()])
            .prop_map(|(path, function, argument)| format!("{path}.{function}({argument})")),
        1 => path().prop_map(|path| format!("-{path}")),
        1 => prop_oneof![
            path().prop_map(|path| format!("size({path})")),
            path().prop_map(|path| format!("has({path})")),
            (path(), literal()).prop_map(|(path, otherwise)| format!("map_get({path}, \"b\", {otherwise})")),
            path().prop_map(|path| format!("{path}.matches('^a')")),
        ],
    ]
}

/// A comparison or a call, mostly of the field `a`.
pub fn predicate() -> impl Strategy<Value = String> {
    let side = || prop_oneof![2 => Just("a".to_owned()), 1 => operand()];
    prop_oneof![
        (side(), op(), operand()).prop_map(|(left, op, right)| format!("{left} {op} {right}")),
        (operand(), op(), side()).prop_map(|(left, op, right)| format!("{left} {op} {right}")),
        literal().prop_map(|argument| format!("a.contains({argument})")),
        operand(),
    ]
}

/// Mostly right texts.
pub fn query() -> impl Strategy<Value = String> {
    let comparison =
        (operand(), op(), operand()).prop_map(|(left, op, right)| format!("{left} {op} {right}"));
    let membership = (operand(), prop::collection::vec(prop_oneof![literal(), path()], 1..4), any::<bool>())
        .prop_map(|(left, members, not)| {
            format!("{left} {} ({})", if not { "not in" } else { "in" }, members.join(", "))
        });
    let search = prop::sample::select(vec![
        "text(\"a b*\")",
        "text('1')",
        "trace(\"4bf92f3577b34da6a3ce929d0e0e4736\")",
        "redact(\"a\", \"..b\")",
        "redact(a.*.json().b)",
        "rule(query: a == 1, assert: b)",
    ])
    .prop_map(str::to_owned);
    prop_oneof![4 => operand(), 4 => comparison, 2 => membership, 1 => search].prop_recursive(
        5,
        32,
        4,
        |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" and ")),
                prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| parts.join(" OR ")),
                inner.clone().prop_map(|inner| format!("!{inner}")),
                inner.clone().prop_map(|inner| format!("not ({inner})")),
                inner.clone().prop_map(|inner| format!("({inner})")),
                (inner.clone(), op(), inner).prop_map(|(left, op, right)| format!("({left}) {op} ({right})")),
            ]
        },
    )
}

pub fn record() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..3i64).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "a",
            "1",
            "042",
            "10.1.2.3",
            "{\"a\": [1], \"b\": \"<a><b>1</b></a>\"}",
            "<a><b>1</b></a>"
        ])
        .prop_map(Value::from),
    ];
    let key = prop::sample::select(vec!["a", "b", "c-d", "and", "http", "é"]).prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

pub fn soup() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        8 => prop::sample::select(vec![
            "and", "or", "not", "!", "-", "(", ")", "[", "]", "==", "!=", "<", "<=", ">", ">=", "=", ".", "..", "*",
            ".*", ",", ":", "a", "b", "http", "now", "nil", "true", "1", "1.5", "0x", "1e", "\"", "'", "`", "\\",
            "\"a\"", "r\"a\"", "r\"(\"", "limit(", "now()", "contains", ".contains(\"a\")", "//", "/*", "*/", "\n", "&&",
            "||", "é", "\u{0}", "\u{1b}[2J", "r", "[*]", "[0]", "hours(-1)", "datetime(\"", "json()",
            " in ", "not in", "..", "10.0.0.0/8", "::1", "5ms", "1KiB", "+", "/", "%", "text(\"a\")", "redact(\"a\")", "1..2",
            "size(a)", "has(", "rule(query:", ".xml()", "matches(", "path", "https",
        ])
        .prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    (prop::collection::vec(token, 0..40), prop::sample::select(vec!["", " "]))
        .prop_map(|(tokens, between)| tokens.join(between))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn right_texts_print_as_what_they_are(text in query(), record in record()) {
        if let Ok(query) = kfl::parse(&text, 0) {
            let printed = query.expression().to_string();
            let again = kfl::parse(&printed, 0);
            prop_assert!(again.is_ok(), "{text}\nprinted as {printed}\n{}", again.expect_err("it is"));
            let again = again.expect("just looked");
            prop_assert_eq!(again.expression(), query.expression(), "{}\nprinted as {}", text, printed);
            prop_assert_eq!(again.matches(&record), query.matches(&record));
        }
    }

    #[test]
    fn not_turns_the_answer(text in query(), record in record()) {
        if let (Ok(query), Ok(turned)) = (kfl::parse(&text, 0), kfl::parse(&format!("!({text})"), 0)) {
            prop_assert_ne!(query.matches(&record), turned.matches(&record));
        }
    }

    #[test]
    fn soup_never_panics(text in soup(), record in record()) {
        match kfl::parse(&text, 0) {
            Ok(query) => drop(query.matches(&record)),
            Err(error) => {
                prop_assert!(error.span.end <= text.len());
                let drawn = error.to_string();
                prop_assert!(drawn.contains('^'));
                prop_assert!(!drawn.chars().any(|letter| letter.is_control() && letter != '\n'), "{drawn:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10))]

    #[test]
    fn most_made_up_texts_are_right(texts in prop::collection::vec(query(), 50)) {
        let right = texts.iter().filter(|text| kfl::parse(text, 0).is_ok()).count();
        prop_assert!(right > 20, "or the other tests test nothing: {right} of 50");
    }
}

/// Runs `text` on a thread with as little stack as a caller may have, and not for long.
#[track_caller]
fn survives(text: String) -> Result<kfl::Query, kfl::SyntaxError> {
    const STACK_BYTES: usize = 1024 * 1024;
    let started = Instant::now();
    let reading = move || {
        let query = kfl::parse(&text, 0);
        if let Ok(query) = &query {
            let _ = query.matches(&json!({"a": {"a": 1}}));
            let _ = query.expression().to_string();
        }
        query
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(reading).expect("a thread");
    let query = thread.join().expect("no panic");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    query
}

#[test]
fn depth_is_refused_before_it_hurts() {
    for unit in [
        "(",
        "!(",
        "not (",
        "-(",
        "a == (",
        "a == !(",
        "limit(",
        "a.b(",
        "!a == !b and (",
        "[",
        "!",
        "- ",
        "not ",
    ] {
        for count in [50, 150, 1000, 5000] {
            let _ = survives(unit.repeat(count));
            let closing = if unit.contains('(') { ")".repeat(count) } else { String::new() };
            let _ = survives(unit.repeat(count) + "a" + &closing);
        }
    }
    let nested = |depth: usize| "!(a == ".repeat(depth) + "1" + &")".repeat(depth);
    assert!(survives(nested(10)).is_ok());
    assert!(survives(nested(100)).expect_err("too deep").message.contains("too deeply"));
}

#[test]
fn what_is_nested_to_the_limit_can_be_printed_and_read() {
    let mut deepest = None;
    for depth in 1..=kfl::NESTING_MAX {
        let text = "!(a and (b or ".repeat(depth) + "c" + &"))".repeat(depth);
        if let Ok(query) = survives(text) {
            let again = survives(query.expression().to_string()).expect("what is printed can be read");
            assert_eq!(again.expression(), query.expression());
            deepest = Some(depth);
        }
    }
    assert!(deepest.is_some_and(|depth| depth >= 15), "{deepest:?}");
}

#[test]
fn length_is_refused_before_it_hurts() {
    let message = |text: String| survives(text).expect_err("too long").message;
    assert!(message("a ".repeat(kfl::TEXT_BYTES_MAX)).contains("bytes"));
    assert!(message("a == r\"x\" or ".repeat(kfl::REGEXES_MAX + 1) + "a").contains("regular expressions"));

    // The longest that is read, in its most expensive shapes.
    for unit in [
        "a or ",
        "a==1 and ",
        "a.b.c<1<2 or ",
        "!a&&",
        "a.contains(b)||",
        "[\"\\n\"]||",
        "a,",
        "..a",
        "=",
        "\\",
    ] {
        let _ = survives(unit.repeat((kfl::TEXT_BYTES_MAX - 1) / unit.len()) + "a");
    }
}

#[test]
fn searching_below_is_bounded_on_a_record_made_for_it() {
    let mut record = json!((0..1000).collect::<Vec<_>>());
    for _ in 0..120 {
        record = json!({ "a": record });
    }
    let query = kfl::parse("..a..a == -1 or ..a..b == 1 or ..a.*.a..a == -1", 0).expect("it is right");
    let started = Instant::now();
    assert!(!query.matches(&record));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn deep_records_are_searched_to_a_depth() {
    let mut record = json!({"needle": 1});
    for _ in 0..1000 {
        record = json!([{ "a": record }]);
    }
    let query = kfl::parse("..needle == 1 or a == 1 or a != 1", 0).expect("it is right");
    assert!(!query.matches(&record));
    let shallow = json!({"a": [[{"needle": 1}]]});
    assert!(query.matches(&shallow));
    // Dropping such a value is recursive; that is not what is tested here.
    std::mem::forget(record);
}

/// Whether `text` holds of `record`, and that it is said soon.
#[track_caller]
fn soon(text: &str, record: &Value) -> bool {
    let query = kfl::parse(text, 0).unwrap_or_else(|error| panic!("{error}"));
    let started = Instant::now();
    let answer = query.answer(record);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    answer.matches
}

#[test]
fn documents_made_to_hurt_are_survived() {
    let deep = |open: &str, close: &str| open.repeat(500_000) + &close.repeat(500_000);
    let texts = [
        deep("[", "]"),
        deep("{\"a\":", "}"),
        deep("<a>", "</a>"),
        "<a ".repeat(500_000),
        "<a>&".repeat(500_000),
        "<!--".repeat(500_000),
        "<![CDATA[".repeat(500_000),
        format!("<a>{}</a>", "<b/>".repeat(90_000)),
        format!("<a>{}</a>", "&amp;".repeat(500_000)),
        "A".repeat(4_000_000),
        "\u{feff}<a/>".to_owned(),
    ];
    for text in &texts {
        let record = json!({ "a": text });
        assert!(!soon(
            "a.json().b == 1 or a.xml().c == 1 or a.json()..b == 1 or text(\"nothing here~2\")",
            &record
        ));
        assert!(soon("redact(\"a.json()..b\", \"a.xml()..c\", \"a.xml().a.b\")", &record));
    }
    // Documents within documents, and many of them.
    let mut within = "1".to_owned();
    for _ in 0..6 {
        within = json!({ "a": within }).to_string();
    }
    let many: Vec<Value> = (0..100_000).map(|number| json!({ "a": format!("[{number}]") })).collect();
    assert!(soon("a.json().a.json().a.json().a.json().a != nil", &json!({ "a": within })));
    assert!(!soon("b.*.a.json() == -1", &json!({ "b": many })));
}

#[test]
fn searches_through_large_records_end() {
    let record = json!({"a": "connectio ".repeat(200_000), "b": vec![json!({"traceparent": "00-"}); 50_000]});
    let words = "connectio ".repeat(30);
    let all: Vec<String> = (0..2).map(|number| format!("text(\"{words} x{number}\")")).collect();
    assert!(!soon(&all.join(" or "), &record));
    assert!(!soon("text(\"connection~2 refusd~2\") or trace(\"4bf92f3577b34da6a3ce929d0e0e4736\")", &record));
}

#[test]
fn lists_and_paths_are_bounded() {
    let members = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
    assert!(survives(format!("a in ({})", members(500))).is_ok());
    let refused = |text: String| survives(text).expect_err("too much").message;
    assert_eq!(refused(format!("a in ({})", members(501))), "more than 500 values behind `in`");
    assert_eq!(refused("a".to_owned() + &".b".repeat(64)), "more than 64 steps in one path");
    assert_eq!(refused("a".to_owned() + &".json()".repeat(5)), "more than 4 documents within one another");
    let searches = "text(\"a\") or ".repeat(65) + "a";
    assert_eq!(refused(searches), "more than 64 of json, xml, trace, redact and words of text");
    for unit in ["a in (", "a in [", "a not in (b, ", "1 + (", "size(", "has(a in ("] {
        for count in [20, 60, 150, 1000] {
            let _ = survives(unit.repeat(count));
            let close = if unit.contains('[') { "]" } else { ")" };
            let closing = close.repeat(count * unit.matches(['(', '[']).count());
            let _ = survives(unit.repeat(count) + "a" + &closing);
        }
    }
}
