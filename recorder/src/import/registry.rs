//! Which files were imported: imports.jsonl, one line per file.

use std::fs::{File, OpenOptions};
use std::io::Write;

use rustix::fs::{FlockOperation, flock};
use segment::{Chain, Digest};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::data::DataDir;
use crate::error::Error;

/// A line of imports.jsonl.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Import {
    /// BLAKE3 of the whole file, as it was given.
    pub blake3: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its name.
    pub name: String,
    /// The chain that holds it.
    pub chain: String,
    /// When, in nanoseconds, as text.
    pub imported_at: String,
}

/// The list, locked: one import at a time.
#[derive(Debug)]
pub struct Registry {
    data: DataDir,
    imports: Vec<Import>,
    _lock: File,
}

impl Registry {
    /// Waits for other imports to end, and reads the list. Lines that are no imports are passed over:
    /// a crash may have cut the last one.
    ///
    /// # Errors
    /// Where the list can't be read.
    pub fn open(data: &DataDir) -> Result<Self, Error> {
        let path = data.root().join("imports.lock");
        let lock = File::create(&path).map_err(Error::io("open", &path))?;
        flock(&lock, FlockOperation::LockExclusive).map_err(|e| Error::io("lock", &path)(e.into()))?;
        let path = data.imports();
        let text = match std::fs::read_to_string(&path) {
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read.map_err(Error::io("read", &path))?,
        };
        let imports = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Self { data: data.clone(), imports, _lock: lock })
    }

    /// Every import of the file with that digest, oldest first.
    #[must_use]
    pub fn of(&self, digest: Digest) -> Vec<&Import> {
        let digest = digest.to_string();
        self.imports.iter().filter(|import| import.blake3 == digest).collect()
    }

    /// Adds a line.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn add(&mut self, digest: Digest, size_bytes: u64, name: &str, chain: &Chain) -> Result<(), Error> {
        let import = Import {
            blake3: digest.to_string(),
            size_bytes,
            name: name.to_owned(),
            chain: chain.to_string(),
            imported_at: clock::now().nanos().to_string(),
        };
        let path = self.data.imports();
        // A line that a crash cut doesn't take this one with it.
        let cut = std::fs::read(&path).is_ok_and(|text| text.last().is_some_and(|last| *last != b'\n'));
        let line = serde_json::to_string(&import).expect("an import is text and numbers");
        let line = format!("{}{line}\n", if cut { "\n" } else { "" });
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()).and_then(|()| file.sync_data()))
            .map_err(Error::io("write", &path))?;
        self.imports.push(import);
        Ok(())
    }
}
