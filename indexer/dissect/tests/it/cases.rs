//! One test for each thing that happens to packets on their way.

use std::net::Ipv6Addr;

use dissect::protocol::Direction;
use dissect::{Endpoint, Limits};
use segment::{InterfaceId, LinkType};

use crate::build::{
    ACK, CLIENT, FIN, RST, SERVER, SYN, captured, down, handshake, ipv4, ipv6, ms, raw, run, run_with,
    take_payloads, tcp, udp, up,
};
use crate::corpus::Owned;

/// A handshake (the client's bytes begin at 101, the server's at 501), then `packets`.
fn connected(packets: Vec<Owned>) -> Vec<Owned> {
    let mut all = handshake(100, 500);
    all.extend(packets);
    all
}

#[test]
fn bytes_in_order_arrive_as_they_are() {
    let (flows, counters) =
        run(&connected(vec![up(1, 101, 501, ACK, b"GET"), down(2, 501, 104, ACK, b"200")]));
    assert_eq!((flows[0].client, flows[0].up(), flows[0].down()), (CLIENT, "GET", "200"));
    assert_eq!((counters.flows_opened, counters.gaps, counters.repeated_bytes), (1, 0, 0));
}

#[test]
fn retransmissions_and_keep_alives_are_counted_once() {
    let (flows, counters) = run(&connected(vec![
        up(1, 101, 501, ACK, b"abc"),
        up(2, 101, 501, ACK, b"abc"),
        up(3, 103, 501, ACK, b"c"),
        up(4, 102, 501, ACK, b"bcde"),
    ]));
    assert_eq!(flows[0].up(), "abcde");
    assert_eq!(counters.repeated_bytes, 3 + 1 + 2);
}

#[test]
fn reordered_bytes_are_put_in_order() {
    let (flows, counters) = run(&connected(vec![
        up(1, 107, 501, ACK, b"ghi"),
        up(2, 104, 501, ACK, b"def"),
        up(3, 101, 501, ACK, b"abc"),
    ]));
    assert_eq!(flows[0].up(), "abcdefghi");
    assert_eq!((counters.reordered_bytes, counters.gaps), (6, 0));
}

#[test]
fn where_segments_overlap_the_bytes_seen_first_stay() {
    let (flows, _) = run(&connected(vec![
        up(1, 105, 501, ACK, b"EF"),
        up(2, 103, 501, ACK, b"cdxxgh"),
        up(3, 101, 501, ACK, b"abyyyyyyi"),
        up(4, 101, 501, ACK, b"zzzzzzzzzj"),
    ]));
    assert_eq!(flows[0].up(), "abcdEFghij");
}

#[test]
fn a_zero_window_probe_is_the_next_byte() {
    let (flows, _) = run(&connected(vec![
        up(1, 101, 501, ACK, b"a"),
        down(2, 501, 102, ACK, b""),
        up(3, 102, 501, ACK, b"b"),
        up(4, 102, 501, ACK, b"bcd"),
    ]));
    assert_eq!(flows[0].up(), "abcd");
}

#[test]
fn sequence_numbers_wrap_around() {
    let mut packets = handshake(u32::MAX - 3, u32::MAX);
    packets.push(up(1, 2, 0, ACK, b"fgh"));
    packets.push(up(2, u32::MAX - 2, 0, ACK, b"abcde"));
    packets.push(down(3, 0, 5, ACK, b"ok"));
    let (flows, counters) = run(&packets);
    assert_eq!((flows[0].up(), flows[0].down(), counters.gaps), ("abcdefgh", "ok", 0));
}

#[test]
fn both_sides_may_close_at_once() {
    let (flows, counters) = run(&connected(vec![
        up(1, 101, 501, ACK | FIN, b"a"),
        down(1, 501, 101, ACK | FIN, b"b"),
        up(2, 103, 503, ACK, b""),
        down(2, 503, 103, ACK, b""),
        // A late copy after the end belongs to the old flow.
        up(3, 101, 501, ACK | FIN, b"a"),
    ]));
    assert_eq!((flows.len(), flows[0].up(), flows[0].down()), (1, "a", "b"));
    assert_eq!((counters.flows_opened, counters.gaps), (1, 0));
}

