//! Databases, as recorded in `fixtures/captures`, against what tshark finds there.
//!
//! `fixtures/record/sql_oracle.py` writes the facts that tshark tells reliably beside each recording. Each must
//! be told by us, in the same order on the same connection, and no more.

mod mongodb;
mod mysql;
mod postgres;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use dissect::protocol::Content;
use dissect::{Dissector, Exchange, Limits};
use serde_json::Value;

use crate::corpus;

/// Ports of the servers that were recorded.
const SERVERS: [u16; 3] = [5432, 3306, 27_017];

/// What takes the facts of an exchange: what kind, and which.
pub type Tell<'a> = &'a mut dyn FnMut(&str, Value);

/// Facts by connection and kind, in order.
type Facts = BTreeMap<(String, String), Vec<Value>>;

/// What was recorded of a database.
pub fn recordings(name: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/captures");
    let mut files = corpus::with_oracle(&folder, ".oracle.jsonl");
    files.retain(|file| file.file_name().is_some_and(|file| file.to_str().unwrap().starts_with(name)));
    assert!(!files.is_empty(), "no recording of {name} in {}", folder.display());
    files
}

/// The exchanges of a recording; none of its packets may be left unread by a recognised protocol.
pub fn exchanges(file: &Path) -> Vec<Exchange> {
    let mut dissector = Dissector::new(Limits::default());
    let mut exchanges = Vec::new();
    let mut sink = |exchange: Exchange| {
        let first = exchange.request.as_ref().or(exchange.response.as_ref());
        if first.is_some_and(|message| !matches!(message.content, Content::Flow(_) | Content::Icmp(_))) {
            exchanges.push(exchange);
        }
    };
    for (number, packet) in corpus::packets(file).iter().enumerate() {
        dissector.packet(&packet.packet(), corpus::place(number), &mut sink);
    }
    dissector.finish(&mut sink);
    exchanges.sort_by_key(|exchange| {
        exchange.request.as_ref().or(exchange.response.as_ref()).map(|message| message.first)
    });
    let counters = dissector.counters();
    assert_eq!((counters.panics, counters.skipped_bytes), (0, 0), "{counters:?}");
    exchanges
}

/// Compares the facts of every recording of a database.
pub fn check(name: &str, tell: fn(&Exchange, Tell<'_>)) {
    let mut compared = 0;
    for file in recordings(name) {
        let mut expected = Facts::new();
        for line in corpus::oracle(&file, ".oracle.jsonl") {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            expected.entry((text("client"), text("kind"))).or_default().push(line["value"].clone());
        }
        let mut found = Facts::new();
        for exchange in exchanges(&file) {
            // What the server says unasked goes the other way.
            let ends = [exchange.client, exchange.server];
            let end = ends.into_iter().find(|end| !SERVERS.contains(&end.port)).unwrap();
            let client = format!("{}:{}", end.ip, end.port);
            tell(&exchange, &mut |kind, value| {
                found.entry((client.clone(), kind.to_owned())).or_default().push(value);
            });
        }
        for (key, values) in &expected {
            let ours = found.get(key).map_or(&[][..], Vec::as_slice);
            assert_eq!(ours, values, "{} {key:?}", file.display());
            compared += values.len();
        }
        let more: Vec<_> = found.iter().filter(|(key, _)| !expected.contains_key(key)).collect();
        assert!(more.is_empty(), "{}: {more:#?}", file.display());
    }
    eprintln!("{name}: {compared} facts are as tshark tells them");
}
