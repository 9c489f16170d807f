//! Imports: what was in the file is in the segments, twice is noticed, damage is said.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use segment::LossCause;
use serde_json::Value;

use crate::harness::{BINARY, content, sealed};

/// A classic pcap file of `packets` Ethernet packets, little-endian, microseconds.
fn pcap(packets: u32) -> Vec<u8> {
    let mut file = Vec::new();
    for field in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        file.extend_from_slice(&field.to_le_bytes());
    }
    for number in 0..packets {
        let data = vec![u8::try_from(number % 251).unwrap(); 60 + number as usize % 1000];
        let length = u32::try_from(data.len()).unwrap();
        for field in [1_700_000_000 + number / 1000, number % 1000, length, length + 4] {
            file.extend_from_slice(&field.to_le_bytes());
        }
        file.extend_from_slice(&data);
    }
    file
}

fn import(data: &Path, arguments: &[&str], input: Option<&[u8]>) -> (Output, Vec<Value>) {
    let mut child = Command::new(BINARY)
        .args(["import", "--data"])
        .arg(data)
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        pipe.write_all(input).unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let events = String::from_utf8(output.stdout.clone()).unwrap();
    (output, events.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn imported(events: &[Value]) -> &Value {
    events.iter().find(|event| event["event"] == "imported").unwrap()
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_file_is_kept_packet_by_packet_and_importing_it_twice_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let path = file(folder.path(), "a.pcap", &pcap(3000));
    let path = path.to_str().unwrap();
    let (output, events) = import(&data, &["--progress", "json", path], None);
    assert!(output.status.success());
    assert_eq!(imported(&events)["packets"], 3000);
    assert!(
        events
            .iter()
            .any(|event| event["event"] == "progress" && event["bytes_done"] == event["bytes_total"])
    );
    let content = content(&sealed(&data)[0]);
    assert_eq!(content.packets.len(), 3000);
    assert_eq!(content.packets[1001].1, vec![u8::try_from(1001 % 251).unwrap(); 61]);
    let range = content.manifest.range.unwrap();
    assert_eq!(range.start().nanos(), 1_700_000_000_000_000_000);
    assert_eq!(range.end().nanos(), 1_700_000_002_000_999_001);
    assert_eq!(content.manifest.original_bytes, content.manifest.bytes + 4 * 3000);

    let (output, events) = import(&data, &[path], None);
    assert!(output.status.success());
    assert_eq!(imported(&events)["already"], true);
    assert_eq!(sealed(&data).len(), 1);

    let (_, events) = import(&data, &["--again", path], None);
    assert!(imported(&events)["chain"].as_str().unwrap().ends_with("-2"));
    assert_eq!(sealed(&data).len(), 2);
}

#[test]
fn compressed_files_and_standard_input_are_read_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let plain = pcap(2000);
    let half = plain.len() / 2;
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zstd =
        |bytes: &[u8]| ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest);
    // Several members or frames, and a skippable frame between them.
    let gz = [gzip(&plain[..half]), gzip(&plain[half..])].concat();
    let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    let zst = [zstd(&plain[..half]), skippable, zstd(&plain[half..])].concat();
    for (name, bytes) in [("a.pcap.gz", gz), ("a.pcap.zst", zst)] {
        let path = file(folder.path(), name, &bytes);
        let (output, events) = import(&data, &[path.to_str().unwrap()], None);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(imported(&events)["packets"], 2000, "{name}");
    }
    let (_, events) = import(&data, &["-"], Some(&plain));
    assert_eq!(imported(&events)["packets"], 2000);
    let (_, events) = import(&data, &["-"], Some(&plain));
    assert_eq!(imported(&events)["already"], true);
    assert_eq!(sealed(&data).len(), 3);
    assert_eq!(std::fs::read_dir(data.join("open")).unwrap().count(), 0);
}

#[test]
fn a_damaged_file_gives_what_can_be_read_and_says_where_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut bytes = pcap(100);
    bytes.truncate(bytes.len() - 10);
    let path = file(folder.path(), "cut.pcap", &bytes);
    let (output, events) = import(&data, &[path.to_str().unwrap()], None);
    assert_eq!(output.status.code(), Some(1));
    let event = imported(&events);
    assert_eq!(event["packets"], 99);
    let problem = event["problem"].as_str().unwrap();
    assert!(problem.contains("byte"), "{problem}");
    let content = content(&sealed(&data)[0]);
    assert_eq!(content.losses.len(), 1);
    assert_eq!(content.losses[0].cause, LossCause::Damaged);
    assert!(problem.starts_with(&content.losses[0].note), "{problem}");
}

#[test]
fn what_is_no_capture_is_said_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let path = file(folder.path(), "a.txt", b"hello, I am no capture");
    let (output, events) = import(&data, &[path.to_str().unwrap(), "/no/such/file"], None);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(imported(&events)["segments"], 0);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("text") && said.contains("/no/such/file") && said.lines().count() == 2, "{said}");
    assert!(sealed(&data).is_empty());
}

#[test]
fn a_large_file_becomes_a_chain() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let path = file(folder.path(), "a.pcap", &pcap(60_000));
    let (_, events) = import(&data, &["--rotate-bytes", "300KiB", path.to_str().unwrap()], None);
    let segments = sealed(&data);
    assert_eq!(imported(&events)["segments"], segments.len() as u64);
    assert!(segments.len() > 2);
    let contents: Vec<_> = segments.iter().map(|path| content(path)).collect();
    assert_eq!(contents.iter().map(|content| content.packets.len()).sum::<usize>(), 60_000);
    for pair in contents.windows(2) {
        assert_eq!(pair[1].manifest.previous, Some(pair[0].manifest.blake3_root));
    }
}

#[test]
fn a_segment_of_ours_is_a_capture_file_too() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let path = file(folder.path(), "a.pcap", &pcap(500));
    import(&data, &[path.to_str().unwrap()], None);
    let second = folder.path().join("second");
    let (output, events) = import(&second, &[sealed(&data)[0].to_str().unwrap()], None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(imported(&events)["packets"], 500);
    assert_eq!(content(&sealed(&second)[0]).packets, content(&sealed(&data)[0]).packets);
}
