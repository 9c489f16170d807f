//! What can go wrong, each with what to do about it: an error is one line for a person.

use std::io;
use std::path::{Path, PathBuf};

/// Everything the recorder can fail with.
#[derive(thiserror::Error, Debug)]
pub enum Error {
    /// The command line asks for something impossible.
    #[error("{0}")]
    Config(String),
    /// The capability to capture is missing.
    #[error(
        "can't capture: CAP_NET_RAW is missing; give it with `sudo setcap cap_net_raw+ep {}` or run with sudo",
        binary.display()
    )]
    NoCapability {
        /// The program to give it to.
        binary: PathBuf,
    },
    /// Capabilities could not be dropped.
    #[error("can't drop privileges ({what}): {reason}; refusing to run with more than CAP_NET_RAW")]
    Privileges {
        /// Which step.
        what: &'static str,
        /// What the system said.
        reason: String,
    },
    /// libpcap refuses an interface.
    #[error("can't capture on {interface}: {reason}; `remora-recorder list-interfaces` prints what there is")]
    Open {
        /// The interface.
        interface: String,
        /// What libpcap said.
        reason: String,
    },
    /// libpcap refuses the filter.
    #[error("can't use the filter `{filter}` on {interface}: {reason}; see pcap-filter(7)")]
    Filter {
        /// The interface it was compiled for.
        interface: String,
        /// The text.
        filter: String,
        /// What libpcap said.
        reason: String,
    },
    /// The operating system refuses a file.
    #[error("can't {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else records into the same directory.
    #[error(
        "{} is in use by another recorder (process {holder}); stop it or give another --data directory",
        data.display()
    )]
    Locked {
        /// The data directory.
        data: PathBuf,
        /// Who holds the lock, as far as is known.
        holder: String,
    },
    /// A file of ours doesn't hold what it should.
    #[error("{}: {reason}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A segment can't be written or read.
    #[error(transparent)]
    Segment(#[from] segment::Error),
}

impl Error {
    /// Wraps an I/O error with what was tried on which path.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_path_buf(), source }
    }
}
