//! Who may ask: tokens, sessions, names, other sites' pages.

use std::process::{Command, Stdio};

use super::Server;
use super::client::Client;
use crate::command::skip;

#[test]
fn off_loopback_a_token_is_needed() {
    let Some(server) = Server::with(&["dns-dnsmasq.pcapng"], &["--no-index", "--listen", "0.0.0.0:0"]) else {
        return;
    };
    let token = server.token.clone().unwrap();
    for path in [
        "/api/v1/stats",
        "/api/v1/entries",
        "/api/v1/openapi.json",
        "/api/v1/nothing",
        "/metrics",
        "/api/v1/export?format=csv",
    ] {
        let refused = server.get(path);
        refused.problem(401);
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"), "{path}");
        let wrong = server.client().with("Authorization", &format!("Bearer {}x", &token[1..]));
        wrong.get(path).problem(401);
    }
    // Who watches over it, and who has yet to log in, get so far.
    for path in ["/healthz", "/readyz", "/"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    let right = || server.client().with("Authorization", &format!("Bearer {token}"));
    assert_eq!(right().get("/api/v1/stats").status, 200);
    assert_eq!(
        server.client().with("Authorization", &format!("bearer {token}")).get("/api/v1/stats").status,
        200
    );

    let begun =
        server.client().send("POST", "/api/v1/session", format!("{{\"token\":\"{token}\"}}").as_bytes());
    assert_eq!(begun.status, 204);
    let cookie = begun.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(server.client().with("Cookie", pair).get("/api/v1/stats").status, 200);
    let forged = pair.replace('.', ".0");
    server.client().with("Cookie", &forged).get("/api/v1/stats").problem(401);
    let ended = server.client().send("DELETE", "/api/v1/session", b"");
    assert!(ended.header("set-cookie").unwrap().contains("Max-Age=0"));
    for body in [&b"{\"token\":\"wrong\"}"[..], b"{}", b"\xff", b"[]"] {
        let refused = server.client().send("POST", "/api/v1/session", body);
        assert!(matches!(refused.status, 400 | 401), "{}", refused.status);
    }
}

#[test]
fn guessing_tokens_is_slow() {
    let Some(server) = Server::with(&["dns-dnsmasq.pcapng"], &["--no-index", "--listen", "0.0.0.0:0"]) else {
        return;
    };
    let guess = |number: u32| {
        let body = format!("{{\"token\":\"guess-{number}\"}}");
        server.client().send("POST", "/api/v1/session", body.as_bytes()).status
    };
    let statuses: Vec<u16> = (0..200).map(guess).collect();
    let slowed = statuses.iter().filter(|status| **status == 429).count();
    assert!(slowed > 0, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
}

#[test]
fn a_token_from_a_file_is_needed_on_loopback_too() {
    let bench = crate::command::Bench::new();
    std::fs::create_dir_all(bench.data()).unwrap();
    let file = bench.directory.path().join("token");
    std::fs::write(&file, "a-token-of-some-length\n").unwrap();
    let path = file.to_str().unwrap().to_owned();
    let server = Server::over(bench, &["--no-index", "--token-file", &path]);
    assert_eq!(server.token, None, "what is known is not told");
    server.get("/api/v1/stats").problem(401);
    let right = server.client().with("Authorization", "Bearer a-token-of-some-length");
    assert_eq!(right.get("/api/v1/stats").status, 200);
}

#[test]
fn names_that_lead_here_and_pages_of_other_sites_are_refused() {
    let Some(server) =
        Server::with(&["dns-dnsmasq.pcapng"], &["--no-index", "--allow-host", "remora.example"])
    else {
        return;
    };
    let asked = |name: &str, value: &str, path: &str| server.client().with(name, value).get(path);
    for host in ["evil.example", "127.0.0.1.nip.io:8898", "evil.example:8898", "localhost.evil.example"] {
        for path in ["/", "/api/v1/stats", "/healthz", "/metrics"] {
            asked("Host", host, path).problem(421);
        }
    }
    for host in
        ["localhost", "localhost:1", "remora.example", "REMORA.example:8898", "[::1]:8898", "192.168.1.9"]
    {
        assert_eq!(asked("Host", host, "/api/v1/stats").status, 200, "{host}");
    }
    let own = format!("http://{}", server.address);
    assert_eq!(asked("Origin", &own, "/api/v1/stats").status, 200);
    for origin in ["http://evil.example", "null", "https://127.0.0.1", "http://localhost:1", "garbage"] {
        for path in
            ["/api/v1/stats", "/api/v1/entries/stream", "/api/v1/export?format=pcapng", "/metrics", "/"]
        {
            asked("Origin", origin, path).problem(403);
        }
        server
            .client()
            .with("Origin", origin)
            .send("POST", "/api/v1/session", b"{\"token\":\"x\"}")
            .problem(403);
        // A WebSocket's handshake, which a browser lets any page make.
        let socket = server.client().with("Origin", origin).with("Upgrade", "websocket");
        let socket =
            socket.with("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==").with("Sec-WebSocket-Version", "13");
        socket.get("/api/v1/entries/stream").problem(403);
    }
    let from = |site: &str, mode: &str, to: &str, path: &str| {
        let client = server.client().with("Sec-Fetch-Site", site).with("Sec-Fetch-Mode", mode);
        client.with("Sec-Fetch-Dest", to).get(path).status
    };
    assert_eq!(from("cross-site", "no-cors", "image", "/api/v1/export?format=pcapng"), 403);
    assert_eq!(from("same-site", "cors", "empty", "/api/v1/entries/stream"), 403);
    assert_eq!(from("cross-site", "navigate", "document", "/api/v1/stats"), 403);
    assert_eq!(from("cross-site", "navigate", "iframe", "/"), 403);
    assert_eq!(from("cross-site", "navigate", "document", "/traffic"), 200, "the page may be linked to");
    assert_eq!(from("same-origin", "cors", "empty", "/api/v1/stats"), 200);
    let preflight =
        server.client().with("Origin", "http://evil.example").with("Access-Control-Request-Method", "GET");
    let answer = preflight.send("OPTIONS", "/api/v1/stats", b"");
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn a_certificate_makes_it_https() {
    let bench = crate::command::Bench::new();
    std::fs::create_dir_all(bench.data()).unwrap();
    let file = |name: &str| bench.directory.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (file("cert.pem"), file("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", &key, "-out", &certificate])
        .stderr(Stdio::null())
        .status();
    if !made.is_ok_and(|status| status.success()) {
        skip("no openssl to make a certificate with");
        return;
    }
    let refused = bench.run(&["serve", "--listen", "127.0.0.1:0", "--tls-cert", &key, "--tls-key", &key]);
    assert_eq!(refused.status(), 1, "{}", refused.stderr());
    let server = Server::over(bench, &["--no-index", "--tls-cert", &certificate, "--tls-key", &key]);
    let answer = Command::new("curl")
        .args(["-s", "--cacert", &certificate, &format!("https://{}/healthz", server.address)])
        .output();
    let Ok(answer) = answer else {
        skip("no curl");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "{\"status\":\"ok\"}");
    // Who speaks no TLS is not answered.
    let plain = std::panic::catch_unwind(|| Client::new(&server.address).get("/healthz"));
    assert!(plain.is_err());
    let again =
        Command::new("curl").args(["-sk", &format!("https://{}/healthz", server.address)]).output().unwrap();
    assert!(again.status.success());
}

#[test]
fn a_port_that_is_taken_is_an_error_of_serve() {
    let bench = crate::command::Bench::new();
    std::fs::create_dir_all(bench.data()).unwrap();
    let server = Server::over(bench, &["--no-index"]);
    let other = crate::command::Bench::new();
    std::fs::create_dir_all(other.data()).unwrap();
    let refused = other.run(&["serve", "--no-index", "--listen", &server.address]);
    assert_eq!(refused.status(), 1);
    assert!(refused.stderr().contains("--listen"), "{}", refused.stderr());
}
