//! Digests of files, or parts of them, without reading them into memory.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::id::Digest;

/// Bytes read at a time.
const PART_BYTES: usize = 64 << 10;

/// SHA-256 over the first `length` bytes, which more may be added to.
pub(crate) fn sha256_of(file: &File, path: &Path, length: u64) -> Result<Sha256, Error> {
    let mut sha256 = Sha256::new();
    each_part(file, path, 0, length, |part| sha256.update(part))?;
    Ok(sha256)
}

/// BLAKE3 over `length` bytes from `offset`.
pub(crate) fn blake3_of(file: &File, path: &Path, offset: u64, length: u64) -> Result<Digest, Error> {
    let mut hasher = blake3::Hasher::new();
    each_part(file, path, offset, length, |part| {
        hasher.update(part);
    })?;
    Ok(Digest(*hasher.finalize().as_bytes()))
}

fn each_part(
    file: &File,
    path: &Path,
    offset: u64,
    length: u64,
    mut visit: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let mut buffer = vec![0; PART_BYTES];
    let end = offset.saturating_add(length);
    let mut offset = offset;
    while offset < end {
        let want = usize::try_from(end - offset).unwrap_or(usize::MAX).min(buffer.len());
        let part = buffer.get_mut(..want).unwrap_or_default();
        file.read_exact_at(part, offset).map_err(Error::io("read", path))?;
        visit(part);
        offset = offset.saturating_add(u64::try_from(want).unwrap_or(u64::MAX));
    }
    Ok(())
}
