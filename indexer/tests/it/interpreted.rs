//! Calls and operations of captures of real servers, as a list shows them and as they are opened.

use std::fs::File;
use std::path::{Path, PathBuf};

use dissect::{Dissector, Limits};
use indexer::Schemas;
use indexer::entry::{self, Naming};
use indexer::names::Names;
use segment::capture_file::CaptureReader;
use segment::{PacketRef, Record};
use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/captures").join(name)
}

/// The entries of a capture, opened.
fn entries(capture: &str, schemas: Option<&Schemas>) -> Vec<Value> {
    let (mut dissector, names) = (Dissector::new(Limits::default()), Names::default());
    let mut naming = Naming::new("it".parse().unwrap());
    let mut entries = Vec::new();
    let mut sink = |exchange: dissect::Exchange| {
        entries.push(entry::in_full(&mut naming, &names, &exchange, schemas).1);
    };
    let mut reader = CaptureReader::new(File::open(fixture(capture)).unwrap()).unwrap();
    let mut index = 0;
    while let Ok(Some(record)) = reader.next() {
        if let Record::Packet(packet) = record {
            dissector.packet(&packet, PacketRef { sequence: 0, frame: 1, index }, &mut sink);
            index += 1;
        }
    }
    dissector.finish(&mut sink);
    entries
}

/// A line for each entry of `abbr`, as lists show it.
fn lines(entries: &[Value], abbr: &str) -> Vec<String> {
    let chosen = entries.iter().filter(|entry| entry["protocol"]["abbr"] == abbr);
    chosen
        .map(|entry| {
            let summary = entry::summary(entry);
            format!("{} {} → {}", summary.method, summary.text, summary.status)
        })
        .collect()
}

#[test]
fn grpc_web_calls_are_told() {
    let entries = entries("grpc-web.pcapng", None);
    assert_eq!(
        lines(&entries, "gRPC"),
        [
            "Get shop.v1.Orders → OK",
            "List shop.v1.Orders → OK",
            "Get shop.v1.Orders → NOT_FOUND",
            "Get shop.v1.Orders → UNIMPLEMENTED",
            "Get shop.v1.Orders → OK",
            "List shop.v1.Orders → OK",
            "Get shop.v1.Orders → NOT_FOUND",
            // The server answered without gRPC.
            "Nothing shop.v1.Orders → 500",
        ]
    );
    let calls: Vec<&Value> = entries.iter().filter(|entry| entry["protocol"]["abbr"] == "gRPC").collect();
    let of = |index: usize| (&calls[index]["request"]["grpc"], &calls[index]["response"]["grpc"]);
    let (asked, answered) = of(1);
    assert_eq!((&asked["call"], &answered["messages"]), (&json!("server stream"), &json!(3)));
    let (asked, answered) = of(6);
    assert_eq!(asked["flavour"], "grpc-web-text");
    assert_eq!(
        (&answered["status"], &answered["message"]),
        (&json!(5), &json!("no such order: missing – “sorry”"))
    );
    assert_eq!(asked["metadata"]["x-grpc-web"], "1");
    assert_eq!(asked["contents"][0]["fields"], json!([{"number": 1, "wire": "text", "value": "missing"}]));
}

