//! Live entries: the past, then the present, each once, also for who is interrupted or slow.

use std::collections::BTreeSet;
use std::io::BufReader;
use std::net::TcpStream;

use serde_json::Value;

use super::client::{Client, chunk, head};
use super::{Server, capture, quoted};

/// An event as a browser gets it.
#[derive(Clone, Debug)]
struct Event {
    id: Option<String>,
    name: String,
    data: Value,
}

/// A stream that is read event by event.
struct Events {
    stream: BufReader<TcpStream>,
    text: String,
}

impl Events {
    #[track_caller]
    fn open(client: Client, path: &str) -> Self {
        let mut stream = client.begin("GET", path, b"");
        let (status, headers) = head(&mut stream).unwrap();
        assert_eq!(status, 200);
        assert!(
            headers.contains(&("content-type".to_owned(), "text/event-stream".to_owned())),
            "{headers:?}"
        );
        Self { stream, text: String::new() }
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let value = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                let found = value("event: ").map(|name| Event {
                    id: value("id: ").map(str::to_owned),
                    name: name.to_owned(),
                    data: serde_json::from_str(value("data: ").unwrap()).unwrap(),
                });
                self.text = rest.to_owned();
                match found {
                    Some(event) => return Some(event),
                    // A comment.
                    None => continue,
                }
            }
            let part = chunk(&mut self.stream).filter(|part| !part.is_empty())?;
            self.text.push_str(std::str::from_utf8(&part).unwrap());
        }
    }
}

fn id_of(event: &Event) -> String {
    event.data["id"].as_str().unwrap().to_owned()
}

fn all_ids(server: &Server) -> BTreeSet<String> {
    let answer = server.bench.run(&["query", "", "--json"]).ok().json();
    answer["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn who_is_interrupted_anywhere_goes_on_without_hole_or_double() {
    let Some(server) = Server::with(&["shop.pcapng"], &[]) else { return };
    let mut told: Vec<String> = Vec::new();
    let mut last: Option<String> = None;
    let (mut was_live, mut imported) = (false, 0);
    // Connections of growing length, each cut in the middle of what comes.
    for length in 0.. {
        let client = match &last {
            Some(last) => server.client().with("Last-Event-ID", last),
            None => server.client(),
        };
        let (mut since, mut has_ended) = (0, false);
        for event in Events::open(client, "/api/v1/entries/stream?q=") {
            last = event.id.clone().or(last);
            match event.name.as_str() {
                "entry" => {
                    told.push(id_of(&event));
                    since += 1;
                }
                "caughtUp" => {
                    was_live = true;
                    // What comes later comes while nobody listens, or while somebody does.
                    match imported {
                        0 => drop(
                            server.bench.run(&["import", capture("redis.pcapng").to_str().unwrap()]).ok(),
                        ),
                        1 => drop(
                            server
                                .bench
                                .run(&["import", capture("http-nginx.pcapng").to_str().unwrap()])
                                .ok(),
                        ),
                        _ => {}
                    }
                    imported += 1;
                }
                "coverage" => {}
                other => panic!("{other}: {}", event.data),
            }
            has_ended = imported > 1 && told.len() >= all_ids(&server).len();
            if since > length * 7 || has_ended {
                break;
            }
        }
        if has_ended {
            break;
        }
        assert!(length < 1_000, "{} told", told.len());
    }
    assert!(was_live);
    let all = all_ids(&server);
    let once: BTreeSet<String> = told.iter().cloned().collect();
    assert_eq!(told.len(), once.len(), "nothing twice");
    assert_eq!(once, all);
}

#[test]
fn a_stream_goes_on_behind_a_page() {
    let Some(server) = Server::with(&["http-nginx.pcapng"], &["--no-index"]) else { return };
    let page = server.json("/api/v1/entries?order=asc&limit=5");
    let mut told: Vec<String> = page["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["id"].as_str().unwrap().to_owned())
        .collect();
    let cursor = quoted(page["coverage"]["next"].as_str().unwrap());
    let events = Events::open(server.client(), &format!("/api/v1/entries/stream?cursor={cursor}"));
    told.extend(events.take_while(|event| event.name == "entry").map(|event| id_of(&event)));
    let whole = server.bench.run(&["query", "", "--json"]).ok().json();
    let all: Vec<&str> =
        whole["entries"].as_array().unwrap().iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(told, all);
}

#[test]
fn a_filter_holds_for_what_comes_too_and_a_wrong_one_is_told_at_once() {
    let Some(server) = Server::with(&["shop.pcapng"], &[]) else { return };
    let mut events = Events::open(server.client(), "/api/v1/entries/stream?q=redis");
    assert!(events.next().is_some_and(|event| event.name == "caughtUp" || event.name == "entry"));
    server.bench.run(&["import", capture("redis.pcapng").to_str().unwrap()]).ok();
    let redis = server.bench.run(&["query", "redis", "--json"]).ok().json();
    let wanted = redis["coverage"]["entries"].as_u64().unwrap() as usize;
    assert!(wanted > 10);
    let entries = events.filter(|event| event.name == "entry").take(wanted - 1);
    entries.for_each(|event| assert_eq!(event.data["protocol"]["name"], "redis"));
    server.get("/api/v1/entries/stream?q=redis%20and").problem(400);
}

/// The past waits for who reads it; what happens does not: whoever doesn't read is told how much was missed.
#[test]
fn a_slow_reader_is_told_what_was_missed_and_memory_stays() {
    let Some(server) = Server::with(&["dns-dnsmasq.pcapng"], &[]) else { return };
    let mut events = Events::open(server.client(), "/api/v1/entries/stream");
    let (mut told, mut last) = (BTreeSet::new(), String::new());
    for event in events.by_ref() {
        last = event.id.clone().unwrap_or(last);
        match event.name.as_str() {
            "entry" => told.insert(id_of(&event)),
            "caughtUp" => break,
            _ => continue,
        };
    }
    let before = server.memory_bytes();
    // Nobody reads while three times as much comes as may wait for a reader.
    let file = server.bench.directory.path().join("hour.pcapng");
    let options = generate::Options {
        exchanges: 12_000,
        seed: 1,
        start_ns: 1_772_409_600_000_000_000,
        span_ns: 3_600_000_000_000,
    };
    generate::generate(&options, std::fs::File::create(&file).unwrap()).unwrap();
    server.bench.run(&["import", file.to_str().unwrap()]).ok();
    let all = all_ids(&server).len() as u64;
    assert!(all > 10_000, "{all} entries");
    let grown = server.memory_bytes().saturating_sub(before);
    let (mut missed, mut cuts) = (0, 0);
    while told.len() as u64 + missed < all {
        let Some(event) = events.next() else {
            // Who reads nothing for a minute is taken for gone, and may come back.
            events = Events::open(server.client().with("Last-Event-ID", &last), "/api/v1/entries/stream");
            cuts += 1;
            assert!(cuts < 3);
            continue;
        };
        last = event.id.clone().unwrap_or(last);
        match event.name.as_str() {
            "entry" => assert!(told.insert(id_of(&event)), "nothing twice"),
            "skipped" => missed += event.data["count"].as_u64().unwrap(),
            _ => {}
        }
    }
    assert_eq!(told.len() as u64 + missed, all);
    assert!(missed > 0 || cuts > 0, "everything found room");
    assert!(grown < 512 << 20, "{grown} bytes more");
}
