//! From an entry back to its packets, and packets out of the segments.

use std::fs::File;
use std::ops::ControlFlow;

use indexer::{Data, ExportFilter, Indexing, Order, QueryOptions};
use segment::capture_file::CaptureReader;
use segment::{LinkType, Record, SegmentId, TimeRange, Timestamp};

use crate::recording::{self, Recorder, capture};

type Plain = (Timestamp, LinkType, u32, Vec<u8>);

fn packets(mut reader: CaptureReader<impl std::io::Read>) -> Vec<Plain> {
    let mut packets = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        if let Record::Packet(packet) = record {
            packets.push((
                packet.timestamp,
                packet.link_type,
                packet.original_length_bytes,
                packet.data.to_vec(),
            ));
        }
    }
    packets
}

#[test]
fn what_was_recorded_is_exported_packet_by_packet() {
    for name in recording::CAPTURES {
        let dir = recording::data_dir();
        let mut recorder = Recorder::new(dir.path(), "a");
        recorder.record(name, 100);
        // The last segment stays open: it is exported too.
        recorder.writer().sync().unwrap();
        let data = Data::open(dir.path()).unwrap();
        let mut out = Vec::new();
        let summary = data.export(TimeRange::ALL, ExportFilter::All, &mut out).unwrap();
        let source = packets(CaptureReader::new(File::open(capture(name)).unwrap()).unwrap());
        let exported = packets(CaptureReader::new(out.as_slice()).unwrap());
        assert_eq!(exported, source, "{name}");
        assert_eq!(summary.packets, source.len() as u64);
    }
}

#[test]
fn filters_choose_packets() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let export = |filter| {
        let mut out = Vec::new();
        data.export(TimeRange::ALL, filter, &mut out).unwrap();
        packets(CaptureReader::new(out.as_slice()).unwrap()).len()
    };
    let all = export(ExportFilter::All);
    let (tcp, rest) = (export(ExportFilter::Bpf("tcp".into())), export(ExportFilter::Bpf("not tcp".into())));
    assert!(tcp > 0 && rest > 0);
    assert_eq!(tcp + rest, all);
    let failed =
        export(ExportFilter::Kfl(Box::new(kfl::parse("http and response.status >= 400", 0).unwrap())));
    assert!(failed > 0 && failed < tcp, "{failed} of {tcp}");
    let error =
        data.export(TimeRange::ALL, ExportFilter::Bpf("no such thing".into()), Vec::new()).unwrap_err();
    assert_eq!(error.kind(), indexer::ErrorKind::Invalid);
}

#[test]
fn an_entry_leads_to_its_packets() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let query = kfl::parse("http and response.status == 404", 0).unwrap();
    let options = QueryOptions { order: Order::Ascending, ..QueryOptions::default() };
    let mut rows = Vec::new();
    let mut keep = |entry| {
        rows.push(entry);
        ControlFlow::Continue(())
    };
    data.query(&query, options, &mut keep).unwrap();
    assert!(!rows.is_empty());
    for row in rows {
        let entry = data.entry(row["id"].as_str().unwrap()).unwrap().unwrap();
        assert_eq!(entry["response"]["status"], 404);
        assert!(entry["response"]["content"]["text"].is_string(), "{entry}");
        let packets = data.packets(&row).unwrap();
        let holds = |needle: &str| {
            packets.iter().any(|packet| packet.data.windows(needle.len()).any(|at| at == needle.as_bytes()))
        };
        assert!(holds(" 404 "), "the status line is in the packets");
        assert!(holds(row["request"]["url"].as_str().unwrap()), "and so is the target");
    }
    assert!(data.entry("chain-0-0000000000.1.999999").unwrap().is_none());
    assert!(data.entry("nonsense").is_err());
}

#[test]
fn a_flow_is_opened_however_many_segments_it_takes() {
    let dir = recording::data_dir();
    let indexing = Indexing::start(dir.path()).unwrap();
    let mut recorder = Recorder::new(dir.path(), "long");
    recorder.record("redis.pcapng", 8);
    recorder.seal();
    indexing.drain();
    let data = Data::open(dir.path()).unwrap();
    let options = QueryOptions { order: Order::Ascending, ..QueryOptions::default() };
    let (mut most, mut flows) = (0, 0);
    data.query(&kfl::parse("tcp", 0).unwrap(), options, &mut |row| {
        let end = |name: &str| {
            let segment = row["packets"][name]["segment"].as_str().unwrap();
            segment.parse::<SegmentId>().unwrap().sequence
        };
        most = most.max(end("last") - end("first"));
        flows += 1;
        let entry = data.entry(row["id"].as_str().unwrap()).unwrap();
        assert_eq!(entry.expect("the entry of a row")["flow"], row["flow"]);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(flows > 5 && most > 20, "{flows} flows, the longest over {most} segments");
}
