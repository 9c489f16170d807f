//! How many frames there were, by kind.

use serde::{Deserialize, Serialize};

use super::frame::Kind;

/// Frames seen: those that carry messages, and those that only keep the connection going.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct FrameCounts {
    standard: [u64; Kind::STANDARD.len()],
    other: u64,
}

impl FrameCounts {
    /// Counts one.
    pub fn add(&mut self, kind: Kind) {
        let place = Kind::STANDARD.iter().position(|known| *known == kind);
        let counter = place.and_then(|place| self.standard.get_mut(place)).unwrap_or(&mut self.other);
        *counter = counter.saturating_add(1);
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = *self;
        for (counter, more) in both.standard.iter_mut().zip(other.standard) {
            *counter = counter.saturating_add(more);
        }
        both.other = both.other.saturating_add(other.other);
        both
    }

    /// How many there were of each kind; all of extensions together at the end.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> {
        Kind::STANDARD.into_iter().zip(self.standard).chain([(Kind::Other(u8::MAX), self.other)])
    }
}
