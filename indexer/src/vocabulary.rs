//! What an index knows, small enough to be looked at before the index is opened.
//!
//! For each path the values it has, if they are few: protocols, methods, status codes, names, namespaces,
//! nodes. For addresses, which are many, a [`filter`]. So an index that can't hold an answer stays closed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use tantivy::SegmentReader;

use crate::Error;
use crate::document::{self, Fields};
use crate::filter;

/// Values of a path; of more none is kept.
const VALUES_MAX: usize = 48;
/// Bytes of a path's values together.
const VALUE_BYTES_MAX: usize = 2_048;
/// Paths; where there are more, a path that isn't known may be there.
const PATHS_MAX: usize = 4_096;

/// What an index knows.
#[derive(Serialize, Deserialize)]
pub struct Vocabulary {
    /// Whether every path is there.
    is_complete: bool,
    /// By path, as terms spell it: the values' texts in order, or `None` where there are many.
    paths: BTreeMap<String, Option<Vec<String>>>,
    addresses: Option<ByteBuf>,
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
        Self {
            is_complete: true,
            paths: BTreeMap::new(),
            addresses: filter::of(Vec::new()).map(ByteBuf::from),
        }
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
                addresses.push(filter::hash(value.get(1..).unwrap_or_default()));
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
        Ok(Self { is_complete, paths, addresses: filter::of(addresses).map(ByteBuf::from) })
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
            || self.addresses.as_ref().is_none_or(|addresses| filter::may_have(addresses, address))
    }
}
