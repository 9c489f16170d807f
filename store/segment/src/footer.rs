//! The footer: where every frame lies and which flows it holds.
//!
//! It is a skippable frame, so every zstd tool passes over it. Integers are LEB128, lists carry
//! their length, and the whole is zstd-compressed, because a table of flows is very repetitive.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::flow::{Endpoint, FLOWS_MAX, Flow, FlowKey, FrameRun};
use crate::frame::FrameKind;
use crate::id::Digest;
use crate::time::{TimeRange, Timestamp};
use crate::zstd_frame::RAW_BYTES_MAX;

/// Magic of our skippable frames: footer and seal.
pub(crate) const OUR_MAGIC: u32 = 0x184D_2A5B;
/// First bytes of the footer's payload.
pub(crate) const FOOTER_TAG: [u8; 8] = *b"REMORAFT";
/// Version of the footer we write.
pub(crate) const FOOTER_VERSION: u32 = 1;
/// Most frames of one segment: 256 GiB of full ones, and the largest footer stays under its limit.
pub const FRAMES_MAX: usize = 1 << 20;
/// Largest footer that is decompressed: the most frames take 67 MiB, the fullest flow table with its runs 10,
/// the header frames 16.
pub(crate) const FOOTER_BYTES_MAX: usize = 96 << 20;

/// Where a frame lies and what it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameEntry {
    /// What its blocks are.
    pub kind: FrameKind,
    /// Offset of its first byte in the file.
    pub offset: u64,
    /// Bytes in the file.
    pub packed_bytes: u32,
    /// Bytes of blocks.
    pub raw_bytes: u32,
    /// Packets.
    pub packets: u32,
    /// From the earliest to the latest packet; `None` without packets.
    pub range: Option<TimeRange>,
    /// BLAKE3 of its bytes in the file.
    pub digest: Digest,
}

/// What lies behind the frames of a sealed segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Footer {
    /// Every frame, by number.
    pub frames: Vec<FrameEntry>,
    /// The blocks of each header frame again, in order: without them the other frames can't be read.
    pub headers: Vec<Vec<u8>>,
    /// Flows in order of their first packets.
    pub flows: Vec<Flow>,
    /// Whether every flow of the segment is in `flows`.
    pub flows_complete: bool,
}

impl Footer {
    /// From the earliest to the latest packet; `None` without packets.
    #[must_use]
    pub fn range(&self) -> Option<TimeRange> {
        self.frames.iter().filter_map(|frame| frame.range).reduce(TimeRange::union)
    }

    /// Packets in all frames.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.packets)).sum()
    }

    /// Numbers of the frames with packets in `range`.
    pub fn frames_in(&self, range: TimeRange) -> impl Iterator<Item = u32> {
        (0u32..).zip(&self.frames).filter_map(move |(number, frame)| {
            frame.range.is_some_and(|inside| inside.overlaps(range)).then_some(number)
        })
    }
}

/// The footer's payload: tag, version, compressed tables.
pub(crate) fn encode(footer: &Footer) -> std::io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    put_count(&mut raw, footer.frames.len());
    for frame in &footer.frames {
        raw.push(match frame.kind {
            FrameKind::Header => 0,
            FrameKind::Data => 1,
            FrameKind::Damaged => 2,
        });
        put(&mut raw, u64::from(frame.packed_bytes));
        put(&mut raw, u64::from(frame.raw_bytes));
        put(&mut raw, u64::from(frame.packets));
        raw.push(u8::from(frame.range.is_some()));
        if let Some(range) = frame.range {
            put_range(&mut raw, range);
        }
        raw.extend_from_slice(&frame.digest.0);
    }
    put_count(&mut raw, footer.headers.len());
    for header in &footer.headers {
        put_count(&mut raw, header.len());
        raw.extend_from_slice(header);
    }
    raw.push(u8::from(footer.flows_complete));
    put_count(&mut raw, footer.flows.len());
    for flow in &footer.flows {
        put_flow(&mut raw, flow);
    }
    let packed = zstd::bulk::compress(&raw, 3)?;
    let mut payload = FOOTER_TAG.to_vec();
    payload.extend_from_slice(&FOOTER_VERSION.to_le_bytes());
    payload.extend_from_slice(&packed);
    Ok(payload)
}

/// The version in a payload, if it is a footer's.
pub(crate) fn version(payload: &[u8]) -> Option<u32> {
    let rest = payload.strip_prefix(&FOOTER_TAG)?;
    Some(u32::from_le_bytes(*rest.first_chunk()?))
}

