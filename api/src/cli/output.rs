//! Where an answer goes: a file, or standard output.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::Context;

use crate::failure::Failure;

/// An answer's destination. Open it before this process may write nowhere but in the data directory.
pub enum Output {
    /// A file.
    File(File),
    /// Standard output.
    Stdout(io::Stdout),
}

impl Output {
    /// A place for bytes that no terminal can show; `-` is standard output.
    ///
    /// # Errors
    /// When the file can't be created, or standard output is a terminal.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path != Path::new("-") {
            return Self::create(path);
        }
        if io::stdout().is_terminal() {
            let why = "this is not written to a terminal: name a file with -o, or use a pipe";
            return Err(Failure::CommandLine(why.to_owned()));
        }
        Ok(Self::Stdout(io::stdout()))
    }

    /// A file, made anew.
    ///
    /// # Errors
    /// When it can't be.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self::File(file))
    }

    /// Evidence that was said to be written is on the disk. Pipes and devices have nothing to sync.
    pub fn sync(&self) -> io::Result<()> {
        match self {
            Self::File(file) if file.metadata()?.is_file() => file.sync_all(),
            _ => Ok(()),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}
