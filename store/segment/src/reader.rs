//! Reads a segment, sealed or still being written, by one iterator.
//!
//! It works on a file handle, so a segment that is sealed and moved while it is followed goes
//! on under the same reader. Half a frame at the end of an open file is not damage but a frame
//! still being written. Forgiving reading skips what is damaged and says what it skipped.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zstd::bulk::Decompressor;

use crate::block::bytes::Order;
use crate::block::{self, decode};
use crate::codec::{self, Header};
use crate::error::{Error, ErrorKind};
use crate::footer::{Footer, FrameEntry, OUR_MAGIC};
use crate::frame::{Frame, FrameKind};
use crate::id::{Digest, SegmentId};
use crate::manifest::FORMAT_VERSION;
use crate::packet::Interface;
use crate::record::{Loss, LossCause};
use crate::seal::Seal;
use crate::tail::{self, Tail};
use crate::tally::{INTERFACES_MAX, LOSSES_MAX};
use crate::time::{TimeRange, Timestamp};
use crate::zstd_frame::{Extent, MAGIC, RAW_BYTES_MAX, extent, unpack};

/// Magic of skippable frames around bytes that repair put aside as damaged.
pub(crate) const DAMAGED_MAGIC: u32 = 0x184D_2A5D;

/// Bytes read at first when it is not known how long a frame is.
const GUESS_BYTES: usize = 128 << 10;
/// Bytes searched at a time for the next frame behind damage.
const SEARCH_BYTES: usize = 1 << 20;

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
    interfaces: Arc<[Interface]>,
    decompressor: Decompressor<'static>,
    tail: Option<Tail>,
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

/// What the next step through an open file came to.
enum Step {
    Frame(Frame),
    Damage,
    Sealed,
    End,
}

