//! Checks every byte of a sealed segment against what was signed.
//!
//! Every frame is decompressed and every record read, so the manifest can be derived again and
//! compared, and a segment that passes can also be read. Each byte of the file is under exactly
//! one check: frames and footer under the Merkle root, the seal under its signature, and the
//! seek table must be the one that follows from the frames.

use std::fs;
use std::fs::File;
use std::path::Path;

use sha2::Digest as _;

use crate::codec::Header;
use crate::error::{Error, ErrorKind};
use crate::footer::FrameEntry;
use crate::frame::{Frame, FrameKind};
use crate::hash::{blake3_of, sha256_of};
use crate::id::{Digest, MANIFEST_SUFFIX, SEGMENT_SUFFIX, SegmentId};
use crate::manifest::Manifest;
use crate::reader::{Reading, SegmentReader};
use crate::record::Record;
use crate::seal::Seal;
use crate::tail::{Tail, root};
use crate::tally::Tally;
use crate::time::TimeRange;
use crate::writer::{manifest, seek_table};

/// Most problems that are listed; a file with more is beyond listing.
const PROBLEMS_MAX: usize = 1000;

/// What [`verify`] found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verification {
    /// Which segment.
    pub id: SegmentId,
    /// Frames that are sound.
    pub frames: u32,
    /// Packets in them.
    pub packets: u64,
    /// The segment's own digest, if it is sealed.
    pub root: Option<Digest>,
    /// Who signed it; whether that key is to be trusted is for the caller to know.
    pub public_key: Option<[u8; 32]>,
    /// Whether a manifest lies beside the segment, and so its SHA-256 was checked.
    pub has_manifest: bool,
    /// What is wrong; nothing, if the segment is as it was sealed.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong with a segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where in the file, if it is one place.
    pub offset: Option<u64>,
    /// When the packets there were captured, if known.
    pub range: Option<TimeRange>,
    /// What is wrong, for people.
    pub what: String,
}

impl Verification {
    /// Whether the segment is byte for byte as it was sealed.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, offset: Option<u64>, what: impl Into<String>) {
        self.problem_at(offset, None, what.into());
    }

    fn problem_at(&mut self, offset: Option<u64>, range: Option<TimeRange>, what: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { offset, range, what });
        }
    }
}

/// Checks every digest, the root, the signature, every record, and the manifest beside the file if there is one.
///
/// # Errors
/// If the file can't be read at all or is of a later version. Damage is not an error but a [`Problem`].
pub fn verify(path: &Path) -> Result<Verification, Error> {
    examine(path).map(|(verification, _)| verification)
}

/// Derives the manifest of a sealed segment from the segment alone, for when the manifest is gone.
///
/// # Errors
/// If the segment can't be read or is not as it was sealed.
pub fn derive_manifest(path: &Path) -> Result<Manifest, Error> {
    let (verification, derived) = examine(path)?;
    // A manifest that lies there and is wrong is no reason not to derive a right one.
    let wrong = verification.problems.iter().find(|problem| !problem.what.starts_with(MANIFEST_PREFIX));
    match (derived, wrong) {
        (Some(manifest), None) => Ok(manifest),
        (_, wrong) => Err(Error::Damaged {
            path: path.to_path_buf(),
            offset: wrong.and_then(|problem| problem.offset).unwrap_or(0),
            reason: wrong.map_or("not sealed", |problem| problem.what.as_str()).to_owned(),
        }),
    }
}

const MANIFEST_PREFIX: &str = "manifest: ";

fn examine(path: &Path) -> Result<(Verification, Option<Manifest>), Error> {
    let mut found = Verification {
        id: SegmentId { chain: "unknown".parse()?, sequence: 0 },
        frames: 0,
        packets: 0,
        root: None,
        public_key: None,
        has_manifest: false,
        problems: Vec::new(),
    };
    let mut reader = match SegmentReader::open(path, Reading::Strict) {
        Err(error) if error.kind() == ErrorKind::Data => {
            found.problem(None, error.to_string());
            return Ok((found, None));
        }
        reader => reader?,
    };
    found.id = reader.id().clone();
    if SegmentId::from_path(path).is_some_and(|named| named != found.id) {
        found.problem(None, format!("the file's name says it is another segment than {}", found.id));
    }
    let file = File::open(path).map_err(Error::io("open", path))?;
    let file_bytes = file.metadata().map_err(Error::io("read", path))?.len();
    let Some(tail) = reader.tail() else {
        found.problem(None, "not sealed, or footer, seal or seek table were changed");
        return Ok((found, None));
    };
    check_tail(tail, &file, path, file_bytes, &mut found)?;
    let sha256 = Digest(sha256_of(&file, path, file_bytes)?.finalize().into());
    let (footer, seal) = (tail.footer.clone(), tail.seal.clone());
    let header = reader.header().cloned();
    let mut tally = Tally::new();
    for (number, entry) in (0u32..).zip(&footer.frames) {
        if entry.kind == FrameKind::Damaged {
            if blake3_of(&file, path, entry.offset, u64::from(entry.packed_bytes))? != entry.digest {
                found.problem(
                    Some(entry.offset),
                    format!("frame {number}: bytes put aside as damaged were changed"),
                );
            }
        } else {
            check_frame(&mut reader, number, entry, &mut tally, &mut found)?;
        }
        tally.frames.push(entry.clone());
    }
    found.packets = tally.packets;
    let counted = tally.footer();
    if counted.headers != footer.headers {
        found.problem(None, "the footer's header frames differ from those in the file");
    }
    if found.problems.is_empty()
        && (counted.flows != footer.flows || counted.flows_complete != footer.flows_complete)
    {
        found.problem(None, "the footer's flow table differs from the packets");
    }
    let Some(header) = header else {
        found.problem(Some(0), "there is no segment header");
        return Ok((found, None));
    };
    check_header(&header, &seal, &mut found);
    let derived = manifest(&header, &tally, &seal, file_bytes, sha256);
    check_manifest(path, &derived, &mut found);
    Ok((found, Some(derived)))
}

