//! Finds the captures that nobody of this project made, and reads them.

use std::fs;
use std::path::{Path, PathBuf};

use segment::{InterfaceId, LinkType, Packet, PacketRef, Timestamp};

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

/// Every packet of a pcap or pcapng file that can be read.
pub fn packets(capture: &Path) -> Vec<Owned> {
    let bytes = fs::read(capture).unwrap();
    match bytes.get(..4) {
        Some([0x0A, 0x0D, 0x0D, 0x0A]) => pcapng(&bytes),
        Some(_) => pcap(&bytes),
        None => Vec::new(),
    }
}

fn u32_at(bytes: &[u8], at: usize, little: bool) -> Option<u32> {
    let word: [u8; 4] = bytes.get(at..at + 4)?.try_into().unwrap();
    Some(if little { u32::from_le_bytes(word) } else { u32::from_be_bytes(word) })
}

fn u16_at(bytes: &[u8], at: usize, little: bool) -> Option<u16> {
    let word: [u8; 2] = bytes.get(at..at + 2)?.try_into().unwrap();
    Some(if little { u16::from_le_bytes(word) } else { u16::from_be_bytes(word) })
}

fn pcap(bytes: &[u8]) -> Vec<Owned> {
    let (little, nanos_per_unit, extra) = match bytes.get(..4).unwrap() {
        [0xD4, 0xC3, 0xB2, 0xA1] => (true, 1000, 0),
        [0xA1, 0xB2, 0xC3, 0xD4] => (false, 1000, 0),
        [0x4D, 0x3C, 0xB2, 0xA1] => (true, 1, 0),
        [0xA1, 0xB2, 0x3C, 0x4D] => (false, 1, 0),
        [0x34, 0xCD, 0xB2, 0xA1] => (true, 1000, 8),
        _ => return Vec::new(),
    };
    let Some(link) = u32_at(bytes, 20, little) else { return Vec::new() };
    let link_type = LinkType(u16::try_from(link & 0xFFFF).unwrap());
    let (mut at, mut packets) = (24, Vec::new());
    let mut next = || {
        let seconds = i64::from(u32_at(bytes, at, little)?);
        let fraction = i64::from(u32_at(bytes, at + 4, little)?);
        let captured = u32_at(bytes, at + 8, little)? as usize;
        let original_length_bytes = u32_at(bytes, at + 12, little)?;
        let data = bytes.get(at + 16 + extra..at + 16 + extra + captured)?.to_vec();
        at += 16 + extra + captured;
        let timestamp = Timestamp::from_nanos(seconds * 1_000_000_000 + fraction * nanos_per_unit);
        Some(Owned { timestamp, interface: InterfaceId(0), link_type, original_length_bytes, data })
    };
    while let Some(packet) = next() {
        packets.push(packet);
    }
    packets
}

fn pcapng(bytes: &[u8]) -> Vec<Owned> {
    let (mut little, mut interfaces, mut packets) = (true, Vec::new(), Vec::new());
    let mut rest = bytes;
    while rest.len() >= 12 {
        if rest[..4] == [0x0A, 0x0D, 0x0D, 0x0A] {
            little = rest[8..12] == [0x4D, 0x3C, 0x2B, 0x1A];
            interfaces.clear();
        }
        let length = u32_at(rest, 4, little).unwrap() as usize;
        let Some(body) = length.checked_sub(4).and_then(|end| rest.get(8..end)) else { break };
        let kind = u32_at(rest, 0, little).unwrap();
        match kind {
            1 => interfaces.push(interface(body, little)),
            2 | 6 => packets.extend(enhanced(body, little, &interfaces, kind)),
            3 => packets.extend(simple(body, little, &interfaces)),
            _ => {}
        }
        rest = &rest[length.min(rest.len())..];
    }
    packets
}

/// Link type, and time stamps per second.
fn interface(body: &[u8], little: bool) -> (LinkType, i128) {
    let (mut per_second, mut at) = (1_000_000, 8);
    while let (Some(code), Some(length)) = (u16_at(body, at, little), u16_at(body, at + 2, little)) {
        if code == 9 {
            let value = body[at + 4];
            let exponent = u32::from(value & 0x7F);
            per_second = if value & 0x80 == 0 { 10_i128.pow(exponent) } else { 1 << exponent };
        }
        at += 4 + usize::from(length).next_multiple_of(4);
    }
    (LinkType(u16_at(body, 0, little).unwrap()), per_second)
}

fn enhanced(body: &[u8], little: bool, interfaces: &[(LinkType, i128)], kind: u32) -> Option<Owned> {
    // The older packet block has 16 bits of interface and 16 of drops.
    let interface = if kind == 2 { u32::from(u16_at(body, 0, little)?) } else { u32_at(body, 0, little)? };
    let &(link_type, per_second) = interfaces.get(interface as usize)?;
    let ticks = i128::from(u32_at(body, 4, little)?) << 32 | i128::from(u32_at(body, 8, little)?);
    let captured = u32_at(body, 12, little)? as usize;
    Some(Owned {
        timestamp: Timestamp::from_nanos((ticks * 1_000_000_000 / per_second) as i64),
        interface: InterfaceId(interface),
        link_type,
        original_length_bytes: u32_at(body, 16, little)?,
        data: body.get(20..20 + captured)?.to_vec(),
    })
}

fn simple(body: &[u8], little: bool, interfaces: &[(LinkType, i128)]) -> Option<Owned> {
    let original_length_bytes = u32_at(body, 0, little)?;
    let data = body.get(4..)?;
    let kept = data.len().min(original_length_bytes as usize);
    Some(Owned {
        timestamp: Timestamp::from_nanos(0),
        interface: InterfaceId(0),
        link_type: interfaces.first()?.0,
        original_length_bytes,
        data: data[..kept].to_vec(),
    })
}
