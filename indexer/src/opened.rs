//! Indexes that are open, kept for the next question.

use std::collections::HashMap;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tantivy::{Index, IndexReader, ReloadPolicy, Searcher};

use crate::Error;
use crate::bundle::{Bundle, Contents};
use crate::document::{self, Fields};
use crate::vocabulary::Vocabulary;

/// Indexes kept open; the one that was used longest ago goes first. With a day in each that is more than a year.
const OPEN_MAX: usize = 512;

/// Which file, whatever its name: indexes that were merged have several.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FileKey {
    device: u64,
    inode: u64,
    length: u64,
    modified_ns: i64,
}

impl FileKey {
    /// Of a file that is there.
    #[must_use]
    pub fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            length: file.len(),
            modified_ns: file.mtime().saturating_mul(1_000_000_000).saturating_add(file.mtime_nsec()),
        }
    }
}

/// A bundle of which more is read when it is asked for.
pub struct Opened {
    bundle: Bundle,
    vocabulary: OnceLock<Vocabulary>,
    ready: OnceLock<Ready>,
}

/// An index that can be searched.
#[derive(Clone)]
pub struct Ready {
    /// Of one instant.
    pub searcher: Searcher,
    /// Its fields.
    pub fields: Fields,
}

impl Ready {
    /// Opens an index as it is now.
    ///
    /// # Errors
    /// When it can't be read or is none of ours.
    pub fn of(index: &Index) -> Result<Self, Error> {
        let reader: IndexReader =
            index.reader_builder().reload_policy(ReloadPolicy::Manual).num_warming_threads(1).try_into()?;
        Ok(Self { searcher: reader.searcher(), fields: document::fields(index)? })
    }
}

impl Opened {
    /// Of a bundle.
    #[must_use]
    pub fn of(bundle: Bundle) -> Self {
        Self { bundle, vocabulary: OnceLock::new(), ready: OnceLock::new() }
    }

    /// What the bundle says of itself.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        self.bundle.contents()
    }

    /// What its paths have for values.
    ///
    /// # Errors
    /// When that part is damaged.
    pub fn vocabulary(&self) -> Result<&Vocabulary, Error> {
        match self.vocabulary.get() {
            Some(vocabulary) => Ok(vocabulary),
            None => {
                let read = self.bundle.vocabulary()?;
                Ok(self.vocabulary.get_or_init(|| read))
            }
        }
    }

    /// The bundle, for what is read of it anew each time: its sums and its filter of trace ids.
    #[must_use]
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The index.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn ready(&self) -> Result<&Ready, Error> {
        match self.ready.get() {
            Some(ready) => Ok(ready),
            None => {
                let opened = Ready::of(&Index::open(self.bundle.clone())?)?;
                Ok(self.ready.get_or_init(|| opened))
            }
        }
    }
}

/// Open indexes by file.
#[derive(Default)]
pub struct OpenIndexes(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    /// Each with the turn in which it was used last.
    open: HashMap<FileKey, (Arc<Opened>, u64)>,
    turn: u64,
}

impl OpenIndexes {
    /// The index in a file, opened now or before.
    ///
    /// # Errors
    /// When the file is no bundle.
    pub fn open(&self, key: FileKey, path: &Path) -> Result<Arc<Opened>, Error> {
        if let Some(opened) = self.kept().find(key) {
            return Ok(opened);
        }
        let opened = Arc::new(Opened::of(Bundle::open(path)?));
        self.kept().keep(key, Arc::clone(&opened));
        Ok(opened)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, key: FileKey) -> Option<Arc<Opened>> {
        self.turn += 1;
        let (opened, used) = self.open.get_mut(&key)?;
        *used = self.turn;
        Some(Arc::clone(opened))
    }

    fn keep(&mut self, key: FileKey, opened: Arc<Opened>) {
        if self.open.len() >= OPEN_MAX {
            let oldest = self.open.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
            oldest.and_then(|key| self.open.remove(&key));
        }
        self.open.insert(key, (opened, self.turn));
    }
}

impl std::fmt::Debug for OpenIndexes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OpenIndexes").field(&self.kept().open.len()).finish()
    }
}
