//! What nobody should send, and much of it: refused with the right status, and others are answered meanwhile.

use std::io::{BufReader, Read, Write};
use std::thread;

use super::Server;
use super::client::read;

/// How often each kind of abuse is done at once, and how many do it.
const TIMES: usize = 1_000;
const ABUSERS: usize = 10;

/// Sends bytes as they are; the status that comes back, 0 where the connection is closed without one.
fn raw(server: &Server, bytes: &[u8]) -> u16 {
    let mut stream = server.client().connect();
    // The server may have said no by now, and closed.
    let _ = stream.write_all(bytes);
    let mut first = [0; 12];
    match BufReader::new(stream).read_exact(&mut first) {
        Ok(()) => std::str::from_utf8(&first[9..]).unwrap().parse().unwrap(),
        Err(_) => 0,
    }
}

fn asked(server: &Server, path: &str, rest: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{rest}\r\n", server.address).into_bytes()
}

#[test]
fn what_is_too_long_or_malformed_is_refused() {
    let Some(server) = Server::with(&["dns-dnsmasq.pcapng"], &["--no-index"]) else { return };
    let long = "a".repeat(20_000);
    assert_eq!(raw(&server, &asked(&server, &format!("/api/v1/entries?q={long}"), "")), 414);
    assert_eq!(raw(&server, &asked(&server, "/api/v1/entries", "Content-Length: 99999999999\r\n")), 413);
    assert!(matches!(raw(&server, &asked(&server, &format!("/{}", "a".repeat(200_000)), "")), 0 | 414 | 431));
    assert!(matches!(
        raw(&server, &asked(&server, "/", &format!("X: {}\r\n", "a".repeat(200_000)))),
        0 | 431
    ));
    assert!(matches!(raw(&server, &asked(&server, "/", &"X: y\r\n".repeat(5_000))), 0 | 431));
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        b"GET / HTTP/1.1\r\nHost: local\xffhost\r\n\r\n",
    ] {
        // A head that is not at its end is waited for: there is no more to come.
        let mut stream = server.client().connect();
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let is_refused = answer.is_empty() || answer.starts_with(b"HTTP/1.1 4") || answer.starts_with(b"HTTP/1.0 4");
        assert!(is_refused, "{}: {}", bytes.escape_ascii(), String::from_utf8_lossy(&answer));
    }
    let body = vec![b'x'; 1 << 20];
    server.client().send("POST", "/api/v1/session", &body).problem(413);
    let chunked = b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2710\r\n";
    let mut bytes = chunked.to_vec();
    bytes.extend(vec![b' '; 10_000]);
    bytes.extend(b"\r\n0\r\n\r\n");
    assert_eq!(raw(&server, &bytes), 413);
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn paths_lead_nowhere_else() {
    let Some(server) = Server::with(&["dns-dnsmasq.pcapng"], &["--no-index"]) else { return };
    for path in [
        "/../../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/assets/../../Cargo.toml",
        "/assets/..%5c..%5cCargo.toml",
        "/%00",
        "/index.html%00.js",
        "/....//....//etc/passwd",
        "/%c0%ae%c0%ae/etc/passwd",
        "/api/v1/entries/..%2f..%2fetc%2fpasswd",
        "/api/v1/entries/%2e%2e",
        "/api/v1/entries/a-0000000000.1.1%2f..%2fx",
        "/api/v1/../../etc/passwd",
        "/file:///etc/passwd",
        "/~root",
        "/.git/config",
        "/.env",
    ] {
        let answer = server.get(path);
        let text = answer.text();
        assert!(
            !text.contains("root:") && !text.contains("[package]") && !text.contains("[core]"),
            "{path}: {text}"
        );
        assert!(matches!(answer.status, 200 | 400 | 404), "{path}: {}", answer.status);
        // What is answered well is the page, for a view that nobody knows.
        if answer.status == 200 {
            assert!(answer.header("content-type").unwrap().starts_with("text/html"), "{path}");
        }
    }
}

/// Ten thousand requests that say nothing, or too much, and all the while somebody asks and is answered.
#[test]
fn others_are_answered_while_thousands_abuse_it() {
    let Some(server) = Server::with(&["shop.pcapng"], &["--no-index"]) else { return };
    let before = server.memory_bytes();
    // Connections that say half a head and no more; they are kept until the server's patience ends.
    let slow: Vec<_> = (0..500)
        .map(|_| {
            let mut stream = server.client().connect();
            stream.write_all(b"GET /api/v1/entries HTTP/1.1\r\nHost: local").unwrap();
            stream
        })
        .collect();
    let long = asked(&server, &format!("/api/v1/entries?q={}", "a".repeat(20_000)), "");
    let heavy = asked(&server, "/api/v1/stats", "Content-Length: 4000000000\r\n");
    let foreign = asked(&server, "/api/v1/stats", "Origin: http://evil.example\r\n");
    let wrong = asked(&server, "/api/v1/entries?q=http%20and", "");
    let statuses = thread::scope(|scope| {
        let (server, kinds) = (&server, [&long, &heavy, &foreign, &wrong]);
        let abusers: Vec<_> = (0..ABUSERS)
            .map(|abuser| {
                let kind = kinds[abuser % kinds.len()];
                scope.spawn(move || (0..TIMES).map(|_| raw(server, kind)).collect::<Vec<_>>())
            })
            .collect();
        for _ in 0..20 {
            let answer = server.get("/api/v1/entries?q=http&limit=5");
            assert!(matches!(answer.status, 200 | 429), "{}", answer.text());
        }
        abusers.into_iter().flat_map(|abuser| abuser.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(statuses.len(), TIMES * ABUSERS);
    let others: Vec<_> =
        statuses.iter().filter(|status| !matches!(status, 400 | 403 | 413 | 414 | 429)).collect();
    assert!(others.is_empty(), "{others:?}");
    drop(slow);
    let answer = server.get("/api/v1/entries?q=http&limit=5");
    assert!(matches!(answer.status, 200 | 429));
    let grown = server.memory_bytes().saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes more");
}

/// More questions than there are places for are told to come back; who goes away gives the place back.
#[test]
fn who_goes_away_leaves_room_for_others() {
    let Some(server) = Server::with(&["shop.pcapng"], &["--no-index"]) else { return };
    for _ in 0..5 {
        let streams: Vec<_> =
            (0..32).map(|_| server.client().begin("GET", "/api/v1/entries/stream?from=now", b"")).collect();
        drop(streams);
    }
    let mut streams: Vec<_> =
        (0..32).map(|_| server.client().begin("GET", "/api/v1/entries/stream?from=now", b"")).collect();
    for stream in &mut streams {
        assert_eq!(super::client::head(stream).unwrap().0, 200);
    }
    let refused = read(&mut server.client().begin("GET", "/api/v1/entries/stream?from=now", b""));
    refused.problem(503);
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.get("/api/v1/entries?limit=1").status, 200, "questions have places of their own");
}
