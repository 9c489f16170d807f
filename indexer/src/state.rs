//! What a pipeline has learned, as a file beside the segment that it goes on with.
//!
//! With it a segment can be dissected alone, on another machine, years later, and gives the same entries. It is
//! derived, but only as long as the segments before are there, so it is kept apart from the index:
//!
//! ```text
//! magic, 8 bytes | BLAKE3 of what follows, 32 bytes | MessagePack of [entry version, dissector, ids, names, now]
//! ```

use std::fs;
use std::path::Path;

use segment::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::Error;
use crate::document::ENTRY_VERSION;
use crate::entry::Begun;
use crate::names::Names;

/// Begins every file; the digits are the format's version.
const MAGIC: &[u8; 8] = b"RMRSTA01";
/// The magic and the digest in front of the rest.
const HEAD_BYTES: usize = 8 + 32;
/// States that are larger are not kept: half the memory that flows may hold. Without one, what was recorded
/// shortly before a segment is read first.
const STATE_BYTES_MAX: usize = 256 << 20;

/// What a pipeline has learned.
#[derive(Serialize, Deserialize)]
pub struct State {
    /// Another version's dissectors may have learned something else.
    entry_version: u32,
    /// Of [`dissect::Dissector::save`].
    pub dissector: Vec<u8>,
    /// Which ids were given out.
    pub begun: Begun,
    /// Who had which name, and when.
    pub names: Names,
    /// Time of the latest packet.
    pub now: Timestamp,
}

impl State {
    /// Of what was learned with today's dissectors.
    #[must_use]
    pub fn new(dissector: Vec<u8>, begun: Begun, names: Names, now: Timestamp) -> Self {
        Self { entry_version: ENTRY_VERSION, dissector, begun, names, now }
    }

    /// Writes the file, which appears whole or not at all.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let Some(body) = rmp_serde::to_vec(self).ok().filter(|body| body.len() <= STATE_BYTES_MAX) else {
            warn!(path = %path.display(), "the state of open flows is too large to be kept");
            return Ok(());
        };
        let bytes = [MAGIC.as_slice(), &Digest::blake3(&body).0, &body].concat();
        let temporary = path.with_extension("state.tmp");
        fs::write(&temporary, bytes).map_err(Error::io(&temporary))?;
        fs::rename(&temporary, path).map_err(Error::io(path))
    }

    /// Reads a file; `None` where there is none, or none that today's dissectors can go on from.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        let length = fs::metadata(path).ok()?.len();
        let bytes = fs::read(path).ok().filter(|_| length <= (STATE_BYTES_MAX + HEAD_BYTES) as u64)?;
        let (head, body) = bytes.split_at_checked(HEAD_BYTES)?;
        let is_whole = head.starts_with(MAGIC) && head.ends_with(&Digest::blake3(body).0);
        let state: Option<Self> = rmp_serde::from_slice(body).ok().filter(|_| is_whole);
        if state.is_none() {
            warn!(path = %path.display(), "the state of open flows is damaged and left out");
        }
        state.filter(|state| state.entry_version == ENTRY_VERSION)
    }
}
