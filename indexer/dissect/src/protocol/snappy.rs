//! Undoes Snappy, as blocks and as streams
//! (<https://github.com/google/snappy/blob/main/format_description.txt>, `framing_format.txt`).
//!
//! HTTP bodies (Prometheus remote write) are blocks, gRPC messages are streams. The output never grows beyond
//! a limit, whatever length the input claims, and what came before damage is kept.

/// Every stream begins with this chunk.
const STREAM_START: &[u8] = b"\xff\x06\x00\x00sNaPpY";
/// Bytes of the checksum in front of a chunk's data. Damage is found by the packets' checksums, not by this.
const CHECKSUM_BYTES: usize = 4;

/// What could be undone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Undone {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Whether the limit ended it.
    pub truncated: bool,
    /// Whether the input is damaged or cut.
    pub damaged: bool,
}

/// Undoes a block or a stream.
#[must_use]
pub fn undo(input: &[u8], bytes_max: usize) -> Undone {
    let mut undone = Undone::default();
    let ended = if input.starts_with(STREAM_START) {
        stream(input, bytes_max, &mut undone.bytes)
    } else {
        block(input, bytes_max, &mut undone.bytes)
    };
    match ended {
        Ok(()) => {}
        Err(Stop::Limit) => undone.truncated = true,
        Err(Stop::Damage) => undone.damaged = true,
    }
    undone
}

enum Stop {
    Limit,
    Damage,
}

fn stream(mut input: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> Result<(), Stop> {
    while let Some((&[kind, a, b, c], rest)) = input.split_first_chunk() {
        let length = usize::try_from(u32::from_le_bytes([a, b, c, 0])).map_err(|_| Stop::Damage)?;
        let chunk = rest.get(..length).unwrap_or(rest);
        let data = chunk.get(CHECKSUM_BYTES..);
        match kind {
            0x00 => block(data.ok_or(Stop::Damage)?, bytes_max, out)?,
            0x01 => push(data.ok_or(Stop::Damage)?, bytes_max, out)?,
            // Padding, and what a reader may pass over.
            0x80..=0xff => {}
            _ => return Err(Stop::Damage),
        }
        input = rest.get(length..).ok_or(Stop::Damage)?;
    }
    if input.is_empty() { Ok(()) } else { Err(Stop::Damage) }
}

/// A block: the length of what it makes, then literals and copies of what was made before.
fn block(input: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> Result<(), Stop> {
    let (length, mut rest) = length(input).ok_or(Stop::Damage)?;
    let start = out.len();
    let end = start.checked_add(length).ok_or(Stop::Damage)?;
    while let Some((&tag, behind)) = rest.split_first() {
        rest = match tag & 3 {
            0 => literal(tag, behind, bytes_max, out)?,
            1 => {
                let (&low, behind) = behind.split_first().ok_or(Stop::Damage)?;
                let offset = usize::from(tag >> 5) << 8 | usize::from(low);
                copy(offset, usize::from(tag >> 2 & 7) + 4, start, bytes_max, out)?;
                behind
            }
            2 => {
                let (offset, behind) = behind.split_first_chunk().ok_or(Stop::Damage)?;
                let offset = usize::from(u16::from_le_bytes(*offset));
                copy(offset, usize::from(tag >> 2) + 1, start, bytes_max, out)?;
                behind
            }
            _ => {
                let (offset, behind) = behind.split_first_chunk().ok_or(Stop::Damage)?;
                let offset = usize::try_from(u32::from_le_bytes(*offset)).map_err(|_| Stop::Damage)?;
                copy(offset, usize::from(tag >> 2) + 1, start, bytes_max, out)?;
                behind
            }
        };
        if out.len() > end {
            return Err(Stop::Damage);
        }
    }
    if out.len() == end { Ok(()) } else { Err(Stop::Damage) }
}

/// A varint of at most 32 bits.
fn length(input: &[u8]) -> Option<(usize, &[u8])> {
    let mut length = 0_u64;
    for (index, byte) in (0_usize..5).zip(input) {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(length).ok()?, input.get(index + 1..)?));
        }
    }
    None
}

