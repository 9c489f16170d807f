//! Writes a segment: records become frames, frames become a sealed file.
//!
//! A write that fails leaves the file as it was before: the frame is kept and written by the next
//! call, and the record that was being added is refused, so that a full disk costs what comes
//! while it is full and nothing else. After a failed sync nothing can be said about the file
//! any more, so nothing more is written to it.

mod options;
mod sealing;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};

use crate::block::encode;
use crate::codec::{Header, Mark};
use crate::error::Error;
use crate::footer::{self, FRAMES_MAX, FrameEntry, OUR_MAGIC};
use crate::frame::{FrameBuilder, FrameKind};
use crate::hash::sha256_of;
use crate::id::{Digest, SegmentId};
use crate::manifest::{FORMAT_VERSION, Manifest};
use crate::packet::{Interface, InterfaceId, Packet};
use crate::record::Record;
use crate::seal::{Seal, merkle_root};
use crate::tally::{HEADER_BYTES_MAX, INTERFACES_MAX, Tally};
use crate::time::TimeRange;
use crate::zstd_frame::{FRAME_BYTES_LIMIT, Packer, skippable};

pub(crate) use options::random;
pub use options::{COMPRESSION_LEVEL, FRAME_BYTES_MAX, WriterOptions};
pub use sealing::FinishedSegment;
pub(crate) use sealing::{manifest, modified, publish, seek_table};

/// Owns the open file of a segment.
pub struct SegmentWriter {
    file: File,
    path: PathBuf,
    header: Header,
    frame_bytes_max: usize,
    builder: FrameBuilder,
    packer: Packer,
    tally: Tally,
    /// Bytes of blocks in the frames written so far.
    raw_bytes: u64,
    sha256: Sha256,
    sync_failed: bool,
}

impl SegmentWriter {
    /// Creates `open_dir/ID.pcapng.zst`; its header frame is written with the first frame that ends.
    ///
    /// # Errors
    /// If the file exists already or can't be written, or the options are impossible.
    pub fn create(open_dir: &Path, id: SegmentId, options: WriterOptions) -> Result<Self, Error> {
        if options.frame_bytes_max > FRAME_BYTES_LIMIT {
            let asked = options.frame_bytes_max;
            return Err(Error::Input(format!("frames of {asked} bytes; the most is {FRAME_BYTES_LIMIT}")));
        }
        let path = open_dir.join(id.file_name());
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(Error::io("create", &path))?;
        let section = encode::Section {
            hardware: &options.hardware,
            system: &options.system,
            application: &options.recorder,
        };
        let header = Header {
            format_version: FORMAT_VERSION,
            id,
            node: options.node.clone(),
            boot_id: options.boot_id.clone(),
            recorder: options.recorder.clone(),
            previous: options.previous,
            origin: options.origin.clone(),
            nonce: options.nonce,
        };
        let mut builder =
            FrameBuilder::with_mark(options.frame_bytes_max, Mark { nonce: options.nonce, interfaces: 0 });
        builder.section(&section, &header)?;
        Ok(Self {
            packer: Packer::new(options.compression_level).map_err(Error::io("compress", &path))?,
            file,
            path,
            header,
            frame_bytes_max: options.frame_bytes_max,
            builder,
            tally: Tally::new(),
            raw_bytes: 0,
            sha256: Sha256::new(),
            sync_failed: false,
        })
    }

    /// Goes on behind the last whole frame of an open segment, as `tally` counted it.
    pub(crate) fn resume(file: File, path: PathBuf, header: Header, tally: Tally) -> Result<Self, Error> {
        let packer = Packer::new(COMPRESSION_LEVEL).map_err(Error::io("compress", &path))?;
        let raw_bytes = tally.frames.iter().map(|frame| u64::from(frame.raw_bytes)).sum();
        let sha256 = sha256_of(&file, &path, tally.offset())?;
        let interfaces = u32::try_from(tally.interfaces.len()).unwrap_or(u32::MAX);
        let builder = FrameBuilder::with_mark(0, Mark { nonce: header.nonce, interfaces });
        let frame_bytes_max = FRAME_BYTES_MAX;
        Ok(Self {
            file,
            path,
            header,
            frame_bytes_max,
            builder,
            packer,
            tally,
            raw_bytes,
            sha256,
            sync_failed: false,
        })
    }

    /// Puts the segment's header into the frame being filled, for a segment that lost it.
    pub(crate) fn write_header(&mut self) -> Result<(), Error> {
        let section = encode::Section { application: &self.header.recorder, ..encode::Section::default() };
        self.builder.section(&section, &self.header)
    }

