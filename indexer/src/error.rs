//! What can go wrong between a segment and an answer, and what a caller should do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::entry::EntryId;

/// What a caller should do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// A file is missing or may not be read or written: mend that, then call again.
    Unavailable,
    /// What was asked makes no sense: change the call.
    Invalid,
    /// A file holds something it should not: look at that file, or rebuild it.
    Data,
    /// A belief of ours is broken: report it.
    Internal,
}

/// An error of the indexer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An index file that can't be opened; `remora reindex` rebuilds it.
    #[error("{path}: {reason} (rebuild it with: remora reindex)")]
    Bundle {
        /// The index.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Tantivy failed.
    #[error("index: {0}")]
    Index(#[from] tantivy::TantivyError),
    /// A segment can't be read.
    #[error(transparent)]
    Segment(#[from] segment::Error),
    /// The data directory can't be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The text is no entry's id.
    #[error("no entry id: {0:?} (expected SEGMENT.FRAME.PACKET, as `remora query` prints it)")]
    EntryId(String),
    /// There is no such entry.
    #[error(
        "no entry {0} here: its segment has expired, or it is of another recording (begin at a time instead: --from)"
    )]
    UnknownEntry(EntryId),
    /// The text is no cursor.
    #[error("no cursor: {0:?} (expected what the page before gave as its next one)")]
    Cursor(String),
    /// A file of schemas that can't be used.
    #[error("{path}: {reason}")]
    Schema {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// libpcap does not understand the filter.
    #[error("BPF filter: {0}")]
    Bpf(String),
    /// What is hunted for is no pattern.
    #[error("pattern: {0}")]
    Pattern(String),
    /// A hunt can't go on there.
    #[error("resume: {0}")]
    Resume(String),
    /// The file that is exported to can't be written.
    #[error("export: {0}")]
    Export(segment::Error),
}

impl Error {
    /// Adds the path to an error of the operating system.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// What a caller should do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::Export(_) => ErrorKind::Unavailable,
            Self::EntryId(_)
            | Self::UnknownEntry(_)
            | Self::Cursor(_)
            | Self::Bpf(_)
            | Self::Pattern(_)
            | Self::Resume(_)
            | Self::Schema { .. } => ErrorKind::Invalid,
            Self::Bundle { .. } | Self::Segment(_) => ErrorKind::Data,
            Self::Index(_) => ErrorKind::Internal,
            Self::Store(error) => match error.kind() {
                store::ErrorKind::Unavailable => ErrorKind::Unavailable,
                store::ErrorKind::Data => ErrorKind::Data,
            },
        }
    }
}
