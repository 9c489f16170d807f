//! Keeps every chain of a data directory indexed, on a thread of its own, and merges indexes on another one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use segment::{Chain, SegmentId, TimeRange};
use store::{Catalog, Layout, State};
use tracing::warn;

use crate::Error;
use crate::bundle::Bundle;
use crate::chain::{ChainIndexer, Mode, Step};
use crate::document::ENTRY_VERSION;
use crate::lock;
use crate::merging::{self, Latest};

/// How often a segment that grows is looked at.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(50);
/// How often the directory is listed for new segments.
const LIST_INTERVAL: Duration = Duration::from_millis(250);

/// What another process indexes is waited for, as long as it comes further within this.
const DRAIN_PATIENCE: Duration = Duration::from_secs(60);

/// How often the merger looks for work.
const MERGE_INTERVAL: Duration = Duration::from_secs(5);
/// How much less than others the merger gets of the processors (nice(2)).
const MERGER_NICENESS: i32 = 10;

/// The threads that index and merge; they stop when this is dropped or drained.
pub struct Indexing {
    mode: Option<Sender<Mode>>,
    thread: Option<JoinHandle<()>>,
    merger: Option<(Sender<()>, JoinHandle<()>)>,
    entries: Arc<AtomicU64>,
}

impl Indexing {
    /// Starts to index what is in the data directory `dir` and what comes to it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(dir: &Path) -> Result<Self, Error> {
        let layout = Layout::new(dir);
        let (mode, mode_receiver) = bounded(1);
        let entries = Arc::new(AtomicU64::new(0));
        let merger = start_merger(layout.clone())?;
        let mut worker = Worker::new(layout, Arc::clone(&entries));
        let thread = thread::Builder::new()
            .name("indexer".into())
            .spawn(move || worker.run(&mode_receiver))
            .map_err(Error::io(dir))?;
        Ok(Self { mode: Some(mode), thread: Some(thread), merger: Some(merger), entries })
    }

    /// Entries indexed since the start.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.entries.load(Ordering::Relaxed)
    }

    /// Indexes everything that is sealed now, then stops.
    pub fn drain(mut self) {
        if let Some(mode) = self.mode.take() {
            let _ = mode.send(Mode::Drain);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Merges indexes of neighbouring segments until there is nothing left to merge. `progress` is called before each.
///
/// # Errors
/// When an index can't be read or written.
pub fn merge(dir: &Path, progress: &mut dyn FnMut()) -> Result<(), Error> {
    let layout = Layout::new(dir);
    merging::clean_up(&layout)?;
    let catalog = Catalog::open_uncached(layout);
    loop {
        progress();
        if !merging::merge_once(&catalog, Latest::Ended)? {
            return Ok(());
        }
    }
}

/// Builds the indexes of the segments in `range` anew; until one is there, the one before answers. `progress` is told
/// how many of how many segments are done.
///
/// # Errors
/// When the directory can't be listed, an index can't be replaced, or a segment could not be indexed.
pub fn reindex(dir: &Path, range: TimeRange, progress: &mut dyn FnMut(usize, usize)) -> Result<(), Error> {
    let layout = Layout::new(dir);
    let (segments, _) = Catalog::open_uncached(layout.clone()).segments()?;
    let wanted: Vec<SegmentId> = segments
        .into_iter()
        .filter(|segment| segment.state != State::Open && segment.may_overlap(range))
        .map(|segment| segment.id)
        .collect();
    let mut entries = 0;
    let mut chain: Option<ChainIndexer> = None;
    for (done, id) in wanted.iter().enumerate() {
        progress(done, wanted.len());
        if !layout.sealed_segment(id).exists() {
            continue;
        }
        let indexer = match chain.take() {
            Some(indexer) if *indexer.chain() == id.chain => indexer,
            before => {
                before.map_or(Ok(()), |mut before| before.end())?;
                ChainIndexer::new(layout.clone(), id.chain.clone())
            }
        };
        chain.insert(indexer).index_anew(id.clone(), &mut entries)?;
    }
    chain.map_or(Ok(()), |mut last| last.end())?;
    let dir = layout.reindexing_dir();
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
    }
    progress(wanted.len(), wanted.len());
    Ok(())
}

/// Merges what has settled, now and then, when nobody else needs the processor.
fn start_merger(layout: Layout) -> Result<(Sender<()>, JoinHandle<()>), Error> {
    let (stop, stopped) = bounded(1);
    let dir = layout.root().to_owned();
    let run = move || {
        // On Linux this is the thread's own.
        let _ = rustix::process::nice(MERGER_NICENESS);
        let tell = |error: Error| warn!(%error, "indexes can't be merged");
        if let Err(error) = merging::clean_up(&layout) {
            tell(error);
        }
        let catalog = Catalog::open_uncached(layout);
        while stopped.recv_timeout(MERGE_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            if let Err(error) = merging::merge_once(&catalog, Latest::Grows) {
                tell(error);
            }
        }
    };
    let thread = thread::Builder::new().name("merger".into()).spawn(run).map_err(Error::io(&dir))?;
    Ok((stop, thread))
}

impl Drop for Indexing {
    fn drop(&mut self) {
        self.mode = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Some((stop, thread)) = self.merger.take() {
            drop(stop);
            let _ = thread.join();
        }
    }
}

/// Owns every chain's indexer.
struct Worker {
    layout: Layout,
    catalog: Catalog,
    chains: BTreeMap<Chain, ChainIndexer>,
    /// Segments whose index is known to be there.
    indexed: BTreeSet<SegmentId>,
    entries: Arc<AtomicU64>,
}

impl Worker {
    fn new(layout: Layout, entries: Arc<AtomicU64>) -> Self {
        let catalog = Catalog::open(layout.clone());
        Self { layout, catalog, chains: BTreeMap::new(), indexed: BTreeSet::new(), entries }
    }

    fn run(&mut self, modes: &Receiver<Mode>) {
        let Some((_turn, mut mode)) = self.turn(modes) else { return };
        let mut listed: Option<Instant> = None;
        loop {
            if listed.is_none_or(|at| at.elapsed() >= LIST_INTERVAL) {
                self.list();
                listed = Some(Instant::now());
            }
            let worked = self.step(mode);
            if !worked && mode == Mode::Drain {
                return;
            }
            let patience = if worked { Duration::ZERO } else { FOLLOW_INTERVAL };
            match modes.recv_timeout(patience) {
                // What was sealed in the meantime belongs to what is drained.
                Ok(next) => (mode, listed) = (next, None),
                Err(RecvTimeoutError::Disconnected) if mode == Mode::Follow => return,
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Waits until no other process indexes here; `None` when there is nothing to do any more. Two that index would
    /// remove each other's work.
    fn turn(&mut self, modes: &Receiver<Mode>) -> Option<(Option<File>, Mode)> {
        let mut mode = Mode::Follow;
        let (mut waiting, mut since) = (usize::MAX, Instant::now());
        loop {
            match lock(&self.layout) {
                Ok(None) => {}
                Ok(turn) => return Some((turn, mode)),
                Err(error) => {
                    // A directory that can't be written will tell again where it matters.
                    warn!(%error, "whether another process indexes can't be told");
                    return Some((None, mode));
                }
            }
            if mode == Mode::Drain {
                let left = self.unindexed();
                if left < waiting {
                    (waiting, since) = (left, Instant::now());
                }
                if left == 0 || since.elapsed() > DRAIN_PATIENCE {
                    return None;
                }
            }
            match modes.recv_timeout(LIST_INTERVAL) {
                Ok(next) => mode = next,
                Err(RecvTimeoutError::Disconnected) if mode == Mode::Follow => return None,
                Err(RecvTimeoutError::Disconnected) => thread::park_timeout(LIST_INTERVAL),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Sealed segments without an index.
    fn unindexed(&mut self) -> usize {
        let sealed = self.layout.list_sealed().unwrap_or_default();
        for id in &sealed {
            if !self.indexed.contains(id) && is_indexed(&self.layout, id) {
                self.indexed.insert(id.clone());
            }
        }
        sealed.iter().filter(|id| !self.indexed.contains(id)).count()
    }

    /// One step of every chain; whether any had something to do.
    fn step(&mut self, mode: Mode) -> bool {
        let (mut entries, mut worked) = (0, false);
        self.chains.retain(|_, chain| {
            let step = chain.step(mode, &mut entries);
            worked |= step == Step::Worked;
            step != Step::Ended
        });
        self.entries.fetch_add(entries, Ordering::Relaxed);
        worked
    }

    /// Looks for segments without an index.
    fn list(&mut self) {
        let (sealed, open) = match (self.layout.list_sealed(), self.layout.list_open()) {
            (Ok(sealed), Ok(open)) => (sealed, open),
            (Err(error), _) | (_, Err(error)) => {
                warn!(%error, "data directory can't be listed");
                return;
            }
        };
        let expired = self.indexed.len() > sealed.len();
        for id in &sealed {
            if self.indexed.contains(id) {
                continue;
            }
            if is_indexed(&self.layout, id) {
                self.indexed.insert(id.clone());
                if let Err(error) = self.catalog.adopt(id) {
                    warn!(segment = %id, %error, "segment has no readable manifest");
                }
            } else {
                self.offer(id.clone());
            }
        }
        for id in open {
            self.offer(id);
        }
        if expired {
            let sealed: BTreeSet<_> = sealed.into_iter().collect();
            self.indexed.retain(|id| sealed.contains(id));
            self.catalog.forget_expired();
        }
    }

    fn offer(&mut self, id: SegmentId) {
        let layout = &self.layout;
        let chain = self.chains.entry(id.chain.clone());
        chain.or_insert_with(|| ChainIndexer::new(layout.clone(), id.chain.clone())).offer(id);
    }
}

/// Keeps other processes from indexing while the file lives; `None` where one does.
fn lock(layout: &Layout) -> Result<Option<File>, Error> {
    lock::take(&layout.root().join("indexing.lock"))
}

/// Whether a segment has an index that was made by today's rules.
fn is_indexed(layout: &Layout, id: &SegmentId) -> bool {
    Bundle::open(&layout.index(id)).is_ok_and(|bundle| bundle.contents().entry_version == ENTRY_VERSION)
}
