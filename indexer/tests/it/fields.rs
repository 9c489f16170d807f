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
fn captures() -> Vec<PathBuf> {
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

/// Each exchange of a capture as the entry and as the row.
pub fn entries(capture: &Path, tell: &mut impl FnMut(Value, Value)) {
    let (mut dissector, names) = (Dissector::new(Limits::default()), Names::default());
    let chain: segment::Chain = "it".parse().unwrap();
    let (mut whole, mut row) = (Naming::new(chain.clone()), Naming::new(chain));
    let mut sink = |exchange: dissect::Exchange| {
        let (_, kept) = entry::entry(&mut whole, &names, &exchange, Bodies::Kept);
        let (_, left) = entry::entry(&mut row, &names, &exchange, Bodies::Left);
        tell(kept, left);
    };
    let Ok(mut reader) = CaptureReader::new(File::open(capture).unwrap()) else { return };
    let mut index = 0;
    while let Ok(Some(record)) = reader.next() {
        if let Record::Packet(packet) = record {
            dissector.packet(&packet, PacketRef { sequence: 0, frame: 1, index }, &mut sink);
            index += 1;
        }
    }
    dissector.finish(&mut sink);
}

#[test]
fn every_field_is_described_and_rows_leave_out_bodies_only() {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for capture in captures() {
        entries(&capture, &mut |kept, left| {
            let name = kept["protocol"]["abbr"].as_str().unwrap_or("none").to_owned();
            let undescribed = entry::undescribed(&kept);
            assert!(undescribed.is_empty(), "{name} in {}: {undescribed:?}", capture.display());
            let bare = entry::without_bodies(kept);
            assert_eq!(bare, left, "{name} in {}", capture.display());
            *counts.entry(name).or_default() += 1;
        });
    }
    eprintln!("{counts:?}");
    for description in entry::ALL {
        assert!(counts.contains_key(description.abbr), "no capture has {}", description.abbr);
    }
}
