//! Traffic made to exhaust whoever looks at it. Each test prints the most memory that its process ever held, as
//! the kernel counts it, and fails beyond a bound.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};

use dissect::exchange::Endpoint;
use dissect::protocol::{Content, content_encoding};
use dissect::{Dissector, Limits};

use crate::build::{ACK, SERVER, SYN, down, handshake, ipv4, ms, raw, tcp, udp, up};
use crate::corpus::place;

const MIB: usize = 1024 * 1024;

/// The most memory that this process ever held, in MiB; `None`, said visibly, where the kernel does not tell.
fn peak_mib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok();
    let peak = status.as_deref().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok()
    });
    if peak.is_none() {
        eprintln!("SKIPPED: no VmHWM in /proc/self/status");
    }
    peak.map(|kib| kib / 1024)
}

fn hold(what: &str, most_mib: usize) {
    if std::env::var_os("NEXTEST").is_none() {
        eprintln!(
            "SKIPPED: the peak of {what}: other tests run in this process; `cargo nextest` gives each its own"
        );
        return;
    }
    let Some(peak) = peak_mib() else { return };
    eprintln!("{what}: at most {peak} MiB");
    assert!(peak <= most_mib, "{what}: {peak} MiB, more than {most_mib}");
}

/// A sender that no other packet of the flood has.
fn stranger(number: u32) -> Endpoint {
    let address = Ipv4Addr::from_bits(0x0b00_0000 + number);
    Endpoint { ip: IpAddr::V4(address), port: u16::try_from(1024 + number % 60_000).unwrap() }
}

#[test]
fn a_million_tiny_flows_fit() {
    let mut dissector = Dissector::new(Limits::default());
    let mut reports = 0;
    for number in 0..1_000_000 {
        let from = stranger(number);
        let datagram = udp(from, SERVER, b"\x01tiny");
        let packet = raw(ms(i64::from(number) / 100), ipv4(from, SERVER, 17, 1, 0, &datagram));
        dissector.packet(&packet.packet(), place(0), &mut |_| reports += 1);
        assert!(dissector.memory_bytes() <= Limits::default().memory_bytes_max);
    }
    dissector.finish(&mut |_| reports += 1);
    assert_eq!(reports, 1_000_000, "every flow tells of itself");
    hold("a million tiny flows", 600);
}

#[test]
fn a_syn_flood_fits() {
    let mut dissector = Dissector::new(Limits::default());
    let mut reports = 0;
    for number in 0..1_000_000 {
        let from = stranger(number);
        let segment = tcp(from, SERVER, number, 0, SYN, b"");
        let packet = raw(ms(i64::from(number) / 100), ipv4(from, SERVER, 6, 1, 0, &segment));
        dissector.packet(&packet.packet(), place(0), &mut |_| reports += 1);
        assert!(dissector.memory_bytes() <= Limits::default().memory_bytes_max);
    }
    dissector.finish(&mut |_| reports += 1);
    assert_eq!(reports, 1_000_000, "every flow tells of itself");
    hold("a SYN flood", 600);
}

#[test]
fn a_body_of_a_gigabyte_is_counted_and_not_held() {
    const PART_BYTES: usize = 60_000;
    let parts = (1 << 30) / PART_BYTES + 1;
    let mut dissector = Dissector::new(Limits::default());
    let mut bodies = Vec::new();
    let mut sink = |exchange: dissect::Exchange| {
        if let Some(Content::Http1Response(response)) = exchange.response.map(|response| response.content) {
            bodies.push((response.body.length_bytes, response.body.bytes.len(), response.body.truncated));
        }
    };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", parts * PART_BYTES);
    let mut packets = handshake(100, 500);
    packets.push(up(1, 101, 501, ACK, b"GET /large HTTP/1.1\r\n\r\n"));
    packets.push(down(2, 501, 124, ACK, head.as_bytes()));
    for packet in &packets {
        dissector.packet(&packet.packet(), place(0), &mut sink);
    }
    let mut sequence = 501 + u32::try_from(head.len()).unwrap();
    let body = vec![b'x'; PART_BYTES];
    for _ in 0..parts {
        let packet = down(3, sequence, 124, ACK, &body);
        dissector.packet(&packet.packet(), place(0), &mut sink);
        sequence = sequence.wrapping_add(u32::try_from(PART_BYTES).unwrap());
    }
    dissector.finish(&mut sink);
    let kept = Limits::default().body_bytes_max;
    assert_eq!(bodies, [((parts * PART_BYTES) as u64, kept, true)]);
    hold("a body of a gigabyte", 64);
}