impl SegmentReader {
    /// Opens a sealed segment or one that is still being written.
    ///
    /// # Errors
    /// If the file can't be read, is no segment, or is of a later version. In strict reading also if the
    /// header frame is damaged.
    pub fn open(path: &Path, reading: Reading) -> Result<Self, Error> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        Self::of_file(file, path, reading)
    }

    pub(crate) fn of_file(file: File, path: &Path, reading: Reading) -> Result<Self, Error> {
        let decompressor = Decompressor::new().map_err(Error::io("decompress", path))?;
        let named = SegmentId::from_path(path);
        let mut reader = Self {
            file,
            path: path.to_path_buf(),
            id: SegmentId { chain: "unknown".parse()?, sequence: 0 },
            reading,
            header: None,
            interfaces: Arc::from([]),
            decompressor,
            tail: None,
            places: Vec::new(),
            offset: 0,
            searched: 0,
            next: 0,
            seen_until: None,
            losses: Vec::new(),
            packed: Vec::new(),
            spare: Vec::new(),
        };
        reader.adopt_tail(tail::from_end(&reader.file, path)?)?;
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
        let before = if entry.kind == FrameKind::Header { self.interfaces_before(number) } else { 0 };
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

/// Walking through an open file.
impl SegmentReader {
    /// Looks at what lies at `offset` and moves behind it.
    fn scan(&mut self) -> Result<Step, Error> {
        match self.extent_at(self.offset)? {
            Extent::Frame(packed_bytes) => {
                let mut raw = std::mem::take(&mut self.spare);
                match unpack(&mut self.decompressor, &self.packed, &mut raw) {
                    Ok(()) => self.take_frame(raw, packed_bytes).map(Step::Frame),
                    Err(reason) => self.scan_damage(&reason),
                }
            }
            Extent::Skippable(DAMAGED_MAGIC, length) => {
                self.put_place(length, FrameKind::Damaged, 0);
                Ok(Step::Damage)
            }
            Extent::Skippable(OUR_MAGIC, _) => {
                let tail = tail::at(&self.file, &self.path, self.offset)?;
                self.adopt_tail(tail)?;
                Ok(if self.tail.is_some() { Step::Sealed } else { Step::End })
            }
            Extent::More(_) => Ok(Step::End),
            Extent::Skippable(..) => self.scan_damage("a skippable frame that isn't ours"),
            Extent::Neither(reason) => self.scan_damage(reason),
        }
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
                if start == ours && tail::at(&self.file, &self.path, candidate)?.is_some() {
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
        if !matches!(block::split(&raw, Order::Little), Ok(Some(_))) {
            return Ok(None);
        }
        let frame = self.make_frame(0, raw, 0);
        let first = frame.packets().next().map(|(_, packet)| packet.timestamp);
        Ok(Some(first))
    }

    fn take_frame(&mut self, raw: Vec<u8>, packed_bytes: usize) -> Result<Frame, Error> {
        let number = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        let before = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
        let kind = if is_header(&raw) { FrameKind::Header } else { FrameKind::Data };
        if kind == FrameKind::Header {
            self.learn(&raw)?;
        }
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
    fn read_packed(&mut self, offset: u64, length: usize) -> Result<(), Error> {
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

    fn damaged(&self, offset: u64, reason: &str) -> Error {
        Error::Damaged { path: self.path.clone(), offset, reason: reason.to_owned() }
    }
}

/// What header frames and footer say about the segment as a whole.
impl SegmentReader {
    /// Goes over from walking to the frame table.
    fn adopt_tail(&mut self, tail: Option<Tail>) -> Result<(), Error> {
        let Some(tail) = tail else { return Ok(()) };
        // Frames that were returned already are not returned again.
        let at = self
            .places
            .get(usize::try_from(self.next).unwrap_or(usize::MAX))
            .map_or(self.offset, |p| p.offset);
        let passed = tail.footer.frames.iter().take_while(|frame| frame.offset < at).count();
        self.next = u32::try_from(passed).unwrap_or(u32::MAX);
        self.interfaces = Arc::from([]);
        for header in &tail.footer.headers {
            self.learn(header)?;
        }
        self.tail = Some(tail);
        Ok(())
    }

    /// Learns segment header and interfaces from the blocks of a header frame.
    fn learn(&mut self, mut raw: &[u8]) -> Result<(), Error> {
        let mut interfaces = self.interfaces.to_vec();
        while let Ok(Some((block, length))) = block::split(raw, Order::Little) {
            raw = raw.get(length..).unwrap_or_default();
            if block.block_type == block::INTERFACE && interfaces.len() < INTERFACES_MAX {
                interfaces.push(decode::interface(block.body, Order::Little)?.interface);
            }
            if block.block_type == block::CUSTOM
                && let Some((codec::HEADER, json)) = decode::custom(block.body, Order::Little)?
            {
                let header = codec::header_from_json(json)?;
                if header.format_version > FORMAT_VERSION {
                    let version = header.format_version;
                    return Err(Error::Version { path: self.path.clone(), version });
                }
                self.header = Some(header);
            }
        }
        self.interfaces = interfaces.into();
        Ok(())
    }

    /// How many interfaces the header frames before frame `number` of a sealed segment describe.
    fn interfaces_before(&self, number: u32) -> u32 {
        let Some(footer) = self.footer() else { return 0 };
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        let kinds = footer.frames.iter().take(number);
        let headers = kinds.filter(|frame| frame.kind == FrameKind::Header).count();
        footer.headers.iter().take(headers).map(|raw| count_interfaces(raw)).sum()
    }

    /// The footer's copy of header frame `number`.
    fn header_copy(&self, number: u32) -> Option<Vec<u8>> {
        let footer = self.footer()?;
        let number = usize::try_from(number).ok()?;
        if footer.frames.get(number)?.kind != FrameKind::Header {
            return None;
        }
        let before =
            footer.frames.iter().take(number).filter(|frame| frame.kind == FrameKind::Header).count();
        footer.headers.get(before).cloned()
    }
}

fn is_header(raw: &[u8]) -> bool {
    let first = block::split(raw, Order::Little).ok().flatten();
    first.is_some_and(|(block, _)| matches!(block.block_type, block::SECTION_HEADER | block::INTERFACE))
}

fn count_interfaces(mut raw: &[u8]) -> u32 {
    let mut count = 0u32;
    while let Ok(Some((block, length))) = block::split(raw, Order::Little) {
        count += u32::from(block.block_type == block::INTERFACE);
        raw = raw.get(length..).unwrap_or_default();
    }
    count
}
