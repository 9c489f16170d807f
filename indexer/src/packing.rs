//! From an index that tantivy wrote to a bundle: its files, and what is looked at before it is opened.

use std::fs;
use std::path::{Path, PathBuf};

use tantivy::Index;

use crate::Error;
use crate::aggregate::Rollup;
use crate::bundle::{self, Extent, Front};
use crate::filter;
use crate::opened::Ready;
use crate::vocabulary::Vocabulary;

/// Where tantivy keeps an index's state.
const STATE_FILE: &str = "meta.json";

/// Bundles an index of at most one piece, which lies in `dir`, into `target`.
///
/// # Errors
/// When the index can't be read or the bundle can't be written.
pub fn pack(index: &Index, dir: &Path, target: &Path, extent: &Extent) -> Result<(), Error> {
    let ready = Ready::of(index)?;
    let (vocabulary, traces) = match ready.searcher.segment_readers() {
        [reader] => (Vocabulary::of(reader, ready.fields)?, filter::of_traces(reader, ready.fields)?),
        _ => (Vocabulary::empty(), filter::of(Vec::new())),
    };
    let rollup = Rollup::of(&ready)?;
    let front = Front { vocabulary: &vocabulary, traces: traces.as_deref(), rollup: rollup.as_ref() };
    bundle::write(dir, &file_names(dir, index)?, &front, target, extent)
}

/// The files that make up the index now; what merges left over and locks are none of them.
fn file_names(dir: &Path, index: &Index) -> Result<Vec<PathBuf>, Error> {
    let pieces: Vec<String> = index.searchable_segment_ids()?.iter().map(|id| id.uuid_string()).collect();
    let mut names = vec![PathBuf::from(STATE_FILE)];
    for entry in fs::read_dir(dir).map_err(Error::io(dir))? {
        let name = PathBuf::from(entry.map_err(Error::io(dir))?.file_name());
        // A piece's files are called by its id.
        let of = name.to_str().and_then(|name| name.split('.').next()).unwrap_or_default();
        if pieces.iter().any(|piece| piece == of) {
            names.push(name);
        }
    }
    Ok(names)
}
