//! HTTP/1.

use dissect::protocol::Direction::{ToClient, ToServer};
use dissect::protocol::{Direction, http1};
use proptest::prelude::*;

use super::{config, flood, gaps_tell_nothing_new, parts, splits_alike, steps};

const MIB: usize = 1024 * 1024;

/// Parts of HTTP/1, in any order: most orders are wrong.
fn text() -> impl Strategy<Value = Vec<u8>> {
    const PARTS: [&[u8]; 24] = [
        b"GET / HTTP/1.1\r\n",
        b"HEAD /a HTTP/1.0\n",
        b"CONNECT a:1 HTTP/1.1\r\n",
        b"POST /b HTTP/1.1\r\n",
        b"x y z\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Up\r\n",
        b"HTTP/1.1 304\r\n",
        b"\r\n",
        b"\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Upgrade: x\r\n",
        b" folded\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"fffffffffffffffff\r\n",
        b"3;a=b\nabc\n",
        b"hello",
        b"\0\xff",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    ];
    prop::collection::vec(prop::sample::select(PARTS.as_slice()), 1..12).prop_map(|parts| parts.concat())
}

/// Whole messages, requests and responses in turn.
fn talk() -> impl Strategy<Value = Vec<(Direction, Vec<u8>)>> {
    let turn = (0_u32..1000, 0_usize..40, any::<bool>()).prop_map(|(number, length, chunked)| {
        let request = format!("GET /{number} HTTP/1.1\r\nHost: a\r\n\r\n");
        let body = "x".repeat(length);
        let response = if chunked {
            format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nE: {number}\r\n\r\n{length:x};\r\n{body}\r\n{}", if length > 0 { "0\r\n\r\n" } else { "" })
        } else {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nE: {number}\r\n\r\n{body}")
        };
        [(ToServer, request.into_bytes()), (ToClient, response.into_bytes())]
    });
    prop::collection::vec(turn, 1..6).prop_map(|turns| turns.concat())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_split_matters(steps in steps(text()), parts in parts()) {
        splits_alike(|| http1::Dissector::new(8), &steps, &parts)?;
    }

    #[test]
    fn a_gap_tells_nothing_new(
        talk in talk(),
        gap in (any::<prop::sample::Index>(), any::<usize>(), 0_usize..60),
    ) {
        gaps_tell_nothing_new(|| http1::Dissector::new(MIB), &talk, gap)?;
    }
}

#[test]
fn no_flood_is_held() {
    let floods: [(&str, Direction, &[u8], &[u8]); 8] = [
        ("endless head", ToServer, b"GET / HTTP/1.1\r\n", b"a: b\r\n"),
        ("endless line", ToServer, b"GET /", b"x"),
        ("endless body", ToClient, b"HTTP/1.1 200 OK\r\n\r\n", b"body"),
        ("endless chunks", ToClient, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        ("endless chunk line", ToClient, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        ("endless interim", ToClient, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("endless requests", ToServer, b"", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789"),
        ("endless nothing", ToServer, b"", b"\0"),
    ];
    for (name, direction, start, again) in floods {
        let most = flood(http1::Dissector::new(MIB), direction, start, again);
        assert!(most <= 4 * MIB, "{name}: {most} bytes");
    }
}
