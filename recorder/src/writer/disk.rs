//! The slow half of writing, on two threads of its own: syncing, and keeping house.
//!
//! A sync waits for the disk, and sealing reads, hashes and syncs a whole segment. The writer goes
//! on with the next frame or the next segment meanwhile and hears the result as an action.
//!
//! ```text
//!   writer ──(SYNC_JOBS)──▶ sync:   fdatasync of the open segment
//!          ──(KEEP_JOBS)──▶ keeper: repair, seal, expire, in the order asked for
//!          ◀──(REPLIES)──── both
//! ```

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::fs::{FlockOperation, flock};
use segment::{FinishedSegment, Manifest, SegmentId, SigningKey, repair};

use crate::budget::{Budget, DiskFree, SegmentOnDisk, expire};
use crate::clock;
use crate::data::{DataDir, remove_segment, segment_ids};
use crate::error::Error;

/// One sync at a time: a second one would only cover what the first did not.
const SYNC_JOBS: usize = 1;
/// Segments that wait for their seal. When the disk is so slow that this many wait, the open
/// segment grows beyond its size instead.
const KEEP_JOBS: usize = 4;
/// Replies; the writer takes them far faster than they come.
const REPLIES: usize = 64;
/// Segments that could not be sealed and are tried again; beyond it, the next start repairs them.
const RETRIES_MAX: usize = 64;

/// Syncs the open segment.
#[derive(Debug)]
pub struct SyncJob {
    /// The file.
    pub file: File,
    /// The segment's number.
    pub sequence: u64,
    /// Packets of the segment that the sync covers.
    pub packets: u64,
}

/// What the keeper does.
#[derive(Debug)]
pub enum KeepJob {
    /// Sync, rename and sign a finished segment.
    Seal(Box<FinishedSegment>),
    /// Repair and seal every segment in `open/` that nobody writes.
    Repair,
    /// Remove what the budget doesn't allow.
    Expire,
}

/// What came of it.
#[derive(Debug)]
pub enum Reply {
    /// A sync ended.
    Synced {
        /// The segment's number.
        sequence: u64,
        /// Packets that it covered.
        packets: u64,
        /// Whether they are on disk.
        result: Result<(), String>,
    },
    /// A segment is sealed.
    Sealed(Box<Manifest>),
    /// A segment could not be sealed; it stays in `open/` and is tried again.
    NotSealed {
        /// Which.
        id: SegmentId,
        /// Why.
        problem: String,
    },
    /// A leftover is sealed.
    Repaired {
        /// Which.
        id: SegmentId,
        /// Packets saved.
        packets: u64,
        /// Bytes that could not be used.
        cut_bytes: u64,
        /// In words.
        note: String,
    },
    /// Every leftover was looked at.
    RepairDone,
    /// A segment was removed.
    Expired {
        /// Which.
        id: SegmentId,
        /// Bytes freed.
        bytes: u64,
    },
    /// Something didn't work; recording goes on.
    Trouble(String),
}

/// The writer's handles to both threads.
#[derive(Debug)]
pub struct Disk {
    /// To the sync thread.
    pub sync: Sender<SyncJob>,
    /// To the keeper.
    pub keep: Sender<KeepJob>,
    /// From both. It ends when both have, and they end when their senders are dropped.
    pub replies: Receiver<Reply>,
}

/// Starts both threads.
///
/// # Errors
/// If the system has no thread to give.
pub fn start(data: DataDir, key: SigningKey, budget: Budget) -> std::io::Result<Disk> {
    let (sync, sync_jobs) = bounded::<SyncJob>(SYNC_JOBS);
    let (keep, keep_jobs) = bounded::<KeepJob>(KEEP_JOBS);
    let (replying, replies) = bounded::<Reply>(REPLIES);
    let told = replying.clone();
    std::thread::Builder::new().name("sync".to_owned()).spawn(move || {
        for job in sync_jobs {
            let result = rustix::fs::fdatasync(&job.file).map_err(|e| e.to_string());
            let reply = Reply::Synced { sequence: job.sequence, packets: job.packets, result };
            if told.send(reply).is_err() {
                return;
            }
        }
    })?;
    std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
        let keeper = Keeper { data, key, budget, replying };
        for job in keep_jobs {
            keeper.keep(job);
        }
    })?;
    Ok(Disk { sync, keep, replies })
}

struct Keeper {
    data: DataDir,
    key: SigningKey,
    budget: Budget,
    replying: Sender<Reply>,
}

