//! Merges the indexes of neighbouring segments, so that a question over a month opens few files.
//!
//! Time is cut into hours, and into days where an hour holds little. The indexes of a bucket that nothing is added to any
//! more become one file. Every segment in it keeps the name `ID.index`, as a link to that file: a segment
//! expires, is shipped and is found as before, and the file goes with the last of its names. What another segment's
//! link has in the file counts only for that one, so segments of a merged file may be expired or indexed anew one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;

use segment::{SegmentId, TimeRange};
use store::{Catalog, Layout, State, Summary};
use tantivy::directory::MmapDirectory;
use tantivy::directory::OwnedBytes;
use tantivy::fastfield::{AliveBitSet, write_alive_bitset};
use tantivy::indexer::merge_filtered_segments;
use tantivy::{BitSet, Index, Segment, SegmentReader};
use tracing::info;

use crate::Error;
use crate::bundle::{Bundle, Extent};
use crate::document::{self, ENTRY_VERSION};
use crate::lock;
use crate::opened::FileKey;
use crate::packing::pack;
use crate::search::Ended;

/// Nanoseconds of the buckets, the smaller first.
const BUCKETS_NS: [i64; 2] = [3_600 * 1_000_000_000, 24 * 3_600 * 1_000_000_000];
/// Entries of a merged index: few enough that a page of one is found at once and that several threads find work, many
/// enough that a busy month is some hundred files.
const ENTRIES_MAX: u64 = 500_000;
/// Indexes that are merged at once.
const INDEXES_MAX: usize = 512;

/// Whether the latest bucket may be merged, too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Latest {
    /// More may be added to it.
    Grows,
    /// Nothing will be.
    Ended,
}

/// An index file and the segments whose index it is.
struct Part {
    key: FileKey,
    segments: BTreeSet<SegmentId>,
    range: TimeRange,
    bundle: Bundle,
}

