//! What was captured can be had back: import, then export, gives the same packets.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use segment::capture_file::CaptureReader;
use segment::{LinkType, Record, Timestamp};
use serde_json::Value;

use crate::command::{Bench, REMORA, corpus, skip};

/// Captures imported by one process: the start of a process costs more than most of them.
const BATCH: usize = 64;

#[derive(PartialEq, Eq, Debug)]
struct Plain {
    timestamp: Timestamp,
    link_type: LinkType,
    original_length_bytes: u32,
    data: Vec<u8>,
    interface: String,
}

/// Every packet that can be read; damage is passed over as far as the file allows.
fn packets(input: impl Read) -> Vec<Plain> {
    let mut packets = Vec::new();
    let Ok(mut reader) = CaptureReader::new(input) else { return packets };
    let mut names = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(Record::Interface(_, interface))) => names.push(interface.name),
            Ok(Some(Record::Packet(packet))) => packets.push(Plain {
                timestamp: packet.timestamp,
                link_type: packet.link_type,
                original_length_bytes: packet.original_length_bytes,
                data: packet.data.to_vec(),
                interface: names[packet.interface.0 as usize].clone(),
            }),
            Ok(Some(_)) => {}
            Ok(None) => return packets,
            Err(error) if error.resumes => {}
            Err(_) => return packets,
        }
    }
}

fn captures(folder: &Path) -> Vec<PathBuf> {
    let is_capture = |path: &PathBuf| {
        path.extension()
            .is_some_and(|end| ["pcap", "pcapng", "cap", "trace", "dmp"].iter().any(|known| end == *known))
    };
    let mut captures: Vec<PathBuf> = [folder.to_owned(), folder.join("malformed")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(is_capture)
        .collect();
    captures.sort();
    captures
}

#[test]
fn every_capture_of_the_corpus_comes_back_packet_by_packet() {
    let Some(folder) = corpus() else { return };
    if !Path::new(REMORA).with_file_name("remora-recorder").is_file() {
        return skip("no recorder beside remora");
    }
    let captures = captures(&folder);
    let (mut total, mut different) = (0, Vec::new());
    for batch in captures.chunks(BATCH) {
        let bench = Bench::new();
        // `--again`: some captures of the corpus are the same file under two names.
        let import = bench.remora().args(["import", "--again", "--json"]).args(batch).output().unwrap();
        let chains = chains(&import.stdout);
        assert_eq!(
            chains.len(),
            batch.len(),
            "one answer a file: {}",
            String::from_utf8_lossy(&import.stderr)
        );
        let export = bench.remora().args(["export", "-o", "-"]).output().unwrap();
        let mut exported = packets(export.stdout.as_slice());
        // Chains are exported one behind the other, in the order of their names.
        let mut sources: Vec<_> = chains.iter().zip(batch).collect();
        sources.sort();
        for (_, capture) in sources {
            let source = packets(File::open(capture).unwrap());
            total += source.len();
            let rest = exported.split_off(source.len().min(exported.len()));
            if exported != source {
                different.push(format!(
                    "{}: {} of {} packets",
                    capture.display(),
                    exported.len(),
                    source.len()
                ));
            }
            exported = rest;
        }
        assert!(exported.is_empty(), "{} packets too many", exported.len());
    }
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    println!(
        "{} captures, {total} packets: equal in bytes, times, lengths, link types and interfaces",
        captures.len()
    );
}

/// The chain of each imported file, in the order of the files; empty where nothing could be read.
fn chains(events: &[u8]) -> Vec<String> {
    let events =
        std::str::from_utf8(events).unwrap().lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["event"] == "imported")
        .map(|event| event["chain"].as_str().unwrap_or_default().to_owned())
        .collect()
}
