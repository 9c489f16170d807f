//! What must hold for any traffic.

use dissect::{Dissector, Exchange, Limits};
use proptest::prelude::*;
use segment::LinkType;

use crate::build::{ACK, FIN, captured, down, handshake, ms, run, run_with, take_payloads, up};
use crate::corpus::{Owned, corpus, packets as packets_of, place, with_oracle};

const LINK_TYPES: [u16; 18] =
    [0, 1, 9, 10, 12, 14, 50, 101, 104, 105, 108, 113, 127, 192, 228, 229, 239, 276];

/// Both directions of a connection, cut into segments of the given lengths, with where each begins.
fn segments(first: u32, data: &[u8], lengths: &[usize]) -> Vec<(u32, Vec<u8>)> {
    let (mut rest, mut sequence, mut parts) = (data, first, Vec::new());
    for &length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (part, behind) = rest.split_at(length.min(rest.len()));
        parts.push((sequence, part.to_vec()));
        sequence = sequence.wrapping_add(u32::try_from(part.len()).unwrap());
        rest = behind;
    }
    parts
}

fn connection() -> impl Strategy<Value = (u32, Vec<u8>, Vec<u8>, Vec<usize>)> {
    let bytes = || prop::collection::vec(any::<u8>(), 1..3000);
    (any::<u32>(), bytes(), bytes(), prop::collection::vec(1_usize..400, 1..8))
}

/// Segments of both directions, in turn.
fn packets(first: u32, request: &[u8], response: &[u8], lengths: &[usize]) -> Vec<Owned> {
    let (c, s) = (first.wrapping_add(1), 501_u32);
    let mut all: Vec<Owned> = Vec::new();
    for (sequence, part) in segments(c, request, lengths) {
        all.push(up(1, sequence, s, ACK, &part));
    }
    for (sequence, part) in segments(s, response, lengths) {
        all.push(down(1, sequence, c, ACK, &part));
    }
    all
}

/// Every capture, damaged ones too, through every protocol there is.
#[test]
fn no_capture_makes_a_dissector_panic() {
    let Some(folder) = corpus() else { return };
    let (mut total, mut exchanges) = (0, 0);
    for folder in [folder.clone(), folder.join("malformed")] {
        for capture in with_oracle(&folder, "") {
            let mut dissector = Dissector::new(Limits::default());
            let mut sink = |exchange: Exchange| {
                assert!(exchange.request.is_some() || exchange.response.is_some());
                exchanges += 1;
            };
            for (number, packet) in packets_of(&capture).iter().enumerate() {
                dissector.packet(&packet.packet(), place(number), &mut sink);
            }
            dissector.finish(&mut sink);
            let counters = dissector.counters();
            assert_eq!(counters.panics, 0, "{}", capture.display());
            assert_eq!(dissector.flows(), 0);
            total += counters.packets;
        }
    }
    eprintln!("{total} packets, {exchanges} exchanges");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn any_split_order_and_repetition_gives_the_same_bytes(
        (first, request, response, lengths) in connection(),
        other_lengths in prop::collection::vec(1_usize..400, 1..8),
        keys in prop::collection::vec(any::<u32>(), 1..64),
    ) {
        // Every byte comes twice, in two different splits, in any order.
        let mut all = packets(first, &request, &response, &lengths);
        all.extend(packets(first, &request, &response, &other_lengths));
        let mut order: Vec<(u32, usize)> = (0..all.len()).map(|at| (keys[at % keys.len()].rotate_left(at as u32), at)).collect();
        order.sort_unstable();
        let mut sent = handshake(first, 500);
        sent.extend(order.into_iter().map(|(_, at)| all[at].clone()));
        let ends = (u32::try_from(request.len()).unwrap(), u32::try_from(response.len()).unwrap());
        sent.push(up(2, first.wrapping_add(1 + ends.0), 501, ACK | FIN, b""));
        sent.push(down(2, 501 + ends.1, first.wrapping_add(1), ACK | FIN, b""));
        let (flows, counters) = run(&sent);
        prop_assert_eq!(flows.len(), 1);
        prop_assert!(flows[0].seen[0].bytes == request && flows[0].seen[1].bytes == response);
        prop_assert_eq!(counters.gaps, 0);
    }

    #[test]
    fn whatever_is_lost_is_a_gap_of_its_length(
        (first, request, response, lengths) in connection(),
        lost in prop::collection::vec(any::<bool>(), 1..40),
    ) {
        let mut sent = handshake(first, 500);
        let all = packets(first, &request, &response, &lengths);
        sent.extend(all.into_iter().enumerate().filter(|(at, _)| !lost[at % lost.len()]).map(|(_, packet)| packet));
        let ends = (u32::try_from(request.len()).unwrap(), u32::try_from(response.len()).unwrap());
        sent.push(up(2, first.wrapping_add(1 + ends.0), 501, ACK | FIN, b""));
        sent.push(down(2, 501 + ends.1, first.wrapping_add(1), ACK | FIN, b""));
        let (flows, counters) = run(&sent);
        prop_assert!(flows.len() <= 1);
        prop_assert_eq!(counters.stream_bytes + counters.gap_bytes, u64::from(ends.0 + ends.1));
        for flow in &flows {
            for (seen, whole) in flow.seen.iter().zip([&request, &response]) {
                let (mut at, mut from) = (0, 0);
                for &(offset, missing) in &seen.gaps {
                    prop_assert_eq!(&seen.bytes[at..offset], &whole[from..from + offset - at]);
                    (from, at) = (from + offset - at + missing as usize, offset);
                }
                prop_assert_eq!(&seen.bytes[at..], &whole[from..from + seen.bytes.len() - at]);
            }
        }
    }

    #[test]
    fn random_bytes_never_panic_and_hold_little(
        bytes in prop::collection::vec((0..LINK_TYPES.len(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..200)), 1..60),
    ) {
        let limits = Limits { memory_bytes_max: 20_000, fragment_bytes_max: 5_000, flows_max: 8, ..Limits::default() };
        let packets: Vec<Owned> = bytes
            .into_iter()
            .map(|(link, longer, data)| {
                let mut packet = captured(ms(i64::from(longer)), LinkType(LINK_TYPES[link]), data);
                packet.original_length_bytes += u32::from(longer) * 7;
                packet
            })
            .collect();
        let (_, counters) = run_with(limits, &packets);
        prop_assert_eq!(counters.packets, packets.len() as u64);
        prop_assert_eq!(counters.panics, 0);
        take_payloads();
    }

    #[test]
    fn damaged_packets_never_panic_and_hold_little(
        (first, request, response, lengths) in connection(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..60, any::<u8>()), 1..60),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..100), 0..10),
    ) {
        let limits = Limits { memory_bytes_max: 20_000, fragment_bytes_max: 5_000, flows_max: 8, ..Limits::default() };
        let mut sent = handshake(first, 500);
        sent.extend(packets(first, &request, &response, &lengths));
        for (packet, at, value) in damage {
            let count = sent.len();
            if let Some(byte) = sent[packet.index(count)].data.get_mut(at) {
                *byte = value;
            }
        }
        for (packet, length) in cuts {
            let count = sent.len();
            sent[packet.index(count)].data.truncate(length);
        }
        let (_, counters) = run_with(limits, &sent);
        prop_assert_eq!(counters.panics, 0);
        take_payloads();
    }
}
