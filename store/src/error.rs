//! What can go wrong with the data directory, and what a caller should do about it.

use std::io;
use std::path::{Path, PathBuf};

/// What a caller should do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The directory is missing or may not be read or written: mend it, then call again.
    Unavailable,
    /// A file holds something it should not: look at that file.
    Data,
}

/// An error of the store.
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
    /// A manifest can't be read.
    #[error("{path}: {source}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        source: segment::Error,
    },
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
            Self::Io { .. } => ErrorKind::Unavailable,
            Self::Manifest { .. } => ErrorKind::Data,
        }
    }
}
