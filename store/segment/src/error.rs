//! What can go wrong with a segment, and what a caller should do about it.

use std::io;
use std::path::{Path, PathBuf};

/// What a caller should do about an [`Error`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The disk or the file system refused: retry, free space, or give up on the file.
    Io,
    /// The bytes are damaged: skip them, report a loss, go on.
    Data,
    /// The caller asked for something that can't be written or doesn't exist.
    Input,
    /// Written by a later version than this one.
    Version,
}

/// Everything this crate can fail with.
#[derive(thiserror::Error, Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The bytes at `offset` are not what was written.
    #[error("{}: damaged at byte {offset}: {reason}", path.display())]
    Damaged {
        /// The segment's file.
        path: PathBuf,
        /// Where in the file, compressed.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// A block or text inside a frame doesn't parse.
    #[error("malformed {what}")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
    /// The caller's value can't be written.
    #[error("can't be recorded: {0}")]
    Input(String),
    /// Not a chain or segment id.
    #[error("`{0}` is not a segment id: expected CHAIN-NNNNNNNNNN, chain of a-z, 0-9 and -, at most 64")]
    Id(String),
    /// A frame number beyond the last.
    #[error("{}: no frame {number}", path.display())]
    NoFrame {
        /// The segment's file.
        path: PathBuf,
        /// The number asked for.
        number: u32,
    },
    /// Written by a later Remora.
    #[error("{}: format version {version} is newer than this program reads", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version found.
        version: u32,
    },
    /// A sync failed earlier: what is on disk is unknown, so the segment takes nothing more.
    #[error("{}: an earlier sync failed; the segment takes nothing more", path.display())]
    SyncFailed {
        /// The segment's file.
        path: PathBuf,
    },
    /// The manifest is not JSON of the shape we write.
    #[error("{}: not a manifest: {reason}", path.display())]
    Manifest {
        /// The manifest's file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
    },
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. } | Self::SyncFailed { .. } => ErrorKind::Io,
            Self::Damaged { .. } | Self::Malformed { .. } | Self::Manifest { .. } => ErrorKind::Data,
            Self::Input(_) | Self::Id(_) | Self::NoFrame { .. } => ErrorKind::Input,
            Self::Version { .. } => ErrorKind::Version,
        }
    }

    /// Wraps an I/O error with what was tried on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_path_buf(), source }
    }
}
