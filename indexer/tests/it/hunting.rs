//! Bytes are found wherever they were sent: however packets and segments cut the streams, and wherever a hunt stops.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::ControlFlow;
use std::path::Path;

use dissect::decode::{Payload, decode};
use indexer::Data;
use indexer::hunt::pattern::{Case, Pattern};
use indexer::hunt::{self, Event, Hit, Hunt, Outcome, Transport};
use proptest::prelude::*;
use segment::capture_file::CaptureReader;
use segment::{Interface, LinkType, Packet, Record, TimeRange, Timestamp};

use crate::recording::{CAPTURES, Recorder, capture, data_dir, indexed};

fn hunt_for(pattern: Pattern) -> Hunt {
    Hunt { pattern, range: TimeRange::ALL, filter: None, resume: None }
}

/// At most `limit` hits.
fn found(dir: &Path, wanted: &Hunt, mut limit: usize) -> (Vec<Hit>, Outcome) {
    let data = Data::open(dir).unwrap();
    let mut hits = Vec::new();
    let outcome = hunt::prepare(&data, wanted).unwrap().run(&mut |event| {
        if let Event::Hit(hit) = event {
            if limit == 0 {
                return ControlFlow::Break(());
            }
            limit -= 1;
            hits.push(hit.clone());
        }
        ControlFlow::Continue(())
    });
    assert_eq!(outcome.coverage.entries, hits.len() as u64);
    (hits, outcome)
}

/// Sender, receiver and offset of every hit in TCP.
fn places(hits: &[Hit]) -> Vec<(String, String, u64)> {
    let end = |end: &hunt::End| std::net::SocketAddr::new(end.ip, end.port).to_string();
    let of_tcp = hits.iter().filter(|hit| hit.transport == Transport::Tcp);
    let mut places: Vec<_> =
        of_tcp.map(|hit| (end(&hit.source), end(&hit.destination), hit.offset.unwrap())).collect();
    places.sort();
    places
}

/// First sequence number of a stream, and its bytes by how far behind they are.
type Parts = (u32, BTreeMap<u32, Vec<u8>>);

/// The same by other means: every stream of a capture put together by its sequence numbers alone, and searched.
fn brute_force(name: &str, needle: &[u8]) -> Vec<(String, String, u64)> {
    let mut streams: BTreeMap<(String, String), Parts> = BTreeMap::new();
    let mut reader = CaptureReader::new(File::open(capture(name)).unwrap()).unwrap();
    while let Some(record) = reader.next().unwrap() {
        let Record::Packet(packet) = record else { continue };
        let Ok(Some(decoded)) = decode(&packet) else { continue };
        let Payload::Tcp(header, span) = decoded.payload else { continue };
        let end = |ip, port| std::net::SocketAddr::new(ip, port).to_string();
        let key = (
            end(decoded.network.source, header.source_port),
            end(decoded.network.destination, header.destination_port),
        );
        let is_syn = header.flags.has(dissect::decode::Flags::SYN);
        let (first, parts) = streams.entry(key).or_insert((header.sequence.wrapping_add(1), BTreeMap::new()));
        assert!(is_syn || !span.data().is_empty() || header.sequence.wrapping_sub(*first) < 1 << 30);
        if !span.data().is_empty() {
            parts.entry(header.sequence.wrapping_sub(*first)).or_insert_with(|| span.data().to_vec());
        }
    }
    let mut places = Vec::new();
    for ((source, destination), (_, parts)) in streams {
        let mut bytes = Vec::new();
        for (at, part) in parts {
            let known = bytes.len() - at as usize;
            bytes.extend_from_slice(part.get(known..).unwrap_or_default());
        }
        let mut from = 0;
        while let Some(at) = bytes[from..].windows(needle.len()).position(|window| window == needle) {
            places.push((source.clone(), destination.clone(), (from + at) as u64));
            from += at + needle.len();
        }
    }
    places.sort();
    places
}

