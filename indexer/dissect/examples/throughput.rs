//! Prints how many packets and megabytes a second one core dissects: `throughput FILE.pcap [TIMES]`.
//!
//! The file is read into memory first; what is measured is dissection alone. Later rounds move the packets'
//! times behind the rounds before, so flows begin anew as their ports are used again.
#![allow(clippy::print_stdout, clippy::disallowed_macros, clippy::disallowed_methods)]

use std::time::Instant;

use dissect::{Dissector, Limits};
use segment::{InterfaceId, LinkType, Packet, PacketRef, Timestamp};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().expect("a pcap file");
    let times: u32 = arguments.next().map_or(1, |times| times.parse().expect("a number of rounds"));
    let bytes = std::fs::read(path).expect("a readable file");
    let packets = packets(&bytes);
    let span = packets.last().map_or(0, |last| last.timestamp.since(packets[0].timestamp)) + 1_000_000_000;
    let mut dissector = Dissector::new(Limits::default());
    let (mut exchanges, mut number) = (0_u64, 0);
    let begun = Instant::now();
    for round in 0..times {
        for packet in &packets {
            let timestamp = packet.timestamp.plus_nanos(span * i64::from(round));
            let at = PacketRef { sequence: 0, frame: 1, index: number };
            dissector.packet(&Packet { timestamp, ..*packet }, at, &mut |_| exchanges += 1);
            number = number.wrapping_add(1);
        }
    }
    dissector.finish(&mut |_| exchanges += 1);
    let seconds = begun.elapsed().as_secs_f64();
    let counters = dissector.counters();
    println!(
        "{:.3} s: {:.2} million packets/s, {:.0} MB/s, {exchanges} exchanges",
        seconds,
        counters.packets as f64 / seconds / 1e6,
        counters.bytes as f64 / seconds / 1e6,
    );
    println!("{counters:#?}");
}

/// The packets of a little-endian pcap file with microseconds or nanoseconds.
fn packets(bytes: &[u8]) -> Vec<Packet<'_>> {
    let nanos_per_unit = match bytes[..4] {
        [0xD4, 0xC3, 0xB2, 0xA1] => 1000,
        [0x4D, 0x3C, 0xB2, 0xA1] => 1,
        _ => panic!("not a little-endian pcap file"),
    };
    let word = |at: usize| bytes.get(at..at + 4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    let link_type = LinkType(u16::try_from(word(20).unwrap() & 0xFFFF).unwrap());
    let (mut at, mut packets) = (24, Vec::new());
    while let Some(original_length_bytes) = word(at + 12) {
        let length = word(at + 8).unwrap() as usize;
        let Some(data) = bytes.get(at + 16..at + 16 + length) else { break };
        let nanos =
            i64::from(word(at).unwrap()) * 1_000_000_000 + i64::from(word(at + 4).unwrap()) * nanos_per_unit;
        packets.push(Packet {
            timestamp: Timestamp::from_nanos(nanos),
            interface: InterfaceId(0),
            link_type,
            original_length_bytes,
            data,
            comment: None,
        });
        at += 16 + length;
    }
    packets
}
