//! Reads a segment, sealed or still being written, by one iterator.
//!
//! It works on a file handle, so a segment that is sealed and moved while it is followed goes
//! on under the same reader. Half a frame at the end of an open file is not damage but a frame
//! still being written. Forgiving reading skips what is damaged and says what it skipped.

mod headers;
mod walk;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zstd::bulk::Decompressor;

use crate::codec::Header;
use crate::error::{Error, ErrorKind};
use crate::footer::{Footer, FrameEntry};
use crate::frame::{Frame, FrameKind};
use crate::id::{Digest, SegmentId};
use crate::packet::Interface;
use crate::record::{Loss, LossCause};
use crate::seal::Seal;
use crate::tail::{self, Tail};
use crate::tally::LOSSES_MAX;
use crate::time::{TimeRange, Timestamp};
use crate::zstd_frame::unpack;
use walk::Step;

/// Magic of skippable frames around bytes that repair put aside as damaged.
pub(crate) const DAMAGED_MAGIC: u32 = 0x184D_2A5D;

/// What to do about damage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// Return it as an error.
    Strict,
    /// Skip the frame, remember it as a [`Loss`], go on at the next one.
    Forgiving,
}

/// Reads the frames of one segment.
pub struct SegmentReader {
    file: File,
    path: PathBuf,
    id: SegmentId,
    reading: Reading,
    header: Option<Header>,
    interfaces: Arc<Vec<Interface>>,
    decompressor: Decompressor<'static>,
    tail: Option<Tail>,
    /// Numbers of the header frames of a sealed segment, and how many interfaces come before each.
    header_frames: Vec<(u32, u32)>,
    /// Frames found in an open file, and how many interfaces came before each.
    places: Vec<Place>,
    /// Where to look for the next frame of an open file.
    offset: u64,
    /// Where the search behind damage goes on.
    searched: u64,
    /// The frame that `next_frame` returns next.
    next: u32,
    /// Latest time of a packet in the frames read so far.
    seen_until: Option<Timestamp>,
    losses: Vec<Loss>,
    /// Whether what lies behind the frames is not looked at.
    frames_only: bool,
    packed: Vec<u8>,
    spare: Vec<u8>,
}

/// A frame of an open file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub offset: u64,
    pub packed_bytes: usize,
    pub kind: FrameKind,
    interfaces_before: u32,
}

