//! Filters of addresses and trace ids: they say of a key that it isn't there, or perhaps is.
//!
//! Binary fuse filters (Graf and Lemire 2022): one in 256 of the keys that aren't there gets a perhaps. They are looked into
//! where they lie, in a few bytes of a file that may have a million:
//!
//! ```text
//! seed, u64 | segment length, u32 | its mask, u32 | length of all segments, u32 | fingerprints, a byte each
//! ```
//!
//! Numbers are little-endian. Without keys there are no bytes.

use kfl::TraceId;
use segment::Digest;
use tantivy::SegmentReader;
use xorf::{BinaryFuse8, BinaryFuse8Ref, Descriptor, DmaSerializable, Filter as _, FilterRef};

use crate::Error;
use crate::document::{self, Fields};

/// Keys of a filter; where there are more, there is none.
const KEYS_MAX: usize = 4 << 20;

/// Of hashed keys; `None` where there are too many.
#[must_use]
pub fn of(mut keys: Vec<u64>) -> Option<Vec<u8>> {
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return Some(Vec::new());
    }
    if keys.len() > KEYS_MAX {
        return None;
    }
    let filter = BinaryFuse8::try_from(keys).ok()?;
    let mut bytes = vec![0; Descriptor::DMA_LEN];
    filter.dma_copy_descriptor_to(&mut bytes);
    bytes.extend(filter.dma_fingerprints());
    Some(bytes)
}

/// Of the words in an index segment that may be trace ids; `None` where there are too many, or entries whose words
/// aren't all known.
///
/// # Errors
/// When the index can't be read.
pub fn of_traces(reader: &SegmentReader, fields: Fields) -> Result<Option<Vec<u8>>, Error> {
    let words = reader.inverted_index(fields.word)?;
    let read_failed = |error: std::io::Error| Error::Index(error.into());
    if words.terms().get(document::INCOMPLETE).map_err(read_failed)?.is_some() {
        return Ok(None);
    }
    let mut stream = words.terms().stream().map_err(read_failed)?;
    let mut keys = Vec::new();
    while stream.advance() && keys.len() <= KEYS_MAX {
        let word = stream.key();
        if matches!(word.len(), 16 | 32) && word.iter().all(u8::is_ascii_hexdigit) {
            keys.push(hash(std::str::from_utf8(word).unwrap_or_default()));
        }
    }
    Ok(of(keys))
}

/// Whether the key may be there. A damaged filter doesn't say no.
#[must_use]
pub fn may_have(filter: &[u8], key: &str) -> bool {
    if filter.is_empty() {
        return false;
    }
    match filter.split_at_checked(Descriptor::DMA_LEN) {
        Some((descriptor, fingerprints)) if is_sound(descriptor, fingerprints) => {
            BinaryFuse8Ref::from_dma(descriptor, fingerprints).contains(&hash(key))
        }
        _ => true,
    }
}

/// Whether every place that a key can have lies within the fingerprints: a place in all segments but the last two, and the
/// ones in the two segments behind it.
fn is_sound(descriptor: &[u8], fingerprints: &[u8]) -> bool {
    let number = |at: usize| {
        let bytes = descriptor.get(at..at + 4).and_then(|bytes| bytes.first_chunk());
        bytes.map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)))
    };
    let [length, mask, all] = [8, 12, 16].map(number);
    length.is_power_of_two()
        && mask == length - 1
        && all.is_multiple_of(length)
        && all + 2 * length <= fingerprints.len() as u64
        && all + 2 * length <= u64::from(u32::MAX)
}

/// The words by which a trace id may be said: all its digits, and the half of them if the others are zeros.
#[must_use]
pub fn trace_words(id: TraceId) -> Vec<String> {
    let digits = id.to_string();
    let short = digits.strip_prefix("0000000000000000").map(str::to_owned);
    short.into_iter().chain([digits]).collect()
}

/// The same everywhere and for ever.
pub fn hash(key: &str) -> u64 {
    let digest = Digest::blake3(key.as_bytes());
    digest.0.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_there_is_never_denied_and_damage_denies_nothing(count in 0..2_000_u32, at in any::<prop::sample::Index>(), byte: u8) {
            let keys: Vec<String> = (0..count).map(|key| key.to_string()).collect();
            let mut filter = of(keys.iter().map(|key| hash(key)).collect()).unwrap();
            prop_assert!(keys.iter().all(|key| may_have(&filter, key)));
            let others = (0..2_000).filter(|key| may_have(&filter, &format!("other {key}"))).count();
            prop_assert!(others < 40, "{others} of 2000");
            if !filter.is_empty() {
                // The seed may be any; what comes behind it must not lead out of the filter.
                let at = at.index(filter.len().min(Descriptor::DMA_LEN));
                filter[at] = byte;
                prop_assert!(keys.iter().filter(|key| may_have(&filter, key)).count() <= keys.len());
                filter.truncate(at.max(1));
                prop_assert!(keys.iter().all(|key| may_have(&filter, key)));
            }
        }
    }
}