#[test]
fn a_reset_ends_its_senders_stream_and_a_forged_one_does_not() {
    let (flows, counters) = run(&connected(vec![
        up(1, 101, 501, ACK, b"abc"),
        up(2, 90_000_000, 501, RST, b""),
        up(3, 104, 501, ACK, b"def"),
        up(4, 110, 501, ACK, b"jkl"),
        up(5, 113, 501, RST, b""),
    ]));
    assert_eq!(flows[0].up(), "abcdefjkl");
    assert_eq!(flows[0].seen[0].gaps, [(6, 3)]);
    assert_eq!(counters.implausible_segments, 1);
}

#[test]
fn a_new_connection_on_the_same_ports_is_a_new_flow() {
    let mut packets = connected(vec![up(1, 101, 501, ACK, b"first")]);
    packets.extend(handshake(77_000, 88_000));
    packets.push(up(2, 77_001, 88_001, ACK, b"second"));
    let (flows, counters) = run(&packets);
    assert_eq!(flows.iter().map(|flow| flow.up()).collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!((counters.flows_opened, counters.flows_replaced), (2, 1));
    // A repeated SYN is none.
    let mut packets = handshake(100, 500);
    packets.extend(connected(vec![up(1, 101, 501, ACK, b"x")]));
    assert_eq!(run(&packets).1.flows_opened, 1);
}

#[test]
fn a_flow_joined_in_the_middle_goes_on_from_there() {
    let (flows, _) = run(&[
        down(1, 5000, 900, ACK, b"rest of an answer"),
        up(2, 900, 5017, ACK, b"GET"),
        down(3, 5017, 903, ACK, b"200"),
    ]);
    let flow = &flows[0];
    let texts = flow.seen.clone().map(|seen| String::from_utf8(seen.bytes).unwrap());
    assert!(texts.contains(&"GET".to_owned()) && texts.contains(&"rest of an answer200".to_owned()));
    assert!(flow.seen.iter().all(|seen| seen.gaps.is_empty()));
}

#[test]
fn an_acknowledgement_that_cannot_be_does_not_hide_what_is_sent() {
    let (flows, counters) = run(&[
        up(1, 101, 2_000_000_000, ACK, b"request"),
        down(2, 501, 108, ACK, b"response"),
        up(3, 108, 509, ACK, b""),
    ]);
    assert_eq!((flows[0].up(), flows[0].down()), ("request", "response"));
    assert_eq!((counters.gaps, counters.implausible_segments), (0, 0));
}

#[test]
fn a_hole_that_was_acknowledged_becomes_a_gap_after_a_second() {
    let packets = connected(vec![
        up(1, 101, 501, ACK, b"abc"),
        up(2, 107, 501, ACK, b"ghi"),
        down(3, 501, 110, ACK, b""),
        up(2000, 110, 501, ACK, b"jkl"),
        // Too late: what was given up stays given up.
        up(2001, 104, 501, ACK, b"def"),
    ]);
    let (flows, counters) = run(&packets);
    assert_eq!(flows[0].up(), "abcghijkl");
    assert_eq!(flows[0].seen[0].gaps, [(3, 3)]);
    assert_eq!((counters.gaps, counters.gap_bytes), (1, 3));
}

#[test]
fn a_hole_that_nobody_acknowledged_waits_for_its_repeat() {
    let (flows, counters) = run(&connected(vec![
        up(1, 101, 501, ACK, b"abc"),
        up(2, 107, 501, ACK, b"ghi"),
        down(3, 501, 104, ACK, b""),
        up(15_000, 104, 501, ACK, b"def"),
    ]));
    assert_eq!((flows[0].up(), counters.gaps), ("abcdefghi", 0));
}

#[test]
fn bytes_acknowledged_but_never_captured_are_a_gap_in_front_of_the_end() {
    let (flows, counters) = run(&connected(vec![
        up(1, 101, 501, ACK, b"abc"),
        down(2, 501, 204, ACK, b"ok"),
        up(3, 204, 503, ACK | FIN, b""),
        down(4, 503, 205, ACK | FIN, b""),
    ]));
    assert_eq!((flows[0].up(), flows[0].down()), ("abc", "ok"));
    assert_eq!((counters.gaps, counters.gap_bytes), (1, 100));
}

#[test]
fn what_waits_behind_a_hole_is_bounded() {
    let limits = Limits { stream_buffer_bytes_max: 10_000, ..Limits::default() };
    let mut packets = connected(vec![]);
    for number in 0..100 {
        packets.push(up(1, 102 + number * 1000, 501, ACK, &[b'x'; 1000]));
    }
    let (flows, counters) = run_with(limits, &packets);
    assert_eq!((flows[0].up().len(), counters.gap_bytes), (100_000, 1));
}

#[test]
fn what_the_snap_length_cut_off_is_a_gap() {
    let mut cut = up(1, 101, 501, ACK, b"abcdefgh");
    cut.data.truncate(cut.data.len() - 5);
    let (flows, counters) = run(&connected(vec![cut, up(2, 109, 501, ACK, b"ij")]));
    assert_eq!((flows[0].up(), &flows[0].seen[0].gaps[..]), ("abcij", &[(3, 5)][..]));
    assert_eq!(counters.cut_bytes, 5);
}

#[test]
fn lengths_that_lie_do_not_stop_the_rest() {
    let ethernet = |packet: Owned, padding: usize| {
        let mut frame = [&[0; 12][..], &[0x08, 0x00], &packet.data].concat();
        frame.extend(std::iter::repeat_n(0xEE, padding));
        captured(packet.timestamp, LinkType::ETHERNET, frame)
    };
    let mut offloaded = up(2, 104, 501, ACK, b"def");
    offloaded.data[2..4].copy_from_slice(&[0, 0]);
    let mut longer = up(3, 107, 501, ACK, b"ghi");
    longer.data[2..4].copy_from_slice(&9000_u16.to_be_bytes());
    let mut nonsense = up(4, 110, 501, ACK, b"xxx");
    nonsense.data[2..4].copy_from_slice(&7_u16.to_be_bytes());
    let mut packets: Vec<Owned> = connected(vec![up(1, 101, 501, ACK, b"abc")])
        .into_iter()
        .map(|packet| ethernet(packet, 10))
        .collect();
    packets.extend([offloaded, longer, nonsense].map(|packet| ethernet(packet, 0)));
    packets.push(ethernet(up(5, 110, 501, ACK, b"jkl"), 4));
    let (flows, counters) = run(&packets);
    assert_eq!(flows[0].up(), "abcdefghijkl");
    assert_eq!((counters.undecodable.length, counters.undecodable.total()), (1, 1));
}

/// An SLL2 packet of interface `index`, going `way`.
fn cooked(packet: &Owned, index: u8, way: u8) -> Owned {
    let header = [0x08, 0, 0, 0, 0, 0, 0, index, 0, 1, way, 6, 0, 0, 0, 0, 0, 0, 0, 0];
    captured(packet.timestamp, LinkType::LINUX_SLL2, [&header[..], &packet.data].concat())
}

#[test]
fn packets_seen_at_several_interfaces_count_once() {
    let once = connected(vec![
        up(1, 101, 501, ACK, b"abc"),
        down(2, 501, 104, ACK | FIN, b"ok"),
        up(3, 104, 504, ACK | FIN, b""),
    ]);
    let twice: Vec<Owned> =
        once.iter().flat_map(|packet| [cooked(packet, 1, 4), cooked(packet, 2, 0)]).collect();
    let (flows, counters) = run(&twice);
    assert_eq!((flows.len(), flows[0].up(), flows[0].down()), (1, "abc", "ok"));
    assert_eq!((counters.flows_opened, counters.repeated_bytes), (1, 5));
}

fn query(at: i64, id: u16, data: &[u8]) -> Owned {
    raw(ms(at), ipv4(CLIENT, SERVER, 17, id, 0, &udp(CLIENT, SERVER, data)))
}

#[test]
fn a_datagram_seen_at_several_interfaces_counts_once_and_a_repeated_one_twice() {
    let (one, again) = (query(1, 7, b"who"), query(500, 7, b"who"));
    let mut elsewhere = query(2, 7, b"who");
    elsewhere.interface = InterfaceId(3);
    let (_, counters) = run(&[one.clone(), elsewhere.clone(), again]);
    assert_eq!((take_payloads().len(), counters.duplicate_datagrams), (2, 1));
    let (_, counters) = run(&[cooked(&one, 1, 4), cooked(&elsewhere, 2, 0)]);
    assert_eq!((take_payloads().len(), counters.duplicate_datagrams), (1, 1));
    // Another identification, or much later: another datagram.
    elsewhere.timestamp = ms(5000);
    let other = query(3, 8, b"who");
    assert_eq!(run(&[cooked(&one, 1, 4), cooked(&other, 2, 0), elsewhere]).1.duplicate_datagrams, 0);
    assert_eq!(take_payloads().len(), 3);
}

#[test]
fn a_dissector_that_panics_costs_its_flow() {
    let elsewhere = Endpoint { port: 40_001, ..CLIENT };
    let (_, counters) = run(&[
        query(1, 1, b"panic"),
        query(2, 2, b"lost"),
        raw(ms(3), ipv4(elsewhere, SERVER, 17, 3, 0, &udp(elsewhere, SERVER, b"kept"))),
    ]);
    assert_eq!(take_payloads(), [(Direction::ToServer, b"kept".to_vec())]);
    assert_eq!(counters.panics, 1);
}

/// The UDP datagram `data` in IPv4 fragments of 16 bytes, with their offsets.
fn fragments(data: &[u8]) -> Vec<Owned> {
    let whole = udp(CLIENT, SERVER, data);
    let parts: Vec<&[u8]> = whole.chunks(16).collect();
    let last = parts.len() - 1;
    let field = |number: usize| u16::try_from(number * 2).unwrap() | if number < last { 0x2000 } else { 0 };
    parts
        .iter()
        .enumerate()
        .map(|(number, part)| raw(ms(1), ipv4(CLIENT, SERVER, 17, 9, field(number), part)))
        .collect()
}

#[test]
fn ipv4_fragments_are_put_together_in_any_order() {
    let data: Vec<u8> = (0..100).collect();
    let mut parts = fragments(&data);
    parts.reverse();
    parts.insert(2, parts[0].clone());
    let (_, counters) = run(&parts);
    assert_eq!(take_payloads(), [(Direction::ToServer, data)]);
    assert_eq!((counters.fragments, counters.defragmented, counters.fragments_given_up), (8, 1, 0));
}

#[test]
fn where_fragments_overlap_the_bytes_seen_first_stay() {
    let mut parts = fragments(&[b'a'; 40]);
    let forged = udp(CLIENT, SERVER, &[b'b'; 24]);
    parts.insert(1, raw(ms(1), ipv4(CLIENT, SERVER, 17, 9, 0x2000, &forged)));
    run(&parts);
    // The first fragment holds 8 bytes, the forged one 24, the rest belongs to the others.
    let expected = [&[b'a'; 8][..], &[b'b'; 16], &[b'a'; 16]].concat();
    assert_eq!(take_payloads(), [(Direction::ToServer, expected)]);
}

#[test]
fn fragments_that_stay_alone_are_given_up() {
    let mut parts = fragments(&[1; 40]);
    parts.pop();
    parts.push(query(60_000, 1, b"later"));
    let (_, counters) = run(&parts);
    assert_eq!((take_payloads().len(), counters.fragments_given_up), (1, 1));
    let limits = Limits { fragment_bytes_max: 2000, ..Limits::default() };
    let many: Vec<Owned> =
        (0..100).map(|id| raw(ms(1), ipv4(CLIENT, SERVER, 17, id, 0x2000, &[0; 64]))).collect();
    assert!(run_with(limits, &many).1.fragments_given_up > 90);
}

#[test]
fn ipv6_extension_headers_and_fragments_are_followed() {
    let (a, b) = (Ipv6Addr::LOCALHOST, Ipv6Addr::from_bits(2));
    let whole = udp(CLIENT, SERVER, b"0123456789abcdef");
    let (first, second) = whole.split_at(16);
    let part = |field: u16, bytes: &[u8]| {
        // Hop-by-hop options, then a fragment header.
        let mut payload = vec![44, 0, 1, 4, 0, 0, 0, 0, 17, 0];
        payload.extend(field.to_be_bytes());
        payload.extend([0, 0, 0, 5]);
        payload.extend(bytes);
        raw(ms(1), ipv6(a, b, 0, &payload))
    };
    let (_, counters) = run(&[part(16, second), part(1, first)]);
    assert_eq!(take_payloads(), [(Direction::ToServer, b"0123456789abcdef".to_vec())]);
    assert_eq!((counters.fragments, counters.defragmented), (2, 1));
}

#[test]
fn every_link_layer_leads_to_ip() {
    let ip = query(1, 1, b"x").data;
    let cases: [(LinkType, &[u8]); 12] = [
        (LinkType::ETHERNET, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]),
        (LinkType::ETHERNET, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 5, 8, 0]),
        (LinkType::ETHERNET, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x88, 0xA8, 0, 5, 0x81, 0, 0, 6, 8, 0]),
        (LinkType::ETHERNET, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 37, 0xAA, 0xAA, 3, 0, 0, 0, 8, 0]),
        (LinkType::LINUX_SLL, &[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]),
        (LinkType::LINUX_SLL2, &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]),
        (LinkType::NULL, &[2, 0, 0, 0]),
        (LinkType::NULL, &[0, 0, 0, 2]),
        (LinkType::LOOP, &[0, 0, 0, 2]),
        (LinkType::RAW, &[]),
        (LinkType::RAW_BSD, &[]),
        (LinkType::IPV4, &[]),
    ];
    for (link_type, header) in cases {
        run(&[captured(ms(1), link_type, [header, &ip].concat())]);
        assert_eq!(take_payloads().len(), 1, "{link_type:?} {header:?}");
    }
    assert_eq!(run(&[captured(ms(1), LinkType(9999), ip)]).1.undecodable.link_type, 1);
}

