//! LZ4 frames (`lz4_Frame_format.md` and `lz4_Block_format.md` of lz4/lz4).
//!
//! ```text
//! 04 22 4d 18  flags:1 sizes:1 [content_size:8] [dictionary:4] checksum:1  (size:4 block [checksum:4])*  0:4 [checksum:4]
//! ```
//!
//! Before Kafka 0.10 (KIP-57) the checksum of the head was computed over the wrong bytes; no checksum is looked at
//! here, so that both are read alike.

use super::compression::{Output, Stop};

const MAGIC: &[u8] = &[0x04, 0x22, 0x4d, 0x18];

/// Undoes one frame after the other.
pub(super) fn undo(mut input: &[u8], output: &mut Output) -> Result<(), Stop> {
    while !input.is_empty() {
        input = frame(input, output)?;
    }
    Ok(())
}

fn frame<'a>(input: &'a [u8], output: &mut Output) -> Result<&'a [u8], Stop> {
    let rest = input.strip_prefix(MAGIC).ok_or(Stop::Damaged)?;
    let (&flags, rest) = rest.split_first().ok_or(Stop::Damaged)?;
    let has = |bit: u8| flags & bit != 0;
    let after_flags = 1 + if has(0x08) { 8 } else { 0 } + if has(0x01) { 4 } else { 0 } + 1;
    let mut rest = rest.get(after_flags..).ok_or(Stop::Damaged)?;
    let checksum_bytes = if has(0x10) { 4 } else { 0 };
    loop {
        let (size, after) = rest.split_first_chunk().ok_or(Stop::Damaged)?;
        let size = u32::from_le_bytes(*size);
        if size == 0 {
            return after.get(if has(0x04) { 4 } else { 0 }..).ok_or(Stop::Damaged);
        }
        let length = usize::try_from(size & 0x7fff_ffff).map_err(|_| Stop::Damaged)?;
        let (bytes, after) = after.split_at_checked(length).ok_or(Stop::Damaged)?;
        if size >> 31 == 1 {
            output.literal(bytes)?
        } else {
            block(bytes, output)?
        }
        rest = after.get(checksum_bytes..).ok_or(Stop::Damaged)?;
    }
}

/// Literals, then a repetition, and so on; the last literals have no repetition behind them.
fn block(mut input: &[u8], output: &mut Output) -> Result<(), Stop> {
    while let Some((&token, rest)) = input.split_first() {
        let (length, rest) = length(token >> 4, rest)?;
        let (literals, rest) = rest.split_at_checked(length).ok_or(Stop::Damaged)?;
        output.literal(literals)?;
        if rest.is_empty() {
            return Ok(());
        }
        let (distance, rest) = rest.split_first_chunk().ok_or(Stop::Damaged)?;
        let (length, rest) = self::length(token & 0x0f, rest)?;
        output.repeat(u16::from_le_bytes(*distance).into(), length.saturating_add(4))?;
        input = rest;
    }
    Ok(())
}

/// Fifteen goes on in the next byte, 255 in the one behind it.
fn length(nibble: u8, mut rest: &[u8]) -> Result<(usize, &[u8]), Stop> {
    let mut length = usize::from(nibble);
    let mut goes_on = nibble == 15;
    while goes_on {
        let (&byte, after) = rest.split_first().ok_or(Stop::Damaged)?;
        length = length.saturating_add(byte.into());
        rest = after;
        goes_on = byte == 255;
    }
    Ok((length, rest))
}