#[test]
fn hits_are_those_of_streams_put_together_by_hand() {
    for name in ["http-nginx.pcapng", "redis.pcapng", "postgres.pcapng"] {
        for packets_per_segment in [7, 100_000] {
            let dir = data_dir();
            let mut recorder = Recorder::new(dir.path(), "chain");
            recorder.record(name, packets_per_segment);
            recorder.seal();
            for needle in ["GET", "\r\n", "e", "SELECT"] {
                let (hits, outcome) =
                    found(dir.path(), &hunt_for(Pattern::text(needle, Case::Exact).unwrap()), usize::MAX);
                assert_eq!(places(&hits), brute_force(name, needle.as_bytes()), "{name} {needle:?}");
                assert_eq!((outcome.gaps, outcome.cuts), (0, 0), "{name}");
            }
        }
    }
}

#[test]
fn datagrams_are_looked_into_and_only_the_range_counts() {
    let dir = indexed();
    let (hits, outcome) = found(dir.path(), &hunt_for(Pattern::hex("04 73 68 6f 70").unwrap()), 9);
    assert!(hits.iter().any(|hit| hit.transport == Transport::Udp), "{hits:?}");
    assert_eq!(outcome.coverage.segments_missing, Vec::<String>::new());
    let first = hits[0].time;
    let range = TimeRange::new(first, Timestamp::from_nanos(first.nanos() + 1)).unwrap();
    let wanted = Hunt { range, ..hunt_for(Pattern::hex("0473686f70").unwrap()) };
    let (in_range, outcome) = found(dir.path(), &wanted, 9);
    assert!(!in_range.is_empty() && in_range.iter().all(|hit| hit.time == first));
    assert!(outcome.coverage.segments_pruned > 0);
}

#[test]
fn a_filter_keeps_to_the_packets_of_its_exchanges() {
    let dir = indexed();
    let pattern = || Pattern::text("HTTP/1.1 ", Case::Exact).unwrap();
    let (all, _) = found(dir.path(), &hunt_for(pattern()), usize::MAX);
    let filter = kfl::parse("http and response.status == 404", 0).unwrap();
    let (some, outcome) =
        found(dir.path(), &Hunt { filter: Some(filter), ..hunt_for(pattern()) }, usize::MAX);
    assert!(!some.is_empty() && some.len() < all.len(), "{} of {}", some.len(), all.len());
    assert!(outcome.coverage.segments_pruned > 0);
    let data = Data::open(dir.path()).unwrap();
    for hit in &some {
        assert_eq!(hit.bytes, b"HTTP/1.1 ");
        let entry = data.entry(hit.exchange.as_deref().unwrap()).unwrap().unwrap();
        assert_eq!(entry["response"]["status"], 404);
    }
    assert!(some.iter().all(|hit| all.iter().any(|one| one.packet == hit.packet && one.time == hit.time)));
}

#[test]
fn what_was_stopped_goes_on_without_missing_or_repeating_anything() {
    let dir = data_dir();
    for (number, name) in CAPTURES.iter().enumerate() {
        let mut recorder = Recorder::new(dir.path(), &format!("chain-{number}"));
        recorder.record(name, 40);
        recorder.seal();
    }
    let pattern = || Pattern::regex("(GET|POST) /[a-z]*|shop", Case::Exact).unwrap();
    let (whole, _) = found(dir.path(), &hunt_for(pattern()), usize::MAX);
    assert!(whole.len() > 50, "{}", whole.len());
    for step in [1, 7, 23] {
        let (mut parts, mut resume) = (Vec::new(), None);
        loop {
            let wanted = Hunt { resume, ..hunt_for(pattern()) };
            let (hits, outcome) = found(dir.path(), &wanted, step);
            parts.extend(hits);
            let Some(place) = outcome.resume else { break };
            resume = Some(place.to_string().parse().unwrap());
        }
        let key = |hit: &Hit| (hit.time, hit.packet, hit.source.clone(), hit.bytes.clone());
        assert_eq!(parts.iter().map(key).collect::<Vec<_>>(), whole.iter().map(key).collect::<Vec<_>>());
    }
    let data = Data::open(dir.path()).unwrap();
    let (_, outcome) = found(dir.path(), &hunt_for(pattern()), 1);
    let other = Hunt { resume: outcome.resume, ..hunt_for(Pattern::hex("00").unwrap()) };
    assert!(hunt::prepare(&data, &other).is_err(), "a token of another hunt");
}

