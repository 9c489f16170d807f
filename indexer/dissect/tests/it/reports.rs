//! What flows say of themselves when they are over.

use std::fmt::Write;

use dissect::protocol::Content;
use dissect::{Dissector, FlowReport, Limits};
use expect_test::{Expect, expect};

use crate::build::{ACK, CLIENT, FIN, RST, SERVER, SYN, down, handshake, ipv4, ms, raw, up};
use crate::corpus::{Owned, place};

fn reports(packets: &[Owned]) -> Vec<FlowReport> {
    let mut dissector = Dissector::new(Limits::default());
    let mut reports = Vec::new();
    let mut sink = |exchange: dissect::Exchange| {
        if let Some(Content::Flow(report)) = exchange.request.map(|message| message.content) {
            reports.push(*report);
        }
    };
    for (number, packet) in packets.iter().enumerate() {
        dissector.packet(&packet.packet(), place(number), &mut sink);
    }
    dissector.finish(&mut sink);
    reports
}

fn check(packets: &[Owned], expected: Expect) {
    let mut text = String::new();
    for report in reports(packets) {
        let FlowReport { to_server, to_client, end, protocols, .. } = &report;
        for (name, way) in [("to server", to_server), ("to client", to_client)] {
            let flags: Vec<_> = way.flags.names().collect();
            write!(
                text,
                "{name}: {} packets, {} bytes of payload, {}",
                way.packets,
                way.payload_bytes,
                flags.join("+")
            )
            .unwrap();
            for (count, what) in [
                (way.retransmitted_bytes, "bytes again"),
                (way.reordered_packets, "early"),
                (way.resets, "resets"),
                (way.gap_bytes, "bytes missing"),
            ] {
                if count > 0 {
                    write!(text, ", {count} {what}").unwrap();
                }
            }
            writeln!(text).unwrap();
        }
        let handshake = report.handshake_ns.map(|ns| format!("{} ms", ns / 1_000_000));
        writeln!(text, "{end:?}, handshake {}, spoke {protocols:?}", handshake.as_deref().unwrap_or("-"))
            .unwrap();
        for error in &report.icmp_errors {
            writeln!(text, "ICMP {}/{} from {}", error.kind, error.code, error.from).unwrap();
        }
        if let Some(refusal) = report.refusals.first() {
            writeln!(text, "{}: {}", refusal.protocol, refusal.reason).unwrap();
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn a_closed_connection_tells_all_of_itself() {
    let mut packets = handshake(100, 500);
    packets.extend([
        up(5, 101, 501, ACK, b"GET / HTTP/1.1\r\n\r\n"),
        up(6, 101, 501, ACK, b"GET / HTTP/1.1\r\n\r\n"),
        down(9, 501, 119, ACK, b"HTTP/1.1 204 No Content\r\n\r\n"),
        up(10, 119, 528, ACK | FIN, b""),
        down(11, 528, 120, ACK | FIN, b""),
    ]);
    check(
        &packets,
        expect![[r#"
        to server: 5 packets, 36 bytes of payload, FIN+SYN+ACK, 18 bytes again
        to client: 3 packets, 27 bytes of payload, FIN+SYN+ACK
        Finished, handshake 0 ms, spoke ["http"]
    "#]],
    );
}

#[test]
fn what_nobody_understands_is_told_with_the_reasons() {
    let mut packets = handshake(100, 500);
    packets.extend([up(5, 101, 501, ACK, b"\x00\x01gibberish"), down(6, 501, 112, RST, b"")]);
    check(
        &packets,
        expect![[r#"
        to server: 3 packets, 11 bytes of payload, SYN+ACK
        to client: 2 packets, 0 bytes of payload, SYN+RST+ACK, 1 resets
        ResetByServer, handshake 0 ms, spoke []
        http: does not begin with a start line
    "#]],
    );
}

#[test]
fn an_icmp_error_is_told_by_the_flow_it_is_about() {
    let syn = up(0, 100, 0, SYN, b"");
    let error = [&[3, 1, 0, 0, 0, 0, 0, 0], &syn.data[..28]].concat();
    check(
        &[syn, raw(ms(3), ipv4(SERVER, CLIENT, 1, 2, 0, &error))],
        expect![[r#"
        to server: 1 packets, 0 bytes of payload, SYN
        to client: 0 packets, 0 bytes of payload, 
        Open, handshake -, spoke []
        ICMP 3/1 from 10.0.0.2
    "#]],
    );
}