#[test]
fn a_compression_bomb_is_cut() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; MIB];
    for _ in 0..1024 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 2 * MIB);
    let decoded = content_encoding::decode(&[b"gzip"], &bomb, Limits::default().decoded_bytes_max);
    assert!(decoded.truncated);
    assert_eq!(decoded.bytes.len(), Limits::default().decoded_bytes_max);
    // Bombs in bombs: every layer is bounded.
    let twice = content_encoding::decode(&[b"gzip", b"gzip"], &bomb, Limits::default().decoded_bytes_max);
    assert!(twice.bytes.len() <= Limits::default().decoded_bytes_max);
    hold("a compression bomb", 64);
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

#[test]
fn an_hpack_bomb_is_cut() {
    const HEADERS: u8 = 1;
    const END_OF_HEADERS_AND_STREAM: u8 = 5;
    const REQUEST: [u8; 3] = [0x82, 0x84, 0x86];
    let mut dissector = Dissector::new(Limits::default());
    let mut most = 0;
    let mut told = 0;
    let mut sequence = 101;
    let mut send = |dissector: &mut Dissector, bytes: &[u8]| {
        for part in bytes.chunks(60_000) {
            dissector.packet(&up(1, sequence, 501, ACK, part).packet(), place(0), &mut |_| told += 1);
            sequence = sequence.wrapping_add(u32::try_from(part.len()).unwrap());
            most = most.max(dissector.memory_bytes());
        }
    };
    for packet in handshake(100, 500) {
        dissector.packet(&packet.packet(), place(0), &mut |_| ());
    }
    // A field of 4,000 bytes goes into the table once: `x: yyy…`, with incremental indexing (RFC 7541 §6.2.1).
    let mut block = REQUEST.to_vec();
    block.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
    block.extend(vec![b'y'; 127 + 0x21 + (0x1e << 7)]);
    let mut start = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    start.extend(frame(4, 0, 0, &[]));
    start.extend(frame(HEADERS, END_OF_HEADERS_AND_STREAM, 1, &block));
    send(&mut dissector, &start);
    // Then each byte repeats it: 16,000 bytes ask for 64 MB, and 500 such requests for 32 GB.
    let mut bomb = REQUEST.to_vec();
    bomb.resize(16_000, 0xbe);
    for number in 1..=500 {
        send(&mut dissector, &frame(HEADERS, END_OF_HEADERS_AND_STREAM, 2 * number + 1, &bomb));
    }
    dissector.finish(&mut |_| told += 1);
    assert!(told > 500, "{told} exchanges: the connection was read as HTTP/2");
    assert!(most <= 2 * Limits::default().stream_buffer_bytes_max, "{most} bytes");
    hold("an HPACK bomb", 64);
}

#[test]
fn holes_that_never_fill_fit() {
    let mut dissector = Dissector::new(Limits::default());
    for packet in handshake(100, 500) {
        dissector.packet(&packet.packet(), place(0), &mut |_| ());
    }
    let part = vec![b'x'; 1000];
    for number in 0..100_000_u32 {
        // Every second part is missing.
        let packet = up(1, 101 + number.wrapping_mul(2000), 501, ACK, &part);
        dissector.packet(&packet.packet(), place(0), &mut |_| ());
        assert!(dissector.memory_bytes() <= 2 * Limits::default().stream_buffer_bytes_max);
    }
    hold("holes that never fill", 64);
}
