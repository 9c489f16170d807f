//! Reads the segments of one chain in order and indexes them.
//!
//! One dissector lives through the chain, so that an exchange may begin in one segment and end in the
//! next; it belongs to the index of the segment where it ended. Reading starts at the first segment
//! without an index; what was recorded shortly before it is read first, in silence, so that flows that were under
//! way are known.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use dissect::Exchange;
use segment::{Chain, SegmentId, SegmentReader};
use store::Layout;
use tantivy::TantivyError;
use tracing::{info, warn};

use crate::Error;
use crate::document::{Indexed, Words};
use crate::entry::{self, Bodies, Naming, without_bodies};
use crate::growing::GrowingIndex;
use crate::names::Names;
use crate::pipeline::{self, Pipeline, has_successor, open};

/// Frames read in one step, before other chains get their turn: 64 × 256 KiB.
const FRAMES_PER_STEP: usize = 64;
/// What was added to an open segment's index is searchable at the latest after this.
const COMMIT_INTERVAL: Duration = Duration::from_millis(250);
/// A sealed segment without a successor is taken for the chain's end after this.
const SUCCESSOR_PATIENCE: Duration = Duration::from_secs(3);

/// What a step came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// There may be more to do at once.
    Worked,
    /// Nothing to do until the segment grows.
    Waiting,
    /// Nothing to do until there is a new segment.
    Idle,
    /// The chain ended, and all of it is indexed.
    Ended,
}

/// Whether more segments may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The chain may grow.
    Follow,
    /// What is sealed now is all; a last segment ends its flows.
    Drain,
}

/// Indexes one chain.
pub struct ChainIndexer {
    layout: Layout,
    chain: Chain,
    /// Segments that are still to be read, in order.
    pending: BTreeSet<SegmentId>,
    /// What lives on from one segment to the next.
    pipeline: Pipeline,
    /// The segment that was read last.
    last: Option<SegmentId>,
    /// Whether the last segment was taken for the chain's end.
    has_ended: bool,
    current: Option<Current>,
    /// The index of the segment before, while it is bundled.
    bundling: Option<Bundling>,
}

/// Bundles an index beside the reading of the next segment.
struct Bundling {
    id: SegmentId,
    thread: JoinHandle<Result<(), Error>>,
}

/// The segment that is being read.
struct Current {
    id: SegmentId,
    reader: SegmentReader,
    index: GrowingIndex,
    /// Entries that ended in it so far.
    entries: u64,
    committed: Instant,
    /// Since when the sealed segment has been read to its end.
    ended: Option<Instant>,
    /// Whether the reader had a second chance to find the seal.
    looked_again: bool,
}

impl ChainIndexer {
    /// For one chain; reads nothing yet.
    #[must_use]
    pub fn new(layout: Layout, chain: Chain) -> Self {
        let pipeline = Pipeline::new(&chain, Bodies::Kept);
        Self {
            layout,
            chain,
            pending: BTreeSet::new(),
            pipeline,
            last: None,
            has_ended: false,
            current: None,
            bundling: None,
        }
    }

    /// The chain.
    #[must_use]
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Indexes a sealed segment anew; its index is replaced when the new one is whole, at the latest when
    /// [`ChainIndexer::end`] is called.
    ///
    /// # Errors
    /// When the segment can't be read, or its index or that of the one before can't be written.
    pub fn index_anew(&mut self, id: SegmentId, entries: &mut u64) -> Result<(), Error> {
        // Whoever follows the chain may build its index where it grows, at the same time.
        let dir = self.layout.reindexing_dir().join(id.to_string());
        self.begin(id, dir)?;
        while self.current.is_some() {
            self.advance(Mode::Drain, entries)?;
        }
        Ok(())
    }

    /// Waits until everything that was indexed is there.
    ///
    /// # Errors
    /// When an index can't be written.
    pub fn end(&mut self) -> Result<(), Error> {
        self.bundled()
    }

