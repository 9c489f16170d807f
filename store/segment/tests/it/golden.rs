//! Segments of every version are read forever.

use std::path::PathBuf;

use segment::{
    Digest, InterfaceId, InterfaceStatistics, Loss, LossCause, NameRecord, Names, Origin, Reading, Record,
    SegmentReader, TimeRange, Timestamp, WriterOptions, verify,
};

use crate::support::{Room, datagram, each_record, ethernet, options, packet};

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/test-0000000003.pcapng.zst")
}

/// The records of the golden segment; never change them.
fn record(visit: &mut dyn FnMut(&Record<'_>)) {
    let at = Timestamp::from_nanos(1_700_000_000_000_000_000);
    let mut eth0 = ethernet("eth0");
    eth0.filter = "udp".to_owned();
    visit(&Record::Interface(InterfaceId(0), eth0));
    let address = "10.0.0.1".parse().unwrap();
    visit(&Record::Names(Names { records: vec![NameRecord { address, names: vec!["shop".to_owned()] }] }));
    for n in 0..3 {
        visit(&Record::Packet(packet(at.nanos() + i64::from(n), &datagram(1000 + n, b"golden"))));
    }
    visit(&Record::Interface(InterfaceId(1), ethernet("late")));
    let mut statistics = InterfaceStatistics::new(InterfaceId(1), at);
    statistics.received = Some(3);
    visit(&Record::InterfaceStatistics(statistics));
    let range = TimeRange::covering(at, at.plus_nanos(9));
    let (interface, cause) = (Some("eth0".to_owned()), LossCause::Kernel);
    let note = "pcap_stats".to_owned();
    visit(&Record::Loss(Loss { range, interface, cause, packets: Some(2), bytes: None, note }));
    visit(&Record::Secrets(b"CLIENT_RANDOM 00 00\n"));
    visit(&Record::Custom { name: "kubernetes", json: "{}" });
}

fn golden_options() -> WriterOptions {
    WriterOptions {
        recorder: "remora-recorder 1".to_owned(),
        hardware: "x86_64".to_owned(),
        system: "Linux".to_owned(),
        previous: Some(Digest([0xAB; 32])),
        origin: Origin::Import { file: "shop.pcap".to_owned(), blake3: Digest([0xCD; 32]) },
        nonce: 0x0123_4567_89AB_CDEF,
        ..options()
    }
}

fn raw_frames(reader: &mut SegmentReader) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push(frame.raw().to_vec());
    }
    frames
}

#[test]
fn version_1_is_read() {
    let mut reader = SegmentReader::open(&golden(), Reading::Strict).unwrap();
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    record(&mut |record| expected.push(format!("{record:?}")));
    each_record(&mut reader, |record| found.push(format!("{record:?}")));
    assert_eq!(found, expected);
    let header = reader.header().unwrap();
    assert_eq!((header.format_version, &*header.node, header.nonce), (1, "node-1", 0x0123_4567_89AB_CDEF));
    assert_eq!((header.previous, &header.origin), (golden_options().previous, &golden_options().origin));
    let verification = verify(&golden()).unwrap();
    assert!(verification.is_sound() && verification.has_manifest, "{verification:?}");
}

/// Compares blocks and tables; the compressed bytes are zstd's own affair, and a seal holds the time.
#[test]
fn what_is_written_is_still_version_1() {
    let room = Room::new();
    let mut writer = room.writer(golden_options());
    record(&mut |record| writer.append_record(record).unwrap());
    room.seal(writer);
    if std::env::var_os("REMORA_WRITE_GOLDEN").is_some() {
        for file in std::fs::read_dir(room.sealed()).unwrap().map(|entry| entry.unwrap().path()) {
            std::fs::copy(&file, golden().with_file_name(file.file_name().unwrap())).unwrap();
        }
    }
    let mut written = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
    let mut golden = SegmentReader::open(&golden(), Reading::Strict).unwrap();
    assert_eq!(raw_frames(&mut written), raw_frames(&mut golden));
    let (written, golden) = (written.footer().unwrap(), golden.footer().unwrap());
    assert_eq!((&written.flows, &written.headers), (&golden.flows, &golden.headers));
}
