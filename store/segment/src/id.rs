//! Names of chains and segments, and the digests that link them.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::error::Error;

/// Longest name of a chain.
pub const CHAIN_LENGTH_MAX: usize = 64;

/// What a segment's file name ends in.
pub const SEGMENT_SUFFIX: &str = ".pcapng.zst";
/// What a manifest's file name ends in.
pub const MANIFEST_SUFFIX: &str = ".manifest.json";

/// One sequence of segments linked by digests: one recorder's, or one import's.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Chain(String);

impl Chain {
    /// The name: 1 to 64 of `a`-`z`, `0`-`9` and `-`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Chain {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > CHAIN_LENGTH_MAX || !text.bytes().all(allowed) {
            return Err(Error::Id(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A segment's name: its chain and its number in it, from 0.
///
/// ```
/// let id: segment::SegmentId = "web1-3f9a2c-0000000042".parse().unwrap();
/// assert_eq!((id.chain.as_str(), id.sequence), ("web1-3f9a2c", 42));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SegmentId {
    /// The chain it belongs to.
    pub chain: Chain,
    /// Its number in the chain; a missing number is a visible hole.
    pub sequence: u64,
}

impl SegmentId {
    /// The segment's file name.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{self}{SEGMENT_SUFFIX}")
    }

    /// Its manifest's file name.
    #[must_use]
    pub fn manifest_name(&self) -> String {
        format!("{self}{MANIFEST_SUFFIX}")
    }

    /// The id in a segment's or manifest's file name, if it is one.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        name.strip_suffix(SEGMENT_SUFFIX).or_else(|| name.strip_suffix(MANIFEST_SUFFIX))?.parse().ok()
    }

    /// The segment before this one in its chain; `None` for the first.
    #[must_use]
    pub fn before(&self) -> Option<Self> {
        Some(Self { chain: self.chain.clone(), sequence: self.sequence.checked_sub(1)? })
    }
}

impl FromStr for SegmentId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Id(text.to_owned());
        let (chain, number) = text.rsplit_once('-').ok_or_else(wrong)?;
        if number.len() < 10 || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let id = Self {
            chain: chain.parse().map_err(|_| wrong())?,
            sequence: number.parse().map_err(|_| wrong())?,
        };
        // One text form per id: `00000000042` is not another name of `0000000042`.
        if id.to_string() == text { Ok(id) } else { Err(wrong()) }
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:010}", self.chain, self.sequence)
    }
}

/// A 32-byte digest (BLAKE3 or SHA-256), written in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The BLAKE3 digest of `bytes`.
    #[must_use]
    pub fn blake3(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        from_hex(text).map(Self).ok_or(Error::Malformed { what: "digest: expected 64 hexadecimal digits" })
    }
}

/// Lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Exactly `N` bytes from lower-case hexadecimal.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N.checked_mul(2)?
        || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_one_text_form() {
        let id: SegmentId = "web1-3f9a2c-0000000042".parse().unwrap();
        assert_eq!(id.to_string(), "web1-3f9a2c-0000000042");
        assert_eq!(SegmentId::from_path(Path::new("/x/web1-3f9a2c-0000000042.pcapng.zst")), Some(id));
        for wrong in
            ["", "a", "a-1", "A-0000000001", "-0000000001", "a-00000000001", "a/b-0000000001", "a-+000000001"]
        {
            assert!(wrong.parse::<SegmentId>().is_err(), "{wrong}");
        }
        let last = format!("x-{}", u64::MAX);
        assert_eq!(last.parse::<SegmentId>().unwrap().to_string(), last);
    }

    #[test]
    fn digests_are_read_as_written() {
        let digest = Digest::blake3(b"x");
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!(digest.to_string().to_uppercase().parse::<Digest>().is_err());
    }
}
