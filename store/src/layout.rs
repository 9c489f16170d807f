//! The names of everything in the data directory.

use std::fs;
use std::path::{Path, PathBuf};

use segment::SegmentId;

use crate::Error;

/// The paths of one data directory. `ARCHITECTURE.md` draws it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout under `root`; touches nothing.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// The data directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where segments are while they are written, and their indexes while they grow.
    #[must_use]
    pub fn open_dir(&self) -> PathBuf {
        self.root.join("open")
    }

    /// Where sealed segments are, with their manifests and indexes.
    #[must_use]
    pub fn sealed_dir(&self) -> PathBuf {
        self.root.join("sealed")
    }

    /// The sled database; derived.
    #[must_use]
    pub fn catalog_dir(&self) -> PathBuf {
        self.root.join("catalog")
    }

    /// The recorder's latest counters.
    #[must_use]
    pub fn status_file(&self) -> PathBuf {
        self.root.join("status.json")
    }

    /// A segment that is being written.
    #[must_use]
    pub fn open_segment(&self, id: &SegmentId) -> PathBuf {
        self.open_dir().join(id.file_name())
    }

    /// A sealed segment.
    #[must_use]
    pub fn sealed_segment(&self, id: &SegmentId) -> PathBuf {
        self.sealed_dir().join(id.file_name())
    }

    /// The manifest of a sealed segment.
    #[must_use]
    pub fn manifest(&self, id: &SegmentId) -> PathBuf {
        self.sealed_dir().join(id.manifest_name())
    }

    /// The index of a sealed segment: one file.
    #[must_use]
    pub fn index(&self, id: &SegmentId) -> PathBuf {
        self.sealed_dir().join(format!("{id}.index"))
    }

    /// What the flows that were open where a segment begins had learned until then.
    #[must_use]
    pub fn state(&self, id: &SegmentId) -> PathBuf {
        self.sealed_dir().join(format!("{id}.state"))
    }

    /// The index of a segment that is being read: a directory, bundled into [`Layout::index`] at the end.
    #[must_use]
    pub fn growing_index(&self, id: &SegmentId) -> PathBuf {
        self.open_dir().join(format!("{id}.index"))
    }

    /// Where indexes are merged: a directory that is there only meanwhile.
    #[must_use]
    pub fn merging_dir(&self) -> PathBuf {
        self.root.join("merging")
    }

    /// Where indexes of sealed segments are built anew: a directory that is there only meanwhile.
    #[must_use]
    pub fn reindexing_dir(&self) -> PathBuf {
        self.root.join("reindexing")
    }

    /// Segments that are being written, in order of chain and sequence.
    ///
    /// # Errors
    /// When the directory exists but can't be read.
    pub fn list_open(&self) -> Result<Vec<SegmentId>, Error> {
        list(&self.open_dir())
    }

    /// Sealed segments, in order of chain and sequence.
    ///
    /// # Errors
    /// When the directory exists but can't be read.
    pub fn list_sealed(&self) -> Result<Vec<SegmentId>, Error> {
        list(&self.sealed_dir())
    }
}

/// Every segment file in `dir`; a directory that isn't there holds none, other files are not ours.
fn list(dir: &Path) -> Result<Vec<SegmentId>, Error> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io(dir)(error)),
    };
    let mut ids = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io(dir))?.path();
        ids.extend(SegmentId::from_path(&path).filter(|id| path.ends_with(id.file_name())));
    }
    ids.sort();
    Ok(ids)
}
