//! A data directory, opened to be asked.

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use kfl::Query;
use segment::{Loss, SegmentId, TimeRange};
use serde_json::Value;
use store::{Catalog, Layout, Summary};
use tantivy::Index;

use crate::Error;
use crate::conversation::Conversation;
use crate::evidence::EntryPacket;
use crate::export::{ExportFilter, ExportSummary};
use crate::follow::{Beginning, Followed};
use crate::opened::{FileKey, OpenIndexes, Opened, Ready};
use crate::readers::Readers;
use crate::schema::Schemas;
use crate::search::{Begin, Budget, Cursor, Plan, Stop};

/// What a question looked at, and what it could not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Coverage {
    /// Segments whose index was searched.
    pub segments_searched: usize,
    /// Segments that can't hold an answer.
    pub segments_pruned: usize,
    /// Segments that may hold answers and could not be read, each with the reason.
    pub segments_missing: Vec<String>,
    /// What was lost in the range asked for.
    pub losses: Vec<Loss>,
    /// Entries in the answer.
    pub entries: u64,
    /// Whether the answer ended before its end.
    pub truncated: bool,
    /// Why it did.
    pub stopped: Option<Stop>,
    /// The last entry of the answer: the next page begins behind it.
    pub next: Option<Cursor>,
    /// What was done to answer.
    pub plan: Plan,
}

impl Coverage {
    /// Of a question that nothing was done about yet: what was lost in its range, and what can't be read at all.
    #[must_use]
    pub fn of(range: TimeRange, segments: &[Summary], unreadable: &[store::Error]) -> Self {
        let losses = segments.iter().flat_map(|segment| &segment.losses);
        Self {
            segments_missing: unreadable.iter().map(ToString::to_string).collect(),
            losses: losses.filter(|loss| loss.range.overlaps(range)).cloned().collect(),
            ..Self::default()
        }
    }
}

/// Which entries come first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Order {
    /// The oldest.
    Ascending,
    /// The latest.
    #[default]
    Descending,
}

/// What is asked beside the filter.
#[derive(Clone, Debug)]
pub struct QueryOptions {
    /// Entries that began in it.
    pub range: TimeRange,
    /// Most entries in the answer.
    pub limit: Option<u64>,
    /// Which come first.
    pub order: Order,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// What the answer may cost.
    pub budget: Budget,
}

impl Default for QueryOptions {
    fn default() -> Self {
        Self {
            range: TimeRange::ALL,
            limit: None,
            order: Order::default(),
            after: None,
            budget: Budget::default(),
        }
    }
}

/// A data directory, readable by any process at any time.
#[derive(Debug)]
pub struct Data {
    catalog: Catalog,
    schemas: Option<Schemas>,
    indexes: OpenIndexes,
    readers: Readers,
}

