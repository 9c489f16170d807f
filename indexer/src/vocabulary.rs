//! What an index knows, small enough to be looked at before the index is opened.
//!
//! For each path the values it has, if they are few: protocols, methods, status codes, names, namespaces,
//! nodes. For addresses and trace ids, which are many, a filter that says no, or perhaps (binary fuse filters, Graf and
//! Lemire 2022: one in 256 of those that aren't there gets a perhaps). So an index that can't hold an answer stays closed.

use std::collections::BTreeMap;

use kfl::TraceId;
use segment::Digest;
use serde::{Deserialize, Serialize};
use tantivy::SegmentReader;
use xorf::{BinaryFuse8, Filter as _};

use crate::Error;
use crate::document::{self, Fields};

/// Values of a path; of more none is kept.
const VALUES_MAX: usize = 48;
/// Bytes of a path's values together.
const VALUE_BYTES_MAX: usize = 2_048;
/// Paths; where there are more, a path that isn't known may be there.
const PATHS_MAX: usize = 4_096;
/// Keys of a filter; where there are more, there is none.
const KEYS_MAX: usize = 4 << 20;

/// What an index knows.
#[derive(Serialize, Deserialize)]
pub struct Vocabulary {
    /// Whether every path is there.
    is_complete: bool,
    /// By path, as terms spell it: the values' texts in order, or `None` where there are many.
    paths: BTreeMap<String, Option<Vec<String>>>,
    addresses: Option<Filter>,
}

/// Says of a key that it isn't there, or perhaps is.
#[derive(Serialize, Deserialize)]
pub struct Filter {
    /// None without keys.
    filters: Vec<BinaryFuse8>,
}

/// The values of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Values<'a> {
    /// These are all; none if the path isn't there.
    All(&'a [String]),
    /// Too many to be told.
    Many,
}

/// The paths whose values are addresses.
const ADDRESS_PATHS: [&str; 2] = ["src\x1eip\x1e", "dst\x1eip\x1e"];

impl Vocabulary {
    /// Of an index without entries.
    #[must_use]
    pub fn empty() -> Self {
        Self { is_complete: true, paths: BTreeMap::new(), addresses: Filter::of(Vec::new()) }
    }

    /// Of an index segment.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn of(reader: &SegmentReader, fields: Fields) -> Result<Self, Error> {
        let terms = reader.inverted_index(fields.term)?;
        let mut stream = terms.terms().stream().map_err(|error| Error::Index(error.into()))?;
        let (mut paths, mut is_complete) = (BTreeMap::new(), true);
        let mut addresses = Vec::new();
        let (mut path, mut values) = (String::new(), Some(Vec::new()));
        let mut bytes = 0;
        let mut end = |path: &str, values: Option<Vec<String>>| {
            is_complete &= path.is_empty() || paths.len() < PATHS_MAX;
            if !path.is_empty() && paths.len() < PATHS_MAX {
                paths.insert(path.to_owned(), values);
            }
        };
        while stream.advance() {
            let term = std::str::from_utf8(stream.key()).unwrap_or_default();
            let Some((of, value)) = document::path_of(term) else { continue };
            if of != path {
                end(&path, values.replace(Vec::new()));
                (path, bytes) = (of.to_owned(), 0);
            }
            if ADDRESS_PATHS.contains(&of) {
                addresses.push(hash(value.get(1..).unwrap_or_default()));
            }
            bytes += value.len();
            match &mut values {
                Some(known) if known.len() < VALUES_MAX && bytes <= VALUE_BYTES_MAX => {
                    known.push(value.to_owned())
                }
                _ => values = None,
            }
        }
        end(&path, values);
        Ok(Self { is_complete, paths, addresses: Filter::of(addresses) })
    }

    /// The values of the path that terms spell so.
    #[must_use]
    pub fn values(&self, path: &str) -> Values<'_> {
        match self.paths.get(path) {
            Some(Some(values)) => Values::All(values),
            None if self.is_complete => Values::All(&[]),
            Some(None) | None => Values::Many,
        }
    }

    /// Whether any path begins so.
    #[must_use]
    pub fn has_below(&self, path: &str) -> bool {
        !self.is_complete
            || self.paths.range(path.to_owned()..).next().is_some_and(|(at, _)| at.starts_with(path))
    }

    /// Whether an address path may have this value.
    #[must_use]
    pub fn may_have_address(&self, path: &str, address: &str) -> bool {
        !ADDRESS_PATHS.contains(&path)
            || self.addresses.as_ref().is_none_or(|filter| filter.may_have(address))
    }
}

impl Filter {
    /// Of hashed keys; `None` where there are too many.
    #[must_use]
    pub fn of(mut keys: Vec<u64>) -> Option<Self> {
        keys.sort_unstable();
        keys.dedup();
        if keys.len() > KEYS_MAX {
            return None;
        }
        if keys.is_empty() {
            return Some(Self { filters: Vec::new() });
        }
        BinaryFuse8::try_from(keys).ok().map(|filter| Self { filters: vec![filter] })
    }

    /// Whether the key may be there.
    #[must_use]
    pub fn may_have(&self, key: &str) -> bool {
        self.filters.iter().any(|filter| filter.contains(&hash(key)))
    }

    /// Of the words in an index segment that may be trace ids; `None` where there are too many, or entries whose words
    /// aren't all known.
    ///
    /// # Errors
    /// When the index can't be read.
    pub fn of_traces(reader: &SegmentReader, fields: Fields) -> Result<Option<Self>, Error> {
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
        Ok(Self::of(keys))
    }
}

/// The words by which a trace id may be said: all its digits, and the half of them if the others are zeros.
#[must_use]
pub fn trace_words(id: TraceId) -> Vec<String> {
    let digits = id.to_string();
    let short = digits.strip_prefix("0000000000000000").map(str::to_owned);
    short.into_iter().chain([digits]).collect()
}

/// The same everywhere and for ever.
fn hash(key: &str) -> u64 {
    let digest = Digest::blake3(key.as_bytes());
    digest.0.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}
