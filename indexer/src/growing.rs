//! The index of one segment while the segment is read.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tantivy::indexer::NoMergePolicy;
use tantivy::{Index, IndexWriter};

use crate::Error;
use crate::bundle::{self, Extent};
use crate::document::{self, ENTRY_VERSION, Fields};

/// What tantivy may hold before it writes an index segment; its least is 15 MB. Enough for most segments at
/// once, so that there is nothing to merge.
const WRITER_MEMORY_BYTES: usize = 192 << 20;

/// The least that tantivy takes; a writer that only merges holds nothing.
const MERGER_MEMORY_BYTES: usize = 15 << 20;
/// Where tantivy keeps an index's state.
const STATE_FILE: &str = "meta.json";

/// An index that takes entries; searchable by any process after each [`GrowingIndex::commit`].
pub struct GrowingIndex {
    dir: PathBuf,
    writer: IndexWriter,
    fields: Fields,
    extent: Extent,
    uncommitted: bool,
}

impl GrowingIndex {
    /// Starts an empty index in `dir`; what an earlier run left there is derived, and removed.
    ///
    /// # Errors
    /// When the directory can't be made anew.
    pub fn create(dir: PathBuf) -> Result<Self, Error> {
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
        }
        fs::create_dir_all(&dir).map_err(Error::io(&dir))?;
        let (schema, fields) = document::schema();
        let index = Index::builder().schema(schema).settings(document::settings()).create_in_dir(&dir)?;
        let writer = index.writer_with_num_threads(1, WRITER_MEMORY_BYTES)?;
        Ok(Self { dir, writer, fields, extent: Extent::EMPTY, uncommitted: false })
    }

    /// Takes one entry.
    ///
    /// # Errors
    /// When tantivy's threads died.
    pub fn add(&mut self, start_ns: i64, row: &Value) -> Result<(), Error> {
        self.writer.add_document(document::document(self.fields, start_ns, row))?;
        self.extent.add(start_ns);
        self.uncommitted = true;
        Ok(())
    }

    /// Makes what was added searchable; does nothing when nothing was.
    ///
    /// # Errors
    /// When the index can't be written.
    pub fn commit(&mut self) -> Result<(), Error> {
        if self.uncommitted {
            self.writer.commit()?;
            self.uncommitted = false;
        }
        Ok(())
    }

    /// Merges the index into one piece, bundles it into `target` and removes its directory.
    ///
    /// # Errors
    /// When the index can't be written; the directory is then left as it is.
    pub fn bundle(mut self, target: &Path) -> Result<(), Error> {
        self.writer.commit()?;
        let index = self.writer.index().clone();
        // A merge in the background would take pieces away from under the last one.
        self.writer.wait_merging_threads()?;
        let pieces = index.searchable_segment_ids()?;
        if pieces.len() > 1 {
            let mut merger: IndexWriter = index.writer_with_num_threads(1, MERGER_MEMORY_BYTES)?;
            merger.set_merge_policy(Box::new(NoMergePolicy));
            merger.merge(&pieces).wait()?;
            merger.wait_merging_threads()?;
        }
        bundle::write(&self.dir, &file_names(&self.dir, &index)?, target, ENTRY_VERSION, self.extent)?;
        fs::remove_dir_all(&self.dir).map_err(Error::io(&self.dir))
    }
}

/// The files that make up the index now; what merges left over and locks are none of them.
fn file_names(dir: &Path, index: &Index) -> Result<Vec<PathBuf>, Error> {
    let pieces: Vec<String> = index.searchable_segment_ids()?.iter().map(|id| id.uuid_string()).collect();
    let mut names = vec![PathBuf::from(STATE_FILE)];
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let name = PathBuf::from(entry.map_err(Error::io(dir))?.file_name());
        // A piece's files are called by its id.
        let of = name.to_str().and_then(|name| name.split('.').next()).unwrap_or_default();
        if pieces.iter().any(|piece| piece == of) {
            names.push(name);
        }
    }
    Ok(names)
}
