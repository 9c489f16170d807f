//! The index of one segment while the segment is read.

use std::fs;
use std::path::{Path, PathBuf};

use segment::SegmentId;
use tantivy::indexer::{NoMergePolicy, UserOperation};
use tantivy::{Index, IndexWriter};

use crate::Error;
use crate::bundle::Extent;
use crate::document::{self, Fields, Indexed};
use crate::packing::pack;

/// What tantivy may hold before it writes an index segment; its least is 15 MB. Enough for most segments at
/// once, so that there is nothing to merge.
const WRITER_MEMORY_BYTES: usize = 192 << 20;

/// Documents that go to tantivy's thread together.
const BATCH_DOCUMENTS: usize = 64;
/// The least that tantivy takes; a writer that only merges holds nothing.
const MERGER_MEMORY_BYTES: usize = 15 << 20;

/// An index that takes entries; searchable by any process after each [`GrowingIndex::commit`].
pub struct GrowingIndex {
    dir: PathBuf,
    /// The segment's id, as documents have it.
    segment: String,
    writer: IndexWriter,
    /// Documents on their way to tantivy's thread: waking it for each costs more than some of its work.
    batch: Vec<UserOperation>,
    fields: Fields,
    extent: Extent,
    uncommitted: bool,
}

impl GrowingIndex {
    /// Starts an empty index of a segment in `dir`; what an earlier run left there is derived, and removed.
    ///
    /// # Errors
    /// When the directory can't be made anew.
    pub fn create(dir: PathBuf, segment: &SegmentId) -> Result<Self, Error> {
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
        }
        fs::create_dir_all(&dir).map_err(Error::io(&dir))?;
        let (schema, fields) = document::schema();
        let index = Index::builder().schema(schema).settings(document::settings()).create_in_dir(&dir)?;
        document::prepare(&index);
        let writer = index.writer_with_num_threads(1, WRITER_MEMORY_BYTES)?;
        Ok(Self {
            dir,
            segment: segment.to_string(),
            writer,
            batch: Vec::new(),
            fields,
            extent: Extent::of(segment),
            uncommitted: false,
        })
    }

    /// Takes one entry.
    ///
    /// # Errors
    /// When tantivy's threads died.
    pub fn add(&mut self, entry: Indexed) -> Result<(), Error> {
        self.extent.add(entry.start_ns);
        self.batch.push(UserOperation::Add(document::document(self.fields, &self.segment, entry)));
        self.uncommitted = true;
        if self.batch.len() >= BATCH_DOCUMENTS { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), Error> {
        self.writer.run(std::mem::take(&mut self.batch))?;
        Ok(())
    }

    /// Makes what was added searchable; does nothing when nothing was.
    ///
    /// # Errors
    /// When the index can't be written.
    pub fn commit(&mut self) -> Result<(), Error> {
        if self.uncommitted {
            self.send()?;
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
        self.send()?;
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
        pack(&index, &self.dir, target, &self.extent)?;
        fs::remove_dir_all(&self.dir).map_err(Error::io(&self.dir))
    }
}
