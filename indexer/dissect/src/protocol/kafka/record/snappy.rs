//! Snappy (`format_description.txt` of google/snappy), bare or in the frames of the Java library that Kafka uses.
//!
//! ```text
//! "\x82SNAPPY\0" version:4 compatible:4 (length:4 block)*
//! block  length (tag ...)*
//! ```

use super::compression::{Output, Stop};

/// What the Java library (`xerial/snappy-java`) begins with.
const XERIAL: &[u8] = b"\x82SNAPPY\0";

/// The library's mark, its version, and the oldest one that can read it.
const XERIAL_HEAD_BYTES: usize = 16;

/// Undoes frames or one bare block.
pub(super) fn undo(input: &[u8], output: &mut Output) -> Result<(), Stop> {
    if !input.starts_with(XERIAL) {
        return block(input, output);
    }
    let mut rest = input.get(XERIAL_HEAD_BYTES..).ok_or(Stop::Damaged)?;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk().ok_or(Stop::Damaged)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| Stop::Damaged)?;
        let (framed, after) = after.split_at_checked(length).ok_or(Stop::Damaged)?;
        block(framed, output)?;
        rest = after;
    }
    Ok(())
}

fn block(input: &[u8], output: &mut Output) -> Result<(), Stop> {
    let start = output.len();
    let (length, mut rest) = length(input).ok_or(Stop::Damaged)?;
    while let Some((&tag, after)) = rest.split_first() {
        rest = match tag & 3 {
            0 => literal(tag, after, output)?,
            _ => repeat(tag, after, output, start)?,
        };
    }
    if output.len() - start == length { Ok(()) } else { Err(Stop::Damaged) }
}

/// The length of what comes out: seven bits a byte, the lowest first.
fn length(input: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    let mut rest = input;
    for shift in [0, 7, 14, 21, 28] {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some((usize::try_from(value).ok()?, rest));
        }
    }
    None
}

/// Up to 60 bytes by the tag alone; from there, the tag tells how many bytes the length takes.
fn literal<'a>(tag: u8, input: &'a [u8], output: &mut Output) -> Result<&'a [u8], Stop> {
    let short = usize::from(tag >> 2);
    let (length, rest) = match short.checked_sub(59) {
        None | Some(0) => (short, input),
        Some(bytes) => {
            let (length, rest) = input.split_at_checked(bytes).ok_or(Stop::Damaged)?;
            (little_endian(length), rest)
        }
    };
    let (bytes, rest) = rest.split_at_checked(length.saturating_add(1)).ok_or(Stop::Damaged)?;
    output.literal(bytes)?;
    Ok(rest)
}

/// A copy never reaches behind its own block.
fn repeat<'a>(tag: u8, input: &'a [u8], output: &mut Output, start: usize) -> Result<&'a [u8], Stop> {
    let short = usize::from(tag >> 2);
    let (distance, length, rest) = match tag & 3 {
        1 => {
            let (&low, rest) = input.split_first().ok_or(Stop::Damaged)?;
            (usize::from(tag >> 5) << 8 | usize::from(low), (short & 7) + 4, rest)
        }
        kind => {
            let bytes = if kind == 2 { 2 } else { 4 };
            let (distance, rest) = input.split_at_checked(bytes).ok_or(Stop::Damaged)?;
            (little_endian(distance), short + 1, rest)
        }
    };
    if distance > output.len() - start {
        return Err(Stop::Damaged);
    }
    output.repeat(distance, length)?;
    Ok(rest)
}

/// Up to four bytes.
fn little_endian(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |value, byte| value << 8 | usize::from(*byte))
}
