//! The data set that a master sends to a replica, skipped to its end.
//!
//! `$1234\r\n` and so many bytes, without a line end behind them; or, when the master doesn't know its size
//! yet, `$EOF:` and a mark of forty bytes, which come again at the end.

use serde::{Deserialize, Serialize};

use super::frame::{self, BULK_BYTES_MAX, Malformed};
use super::reader::{Thing, Unit};
use crate::protocol::Mark;
use crate::protocol::pending::Input;

/// Bytes of the mark at the end.
const MARK_BYTES: usize = 40;

/// A data set under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    first: Mark,
    last: Mark,
    end: End,
    wire_bytes: u64,
    gap_bytes: u64,
    length_bytes: u64,
}

#[derive(Debug, Serialize, Deserialize)]
enum End {
    /// After so many bytes.
    After(u64),
    /// Behind these bytes.
    Behind(Vec<u8>),
}

impl Snapshot {
    /// Reads the line before it; `None` asks for more.
    pub(super) fn begin(input: &mut Input<'_>) -> Result<Option<Self>, Malformed> {
        let Some((line, length)) = frame::short_line(input.rest())? else { return Ok(None) };
        let end = match line.strip_prefix(b"$EOF:") {
            Some(mark) if mark.len() == MARK_BYTES => End::Behind(mark.to_vec()),
            Some(_) => return Err(Malformed),
            None => {
                let digits = line.strip_prefix(b"$").and_then(|text| std::str::from_utf8(text).ok());
                let length: u64 = digits.and_then(|text| text.parse().ok()).ok_or(Malformed)?;
                if length > BULK_BYTES_MAX {
                    return Err(Malformed);
                }
                End::After(length)
            }
        };
        let first = input.next_mark();
        input.advance(length);
        let last = input.last_mark();
        Ok(Some(Self { first, last, end, wire_bytes: super::count(length), gap_bytes: 0, length_bytes: 0 }))
    }

    /// Skips as much as there is; the whole when its end is there.
    pub(super) fn read(&mut self, input: &mut Input<'_>) -> Option<Unit> {
        let is_over = match &mut self.end {
            End::After(left) => {
                let taken = super::count(input.advance(usize::try_from(*left).unwrap_or(usize::MAX)).len());
                *left = left.saturating_sub(taken);
                let is_over = *left == 0;
                self.add(taken);
                is_over
            }
            End::Behind(mark) => {
                let found = memchr::memmem::find(input.rest(), mark);
                let before =
                    found.unwrap_or_else(|| input.rest().len().saturating_sub(MARK_BYTES.saturating_sub(1)));
                let taken = super::count(input.advance(before).len());
                self.add(taken);
                if found.is_some() {
                    let taken = super::count(input.advance(MARK_BYTES).len());
                    self.wire_bytes = self.wire_bytes.saturating_add(taken);
                }
                found.is_some()
            }
        };
        self.last = input.last_mark();
        is_over.then(|| self.unit(false))
    }

    /// It gets no more bytes.
    pub(super) fn cut_off(&self) -> Unit {
        self.unit(true)
    }

    fn unit(&self, is_cut: bool) -> Unit {
        Unit {
            thing: Thing::Snapshot(self.length_bytes),
            first: self.first,
            last: self.last,
            wire_bytes: self.wire_bytes,
            gap_bytes: self.gap_bytes,
            truncated: false,
            is_cut,
            whole_bytes: 0,
        }
    }

    /// Bytes were never seen; `true` if they lay inside.
    pub(super) fn gap(&mut self, length_bytes: u64) -> bool {
        match &mut self.end {
            End::After(left) if length_bytes > 0 && *left >= length_bytes => {
                *left = left.saturating_sub(length_bytes);
                self.gap_bytes = self.gap_bytes.saturating_add(length_bytes);
                self.add(length_bytes);
                true
            }
            _ => false,
        }
    }

    fn add(&mut self, bytes: u64) {
        self.length_bytes = self.length_bytes.saturating_add(bytes);
        self.wire_bytes = self.wire_bytes.saturating_add(bytes);
    }
}
