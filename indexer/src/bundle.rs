//! One index in one file.
//!
//! While a segment is read its index is a directory that tantivy writes; at the end the directory's files
//! are laid one behind the other into `ID.index`, so that an index is fetched, cached and expired as one
//! thing and can be read by ranges from wherever it lies:
//!
//! ```text
//! file | file | … | contents (JSON) | contents' length, u32 LE | magic, 8 bytes
//! ```
//!
//! Beside tantivy's files there are some of ours, to be read without opening the index: `vocabulary`
//! ([`crate::vocabulary`]), `traces` ([`crate::filter`]) where it can be told which there are, and `rollup.*` ([`crate::aggregate`]). A bundle is one segment's, or that of several whose indexes were merged; each of those has a
//! name of its own for the same file.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use segment::SegmentId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    DirectoryLock, FileHandle, FileSlice, Lock, MmapDirectory, OwnedBytes, WatchCallback, WatchCallbackList,
    WatchHandle, WritePtr,
};
use tantivy::{Directory, HasLen};

use crate::aggregate::Rollup;
use crate::document::ENTRY_VERSION;
use crate::vocabulary::Vocabulary;
use crate::{Error, meter};

/// Ends every bundle; the digits are the format's version.
const MAGIC: &[u8; 8] = b"RMRIDX03";
/// The magic and the length in front of it.
const TAIL_BYTES: usize = 12;
/// No contents are longer: an index has some ten files.
const CONTENTS_BYTES_MAX: usize = 1 << 20;

/// Our own files in a bundle.
const VOCABULARY: &str = "vocabulary";
const TRACES: &str = "traces";
/// The parts of a [`Rollup`]; all of them or none are there.
pub const EDGES: &str = "rollup.edges";
pub const ENDPOINTS: &str = "rollup.endpoints";
pub const CLASSES: &str = "rollup.classes";
pub const PAIRS: &str = "rollup.pairs";

/// What a bundle says of itself, without opening the index.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contents {
    /// Which rules made the entries: an index of another version is rebuilt.
    pub entry_version: u32,
    /// Entries in the index.
    pub entries: u64,
    /// Earliest start of an entry, nanoseconds since the Unix epoch.
    pub first_ns: i64,
    /// Latest start of an entry.
    pub last_ns: i64,
    /// Entries that ended in each segment.
    segments: BTreeMap<String, u64>,
    /// Where each file lies: offset and length in bytes.
    files: BTreeMap<String, (u64, u64)>,
}

/// What the writer of a bundle knows of its entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Extent {
    /// Entries in the index.
    pub entries: u64,
    /// Earliest start of an entry, nanoseconds; after `last_ns` when there are none.
    pub first_ns: i64,
    /// Latest start of an entry.
    pub last_ns: i64,
    /// Entries that ended in each segment.
    pub segments: BTreeMap<String, u64>,
}

impl Extent {
    /// Of an index without entries.
    pub const EMPTY: Self =
        Self { entries: 0, first_ns: i64::MAX, last_ns: i64::MIN, segments: BTreeMap::new() };

    /// Of the index of a segment where nothing ended yet.
    #[must_use]
    pub fn of(segment: &SegmentId) -> Self {
        Self { segments: BTreeMap::from([(segment.to_string(), 0)]), ..Self::EMPTY }
    }

    /// Takes in one more entry of the one segment.
    pub fn add(&mut self, start_ns: i64) {
        self.entries += 1;
        self.first_ns = self.first_ns.min(start_ns);
        self.last_ns = self.last_ns.max(start_ns);
        self.segments.values_mut().for_each(|entries| *entries += 1);
    }

    /// Of all entries of two indexes of different segments.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.segments.extend(other.segments);
        Self {
            entries: self.entries + other.entries,
            first_ns: self.first_ns.min(other.first_ns),
            last_ns: self.last_ns.max(other.last_ns),
            segments: self.segments,
        }
    }
}

impl Contents {
    /// What it has of these segments; of the times, what it has of all.
    #[must_use]
    pub fn extent_of(&self, segments: &BTreeSet<SegmentId>) -> Extent {
        let segments: BTreeMap<_, _> = segments
            .iter()
            .map(ToString::to_string)
            .map(|id| (self.segments.get(&id).copied().unwrap_or_default(), id))
            .map(|(entries, id)| (id, entries))
            .collect();
        Extent { entries: segments.values().sum(), first_ns: self.first_ns, last_ns: self.last_ns, segments }
    }

