//! Random numbers that are the same everywhere: xorshift64*, good enough to fill packets.

/// A source of chance.
pub struct Chance(u64);

impl Chance {
    /// From a seed; zero is as good as any.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    /// Any number.
    pub fn any(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`.
    pub fn below_u64(&mut self, end: u64) -> u64 {
        ((u128::from(self.any()) * u128::from(end)) >> 64) as u64
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.below_u64(end as u64) as usize
    }

    /// One of these.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// A size from 1 KB to 100 KB; small ones as likely per order of magnitude as large ones.
    pub fn body_size(&mut self) -> usize {
        let exponent = self.below(1 << 20) as f64 / f64::from(1 << 20) * 2.0;
        (1000.0 * 10_f64.powf(exponent)) as usize
    }

    /// Bytes that don't compress.
    pub fn fill(&mut self, into: &mut Vec<u8>, length: usize) {
        let end = into.len() + length;
        while into.len() < end {
            into.extend_from_slice(&self.any().to_le_bytes());
        }
        into.truncate(end);
    }
}
