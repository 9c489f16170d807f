//! A live recording of the loopback interface: searchable while it goes on, sealed when it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::command::{Bench, REMORA, skip};

/// From an exchange's happening to its being found.
const SEARCHABLE_WITHIN: Duration = Duration::from_secs(2);

/// Answers one request with 404.
fn exchange(path: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        // All of it: a connection that is closed with bytes unread is reset.
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            request.extend(byte);
        }
        connection
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
    });
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(format!("GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n").as_bytes()).unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    server.join().unwrap();
}

#[test]
fn an_exchange_is_found_within_two_seconds_and_sealed_at_the_end() {
    if !Path::new(REMORA).with_file_name("remora-recorder").is_file() {
        skip("no recorder beside remora: build it with `cargo build -p recorder`");
        return;
    }
    let bench = Bench::new();
    let mut child = bench
        .remora()
        .args(["--json", "record", "-i", "lo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut events = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).map(|line| {
        let event: Value = serde_json::from_str(&line).unwrap();
        event
    });
    if !events.any(|event| event["event"] == "interface" && event["state"] == "up") {
        let output = child.wait_with_output().unwrap();
        skip(&format!("nothing can be captured here: {}", String::from_utf8_lossy(&output.stderr).trim()));
        return;
    }
    exchange("/made-for-this-test");
    let happened = Instant::now();
    let kfl = "http and request.path == \"/made-for-this-test\"";
    let found = loop {
        let answer = bench.run(&["query", kfl, "--from", "-1m", "--json"]).ok().json();
        if answer["coverage"]["entries"] == 1 {
            break answer;
        }
        assert!(happened.elapsed() < SEARCHABLE_WITHIN, "{answer}");
    };
    assert_eq!(found["entries"][0]["response"]["status"], 404);

    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(events.any(|event| event["event"] == "indexed"));
    assert!(child.wait().unwrap().success());
    bench.run(&["verify"]).ok();
    let segments = bench.run(&["segments", "--json"]).ok().json();
    assert_eq!(segments["segments"][0]["state"], "indexed");
    assert_eq!(bench.run(&["query", kfl, "--json"]).ok().json()["coverage"]["entries"], 1);
}
