//! Formatting changes how a query looks and nothing else.

use proptest::prelude::*;

use crate::hostile;

#[track_caller]
fn check(text: &str, expected: &str) {
    let formatted = kfl::format(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(formatted, expected);
    assert_eq!(kfl::format(&formatted).unwrap_or_else(|error| panic!("{error}")), expected);
}

#[test]
fn queries_look_alike() {
    check("", "");
    check("  http\n\tand dns ", "http and dns");
    check("http&&( response . status>=400||!tls )", "http and (response.status >= 400 or !tls)");
    check("NOT a==1 Or a NOT  IN(1,2 , 3)", "not a == 1 or a not in (1, 2, 3)");
    check("! ( a = = - 1 )", "!(a == -1)");
    check("a [ 'k' ] [ 0 ] . * .. b", "a[\"k\"][0].*..b");
    check("a in [1 .. 5,10.0.0.0/8,1h30m]", "a in [1..5, 10.0.0.0/8, 1h30m]");
    check("timestamp>now()-5m", "timestamp > now() - 5m");
    check("a . contains( \"x  y\" )", "a.contains(\"x  y\")");
    check("a == 'it\\'s' or a == 'b\"c'", "a == 'it\\'s' or a == 'b\"c'");
    check("rule( query :http,assert: a<1 )", "rule(query: http, assert: a < 1)");
    check("a == r'x'", "a == r'x'");
    check("and==1 and and==1", "and == 1 and and == 1");
}

#[test]
fn remarks_stay() {
    check("http // the shop's\n and dns/* or */", "http // the shop's\nand dns /* or */");
    check("// nothing", "// nothing");
    check("/* a */http", "/* a */ http");
}

#[test]
fn what_is_wrong_is_told() {
    assert!(kfl::format("http and").is_err());
    assert!(kfl::format("(http").is_err());
    // What has no meaning has a form.
    check("foo( )and a in 5 .. 1", "foo() and a in 5..1");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn formatting_twice_is_formatting_once(text in prop_oneof![hostile::query(), hostile::soup()], record in hostile::record()) {
        if let Ok(query) = kfl::parse(&text, 0) {
            let formatted = kfl::format(&text);
            prop_assert!(formatted.is_ok(), "{text}");
            let formatted = formatted.expect("just looked");
            let again = kfl::parse(&formatted, 0);
            prop_assert!(again.is_ok(), "{text}\nformatted as {formatted}");
            let again = again.expect("just looked");
            prop_assert_eq!(again.expression(), query.expression(), "{}\nformatted as {}", text, formatted);
            prop_assert_eq!(again.directives(), query.directives());
            prop_assert_eq!(again.matches(&record), query.matches(&record));
            prop_assert_eq!(kfl::format(&formatted).expect("it was right"), formatted);
        }
    }
}
