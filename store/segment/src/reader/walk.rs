//! Walks through a file whose frame table isn't there yet, and searches behind damage.

use std::os::unix::fs::FileExt;

use super::{DAMAGED_MAGIC, Place, Reading, SegmentReader};
use crate::error::Error;
use crate::footer::OUR_MAGIC;
use crate::frame::{Frame, FrameKind, kind_of, mark_of};
use crate::record::{Loss, LossCause};
use crate::tail;
use crate::time::Timestamp;
use crate::zstd_frame::{Extent, MAGIC, RAW_BYTES_MAX, extent, unpack};

/// Bytes read at first when it is not known how long a frame is.
const GUESS_BYTES: usize = 128 << 10;
/// Bytes searched at a time for the next frame behind damage.
const SEARCH_BYTES: usize = 1 << 20;

/// What the next step through an open file came to.
pub(super) enum Step {
    Frame(Frame),
    Damage,
    Sealed,
    End,
}

impl SegmentReader {
    /// Looks at what lies at `offset` and moves behind it.
    pub(super) fn scan(&mut self) -> Result<Step, Error> {
        match self.extent_at(self.offset)? {
            Extent::Frame(packed_bytes) => {
                let mut raw = std::mem::take(&mut self.spare);
                match unpack(&mut self.decompressor, &self.packed, &mut raw) {
                    Ok(()) => self.take_frame(raw, packed_bytes).map(Step::Frame),
                    Err(reason) => self.scan_damage(&reason),
                }
            }
            Extent::Skippable(DAMAGED_MAGIC, length) => {
                if self.frames_only {
                    self.lose_put_aside(length);
                }
                self.put_place(length, FrameKind::Damaged, 0);
                Ok(Step::Damage)
            }
            Extent::Skippable(OUR_MAGIC, _) if self.frames_only => Ok(Step::End),
            Extent::Skippable(OUR_MAGIC, _) => {
                let tail = tail::at(&self.file, &self.path, self.offset)?;
                self.adopt_tail(tail)?;
                Ok(if self.tail.is_some() { Step::Sealed } else { Step::End })
            }
            // With a sound frame behind it, this one isn't being written any more: its length is damaged.
            Extent::More(_) if self.reading == Reading::Forgiving && !self.packed.is_empty() => {
                self.scan_damage("it seems to be cut off")
            }
            Extent::More(_) => Ok(Step::End),
            Extent::Skippable(..) => self.scan_damage("a skippable frame that isn't ours"),
            Extent::Neither(reason) => self.scan_damage(reason),
        }
    }

    /// A repair that was interrupted put this aside, and perhaps didn't get as far as the ledger.
    fn lose_put_aside(&mut self, length: usize) {
        let note = format!("{length} bytes at byte {} were put aside by an earlier repair", self.offset);
        let (interface, cause, packets, bytes) = (None, LossCause::Damaged, None, None);
        self.lose(Loss { range: self.around(None), interface, cause, packets, bytes, note });
    }

    /// Searches for the next frame behind damage at `offset`.
    fn scan_damage(&mut self, reason: &str) -> Result<Step, Error> {
        let damage = self.damaged(self.offset, reason);
        if self.reading == Reading::Strict {
            return Err(damage);
        }
        let start = self.offset;
        let Some((found, first)) = self.search()? else { return Ok(Step::End) };
        let length = usize::try_from(found.saturating_sub(start)).unwrap_or(usize::MAX);
        let loss = Loss {
            range: self.around(first),
            interface: None,
            cause: LossCause::Damaged,
            packets: None,
            bytes: None,
            note: format!("{damage}; {length} bytes skipped"),
        };
        self.lose(loss);
        self.put_place(length, FrameKind::Damaged, 0);
        Ok(Step::Damage)
    }