impl SegmentReader {
    /// Opens a sealed segment or one that is still being written.
    ///
    /// # Errors
    /// If the file can't be read, is no segment, or is of a later version. In strict reading also if the
    /// header frame is damaged.
    pub fn open(path: &Path, reading: Reading) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        Self::of_file(file, path, reading, false)
    }

    /// Finds frames by walking from one to the next only, and takes footer and seal for the end.
    pub(crate) fn walk(file: File, path: &Path) -> Result<Self, Error> {
        Self::of_file(file, path, Reading::Forgiving, true)
    }

    fn of_file(file: File, path: &Path, reading: Reading, frames_only: bool) -> Result<Self, Error> {
        let decompressor = Decompressor::new().map_err(Error::io("decompress", path))?;
        let named = SegmentId::from_path(path);
        let mut reader = Self {
            file,
            path: path.to_path_buf(),
            id: SegmentId { chain: "unknown".parse()?, sequence: 0 },
            reading,
            header: None,
            interfaces: Arc::default(),
            decompressor,
            tail: None,
            header_frames: Vec::new(),
            places: Vec::new(),
            offset: 0,
            searched: 0,
            next: 0,
            seen_until: None,
            losses: Vec::new(),
            frames_only,
            packed: Vec::new(),
            spare: Vec::new(),
        };
        if !frames_only {
            reader.adopt_tail(tail::from_end(&reader.file, path)?)?;
        }
        if reader.tail.is_none() {
            // The header frame, if it is there already; `next_frame` returns it again.
            reader.scan()?;
        }
        let written = reader.header.as_ref().map(|header| header.id.clone());
        reader.id = match (written, named) {
            (Some(id), _) | (None, Some(id)) => id,
            (None, None) => {
                return Err(reader.damaged(0, "no segment: neither header nor file name say which"));
            }
        };
        Ok(reader)
    }

    /// Which segment this is.
    #[must_use]
    pub fn id(&self) -> &SegmentId {
        &self.id
    }

    /// What the header frame says; `None` as long as it isn't written, and if it is damaged.
    #[must_use]
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Interfaces known so far, by number; all of them once the segment is sealed.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// Whether footer and seal are there and sound.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.tail.is_some()
    }

    /// Flow table, frame table and digests of a sealed segment.
    #[must_use]
    pub fn footer(&self) -> Option<&Footer> {
        self.tail.as_ref().map(|tail| &tail.footer)
    }

    /// What the recorder signed, of a sealed segment.
    #[must_use]
    pub fn seal(&self) -> Option<&Seal> {
        self.tail.as_ref().map(|tail| &tail.seal)
    }

    /// Footer, seal and where they lie.
    pub(crate) fn tail(&self) -> Option<&Tail> {
        self.tail.as_ref()
    }

    /// The frame read last, as it lies in the file.
    pub(crate) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Frames and damage found by walking.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Where walking ended: behind the last whole frame.
    pub(crate) fn walked_to(&self) -> u64 {
        self.offset
    }

    /// What forgiving reading had to skip so far.
    #[must_use]
    pub fn losses(&self) -> &[Loss] {
        &self.losses
    }

    /// Takes the memory of a frame that is no longer needed, for the next one.
    pub fn recycle(&mut self, frame: Frame) {
        if frame.raw.capacity() > self.spare.capacity() {
            self.spare = frame.raw;
        }
    }

    /// The next frame; `None` at the end, which for an open file is the end for now.
    ///
    /// # Errors
    /// If the file can't be read; in strict reading also if the frame is damaged, and then again at each call.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Error> {
        loop {
            let known = match &self.tail {
                Some(tail) => tail.footer.frames.len(),
                None => self.places.len(),
            };
            if usize::try_from(self.next).is_ok_and(|next| next < known) {
                match self.frame(self.next) {
                    Ok(frame) => {
                        self.next = self.next.saturating_add(1);
                        return Ok(Some(frame));
                    }
                    Err(error) if error.kind() == ErrorKind::Data && self.skips(self.next) => {
                        self.lose_known(self.next, &error);
                        self.next = self.next.saturating_add(1);
                    }
                    Err(error) => return Err(error),
                }
                continue;
            }
            if self.tail.is_some() {
                return Ok(None);
            }
            match self.scan()? {
                Step::Frame(frame) => {
                    self.next = self.next.saturating_add(1);
                    return Ok(Some(frame));
                }
                Step::Damage | Step::Sealed => {}
                Step::End => return Ok(None),
            }
        }
    }

    /// The frame of that number.
    ///
    /// # Errors
    /// If there is no such frame (yet), it can't be read, or it is damaged.
    pub fn frame(&mut self, number: u32) -> Result<Frame, Error> {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        if let Some(tail) = &self.tail {
            let entry = tail.footer.frames.get(place).cloned();
            let entry = entry.ok_or_else(|| Error::NoFrame { path: self.path.clone(), number })?;
            return self.sealed_frame(number, &entry);
        }
        while self.tail.is_none() && self.places.len() <= place {
            if let Step::End = self.scan()? {
                return Err(Error::NoFrame { path: self.path.clone(), number });
            }
        }
        if self.tail.is_some() {
            return self.frame(number);
        }
        let found = self.places.get(place).copied();
        let found = found.ok_or_else(|| Error::NoFrame { path: self.path.clone(), number })?;
        if found.kind == FrameKind::Damaged {
            return Err(self.damaged(found.offset, "damaged"));
        }
        self.read_packed(found.offset, found.packed_bytes)?;
        let mut raw = std::mem::take(&mut self.spare);
        unpack(&mut self.decompressor, &self.packed, &mut raw)
            .map_err(|reason| self.damaged(found.offset, &reason))?;
        Ok(self.make_frame(number, raw, found.interfaces_before))
    }

    /// A frame of a sealed segment, its digest checked.
    fn sealed_frame(&mut self, number: u32, entry: &FrameEntry) -> Result<Frame, Error> {
        if entry.kind == FrameKind::Damaged {
            return Err(self.damaged(entry.offset, "damaged before it was sealed"));
        }
        let before = self.interfaces_before(number);
        let unpacked =
            self.read_packed(entry.offset, usize::try_from(entry.packed_bytes).unwrap_or(usize::MAX));
        let unpacked = unpacked.and_then(|()| {
            if Digest::blake3(&self.packed) != entry.digest {
                return Err(self.damaged(entry.offset, "the frame's digest differs"));
            }
            let mut raw = std::mem::take(&mut self.spare);
            unpack(&mut self.decompressor, &self.packed, &mut raw)
                .map_err(|reason| self.damaged(entry.offset, &reason))?;
            Ok(raw)
        });
        match unpacked {
            Ok(raw) => Ok(self.make_frame(number, raw, before)),
            Err(error) if error.kind() == ErrorKind::Data && self.reading == Reading::Forgiving => {
                // A header frame lies in the footer a second time.
                let copy = self.header_copy(number).ok_or(error)?;
                Ok(self.make_frame(number, copy, before))
            }
            Err(error) => Err(error),
        }
    }

    fn make_frame(&mut self, number: u32, raw: Vec<u8>, interfaces_before: u32) -> Frame {
        let sequence = self.id.sequence;
        Frame { number, sequence, raw, interfaces: self.interfaces.clone(), interfaces_before }
    }

    /// Whether damage at that frame is passed over.
    fn skips(&self, number: u32) -> bool {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let known = self.footer().and_then(|footer| footer.frames.get(place)).map(|frame| frame.kind);
        let known = known.or_else(|| self.places.get(place).map(|place| place.kind));
        // What repair put aside is in the ledger already.
        self.reading == Reading::Forgiving || known == Some(FrameKind::Damaged)
    }

    fn lose_known(&mut self, number: u32, error: &Error) {
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(entry) = self.footer().and_then(|footer| footer.frames.get(place)) else { return };
        if entry.kind == FrameKind::Damaged {
            return;
        }
        let range = entry.range.or_else(|| self.neighbours(place)).unwrap_or(TimeRange::ALL);
        let (packets, bytes) = (u64::from(entry.packets), None);
        self.lose(Loss {
            range,
            interface: None,
            cause: LossCause::Damaged,
            packets: Some(packets),
            bytes,
            note: format!("frame {number}: {error}"),
        });
    }

    fn lose(&mut self, loss: Loss) {
        let full = self.losses.len() >= LOSSES_MAX;
        if let Some(last) = self.losses.last_mut().filter(|_| full) {
            last.range = last.range.union(loss.range);
            last.packets = last.packets.zip(loss.packets).map(|(a, b)| a.saturating_add(b));
            return;
        }
        self.losses.push(loss);
    }

    /// From the packets before a frame of a sealed segment to those behind it.
    fn neighbours(&self, place: usize) -> Option<TimeRange> {
        let (before, behind) = self.footer()?.frames.split_at_checked(place)?;
        let before = before.iter().rev().find_map(|frame| frame.range).map(TimeRange::end);
        let behind = behind.iter().find_map(|frame| frame.range).map(TimeRange::start);
        let start = before.or(behind)?;
        Some(TimeRange::covering(start, behind.unwrap_or(start)))
    }

    /// The time between the frames read so far and `following`.
    fn around(&self, following: Option<Timestamp>) -> TimeRange {
        let start = self.seen_until.or(following).unwrap_or(Timestamp::MIN);
        TimeRange::covering(start, following.unwrap_or(start))
    }
}
