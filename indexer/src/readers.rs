//! Sealed segments that are open, kept for the next entry: what lies behind a segment's frames tells where its flows
//! are, and reading it takes longer than reading one entry.

use std::sync::{Mutex, PoisonError};
use std::{fmt, fs};

use segment::{SegmentId, SegmentReader};
use store::Layout;

use crate::Error;
use crate::opened::FileKey;
use crate::pipeline::open;

/// Flows that readers know which wait for their next use, about 130 bytes each; the reader that waited longest goes first.
const FLOWS_MAX: usize = 500_000;
/// A reader counts as so many at least: it holds a file open.
const FLOWS_MIN: usize = 8_000;

/// Readers that wait.
#[derive(Default)]
pub struct Readers(Mutex<Vec<(FileKey, SegmentReader)>>);

impl Readers {
    /// Reads single frames of a segment; `None` if it is not there.
    ///
    /// # Errors
    /// When it can't be opened, and what `read` says.
    pub fn with<T>(
        &self,
        layout: &Layout,
        id: &SegmentId,
        read: impl FnOnce(&mut SegmentReader) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let key = fs::metadata(layout.sealed_segment(id)).ok().map(|file| FileKey::of(&file));
        if key.is_none() && !layout.open_segment(id).exists() {
            return Ok(None);
        }
        let waiting = key.and_then(|key| self.take(key));
        let mut reader = waiting.map_or_else(|| open(layout, id), Ok)?;
        let result = read(&mut reader)?;
        if let Some(key) = key {
            self.keep(key, reader);
        }
        Ok(Some(result))
    }

    fn take(&self, key: FileKey) -> Option<SegmentReader> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = waiting.iter().position(|(of, _)| *of == key)?;
        Some(waiting.remove(place).1)
    }

    /// Keeps a reader that can tell which frames to read. One that has to read them all is at some place, and
    /// one that met damage knows too much of it.
    fn keep(&self, key: FileKey, reader: SegmentReader) {
        if !reader.footer().is_some_and(|footer| footer.flows_complete) || !reader.losses().is_empty() {
            return;
        }
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((key, reader));
        while waiting.iter().map(|(_, reader)| flows(reader)).sum::<usize>() > FLOWS_MAX {
            waiting.remove(0);
        }
    }
}

/// How many flows a reader counts as.
fn flows(reader: &SegmentReader) -> usize {
    reader.footer().map_or(0, |footer| footer.flows.len()).max(FLOWS_MIN)
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}
