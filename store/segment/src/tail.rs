//! Reads what lies behind the frames of a sealed segment: footer, seal, seek table.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::error::Error;
use crate::footer::{self, FOOTER_BYTES_MAX, FOOTER_VERSION, Footer, OUR_MAGIC};
use crate::frame::FrameKind;
use crate::id::Digest;
use crate::seal::{STATEMENT_BYTES_MAX, Seal, merkle_root};
use crate::seek_table::{self, TAIL_BYTES};
use crate::zstd_frame::{Extent, SKIPPABLE_HEADER_BYTES, extent};

/// What lies behind the frames, and where.
#[derive(Debug)]
pub(crate) struct Tail {
    pub footer: Footer,
    pub seal: Seal,
    /// The footer's skippable frame, as it lies in the file.
    pub footer_frame: Vec<u8>,
    /// The seal's skippable frame, as it lies in the file.
    pub seal_frame: Vec<u8>,
    /// Where the seek table should begin.
    pub end: u64,
}

/// Finds the tail from the end of the file, by the seek table; `None` if there is no sound one.
pub(crate) fn from_end(file: &File, path: &Path) -> Result<Option<Tail>, Error> {
    let length = file.metadata().map_err(Error::io("read", path))?.len();
    let Some(last) = read_at::<TAIL_BYTES>(file, length.checked_sub(9)).map_err(Error::io("read", path))?
    else {
        return Ok(None);
    };
    let Some(table_bytes) = seek_table::length(last) else { return Ok(None) };
    let start = u64::try_from(table_bytes).ok().and_then(|bytes| length.checked_sub(bytes));
    let Some(start) = start else { return Ok(None) };
    let mut table = vec![0; table_bytes];
    file.read_exact_at(&mut table, start).map_err(Error::io("read", path))?;
    let entries = seek_table::decode(&table).unwrap_or_default();
    let [.., footer, seal] = entries.as_slice() else { return Ok(None) };
    let behind = u64::from(footer.packed_bytes) + u64::from(seal.packed_bytes);
    match start.checked_sub(behind) {
        Some(offset) => at(file, path, offset),
        None => Ok(None),
    }
}

/// Reads the tail whose footer begins at `offset`; `None` if it is not there, not whole or not sound.
pub(crate) fn at(file: &File, path: &Path, offset: u64) -> Result<Option<Tail>, Error> {
    let Some(footer_frame) = ours(file, offset, FOOTER_BYTES_MAX).map_err(Error::io("read", path))? else {
        return Ok(None);
    };
    let payload = footer_frame.get(SKIPPABLE_HEADER_BYTES..).unwrap_or_default();
    // A later version is told by the header frame, which has a checksum; here it may be damage.
    if footer::version(payload) != Some(FOOTER_VERSION) {
        return Ok(None);
    }
    let behind = offset.saturating_add(u64::try_from(footer_frame.len()).unwrap_or(u64::MAX));
    let Some(seal_frame) = ours(file, behind, STATEMENT_BYTES_MAX).map_err(Error::io("read", path))? else {
        return Ok(None);
    };
    let seal = seal_frame.get(SKIPPABLE_HEADER_BYTES..).and_then(Seal::decode);
    let (Ok(footer), Some(seal)) = (footer::decode(payload), seal) else { return Ok(None) };
    let covered =
        footer.frames.last().map_or(0, |frame| frame.offset.saturating_add(frame.packed_bytes.into()));
    let headers = footer.frames.iter().filter(|frame| frame.kind == FrameKind::Header).count();
    if covered != offset || headers != footer.headers.len() {
        return Ok(None);
    }
    // A footer that isn't the one that was signed must not lead a reader to the wrong places.
    if root(&footer, &footer_frame) != seal.root || !seal.is_signed() {
        return Ok(None);
    }
    let end = behind.saturating_add(u64::try_from(seal_frame.len()).unwrap_or(u64::MAX));
    Ok(Some(Tail { footer, seal, footer_frame, seal_frame, end }))
}

/// The Merkle root over all frames and the footer's skippable frame.
pub(crate) fn root(footer: &Footer, footer_frame: &[u8]) -> Digest {
    let mut leaves: Vec<Digest> = footer.frames.iter().map(|frame| frame.digest).collect();
    leaves.push(Digest::blake3(footer_frame));
    merkle_root(&leaves)
}

/// A skippable frame of ours at `offset`, if it is there, whole, and not longer than `bytes_max`.
fn ours(file: &File, offset: u64, bytes_max: usize) -> io::Result<Option<Vec<u8>>> {
    let Some(header) = read_at::<SKIPPABLE_HEADER_BYTES>(file, Some(offset))? else { return Ok(None) };
    let Extent::Skippable(OUR_MAGIC, length) = extent(&header) else { return Ok(None) };
    let end = u64::try_from(length).ok().and_then(|length| offset.checked_add(length));
    if length > bytes_max || end.is_none_or(|end| file.metadata().is_ok_and(|data| data.len() < end)) {
        return Ok(None);
    }
    let mut frame = vec![0; length];
    file.read_exact_at(&mut frame, offset)?;
    Ok(Some(frame))
}

fn read_at<const N: usize>(file: &File, offset: Option<u64>) -> io::Result<Option<[u8; N]>> {
    let Some(offset) = offset else { return Ok(None) };
    let mut bytes = [0; N];
    match file.read_exact_at(&mut bytes, offset) {
        Ok(()) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}
