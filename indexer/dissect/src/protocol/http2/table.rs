//! The dynamic table of HPACK (RFC 7541 §2.3.2), as far as it could be followed.
//!
//! The newest entry has the lowest index, and entries only ever leave at the old end: to make room, or all
//! of them. So an index that is lower than the number of entries seen to be added means just that entry,
//! however little is known of the older ones. Whoever joins in the middle knows each entry from when it is
//! added; everything older is unknown, until the sender empties its table.
//!
//! Where sizes are not known exactly, entries are kept rather longer than the sender keeps them: it never
//! refers to those it dropped.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::headers::{Header, Text};
use super::hpack::Malformed;
use super::static_table;

/// Size of a table until its sender says otherwise (RFC 9113 §6.5.2).
const SIZE_BYTES_DEFAULT: usize = 4096;
/// Most bytes followed of any table: browsers use 64 KiB, servers 4 KiB. What a larger one holds beyond is unknown.
const SIZE_BYTES_MAX: usize = 64 * 1024;
/// What an entry costs besides its text (RFC 7541 §4.1).
const ENTRY_BYTES: usize = 32;

/// One sender's table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Newest first.
    entries: VecDeque<Entry>,
    /// At least so many bytes are in use: unknown texts count as empty.
    size_bytes: usize,
    /// Its size as the sender said; `None` if that was before we listened.
    size_bytes_max: Option<usize>,
    /// Whether there are no other entries than those in `entries`.
    is_whole: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Entry {
    /// Unknown if it was taken from an unknown entry.
    name: Option<Box<[u8]>>,
    value: Box<[u8]>,
}

impl Entry {
    fn size_bytes(&self) -> usize {
        ENTRY_BYTES + self.value.len() + self.name.as_ref().map_or(0, |name| name.len())
    }
}

impl Default for Table {
    /// As a connection begins.
    fn default() -> Self {
        Self::with_size(SIZE_BYTES_DEFAULT)
    }
}

impl Table {
    /// Empty, and of a size.
    #[must_use]
    pub fn with_size(size_bytes_max: usize) -> Self {
        Self { entries: VecDeque::new(), size_bytes: 0, size_bytes_max: Some(size_bytes_max), is_whole: true }
    }

    /// Of which nothing is known.
    #[must_use]
    pub fn joined() -> Self {
        Self { entries: VecDeque::new(), size_bytes: 0, size_bytes_max: None, is_whole: false }
    }

    /// Nobody knows what was added since: the entries have other indexes now.
    pub fn forget(&mut self) {
        *self = Self::joined();
    }

    /// The entry at `index`, static or dynamic.
    ///
    /// # Errors
    /// If there can be none.
    pub fn entry(&self, index: usize) -> Result<Header<'_>, Malformed> {
        if let Some((name, value)) = static_table::entry(index) {
            return Ok(Header { name: Text::Known(name.as_bytes()), value: Text::Known(value.as_bytes()) });
        }
        let place = index.checked_sub(static_table::LENGTH + 1).ok_or(Malformed::Index)?;
        match self.entries.get(place) {
            Some(entry) => {
                let name = entry.name.as_deref().map_or(Text::Unknown, Text::Known);
                Ok(Header { name, value: Text::Known(&entry.value) })
            }
            None if self.is_whole => Err(Malformed::Index),
            None => Ok(Header { name: Text::Unknown, value: Text::Unknown }),
        }
    }

    /// Adds an entry (RFC 7541 §4.4).
    pub fn insert(&mut self, name: Option<Box<[u8]>>, value: Box<[u8]>) {
        let entry = Entry { name, value };
        let size_bytes = entry.size_bytes();
        self.make_room(size_bytes);
        if size_bytes <= self.size_bytes_max.unwrap_or(usize::MAX).min(SIZE_BYTES_MAX) {
            self.size_bytes += size_bytes;
            self.entries.push_front(entry);
        } else if self.size_bytes_max.is_none_or(|most| size_bytes <= most) {
            // Only we have no room: from here on indexes are those of entries that we don't know.
            self.forget_entries();
        }
    }

    /// The sender decided on a size (RFC 7541 §4.3).
    pub fn resize(&mut self, size_bytes_max: usize) {
        self.size_bytes_max = Some(size_bytes_max);
        if size_bytes_max < ENTRY_BYTES {
            // No entry fits.
            *self = Self::with_size(size_bytes_max);
        }
        self.make_room(0);
    }

    /// How many entries are known of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no entry is known of.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Size of the entries known of, as the standard counts it.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.size_bytes + self.entries.capacity() * size_of::<Entry>()
    }

    fn make_room(&mut self, for_bytes: usize) {
        let theirs = self.size_bytes_max.unwrap_or(usize::MAX);
        while self.size_bytes.saturating_add(for_bytes) > theirs.min(SIZE_BYTES_MAX) {
            let certain = self.size_bytes.saturating_add(for_bytes) > theirs;
            let Some(oldest) = self.entries.pop_back() else { break };
            self.size_bytes = self.size_bytes.saturating_sub(oldest.size_bytes());
            self.is_whole &= certain;
        }
        if self.size_bytes_max.is_some_and(|theirs| for_bytes > theirs) {
            // Too large for the sender's table: that is empty now (RFC 7541 §4.4).
            self.is_whole = true;
        }
    }

    fn forget_entries(&mut self) {
        *self = Self { size_bytes_max: self.size_bytes_max, ..Self::joined() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(table: &mut Table, name: &str, length: usize) {
        table.insert(Some(name.as_bytes().into()), vec![b'x'; length].into());
    }

    fn name(table: &Table, index: usize) -> Result<Option<String>, Malformed> {
        table
            .entry(index)
            .map(|header| header.name.known().map(|name| String::from_utf8(name.to_vec()).unwrap()))
    }

    #[test]
    fn an_entry_too_large_empties_the_table() {
        let mut table = Table::joined();
        table.resize(100);
        insert(&mut table, "a", 10);
        assert_eq!((name(&table, 62), name(&table, 63)), (Ok(Some("a".into())), Ok(None)));
        insert(&mut table, "b", 100);
        assert_eq!((table.len(), name(&table, 62)), (0, Err(Malformed::Index)));
    }

    #[test]
    fn a_table_larger_than_we_follow_loses_its_oldest_entries_only() {
        let mut table = Table::with_size(1 << 20);
        for n in 0..100 {
            insert(&mut table, &n.to_string(), 1000);
        }
        assert_eq!(name(&table, 62), Ok(Some("99".into())));
        assert_eq!(name(&table, 61 + 100), Ok(None));
        assert!(table.memory_bytes() < 2 * SIZE_BYTES_MAX);
        insert(&mut table, "huge", 70_000);
        assert_eq!(name(&table, 62), Ok(None));
    }
}
