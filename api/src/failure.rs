//! How a command ends badly, and the exit status for it.
//!
//! 0: done, an empty answer too. 1: it failed; one line on stderr says what, where, and what to do.
//! 2: the command line or the KFL text is wrong. A reader that stops reading (`remora query … | head`) is no
//! failure: the answer ends quietly.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::terminal::escape;

/// Why a command did not come to its good end.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong: a message for people, of one or more lines.
    CommandLine(String),
    /// It failed: the chain of errors makes one line.
    Failed(anyhow::Error),
    /// It ended badly with this exit status, and everything was said already.
    Told(u8),
    /// Whoever read our output stopped reading.
    OutputClosed,
}

impl Failure {
    /// Tells the person on stderr what went wrong, and gives the exit status.
    pub fn report(&self) -> ExitCode {
        let mut stderr = io::stderr().lock();
        // When stderr is closed too, the exit status still tells.
        match self {
            Self::CommandLine(message) => {
                let _ = writeln!(stderr, "remora: {}", message.trim_end());
                ExitCode::from(2)
            }
            Self::Failed(error) => {
                let _ = writeln!(stderr, "remora: {}", escape::line(&format!("{error:#}")));
                ExitCode::FAILURE
            }
            Self::Told(status) => ExitCode::from(*status),
            Self::OutputClosed => ExitCode::SUCCESS,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let closed = error
            .chain()
            .filter_map(|cause| cause.downcast_ref::<io::Error>())
            .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe);
        if closed { Self::OutputClosed } else { Self::Failed(error) }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        anyhow::Error::new(error).context("cannot write the answer").into()
    }
}

impl From<indexer::Error> for Failure {
    fn from(error: indexer::Error) -> Self {
        if let indexer::Error::Export(segment::Error::Io { source, .. }) = &error
            && source.kind() == io::ErrorKind::BrokenPipe
        {
            return Self::OutputClosed;
        }
        // What was asked makes no sense: an id that is none, a BPF expression that libpcap refuses.
        if error.kind() == indexer::ErrorKind::Invalid {
            return Self::CommandLine(error.to_string());
        }
        anyhow::Error::new(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_output_is_no_failure() {
        let closed = io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(matches!(Failure::from(closed), Failure::OutputClosed));
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(matches!(Failure::from(full), Failure::Failed(_)));
    }
}
