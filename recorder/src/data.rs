//! The data directory: where everything lies, who may write there, and where the chain goes on.
//!
//! ```text
//!   recorder.lock   held by supervisor and worker: one recorder per directory
//!   open.lock       held for the moment in which a segment appears in open/ or is looked at there
//!   recorder.json   this recorder's chain, and the last segment it sealed
//!   recorder.key    its signing key, 0600; recorder.pub is the public half in hexadecimal
//!   status.json     the latest counters, replaced once a second
//!   imports.jsonl   one line per imported file
//! ```

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crossbeam_channel::tick;
use rustix::fs::{FlockOperation, flock};
use segment::{Chain, Digest, SegmentId, SigningKey};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Recordings hold what people said to each other: not for everybody's eyes.
const DIRECTORY_MODE: u32 = 0o750;
/// How long a recorder that lives may hold its lock before the newcomer gives up.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
/// How long what is left of a recorder that was killed may hold it: the kernel frees its ring first, and a worker
/// that lost its supervisor seals what it has.
const LOCK_PATIENCE_DEAD: Duration = Duration::from_secs(20);
/// How often the lock is tried.
const LOCK_TRIED_EVERY: Duration = Duration::from_millis(100);
/// Characters of the host name that go into the chain's name.
const HOST_LENGTH_MAX: usize = 48;

/// The data directory.
#[derive(Clone, Debug)]
pub struct DataDir {
    root: PathBuf,
}

/// What recorder.json holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Identity {
    chain: String,
    /// The last segment that was sealed, so that the chain goes on although it expired.
    #[serde(default)]
    sealed: Option<Sealed>,
}

/// The chain's newest sealed segment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Sealed {
    sequence: u64,
    digest: String,
}

/// Where a chain goes on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChainEnd {
    /// The chain.
    pub chain: Chain,
    /// The next segment's number.
    pub next: u64,
}

impl DataDir {
    /// Makes the directory and its folders where they are missing.
    ///
    /// # Errors
    /// Where it can't be made or isn't writable, with what to do.
    pub fn prepare(root: &Path) -> Result<Self, Error> {
        let data = Self { root: root.to_path_buf() };
        for folder in [root.to_path_buf(), data.open(), data.sealed()] {
            DirBuilder::new()
                .recursive(true)
                .mode(DIRECTORY_MODE)
                .create(&folder)
                .map_err(|source| not_writable(&folder, source))?;
        }
        for folder in [root.to_path_buf(), data.open(), data.sealed()] {
            let probe = folder.join(format!(".writable-{}", std::process::id()));
            File::create(&probe).map_err(|source| not_writable(&folder, source))?;
            std::fs::remove_file(&probe).map_err(|source| not_writable(&folder, source))?;
        }
        Ok(data)
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Segments being written.
    #[must_use]
    pub fn open(&self) -> PathBuf {
        self.root.join("open")
    }

    /// Sealed segments.
    #[must_use]
    pub fn sealed(&self) -> PathBuf {
        self.root.join("sealed")
    }

    /// The latest counters.
    #[must_use]
    pub fn status(&self) -> PathBuf {
        self.root.join("status.json")
    }

    /// What was imported.
    #[must_use]
    pub fn imports(&self) -> PathBuf {
        self.root.join("imports.jsonl")
    }

    /// Claims the directory for this recorder. The lock lives as long as the file, or a copy of
    /// its descriptor in another process.
    ///
    /// # Errors
    /// [`Error::Locked`] if another recorder lives.
    pub fn lock(&self) -> Result<File, Error> {
        let path = self.root.join("recorder.lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let ticks = tick(LOCK_TRIED_EVERY);
        let mut waited = Duration::ZERO;
        while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut holder = String::new();
            file.rewind().map_err(Error::io("read", &path))?;
            let _ = file.read_to_string(&mut holder);
            let holder = holder.trim();
            let patience = if is_gone(holder) { LOCK_PATIENCE_DEAD } else { LOCK_PATIENCE };
            if waited < patience {
                let _ = ticks.recv();
                waited += LOCK_TRIED_EVERY;
                continue;
            }
            let holder = if holder.is_empty() { "unknown" } else { holder }.to_owned();
            return Err(Error::Locked { data: self.root.clone(), holder });
        }
        file.rewind().and_then(|()| file.set_len(0)).map_err(Error::io("write", &path))?;
        writeln!(file, "{}", std::process::id()).map_err(Error::io("write", &path))?;
        Ok(file)
    }

    /// Waits for, and holds, the right to make or judge files in `open/`.
    ///
    /// Without it, a segment could be taken for a crash's leftover between its creation and its lock.
    ///
    /// # Errors
    /// Where the lock file can't be used.
    pub fn lock_open(&self) -> Result<File, Error> {
        let path = self.root.join("open.lock");
        let file = File::create(&path).map_err(Error::io("open", &path))?;
        flock(&file, FlockOperation::LockExclusive).map_err(|e| Error::io("lock", &path)(e.into()))?;
        Ok(file)
    }

    /// The signing key; made on first use.
    ///
    /// # Errors
    /// Where it can't be read, made, or isn't a key.
    pub fn key(&self) -> Result<SigningKey, Error> {
        let _alone = self.lock_open()?;
        let path = self.root.join("recorder.key");
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(missing) if missing.kind() == ErrorKind::NotFound => {
                let bytes = random::<32>()?;
                write_whole(&path, &bytes, 0o600)?;
                bytes.to_vec()
            }
            Err(source) => return Err(Error::io("read", &path)(source)),
        };
        let secret: [u8; 32] = bytes.try_into().map_err(|_| Error::State {
            path,
            reason:
                "not a signing key (expected 32 bytes); restore it, or move it away to begin a new identity"
                    .to_owned(),
        })?;
        let key = SigningKey::from_bytes(&secret);
        let public = self.root.join("recorder.pub");
        if !public.exists() {
            write_whole(&public, format!("{}\n", hex(key.verifying_key().as_bytes())).as_bytes(), 0o644)?;
        }
        Ok(key)
    }