    /// Tells of a segment that has no index yet. Known ones are passed over.
    pub fn offer(&mut self, id: SegmentId) {
        let known = self.current.as_ref().is_some_and(|current| current.id == id)
            || self.last.as_ref().is_some_and(|last| *last >= id);
        if !known {
            self.pending.insert(id);
        }
    }

    /// Does a bounded piece of work. A segment that can't be indexed is reported and left out.
    pub fn step(&mut self, mode: Mode, entries: &mut u64) -> Step {
        if self.current.is_none() {
            let Some(id) = self.pending.pop_first() else {
                return self.at_rest(mode);
            };
            if let Err(error) = self.begin(id.clone(), self.layout.growing_index(&id)) {
                warn!(segment = %id, %error, "segment can't be indexed");
                self.last = Some(id);
                return Step::Worked;
            }
        }
        match self.advance(mode, entries) {
            Ok(step) => step,
            Err(error) => {
                let current = self.current.take().map(|current| current.id);
                let id = current.as_ref().or(self.last.as_ref()).map(ToString::to_string);
                warn!(segment = id, %error, "indexing of the segment stopped");
                self.last = current.or(self.last.take());
                Step::Worked
            }
        }
    }

    /// Opens the next segment. Where it does not follow the last one, its flows are found anew from what was
    /// recorded shortly before it.
    fn begin(&mut self, id: SegmentId, dir: PathBuf) -> Result<(), Error> {
        let previous = id.before();
        if self.last != previous || previous.is_none() {
            self.pipeline = Pipeline::warm(&self.layout, &id, Bodies::Kept)?;
        }
        self.pipeline.begin(&id);
        let reader = open(&self.layout, &id)?;
        let index = GrowingIndex::create(dir, &id)?;
        self.current = Some(Current {
            id,
            reader,
            index,
            entries: 0,
            committed: Instant::now(),
            ended: None,
            looked_again: false,
        });
        Ok(())
    }

