//! Makes data directories from the captures in `fixtures/captures`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use segment::capture_file::CaptureReader;
use segment::{Chain, Digest, Record, SegmentId, SegmentWriter, SigningKey, WriterOptions};
use tempfile::TempDir;

/// The captures that lie in the repository.
pub const CAPTURES: [&str; 3] = ["dns-dnsmasq.pcapng", "http-nginx.pcapng", "shop.pcapng"];

/// Where a capture lies.
pub fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/captures").join(name)
}

/// An empty data directory.
pub fn data_dir() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("open")).unwrap();
    fs::create_dir(dir.path().join("sealed")).unwrap();
    dir
}

/// Writes captures as segments of a chain, as a recorder would.
pub struct Recorder {
    dir: PathBuf,
    chain: Chain,
    sequence: u64,
    previous: Option<Digest>,
    writer: Option<SegmentWriter>,
    key: SigningKey,
}

impl Recorder {
    pub fn new(dir: &Path, chain: &str) -> Self {
        let key = SigningKey::from_bytes(&[7; 32]);
        let chain = chain.parse().unwrap();
        Self { dir: dir.to_owned(), chain, sequence: 0, previous: None, writer: None, key }
    }

    /// Records a capture; a new segment begins every `packets_per_segment` packets. Leaves the last one open.
    pub fn record(&mut self, name: &str, packets_per_segment: u64) {
        let mut reader = CaptureReader::new(File::open(capture(name)).unwrap()).unwrap();
        let mut interfaces = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            match record {
                Record::Interface(_, interface) => {
                    self.writer().add_interface(&interface).unwrap();
                    interfaces.push(interface);
                }
                Record::Packet(packet) => {
                    self.writer().append(&packet).unwrap();
                    if self.writer().packets() >= packets_per_segment {
                        self.seal();
                        for interface in &interfaces {
                            self.writer().add_interface(interface).unwrap();
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The segment that is being written.
    pub fn writer(&mut self) -> &mut SegmentWriter {
        let id = SegmentId { chain: self.chain.clone(), sequence: self.sequence };
        let options =
            WriterOptions { previous: self.previous, frame_bytes_max: 8 << 10, ..WriterOptions::default() };
        let dir = self.dir.join("open");
        self.writer.get_or_insert_with(|| SegmentWriter::create(&dir, id, options).unwrap())
    }

    pub fn seal(&mut self) {
        if let Some(writer) = self.writer.take() {
            let manifest = writer.seal(&self.dir.join("sealed"), &self.key).unwrap();
            self.previous = Some(manifest.blake3_root);
            self.sequence += 1;
        }
    }
}

/// A data directory with all captures, in several segments each, sealed and not indexed.
pub fn recorded() -> TempDir {
    let dir = data_dir();
    for (number, name) in CAPTURES.iter().enumerate() {
        let mut recorder = Recorder::new(dir.path(), &format!("chain-{number}"));
        recorder.record(name, 150);
        recorder.seal();
    }
    dir
}

/// The same, indexed.
pub fn indexed() -> TempDir {
    let dir = recorded();
    indexer::reindex(dir.path(), segment::TimeRange::ALL, &mut |_, _| ()).unwrap();
    dir
}
