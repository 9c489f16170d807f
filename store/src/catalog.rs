//! Which segments there are, without opening each of them.
//!
//! The catalog is derived: it is filled from manifests and can be deleted. One process at a time keeps it
//! in sled; every other process, and one that finds it damaged, reads the manifests instead and gets the
//! same answer a little later.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use segment::{Loss, Manifest, Origin, SegmentId, TimeRange, Timestamp};
use tracing::warn;

use crate::{Error, Layout};

/// Where a segment stands on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Being written.
    Open,
    /// Sealed; not indexed yet.
    Sealed,
    /// Sealed and indexed.
    Indexed,
}

/// What the catalog knows of one segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Which one.
    pub id: SegmentId,
    /// The machine that recorded it; while it is open, the one that recorded the one before it.
    pub node: String,
    /// How far it is.
    pub state: State,
    /// Times of its packets; `None` while it is open or when it has none.
    pub range: Option<TimeRange>,
    /// Packets in it; 0 while it is open.
    pub packets: u64,
    /// Captured bytes before compression; 0 while it is open.
    pub bytes: u64,
    /// Size of the segment file.
    pub file_bytes: u64,
    /// Size of the index file, or its share of one; 0 without.
    pub index_bytes: u64,
    /// What is known to be missing.
    pub losses: Vec<Loss>,
    /// Where its packets came from.
    pub origin: Origin,
}

/// The segments of one data directory.
#[derive(Debug)]
pub struct Catalog {
    layout: Layout,
    cache: Option<sled::Db>,
    /// Manifests that were read, each with what its file was then: a question need not read them all again.
    known: Mutex<HashMap<SegmentId, (Stamp, Manifest)>>,
}

