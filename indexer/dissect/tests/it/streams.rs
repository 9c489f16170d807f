//! Reassembly against `FILE.streams.jsonl`: per TCP stream and direction the bytes, their SHA-256 and the holes.
//!
//! A protocol that claims every flow records what it is given. Every difference is explained in
//! `streams_exceptions.txt`, which may only shrink.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::Path;

use dissect::protocol::table::StreamProtocol;
use dissect::protocol::{Chunk, Direction, Pair, Probe, StreamDissector};
use dissect::{Dissector, Endpoint, Limits};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::corpus::{corpus, oracle, packets, place, with_oracle};

/// Share of the oracle's streams that must agree, in thousandths.
const AGREEING_MIN: usize = 989;

/// What was seen of one direction.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Seen {
    pub bytes: Vec<u8>,
    /// Offset in the bytes kept, bytes missing; without those at the very end.
    pub gaps: Vec<(usize, u64)>,
}

thread_local! {
    static SEEN: RefCell<VecDeque<[Seen; 2]>> = const { RefCell::new(VecDeque::new()) };
}

/// What the flow that finished first held.
pub fn take_seen() -> [Seen; 2] {
    SEEN.with(|all| all.borrow_mut().pop_front().unwrap())
}

#[derive(Default)]
struct Recording([Seen; 2]);

impl StreamDissector for Recording {
    fn feed(&mut self, direction: Direction, chunk: Chunk<'_>, _: &mut Vec<Pair>) {
        let seen = &mut self.0[usize::from(direction == Direction::ToClient)];
        match chunk {
            Chunk::Data { bytes, .. } => seen.bytes.extend_from_slice(bytes),
            Chunk::Gap { length_bytes: 0, .. } => {}
            Chunk::Gap { length_bytes, .. } => match seen.gaps.last_mut() {
                Some((at, length)) if *at == seen.bytes.len() => *length += length_bytes,
                _ => seen.gaps.push((seen.bytes.len(), length_bytes)),
            },
        }
    }

    fn close(&mut self, _: Direction, _: &mut Vec<Pair>) {}

    fn finish(&mut self, pairs: &mut Vec<Pair>) {
        for seen in &mut self.0 {
            seen.gaps.retain(|&(at, _)| at < seen.bytes.len());
        }
        SEEN.with(|all| all.borrow_mut().push_back(std::mem::take(&mut self.0)));
        pairs.push(Pair { request_direction: Direction::ToServer, request: None, response: None });
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}

/// Claims every flow.
pub static RECORDING: &[StreamProtocol] = &[StreamProtocol {
    name: "recording",
    ports: &[],
    probe: |_, _| Probe::Yes,
    start: |_| Box::new(Recording::default()),
    restore: |_, _| None,
}];

/// The flows of a capture in order of their first packets, with what each direction held.
fn flows(capture: &Path) -> Vec<(Endpoint, Endpoint, [Seen; 2])> {
    // The oracle knows no time: its streams never expire.
    let limits = Limits { tcp_idle_ns: i64::MAX, tcp_closed_ns: i64::MAX, ..Limits::default() };
    let mut dissector = Dissector::with_protocols(limits, RECORDING, &[]);
    let mut flows = BTreeMap::new();
    let mut sink = |exchange: dissect::Exchange| {
        // The flow's own report holds a message, what the recording dissector tells does not.
        if exchange.request.is_none() && exchange.response.is_none() {
            flows.insert(exchange.flow, (exchange.client, exchange.server, take_seen()));
        }
    };
    for (number, packet) in packets(capture).iter().enumerate() {
        dissector.packet(&packet.packet(), place(number), &mut sink);
    }
    dissector.finish(&mut sink);
    flows.into_values().collect()
}

fn node(endpoint: Endpoint) -> String {
    std::net::SocketAddr::new(endpoint.ip, endpoint.port).to_string()
}

/// Why a flow differs from what the oracle says; empty if it does not.
fn difference(expected: &Value, ours: Option<&(Endpoint, Endpoint, [Seen; 2])>, is_cut: bool) -> String {
    let Some((client, _, seen)) = ours else { return "no such flow".to_owned() };
    let swapped = node(*client) != expected["node0"].as_str().unwrap();
    let mut differences = Vec::new();
    for (way, seen) in seen.iter().enumerate() {
        let way = if swapped { 1 - way } else { way };
        let bytes = expected[format!("bytes{way}")].as_u64().unwrap() as usize;
        let gaps: Vec<(usize, u64)> = serde_json::from_value(expected[format!("gaps{way}")].clone()).unwrap();
        if seen.bytes.len() != bytes {
            differences.push(format!("way {way}: {} bytes of {bytes}", seen.bytes.len()));
        } else if bytes > 0 {
            let digest: String =
                Sha256::digest(&seen.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            if digest != expected[format!("sha256_{way}")].as_str().unwrap() {
                differences.push(format!("way {way}: other bytes"));
            }
        }
        if seen.gaps != gaps && !is_cut {
            differences.push(format!("way {way}: gaps {:?} not {gaps:?}", seen.gaps));
        }
    }
    differences.join("; ")
}

#[test]
fn streams_are_those_of_the_oracle() {
    let Some(folder) = corpus() else { return };
    let exceptions: BTreeSet<&str> = include_str!("streams_exceptions.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split(" — ").next().unwrap())
        .collect();
    let (mut streams, mut agreeing) = (0, 0);
    let (mut unexpected, mut mended) = (Vec::new(), Vec::new());
    for capture in with_oracle(&folder, ".streams.jsonl") {
        let was_read = packets(&capture);
        if was_read.is_empty() {
            continue; // a file format that is not ours to read
        }
        // What the snap length cut off is a gap for us; the oracle does not tell.
        let is_cut = was_read.iter().any(|packet| packet.data.len() < packet.original_length_bytes as usize);
        let mut ours: HashMap<BTreeSet<String>, VecDeque<_>> = HashMap::new();
        for flow in flows(&capture) {
            ours.entry(BTreeSet::from([node(flow.0), node(flow.1)])).or_default().push_back(flow);
        }
        for expected in oracle(&capture, ".streams.jsonl") {
            if expected["bytes0"] == 0 && expected["bytes1"] == 0 {
                continue;
            }
            let text = |name: &str| expected[name].as_str().unwrap().to_owned();
            let key = BTreeSet::from([text("node0"), text("node1")]);
            let flow = ours.get_mut(&key).and_then(VecDeque::pop_front);
            let difference = difference(&expected, flow.as_ref(), is_cut);
            let name = format!("{} {}", capture.file_name().unwrap().display(), expected["stream"]);
            streams += 1;
            agreeing += usize::from(difference.is_empty());
            match (difference.is_empty(), exceptions.contains(name.as_str())) {
                (true, true) => mended.push(name),
                (false, false) => unexpected.push(format!("{name} — {difference}")),
                _ => {}
            }
        }
    }
    eprintln!("{agreeing} of {streams} streams agree, {} explained", exceptions.len());
    assert!(unexpected.is_empty(), "streams differ:\n{}", unexpected.join("\n"));
    assert!(mended.is_empty(), "these agree now, take them off the list:\n{}", mended.join("\n"));
    assert!(agreeing * 1000 >= streams * AGREEING_MIN);
}