    /// Entries that ended in a segment.
    #[must_use]
    pub fn entries_of(&self, segment: &SegmentId) -> u64 {
        self.segments.get(&segment.to_string()).copied().unwrap_or_default()
    }
}

/// What is looked at before an index is opened.
pub struct Front<'a> {
    /// What its paths have for values.
    pub vocabulary: &'a Vocabulary,
    /// Which trace ids it has; `None` if that can't be told.
    pub traces: Option<&'a [u8]>,
    /// Sums of everything in it; `None` if they would be too large.
    pub rollup: Option<&'a Rollup>,
}

/// Bundles the files `names` of `index_dir` into `target`, which appears whole or not at all.
///
/// # Errors
/// When a file can't be read or the bundle can't be written.
pub fn write(
    index_dir: &Path,
    names: &[PathBuf],
    front: &Front<'_>,
    target: &Path,
    extent: &Extent,
) -> Result<(), Error> {
    let temporary = target.with_extension("index.tmp");
    let mut out = BufWriter::new(File::create(&temporary).map_err(Error::io(&temporary))?);
    let mut files = BTreeMap::new();
    let mut offset = 0;
    for name in names {
        let path = index_dir.join(name);
        let mut file = File::open(&path).map_err(Error::io(&path))?;
        let length = io::copy(&mut file, &mut out).map_err(Error::io(&path))?;
        files.insert(name.to_string_lossy().into_owned(), (offset, length));
        offset += length;
    }
    let unwritable =
        |_| Error::Bundle { path: target.into(), reason: "what it says of itself can't be written" };
    let vocabulary = rmp_serde::to_vec(front.vocabulary).map_err(unwritable)?;
    let mut ours = vec![(VOCABULARY, vocabulary)];
    if let Some(rollup) = front.rollup {
        ours.push((EDGES, rmp_serde::to_vec(&rollup.edges).map_err(unwritable)?));
        ours.push((ENDPOINTS, rmp_serde::to_vec(&rollup.endpoints).map_err(unwritable)?));
        ours.push((CLASSES, rmp_serde::to_vec(&rollup.classes).map_err(unwritable)?));
        ours.push((PAIRS, rmp_serde::to_vec(&rollup.pairs).map_err(unwritable)?));
    }
    let ours = ours.iter().map(|(name, bytes)| (*name, bytes.as_slice()));
    for (name, bytes) in ours.chain(front.traces.map(|traces| (TRACES, traces))) {
        out.write_all(bytes).map_err(Error::io(&temporary))?;
        files.insert(name.to_owned(), (offset, bytes.len() as u64));
        offset += bytes.len() as u64;
    }
    let Extent { entries, first_ns, last_ns, segments } = extent.clone();
    let contents = Contents { entry_version: ENTRY_VERSION, entries, first_ns, last_ns, segments, files };
    let json = serde_json::to_vec(&contents).map_err(|error| Error::io(&temporary)(error.into()))?;
    let length = u32::try_from(json.len())
        .map_err(|_| Error::Bundle { path: target.into(), reason: "too many files" })?;
    let finish = |out: &mut BufWriter<File>| {
        out.write_all(&json)?;
        out.write_all(&length.to_le_bytes())?;
        out.write_all(MAGIC)?;
        out.flush()?;
        out.get_ref().sync_data()
    };
    finish(&mut out).map_err(Error::io(&temporary))?;
    fs::rename(&temporary, target).map_err(Error::io(target))
}

/// A bundle, as a read-only directory for tantivy.
#[derive(Clone, Debug)]
pub struct Bundle {
    file: FileSlice,
    path: Arc<Path>,
    contents: Arc<Contents>,
}

