//! `remora reindex`: makes indexes anew.

use std::io;

use clap::Args;
use serde_json::json;

use super::Place;
use super::range::Range;
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::progress;

const ABOUT: &str = "Make indexes anew

Indexes are derived from the segments: deleting them loses nothing but time. This takes every sealed segment of a range \
apart again with the dissectors of this version, so that what they learned since is found too. Segments are not changed, \
and may be queried meanwhile: each keeps its index until the new one is whole. Every entry says in `dissectorVersion` \
which rules made it.";

const AFTER: &str = "EXAMPLES
  remora reindex
  remora reindex --from 2026-11-21T10:00:00Z --to 2026-11-21T12:00:00Z
  remora reindex --data /srv/evidence";

/// Make indexes anew
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Reindex {
    #[command(flatten)]
    range: Range,
}

impl Reindex {
    /// Indexes what was recorded in the range; a progress bar on a terminal.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let range = self.range.parse()?;
        place.enter()?;
        let bar = progress::of_things("indexing segments");
        let mut segments = 0;
        indexer::reindex(place.path(), range, &mut |done, all| {
            segments = all;
            bar.set_length(u64::try_from(all).unwrap_or(u64::MAX));
            bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        })?;
        bar.set_message("merging indexes");
        indexer::merge(place.path(), &mut || bar.tick())?;
        bar.finish_and_clear();
        if place.json {
            json::write_line(&mut io::stdout().lock(), &json!({ "segments": segments }))?;
        }
        Ok(())
    }
}
