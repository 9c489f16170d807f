//! One small entry, and what queries say of it: each rule of the language once.

use serde_json::{Value, json};

/// 2024-01-01T12:00:00Z: when `now()` is.
pub const NOW_MS: i64 = 1_704_110_400_000;

fn entry() -> Value {
    json!({
        "protocol": {"name": "http", "abbr": "HTTP"},
        "src": {"ip": "10.1.0.7", "port": "51044", "name": "till.shop"},
        "dst": {"ip": "10.1.0.9", "port": "80", "name": "stock.shop", "pod": null},
        "timestamp": NOW_MS - 90_000,
        "elapsedTime": 12.5,
        "tls": false,
        "outgoing": true,
        "id": 9_007_199_254_740_993_i64,
        "request": {
            "method": "POST",
            "path": "/stock/4711",
            "headers": {"user-agent": "curl/8.5", "x-try": "3", "x-empty": ""},
            "tags": ["urgent", "paper"],
            "lines": [{"item": "pen", "count": 2}, {"item": "ink", "count": 12}],
            "grid": [[1, 2], [3]],
            "none": [],
        },
        "response": {"status": 404, "body": "a\\d \"q\"\nline two"},
    })
}

#[track_caller]
fn check_entry(queries: &[(&str, bool)]) {
    check(&entry(), queries);
}

/// Each query says that of the entry, and means the same when it is printed and read again.
#[track_caller]
pub fn check(entry: &Value, queries: &[(&str, bool)]) {
    for (text, expected) in queries {
        let query = kfl::parse(text, NOW_MS).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(query.matches(entry), *expected, "{text}\nread as {}", query.expression());
        let printed = query.expression().to_string();
        let again = kfl::parse(&printed, NOW_MS).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(again.expression(), query.expression(), "{text}\nprinted as {printed}");
    }
}

#[test]
fn paths_lead_to_values() {
    check_entry(&[
        ("request.method == \"POST\"", true),
        ("request[\"headers\"][\"user-agent\"] == \"curl/8.5\"", true),
        ("[\"request\"].headers[\"x-try\"] == 3", true),
        ("request . method == \"POST\"", true),
        ("request.tags[1] == \"paper\"", true),
        ("request.tags[2] == \"paper\"", false),
        ("request.lines[1].item == \"ink\" and tls == false", true),
        ("request.headers.* == \"curl/8.5\"", true),
        ("request.headers[*] == \"curl/8.5\"", true),
        ("request.lines.*.count == 12", true),
        ("request..item == \"pen\"", true),
        ("..status == 404", true),
        ("..lines[0].item == \"pen\"", true),
        ("request.method.length == 4", false),
        ("request.method[0] == \"P\"", false),
        ("request.Method == \"POST\"", false),
    ]);
}

#[test]
fn and_binds_tighter_than_or_and_not_binds_tightest_of_the_three() {
    check_entry(&[
        ("true or true and false", true),
        ("true and false or true", true),
        ("false and true or false", false),
        ("(true or true) and false", false),
        ("not false and false", false),
        ("not (false and false)", true),
        ("!false or true", true),
        ("!request.method == \"GET\"", true),
        ("not request.method == \"POST\"", false),
        ("not not tls", false),
        ("tls == !true", true),
        ("true AND NOT false Or false", true),
        ("true && !false || false", true),
        ("tls == false == true", true),
        ("(response.status == 404) == outgoing", true),
        ("400 <= response.status < 500", true),
        ("500 <= response.status < 600", false),
    ]);
}

#[test]
fn macros_stand_for_protocols_only_where_they_stand_alone() {
    check_entry(&[
        ("http", true),
        ("http2 or grpc or gql or amqp or kafka or redis or dns", false),
        ("!dns and (http)", true),
        ("dns == false", true),
        ("[\"http\"]", false),
        ("protocol.http == nil", true),
        ("protocol.name == \"http\"", true),
        ("https", false),
        ("http.name == nil", true),
    ]);
}

#[test]
fn literals() {
    check_entry(&[
        ("response.status == 0x194", true),
        ("response.status == 4_04", true),
        ("response.status == 4.04e2", true),
        ("elapsedTime == 12.5", true),
        ("elapsedTime > .5", true),
        ("-response.status == -404", true),
        ("request.method == 'POST'", true),
        ("request.method == `POST`", true),
        ("request.method == \"\\x50\\u004f\\u{53}T\"", true),
        ("response.body == \"a\\\\d \\\"q\\\"\\nline two\"", true),
        ("response.body == `a\\d \"q\"\nline two`", true),
        ("dst.pod == nil", true),
        ("dst.pod == null", true),
        ("", true),
        ("// nothing but a remark", true),
        ("http /* the shop's */ and // its stock\n request.path == \"/stock/4711\"", true),
    ]);
}

#[test]
fn texts_and_numbers_compare_by_what_they_spell() {
    check_entry(&[
        ("dst.port == 80", true),
        ("dst.port == \"80\"", true),
        ("dst.port == \"080\"", false),
        ("dst.port == 80.0", true),
        ("dst.port >= 80", true),
        ("dst.port < 443", true),
        ("\"9\" < \"10\"", true),
        ("tls == \"false\"", true),
        ("tls == 0", false),
        ("tls < 1", true),
        ("outgoing >= true", true),
        ("id == 9007199254740993", true),
        ("id == 9007199254740992", false),
        ("id > 9007199254740992", true),
        ("src.name > 0", false),
        ("src.name <= 0", false),
        ("\"inf\" > 1", false),
        ("\"nan\" == \"nan\"", true),
        ("dst.pod < 1", false),
        ("dst.pod == \"null\"", false),
        ("response == response", true),
        ("response != request", true),
    ]);
}

