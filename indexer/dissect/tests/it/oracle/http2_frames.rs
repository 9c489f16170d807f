//! Frames of HTTP/2 against the totals of `FILE.oracle.jsonl`: also those that carry no message.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use dissect::protocol::http2::counts::FrameCounts;
use dissect::protocol::http2::frame::Kind;
use dissect::protocol::table::StreamProtocol;
use dissect::protocol::{Chunk, Direction, Pair, StreamDissector, http2};
use dissect::{Dissector, Limits};
use serde_json::{Value, json};

use crate::corpus;

/// Captures whose totals differ, and why: by the bytes, not by what anybody makes of them.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "grpc-wireshark-grpc_stream_reassembly_sample.pcapng",
        "ours: the capture ends in a frame, whose header is there",
    ),
    (
        "http2-suricata-http2-keywords2.pcap",
        "both: the server's first frame is in the packet of the 101, which is HTTP/1 and not asked here",
    ),
    (
        "http2-suricata-transform-base64-7296.pcap",
        "ours: tshark reads the first connection only, and not its end",
    ),
];

thread_local! {
    static COUNTED: RefCell<FrameCounts> = RefCell::default();
}

struct Counting(http2::Dissector);

impl StreamDissector for Counting {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, pairs: &mut Vec<Pair>) {
        self.0.feed(direction, chunk, pairs);
    }

    fn close(&mut self, direction: Direction, pairs: &mut Vec<Pair>) {
        self.0.close(direction, pairs);
    }

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        self.0.finish(pairs);
        COUNTED.with_borrow_mut(|counted| *counted = counted.and(&self.0.frames()));
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }
}

static COUNTING: &[StreamProtocol] = &[StreamProtocol {
    name: "http2",
    ports: &[80, 443, 8080, 50051],
    probe: http2::probe,
    start: |limits| Box::new(Counting(http2::Dissector::new(limits))),
    restore: |_, _| None,
}];

fn count(capture: &Path) -> BTreeMap<String, u64> {
    COUNTED.take();
    let mut dissector = Dissector::with_protocols(Limits::default(), COUNTING, &[]);
    for (number, packet) in corpus::packets(capture).iter().enumerate() {
        dissector.packet(&packet.packet(), corpus::place(number), &mut |_| {});
    }
    dissector.finish(&mut |_| {});
    COUNTED.take().iter().filter(|(_, count)| *count > 0).map(|(kind, count)| (name(kind), count)).collect()
}

/// As the oracle writes it.
fn name(kind: Kind) -> String {
    let name = match kind {
        Kind::Data => "DATA",
        Kind::Headers => "HEADERS",
        Kind::Priority => "PRIORITY",
        Kind::RstStream => "RST_STREAM",
        Kind::Settings => "SETTINGS",
        Kind::PushPromise => "PUSH_PROMISE",
        Kind::Ping => "PING",
        Kind::Goaway => "GOAWAY",
        Kind::WindowUpdate => "WINDOW_UPDATE",
        Kind::Continuation => "CONTINUATION",
        Kind::Other(_) => "other",
    };
    name.to_owned()
}

#[test]
fn frames_are_as_many_as_tshark_finds() {
    let Some(folder) = corpus::corpus() else { return };
    let mut differences = Vec::new();
    for capture in corpus::with_oracle(&folder, ".oracle.jsonl") {
        let lines = corpus::oracle(&capture, ".oracle.jsonl");
        let is_readable = !lines.iter().any(|line| line["over_tls"] == json!(true));
        let Some(totals) = lines.iter().find(|line| line["kind"] == "frame_totals").filter(|_| is_readable)
        else {
            continue;
        };
        let wanted: BTreeMap<String, u64> = totals["types"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, count): (&String, &Value)| (name.clone(), count.as_u64().unwrap()))
            .collect();
        let found = count(&capture);
        if found != wanted {
            let file = capture.file_name().unwrap().to_str().unwrap().to_owned();
            differences.push((file, format!("oracle {wanted:?}\n  ours {found:?}")));
        }
    }
    let listed = |file: &str| DIFFERENT.iter().any(|(known, _)| *known == file);
    let unlisted: Vec<_> = differences.iter().filter(|(file, _)| !listed(file)).collect();
    assert!(unlisted.is_empty(), "{unlisted:#?}");
    for (file, _) in DIFFERENT {
        assert!(differences.iter().any(|(different, _)| different == file), "{file} is as it should be");
    }
}
