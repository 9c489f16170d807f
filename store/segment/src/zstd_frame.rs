//! One zstd frame: compressing, finding its end, decompressing under a cap.
//!
//! The end is found by walking the block headers (RFC 8878, section 3.1.1), so that a frame that is
//! still being written is told from a damaged one without decompressing anything.

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::CParameter;

use crate::block::BLOCK_BYTES_MAX;

/// First bytes of a zstd frame.
pub(crate) const MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
/// Skippable frames begin with `0x184D2A50` to `0x184D2A5F`; this is all but the lowest four bits.
const SKIPPABLE_MAGIC: u32 = 0x184D_2A50;
/// Magic and length of a skippable frame.
pub(crate) const SKIPPABLE_HEADER_BYTES: usize = 8;

/// Largest frame content that is decompressed: one oversized block, or a frame of the largest
/// size a writer may be set to. Hostile content sizes beyond it are refused before allocation.
pub(crate) const RAW_BYTES_MAX: usize = BLOCK_BYTES_MAX + FRAME_BYTES_LIMIT;
/// Largest `frame_bytes_max` a writer accepts.
pub(crate) const FRAME_BYTES_LIMIT: usize = 4 << 20;

/// Largest block of a zstd frame (RFC 8878, section 3.1.1.2.4).
const BLOCK_MAX: usize = 128 << 10;

/// What lies at a place in the file, judged by its first bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Extent {
    /// A zstd frame of this many bytes.
    Frame(usize),
    /// A skippable frame with this magic and of this many bytes in all.
    Skippable(u32, usize),
    /// More bytes are needed to tell: at least this many in all.
    More(usize),
    /// Neither, and no more bytes will change that.
    Neither(&'static str),
}

/// Judges what begins at the start of `bytes`.
pub(crate) fn extent(bytes: &[u8]) -> Extent {
    let Some(magic) = bytes.first_chunk::<4>() else { return Extent::More(SKIPPABLE_HEADER_BYTES) };
    if *magic == MAGIC {
        return frame_extent(bytes);
    }
    let magic = u32::from_le_bytes(*magic);
    if magic & 0xFFFF_FFF0 != SKIPPABLE_MAGIC {
        return Extent::Neither("no frame begins here");
    }
    let Some(length) = bytes.get(4..8).and_then(|length| length.first_chunk()) else {
        return Extent::More(SKIPPABLE_HEADER_BYTES);
    };
    match usize::try_from(u32::from_le_bytes(*length)) {
        Ok(length) => Extent::Skippable(magic, length.saturating_add(SKIPPABLE_HEADER_BYTES)),
        Err(_) => Extent::Neither("a skippable frame too long for this machine"),
    }
}

fn frame_extent(bytes: &[u8]) -> Extent {
    let Some(descriptor) = bytes.get(4) else { return Extent::More(16) };
    let header = match header_length(*descriptor) {
        Ok(length) => length,
        Err(reason) => return Extent::Neither(reason),
    };
    let mut offset = header;
    loop {
        let Some(block) = bytes.get(offset..).and_then(|rest| rest.first_chunk::<3>()) else {
            return Extent::More(offset.saturating_add(3));
        };
        let [low, middle, high] = *block;
        let block = u32::from_le_bytes([low, middle, high, 0]);
        let Ok(size) = usize::try_from(block >> 3) else { return Extent::Neither("impossible block") };
        let length = match (block >> 1) & 3 {
            0 | 2 => size,
            1 => 1,
            _ => return Extent::Neither("reserved block type"),
        };
        if size > BLOCK_MAX {
            return Extent::Neither("a zstd block beyond 128 KiB");
        }
        offset = offset.saturating_add(3).saturating_add(length);
        if offset > RAW_BYTES_MAX.saturating_add(RAW_BYTES_MAX / 128) {
            return Extent::Neither("a zstd frame beyond any that we write");
        }
        if block & 1 == 1 {
            break;
        }
    }
    let end = offset.saturating_add(4);
    if bytes.len() < end { Extent::More(end) } else { Extent::Frame(end) }
}

/// Bytes from the magic to the first block. Only frames as we write them are let pass: with
/// content size and checksum, without dictionary.
fn header_length(descriptor: u8) -> Result<usize, &'static str> {
    if descriptor & 0b0000_0100 == 0 {
        return Err("a zstd frame without checksum");
    }
    if descriptor & 0b0000_1011 != 0 {
        return Err("a zstd frame with a dictionary or reserved bits");
    }
    let single_segment = descriptor & 0b0010_0000 != 0;
    let content_size = match (descriptor >> 6, single_segment) {
        (0, false) => return Err("a zstd frame without content size"),
        (0, true) => 1,
        (1, _) => 2,
        (2, _) => 4,
        _ => 8,
    };
    let window = if single_segment { 0 } else { 1 };
    Ok(5 + window + content_size)
}

/// Compresses frames with one context that is used again and again.
pub(crate) struct Packer {
    compressor: Compressor<'static>,
    packed: Vec<u8>,
}

impl Packer {
    /// A packer of that zstd level.
    pub fn new(level: i32) -> std::io::Result<Self> {
        let mut compressor = Compressor::new(level)?;
        compressor.set_parameter(CParameter::ChecksumFlag(true))?;
        compressor.set_parameter(CParameter::ContentSizeFlag(true))?;
        Ok(Self { compressor, packed: Vec::new() })
    }

    /// The frame that decompresses to `raw`.
    pub fn pack(&mut self, raw: &[u8]) -> std::io::Result<&[u8]> {
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(raw.len()));
        self.compressor.compress_to_buffer(raw, &mut self.packed)?;
        Ok(&self.packed)
    }
}

/// Decompresses the one frame in `packed` into `raw`, which is emptied first.
pub(crate) fn unpack(
    decompressor: &mut Decompressor<'static>,
    packed: &[u8],
    raw: &mut Vec<u8>,
) -> Result<(), String> {
    let size = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let size = size.ok_or("a zstd frame without content size")?;
    let size = usize::try_from(size).ok().filter(|size| *size <= RAW_BYTES_MAX);
    let size = size.ok_or("a zstd frame with more content than any that we write")?;
    raw.clear();
    raw.reserve_exact(size);
    let written = decompressor.decompress_to_buffer(packed, raw).map_err(|error| error.to_string())?;
    if written == size {
        Ok(())
    } else {
        Err(format!("{written} bytes of content where {size} were promised"))
    }
}

/// A skippable frame of our `magic` around `payload`.
pub(crate) fn skippable(magic: u32, payload: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(payload.len()).ok()?;
    let mut frame = Vec::with_capacity(payload.len() + SKIPPABLE_HEADER_BYTES);
    frame.extend_from_slice(&magic.to_le_bytes());
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(payload);
    Some(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_frame_is_found_without_decompressing() {
        let mut packer = Packer::new(1).unwrap();
        let noise: Vec<u8> = (0..300_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for raw in [&b""[..], b"a", &[7; 1000], &noise] {
            let packed = packer.pack(raw).unwrap().to_vec();
            assert_eq!(extent(&packed), Extent::Frame(packed.len()));
            for cut in 0..packed.len().min(50) {
                assert!(matches!(extent(&packed[..cut]), Extent::More(needed) if needed > cut), "{cut}");
            }
            assert!(matches!(extent(&packed[..packed.len() - 1]), Extent::More(_)));
            let mut out = Vec::new();
            unpack(&mut Decompressor::new().unwrap(), &packed, &mut out).unwrap();
            assert_eq!(out, raw);
        }
    }
}