#[test]
fn regular_expressions_search_anywhere_and_mind_the_case() {
    check_entry(&[
        ("request.path == r\"[0-9]+\"", true),
        ("request.path == r\"^/stock/\\d{4}$\"", true),
        ("request.path == r\"^/STOCK\"", false),
        ("request.path == r\"(?i)^/STOCK\"", true),
        ("request.path != r\"^/stock\"", false),
        ("r\"^4\" == response.status", true),
        ("response.status == r\"^40.$\"", true),
        ("elapsedTime == r\"^12[.]5$\"", true),
        ("tls == r\"^f\"", true),
        ("dst.pod == r\"\"", false),
        ("dst.pod != r\"\"", true),
        ("response.body == r`a\\\\d`", true),
        ("request.path.contains(\"stock\") == r\"true\"", true),
    ]);
}

#[test]
fn lists_compare_by_any_and_differ_by_none() {
    check_entry(&[
        ("request.tags == \"paper\"", true),
        ("request.tags.* == \"paper\"", true),
        ("request.tags != \"paper\"", false),
        ("request.tags != \"glass\"", true),
        ("request.tags == r\"^pap\"", true),
        ("request.tags != r\"^pap\"", false),
        ("request.lines.*.count > 10", true),
        ("request.lines.*.count > 100", false),
        ("1 == request.grid", true),
        ("request.grid.* == 3", true),
        ("request.none == 1", false),
        ("request.none != 1", true),
        ("request.none.* != 1", false),
        ("request.tags == request.tags.*", true),
        ("request.tags != request.lines.*.item", true),
        ("request.grid < request.lines.*.count", false),
        ("request.lines.*.count >= request.grid[0][0]", true),
        ("request.grid[1] > request.grid[0]", true),
        ("request.grid[1] > request.tags", false),
    ]);
}

#[test]
fn what_is_missing_equals_nil_and_nothing_else() {
    check_entry(&[
        ("request.nothing == nil", true),
        ("request.nothing != nil", false),
        ("request.nothing == \"\"", false),
        ("request.nothing != \"x\"", false),
        ("!(request.nothing == \"x\")", true),
        ("request.nothing < 1", false),
        ("request.nothing == r\".*\"", false),
        ("request.nothing", false),
        ("!request.nothing", true),
        ("request.nothing or true", true),
        ("request.nothing.contains(\"\")", false),
        ("request.nothing == request.nowhere", false),
        ("request.method != nil", true),
        ("-request.nothing == 1", false),
    ]);
}

#[test]
fn bare_operands_hold_when_there_is_something() {
    check_entry(&[
        ("outgoing", true),
        ("tls", false),
        ("response.status", true),
        ("0", false),
        ("-1", true),
        ("request.headers[\"x-empty\"]", false),
        ("dst.pod", false),
        ("request.tags", true),
        ("request.none", false),
        ("request.headers.*", true),
        ("response", false),
        ("!!outgoing", true),
        ("-response.status", true),
    ]);
}

#[test]
fn text_functions() {
    check_entry(&[
        ("request.path.startsWith(\"/stock\")", true),
        ("request.path.endsWith(\"11\")", true),
        ("request.path.contains('ock')", true),
        ("request.path.contains(4711)", true),
        ("response.status.startsWith(4)", true),
        ("request.tags.contains(\"pap\")", true),
        ("request..item.endsWith(\"nk\")", true),
        ("src.name.endsWith(dst.name)", false),
        ("src.name.contains(src.name)", true),
        ("!request.path.contains(\"till\") and http", true),
        ("request.path.contains(\"stock\") != false", true),
        ("request[\"path\"].contains(\"stock\") and response.status == 404", true),
    ]);
}

#[test]
fn times_count_from_the_given_now() {
    check_entry(&[
        ("timestamp < now()", true),
        ("timestamp < now", true),
        ("timestamp >= minutes(-2)", true),
        ("timestamp >= minutes(-1)", false),
        ("timestamp >= datetime(\"1/1/2024, 11:58:00.000 AM\")", true),
        ("timestamp >= datetime(\"2024-01-01T12:58:30+01:00\")", true),
        ("timestamp > datetime(\"2024-01-01T12:58:30+01:00\")", false),
        ("days(1) == hours(24) and weeks(1) == days(7) and years(1) == days(365)", true),
    ]);
}

#[test]
fn the_first_limit_counts() {
    let limit = |text: &str| kfl::parse(text, NOW_MS).expect("it is right").limit();
    assert_eq!(limit("http"), None);
    assert_eq!(limit("http and limit(100)"), Some(100));
    assert_eq!(limit("limit(3) and limit(5)"), Some(3));
    assert_eq!(limit("limit(\"7\")"), Some(7));
    assert_eq!(limit("limit(0)"), None);
    check_entry(&[("http and limit(1)", true), ("dns and limit(1)", false)]);
}

#[test]
fn words_of_the_language_can_be_field_names() {
    let record = json!({"and": 1, "not": {"or": 2}, "nil": 3, "now": 4, "limit": 5, "r": 6, "été": 7});
    for text in [
        "and == 1 and and == 1",
        "not.or == 2",
        "[\"nil\"] == 3",
        "[\"now\"] == 4",
        "limit == 5 and limit(1)",
        "r == 6",
        "été == 7",
    ] {
        let query = kfl::parse(text, NOW_MS).unwrap_or_else(|error| panic!("{error}"));
        assert!(query.matches(&record), "{text}");
        let again = kfl::parse(&query.expression().to_string(), NOW_MS).expect("what is printed can be read");
        assert_eq!(again.expression(), query.expression(), "{text}");
    }
}
