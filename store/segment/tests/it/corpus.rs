//! Capture files that others made, read and compared with what tshark read.

use std::fs::File;
use std::path::{Path, PathBuf};

use segment::capture_file::{CaptureError, CaptureReader};
use segment::{PcapngWriter, Reading, Record, SegmentReader};

use crate::support::{Room, each_record, options};

/// The folder with captures, if there is one.
pub fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("REMORA_CORPUS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no corpus at {}", folder.display());
    None
}

/// Every file of the corpus that may be a capture.
pub fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [folder.to_path_buf(), folder.join("malformed")] {
        let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let other = ["json", "jsonl", "md", "py"];
        let capture = |path: &PathBuf| {
            path.is_file() && !other.contains(&path.extension().unwrap_or_default().to_str().unwrap())
        };
        found.extend(entries.filter(capture));
    }
    found.sort();
    found
}

/// Time, captured length, original length of every packet, and the errors on the way.
pub fn read_capture(path: &Path) -> (Vec<(i64, u64, u64)>, Vec<CaptureError>) {
    let (mut packets, mut errors) = (Vec::new(), Vec::new());
    let mut reader = match CaptureReader::new(File::open(path).unwrap()) {
        Ok(reader) => reader,
        Err(error) => return (packets, vec![error]),
    };
    loop {
        match reader.next() {
            Ok(None) => return (packets, errors),
            Ok(Some(Record::Packet(packet))) => {
                let captured = u64::try_from(packet.data.len()).unwrap();
                packets.push((packet.timestamp.nanos(), captured, u64::from(packet.original_length_bytes)));
            }
            Ok(Some(_)) => {}
            Err(error) => errors.push(error),
        }
        // Each error is behind at least twelve more bytes of the file.
        assert!(errors.len() < 100_000, "{}: no end of errors", path.display());
    }
}

/// What `FILE.packets.jsonl` says: time, captured length, original length.
fn oracle(path: &Path) -> Option<Vec<(i64, u64, u64)>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".packets.jsonl");
    let text = std::fs::read_to_string(name).ok()?;
    let packet = |line: &str| {
        let json: serde_json::Value = serde_json::from_str(line).unwrap();
        // tshark lists custom blocks of makers it doesn't know as packets.
        if json["time"] == "" && json["protocols"] == "data" {
            return Some(None);
        }
        // Simple Packet Blocks have no time.
        let (seconds, fraction) = json["time"].as_str()?.split_once('.').unwrap_or(("0", "0"));
        let nanos = seconds.parse::<i64>().ok()? * 1_000_000_000 + fraction.parse::<i64>().ok()?;
        Some(Some((nanos, json["cap_len"].as_u64()?, json["len"].as_u64()?)))
    };
    let packet = |line| packet(line).unwrap_or_else(|| panic!("{}: {line}", path.display()));
    Some(text.lines().filter_map(packet).collect())
}

#[test]
fn captures_are_read_as_tshark_reads_them() {
    let Some(folder) = corpus() else { return };
    let (mut compared, mut total, mut differing) = (0, 0, Vec::new());
    for path in captures(&folder) {
        let (packets, errors) = read_capture(&path);
        total += 1;
        for error in &errors {
            println!("{}: after {} packets: {error}", path.file_name().unwrap().display(), packets.len());
        }
        // tshark reads formats that we only name.
        if errors.iter().any(|error| error.reason.starts_with("neither pcap nor pcapng")) {
            continue;
        }
        let Some(expected) = oracle(&path) else { continue };
        compared += 1;
        if packets != expected {
            let at = packets.iter().zip(&expected).position(|(a, b)| a != b);
            differing.push(format!(
                "{}: {} packets, tshark {}; first difference {at:?}: {:?}, tshark {:?}",
                path.display(),
                packets.len(),
                expected.len(),
                at.map(|at| packets[at]),
                at.map(|at| expected[at]),
            ));
        }
    }
    println!("{total} files read, {compared} compared packet by packet");
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// Everything that reading a capture gives, copied.
fn copy_capture(path: &Path, mut keep: impl FnMut(Record<'_>)) {
    let Ok(mut reader) = CaptureReader::new(File::open(path).unwrap()) else { return };
    loop {
        match reader.next() {
            Ok(None) => return,
            Ok(Some(record)) => keep(record),
            Err(_) => {}
        }
    }
}

#[test]
fn what_a_capture_holds_can_be_had_back_from_a_segment_and_from_an_export() {
    let Some(folder) = corpus() else { return };
    let mut total = 0;
    for path in captures(&folder) {
        let room = Room::new();
        let mut writer = room.writer(options());
        let mut export = PcapngWriter::new(Vec::new(), "test").unwrap();
        let mut expected = Vec::new();
        copy_capture(&path, |record| {
            if matches!(record, Record::Unknown { .. }) {
                return;
            }
            expected.push(format!("{record:?}"));
            writer.append_record(&record).unwrap();
            match &record {
                Record::Interface(_, interface) => drop(export.add_interface(interface).unwrap()),
                record => export.record(record).unwrap(),
            }
        });
        room.seal(writer);
        let mut found = Vec::new();
        let mut reader = SegmentReader::open(&room.sealed_path(), Reading::Strict).unwrap();
        each_record(&mut reader, |record| found.push(format!("{record:?}")));
        assert!(found == expected, "{}", path.display());
        let exported = room.root.path().join("export.pcapng");
        std::fs::write(&exported, export.finish().unwrap()).unwrap();
        found.clear();
        copy_capture(&exported, |record| found.push(format!("{record:?}")));
        assert!(found == expected, "{}", path.display());
        total += expected.len();
    }
    println!("{total} records had back");
}

#[test]
fn captures_damaged_anywhere_are_read_without_panic_and_to_an_end() {
    let Some(folder) = corpus() else { return };
    let (mut read, mut seed) = (0, 1usize);
    for path in captures(&folder) {
        let bytes = std::fs::read(&path).unwrap();
        if bytes.is_empty() || bytes.len() > 20_000 {
            continue;
        }
        for _ in 0..40 {
            let mut changed = bytes.clone();
            for _ in 0..3 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                // Early bytes are the headers: hit them more often.
                let place = (seed >> 33) % if seed & 1 == 0 { changed.len() } else { changed.len().min(200) };
                changed[place] = seed.to_be_bytes()[1];
            }
            let Ok(mut reader) = CaptureReader::new(&changed[..]) else { continue };
            let steps = (0..).take_while(|_| !matches!(reader.next(), Ok(None))).count();
            assert!(steps <= changed.len());
            read += 1;
        }
    }
    println!("{read} damaged captures read");
}