#[test]
fn hostile_expressions_end() {
    let dir = data_dir();
    let mut recorder = Recorder::new(dir.path(), "chain");
    let stream = vec![b'a'; 1 << 20];
    send(&mut recorder, &stream, &[1400], usize::MAX, None);
    for expression in [r"(a|aa)+$", r"(a*)*b", r".*[^A-Z]|[A-Z]", r"(?s).{1000}", r"a.*a.*a.*a.*b"] {
        let (hits, _) =
            found(dir.path(), &hunt_for(Pattern::regex(expression, Case::Ignored).unwrap()), 1000);
        assert!(hits.len() <= 1000, "{expression}");
    }
}

/// Sends `stream` in packets of these sizes, over and over, and seals every so many packets. One packet may be lost.
fn send(recorder: &mut Recorder, stream: &[u8], sizes: &[usize], per_segment: usize, lost: Option<usize>) {
    let interface = Interface {
        name: "lo".to_owned(),
        description: String::new(),
        link_type: LinkType::ETHERNET,
        snap_length_bytes: 0,
        filter: String::new(),
    };
    let mut packets = vec![(0, Vec::new(), 0x02)];
    let (mut rest, mut sizes, mut sequence) = (stream, sizes.iter().cycle(), 1);
    while !rest.is_empty() {
        let (bytes, after) = rest.split_at((*sizes.next().unwrap()).clamp(1, rest.len()));
        packets.push((sequence, bytes.to_vec(), 0x18));
        (rest, sequence) = (after, sequence + bytes.len() as u32);
    }
    for (number, (sequence, payload, flags)) in packets.into_iter().enumerate() {
        if number % per_segment == 0 {
            recorder.seal();
            recorder.writer().add_interface(&interface).unwrap();
        }
        if lost == Some(number) {
            continue;
        }
        let data = segment_of_tcp(sequence, flags, &payload);
        let packet = Packet {
            timestamp: Timestamp::from_nanos(1_000_000 * number as i64),
            interface: segment::InterfaceId(0),
            link_type: LinkType::ETHERNET,
            original_length_bytes: data.len() as u32,
            data: &data,
            comment: None,
        };
        recorder.writer().append(&packet).unwrap();
    }
    recorder.seal();
}

/// Ethernet, IPv4 and TCP; nobody looks at checksums.
fn segment_of_tcp(sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 12];
    packet.extend([0x08, 0x00, 0x45, 0]);
    packet.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend([0x9c, 0x40, 0x1f, 0x90]);
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend(payload);
    packet
}

const NEEDLE: &[u8] = b"needle in a haystack";

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_planted_pattern_is_found_however_packets_and_segments_cut_it(
        length in 100usize..4000,
        place in 0usize..10_000,
        sizes in proptest::collection::vec(1usize..300, 1..4),
        per_segment in 1usize..40,
        is_lost in any::<bool>(),
    ) {
        let mut stream: Vec<u8> = (0..length).map(|at| b'a' + (at % 23) as u8).collect();
        let place = place % (length - NEEDLE.len());
        stream[place..place + NEEDLE.len()].copy_from_slice(NEEDLE);
        // The packet with the middle of the needle.
        let (mut lost, mut end) = (0, 0);
        for size in sizes.iter().cycle() {
            lost += 1;
            end += size;
            if end > place + NEEDLE.len() / 2 {
                break;
            }
        }
        let dir = data_dir();
        let mut recorder = Recorder::new(dir.path(), "chain");
        send(&mut recorder, &stream, &sizes, per_segment, is_lost.then_some(lost));
        for pattern in [
            Pattern::text("needle in a haystack", Case::Exact),
            Pattern::text("NEEDLE in a haystack", Case::Ignored),
            Pattern::hex("6e 65 65 ?? 6c 65 20 69 6e 20 61 20 68 61 79 73 74 61 63 6b"),
            Pattern::regex("n[e]+dle.*stack", Case::Exact),
        ] {
            let (hits, _) = found(dir.path(), &hunt_for(pattern.unwrap()), usize::MAX);
            if is_lost {
                prop_assert!(hits.is_empty(), "a hole joins nothing: {:?}", hits);
            } else {
                prop_assert_eq!(hits.len(), 1);
                prop_assert_eq!((hits[0].offset, hits[0].length_bytes), (Some(place as u64), NEEDLE.len()));
                prop_assert_eq!(&hits[0].context[0], &stream[place.saturating_sub(32)..place]);
            }
        }
    }
}