/// Bytes as they are; their number is in the tag or in one to four bytes behind it.
fn literal<'a>(tag: u8, input: &'a [u8], bytes_max: usize, out: &mut Vec<u8>) -> Result<&'a [u8], Stop> {
    let short = usize::from(tag >> 2);
    let length_bytes = short.saturating_sub(59);
    let (length, input) = if length_bytes == 0 {
        (short, input)
    } else {
        let (bytes, input) = input.split_at_checked(length_bytes).ok_or(Stop::Damage)?;
        let mut word = [0; 8];
        word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        (usize::try_from(u64::from_le_bytes(word)).map_err(|_| Stop::Damage)?, input)
    };
    let length = length.checked_add(1).ok_or(Stop::Damage)?;
    push(input.get(..length).unwrap_or(input), bytes_max, out)?;
    input.get(length..).ok_or(Stop::Damage)
}

fn push(bytes: &[u8], bytes_max: usize, out: &mut Vec<u8>) -> Result<(), Stop> {
    let room = bytes_max.saturating_sub(out.len());
    out.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    if bytes.len() > room { Err(Stop::Limit) } else { Ok(()) }
}

/// Bytes made before in this block; the copy may overlap what it makes.
fn copy(offset: usize, length: usize, start: usize, bytes_max: usize, out: &mut Vec<u8>) -> Result<(), Stop> {
    let made = out.len().saturating_sub(start);
    if offset == 0 || offset > made {
        return Err(Stop::Damage);
    }
    for _ in 0..length {
        if out.len() >= bytes_max {
            return Err(Stop::Limit);
        }
        let byte = out.get(out.len() - offset).copied().ok_or(Stop::Damage)?;
        out.push(byte);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// "hello " once, then copied: 6 literals, a copy of 24 from 6 back (2-byte offset).
    const BLOCK: &[u8] = b"\x1e\x14hello \x5e\x06\x00";

    #[test]
    fn blocks_and_streams_are_undone() {
        let expected = Undone { bytes: b"hello ".repeat(5), ..Undone::default() };
        assert_eq!(undo(BLOCK, 100), expected);
        let mut stream = STREAM_START.to_vec();
        stream.extend(b"\x00\x0f\x00\x00crc!");
        stream.extend(BLOCK);
        stream.extend(b"\xfe\x02\x00\x00\0\0\x01\x06\x00\x00crc!ok");
        assert_eq!(undo(&stream, 100).bytes, [b"hello ".repeat(5), b"ok".to_vec()].concat());
        // A copy with an offset in the tag, one with four bytes; a literal with its length in a byte.
        assert_eq!(undo(b"\x08\x0cabcd\x01\x04", 100).bytes, b"abcdabcd");
        assert_eq!(undo(b"\x08\x0cabcd\x0f\x04\0\0\0", 100).bytes, b"abcdabcd");
        assert_eq!(undo(b"\x03\xf0\x02abc", 100).bytes, b"abc");
        assert_eq!(undo(b"\x00", 100), Undone::default());
    }

    #[test]
    fn the_limit_holds_and_damage_keeps_what_came_before() {
        let bomb = [b"\xff\xff\xff\xff\x0f\x00a".as_slice(), &b"\xfe\x01\x00".repeat(10_000)].concat();
        let undone = undo(&bomb, 1000);
        assert_eq!((undone.bytes.len(), undone.truncated), (1000, true));
        let cut = undo(&BLOCK[..5], 100);
        assert_eq!((cut.bytes.as_slice(), cut.damaged), (b"hel".as_slice(), true));
        assert!(undo(b"\x08\x0cabcd\x01\x05", 100).damaged);
        assert!(undo(b"", 100).damaged);
    }

    proptest! {
        #[test]
        fn any_bytes_stop_at_the_limit(mut bytes in prop::collection::vec(any::<u8>(), 0..200), is_stream: bool) {
            if is_stream {
                bytes.splice(0..0, STREAM_START.iter().copied());
            }
            prop_assert!(undo(&bytes, 300).bytes.len() <= 300);
        }
    }
}