impl Data {
    /// Opens a data directory to ask it.
    ///
    /// # Errors
    /// When there is no such directory.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        std::fs::metadata(dir).map_err(Error::io(dir))?;
        Ok(Self {
            catalog: Catalog::open_uncached(Layout::new(dir)),
            schemas: None,
            indexes: OpenIndexes::default(),
            readers: Readers::default(),
        })
    }

    /// Shows messages by these schemas, wherever bodies are shown or asked for.
    #[must_use]
    pub fn with_schemas(mut self, schemas: Schemas) -> Self {
        self.schemas = Some(schemas);
        self
    }

    /// The schemas that messages are shown by.
    pub(crate) fn schemas(&self) -> Option<&Schemas> {
        self.schemas.as_ref()
    }

    /// The indexes that are open.
    pub(crate) fn indexes(&self) -> &OpenIndexes {
        &self.indexes
    }

    /// The segments that are open.
    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// The paths in it.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        self.catalog.layout()
    }

    /// Every segment, and the manifests that can't be read.
    ///
    /// # Errors
    /// When the directory can't be listed.
    pub fn segments(&self) -> Result<(Vec<Summary>, Vec<store::Error>), Error> {
        Ok(self.catalog.segments()?)
    }

    /// Answers a question; `sink` gets each entry, without bodies, and may end the answer.
    ///
    /// # Errors
    /// When the directory can't be listed. A segment that can't be searched is named in the coverage.
    pub fn query(
        &self,
        query: &Query,
        options: QueryOptions,
        sink: &mut dyn FnMut(Value) -> ControlFlow<()>,
    ) -> Result<Coverage, Error> {
        crate::search::query(self, query, options, sink)
    }

    /// The same options for an answer that begins elsewhere than with its first entry; the coverage of an empty answer
    /// if the budget didn't suffice to find where.
    ///
    /// # Errors
    /// When the directory can't be listed, or there is no such entry.
    pub fn beginning(
        &self,
        query: &Query,
        options: QueryOptions,
        begin: Begin,
    ) -> Result<ControlFlow<Coverage, QueryOptions>, Error> {
        crate::search::beginning(self, query, options, begin)
    }

    /// Answers a question and goes on with what comes, in the order it came, until `sink`, the query's limit or the
    /// options' budget end it. Nothing is left out or given twice between the past and the present. The past begins
    /// behind the cursor; the options' limit and order don't apply.
    ///
    /// # Errors
    /// When the directory can't be listed.
    pub fn follow(
        &self,
        query: &Query,
        options: &QueryOptions,
        sink: &mut dyn FnMut(Value) -> ControlFlow<()>,
    ) -> Result<Coverage, Error> {
        let beginning = options.after.clone().map_or(Beginning::First, Beginning::Behind);
        crate::follow::follow(self, query, options, beginning, &mut |told| match told {
            Followed::Entry(entry, _) => sink(entry),
            Followed::CaughtUp(_) | Followed::Looked(_) | Followed::Coverage(_) => ControlFlow::Continue(()),
        })
    }

    /// The same, told with where to go on behind each entry; `beginning` may be such a place.
    ///
    /// # Errors
    /// When the directory can't be listed.
    pub fn follow_from(
        &self,
        query: &Query,
        options: &QueryOptions,
        beginning: Beginning,
        sink: &mut dyn FnMut(Followed<'_>) -> ControlFlow<()>,
    ) -> Result<Coverage, Error> {
        crate::follow::follow(self, query, options, beginning, sink)
    }

    /// One entry in full, dissected again from its packets; `None` if there is none of this id.
    ///
    /// # Errors
    /// When the segment can't be read or the id is none.
    pub fn entry(&self, id: &str) -> Result<Option<Value>, Error> {
        crate::evidence::entry(self, &id.parse()?)
    }

    /// The packets of an entry: those of its flow from its first to its last one.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn packets(&self, entry: &Value) -> Result<Vec<EntryPacket>, Error> {
        Ok(crate::evidence::packets(self, entry, u64::MAX)?.0)
    }

    /// The first packets of an entry that take not more than so many bytes together; whether those are all.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn packets_within(&self, entry: &Value, bytes_max: u64) -> Result<(Vec<EntryPacket>, bool), Error> {
        crate::evidence::packets(self, entry, bytes_max)
    }

    /// What was said on the connection of an entry, around it; not more than so many bytes.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub fn conversation(&self, entry: &Value, bytes_max: usize) -> Result<Conversation, Error> {
        crate::conversation::conversation(self, entry, bytes_max)
    }

    /// Writes the packets of a time range to `out` as pcapng.
    ///
    /// # Errors
    /// When the filter is wrong or `out` can't be written.
    pub fn export<W: Write>(
        &self,
        range: TimeRange,
        filter: ExportFilter,
        out: W,
    ) -> Result<ExportSummary, Error> {
        crate::export::export(self, range, filter, &Budget::default(), out)
    }

    /// The same, as long as the budget lasts; the coverage says if it did not.
    ///
    /// # Errors
    /// When the filter is wrong or `out` can't be written.
    pub fn export_within<W: Write>(
        &self,
        range: TimeRange,
        filter: ExportFilter,
        budget: &Budget,
        out: W,
    ) -> Result<ExportSummary, Error> {
        crate::export::export(self, range, filter, budget, out)
    }

    /// The number of entries in a segment's index, finished or growing; 0 without one.
    #[must_use]
    pub fn entries_of(&self, id: &SegmentId) -> u64 {
        match self.finished_index(id) {
            Ok(index) => index.contents().entries_of(id),
            Err(_) => self.growing_index(id).map_or(0, |ready| ready.searcher.num_docs()),
        }
    }

    /// The finished index of a segment, opened now or before.
    ///
    /// # Errors
    /// When there is none, or none of ours.
    pub(crate) fn finished_index(&self, id: &SegmentId) -> Result<Arc<Opened>, Error> {
        let path = self.layout().index(id);
        let file = std::fs::metadata(&path).map_err(Error::io(&path))?;
        self.indexes.open(FileKey::of(&file), &path)
    }

    /// The index that grows with a segment, as it is now.
    ///
    /// # Errors
    /// When there is none, or it is being bundled or begun anew.
    pub(crate) fn growing_index(&self, id: &SegmentId) -> Result<Ready, Error> {
        Ready::of(&Index::open_in_dir(self.layout().growing_index(id))?)
    }
}