impl Keeper {
    fn keep(&self, job: KeepJob) {
        match job {
            KeepJob::Seal(finished) => {
                let id = finished.id().clone();
                self.reply(match finished.publish(&self.data.sealed()) {
                    Ok(manifest) => {
                        self.remember(&manifest);
                        Reply::Sealed(Box::new(manifest))
                    }
                    Err(error) => Reply::NotSealed { id, problem: error.to_string() },
                });
            }
            KeepJob::Repair => {
                self.repair_leftovers();
                self.reply(Reply::RepairDone);
            }
            KeepJob::Expire => self.expire(),
        }
    }

    fn reply(&self, reply: Reply) {
        // Without a writer nobody is left to hear it.
        drop(self.replying.send(reply));
    }

    fn remember(&self, manifest: &Manifest) {
        if let Err(error) = self.data.remember_sealed(&manifest.id, manifest.blake3_root) {
            self.reply(Reply::Trouble(error.to_string()));
        }
    }

    fn repair_leftovers(&self) {
        match leftovers(&self.data) {
            Err(error) => self.reply(Reply::Trouble(error.to_string())),
            Ok(leftovers) => {
                for (path, _lock) in leftovers.into_iter().take(RETRIES_MAX) {
                    self.repair(&path);
                }
            }
        }
    }

    fn repair(&self, path: &Path) {
        match repair(path, &self.data.sealed(), &self.key) {
            Ok(repaired) => {
                self.remember(&repaired.manifest);
                self.reply(Reply::Repaired {
                    id: repaired.manifest.id.clone(),
                    packets: repaired.manifest.packets,
                    cut_bytes: repaired.cut_bytes,
                    note: match repaired.was_sealed {
                        true => "it was whole and only had to be moved".to_owned(),
                        false => {
                            format!("a crash left it open; {} bytes at its end were cut", repaired.cut_bytes)
                        }
                    },
                });
            }
            Err(error) => self.reply(Reply::Trouble(format!("can't repair {}: {error}", path.display()))),
        }
    }

    fn expire(&self) {
        match expire_now(&self.data, self.budget) {
            Ok(gone) => gone.into_iter().for_each(|(id, bytes)| self.reply(Reply::Expired { id, bytes })),
            Err(error) => self.reply(Reply::Trouble(error.to_string())),
        }
    }
}

/// Segments in `open/` that no living process writes, each with its lock.
///
/// # Errors
/// Where the folder can't be read.
pub fn leftovers(data: &DataDir) -> Result<Vec<(PathBuf, File)>, Error> {
    let _alone = data.lock_open()?;
    let folder = data.open();
    let mut found = Vec::new();
    for id in segment_ids(&folder)? {
        let path = folder.join(id.file_name());
        let file = File::open(&path).map_err(Error::io("open", &path))?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            found.push((path, file));
        }
    }
    Ok(found)
}

/// Applies the budget; says what went and how large it was.
fn expire_now(data: &DataDir, budget: Budget) -> Result<Vec<(SegmentId, u64)>, Error> {
    let folder = data.sealed();
    let segments = sealed_segments(&folder)?;
    let space = rustix::fs::statvfs(&folder).map_err(|e| Error::io("ask the size of", &folder)(e.into()))?;
    let disk = DiskFree {
        free_bytes: space.f_bavail.saturating_mul(space.f_frsize),
        total_bytes: space.f_blocks.saturating_mul(space.f_frsize),
    };
    let mut gone = Vec::new();
    for id in expire(&segments, budget, disk, clock::now()) {
        let bytes = segments.iter().find(|segment| segment.id == id).map_or(0, |segment| segment.bytes);
        remove_segment(&folder, &id)?;
        gone.push((id, bytes));
    }
    Ok(gone)
}

/// The sealed segments with what the budget must know of them.
fn sealed_segments(folder: &Path) -> Result<Vec<SegmentOnDisk>, Error> {
    let mut segments = Vec::new();
    for id in segment_ids(folder)? {
        // A file with several names, an index of several segments, is shared by them.
        let share = |file: std::fs::Metadata| file.len().div_ceil(file.nlink().max(1));
        let size = |name: String| std::fs::metadata(folder.join(name)).map_or(0, share);
        let bytes = size(id.file_name())
            + size(id.manifest_name())
            + size(format!("{id}.index"))
            + size(format!("{id}.state"));
        // A segment without its manifest is being sealed this moment, or verify's business.
        let Ok(manifest) = Manifest::read(&folder.join(id.manifest_name())) else { continue };
        let last = manifest.range.map_or(manifest.sealed_at, segment::TimeRange::end);
        segments.push(SegmentOnDisk { id, sealed_at: manifest.sealed_at, last, bytes });
    }
    Ok(segments)
}