#[test]
fn silent_flows_expire_by_packet_time() {
    let mut packets = connected(vec![up(1, 101, 501, ACK, b"abc")]);
    packets.push(query(3_600_000, 1, b"an hour later"));
    let (flows, counters) = run(&packets);
    assert_eq!((flows[0].up(), counters.flows_expired), ("abc", 1));
    take_payloads();
}

#[test]
fn an_answer_may_come_long_after_the_client_closed() {
    let (flows, counters) = run(&connected(vec![
        up(1, 101, 501, ACK | FIN, b"abc"),
        down(2, 501, 105, ACK, b""),
        query(100_000, 1, b"meanwhile"),
        down(120_000, 501, 105, ACK | FIN, b"at last"),
    ]));
    assert_eq!((flows.len(), flows[0].down(), counters.flows_opened), (1, "at last", 2));
    take_payloads();
    // After a reset nothing more comes: the flow ends soon.
    let (_, counters) = run(&connected(vec![
        up(1, 101, 501, ACK, b"abc"),
        down(2, 501, 104, RST | ACK, b""),
        query(15_000, 1, b"later"),
    ]));
    assert_eq!((take_payloads().len(), counters.flows_expired), (1, 1));
}

#[test]
fn one_wrong_time_does_not_expire_what_comes_after() {
    let mut packets = connected(vec![up(1, 101, 501, ACK, b"abc")]);
    packets.push(query(1_000_000_000, 1, b"a week ahead"));
    packets.extend(connected(vec![up(5, 101, 501, ACK, b"abc"), up(6, 104, 501, ACK, b"def")]));
    let (flows, counters) = run(&packets);
    assert_eq!((flows.len(), flows[1].up(), counters.flows_expired), (2, "abcdef", 1));
    take_payloads();
}

#[test]
fn flows_and_memory_are_bounded() {
    let opened = |ports: std::ops::Range<u16>| -> Vec<Owned> {
        ports
            .flat_map(|port| {
                let client = Endpoint { port, ..CLIENT };
                // A hole, so the bytes have to wait.
                let syn = tcp(client, SERVER, 1, 0, SYN, b"");
                let data = tcp(client, SERVER, 10, 0, ACK, &[b'x'; 1000]);
                [syn, data].map(|segment| raw(ms(1), ipv4(client, SERVER, 6, 1, 0, &segment)))
            })
            .collect()
    };
    let (flows, counters) = run_with(Limits { flows_max: 10, ..Limits::default() }, &opened(1..101));
    assert_eq!((flows.len(), counters.flows_evicted), (100, 90));
    // `run` asserts after each packet that the limit holds.
    let limits = Limits { memory_bytes_max: 50_000, ..Limits::default() };
    let (flows, counters) = run_with(limits, &opened(1..1001));
    assert!(flows.len() == 1000 && counters.flows_evicted > 900);
}