    /// The offset of the next sound frame behind `offset`, and the time of its first packet.
    fn search(&mut self) -> Result<Option<(u64, Option<Timestamp>)>, Error> {
        let mut from = self.searched.max(self.offset.saturating_add(1));
        let mut window = vec![0; SEARCH_BYTES];
        loop {
            let length = self.file.read_at(&mut window, from).map_err(Error::io("read", &self.path))?;
            let bytes = window.get(..length).unwrap_or_default();
            let ours = OUR_MAGIC.to_le_bytes();
            for (place, start) in bytes.windows(4).enumerate() {
                let candidate = from.saturating_add(u64::try_from(place).unwrap_or(u64::MAX));
                if start == ours
                    && !self.frames_only
                    && tail::at(&self.file, &self.path, candidate)?.is_some()
                {
                    return Ok(Some((candidate, None)));
                }
                if start == MAGIC
                    && let Some(first) = self.sound_frame(candidate)?
                {
                    return Ok(Some((candidate, first)));
                }
            }
            if length < 4 || length < window.len() {
                // Candidates that are not whole yet are tried again when the file has grown.
                return Ok(None);
            }
            from = from.saturating_add(u64::try_from(length - 3).unwrap_or(0));
            self.searched = from;
        }
    }

    /// Whether a frame that decompresses to blocks lies at `offset`; if so, the time of its first packet.
    fn sound_frame(&mut self, offset: u64) -> Result<Option<Option<Timestamp>>, Error> {
        let Extent::Frame(_) = self.extent_at(offset)? else { return Ok(None) };
        let mut raw = Vec::new();
        if unpack(&mut self.decompressor, &self.packed, &mut raw).is_err() {
            return Ok(None);
        }
        // Without the segment's header any mark will do: no packet can be read then anyway.
        let Some(mark) = mark_of(&raw) else { return Ok(None) };
        if self.header.as_ref().is_some_and(|header| header.nonce != mark.nonce) {
            return Ok(None);
        }
        let frame = self.make_frame(0, raw, 0);
        let first = frame.packets().next().map(|(_, packet)| packet.timestamp);
        Ok(Some(first))
    }

    fn take_frame(&mut self, raw: Vec<u8>, packed_bytes: usize) -> Result<Frame, Error> {
        let number = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let kind = kind_of(&raw);
        let before = if kind == FrameKind::Header { self.learn(&raw)? } else { self.learn_mark(&raw) };
        self.put_place(packed_bytes, kind, before);
        let frame = self.make_frame(number, raw, before);
        let latest = frame.packets().map(|(_, packet)| packet.timestamp).max();
        self.seen_until = self.seen_until.max(latest);
        Ok(frame)
    }

    fn put_place(&mut self, packed_bytes: usize, kind: FrameKind, interfaces_before: u32) {
        self.places.push(Place { offset: self.offset, packed_bytes, kind, interfaces_before });
        self.offset = self.offset.saturating_add(u64::try_from(packed_bytes).unwrap_or(u64::MAX));
        self.searched = self.offset;
    }

    /// Judges what lies at `offset`; of a whole frame, `packed` holds exactly the bytes afterwards.
    fn extent_at(&mut self, offset: u64) -> Result<Extent, Error> {
        let mut want = GUESS_BYTES;
        loop {
            let length = self.read_up_to(offset, want)?;
            match extent(&self.packed) {
                Extent::More(needed) if length == want => want = needed.max(want.saturating_mul(2)),
                Extent::Frame(packed_bytes) => {
                    self.packed.truncate(packed_bytes);
                    return Ok(Extent::Frame(packed_bytes));
                }
                other => return Ok(other),
            }
        }
    }

    /// Reads `length` bytes at `offset` into `packed`.
    pub(super) fn read_packed(&mut self, offset: u64, length: usize) -> Result<(), Error> {
        if length > RAW_BYTES_MAX.saturating_mul(2) {
            return Err(self.damaged(offset, "a frame longer than any that we write"));
        }
        if self.read_up_to(offset, length)? < length {
            return Err(self.damaged(offset, "the file ends inside this frame"));
        }
        Ok(())
    }

    /// Fills `packed` with up to `length` bytes at `offset`; says how many there were.
    fn read_up_to(&mut self, offset: u64, length: usize) -> Result<usize, Error> {
        self.packed.resize(length, 0);
        let mut filled = 0;
        while let Some(rest) = self.packed.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
            match self.file.read_at(rest, at) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("read", &self.path)(error)),
            }
        }
        self.packed.truncate(filled);
        Ok(filled)
    }

    pub(super) fn damaged(&self, offset: u64, reason: &str) -> Error {
        Error::Damaged { path: self.path.clone(), offset, reason: reason.to_owned() }
    }
}
