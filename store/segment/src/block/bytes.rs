//! Integers and options out of byte slices, in either byte order, without panics.

use super::Malformed;

/// The byte order of a section or file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// Two bytes at `offset`.
pub(crate) fn read_u16(bytes: &[u8], offset: usize, order: Order) -> Option<u16> {
    let raw = *bytes.get(offset..)?.first_chunk::<2>()?;
    Some(match order {
        Order::Little => u16::from_le_bytes(raw),
        Order::Big => u16::from_be_bytes(raw),
    })
}

/// Four bytes at `offset`.
pub(crate) fn read_u32(bytes: &[u8], offset: usize, order: Order) -> Option<u32> {
    let raw = *bytes.get(offset..)?.first_chunk::<4>()?;
    Some(match order {
        Order::Little => u32::from_le_bytes(raw),
        Order::Big => u32::from_be_bytes(raw),
    })
}

/// Eight bytes at `offset`.
pub(crate) fn read_u64(bytes: &[u8], offset: usize, order: Order) -> Option<u64> {
    let raw = *bytes.get(offset..)?.first_chunk::<8>()?;
    Some(match order {
        Order::Little => u64::from_le_bytes(raw),
        Order::Big => u64::from_be_bytes(raw),
    })
}

/// A pcapng time stamp: two 32-bit halves, the higher first, each in the section's order.
pub(crate) fn read_ticks(bytes: &[u8], offset: usize, order: Order) -> Option<u64> {
    let high = read_u32(bytes, offset, order)?;
    let low = read_u32(bytes, offset.checked_add(4)?, order)?;
    Some((u64::from(high) << 32) | u64::from(low))
}

/// Bytes to add so that `length` is a multiple of four.
pub(crate) const fn padding(length: usize) -> usize {
    length.wrapping_neg() & 3
}

/// The options at the end of a block (pcapng, section 3.5).
pub(crate) struct Options<'a> {
    rest: &'a [u8],
    order: Order,
}

impl<'a> Options<'a> {
    /// Over the bytes behind a block's fixed part.
    pub fn new(rest: &'a [u8], order: Order) -> Self {
        Self { rest, order }
    }
}

/// Yields code and value of each option up to `opt_endofopt` or the end of the block.
impl<'a> Iterator for Options<'a> {
    type Item = Result<(u16, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        let broken = Some(Err(Malformed("option: cut off")));
        let (Some(code), Some(length)) = (read_u16(rest, 0, self.order), read_u16(rest, 2, self.order))
        else {
            return broken;
        };
        if code == 0 {
            return None;
        }
        let length = usize::from(length);
        let Some(value) = rest.get(4..4 + length) else { return broken };
        // Some writers leave out the padding of the last option.
        self.rest = rest.get(4 + length + padding(length)..).unwrap_or_default();
        Some(Ok((code, value)))
    }
}