/// Tells one state of a file from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Catalog {
    /// Opens the catalog of a data directory; works without the cache when another process holds it.
    /// A damaged cache is moved aside with a warning and begun anew.
    #[must_use]
    pub fn open(layout: Layout) -> Self {
        let cache = open_cache(&layout);
        Self { layout, cache, known: Mutex::default() }
    }

    /// The catalog without a cache: for readers that must write nothing.
    #[must_use]
    pub fn open_uncached(layout: Layout) -> Self {
        Self { layout, cache: None, known: Mutex::default() }
    }

    /// The paths behind it.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Every segment, in order of chain and sequence, and the manifests that could not be read.
    ///
    /// # Errors
    /// When the data directory can't be listed.
    pub fn segments(&self) -> Result<(Vec<Summary>, Vec<Error>), Error> {
        let mut found = BTreeMap::new();
        let mut unreadable = Vec::new();
        for id in self.layout.list_sealed()? {
            match self.manifest(&id) {
                Ok(manifest) => {
                    found.insert(id.clone(), self.sealed_summary(id, manifest));
                }
                Err(error) => unreadable.push(error),
            }
        }
        for id in self.layout.list_open()? {
            // Sealing renames: a segment seen in both places is sealed.
            let node = id.before().and_then(|before| Some(found.get(&before)?.node.clone()));
            found.entry(id.clone()).or_insert_with(|| self.open_summary(id, node.unwrap_or_default()));
        }
        self.known().retain(|id, _| found.contains_key(id));
        Ok((found.into_values().collect(), unreadable))
    }

    /// Enters a sealed segment.
    ///
    /// # Errors
    /// When its manifest can't be read.
    pub fn adopt(&self, id: &SegmentId) -> Result<(), Error> {
        self.manifest(id).map(drop)
    }

    /// Forgets every row whose segment is gone.
    pub fn forget_expired(&self) {
        let Some(cache) = &self.cache else { return };
        for key in cache.iter().keys().filter_map(Result::ok) {
            let id: Option<SegmentId> = std::str::from_utf8(&key).ok().and_then(|key| key.parse().ok());
            if id.is_none_or(|id| !self.layout.sealed_segment(&id).exists()) {
                let _ = cache.remove(key);
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SegmentId, (Stamp, Manifest)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The manifest of a sealed segment, as it was read before unless its file has changed.
    fn manifest(&self, id: &SegmentId) -> Result<Manifest, Error> {
        let file = fs::metadata(self.layout.manifest(id)).ok();
        let stamp = file.map(|file| Stamp {
            inode: file.ino(),
            length: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
        });
        if let Some((known, manifest)) = self.known().get(id)
            && Some(*known) == stamp
        {
            return Ok(manifest.clone());
        }
        let manifest = self.read_manifest(id)?;
        if let Some(stamp) = stamp {
            self.known().insert(id.clone(), (stamp, manifest.clone()));
        }
        Ok(manifest)
    }

    /// The manifest from the cache or from its file.
    fn read_manifest(&self, id: &SegmentId) -> Result<Manifest, Error> {
        let (key, path) = (id.to_string(), self.layout.manifest(id));
        let wrong = |source| Error::Manifest { path: path.clone(), source };
        let cached = self.cache.as_ref().and_then(|cache| cache.get(&key).ok().flatten());
        if let Some(manifest) = cached.and_then(|bytes| Manifest::parse(&bytes, &path).ok()) {
            return Ok(manifest);
        }
        let manifest = Manifest::read(&path).map_err(wrong)?;
        if let (Some(cache), Ok(bytes)) = (&self.cache, fs::read(&path)) {
            // A cache that can't be written is behind, no more: the file answers next time too.
            let _ = cache.insert(key, bytes);
        }
        Ok(manifest)
    }

    fn sealed_summary(&self, id: SegmentId, manifest: Manifest) -> Summary {
        // An index of several segments has a name for each: every one has its share.
        let share = |found: fs::Metadata| found.len().div_ceil(found.nlink().max(1));
        let index_bytes = fs::metadata(self.layout.index(&id)).map_or(0, share);
        Summary {
            node: manifest.node,
            state: if index_bytes > 0 { State::Indexed } else { State::Sealed },
            range: manifest.range,
            packets: manifest.packets,
            bytes: manifest.bytes,
            file_bytes: manifest.file_bytes,
            index_bytes,
            losses: manifest.losses,
            origin: manifest.origin,
            id,
        }
    }

    fn open_summary(&self, id: SegmentId, node: String) -> Summary {
        let file_bytes = fs::metadata(self.layout.open_segment(&id)).map_or(0, |found| found.len());
        Summary {
            id,
            node,
            state: State::Open,
            range: None,
            packets: 0,
            bytes: 0,
            file_bytes,
            index_bytes: 0,
            losses: Vec::new(),
            origin: Origin::Capture,
        }
    }
}

impl Summary {
    /// Whether packets in `range` may lie in this segment; an open one may hold anything.
    #[must_use]
    pub fn may_overlap(&self, range: TimeRange) -> bool {
        match (self.state, self.range) {
            (State::Open, _) => true,
            (_, Some(own)) => own.overlaps(range),
            (_, None) => false,
        }
    }

    /// Time of the last packet, or the end of time while more may come.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        match (self.state, self.range) {
            (State::Open, _) => Timestamp::MAX,
            (_, Some(own)) => own.end(),
            (_, None) => Timestamp::MIN,
        }
    }
}

/// Opens sled, once more from nothing if what lies there is damaged.
fn open_cache(layout: &Layout) -> Option<sled::Db> {
    let dir = layout.catalog_dir();
    let open = || sled::Config::new().path(&dir).cache_capacity(16 << 20).flush_every_ms(Some(5_000)).open();
    match open() {
        Ok(cache) => return Some(cache),
        // Another process holds the lock, or the directory is read-only: manifests answer.
        Err(sled::Error::Io(_)) => return None,
        Err(error) => {
            warn!(path = %dir.display(), %error, "catalog is damaged: moved aside, rebuilding from manifests")
        }
    }
    let aside = layout.root().join("catalog.damaged");
    let _ = fs::remove_dir_all(&aside);
    fs::rename(&dir, &aside).ok()?;
    open().ok()
}
