//! What a person is told about a text that is wrong.

use expect_test::{Expect, expect};

#[track_caller]
fn check(text: &str, expected: Expect) {
    let error = kfl::parse(text, 0).map(|query| query.expression().to_string()).expect_err("it is wrong");
    expected.assert_eq(&error.to_string());
}

#[test]
fn unexpected_tokens() {
    check(
        "request.method = \"GET\"",
        expect![[r#"
            expected `and`, `or` or a comparison, found `=`
              |
            1 | request.method = "GET"
              |                ^
              = write `==` to compare"#]],
    );
    check(
        "request.path =~ \"x\"",
        expect![[r#"
            expected `and`, `or` or a comparison, found `=`
              |
            1 | request.path =~ "x"
              |              ^
              = write `== r"…"` to match a regular expression"#]],
    );
    check(
        "http and",
        expect![[r#"
            expected a field or a value, found the end
              |
            1 | http and
              |         ^"#]],
    );
    check(
        "http dns",
        expect![[r#"
            expected `and`, `or` or a comparison, found `dns`
              |
            1 | http dns
              |      ^^^"#]],
    );
    check(
        "and 1",
        expect![[r#"
            expected `and`, `or` or a comparison, found `1`
              |
            1 | and 1
              |     ^"#]],
    );
    check(
        "request.headers.user-agent == \"x\"",
        expect![[r#"
            only numbers and times can be calculated with, not fields
              |
            1 | request.headers.user-agent == "x"
              |                     ^
              = a name with `-` in it is written in brackets: headers["user-agent"]"#]],
    );
    check(
        "http; dns",
        expect![[r#"
            expected `and`, `or` or a comparison, found `;`
              |
            1 | http; dns
              |     ^
              = join conditions with `and` or `or`"#]],
    );
    check(
        "a + 1 == 2",
        expect![[r#"
            only numbers and times can be calculated with, not fields
              |
            1 | a + 1 == 2
              |   ^
              = a name with `-` in it is written in brackets: headers["user-agent"]"#]],
    );
    check(
        "request.path contains \"/a\"",
        expect![[r#"
            expected `and`, `or` or a comparison, found `contains`
              |
            1 | request.path contains "/a"
              |              ^^^^^^^^
              = functions follow the field with a dot: request.path.contains("x")"#]],
    );
    check(
        "\"x\" in",
        expect![[r#"
            expected a field or a value, found the end
              |
            1 | "x" in
              |       ^"#]],
    );
    check(
        "a in ()",
        expect![[r#"
        expected a field or a value, found `)`
          |
        1 | a in ()
          |       ^"#]],
    );
    check(
        "x ? 1 : 2",
        expect![[r#"
        expected `and`, `or` or a comparison, found `?`
          |
        1 | x ? 1 : 2
          |   ^
          = `? :` is not supported; join conditions with `and` and `or`"#]],
    );
    check(
        "request.path == /x/",
        expect![[r#"
            expected a field or a value, found `/`
              |
            1 | request.path == /x/
              |                 ^
              = a regular expression is written r"…""#]],
    );
    check(
        "@.x == 1",
        expect![[r#"
            expected a field or a value, found `@`
              |
            1 | @.x == 1
              | ^
              = a path begins with the name of a field: request.path"#]],
    );
    check(
        "a[1.5]",
        expect![[r#"
            expected a field or a value, found `1`
              |
            1 | a[1.5]
              |   ^"#]],
    );
    check(
        "[1] == 1",
        expect![[r#"
            expected a field or a value, found `1`
              |
            1 | [1] == 1
              |  ^"#]],
    );
    check(
        "true.x == 1",
        expect![[r#"
            expected `and`, `or` or a comparison, found `.`
              |
            1 | true.x == 1
              |     ^"#]],
    );
    check(
        "a.*.-b",
        expect![[r#"
            expected a field or a value, found `-`
              |
            1 | a.*.-b
              |     ^
              = a name with `-` in it is written in brackets: headers["user-agent"]"#]],
    );
    check(
        "http &\ndns",
        expect![[r#"
            expected `and`, `or` or a comparison, found `&`
              |
            1 | http &
              |      ^
              = write `and` or `&&`"#]],
    );
}

#[test]
fn unclosed_things() {
    check(
        "(http or dns",
        expect![[r#"
        `(` is never closed
          |
        1 | (http or dns
          | ^"#]],
    );
    check(
        "a == \"b",
        expect![[r#"
        the quote is never closed
          |
        1 | a == "b
          |      ^"#]],
    );
    check(
        "a == 1)",
        expect![[r#"
        `)` closes nothing that is open
          |
        1 | a == 1)
          |       ^"#]],
    );
    check(
        "a /* b",
        expect![[r#"
        the comment is never closed
          |
        1 | a /* b
          |   ^"#]],
    );
}

#[test]
fn functions() {
    check(
        "path.startWith(\"/a\")",
        expect![[r#"
        unknown function `startWith`
          |
        1 | path.startWith("/a")
          |      ^^^^^^^^^
          = did you mean `startsWith`?"#]],
    );
    check(
        "redact()",
        expect![[r#"
        `redact` takes a path in its parentheses, or several
          |
        1 | redact()
          | ^^^^^^^^"#]],
    );
    check(
        "redact(\"a b\")",
        expect![[r#"
        this is no path
          |
        1 | redact("a b")
          |        ^^^^^
          = write `redact("request.headers.Authorization", "..password")`"#]],
    );
    check(
        "redact(\"a\") == true",
        expect![[r#"
        `redact` can't be compared
          |
        1 | redact("a") == true
          | ^^^^^^^^^^^^^^^^^^^
          = join it with `and`"#]],
    );
    check(
        "json().x == 1",
        expect![[r#"
        `json` needs a field before it
          |
        1 | json().x == 1
          | ^^^^^^
          = write `response.content.text.json().id == 42`"#]],
    );
    check(
        "a.json(1)",
        expect![[r#"
        `json` takes nothing in its parentheses
          |
        1 | a.json(1)
          |   ^^^^^^^"#]],
    );
    check(
        "text(\"* x\")",
        expect![[r#"
        no word stands before the sign in `*`
          |
        1 | text("* x")
          | ^^^^^^^^^^^
          = write `text("connection refused")` or `text("conn*")`"#]],
    );
    check(
        "trace(\"4bf9\")",
        expect![[r#"
        this is no trace id
          |
        1 | trace("4bf9")
          | ^^^^^^^^^^^^^
          = it has 32 hexadecimal digits, or 16"#]],
    );
    check(
        "rule(assert: http)",
        expect![[r#"
        `rule` needs a `query:`
          |
        1 | rule(assert: http)
          | ^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "rule(query: http, test: dns)",
        expect![[r#"
        `rule` takes a description, a query and an assertion by their names
          |
        1 | rule(query: http, test: dns)
          |                   ^^^^^^^^^
          = write `rule(description: "fast", query: http, assert: elapsedTime < 100)`"#]],
    );
    check(
        "map_get(a, 1, 2)",
        expect![[r#"
        `map_get` takes a field, a text and a value
          |
        1 | map_get(a, 1, 2)
          | ^^^^^^^^^^^^^^^^
          = write `map_get(request.headers, "x-user", "nobody") == "nobody"`"#]],
    );
    check(
        "size(1)",
        expect![[r#"
        `size` takes one field
          |
        1 | size(1)
          | ^^^^^^^"#]],
    );
    check(
        "duration(\"5 minutes\")",
        expect![[r#"
            `5 minutes` has no unit
              |
            1 | duration("5 minutes")
              | ^^^^^^^^^^^^^^^^^^^^^
              = write `duration("5m")`, or `5m` alone"#]],
    );
    check(
        "foo(1)",
        expect![[r#"
            unknown function `foo`
              |
            1 | foo(1)
              | ^^^
              = functions here are text, trace, has, map_get, redact, rule, limit, rlimit, leftOff, record, now, datetime, timestamp, duration, seconds, minutes, hours, days, weeks, months, years"#]],
    );
    check(
        "contains(\"x\")",
        expect![[r#"
        `contains` needs a field before it
          |
        1 | contains("x")
          | ^^^^^^^^
          = write `request.path.contains("…")`"#]],
    );
    check(
        "a.now()",
        expect![[r#"
        `now` takes no field before it
          |
        1 | a.now()
          |   ^^^"#]],
    );
    check(
        "a.contains()",
        expect![[r#"
        `contains` takes one value in its parentheses
          |
        1 | a.contains()
          |   ^^^^^^^^^^"#]],
    );
    check(
        "a.contains(b == 1)",
        expect![[r#"
        `contains` takes a text or a field
          |
        1 | a.contains(b == 1)
          |   ^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "a.contains(\"x\").b",
        expect![[r#"
        `contains` has no fields
          |
        1 | a.contains("x").b
          |                ^^"#]],
    );
    check(
        "a.contains(x: 1)",
        expect![[r#"
        `contains` takes no named values
          |
        1 | a.contains(x: 1)
          |            ^^^^"#]],
    );
    check(
        "limit(-1)",
        expect![[r#"
        a limit can't be negative
          |
        1 | limit(-1)
          | ^^^^^^^^^"#]],
    );
    check(
        "limit()",
        expect![[r#"
        `limit` takes a number in its parentheses
          |
        1 | limit()
          | ^^^^^^^"#]],
    );
    check(
        "now(5)",
        expect![[r#"
        `now` takes nothing in its parentheses
          |
        1 | now(5)
          | ^^^^^^"#]],
    );
    check(
        "hours(a)",
        expect![[r#"
        `hours` takes at most one value, and no field
          |
        1 | hours(a)
          | ^^^^^^^^"#]],
    );
    check(
        "years(1e15)",
        expect![[r#"
        this time is too far from now
          |
        1 | years(1e15)
          | ^^^^^^^^^^^"#]],
    );
    check(
        "t > datetime(\"yesterday\")",
        expect![[r#"
        this is no time
          |
        1 | t > datetime("yesterday")
          |     ^^^^^^^^^^^^^^^^^^^^^
          = write `datetime("10/19/2021, 6:29:02.000 PM")` or `datetime("2021-10-19T18:29:02Z")`"#]],
    );
}

#[test]
fn meaningless_things() {
    check(
        "a == r\"(\"",
        expect![[r#"
        bad regular expression: unclosed group
          |
        1 | a == r"("
          |      ^^^^"#]],
    );
    check(
        "a == r\"(\\w{100}){100}\"",
        expect![[r#"
            bad regular expression: it is too large
              |
            1 | a == r"(\w{100}){100}"
              |      ^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "a < r\"x\"",
        expect![[r#"
        a regular expression has no order, so `<` can't be asked
          |
        1 | a < r"x"
          | ^^^^^^^^
          = use `==` for "matches" and `!=` for "does not match""#]],
    );
    check(
        "http and r\"x\"",
        expect![[r#"
        a regular expression alone matches nothing
          |
        1 | http and r"x"
          |          ^^^^
          = compare a field with it: `request.path == r"^/api/"`"#]],
    );
    check(
        "r\"x\" == r\"y\"",
        expect![[r#"
        a regular expression can't be compared with another
          |
        1 | r"x" == r"y"
          | ^^^^^^^^^^^^"#]],
    );
    check(
        "-\"x\" == 1",
        expect![[r#"
        only a number or a field can have a minus
          |
        1 | -"x" == 1
          | ^^^^
          = negate a condition with `!`"#]],
    );
    check(
        "1 < (a == b) < 2",
        expect![[r#"
        only a field or a value can stand between two comparisons
          |
        1 | 1 < (a == b) < 2
          |     ^^^^^^^^"#]],
    );
    check(
        "a..b.c..d..e == 1",
        expect![[r#"
        more than 2 `..` in one path
          |
        1 | a..b.c..d..e == 1
          | ^^^^^^^^^^^^"#]],
    );
    check(
        "x and ..a..b..c.contains(1)",
        expect![[r#"
        more than 2 `..` in one path
          |
        1 | x and ..a..b..c.contains(1)
          |                 ^^^^^^^^^^^"#]],
    );
    check(
        "a == 1e999",
        expect![[r#"
        this number is too large
          |
        1 | a == 1e999
          |      ^^^^^"#]],
    );
    check(
        "a[99999999999]",
        expect![[r#"
        this index is too large
          |
        1 | a[99999999999]
          |  ^^^^^^^^^^^^^"#]],
    );
    check(
        "a == \"\\d\"",
        expect![[r#"
        unknown escape `\d`
          |
        1 | a == "\d"
          |       ^^
          = write `\\` for a backslash, or put the text in back quotes, where nothing is escaped"#]],
    );
    check(
        "a==b==c==d==e==f",
        expect![[r#"
        too many comparisons in a row
          |
        1 | a==b==c==d==e==f
          | ^^^^^^^^^^^^^^^^"#]],
    );
}

#[test]
fn values_and_ranges() {
    check(
        "timestamp > -10min",
        expect![[r#"
        unknown unit `min`
          |
        1 | timestamp > -10min
          |              ^^^^^
          = durations end in ns, us, ms, s, m, h, d or w; sizes in B, kB, MB, GB, TB, KiB, MiB, GiB or TiB"#]],
    );
    check(
        "src.ip in 10.0.0.0/40",
        expect![[r#"
        this is no address
          |
        1 | src.ip in 10.0.0.0/40
          |           ^^^^^^^^^^^
          = write `10.0.0.0/8` or `2001:db8::/32`"#]],
    );
    check(
        "src.ip == 300.1.1.1",
        expect![[r#"
        this is no address
          |
        1 | src.ip == 300.1.1.1
          |           ^^^^^^^^^
          = write `10.0.0.0/8` or `2001:db8::/32`"#]],
    );
    check(
        "src.ip < 10.0.0.0/8",
        expect![[r#"
        a network has no order, so `<` can't be asked
          |
        1 | src.ip < 10.0.0.0/8
          | ^^^^^^^^^^^^^^^^^^^
          = use `==` for "matches" and `!=` for "does not match""#]],
    );
    check(
        "10.0.0.0/8",
        expect![[r#"
        a network alone matches nothing
          |
        1 | 10.0.0.0/8
          | ^^^^^^^^^^
          = compare a field with it: `src.ip in 10.0.0.0/8`"#]],
    );
    check(
        "a in 5..1",
        expect![[r#"
        nothing is in this range: its end is before its start
          |
        1 | a in 5..1
          |      ^^^^"#]],
    );
    check(
        "a in b..5",
        expect![[r#"
        the ends of a range are numbers or times
          |
        1 | a in b..5
          |      ^^^^
          = write `response.status in 400..499`"#]],
    );
    check(
        "1..5",
        expect![[r#"
        a range alone matches nothing
          |
        1 | 1..5
          | ^^^^
          = compare a field with it: `response.status in 400..499`"#]],
    );
    check(
        "(a == 1) in (true)",
        expect![[r#"
        only a field or a value can stand before `in`
          |
        1 | (a == 1) in (true)
          | ^^^^^^^^^^^^^^^^^^"#]],
    );
    check(
        "1 < a in (1, 2)",
        expect![[r#"
        `in` can't be one of several comparisons
          |
        1 | 1 < a in (1, 2)
          |       ^^
          = join them with `and`, or put parentheses around one"#]],
    );
    check(
        "a in (b == 1)",
        expect![[r#"
        only fields and values can stand behind `in`
          |
        1 | a in (b == 1)
          |       ^^^^^^"#]],
    );
    check(
        "a == 1 / 0",
        expect![[r#"
        nothing can be divided by 0
          |
        1 | a == 1 / 0
          |        ^"#]],
    );
    check(
        "a == 5 - \"x\"",
        expect![[r#"
        only numbers and times can be calculated with, not fields
          |
        1 | a == 5 - "x"
          |        ^
          = a name with `-` in it is written in brackets: headers["user-agent"]"#]],
    );
}