    /// The segment's name.
    #[must_use]
    pub fn id(&self) -> &SegmentId {
        &self.header.id
    }

    /// Where the open file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file so far.
    #[must_use]
    pub fn written_bytes(&self) -> u64 {
        self.tally.offset()
    }

    /// Packets appended, written or pending.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.tally.packets
    }

    /// Bytes of blocks, written or pending.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.raw_bytes.saturating_add(u64::try_from(self.builder.raw().len()).unwrap_or(u64::MAX))
    }

    /// From the earliest to the latest packet; `None` without packets.
    #[must_use]
    pub fn time_range(&self) -> Option<TimeRange> {
        self.tally.range()
    }

    /// Describes an interface; packets may name it from now on. In the middle of a segment this ends the frame.
    ///
    /// # Errors
    /// If there are too many interfaces, a text is too long, or ending the frame fails.
    pub fn add_interface(&mut self, interface: &Interface) -> Result<InterfaceId, Error> {
        let number = self.tally.interfaces.len();
        let id = u32::try_from(number).ok().filter(|_| number < INTERFACES_MAX);
        let id = id.ok_or_else(|| Error::Input(format!("more than {INTERFACES_MAX} interfaces")))?;
        if self.tally.header_bytes.saturating_add(self.builder.raw().len()) > HEADER_BYTES_MAX {
            return Err(Error::Input(format!("interfaces described in more than {HEADER_BYTES_MAX} bytes")));
        }
        self.make_room(FrameKind::Header, 0)?;
        self.builder.interface(interface)?;
        self.tally.add_interface(interface);
        Ok(InterfaceId(id))
    }

    /// Adds a packet; ends the frame before it where it would grow beyond its limit.
    ///
    /// # Errors
    /// If the packet can't be written, its interface wasn't added, or ending the frame fails. The packet was
    /// not taken then, and the segment goes on.
    pub fn append(&mut self, packet: &Packet<'_>) -> Result<(), Error> {
        match self.tally.interface(packet.interface) {
            Some(known) if known.interface.link_type == packet.link_type => {}
            Some(_) => {
                return Err(Error::Input("a packet of another link type than its interface".to_owned()));
            }
            None => {
                return Err(Error::Input(format!(
                    "a packet of interface {}, not added yet",
                    packet.interface.0
                )));
            }
        }
        self.make_room(FrameKind::Data, FrameBuilder::packet_length(packet)?)?;
        self.builder.packet(packet)?;
        self.tally.packet(packet);
        Ok(())
    }

    /// Adds any record; an interface must come with the number it will get.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_record(&mut self, record: &Record<'_>) -> Result<(), Error> {
        match record {
            Record::Packet(packet) => return self.append(packet),
            Record::Interface(id, interface) => {
                if usize::try_from(id.0).ok() != Some(self.tally.interfaces.len()) {
                    return Err(Error::Input(format!("interface {} out of order", id.0)));
                }
                return self.add_interface(interface).map(|_| ());
            }
            Record::InterfaceStatistics(statistics)
                if self.tally.interface(statistics.interface).is_none() =>
            {
                return Err(Error::Input(format!(
                    "statistics of interface {}, not added yet",
                    statistics.interface.0
                )));
            }
            _ => {}
        }
        self.make_room(FrameKind::Data, 0)?;
        self.builder.record(record)?;
        self.tally.record(record);
        if self.builder.raw().len() >= self.frame_bytes_max { self.end_frame() } else { Ok(()) }
    }

    /// Compresses and writes what is pending; does nothing when nothing is.
    ///
    /// # Errors
    /// If the file can't be written; what is pending is kept and written by the next call.
    pub fn end_frame(&mut self) -> Result<(), Error> {
        if self.sync_failed {
            return Err(Error::SyncFailed { path: self.path.clone() });
        }
        if self.builder.is_empty() {
            return Ok(());
        }
        if self.tally.frames.len() >= FRAMES_MAX {
            return Err(Error::Input(format!("more than {FRAMES_MAX} frames")));
        }
        let packed = self.packer.pack(self.builder.raw()).map_err(Error::io("compress", &self.path))?;
        let too_long = |_| Error::Input("a frame beyond 4 GiB".to_owned());
        let entry = FrameEntry {
            kind: self.builder.kind(),
            offset: self.tally.offset(),
            packed_bytes: u32::try_from(packed.len()).map_err(too_long)?,
            raw_bytes: u32::try_from(self.builder.raw().len()).map_err(too_long)?,
            packets: self.builder.packets(),
            range: self.builder.range(),
            digest: Digest::blake3(packed),
        };
        if let Err(source) = self.file.write_all_at(packed, entry.offset) {
            // Half a frame may lie there now; a reader takes it for one that is still being written.
            let _ = self.file.set_len(entry.offset);
            return Err(Error::Io { action: "write", path: self.path.clone(), source });
        }
        self.sha256.update(packed);
        self.raw_bytes = self.raw_bytes.saturating_add(u64::from(entry.raw_bytes));
        if entry.kind == FrameKind::Header {
            self.tally.add_header(self.builder.raw());
        }
        self.tally.frames.push(entry);
        self.builder.clear();
        Ok(())
    }

    /// A second handle of the file, so that another thread can call `sync_data` on it.
    ///
    /// # Errors
    /// If the system has no more handles.
    pub fn sync_handle(&self) -> Result<File, Error> {
        self.file.try_clone().map_err(Error::io("open another handle of", &self.path))
    }

    /// Ends the frame and makes everything so far last on disk.
    ///
    /// # Errors
    /// If writing or syncing fails. After a failed sync every later call fails too.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.end_frame()?;
        self.file.sync_data().map_err(|source| {
            self.sync_failed = true;
            Error::Io { action: "sync", path: self.path.clone(), source }
        })
    }

    /// Packets in the frames that are written; the others wait for their frame to end.
    #[must_use]
    pub fn packets_written(&self) -> u64 {
        self.tally.packets.saturating_sub(u64::from(self.builder.packets()))
    }

    /// Writes footer, seal and seek table, syncs, writes the manifest and moves the file to `sealed_dir`.
    ///
    /// The manifest comes first, so a sealed segment is never without one; an open segment with a
    /// complete footer is finished by [`repair`](crate::repair::repair).
    ///
    /// # Errors
    /// If a file can't be written, synced or moved, or a sealed segment of that name exists.
    pub fn seal(self, sealed_dir: &Path, key: &SigningKey) -> Result<Manifest, Error> {
        self.finish(key)?.publish(sealed_dir)
    }

    /// The quick half of [`seal`](Self::seal): writes footer, seal and seek table, but doesn't wait for
    /// the disk. The next segment can name this one's root at once, while another thread publishes it.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn finish(mut self, key: &SigningKey) -> Result<FinishedSegment, Error> {
        self.end_frame()?;
        let sealed_at = modified(&self.file, &self.path)?;
        let too_large = || Error::Input("a footer beyond 4 GiB".to_owned());
        let payload = footer::encode(&self.tally.footer()).map_err(Error::io("compress", &self.path))?;
        let footer = skippable(OUR_MAGIC, &payload).ok_or_else(too_large)?;
        let mut leaves: Vec<Digest> = self.tally.frames.iter().map(|frame| frame.digest).collect();
        leaves.push(Digest::blake3(&footer));
        let seal = Seal::sign(&self.header, merkle_root(&leaves), sealed_at, key)?;
        let sealed = skippable(OUR_MAGIC, &seal.encode()?).ok_or_else(too_large)?;
        let seek_table = seek_table(&self.tally.frames, &[&footer, &sealed]).ok_or_else(too_large)?;
        let tail = [footer, sealed, seek_table].concat();
        let offset = self.tally.offset();
        self.file.write_all_at(&tail, offset).map_err(Error::io("write", &self.path))?;
        self.sha256.update(&tail);
        let file_bytes = offset.saturating_add(u64::try_from(tail.len()).unwrap_or(u64::MAX));
        self.file.set_len(file_bytes).map_err(Error::io("cut", &self.path))?;
        let sha256 = Digest(self.sha256.finalize().into());
        let manifest = manifest(&self.header, &self.tally, &seal, file_bytes, sha256);
        Ok(FinishedSegment { file: self.file, path: self.path, manifest })
    }

    /// Ends the frame if its blocks are of another kind, or if `length` bytes more would be too many.
    fn make_room(&mut self, kind: FrameKind, length: usize) -> Result<(), Error> {
        let pending = self.builder.raw().len();
        let full = pending > 0 && pending.saturating_add(length) > self.frame_bytes_max;
        if full || (pending > 0 && self.builder.kind() != kind) {
            return self.end_frame();
        }
        Ok(())
    }
}
