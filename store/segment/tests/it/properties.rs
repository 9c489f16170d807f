//! Any sequence of records is read back equal, however it is cut into frames.

use std::net::IpAddr;

use proptest::prelude::*;
use segment::{
    ClockState, Interface, InterfaceId, InterfaceStatistics, LinkType, Loss, LossCause, NameRecord, Names,
    Packet, Reading, Record, SegmentReader, TimeRange, Timestamp, WriterOptions, repair, verify,
};

use crate::support::{Room, datagram, each_record, ethernet, key, options, packet};

/// A record that owns its bytes.
#[derive(Clone, Debug)]
enum Owned {
    Packet { at: i64, interface: u32, original: u32, data: Vec<u8>, comment: Option<String> },
    Interface(Interface),
    Secrets(Vec<u8>),
    Custom(String, String),
    Other(Record<'static>),
    EndFrame,
}

fn text() -> impl Strategy<Value = String> {
    "[^\\x00]{0,40}"
}

fn instant() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<i64>(), 1_700_000_000_000_000_000i64..1_700_000_001_000_000_000]
        .prop_map(Timestamp::from_nanos)
}

fn interface() -> impl Strategy<Value = Interface> {
    let link_type = prop_oneof![Just(1u16), Just(101), Just(113), Just(276), any::<u16>()];
    (text(), text(), link_type, any::<u32>(), text()).prop_map(
        |(name, description, link_type, snap, filter)| Interface {
            name,
            description,
            link_type: LinkType(link_type),
            snap_length_bytes: snap,
            filter,
        },
    )
}

fn record() -> impl Strategy<Value = Owned> {
    let data = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (any::<u8>(), 0usize..20_000).prop_map(|(byte, length)| vec![byte; length]),
    ];
    let packet = (instant(), any::<u32>(), any::<u32>(), data, prop::option::of(text())).prop_map(
        |(at, interface, original, data, comment)| Owned::Packet {
            at: at.nanos(),
            interface,
            original,
            data,
            comment,
        },
    );
    let cause = prop::sample::select(LossCause::ALL.to_vec());
    let counts = (any::<Option<u64>>(), any::<Option<u64>>());
    let loss = (instant(), instant(), prop::option::of(text()), cause, counts, text()).prop_map(
        |(first, last, interface, cause, (packets, bytes), note)| {
            let range = TimeRange::covering(first, last);
            Owned::Other(Record::Loss(Loss { range, interface, cause, packets, bytes, note }))
        },
    );
    let statistics = (instant(), any::<[Option<u64>; 5]>()).prop_map(|(at, counters)| {
        let mut statistics = InterfaceStatistics::new(InterfaceId(0), at);
        [
            statistics.received,
            statistics.dropped_by_interface,
            statistics.accepted_by_filter,
            statistics.dropped_by_system,
            statistics.delivered,
        ] = counters;
        Owned::Other(Record::InterfaceStatistics(statistics))
    });
    let name = (any::<IpAddr>(), prop::collection::vec("[^\\x00]{1,40}", 1..4));
    let names = prop::collection::vec(name.prop_map(|(address, names)| NameRecord { address, names }), 0..5)
        .prop_map(|records| Owned::Other(Record::Names(Names { records })));
    let clock = (instant(), any::<bool>(), any::<Option<i64>>(), any::<Option<i64>>(), text()).prop_map(
        |(timestamp, synchronised, offset_nanos, error_nanos_max, source)| {
            let clock = ClockState { timestamp, synchronised, offset_nanos, error_nanos_max, source };
            Owned::Other(Record::ClockState(clock))
        },
    );
    prop_oneof![
        12 => packet,
        2 => interface().prop_map(Owned::Interface),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(Owned::Secrets),
        1 => ("[a-z.]{0,20}", text()).prop_map(|(name, json)| Owned::Custom(format!("x{name}"), json)),
        1 => loss,
        1 => statistics,
        1 => names,
        1 => clock,
        2 => Just(Owned::EndFrame),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_records_are_read_back_equal(
        first in interface(),
        records in prop::collection::vec(record(), 0..120),
        frame_bytes_max in prop_oneof![Just(256usize << 10), 100usize..5000],
    ) {
        let room = Room::new();
        let mut writer = room.writer(WriterOptions { frame_bytes_max, ..options() });
        let mut interfaces = Vec::new();
        let mut expected = Vec::new();
        for owned in [Owned::Interface(first)].iter().chain(&records) {
            let record = match owned {
                Owned::EndFrame => {
                    writer.end_frame().unwrap();
                    continue;
                }
                Owned::Interface(interface) => {
                    let id = InterfaceId(u32::try_from(interfaces.len()).unwrap());
                    interfaces.push(interface.clone());
                    Record::Interface(id, interface.clone())
                }
                Owned::Packet { at, interface, original, data, comment } => {
                    let interface = InterfaceId(interface % u32::try_from(interfaces.len()).unwrap());
                    Record::Packet(Packet {
                        timestamp: Timestamp::from_nanos(*at),
                        interface,
                        link_type: interfaces[interface.0 as usize].link_type,
                        original_length_bytes: *original,
                        data,
                        comment: comment.as_deref(),
                    })
                }
                Owned::Secrets(secrets) => Record::Secrets(secrets),
                Owned::Custom(name, json) => Record::Custom { name, json },
                Owned::Other(record) => record.clone(),
            };
            writer.append_record(&record).unwrap();
            expected.push(format!("{record:?}"));
        }
        let manifest = room.seal(writer);
        let packets = expected.iter().filter(|record| record.starts_with("Packet(")).count();
        prop_assert_eq!(manifest.packets, u64::try_from(packets).unwrap());
        let mut reader = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
        let mut found = Vec::new();
        each_record(&mut reader, |record| found.push(format!("{record:?}")));
        prop_assert_eq!(found, expected);
        let verification = verify(&room.sealed_path()).unwrap();
        prop_assert!(verification.is_sound() && verification.has_manifest, "{:?}", verification);
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), magic in 0usize..8) {
        use segment::capture_file::CaptureReader;
        let magics: [&[u8]; 8] = [
            b"", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4\x00\x02\x00\x04", b"\x34\xcd\xb2\xa1\x02\x00\x04\x00",
            b"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00\x4d\x3c\x2b\x1a\x01\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x1c\x00\x00\x00",
            b"\x0a\x0d\x0d\x0a\x00\x00\x00\x1c\x1a\x2b\x3c\x4d\x00\x01\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x1c",
            b"\x0a\x0d\x0d\x0a", b"\x28\xb5\x2f\xfd",
        ];
        let bytes = [magics[magic], &bytes].concat();
        if let Ok(mut reader) = CaptureReader::new(&bytes[..]) {
            for _ in 0..1000 {
                if matches!(reader.next(), Ok(None)) {
                    break;
                }
            }
        }
        let room = Room::new();
        std::fs::write(room.open_path(), &bytes).unwrap();
        for reading in [Reading::Strict, Reading::Forgiving] {
            if let Ok(mut reader) = SegmentReader::open(&room.open_path(), reading) {
                let _ = reader.next_frame();
                let _ = reader.frame(0);
            }
        }
        let _ = verify(&room.open_path());
    }
}

