//! The open segment: which interfaces it knows, what of it is on disk, when its seal is due.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use segment::{
    Digest, Interface, InterfaceId, InterfaceStatistics, LinkType, Loss, Packet, Record, SegmentId,
    SegmentWriter, TimeRange, Timestamp, WriterOptions,
};

use crate::batch::Head;
use crate::cli::CaptureConfig;
use crate::data::{DataDir, boot_id, host_name};
use crate::error::Error;
use crate::ledger::Missing;
use crate::report::SourceCounters;
use crate::source::{ANY, interface_name};
use crate::writer::disk::SyncJob;

/// Interfaces that `any` tells apart in one segment; packets of later ones are put under `any`.
const INTERFACES_OF_ANY_MAX: usize = 4096;
/// A frame ends, and a sync follows, at this part of `--flush-after`. The rest of it is the way to
/// here (the kernel's block, the batch and the writer's tick, 100 ms each) and the sync itself.
const FLUSH_PERCENT: u32 = 40;
/// However short `--flush-after` is, frames of less than this would be mostly overhead.
const FLUSH_MIN: Duration = Duration::from_millis(50);

/// One source, as the writer knows it.
#[derive(Clone, Debug)]
pub struct SourceInfo {
    /// The interface, or `any`.
    pub name: String,
    /// How its packets begin.
    pub link_type: LinkType,
    /// Whether it can be read.
    pub up: bool,
    /// Its counters.
    pub counters: SourceCounters,
}

/// The segment that is being written.
pub struct OpenSegment {
    writer: SegmentWriter,
    id: SegmentId,
    path: PathBuf,
    inode: u64,
    opened: Instant,
    interfaces: HashMap<(usize, u32), InterfaceId>,
    latest: Option<((usize, u32), InterfaceId)>,
    pending_since: Option<Instant>,
    /// Losses in the frame that is being filled.
    pending_losses: Vec<Loss>,
    written_packets: u64,
    sync_asked: Instant,
    sync_asked_packets: u64,
}

