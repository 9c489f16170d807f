//! Where a hunt that was stopped goes on.
//!
//! ```text
//! ID            the hunt goes on at the beginning of this segment
//! ID+7          … and leaves out the first seven matches, which were told before it was stopped
//! ID+7-3        … and streams had bytes at hand from the three segments before, which are read again in silence
//! ID+7-3~PRINT  … and it was this hunt: PRINT is the beginning of a digest of what was looked for
//! ```

use std::fmt;
use std::str::FromStr;

use segment::{Digest, SegmentId};

use crate::Error;

/// Bytes of the digest: enough against mistakes, which is all it is for.
const PRINT_BYTES: usize = 4;

/// A place in a hunt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resume {
    /// The segment that is next.
    pub segment: SegmentId,
    /// Its matches that were told already.
    pub told: u64,
    /// Segments before it that are needed.
    pub back: u64,
    print: [u8; PRINT_BYTES],
}

impl Resume {
    /// A place in the hunt for what is called so.
    pub(super) fn new(segment: SegmentId, told: u64, back: u64, name: &str) -> Self {
        Self { segment, told, back, print: print(name) }
    }

    /// Whether it is a place in the hunt for what is called so.
    pub(super) fn is_of(&self, name: &str) -> bool {
        self.print == print(name)
    }
}

fn print(name: &str) -> [u8; PRINT_BYTES] {
    let Digest([a, b, c, d, ..]) = Digest::blake3(name.as_bytes());
    [a, b, c, d]
}

impl fmt::Display for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, told, back, print } = self;
        write!(f, "{segment}+{told}-{back}~{:08x}", u32::from_be_bytes(*print))
    }
}

impl FromStr for Resume {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parsed = || {
            let (place, print) = text.split_once('~')?;
            let (segment, numbers) = place.rsplit_once('+')?;
            let (told, back) = numbers.split_once('-')?;
            let print = u32::from_str_radix(print, 16).ok()?.to_be_bytes();
            let (told, back) = (told.parse().ok()?, back.parse().ok()?);
            Some(Self { segment: segment.parse().ok()?, told, back, print })
        };
        let place: Option<Self> = parsed();
        // What is spelled otherwise wasn't written by us.
        place
            .filter(|place| place.to_string() == text)
            .ok_or_else(|| Error::Resume(format!("no token: {text:?} (a hunt that was stopped prints one)")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_knows_its_hunt() {
        let place = Resume::new("web-1-0000000042".parse().unwrap(), 7, 3, "text x");
        let text = place.to_string();
        assert!(text.starts_with("web-1-0000000042+7-3~"), "{text}");
        assert_eq!(text.parse::<Resume>().unwrap(), place);
        assert!(place.is_of("text x") && !place.is_of("text y"));
        for wrong in
            ["", "web-1-0000000042", "web-1-0000000042+7~0", "web-1-0000000042+7-x~00000000", "+7-3~0"]
        {
            assert!(wrong.parse::<Resume>().is_err(), "{wrong}");
        }
    }
}
