//! The index of one segment while the segment is read.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};
use segment::SegmentId;
use tantivy::indexer::{NoMergePolicy, UserOperation};
use tantivy::{Index, IndexWriter, TantivyError};

use crate::Error;
use crate::bundle::Extent;
use crate::document::{self, Fields, Indexed};
use crate::packing::pack;

/// What tantivy may hold before it writes an index segment; its least is 15 MB. Enough for most segments at
/// once, so that there is nothing to merge.
const WRITER_MEMORY_BYTES: usize = 192 << 20;

/// Entries that go to the next thread together: waking it for each costs more than some of its work.
const BATCH_ENTRIES: usize = 64;
/// Batches on their way. Entries have no bodies there, so that they are small.
const BATCHES_MAX: usize = 4;
/// The least that tantivy takes; a writer that only merges holds nothing.
const MERGER_MEMORY_BYTES: usize = 15 << 20;

/// An index that takes entries; searchable by any process after each [`GrowingIndex::commit`].
pub struct GrowingIndex {
    dir: PathBuf,
    writer: Writer,
    batch: Vec<Indexed>,
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
        let writer = Writer::start(writer, fields, segment.to_string()).map_err(Error::io(&dir))?;
        Ok(Self { dir, writer, batch: Vec::new(), extent: Extent::of(segment), uncommitted: false })
    }

    /// Takes one entry.
    ///
    /// # Errors
    /// When a thread that writes died.
    pub fn add(&mut self, entry: Indexed) -> Result<(), Error> {
        self.extent.add(entry.start_ns);
        self.batch.push(entry);
        self.uncommitted = true;
        if self.batch.len() >= BATCH_ENTRIES {
            self.writer.add(std::mem::take(&mut self.batch))
        } else {
            Ok(())
        }
    }

    /// Makes what was added searchable; does nothing when nothing was.
    ///
    /// # Errors
    /// When the index can't be written.
    pub fn commit(&mut self) -> Result<(), Error> {
        if self.uncommitted {
            self.writer.add(std::mem::take(&mut self.batch))?;
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
        self.uncommitted = true;
        self.commit()?;
        let writer = self.writer.end()?;
        let index = writer.index().clone();
        // A merge in the background would take pieces away from under the last one.
        writer.wait_merging_threads()?;
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

/// The thread that makes documents of entries, so that whoever takes exchanges apart needn't, and hands them to
/// tantivy's.
struct Writer {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<IndexWriter>>,
}

enum Order {
    Add(Vec<Indexed>),
    Commit(Sender<Result<(), TantivyError>>),
}

impl Writer {
    fn start(writer: IndexWriter, fields: Fields, segment: String) -> std::io::Result<Self> {
        let (orders, receiver) = bounded(BATCHES_MAX);
        let run = move || write(writer, fields, &segment, &receiver);
        let thread = thread::Builder::new().name("documents".into()).spawn(run)?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    fn add(&mut self, batch: Vec<Indexed>) -> Result<(), Error> {
        self.order(Order::Add(batch))
    }

    fn commit(&mut self) -> Result<(), Error> {
        let (reply, done) = bounded(1);
        self.order(Order::Commit(reply))?;
        Ok(done.recv().map_err(|_| died())??)
    }

    fn order(&mut self, order: Order) -> Result<(), Error> {
        let orders = self.orders.as_ref().ok_or_else(died)?;
        Ok(orders.send(order).map_err(|_| died())?)
    }

    fn end(&mut self) -> Result<IndexWriter, Error> {
        self.orders = None;
        let thread = self.thread.take().ok_or_else(died)?;
        Ok(thread.join().map_err(|_| died())?)
    }
}

/// Nobody removes the directory from under the thread.
impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn died() -> TantivyError {
    TantivyError::ErrorInThread("the thread that makes documents died".into())
}

/// Follows orders until nobody gives any. What can't be added is told at the next commit.
fn write(mut writer: IndexWriter, fields: Fields, segment: &str, orders: &Receiver<Order>) -> IndexWriter {
    let mut failed = None;
    for order in orders {
        match order {
            Order::Add(batch) if failed.is_none() => {
                let add = |entry| UserOperation::Add(document::document(fields, segment, entry));
                failed = writer.run(batch.into_iter().map(add)).err();
            }
            Order::Add(_) => {}
            Order::Commit(reply) => {
                let result = failed.take().map_or_else(|| writer.commit().map(drop), Err);
                let _ = reply.send(result);
            }
        }
    }
    writer
}