/// Merges one bucket's indexes into one; whether there was anything to merge.
///
/// # Errors
/// When an index can't be read or the merged one can't be written; those that there were remain.
pub fn merge_once(catalog: &Catalog, latest: Latest) -> Result<bool, Error> {
    let layout = catalog.layout();
    let Some(_lock) = lock(layout)? else { return Ok(false) };
    let parts = parts(catalog)?;
    let Some(newest) = parts.iter().map(|part| part.range.end().nanos()).max() else { return Ok(false) };
    for bucket_ns in BUCKETS_NS {
        let mut buckets: BTreeMap<i64, Vec<&Part>> = BTreeMap::new();
        for part in &parts {
            let first = part.range.start().nanos().div_euclid(bucket_ns);
            let is_within = part.range.end().nanos().saturating_sub(1).div_euclid(bucket_ns) == first;
            // A segment that reaches into the next bucket belongs to the one where it begins.
            if is_within || part.segments.len() == 1 {
                buckets.entry(first).or_default().push(part);
            }
        }
        for (bucket, parts) in buckets {
            let has_ended = latest == Latest::Ended || newest > (bucket + 1).saturating_mul(bucket_ns);
            let groups = if has_ended { groups(parts) } else { Vec::new() };
            if let Some(group) = groups.into_iter().find(|group| group.len() > 1) {
                merge(layout, &group)?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Keeps other processes from merging while the file lives; `None` where one does.
fn lock(layout: &Layout) -> Result<Option<File>, Error> {
    lock::take(&layout.merging_dir().with_extension("lock"))
}

/// Removes what an interrupted merge left behind, and indexes whose segments are gone.
///
/// # Errors
/// When the directory can't be listed.
pub fn clean_up(layout: &Layout) -> Result<(), Error> {
    let Some(_lock) = lock(layout)? else { return Ok(()) };
    let dir = layout.sealed_dir();
    let Ok(files) = fs::read_dir(&dir) else { return Ok(()) };
    for file in files {
        let path = file.map_err(Error::io(&dir))?.path();
        let is_leftover = path.extension().is_some_and(|extension| extension == "merged");
        let of = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        let is_orphan = path.extension().is_some_and(|extension| extension == "index")
            && of.is_some_and(|id| !layout.sealed_segment(&id).exists());
        if is_leftover || is_orphan {
            fs::remove_file(&path).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}

/// The index files of today's rules, in order of time.
fn parts(catalog: &Catalog) -> Result<Vec<Part>, Error> {
    let layout = catalog.layout();
    let mut files: BTreeMap<FileKey, (BTreeSet<SegmentId>, TimeRange)> = BTreeMap::new();
    for segment in catalog.segments()?.0 {
        let Summary { id, state: State::Indexed, range: Some(range), .. } = segment else { continue };
        let Ok(file) = fs::metadata(layout.index(&id)) else { continue };
        let (segments, whole) = files.entry(FileKey::of(&file)).or_insert_with(|| (BTreeSet::new(), range));
        *whole = whole.union(range);
        segments.insert(id);
    }
    let mut parts = Vec::new();
    for (key, (segments, range)) in files {
        let Some(path) = segments.first().map(|id| layout.index(id)) else { continue };
        let bundle =
            Bundle::open(&path).ok().filter(|bundle| bundle.contents().entry_version == ENTRY_VERSION);
        parts.extend(bundle.map(|bundle| Part { key, segments, range, bundle }));
    }
    parts.sort_by_key(|part| (part.range.start(), part.key));
    Ok(parts)
}

/// Neighbours that fit into one index together.
fn groups(parts: Vec<&Part>) -> Vec<Vec<&Part>> {
    let mut groups: Vec<Vec<&Part>> = Vec::new();
    let mut entries = u64::MAX;
    for part in parts {
        let own = part.bundle.contents().entries;
        match groups.last_mut() {
            Some(group) if entries.saturating_add(own) <= ENTRIES_MAX && group.len() < INDEXES_MAX => {
                group.push(part);
                entries += own;
            }
            _ => {
                groups.push(vec![part]);
                entries = own;
            }
        }
    }
    groups
}

fn merge(layout: &Layout, group: &[&Part]) -> Result<(), Error> {
    let mut extent = Extent::EMPTY;
    let (mut pieces, mut alive) = (Vec::new(), Vec::new());
    for part in group {
        extent = extent.union(part.bundle.contents().extent_of(&part.segments));
        for piece in Index::open(part.bundle.clone())?.searchable_segments()? {
            alive.push(alive_in(&piece, &part.segments)?);
            pieces.push(piece);
        }
    }
    let segments: BTreeSet<&SegmentId> = group.iter().flat_map(|part| &part.segments).collect();
    let Some(first) = segments.first() else { return Ok(()) };
    let target = layout.sealed_dir().join(format!("{first}.merged"));
    let dir = layout.merging_dir();
    if dir.exists() {
        fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
    }
    fs::create_dir_all(&dir).map_err(Error::io(&dir))?;
    let index = if pieces.is_empty() {
        Index::create_in_dir(&dir, document::schema().0)?
    } else {
        let output = MmapDirectory::open(&dir).map_err(tantivy::TantivyError::from)?;
        merge_filtered_segments(&pieces, document::settings(), alive, output)?
    };
    pack(&index, &dir, &target, &extent)?;
    drop(index);
    fs::remove_dir_all(&dir).map_err(Error::io(&dir))?;
    for id in &segments {
        link(layout, &target, id)?;
    }
    fs::remove_file(&target).map_err(Error::io(&target))?;
    info!(indexes = group.len(), segments = segments.len(), entries = extent.entries, "indexes merged");
    Ok(())
}

/// Makes the merged file the index of a segment, unless that has expired.
fn link(layout: &Layout, merged: &Path, id: &SegmentId) -> Result<(), Error> {
    let name = layout.index(id);
    let temporary = name.with_extension("index.tmp");
    if temporary.exists() {
        fs::remove_file(&temporary).map_err(Error::io(&temporary))?;
    }
    fs::hard_link(merged, &temporary).map_err(Error::io(&temporary))?;
    fs::rename(&temporary, &name).map_err(Error::io(&name))?;
    if !layout.sealed_segment(id).exists() {
        fs::remove_file(&name).map_err(Error::io(&name))?;
    }
    Ok(())
}

/// Which documents of a piece are of these segments; `None` if all are.
fn alive_in(piece: &Segment, segments: &BTreeSet<SegmentId>) -> Result<Option<AliveBitSet>, Error> {
    let reader = SegmentReader::open(piece)?;
    let ended = Ended::of(&reader, Some(segments))?;
    if !ended.leaves_some_out() {
        return Ok(None);
    }
    let mut alive = BitSet::with_max_value(reader.max_doc());
    for doc in (0..reader.max_doc()).filter(|doc| ended.is_wanted(*doc)) {
        alive.insert(doc);
    }
    let mut bytes = Vec::new();
    write_alive_bitset(&alive, &mut bytes).map_err(|error| Error::Index(error.into()))?;
    Ok(Some(AliveBitSet::open(OwnedBytes::new(bytes))))
}