impl OpenSegment {
    /// Makes the file, locks it, and describes every source.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn create(
        data: &DataDir,
        id: SegmentId,
        previous: Option<Digest>,
        config: &CaptureConfig,
        sources: &[SourceInfo],
        now: Instant,
    ) -> Result<Self, Error> {
        let system = rustix::system::uname();
        let options = WriterOptions {
            compression_level: config.compression_level,
            node: host_name(),
            boot_id: boot_id(),
            recorder: concat!("remora-recorder ", env!("CARGO_PKG_VERSION")).to_owned(),
            hardware: system.machine().to_string_lossy().into_owned(),
            system: format!("{} {}", system.sysname().to_string_lossy(), system.release().to_string_lossy()),
            previous,
            ..WriterOptions::default()
        };
        let (writer, inode) = create_locked(data, id.clone(), options)?;
        let mut segment = Self {
            writer,
            path: data.open().join(id.file_name()),
            id,
            inode,
            opened: now,
            interfaces: HashMap::new(),
            latest: None,
            pending_since: None,
            pending_losses: Vec::new(),
            written_packets: 0,
            sync_asked: now,
            sync_asked_packets: 0,
        };
        for (number, source) in sources.iter().enumerate() {
            segment.add_interface((number, 0), source.name.clone(), source.link_type, config)?;
        }
        segment.end_frame()?;
        Ok(segment)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &SegmentId {
        &self.id
    }

    /// Size of its file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.writer.written_bytes()
    }

    /// Packets in it.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.writer.packets()
    }

    /// Whether it has a name in the file system still.
    #[must_use]
    pub fn is_there(&self) -> bool {
        std::fs::metadata(&self.path).is_ok_and(|file| file.ino() == self.inode)
    }

    /// Appends a packet of source number `number`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn append(
        &mut self,
        number: usize,
        source: &SourceInfo,
        head: Head,
        data: &[u8],
        now: Instant,
        config: &CaptureConfig,
    ) -> Result<(), Error> {
        let key = (number, if source.name == ANY { sll2_interface(source.link_type, data) } else { 0 });
        let interface = match self.latest {
            Some((latest, interface)) if latest == key => interface,
            _ => self.interface(key, source, config)?,
        };
        self.latest = Some((key, interface));
        self.writer.append(&Packet {
            timestamp: head.timestamp,
            interface,
            link_type: source.link_type,
            original_length_bytes: head.original_length_bytes,
            data,
            comment: None,
        })?;
        self.note_progress(now);
        Ok(())
    }

    /// Appends a loss.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn append_loss(&mut self, loss: &Loss, now: Instant) -> Result<(), Error> {
        self.writer.append_record(&Record::Loss(loss.clone()))?;
        self.note_progress(now);
        self.pending_losses.push(loss.clone());
        Ok(())
    }

    /// Appends what the kernel counted on each source.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn append_statistics(
        &mut self,
        sources: &[SourceInfo],
        at: Timestamp,
        now: Instant,
    ) -> Result<(), Error> {
        for (number, source) in sources.iter().enumerate() {
            let Some(interface) = self.interfaces.get(&(number, 0)) else { continue };
            let counters = &source.counters;
            self.writer.append_record(&Record::InterfaceStatistics(InterfaceStatistics {
                received: Some(counters.kernel_received),
                dropped_by_interface: Some(counters.interface_dropped),
                dropped_by_system: Some(counters.kernel_dropped),
                delivered: Some(counters.captured - counters.queue_lost),
                ..InterfaceStatistics::new(*interface, at)
            }))?;
        }
        self.note_progress(now);
        Ok(())
    }

    /// Whether records have waited long enough for their frame to fill.
    #[must_use]
    pub fn flush_is_due(&self, now: Instant, config: &CaptureConfig) -> bool {
        self.pending_since.is_some_and(|since| now.duration_since(since) >= flush_wait(config))
    }

    /// What a sync would make last, if it is time for one.
    ///
    /// # Errors
    /// If the system has no handle to give.
    pub fn due_sync(&mut self, now: Instant, config: &CaptureConfig) -> Result<Option<SyncJob>, Error> {
        let nothing_new = self.written_packets == self.sync_asked_packets;
        if nothing_new || now.duration_since(self.sync_asked) < flush_wait(config) {
            return Ok(None);
        }
        let file = self.writer.sync_handle()?;
        self.sync_asked = now;
        self.sync_asked_packets = self.written_packets;
        Ok(Some(SyncJob { file, sequence: self.id.sequence, packets: self.written_packets }))
    }

    /// Whether it is large or old enough to be sealed.
    #[must_use]
    pub fn seal_is_due(&self, now: Instant, config: &CaptureConfig) -> bool {
        self.bytes() >= config.rotation.bytes || now.duration_since(self.opened) >= config.rotation.after
    }

    /// Compresses and writes what waits.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn end_frame(&mut self) -> Result<(), Error> {
        self.writer.end_frame()?;
        self.pending_since = None;
        self.pending_losses.clear();
        self.written_packets = self.writer.packets();
        Ok(())
    }

    /// From its first to its last packet.
    #[must_use]
    pub fn range(&self) -> Option<TimeRange> {
        self.writer.time_range()
    }

    /// Gives it up: says which packets and which losses it never wrote.
    #[must_use]
    pub fn abandon(self) -> (Option<Missing>, Vec<Loss>) {
        let packets = self.writer.packets() - self.written_packets;
        let missing = self.range().filter(|_| packets > 0);
        (missing.map(|range| Missing { range, packets: Some(packets), bytes: None }), self.pending_losses)
    }

    /// The writer, for its seal.
    #[must_use]
    pub fn into_writer(self) -> SegmentWriter {
        self.writer
    }

    fn interface(
        &mut self,
        key: (usize, u32),
        source: &SourceInfo,
        config: &CaptureConfig,
    ) -> Result<InterfaceId, Error> {
        if let Some(known) = self.interfaces.get(&key) {
            return Ok(*known);
        }
        if self.interfaces.len() >= INTERFACES_OF_ANY_MAX {
            return Ok(*self.interfaces.get(&(key.0, 0)).expect("every source was added at creation"));
        }
        let name = interface_name(key.1).unwrap_or_else(|| format!("if{}", key.1));
        self.add_interface(key, name, source.link_type, config)
    }

    fn add_interface(
        &mut self,
        key: (usize, u32),
        name: String,
        link_type: LinkType,
        config: &CaptureConfig,
    ) -> Result<InterfaceId, Error> {
        let interface = Interface {
            name,
            description: String::new(),
            link_type,
            snap_length_bytes: config.snap_length_bytes,
            filter: config.filter.clone().unwrap_or_default(),
        };
        let id = self.writer.add_interface(&interface)?;
        self.interfaces.insert(key, id);
        Ok(id)
    }

    /// The segment's writer ends frames by itself; this notices.
    fn note_progress(&mut self, now: Instant) {
        let written = self.writer.packets_written();
        if written != self.written_packets {
            self.written_packets = written;
            self.pending_since = None;
            self.pending_losses.clear();
        }
        if self.pending_since.is_none() {
            self.pending_since = Some(now);
        }
    }
}

/// Creates the file and locks it, before anybody can take it for a leftover.
///
/// # Errors
/// Where the disk refuses.
pub fn create_locked(
    data: &DataDir,
    id: SegmentId,
    options: WriterOptions,
) -> Result<(SegmentWriter, u64), Error> {
    let path = data.open().join(id.file_name());
    let _alone = data.lock_open()?;
    let writer = SegmentWriter::create(&data.open(), id, options)?;
    let file = writer.sync_handle()?;
    flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|e| Error::io("lock", &path)(e.into()))?;
    let inode = file.metadata().map_err(Error::io("examine", &path))?.ino();
    Ok((writer, inode))
}

/// How long records wait for their frame to fill, and writes for their sync.
fn flush_wait(config: &CaptureConfig) -> Duration {
    (config.flush_after * FLUSH_PERCENT / 100).max(FLUSH_MIN)
}

/// The interface index of a Linux cooked header, version 2: bytes 4 to 7; 0 where there is none.
fn sll2_interface(link_type: LinkType, data: &[u8]) -> u32 {
    match data.get(4..8).map(<[u8; 4]>::try_from) {
        Some(Ok(index)) if link_type == LinkType::LINUX_SLL2 => u32::from_be_bytes(index),
        _ => 0,
    }
}
