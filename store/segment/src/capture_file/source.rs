//! Bytes of a file in order, with the place where they lie.

use std::io::{BufReader, Read};

use super::{CaptureError, fatal};

/// Read ahead by this much: one system call for some hundred packets.
const BUFFER_BYTES: usize = 256 << 10;

/// Counts what is read; never allocates more than what arrives.
#[derive(Debug)]
pub(super) struct Source<R: Read> {
    input: BufReader<R>,
    offset: u64,
}

impl<R: Read> Source<R> {
    pub fn new(input: R) -> Self {
        Self { input: BufReader::with_capacity(BUFFER_BYTES, input), offset: 0 }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Appends up to `length` bytes to `buffer`; says how many there were.
    pub fn read(&mut self, buffer: &mut Vec<u8>, length: usize) -> Result<usize, CaptureError> {
        let limit = u64::try_from(length).unwrap_or(u64::MAX);
        let mut part = (&mut self.input).take(limit);
        let read = part
            .read_to_end(buffer)
            .map_err(|error| fatal(self.offset, &format!("can't be read: {error}")))?;
        self.offset = self.offset.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        Ok(read)
    }
}
