//! Every field of every entry is described, and a row is its entry without bodies.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use dissect::{Dissector, Limits};
use indexer::entry::{self, Bodies, Naming};
use indexer::names::Names;
use segment::capture_file::CaptureReader;
use segment::{PacketRef, Record};
use serde_json::Value;

/// The captures in the repository, and those of the corpus where it is.
pub fn captures() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let corpus =
        std::env::var_os("REMORA_CORPUS").map_or_else(|| here.join("../../shared/corpus"), PathBuf::from);
    if !corpus.is_dir() {
        eprintln!("SKIPPED: no corpus at {}", corpus.display());
    }
    let folders = [here.join("../fixtures/captures"), corpus];
    let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    let paths = files.map(|file| file.unwrap().path());
    let is_capture = |path: &PathBuf| {
        path.extension().is_some_and(|extension| ["pcap", "pcapng", "cap"].iter().any(|e| extension == *e))
    };
    paths.filter(is_capture).collect()
}

/// Every entry of a capture; where bodies are left, dissectors don't keep them either.
pub fn entries(capture: &Path, bodies: Bodies) -> Vec<Value> {
    let body_bytes_max = if bodies == Bodies::Kept { Limits::default().body_bytes_max } else { 0 };
    let mut dissector = Dissector::new(Limits { body_bytes_max, ..Limits::default() });
    let (mut naming, names) = (Naming::new("it".parse().unwrap()), Names::default());
    let mut entries = Vec::new();
    let mut sink = |exchange: dissect::Exchange| {
        entries.push(entry::entry(&mut naming, &names, &exchange, bodies).1);
    };
    let Ok(mut reader) = CaptureReader::new(File::open(capture).unwrap()) else { return entries };
    let mut index = 0;
    while let Ok(Some(record)) = reader.next() {
        if let Record::Packet(packet) = record {
            dissector.packet(&packet, PacketRef { sequence: 0, frame: 1, index }, &mut sink);
            index += 1;
        }
    }
    dissector.finish(&mut sink);
    entries
}

/// What a row says other than its entry.
fn differing(whole: &Value, row: &Value, path: &str) -> Vec<String> {
    match (whole, row) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            let of =
                |list: &serde_json::Map<String, Value>, key: &str| list.get(key).cloned().unwrap_or_default();
            keys.into_iter()
                .flat_map(|key| differing(&of(a, key), &of(b, key), &format!("{path}.{key}")))
                .collect()
        }
        _ if whole == row => Vec::new(),
        _ => vec![format!("{path}: {whole} in the entry, {row} in the row")],
    }
}

#[test]
fn every_field_is_described_and_rows_leave_out_bodies_only() {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for capture in captures() {
        let (whole, rows) = (entries(&capture, Bodies::Kept), entries(&capture, Bodies::Left));
        assert_eq!(whole.len(), rows.len(), "{}", capture.display());
        for (whole, row) in whole.into_iter().zip(rows) {
            let name = whole["protocol"]["abbr"].as_str().unwrap_or("none").to_owned();
            let undescribed = entry::undescribed(&whole);
            assert!(undescribed.is_empty(), "{name} in {}: {undescribed:?}", capture.display());
            let differing = differing(&entry::without_bodies(whole), &row, "");
            assert!(differing.is_empty(), "{name} in {}: {differing:#?}", capture.display());
            *counts.entry(name).or_default() += 1;
        }
    }
    eprintln!("{counts:?}");
    for description in entry::ALL {
        assert!(counts.contains_key(description.abbr), "no capture has {}", description.abbr);
    }
}