#[test]
fn grpc_calls_are_told() {
    let schemas = Schemas::read(&[fixture("grpc.protoset")]).unwrap();
    let entries = entries("grpc.pcapng", Some(&schemas));
    assert_eq!(
        lines(&entries, "gRPC"),
        [
            "Get shop.v1.Orders → OK",
            "Get shop.v1.Orders → OK",
            "Get shop.v1.Orders → OK",
            "List shop.v1.Orders → OK",
            "List shop.v1.Orders → OK",
            "Upload shop.v1.Orders → OK",
            "Upload shop.v1.Orders → OK",
            "Chat shop.v1.Orders → OK",
            "Get shop.v1.Orders → NOT_FOUND",
            "Get shop.v1.Orders → INVALID_ARGUMENT",
            "Get shop.v1.Orders → UNKNOWN",
            "Get shop.v1.Orders → DEADLINE_EXCEEDED",
            "List shop.v1.Orders → DATA_LOSS",
            "Nothing shop.v1.Orders → UNIMPLEMENTED",
            "Get shop.v2.Elsewhere → UNIMPLEMENTED",
            "Get shop.v1.Orders → INTERNAL",
            // Taken back by the client: there is no status.
            "List shop.v1.Orders → CANCEL",
            "List shop.v1.Orders → OK",
            "Upload shop.v1.Orders → OK",
            "Chat shop.v1.Orders → OK",
            "Get shop.v1.Orders → OK",
            "Get shop.v1.Orders → OK",
            "Upload shop.v1.Orders → OK",
            "Upload shop.v1.Orders → OK",
        ]
    );
    let calls: Vec<&Value> = entries.iter().filter(|entry| entry["protocol"]["abbr"] == "gRPC").collect();
    let of = |index: usize| (&calls[index]["request"]["grpc"], &calls[index]["response"]["grpc"]);
    let metadata = &of(0).0["metadata"];
    assert_eq!(metadata["baggage-bin"], json!({"text": "3q2+7w==", "encoding": "base64"}));
    assert_eq!(metadata["tenant"], json!(["example", "second"]));
    assert_eq!(of(11).0["deadlineMs"], 200);
    let kinds: Vec<&Value> = [0, 3, 5, 7].into_iter().map(|index| &of(index).0["call"]).collect();
    assert_eq!(kinds, ["unary", "server stream", "client stream", "bidirectional stream"]);
    // No answer, or a call taken back after one of each: nobody knows what it would have been.
    for index in [4, 6, 8, 13, 16] {
        assert_eq!(of(index).0["call"], Value::Null, "call {index}");
    }
    let (_, invalid) = of(9);
    assert_eq!((&invalid["trailersOnly"], &invalid["message"]), (&json!(true), &json!("the id is invalid")));
    assert_eq!(invalid["details"][0]["type"], "google.rpc.BadRequest");
    let (long, _) = of(20);
    assert_eq!((&long["compressed"], &long["encoding"]), (&json!(1), &json!("gzip")));
    assert_eq!(long["contents"][0]["value"]["id"], "long ".repeat(200));
    // Not even the schema makes a message of it.
    assert_eq!(of(15).0["contents"][0]["fields"], json!([{"wire": "damaged", "bytes": "////"}]));
}

#[test]
fn graphql_operations_are_told() {
    let entries = entries("graphql.pcapng", None);
    let over_http1: Vec<Value> =
        entries.into_iter().filter(|entry| entry["protocol"]["version"] == "1.1").collect();
    assert_eq!(
        lines(&over_http1, "GQL"),
        [
            "query { orders } → 200",
            "query OneOrder → 200",
            "query Second → 200",
            "query { orders } → 200",
            "mutation Place → 200",
            "query { order } → 200",
            "query { orders } → 200",
            "query Q → 200",
            "query IntrospectionQuery → 200",
            "query { order } → 200 1 error",
            "mutation { placeOrder } → 200 1 error",
            "query { orders } → 200 1 error",
            "query { orders } → 200 1 error",
            "query { order } → 200 1 error",
            // No operation of the document has this name.
            "graphql Nobody → 400",
            "mutation { placeOrder } → 400",
            "query { orders } (+2) → 200 1 error",
            // The server doesn't know the hash, is told the document, and knows it.
            "graphql Kept → 200 1 error",
            "query Kept → 200",
            "graphql Kept → 200",
        ]
    );
    let graphql = |name: &str| {
        let named = |entry: &&Value| entry["request"]["graphql"]["operationName"] == name;
        over_http1.iter().find(named).unwrap()["request"]["graphql"].clone()
    };
    let expanded = graphql("OneOrder");
    assert_eq!(expanded["selections"], json!(["order", "order.id", "order.article", "order.customer"]));
    assert_eq!(expanded["variables"], json!({"id": "7"}));
    assert_eq!(graphql("Second")["aliases"], json!({"few": "orders"}));
    assert!(graphql("Kept")["sha256Hash"].is_string());
}

