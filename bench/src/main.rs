//! Writes a capture of mixed traffic, the same bytes for the same size and seed.
//!
//! The benches need a large capture that looks like a cluster's traffic and that anybody can make again.
//! It holds, by bytes, about two thirds HTTP/1.1 on kept connections, a third opaque TCP that looks
//! like TLS, and a little DNS and plain UDP; one packet in five is IPv6. Text is made afresh
//! for every body, because a pool of texts would compress far better than traffic does. One
//! request, about two thirds into the file, asks for `/needle`.
//!
//!     remora-bench-mixed OUT.pcap SIZE_BYTES [SEED]

mod chance;
mod packet;
mod talk;
mod text;

use std::env;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use chance::Chance;
use talk::Talk;

/// Conversations going on at the same time.
const TALKS: usize = 256;

/// 2026-01-01T00:00:00Z.
const START_NS: u64 = 1_767_225_600_000_000_000;

/// The mean time between packets.
const GAP_NS: u64 = 60_000;

const USAGE: &str = "usage: remora-bench-mixed OUT.pcap SIZE_BYTES [SEED]";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (Some(path), Some(Ok(size_bytes)), Ok(seed)) = (
        arguments.first(),
        arguments.get(1).map(|size| size.parse::<u64>()),
        arguments.get(2).map_or(Ok(1), |seed| seed.parse::<u64>()),
    ) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let written = File::create(path).and_then(|file| {
        let mut out = BufWriter::with_capacity(1 << 20, file);
        let packets = write_capture(&mut out, size_bytes, Chance::new(seed))?;
        out.flush()?;
        Ok(packets)
    });
    match written {
        Ok(packets) => {
            println!("{packets} packets in {path}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes packets until the file has the size; returns how many.
fn write_capture(out: &mut impl Write, size_bytes: u64, mut chance: Chance) -> io::Result<u64> {
    // pcap with nanoseconds, version 2.4, snap length 256 KiB, Ethernet.
    for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.write_all(&word.to_le_bytes())?;
    }
    let mut written = 24_u64;
    let mut packets = 0_u64;
    let mut now = START_NS;
    let mut needle_given = false;
    let mut talks: Vec<Talk> = (0..TALKS).map(|turn| Talk::new(&mut chance, turn)).collect();
    while written < size_bytes {
        let turn = chance.below(TALKS);
        // A talk that has something to say says a few packets at once, as on a wire.
        for _ in 0..=chance.below(8) {
            let needle = !needle_given && written > size_bytes * 2 / 3 && talks[turn].is_http();
            let Some(packet) = talks[turn].next(&mut chance, needle) else {
                talks[turn] = Talk::new(&mut chance, turn);
                break;
            };
            needle_given |= needle && packet.begins_exchange;
            now += 1 + chance.below_u64(2 * GAP_NS);
            write_packet(out, now, &packet.bytes)?;
            written += 16 + packet.bytes.len() as u64;
            packets += 1;
        }
    }
    Ok(packets)
}

fn write_packet(out: &mut impl Write, at_ns: u64, bytes: &[u8]) -> io::Result<()> {
    let length = bytes.len() as u32;
    for word in [(at_ns / 1_000_000_000) as u32, (at_ns % 1_000_000_000) as u32, length, length] {
        out.write_all(&word.to_le_bytes())?;
    }
    out.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capture(seed: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write_capture(&mut out, 3_000_000, Chance::new(seed)).expect("a vector takes everything");
        out
    }

    #[test]
    fn same_seed_same_bytes() {
        assert_eq!(capture(1), capture(1));
        assert_ne!(capture(1), capture(2));
    }

    #[test]
    fn one_needle() {
        let out = capture(1);
        assert_eq!(out.windows(12).filter(|at| at == b"GET /needle ").count(), 1);
    }
}
