//! Seals an open segment that a crash left behind.
//!
//! Everything up to the last whole frame is kept where it lies; half a frame behind it is cut
//! off and entered in the ledger. Damage in the middle is kept too, wrapped into a skippable
//! frame so that every tool passes over it: its bytes may still be worth something to somebody.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use ed25519_dalek::SigningKey;

use crate::codec::{Header, Origin};
use crate::error::{Error, ErrorKind};
use crate::footer::{FrameEntry, OUR_MAGIC};
use crate::frame::{Frame, FrameKind};
use crate::hash::blake3_of;
use crate::id::{Digest, SegmentId};
use crate::manifest::{FORMAT_VERSION, Manifest};
use crate::reader::{DAMAGED_MAGIC, SegmentReader};
use crate::record::{Loss, LossCause, Record};
use crate::tally::Tally;
use crate::time::{TimeRange, Timestamp};
use crate::verify::derive_manifest;
use crate::writer::{SegmentWriter, modified, publish, random};
use crate::zstd_frame::SKIPPABLE_HEADER_BYTES;

/// What [`repair`] did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repaired {
    /// The segment, sealed now.
    pub manifest: Manifest,
    /// Bytes cut off behind the last whole frame.
    pub cut_bytes: u64,
    /// Bytes in the middle that were put aside as damaged.
    pub damaged_bytes: u64,
    /// The losses that repair itself entered in the ledger.
    pub losses: Vec<Loss>,
    /// Whether the segment had been sealed already and only had to be moved.
    pub was_sealed: bool,
}

/// Cuts an open segment to its last whole frame, enters what is missing in the ledger, and seals it.
///
/// A file in which not even the header frame is whole becomes a segment without packets, so that the chain
/// has no hole; the segment before is then taken from the manifest in `sealed_dir`.
///
/// # Errors
/// If files can't be read, written or moved, the file is of a later version, or its header frame is damaged
/// while later frames are not: then nothing is changed, because without the interfaces nothing can be said
/// about the packets.
pub fn repair(open_path: &Path, sealed_dir: &Path, key: &SigningKey) -> Result<Repaired, Error> {
    let id = SegmentId::from_path(open_path)
        .ok_or_else(|| Error::Id(open_path.file_name().unwrap_or_default().to_string_lossy().into_owned()))?;
    match derive_manifest(open_path) {
        Ok(manifest) => {
            publish(open_path, sealed_dir, &manifest)?;
            return Ok(Repaired {
                manifest,
                cut_bytes: 0,
                damaged_bytes: 0,
                losses: Vec::new(),
                was_sealed: true,
            });
        }
        Err(error) if error.kind() == ErrorKind::Data => {}
        Err(error) => return Err(error),
    }
    let file = OpenOptions::new().read(true).write(true).open(open_path);
    let file = file.map_err(Error::io("open", open_path))?;
    let stopped = modified(&file, open_path)?;
    let length = file.metadata().map_err(Error::io("read", open_path))?.len();
    let Walked { header, mut tally, end, mut losses } = walk(&file, open_path)?;
    let damaged_bytes = wrap(&file, open_path, &mut tally)?;
    let sealing_began = begins_footer(&file, end);
    file.set_len(end).map_err(Error::io("cut", open_path))?;
    let cut_bytes = length.saturating_sub(end);
    if !sealing_began {
        losses.push(restart_loss(&tally, stopped, cut_bytes));
    }
    let empty = tally.frames.is_empty();
    let header = match header {
        Some(header) => header,
        None => header_anew(&id, sealed_dir),
    };
    let mut writer = SegmentWriter::resume(file, open_path.to_path_buf(), header, tally)?;
    if empty {
        writer.write_header()?;
    }
    for loss in &losses {
        writer.append_record(&Record::Loss(loss.clone()))?;
    }
    let manifest = writer.seal(sealed_dir, key)?;
    Ok(Repaired { manifest, cut_bytes, damaged_bytes, losses, was_sealed: false })
}

/// What walking through an open segment came to.
struct Walked {
    header: Option<Header>,
    tally: Tally,
    /// Behind the last whole frame.
    end: u64,
    losses: Vec<Loss>,
}

fn walk(file: &File, path: &Path) -> Result<Walked, Error> {
    let file = file.try_clone().map_err(Error::io("open another handle of", path))?;
    let mut reader = SegmentReader::walk(file, path)?;
    let mut tally = Tally::new();
    while let Some(frame) = reader.next_frame()? {
        put_aside(&reader, &mut tally, frame.number())?;
        count(&reader, &frame, &mut tally)?;
        reader.recycle(frame);
    }
    if reader.header().is_none() && !tally.frames.is_empty() {
        let reason = "the header frame is damaged, so its packets can't be told apart".to_owned();
        return Err(Error::Damaged { path: path.to_path_buf(), offset: 0, reason });
    }
    Ok(Walked {
        header: reader.header().cloned(),
        tally,
        end: reader.walked_to(),
        losses: reader.losses().to_vec(),
    })
}

