//! Sets of documents of one index segment.

/// A set of document numbers below a fixed count.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Docs {
    words: Vec<u64>,
    count: u32,
}

impl Docs {
    /// No document of `count`.
    #[must_use]
    pub fn none(count: u32) -> Self {
        Self { words: vec![0; count.div_ceil(64) as usize], count }
    }

    /// All documents of `count`.
    #[must_use]
    pub fn all(count: u32) -> Self {
        let mut docs = Self { words: vec![u64::MAX; count.div_ceil(64) as usize], count };
        docs.trim();
        docs
    }

    /// Adds a document; one beyond the count is passed over.
    pub fn insert(&mut self, doc: u32) {
        if doc < self.count
            && let Some(word) = self.words.get_mut((doc / 64) as usize)
        {
            *word |= 1 << (doc % 64);
        }
    }

    /// Whether a document is in it.
    #[must_use]
    pub fn contains(&self, doc: u32) -> bool {
        self.words.get((doc / 64) as usize).is_some_and(|word| word & (1 << (doc % 64)) != 0)
    }

    /// Keeps what is in both.
    pub fn intersect(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= other;
        }
    }

    /// Adds what is in `other`.
    pub fn unite(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Turns the set into its complement.
    pub fn invert(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        self.trim();
    }

    /// Takes out what is in `other`.
    pub fn subtract(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= !other;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.words.iter().map(|word| word.count_ones()).sum()
    }

    /// The set as bits, 64 documents in a word, the first in the lowest bit.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The documents in order.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.words.iter().zip(0u32..).flat_map(|(&word, at)| {
            std::iter::successors(Some(word).filter(|word| *word != 0), |word| {
                Some(word & (word - 1)).filter(|w| *w != 0)
            })
            .map(move |word| at * 64 + word.trailing_zeros())
        })
    }

    /// Clears the bits behind the last document.
    fn trim(&mut self) {
        if !self.count.is_multiple_of(64)
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1 << (self.count % 64)) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_obey_their_algebra() {
        let mut even = Docs::none(130);
        (0..130).step_by(2).for_each(|doc| even.insert(doc));
        even.insert(131);
        let mut odd = even.clone();
        odd.invert();
        assert_eq!(odd.iter().collect::<Vec<_>>(), (1..130).step_by(2).collect::<Vec<_>>());
        odd.unite(&even);
        assert_eq!((odd.count(), &odd), (130, &Docs::all(130)));
        odd.subtract(&even);
        assert_eq!((odd.count(), odd.words().len()), (65, 3));
        odd.unite(&even);
        odd.intersect(&even);
        assert_eq!(odd, even);
    }
}
