//! Measures how fast packets become exchanges on one core, reading apart:
//! `cargo run --release -p dissect --example throughput FILE [TIMES]` prints one line of JSON.

use std::error::Error;
use std::fs::File;
use std::time::Duration;

use dissect::{Dissector, Limits};
use segment::capture_file::CaptureReader;
use segment::{InterfaceId, LinkType, Packet, PacketRef, Record, Timestamp};

struct Kept {
    timestamp: Timestamp,
    interface: InterfaceId,
    link_type: LinkType,
    original_length_bytes: u32,
    data: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which capture file?")?;
    let times: u32 = arguments.next().map_or(Ok(1), |times| times.parse())?;
    let packets = read(&file)?;
    let bytes: usize = packets.iter().map(|packet| packet.data.len()).sum();
    let mut exchanges = 0_u64;
    let began = spent();
    for _ in 0..times {
        let mut dissector = Dissector::new(Limits::default());
        for (packet, index) in packets.iter().zip(0_u32..) {
            let packet = Packet {
                timestamp: packet.timestamp,
                interface: packet.interface,
                link_type: packet.link_type,
                original_length_bytes: packet.original_length_bytes,
                data: &packet.data,
                comment: None,
            };
            dissector.packet(&packet, PacketRef { sequence: 0, frame: 1, index }, &mut |_| exchanges += 1);
        }
        dissector.finish(&mut |_| exchanges += 1);
    }
    let seconds = (spent() - began).as_secs_f64();
    let count = packets.len() as u64 * u64::from(times);
    let bytes = bytes as u64 * u64::from(times);
    println!(
        "{{\"packets\": {count}, \"bytes\": {bytes}, \"exchanges\": {exchanges}, \"cpu_seconds\": {seconds}}}"
    );
    Ok(())
}

fn read(file: &str) -> Result<Vec<Kept>, Box<dyn Error>> {
    let mut reader = CaptureReader::new(File::open(file)?)?;
    let mut packets = Vec::new();
    while let Some(record) = reader.next()? {
        if let Record::Packet(packet) = record {
            packets.push(Kept {
                timestamp: packet.timestamp,
                interface: packet.interface,
                link_type: packet.link_type,
                original_length_bytes: packet.original_length_bytes,
                data: packet.data.to_vec(),
            });
        }
    }
    Ok(packets)
}

/// CPU time of this thread, so that other work on the machine doesn't count.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0))
}