/// Bytes changed, cut out and put in.
fn mutate(bytes: &[u8], changes: &[(u8, usize, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (kind, place, patch) in changes {
        let at = place % (bytes.len() + 1);
        let end = (at + patch.len()).min(bytes.len());
        match kind % 3 {
            0 => bytes[at..end].copy_from_slice(&patch[..end - at]),
            1 => drop(bytes.drain(at..end)),
            _ => drop(bytes.splice(at..at, patch.iter().copied())),
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(u8, usize, Vec<u8>)>> {
    prop::collection::vec((any::<u8>(), any::<usize>(), prop::collection::vec(any::<u8>(), 1..24)), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damage_of_any_kind_gives_whole_packets_or_none(changes in changes(), open in any::<bool>()) {
        let room = Room::new();
        let mut writer = room.writer(options());
        writer.add_interface(&ethernet("eth0")).unwrap();
        let written: Vec<Vec<u8>> = (0..12).map(|n| datagram(n, &vec![b'a'; usize::from(n) * 9])).collect();
        for data in &written {
            writer.append(&packet(1, data)).unwrap();
            writer.end_frame().unwrap();
        }
        let mut bytes = std::fs::read(room.open_path()).unwrap();
        room.seal(writer);
        if !open {
            bytes = std::fs::read(room.sealed_path()).unwrap();
        }
        std::fs::remove_file(room.sealed_path()).unwrap();
        let changed = mutate(&bytes, &changes);
        std::fs::write(room.open_path(), &changed).unwrap();
        if let Ok(mut reader) = SegmentReader::open(&room.open_path(), Reading::Forgiving) {
            // Every packet that comes out is one that went in, in order.
            let mut rest = written.iter();
            while let Some(frame) = reader.next_frame().unwrap() {
                for (_, packet) in frame.packets() {
                    prop_assert!(rest.any(|data| data == packet.data));
                }
            }
        }
        let sound = verify(&room.open_path()).is_ok_and(|found| found.is_sound());
        prop_assert!(open || sound == (changed == bytes));
        if repair(&room.open_path(), &room.sealed(), &key()).is_ok() {
            let found = verify(&room.sealed_path()).unwrap();
            prop_assert!(found.is_sound(), "{:?}", found);
        }
    }
}