impl Bundle {
    /// Opens a bundle; reads its last bytes only.
    ///
    /// # Errors
    /// When the file is missing or is no bundle.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let damaged = |reason| Error::Bundle { path: path.into(), reason };
        let file = map(path)?;
        let read = |range: Range<usize>| {
            meter::add(range.len());
            file.read_bytes_slice(range).map_err(Error::io(path))
        };
        let tail_at = file.len().checked_sub(TAIL_BYTES).ok_or(damaged("too short for an index"))?;
        let tail = read(tail_at..file.len())?;
        let Some((length, magic)) = tail.as_slice().split_first_chunk::<4>() else {
            return Err(damaged("too short for an index"));
        };
        if magic != MAGIC {
            return Err(damaged("does not end as an index of this version does"));
        }
        let json_bytes = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let json_at = tail_at.checked_sub(json_bytes).filter(|_| json_bytes <= CONTENTS_BYTES_MAX);
        let json_at = json_at.ok_or(damaged("its list of contents has an impossible length"))?;
        let contents: Contents = serde_json::from_slice(read(json_at..tail_at)?.as_slice())
            .map_err(|_| damaged("its list of contents is damaged"))?;
        let fits = |&(offset, length): &(u64, u64)| {
            offset.checked_add(length).is_some_and(|end| end <= json_at as u64)
        };
        if !contents.files.values().all(fits) {
            return Err(damaged("its list of contents points outside of it"));
        }
        Ok(Self { file, path: path.into(), contents: Arc::new(contents) })
    }

    /// What the bundle says of itself.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// What its paths have for values.
    ///
    /// # Errors
    /// When that part is damaged.
    pub fn vocabulary(&self) -> Result<Vocabulary, Error> {
        self.ours(VOCABULARY)
    }

    /// Which trace ids it has, as a [`crate::filter`]; `None` if that can't be told.
    ///
    /// # Errors
    /// When that part is damaged.
    pub fn traces(&self) -> Result<Option<OwnedBytes>, Error> {
        if !self.contents.files.contains_key(TRACES) {
            return Ok(None);
        }
        self.bytes(TRACES).map(Some)
    }

    /// Whether sums of everything in it lie with it.
    #[must_use]
    pub fn has_sums(&self) -> bool {
        self.contents.files.contains_key(CLASSES)
    }

    /// A part of the sums.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn sums<T: DeserializeOwned>(&self, part: &str) -> Result<T, Error> {
        self.ours(part)
    }

    fn ours<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        rmp_serde::from_slice(self.bytes(name)?.as_slice())
            .map_err(|_| Error::Bundle { path: self.path.to_path_buf(), reason: "a part of it is damaged" })
    }

    fn bytes(&self, name: &str) -> Result<OwnedBytes, Error> {
        let missing = |_| Error::Bundle { path: self.path.to_path_buf(), reason: "a part of it is missing" };
        let slice = self.slice(Path::new(name)).map_err(missing)?;
        slice.read_bytes(0..slice.len()).map_err(Error::io(&self.path))
    }

    fn slice(&self, path: &Path) -> Result<Slice, OpenReadError> {
        let missing = || OpenReadError::FileDoesNotExist(path.to_owned());
        let &(offset, length) =
            path.to_str().and_then(|name| self.contents.files.get(name)).ok_or_else(missing)?;
        let place = |at: u64| usize::try_from(at).map_err(|_| missing());
        Ok(Slice(self.file.slice(place(offset)?..place(offset + length)?)))
    }
}

/// The whole file, in the address space. Indexes are replaced by renaming, never changed in place.
fn map(path: &Path) -> Result<FileSlice, Error> {
    let refused = |reason: &dyn std::fmt::Display| Error::io(path)(io::Error::other(reason.to_string()));
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(refused(&"no file's name"));
    };
    let dir = MmapDirectory::open(dir).map_err(|error| refused(&error))?;
    dir.open_read(Path::new(name)).map_err(|error| refused(&error))
}

/// A file inside the bundle; what is read of it is counted.
#[derive(Debug)]
struct Slice(FileSlice);

impl HasLen for Slice {
    fn len(&self) -> usize {
        self.0.len()
    }
}

impl FileHandle for Slice {
    fn read_bytes(&self, range: Range<usize>) -> io::Result<OwnedBytes> {
        if range.start > range.end || range.end > self.0.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        meter::add(range.len());
        self.0.read_bytes_slice(range)
    }
}

impl Directory for Bundle {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        Ok(Arc::new(self.slice(path)?))
    }

    fn open_read(&self, path: &Path) -> Result<FileSlice, OpenReadError> {
        Ok(FileSlice::new(Arc::new(self.slice(path)?)))
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        Ok(self.slice(path).is_ok())
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        let slice = self.slice(path)?;
        let bytes = slice.read_bytes(0..slice.len());
        let wrap = |source| OpenReadError::IoError { io_error: Arc::new(source), filepath: path.to_owned() };
        bytes.map(|bytes| bytes.as_slice().to_vec()).map_err(wrap)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        Err(DeleteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Err(OpenWriteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn atomic_write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    /// Nobody writes here, so there is nothing to keep apart.
    fn acquire_lock(&self, _: &Lock) -> Result<DirectoryLock, LockError> {
        Ok(DirectoryLock::from(Box::new(PathBuf::new())))
    }

    /// A bundle never changes: the callback is never called.
    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchCallbackList::default().subscribe(WatchCallback::new(|| ())))
    }
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "an index file is never written again")
}