/// Enters the damaged places in front of frame `number` in the frame table.
fn put_aside(reader: &SegmentReader, tally: &mut Tally, number: u32) -> Result<(), Error> {
    while tally.frame_number() < number {
        let place = reader.places().get(tally.frames.len()).copied();
        let place = place.ok_or(Error::Malformed { what: "frame table" })?;
        // Its digest is taken when it is wrapped.
        tally.frames.push(FrameEntry {
            kind: FrameKind::Damaged,
            offset: place.offset,
            packed_bytes: small(place.packed_bytes)?,
            raw_bytes: 0,
            packets: 0,
            range: None,
            digest: Digest([0; 32]),
        });
    }
    Ok(())
}

fn count(reader: &SegmentReader, frame: &Frame, tally: &mut Tally) -> Result<(), Error> {
    let place =
        reader.places().get(tally.frames.len()).copied().ok_or(Error::Malformed { what: "frame table" })?;
    let (mut packets, mut range) = (0u32, None::<TimeRange>);
    for (_, record) in frame.records().flatten() {
        if let Record::Packet(packet) = &record {
            let at = TimeRange::covering(packet.timestamp, packet.timestamp);
            packets = packets.saturating_add(1);
            range = Some(range.map_or(at, |known| known.union(at)));
        }
        tally.record(&record);
    }
    if place.kind == FrameKind::Header {
        tally.add_header(frame.raw());
    }
    tally.frames.push(FrameEntry {
        kind: place.kind,
        offset: place.offset,
        packed_bytes: small(place.packed_bytes)?,
        raw_bytes: small(frame.raw().len())?,
        packets,
        range,
        digest: Digest::blake3(reader.packed()),
    });
    Ok(())
}

fn small(length: usize) -> Result<u32, Error> {
    u32::try_from(length).map_err(|_| Error::Malformed { what: "frame table: a frame beyond 4 GiB" })
}

/// Makes a skippable frame of each damaged place, in front of which its first eight bytes are lost.
fn wrap(file: &File, path: &Path, tally: &mut Tally) -> Result<u64, Error> {
    let mut bytes = 0u64;
    for entry in tally.frames.iter_mut().filter(|entry| entry.kind == FrameKind::Damaged) {
        let header_bytes = u32::try_from(SKIPPABLE_HEADER_BYTES).unwrap_or(u32::MAX);
        let Some(length) = entry.packed_bytes.checked_sub(header_bytes) else {
            let reason = format!("{} stray bytes between frames", entry.packed_bytes);
            return Err(Error::Damaged { path: path.to_path_buf(), offset: entry.offset, reason });
        };
        let header = [DAMAGED_MAGIC.to_le_bytes(), length.to_le_bytes()];
        file.write_all_at(header.as_flattened(), entry.offset).map_err(Error::io("write", path))?;
        entry.digest = blake3_of(file, path, entry.offset, u64::from(entry.packed_bytes))?;
        bytes = bytes.saturating_add(u64::from(entry.packed_bytes));
    }
    Ok(bytes)
}

/// Whether what lies at `offset` is the start of a footer: then sealing had begun, and nothing was lost.
fn begins_footer(file: &File, offset: u64) -> bool {
    let mut magic = [0; 4];
    file.read_exact_at(&mut magic, offset).is_ok() && magic == OUR_MAGIC.to_le_bytes()
}

/// From the last packet to when the file was last written, by the file system's clock.
fn restart_loss(tally: &Tally, stopped: Timestamp, cut_bytes: u64) -> Loss {
    let last = tally.range.map_or(stopped, |(_, last)| last);
    Loss {
        range: TimeRange::covering(last, stopped.max(last)),
        interface: None,
        cause: LossCause::Restart,
        packets: None,
        bytes: None,
        note: format!(
            "the recorder stopped without sealing; {cut_bytes} bytes of an unfinished frame were cut"
        ),
    }
}

/// The header of a segment of which nothing is left, linked to the sealed segment before it.
fn header_anew(id: &SegmentId, sealed_dir: &Path) -> Header {
    let before = id.before().and_then(|id| Manifest::read(&sealed_dir.join(id.manifest_name())).ok());
    Header {
        format_version: FORMAT_VERSION,
        id: id.clone(),
        node: before.as_ref().map(|before| before.node.clone()).unwrap_or_default(),
        boot_id: before.as_ref().map(|before| before.boot_id.clone()).unwrap_or_default(),
        recorder: concat!("remora repair ", env!("CARGO_PKG_VERSION")).to_owned(),
        previous: before.as_ref().map(|before| before.blake3_root),
        origin: before.map_or(Origin::Capture, |before| before.origin),
        nonce: random(),
    }
}
