//! The last steps of a seal: sync, manifest, and the move to where sealed segments lie.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::codec::Header;
use crate::error::Error;
use crate::footer::FrameEntry;
use crate::id::{Digest, SegmentId};
use crate::manifest::{Manifest, sync_directory};
use crate::seal::Seal;
use crate::seek_table::{self, Seek};
use crate::tally::Tally;
use crate::time::Timestamp;

/// A segment whose bytes are all written, but not yet known to be on disk nor moved.
#[derive(Debug)]
pub struct FinishedSegment {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) manifest: Manifest,
}

impl FinishedSegment {
    /// The segment's name.
    #[must_use]
    pub fn id(&self) -> &SegmentId {
        &self.manifest.id
    }

    /// The digest that the next segment names.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.manifest.blake3_root
    }

    /// The slow half of a seal: syncs, writes the manifest and moves the file to `sealed_dir`.
    ///
    /// # Errors
    /// If a file can't be synced, written or moved, or a sealed segment of that name exists.
    pub fn publish(self, sealed_dir: &Path) -> Result<Manifest, Error> {
        self.file.sync_all().map_err(Error::io("sync", &self.path))?;
        publish(&self.path, sealed_dir, &self.manifest)?;
        Ok(self.manifest)
    }
}

/// Writes the manifest, then moves the segment beside it.
pub(crate) fn publish(path: &Path, sealed_dir: &Path, manifest: &Manifest) -> Result<(), Error> {
    let target = sealed_dir.join(manifest.id.file_name());
    if fs::exists(&target).map_err(Error::io("look for", &target))? {
        return Err(Error::Input(format!(
            "{}: exists already; a sealed segment never changes",
            target.display()
        )));
    }
    manifest.write(&sealed_dir.join(manifest.id.manifest_name()))?;
    fs::rename(path, &target).map_err(Error::io("move to", &target))?;
    sync_directory(sealed_dir)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// What the manifest of a sealed segment says.
pub(crate) fn manifest(
    header: &Header,
    tally: &Tally,
    seal: &Seal,
    file_bytes: u64,
    sha256: Digest,
) -> Manifest {
    Manifest {
        format_version: header.format_version,
        id: header.id.clone(),
        range: tally.range(),
        packets: tally.packets,
        bytes: tally.bytes,
        original_bytes: tally.original_bytes,
        file_bytes,
        frames: tally.frame_number(),
        interfaces: tally.interfaces.clone(),
        losses: tally.losses.clone(),
        blake3_root: seal.root,
        sha256,
        previous: seal.previous,
        signature: seal.signature,
        public_key: seal.public_key,
        node: seal.node.clone(),
        boot_id: seal.boot_id.clone(),
        sealed_at: seal.sealed_at,
        origin: header.origin.clone(),
    }
}

/// The seek table over all frames and the skippable frames behind them.
pub(crate) fn seek_table(frames: &[FrameEntry], behind: &[&[u8]]) -> Option<Vec<u8>> {
    let mut entries: Vec<Seek> = frames
        .iter()
        .map(|frame| Seek { packed_bytes: frame.packed_bytes, raw_bytes: frame.raw_bytes })
        .collect();
    for frame in behind {
        entries.push(Seek { packed_bytes: u32::try_from(frame.len()).ok()?, raw_bytes: 0 });
    }
    seek_table::encode(&entries)
}

/// When the file was last written, which is the only clock that this crate reads.
pub(crate) fn modified(file: &File, path: &Path) -> Result<Timestamp, Error> {
    let modified =
        file.metadata().and_then(|metadata| metadata.modified()).map_err(Error::io("read", path))?;
    let nanos =
        modified.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_nanos()).ok());
    Ok(Timestamp::from_nanos(nanos.unwrap_or(0)))
}
