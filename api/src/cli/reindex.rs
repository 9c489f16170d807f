//! `remora reindex`: makes all indexes anew.

use std::io;

use clap::Args;
use serde_json::json;

use super::Place;
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::progress;

const ABOUT: &str = "Make all indexes anew

Indexes are derived from the segments: deleting them loses nothing but time. This takes every sealed segment apart \
again with the dissectors of this version, so that what they learned since is found too. Segments are not changed, and \
may be queried meanwhile: one that has no index yet is reported as missing.";

const AFTER: &str = "EXAMPLES
  remora reindex
  remora reindex --data /srv/evidence";

/// Make all indexes anew
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Reindex {}

impl Reindex {
    /// Indexes everything; a progress bar on a terminal.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        place.enter()?;
        let bar = progress::of_things("indexing segments");
        let mut segments = 0;
        indexer::reindex(place.path(), &mut |done, all| {
            segments = all;
            bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        })?;
        bar.finish_and_clear();
        if place.json {
            json::write_line(&mut io::stdout().lock(), &json!({ "segments": segments }))?;
        }
        Ok(())
    }
}