    fn advance(&mut self, mode: Mode, entries: &mut u64) -> Result<Step, Error> {
        let Some(current) = &mut self.current else { return Ok(Step::Idle) };
        let since = self.pipeline.since();
        for _ in 0..FRAMES_PER_STEP {
            let Some(frame) = current.reader.next_frame()? else { return self.at_end(mode, entries) };
            let mut failed = None;
            self.pipeline.feed(&frame, &mut |naming, names, exchange| {
                *entries += 1;
                failed = current.take(naming, names, &exchange, since).err().or(failed.take());
            });
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(Step::Worked)
    }

    /// The reader has nothing more for now: the segment still grows, or it is complete.
    fn at_end(&mut self, mode: Mode, entries: &mut u64) -> Result<Step, Error> {
        let Some(current) = &mut self.current else { return Ok(Step::Idle) };
        let is_open = self.layout.open_segment(&current.id).exists();
        let is_sealed = self.layout.sealed_segment(&current.id).exists();
        match (current.reader.is_sealed(), is_sealed) {
            // It grows, or its seal is written and not yet published.
            (_, false) if is_open => {
                if current.committed.elapsed() >= COMMIT_INTERVAL {
                    current.index.commit()?;
                    current.committed = Instant::now();
                }
                Ok(Step::Waiting)
            }
            // Expired while it was read: its index is not wanted.
            (_, false) => self.drop_current(),
            (false, true) => self.look_again(),
            (true, true) => self.complete(mode, entries),
        }
    }

    /// The segment was sealed a moment ago, and the reader finds the seal when it looks once more. If it does
    /// not, the segment was repaired into another file, and is read from the start there.
    fn look_again(&mut self) -> Result<Step, Error> {
        let Some(current) = &mut self.current else { return Ok(Step::Idle) };
        if std::mem::replace(&mut current.looked_again, true) {
            let id = current.id.clone();
            self.drop_current()?;
            self.last = None;
            self.pending.insert(id);
        }
        Ok(Step::Worked)
    }

    fn drop_current(&mut self) -> Result<Step, Error> {
        if let Some(current) = self.current.take() {
            self.last = Some(current.id.clone());
            let dir = self.layout.growing_index(&current.id);
            drop(current);
            fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
        }
        Ok(Step::Worked)
    }

    /// The segment is sealed and read to its end.
    fn complete(&mut self, mode: Mode, entries: &mut u64) -> Result<Step, Error> {
        let Some(mut current) = self.current.take() else { return Ok(Step::Idle) };
        let ended = *current.ended.get_or_insert_with(Instant::now);
        let next = SegmentId { chain: self.chain.clone(), sequence: current.id.sequence + 1 };
        let has_successor = has_successor(&self.layout, &next);
        if !has_successor && mode == Mode::Follow && ended.elapsed() < SUCCESSOR_PATIENCE {
            current.index.commit()?;
            self.current = Some(current);
            return Ok(Step::Waiting);
        }
        if has_successor {
            let pipeline = std::mem::replace(&mut self.pipeline, Pipeline::new(&self.chain, Bodies::Kept));
            self.pipeline = pipeline.put_away(&self.layout, &next, Bodies::Kept)?;
        } else {
            self.end_flows(&mut current, entries)?;
        }
        self.has_ended = !has_successor;
        self.last = Some(current.id.clone());
        self.bundle(current)?;
        Ok(Step::Worked)
    }

    /// Bundles an index on a thread of its own: one at a time, or memory would hold many.
    fn bundle(&mut self, current: Current) -> Result<(), Error> {
        let before = self.bundled();
        let Current { id, index, .. } = current;
        let target = self.layout.index(&id);
        let path = target.clone();
        let run = move || index.bundle(&target);
        let thread = thread::Builder::new().name("bundler".into()).spawn(run).map_err(Error::io(&path))?;
        self.bundling = Some(Bundling { id, thread });
        before
    }

    /// Waits until the index of the segment before is bundled.
    fn bundled(&mut self) -> Result<(), Error> {
        let Some(Bundling { id, thread }) = self.bundling.take() else { return Ok(()) };
        let died = |_| TantivyError::ErrorInThread(format!("the thread that bundles the index of {id} died"));
        thread.join().map_err(died)??;
        info!(segment = %id, "indexed");
        Ok(())
    }

    /// There is no segment to read; when no more come, what is bundled is waited for.
    fn at_rest(&mut self, mode: Mode) -> Step {
        let Some(Bundling { id, thread }) = &self.bundling else {
            return if self.has_ended { Step::Ended } else { Step::Idle };
        };
        if mode == Mode::Follow && !thread.is_finished() {
            return Step::Waiting;
        }
        let id = id.clone();
        if let Err(error) = self.bundled() {
            warn!(segment = %id, %error, "segment can't be indexed");
        }
        Step::Worked
    }

    /// No segment follows: what waits for a response leaves without one.
    fn end_flows(&mut self, current: &mut Current, entries: &mut u64) -> Result<(), Error> {
        let mut failed = None;
        let since = self.pipeline.since();
        self.pipeline.finish(&mut |naming, names, exchange| {
            *entries += 1;
            failed = current.take(naming, names, &exchange, since).err().or(failed.take());
        });
        // The next segment of the chain, if one ever comes, starts with fresh flows.
        self.pipeline = Pipeline::new(&self.chain, Bodies::Kept);
        failed.map_or(Ok(()), Err)
    }
}

/// Nobody else writes into the directory when this is gone.
impl Drop for ChainIndexer {
    fn drop(&mut self) {
        let _ = self.bundled();
    }
}

impl Current {
    /// Indexes an exchange that ended in this segment. What began before segment `since` may lack the start of its bodies.
    fn take(
        &mut self,
        naming: &mut Naming,
        names: &Names,
        exchange: &Exchange,
        since: u64,
    ) -> Result<(), Error> {
        let is_whole = pipeline::first_sequence(exchange).is_none_or(|first| first >= since);
        let (start, entry) = entry::entry(naming, names, exchange, Bodies::Kept);
        let words = Words::of(&entry, is_whole);
        let entry = without_bodies(entry);
        let (number, elapsed_ns) = (self.entries, entry::elapsed_ns(exchange));
        self.entries += 1;
        self.index.add(Indexed { start_ns: start.nanos(), number, elapsed_ns, words, entry })
    }
}
