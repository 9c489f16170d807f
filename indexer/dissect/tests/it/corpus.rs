//! Finds the captures that nobody of this project made, and reads them.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use segment::capture_file::CaptureReader;
use segment::{InterfaceId, LinkType, Packet, PacketRef, Record, Timestamp};

/// The folder of the captures; `None`, said visibly, where it is absent.
pub fn corpus() -> Option<PathBuf> {
    let folder = std::env::var_os("REMORA_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: no corpus at {}", folder.display());
    None
}

/// The captures that have `FILE{suffix}` beside them, in order of their names.
pub fn with_oracle(folder: &Path, suffix: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let name = path.to_str()?.strip_suffix(suffix)?.to_owned();
            Some(PathBuf::from(name))
        })
        .collect();
    files.sort();
    files
}

/// The lines of `FILE{suffix}`.
pub fn oracle(capture: &Path, suffix: &str) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(format!("{}{suffix}", capture.display())).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A packet with its own copy of the bytes.
#[derive(Clone, Debug)]
pub struct Owned {
    pub timestamp: Timestamp,
    pub interface: InterfaceId,
    pub link_type: LinkType,
    pub original_length_bytes: u32,
    pub data: Vec<u8>,
}

impl Owned {
    pub fn packet(&self) -> Packet<'_> {
        Packet {
            timestamp: self.timestamp,
            interface: self.interface,
            link_type: self.link_type,
            original_length_bytes: self.original_length_bytes,
            data: &self.data,
            comment: None,
        }
    }
}

/// The place of packet `number` of a file.
pub fn place(number: usize) -> PacketRef {
    PacketRef { sequence: 0, frame: 1, index: u32::try_from(number).unwrap() }
}

/// Every packet of a pcap or pcapng file that can be read; nothing of other formats.
pub fn packets(capture: &Path) -> Vec<Owned> {
    let Ok(mut reader) = CaptureReader::new(BufReader::new(File::open(capture).unwrap())) else {
        return Vec::new();
    };
    let mut packets = Vec::new();
    loop {
        match reader.next() {
            Ok(Some(Record::Packet(packet))) => packets.push(Owned {
                timestamp: packet.timestamp,
                interface: packet.interface,
                link_type: packet.link_type,
                original_length_bytes: packet.original_length_bytes,
                data: packet.data.to_vec(),
            }),
            Ok(Some(_)) => {}
            Err(error) if error.resumes => {}
            Ok(None) | Err(_) => return packets,
        }
    }
}
