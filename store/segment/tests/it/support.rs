//! Segments to test with.

use std::path::{Path, PathBuf};

use segment::{
    Interface, InterfaceId, LinkType, Manifest, Packet, Record, SegmentId, SegmentReader, SegmentWriter,
    SigningKey, Timestamp, WriterOptions,
};

pub fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

pub fn id() -> SegmentId {
    "test-0000000003".parse().unwrap()
}

pub fn ethernet(name: &str) -> Interface {
    Interface {
        name: name.to_owned(),
        description: String::new(),
        link_type: LinkType::ETHERNET,
        snap_length_bytes: 0,
        filter: String::new(),
    }
}

pub fn packet(nanos: i64, data: &[u8]) -> Packet<'_> {
    Packet {
        timestamp: Timestamp::from_nanos(nanos),
        interface: InterfaceId(0),
        link_type: LinkType::ETHERNET,
        original_length_bytes: u32::try_from(data.len()).unwrap(),
        data,
        comment: None,
    }
}

/// An Ethernet frame with a UDP datagram that carries `payload`.
pub fn datagram(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    let length = u16::try_from(28 + payload.len()).unwrap().to_be_bytes();
    data.extend_from_slice(&[
        0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ]);
    data.extend_from_slice(&port.to_be_bytes());
    data.extend_from_slice(&53u16.to_be_bytes());
    data.extend_from_slice(&u16::try_from(8 + payload.len()).unwrap().to_be_bytes());
    data.extend_from_slice(&[0, 0]);
    data.extend_from_slice(payload);
    data
}

/// Directories `open` and `sealed`, gone when dropped.
pub struct Room {
    pub root: tempfile::TempDir,
}

impl Room {
    pub fn new() -> Self {
        // Memory, where there is some: thousands of small files are synced here.
        let shm = Path::new("/dev/shm");
        let root = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        std::fs::create_dir(root.path().join("open")).unwrap();
        std::fs::create_dir(root.path().join("sealed")).unwrap();
        Self { root }
    }

    pub fn open(&self) -> PathBuf {
        self.root.path().join("open")
    }

    pub fn sealed(&self) -> PathBuf {
        self.root.path().join("sealed")
    }

    pub fn writer(&self, options: WriterOptions) -> SegmentWriter {
        SegmentWriter::create(&self.open(), id(), options).unwrap()
    }

    pub fn sealed_path(&self) -> PathBuf {
        self.sealed().join(id().file_name())
    }

    pub fn open_path(&self) -> PathBuf {
        self.open().join(id().file_name())
    }

    pub fn seal(&self, writer: SegmentWriter) -> Manifest {
        writer.seal(&self.sealed(), &key()).unwrap()
    }
}

pub fn options() -> WriterOptions {
    WriterOptions { node: "node-1".to_owned(), boot_id: "boot-1".to_owned(), ..WriterOptions::default() }
}

/// Calls `visit` with every record from here to the end.
pub fn each_record(reader: &mut SegmentReader, mut visit: impl FnMut(Record<'_>)) {
    while let Some(frame) = reader.next_frame().unwrap() {
        for record in frame.records() {
            visit(record.unwrap().1);
        }
        reader.recycle(frame);
    }
}

/// Packet data from here to the end.
pub fn payloads(reader: &mut SegmentReader) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    each_record(reader, |record| {
        if let Record::Packet(packet) = record {
            found.push(packet.data.to_vec());
        }
    });
    found
}
