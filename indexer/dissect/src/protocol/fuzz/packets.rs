//! Whole packets, and TCP segments of one connection: decoding, reassembly, and every protocol behind them.

use segment::{InterfaceId, LinkType, Packet, PacketRef, Timestamp};

use super::{BODY_BYTES_MAX, DECODED_BYTES_MAX};

/// Dissects `script` as packets: the first byte chooses the link type, then each packet follows its length (2
/// bytes), of which the highest bit says that more was on the wire.
///
/// # Panics
/// If decoding, putting fragments together or any protocol does.
pub fn fuzz_packets(script: &[u8]) {
    let Some((&kind, mut rest)) = script.split_first() else { return };
    let link_types =
        [LinkType::ETHERNET, LinkType::RAW, LinkType::LINUX_SLL, LinkType::LINUX_SLL2, LinkType::NULL];
    let link_type =
        link_types.get(usize::from(kind) % link_types.len()).copied().unwrap_or(LinkType(u16::from(kind)));
    let mut dissector = crate::Dissector::new(fuzz_limits());
    let mut number = 0_u32;
    while let Some(([high, low], behind)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes([high & 0x7f, *low]));
        let (data, behind) = behind.split_at_checked(length).unwrap_or((behind, &[]));
        rest = behind;
        let missing = if high & 0x80 == 0 { 0 } else { 1000 };
        let packet = Packet {
            timestamp: Timestamp::from_nanos(i64::from(number) * 300_000_000),
            interface: InterfaceId(number % 2),
            link_type,
            original_length_bytes: u32::try_from(data.len()).unwrap_or_default() + missing,
            data,
            comment: None,
        };
        let at = PacketRef { sequence: 0, frame: 1, index: number };
        dissector.packet(&packet, at, &mut |_| ());
        drop(crate::decode::explain::explain(&packet));
        number += 1;
    }
    dissector.finish(&mut |_| ());
    assert_eq!(dissector.counters().panics, 0, "a dissector panicked");
}

/// Puts `script` in order as TCP segments of one connection: each step says which side, a sequence number near
/// the others (2 bytes), flags and a length.
///
/// # Panics
/// If reassembly or any protocol does.
pub fn fuzz_segments(script: &[u8]) {
    let mut dissector = crate::Dissector::new(fuzz_limits());
    let mut rest = script;
    let mut number = 0_u32;
    while let Some(([side, high, low, flags, length], behind)) = rest.split_first_chunk::<5>() {
        let (data, behind) = behind.split_at_checked(usize::from(*length)).unwrap_or((behind, &[]));
        rest = behind;
        let (from, to) = if side & 1 == 0 { (1, 2) } else { (2, 1) };
        let sequence = u32::from(u16::from_be_bytes([*high, *low])).wrapping_sub(1000);
        let acknowledgement = sequence.wrapping_add(u32::from(side >> 1));
        let total = u16::try_from(40 + data.len()).unwrap_or(u16::MAX);
        let mut bytes = vec![0x45, 0];
        bytes.extend(total.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, from, 10, 0, 0, to, 16, from, 16, to]);
        bytes.extend(sequence.to_be_bytes());
        bytes.extend(acknowledgement.to_be_bytes());
        bytes.extend([0x50, *flags, 255, 255, 0, 0, 0, 0]);
        bytes.extend(data);
        let packet = Packet {
            timestamp: Timestamp::from_nanos(i64::from(number) * 100_000_000),
            interface: InterfaceId(0),
            link_type: LinkType::RAW,
            original_length_bytes: u32::from(total),
            data: &bytes,
            comment: None,
        };
        let at = PacketRef { sequence: 0, frame: 1, index: number };
        dissector.packet(&packet, at, &mut |_| ());
        number += 1;
    }
    dissector.finish(&mut |_| ());
    assert_eq!(dissector.counters().panics, 0, "a dissector panicked");
}

/// Small, so that fuzzers reach them.
fn fuzz_limits() -> crate::Limits {
    crate::Limits {
        flows_max: 8,
        memory_bytes_max: 1 << 20,
        stream_buffer_bytes_max: 4096,
        body_bytes_max: BODY_BYTES_MAX,
        interpreted_bytes_max: BODY_BYTES_MAX,
        decoded_bytes_max: DECODED_BYTES_MAX,
        fragment_bytes_max: 4096,
        ..crate::Limits::default()
    }
}