    /// This recorder's chain and its next number; the chain is named on first use.
    ///
    /// # Errors
    /// Where recorder.json can't be read or written, or makes no sense.
    pub fn chain_end(&self) -> Result<ChainEnd, Error> {
        let identity = self.identity()?;
        let chain: Chain = identity.chain.parse()?;
        let written = identity.sealed.map_or(0, |sealed| sealed.sequence + 1);
        let found = self.next_in_folders(&chain)?;
        Ok(ChainEnd { chain, next: written.max(found) })
    }

    /// The digest of the newest sealed segment of this recorder's chain.
    #[must_use]
    pub fn newest_sealed(&self) -> Option<(u64, Digest)> {
        let sealed = self.identity().ok()?.sealed?;
        Some((sealed.sequence, sealed.digest.parse().ok()?))
    }

    /// Remembers the newest sealed segment of this recorder's chain.
    ///
    /// # Errors
    /// Where recorder.json can't be written.
    pub fn remember_sealed(&self, id: &SegmentId, digest: Digest) -> Result<(), Error> {
        let mut identity = self.identity()?;
        let newer = identity.sealed.as_ref().is_none_or(|sealed| sealed.sequence < id.sequence);
        if identity.chain == id.chain.as_str() && newer {
            identity.sealed = Some(Sealed { sequence: id.sequence, digest: digest.to_string() });
            self.write_identity(&identity)?;
        }
        Ok(())
    }

    /// One more than the highest number of `chain` in `open/` and `sealed/`.
    ///
    /// # Errors
    /// Where a folder can't be read.
    pub fn next_in_folders(&self, chain: &Chain) -> Result<u64, Error> {
        let mut next = 0;
        for folder in [self.open(), self.sealed()] {
            for id in segment_ids(&folder)? {
                if id.chain == *chain {
                    next = next.max(id.sequence + 1);
                }
            }
        }
        Ok(next)
    }

    fn identity(&self) -> Result<Identity, Error> {
        let path = self.root.join("recorder.json");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(missing) if missing.kind() == ErrorKind::NotFound => {
                let chain = format!("{}-{}", host_part(&host_name()), hex(&random::<3>()?));
                let identity = Identity { chain, sealed: None };
                self.write_identity(&identity)?;
                return Ok(identity);
            }
            Err(source) => return Err(Error::io("read", &path)(source)),
        };
        serde_json::from_str(&text).map_err(|e| Error::State {
            path,
            reason: format!(
                "not a recorder's identity ({e}); restore it, or move it away to begin a new chain"
            ),
        })
    }

    fn write_identity(&self, identity: &Identity) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(identity).expect("an identity is text and numbers");
        write_whole(&self.root.join("recorder.json"), text.as_bytes(), 0o644)
    }
}