/// Root, signature, and that nothing lies between or behind the parts.
fn check_tail(
    tail: &Tail,
    file: &File,
    path: &Path,
    file_bytes: u64,
    found: &mut Verification,
) -> Result<(), Error> {
    use std::os::unix::fs::FileExt;
    if root(&tail.footer, &tail.footer_frame) != tail.seal.root {
        found.problem(None, "the Merkle root over frames and footer is not the one that was signed");
    }
    if !tail.seal.is_signed() {
        found.problem(None, "the signature is not of this seal by the key it names");
    }
    found.root = Some(tail.seal.root);
    found.public_key = Some(tail.seal.public_key);
    let expected = seek_table(&tail.footer.frames, &[&tail.footer_frame, &tail.seal_frame]);
    let expected = expected.unwrap_or_default();
    let length = usize::try_from(file_bytes.saturating_sub(tail.end)).unwrap_or(usize::MAX);
    let same = length == expected.len() && {
        let mut there = vec![0; length];
        file.read_exact_at(&mut there, tail.end).map_err(Error::io("read", path))?;
        there == expected
    };
    if !same {
        found.problem(Some(tail.end), "the seek table is not the one that follows from the frames");
    }
    Ok(())
}

fn check_frame(
    reader: &mut SegmentReader,
    number: u32,
    entry: &FrameEntry,
    tally: &mut Tally,
    found: &mut Verification,
) -> Result<(), Error> {
    match reader.frame(number) {
        Ok(frame) => {
            let before = found.problems.len();
            count_frame(&frame, entry, tally, found);
            found.frames = found.frames.saturating_add(u32::from(found.problems.len() == before));
            reader.recycle(frame);
        }
        Err(error) if error.kind() == ErrorKind::Data => {
            found.problem_at(Some(entry.offset), entry.range, format!("frame {number}: {error}"));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

/// Reads every record and compares their number and times with the frame table.
fn count_frame(frame: &Frame, entry: &FrameEntry, tally: &mut Tally, found: &mut Verification) {
    let (mut packets, mut range) = (0u32, None::<TimeRange>);
    for record in frame.records() {
        match record {
            Ok((_, record)) => {
                if let Record::Packet(packet) = &record {
                    let at = TimeRange::covering(packet.timestamp, packet.timestamp);
                    packets = packets.saturating_add(1);
                    range = Some(range.map_or(at, |known| known.union(at)));
                }
                tally.record(&record);
            }
            Err(error) => found.problem(Some(entry.offset), format!("frame {}: {error}", frame.number())),
        }
    }
    if entry.kind == FrameKind::Header {
        tally.add_header(frame.raw());
    }
    let raw_bytes = u32::try_from(frame.raw().len()).ok();
    if packets != entry.packets || range != entry.range || raw_bytes != Some(entry.raw_bytes) {
        let what = format!("frame {}: it holds something else than the footer says", frame.number());
        found.problem_at(Some(entry.offset), entry.range, what);
    }
}

fn check_header(header: &Header, seal: &Seal, found: &mut Verification) {
    let same = header.id == seal.id
        && header.previous == seal.previous
        && header.node == seal.node
        && header.boot_id == seal.boot_id;
    if !same {
        found.problem(Some(0), "header and seal say different things about the segment");
    }
}

fn check_manifest(path: &Path, derived: &Manifest, found: &mut Verification) {
    let Some(stem) = path.to_str().and_then(|path| path.strip_suffix(SEGMENT_SUFFIX)) else { return };
    let manifest_path = format!("{stem}{MANIFEST_SUFFIX}");
    let manifest_path = Path::new(&manifest_path);
    if !fs::exists(manifest_path).unwrap_or(false) {
        return;
    }
    found.has_manifest = true;
    match Manifest::read(manifest_path) {
        Err(error) => found.problem(None, format!("{MANIFEST_PREFIX}{error}")),
        Ok(manifest) if manifest == *derived => {}
        Ok(manifest) if manifest.sha256 != derived.sha256 => {
            let (said, is) = (manifest.sha256, derived.sha256);
            found.problem(None, format!("{MANIFEST_PREFIX}it says SHA-256 {said}, the file has {is}"));
        }
        Ok(_) => found.problem(None, format!("{MANIFEST_PREFIX}it says something else than the segment")),
    }
}
