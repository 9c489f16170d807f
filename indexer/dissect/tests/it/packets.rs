//! Decoding against `FILE.packets.jsonl`: addresses, ports and transport of every packet.
//!
//! Fragments are put together as the dissector does it, because the oracle names the transport of the whole at
//! its last fragment. Every difference is explained in `packets_exceptions.txt`, which may only shrink.

use std::collections::BTreeMap;
use std::path::Path;

use dissect::decode::{Decoded, Payload, Span, decode, decode_whole};
use dissect::defragment::Defragmenter;
use dissect::{Limits, Transport};
use segment::Packet;
use serde_json::Value;

use crate::corpus::{corpus, oracle, packets, with_oracle};

/// Share of the oracle's packets that must agree, in thousandths.
const AGREEING_MIN: usize = 990;

/// Of the tunnels over UDP.
const TUNNEL_PORTS: [u16; 5] = [2152, 4789, 4790, 6081, 8472];

/// What decoding found, in the oracle's words.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Found {
    source: String,
    destination: String,
    /// Name, ports; TCP sequence number and length.
    transport: Option<(&'static str, u16, u16)>,
    tcp: Option<(u32, usize)>,
}

fn found(decoded: &Decoded<'_>) -> Found {
    let (transport, tcp) = match decoded.payload {
        Payload::Tcp(header, span) => {
            let transport = ("tcp", header.source_port, header.destination_port);
            (Some(transport), Some((header.sequence, span.wire_bytes())))
        }
        Payload::Udp(header, _) => (Some(("udp", header.source_port, header.destination_port)), None),
        Payload::Ports(transport, from, to) => {
            let name = if transport == Transport::Tcp { "tcp" } else { "udp" };
            (Some((name, from, to)), None)
        }
        _ => (None, None),
    };
    let network = decoded.network;
    Found { source: network.source.to_string(), destination: network.destination.to_string(), transport, tcp }
}

/// Decodes one packet, through fragments.
fn read(packet: &Packet<'_>, defragmenter: &mut Defragmenter) -> Option<Found> {
    let decoded = decode(packet).ok()??;
    let outer = found(&decoded);
    let Payload::Fragment(fragment) = decoded.payload else { return Some(outer) };
    let Some(whole) = defragmenter.add(&decoded.network, &fragment, packet.timestamp) else {
        return Some(outer);
    };
    let span = Span::new(&whole.bytes, whole.wire_bytes);
    match decode_whole(decoded.network, decoded.tunnels, fragment.protocol, span) {
        Ok(Some(inner)) => Some(found(&inner)),
        _ => Some(outer),
    }
}

/// What differs between the oracle's line and ours; empty if nothing does.
fn difference(expected: &Value, ours: Option<&Found>) -> String {
    let layers = expected["ip_layers"].as_array();
    let Some(innermost) = layers.and_then(|layers| layers.last()) else {
        return ours.map_or(String::new(), |ours| format!("found {ours:?}, not IP"));
    };
    let Some(ours) = ours else { return "no IP found".to_owned() };
    let mut differences = Vec::new();
    if innermost[0] != ours.source.as_str() || innermost[1] != ours.destination.as_str() {
        differences.push(format!("{} > {} not {innermost}", ours.source, ours.destination));
    }
    let transport =
        ours.transport.map_or(Value::Null, |(name, from, to)| serde_json::json!([name, from, to]));
    // Where no transport is inside a tunnel, the oracle names the tunnel's own.
    let is_carrier = |transport: &Value| TUNNEL_PORTS.iter().any(|&port| transport[2] == port);
    if transport.is_null() && is_carrier(&expected["transport"]) {
        return differences.join("; ");
    }
    if expected["transport"] != transport {
        differences.push(format!("{transport} not {}", expected["transport"]));
    } else if let Some((_, length)) = ours.tcp {
        let expected = expected["tcp"]["len"].as_u64();
        if expected.is_some_and(|expected| expected != length as u64) {
            differences.push(format!("{length} bytes not {expected:?}"));
        }
    }
    differences.join("; ")
}

/// The differing packets of a capture, by number, and how many there are in all.
fn check(capture: &Path) -> (usize, BTreeMap<u64, String>) {
    let limits = Limits::default();
    let mut defragmenter = Defragmenter::new(limits.fragment_bytes_max, limits.fragment_idle_ns, 0);
    let packets = packets(capture);
    let lines = oracle(capture, ".packets.jsonl");
    if packets.len() != lines.len() {
        return (0, BTreeMap::new()); // a file with more in it than the test's reader knows
    }
    let mut differing = BTreeMap::new();
    for (number, expected) in lines.iter().enumerate() {
        let ours = packets.get(number).and_then(|packet| read(&packet.packet(), &mut defragmenter));
        let difference = difference(expected, ours.as_ref());
        if !difference.is_empty() {
            differing.insert(expected["frame"].as_u64().unwrap(), difference);
        }
    }
    (lines.len(), differing)
}

#[test]
fn packets_are_those_of_the_oracle() {
    let Some(folder) = corpus() else { return };
    // FILE COUNT — reason
    let exceptions: BTreeMap<&str, usize> = include_str!("packets_exceptions.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| line.split(" — ").next().unwrap().rsplit_once(' ').unwrap())
        .map(|(file, count)| (file, count.parse().unwrap()))
        .collect();
    let (mut total, mut differing) = (0, 0);
    let mut unexpected = Vec::new();
    for capture in with_oracle(&folder, ".packets.jsonl") {
        let (packets, differences) = check(&capture);
        total += packets;
        differing += differences.len();
        let name = capture.file_name().unwrap().to_str().unwrap();
        let explained = exceptions.get(name).copied().unwrap_or(0);
        if differences.len() != explained {
            let first: Vec<_> = differences.iter().take(3).collect();
            unexpected.push(format!("{name} {} not {explained} — {first:?}", differences.len()));
        }
    }
    eprintln!("{} of {total} packets agree", total - differing);
    assert!(unexpected.is_empty(), "files differ:\n{}", unexpected.join("\n"));
    assert!((total - differing) * 1000 >= total * AGREEING_MIN);
}
