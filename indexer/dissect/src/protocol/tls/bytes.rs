//! Reads TLS's presentation language (RFC 8446 §3): numbers, and vectors with their length before them.

/// What is left to read. Every reader returns `None` where too little is left, and then takes nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u24(&mut self) -> Option<usize> {
        let [high, middle, low] = self.array()?;
        usize::try_from(u32::from_be_bytes([0, high, middle, low])).ok()
    }

    /// A vector whose length takes one byte.
    pub(super) fn vector8(&mut self) -> Option<Bytes<'a>> {
        let mut ahead = *self;
        let vector = ahead.u8().and_then(|length| ahead.take(usize::from(length)))?;
        *self = ahead;
        Some(Bytes(vector))
    }

    /// A vector whose length takes two bytes.
    pub(super) fn vector16(&mut self) -> Option<Bytes<'a>> {
        let mut ahead = *self;
        let vector = ahead.u16().and_then(|length| ahead.take(usize::from(length)))?;
        *self = ahead;
        Some(Bytes(vector))
    }

    /// A vector whose length takes three bytes.
    pub(super) fn vector24(&mut self) -> Option<Bytes<'a>> {
        let mut ahead = *self;
        let vector = ahead.u24().and_then(|length| ahead.take(length))?;
        *self = ahead;
        Some(Bytes(vector))
    }

    /// What is left as numbers of two bytes, at most `count_max` of them; an odd byte at the end is left out.
    pub(super) fn u16s(mut self, count_max: usize) -> Vec<u16> {
        let mut numbers = Vec::with_capacity(count_max.min(self.0.len() / 2));
        while numbers.len() < count_max
            && let Some(number) = self.u16()
        {
            numbers.push(number);
        }
        numbers
    }

    /// What is left, at most `count_max` bytes of it.
    pub(super) fn kept(self, count_max: usize) -> Vec<u8> {
        self.0.get(..count_max).unwrap_or(self.0).to_vec()
    }
}