/// The segments in a folder, in order.
///
/// # Errors
/// Where the folder can't be read.
pub fn segment_ids(folder: &Path) -> Result<Vec<SegmentId>, Error> {
    let mut ids = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io("read", folder))? {
        let entry = entry.map_err(Error::io("read", folder))?;
        let path = entry.path();
        if path.to_string_lossy().ends_with(segment::id::SEGMENT_SUFFIX)
            && let Some(id) = SegmentId::from_path(&path)
        {
            ids.push(id);
        }
    }
    ids.sort();
    Ok(ids)
}

/// Removes a segment with its manifest, index and state. The manifest goes first: without it, nobody takes
/// the rest for a segment that should be there.
///
/// # Errors
/// Where a file can't be removed; one that isn't there is fine.
pub fn remove_segment(folder: &Path, id: &SegmentId) -> Result<(), Error> {
    for name in [id.manifest_name(), format!("{id}.index"), format!("{id}.state"), id.file_name()] {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::io("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Replaces a file in one step, so that a reader or a crash sees the old one or the new one, and makes
/// it last.
///
/// # Errors
/// Where it can't be written.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    write_and_rename(path, bytes, mode, File::sync_data)
}

/// Replaces a file in one step; after a power cut it may be gone, but nobody waits for the disk.
///
/// # Errors
/// Where it can't be written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_and_rename(path, bytes, 0o644, |_| Ok(()))
}

fn write_and_rename(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    sync: impl FnOnce(&File) -> std::io::Result<()>,
) -> Result<(), Error> {
    let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
    let written = OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(mode)
        .open(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| sync(&file)))
        .and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(Error::io("write", path))
}

/// This machine's name.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The kernel's id of this boot; empty where it has none.
#[must_use]
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// A host name as part of a chain's name.
fn host_part(host: &str) -> String {
    let part: String = host
        .chars()
        .take(HOST_LENGTH_MAX)
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    if part.is_empty() { "host".to_owned() } else { part }
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; N];
    File::open(path).and_then(|mut file| file.read_exact(&mut bytes)).map_err(Error::io("read", path))?;
    Ok(bytes)
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the process with that number ended, or is about to: it has no executable then.
fn is_gone(process: &str) -> bool {
    let known = process.parse::<u32>().is_ok();
    let executable = Path::new("/proc").join(process).join("exe").read_link();
    known && executable.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

fn not_writable(folder: &Path, source: std::io::Error) -> Error {
    if source.kind() != ErrorKind::PermissionDenied {
        return Error::io("write to", folder)(source);
    }
    let uid = rustix::process::geteuid().as_raw();
    Error::State {
        path: folder.to_path_buf(),
        reason: format!(
            "not writable by uid {uid}, who records without CAP_DAC_OVERRIDE; `chown {uid}` it or give another --data directory"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_recorder_per_directory() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::prepare(folder.path()).unwrap();
        let lock = data.lock().unwrap();
        let refused = data.lock().unwrap_err().to_string();
        assert!(refused.contains("in use") && refused.contains(&std::process::id().to_string()), "{refused}");
        drop(lock);
        data.lock().unwrap();
    }

    #[test]
    fn the_chain_and_the_key_stay_and_the_number_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::prepare(folder.path()).unwrap();
        let first = data.chain_end().unwrap();
        assert_eq!(first.next, 0);
        let key = data.key().unwrap();
        let sealed = SegmentId { chain: first.chain.clone(), sequence: 6 };
        data.remember_sealed(&sealed, Digest([7; 32])).unwrap();
        std::fs::write(data.open().join(SegmentId { sequence: 8, ..sealed }.file_name()), "").unwrap();

        let again = DataDir::prepare(folder.path()).unwrap();
        assert_eq!(again.chain_end().unwrap(), ChainEnd { chain: first.chain, next: 9 });
        assert_eq!(again.newest_sealed(), Some((6, Digest([7; 32]))));
        assert_eq!(again.key().unwrap().to_bytes(), key.to_bytes());
    }

    #[test]
    fn any_host_name_makes_a_chain() {
        for host in ["", "Web-1.Example.org", "ümlaut", &"x".repeat(300)] {
            format!("{}-aabbcc", host_part(host)).parse::<Chain>().unwrap();
        }
    }
}