/// Reads a payload of version 1.
pub(crate) fn decode(payload: &[u8]) -> Result<Footer, &'static str> {
    let packed = payload.get(FOOTER_TAG.len() + 4..).ok_or("footer: too short")?;
    let size = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let size = size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size <= FOOTER_BYTES_MAX);
    let size = size.ok_or("footer: no or impossible content size")?;
    let raw = zstd::bulk::decompress(packed, size).map_err(|_| "footer: doesn't decompress")?;
    Reader(&raw).footer().ok_or("footer: malformed")
}

fn put(out: &mut Vec<u8>, mut value: u64) {
    while let Ok(low) = u8::try_from(value & 0x7F) {
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    put(out, u64::try_from(count).unwrap_or(u64::MAX));
}

/// The start as it is, then the length: ranges are short, and their starts are close to each other.
fn put_range(out: &mut Vec<u8>, range: TimeRange) {
    out.extend_from_slice(&range.start().nanos().to_le_bytes());
    put(out, range.end().nanos().wrapping_sub(range.start().nanos()).cast_unsigned());
}

fn put_flow(out: &mut Vec<u8>, flow: &Flow) {
    out.push(flow.key.protocol);
    for end in [flow.key.low, flow.key.high] {
        match end.address {
            IpAddr::V4(address) => {
                out.push(4);
                out.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                out.push(6);
                out.extend_from_slice(&address.octets());
            }
        }
        out.extend_from_slice(&end.port.to_le_bytes());
    }
    put_range(out, flow.range);
    put(out, flow.packets);
    put(out, flow.bytes);
    put_count(out, flow.frames.len());
    let mut from = 0;
    for run in &flow.frames {
        put(out, u64::from(run.first.wrapping_sub(from)));
        put(out, u64::from(run.last.wrapping_sub(run.first)));
        from = run.last;
    }
}

/// Takes values off the front of the tables.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn footer(&mut self) -> Option<Footer> {
        let count = self.count(FRAMES_MAX)?;
        let mut frames = Vec::new();
        let mut offset = 0u64;
        for _ in 0..count {
            let frame = self.frame(offset)?;
            offset = offset.checked_add(u64::from(frame.packed_bytes))?;
            frames.push(frame);
        }
        let mut headers = Vec::new();
        for _ in 0..self.count(FRAMES_MAX)? {
            let length = self.count(RAW_BYTES_MAX)?;
            let (header, rest) = self.0.split_at_checked(length)?;
            headers.push(header.to_vec());
            self.0 = rest;
        }
        let flows_complete = self.flag()?;
        let count = self.count(FLOWS_MAX)?;
        let mut flows = Vec::new();
        for _ in 0..count {
            flows.push(self.flow()?);
        }
        self.0.is_empty().then_some(Footer { frames, headers, flows, flows_complete })
    }

    fn frame(&mut self, offset: u64) -> Option<FrameEntry> {
        let kind = match self.byte()? {
            0 => FrameKind::Header,
            1 => FrameKind::Data,
            2 => FrameKind::Damaged,
            _ => return None,
        };
        Some(FrameEntry {
            kind,
            offset,
            packed_bytes: self.small()?,
            raw_bytes: self.small()?,
            packets: self.small()?,
            range: if self.flag()? { Some(self.range()?) } else { None },
            digest: Digest(self.array()?),
        })
    }

    fn flow(&mut self) -> Option<Flow> {
        let protocol = self.byte()?;
        let (low, high) = (self.endpoint()?, self.endpoint()?);
        let (range, packets, bytes) = (self.range()?, self.value()?, self.value()?);
        let mut frames = Vec::new();
        let mut from = 0u32;
        for _ in 0..self.count(FRAMES_MAX)? {
            let first = from.checked_add(self.small()?)?;
            let last = first.checked_add(self.small()?)?;
            frames.push(FrameRun { first, last });
            from = last;
        }
        Some(Flow { key: FlowKey { protocol, low, high }, range, packets, bytes, frames })
    }

    fn endpoint(&mut self) -> Option<Endpoint> {
        let address = match self.byte()? {
            4 => Ipv4Addr::from(self.array::<4>()?).into(),
            6 => Ipv6Addr::from(self.array::<16>()?).into(),
            _ => return None,
        };
        Some(Endpoint { address, port: u16::from_le_bytes(self.array()?) })
    }

    fn range(&mut self) -> Option<TimeRange> {
        let start = i64::from_le_bytes(self.array()?);
        let end = start.wrapping_add(self.value()?.cast_signed());
        TimeRange::new(Timestamp::from_nanos(start), Timestamp::from_nanos(end))
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// A list's length: every item takes at least one byte, so a lie is found before allocating.
    fn count(&mut self, max: usize) -> Option<usize> {
        let count = usize::try_from(self.value()?).ok()?;
        (count <= max && count <= self.0.len()).then_some(count)
    }

    fn small(&mut self) -> Option<u32> {
        self.value()?.try_into().ok()
    }

    fn value(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7F);
            if part > u64::MAX >> shift {
                return None;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }
}