#[test]
fn graphql_subscriptions_are_told() {
    let entries = entries("graphql.pcapng", None);
    let of = |subprotocol: &str, id: &str| -> Vec<String> {
        let is = |entry: &&Value| {
            entry["request"]["subprotocol"] == subprotocol && entry["request"]["graphql"]["id"] == id
        };
        lines(&entries.iter().filter(is).cloned().collect::<Vec<_>>(), "WS")
    };
    assert_eq!(
        of("graphql-transport-ws", "2"),
        [
            "subscribe subscription Shipped #2 → 175 B",
            "next #2 → 79 B",
            "next #2 → 79 B",
            "next #2 → 79 B",
            "next #2 → 79 B",
            "next #2 → 1 error",
            "complete #2 → 28 B",
        ]
    );
    assert_eq!(
        of("graphql-transport-ws", "4"),
        ["subscribe subscription { nothing } #4 → 82 B", "error #4 → 1 error"]
    );
    assert_eq!(of("graphql-ws", "3"), ["start query { orders } #3 → 81 B", "error #3 → 1 error"]);
    assert_eq!(
        of("graphql-ws", "5"),
        [
            "start subscription { shipped } #5 → 95 B",
            "data #5 → 66 B",
            "stop #5 → 27 B",
            "complete #5 → 28 B"
        ]
    );
    let asked = entries.iter().find(|entry| entry["request"]["graphql"]["type"] == "subscribe").unwrap();
    let graphql = &asked["request"]["graphql"];
    assert_eq!(graphql["selections"], json!(["shipped", "shipped.id", "shipped.total"]));
    assert_eq!(graphql["variables"], json!({"n": 3}));
}

#[test]
fn web_sockets_over_http2_are_told() {
    let entries = entries("websocket-http2.pcapng", None);
    let sockets = lines(&entries, "HTTP/2");
    assert_eq!(
        sockets,
        ["CONNECT /one → 200", "CONNECT /two → 200", "GET /page → 200", "CONNECT /forbidden → 403"]
    );
    let said = |stream: u64| -> Vec<&str> {
        let of = entries.iter().filter(|entry| entry["protocol"]["abbr"] == "WS");
        let of = of.filter(|entry| entry["request"]["streamId"] == stream);
        of.map(|entry| entry["request"]["type"].as_str().unwrap()).collect()
    };
    let one = ["text", "text", "text", "text", "text", "text", "binary", "binary", "text", "text"];
    assert_eq!(said(1), [one.as_slice(), &["ping", "pong", "text", "close"]].concat());
    assert_eq!(said(3), [["text"; 8].as_slice(), &["close", "close"]].concat());
    let inflated = entries.iter().find(|entry| entry["request"]["payloadSize"] == 960).unwrap();
    assert_eq!(
        (&inflated["request"]["path"], &inflated["request"]["compressed"]),
        (&json!("/two"), &json!(true))
    );
}

#[test]
fn messages_are_shown_by_their_schema() {
    let schemas = Schemas::read(&[fixture("grpc.protoset")]).unwrap();
    let entries = entries("grpc-web.pcapng", Some(&schemas));
    let first = entries.iter().find(|entry| entry["protocol"]["abbr"] == "gRPC").unwrap();
    assert_eq!(first["request"]["grpc"]["contents"][0]["value"], json!({"id": "1"}));
    let order = &first["response"]["grpc"]["contents"][0]["value"];
    assert_eq!(order["lines"][1], json!({"article": "article 2", "price": 2.5, "quantity": 2}));
    assert_eq!((&order["adjustments"], &order["offset"]), (&json!([-1, 0, 300]), &json!(-7)));
}
