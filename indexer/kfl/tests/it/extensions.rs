//! What goes beyond the original: lists and ranges behind `in`, networks, searches, units, documents.

use serde_json::{Value, json};

use crate::answers::{self, NOW_MS};

fn entry() -> Value {
    json!({
        "protocol": {"name": "http", "abbr": "HTTP", "longName": "Hypertext Transfer Protocol"},
        "src": {"ip": "10.1.0.7", "port": "51044"},
        "dst": {"ip": "2001:db8:1::9", "port": "80", "pod": {"namespace": "shop"}},
        "node": {"name": "n1"},
        "timestamp": NOW_MS - 90_000,
        "elapsedTime": 300,
        "requestSize": 2_000_000,
        "tls": true,
        "request": {
            "method": "POST",
            "path": "/stock/4711",
            "headers": {"Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "user-agent": "curl/8.5"},
            "tags": ["urgent", "paper"],
            "counts": [2, 12],
        },
        "response": {
            "status": 502,
            "content": {"text": "ZGlhbCB0Y3A6IENvbm5lY3Rpb24gcmVmdXNlZA==", "encoding": "base64"},
            "note": "{\"lines\": [{\"id\": 1}, {\"id\": 2, \"inner\": \"<a><b>x</b><b>y</b></a>\"}]}",
        },
    })
}

#[track_caller]
fn check(queries: &[(&str, bool)]) {
    answers::check(&entry(), queries);
}

#[test]
fn lists_and_ranges() {
    check(&[
        ("request.method in (\"GET\", \"POST\")", true),
        ("request.method in [\"GET\", \"PUT\"]", false),
        ("request.method not in (\"GET\", \"PUT\")", true),
        ("request.method IN (\"GET\", r\"^P\")", true),
        ("request.tags in (\"paper\")", true),
        ("\"paper\" in request.tags", true),
        ("\"glass\" in request.tags", false),
        ("response.status in 500..599", true),
        ("response.status in (404, 500 .. 599)", true),
        ("response.status in (400..499, 200)", false),
        ("response.status == 502..502", true),
        ("response.status != 400..499", true),
        ("request.counts in 5..10", false),
        ("request.counts in 10..20", true),
        ("request.method in 1..5", false),
        ("request.nothing in (1, 2)", false),
        ("request.nothing not in (1, 2)", true),
        ("dst.port in 80..80 and dst.port in (79 + 1)", true),
        ("!(response.status in 400..499) and request.method in (\"POST\")", true),
        ("timestamp in minutes(-2)..now()", true),
        ("elapsedTime in -1..1", false),
    ]);
}

#[test]
fn networks() {
    check(&[
        ("src.ip in 10.0.0.0/8", true),
        ("src.ip in \"10.0.0.0/8\"", true),
        ("src.ip == 10.1.0.7", true),
        ("src.ip in (192.168.0.0/16, 10.1.0.0/30)", false),
        ("src.ip not in 192.168.0.0/16", true),
        ("dst.ip in 2001:db8::/32", true),
        ("dst.ip in ::/0 and src.ip not in ::/0", true),
        ("dst.ip == 2001:DB8:1:0::9", true),
        ("dst.ip != fe80::/10", true),
        ("dst.port in 0.0.0.0/0", false),
    ]);
}

#[test]
fn units_and_arithmetic() {
    check(
        &[
            ("elapsedTime > 250ms", true),
            ("elapsedTime > 0.3s", false),
            ("elapsedTime >= 300_000us", true),
            ("requestSize > 1MiB", true),
            ("requestSize > 2 * 1MB", false),
            ("requestSize == 2MB", true),
            ("timestamp > now() - 2m", true),
            ("timestamp > now() - duration(\"1m\")", false),
            ("timestamp > now - 1m30s - 1ms", true),
            ("timestamp < timestamp(\"2024-01-01T12:00:00Z\")", true),
            ("response.status == 2 + 5 * 100", true),
            ("response.status == (2 + 3) * 100 + 2", true),
            ("response.status % 2 == 0", false),
        ][..12],
    );
    assert!(kfl::parse("response.status % 2 == 0", 0).is_err());
}

#[test]
fn searches() {
    check(&[
        ("text(\"connection refused\")", true),
        ("text(\"refused connection\")", false),
        ("text(\"conn* refused\") and text(\"stok~\")", true),
        ("text(\"curl 8 5\")", true),
        ("text(\"502\")", true),
        ("text(\"hypertext\")", false),
        ("!text(\"nothing\") == true", true),
        ("trace(\"4bf92f3577b34da6a3ce929d0e0e4736\")", true),
        ("trace(\"4BF92F3577B34DA6A3CE929D0E0E4736\") and http", true),
        ("trace(\"00f067aa0ba902b7\")", false),
    ]);
    assert!(kfl::parse("a == 1 or text(\"x\") == true", 0).unwrap().expression().reads_everything());
    assert!(!kfl::parse("a == 1", 0).unwrap().expression().reads_everything());
}

#[test]
fn documents_within_texts() {
    check(&[
        ("response.note.json().lines[1].id == 2 and http", true),
        ("response.note.json().lines.*.id == 1", true),
        ("response.note.json()..id > 1", true),
        ("response.note.json().lines[1].inner.xml().a.b == \"y\"", true),
        ("response.note.json().lines[1].inner.xml().a.b[0] == \"x\"", true),
        ("response.note.json().lines[0].id == response.note.json().lines[1].id", false),
        ("response.note.json().nothing == nil", true),
        ("response.note.xml() == nil", true),
        ("response.note.json().lines.size() == 2", true),
    ]);
}

#[test]
fn the_later_dialect() {
    check(&[
        ("http && status_code >= 500 && path.contains(\"/stock\")", true),
        ("https && method == \"POST\"", true),
        ("request.path.matches(\"^/stock/[0-9]+$\")", true),
        ("dst.pod.namespace == \"shop\" && node_name == \"n1\"", true),
        ("size(request.tags) == 2 && request.method.size() == 4", true),
        ("has(request.method) && !has(request.body)", true),
        ("map_get(request.headers, \"x-user\", \"nobody\") == \"nobody\"", true),
        ("map_get(request.headers, \"user-agent\", \"\") == \"curl/8.5\"", true),
        ("map_get(request.headers, \"x-user\", \"\")", false),
        ("[\"method\"] == nil", true),
        ("rule(query: http, assert: response.status < 500)", true),
        ("rule(query: http, assert: response.status > 500)", false),
        ("rule(query: dns, assert: response.status < 500)", false),
    ]);
}

#[test]
fn directives_are_told() {
    let text = "http and rlimit(5) and rlimit(7) and leftOff(\"a\") and record(\"b\") and limit(3)";
    let query = kfl::parse(text, 0).unwrap();
    let directives = query.directives();
    assert_eq!((directives.latest, directives.limit), (Some(5), Some(3)));
    assert_eq!((directives.left_off.as_deref(), directives.recording.as_deref()), (Some("a"), Some("b")));
    let original = kfl::parse("leftOff(-1) and rlimit(0)", 0).unwrap();
    assert_eq!((original.directives().left_off.as_deref(), original.latest()), (Some("latest"), None));
    for wrong in ["leftOff(7)", "leftOff()", "leftOff(request.id)", "record(-1)", "rlimit(-1)"] {
        assert!(kfl::parse(wrong, 0).is_err(), "{wrong}");
    }
}

#[test]
fn what_is_redacted_is_not_shown() {
    let shown = |text: &str| kfl::parse(text, 0).unwrap().answer(&entry()).record.into_owned();
    let redacted =
        shown("redact(request.headers.Traceparent, \"response.note.json().lines[1].inner.xml().a.b[1]\")");
    assert_eq!(redacted["request"]["headers"]["Traceparent"], "[REDACTED]");
    let note: Value = serde_json::from_str(redacted["response"]["note"].as_str().unwrap()).unwrap();
    assert_eq!(note["lines"][1]["inner"], "<a><b>x</b><b>[REDACTED]</b></a>");
    assert_eq!(shown("dns and redact(\"..status\")"), entry());
    assert_eq!(shown("!redact(\"..status\")")["response"]["status"], "[REDACTED]");

    // What decides may not be at hand any more: then everything is taken out.
    let mut record = entry();
    kfl::parse("dns and redact(\"..status\", \"http\", \"nothing.at.all\")", 0).unwrap().redact(&mut record);
    assert_eq!(record["response"]["status"], "[REDACTED]");
}

#[test]
fn words_of_ones_own() {
    let own = [
        ("slow", "elapsedTime > 1s or elapsedTime == nil"),
        ("http", "proto.name == \"http\""),
        ("slowHttp", "slow and http"),
    ];
    let printed = |text: &str| kfl::parse_with(text, 0, &own).unwrap().expression().to_string();
    assert_eq!(printed("!slow"), "!(elapsedTime > 1000 or elapsedTime == nil)");
    assert_eq!(
        printed("slowHttp and dns"),
        "((elapsedTime > 1000 or elapsedTime == nil) and proto.name == \"http\") and protocol.abbr == \"DNS\""
    );
    assert_eq!(
        printed("a.slow == [\"slow\"] and \"slow\" == slowly"),
        "a.slow == slow and \"slow\" == slowly"
    );
    let refused = |own: &[(&str, &str)]| kfl::parse_with("m", 0, own).unwrap_err().message;
    assert_eq!(refused(&[("m", "a ==")]), "in the macro `m`: expected a field or a value, found the end");
    assert!(refused(&[("and", "a")]).contains("one word"));
    assert!(refused(&[("a.b", "a")]).contains("one word"));
    assert!(refused(&[("m", "limit(5)")]).contains("can't stand in a macro"));

    // What doubles with every word would fill the memory.
    let names: Vec<String> = (0..100).map(|number| format!("m{number}")).collect();
    let texts: Vec<String> = ["m"]
        .into_iter()
        .map(str::to_owned)
        .chain(names.clone())
        .map(|name| format!("{name} or !{name}"))
        .collect();
    let doubling: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let message = kfl::parse_with("m99", 0, &doubling).unwrap_err().message;
    assert!(message.contains("more than 10000 conditions"), "{message}");
}
