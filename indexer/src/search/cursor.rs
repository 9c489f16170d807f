//! Where an answer stopped, so that the next page goes on behind it, whatever came in the meantime.
//!
//! Entries are in order of their start and, at the same instant, of their id, which both never change: an entry that
//! is indexed later takes its place before or behind, and no other one moves.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::Error;
use crate::data::Order;
use crate::entry::EntryId;

/// The last entry of a page. Written as the entry's start in nanoseconds, `@`, and its id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Cursor {
    /// When it began, nanoseconds since the Unix epoch.
    pub start_ns: i64,
    /// Which one.
    pub id: EntryId,
}

impl Cursor {
    /// Of an entry that has kept its id and its time.
    #[must_use]
    pub fn of(entry: &Value) -> Option<Self> {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let start: jiff::Timestamp = text("startTime")?.parse().ok()?;
        Some(Self { start_ns: i64::try_from(start.as_nanosecond()).ok()?, id: text("id")?.parse().ok()? })
    }

    /// Whether an entry comes behind this one.
    #[must_use]
    pub fn is_before(&self, other: &Self, order: Order) -> bool {
        if order == Order::Ascending { self < other } else { self > other }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.start_ns, self.id)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Cursor(text.to_owned());
        let (start, id) = text.split_once('@').ok_or_else(wrong)?;
        Ok(Self { start_ns: start.parse().map_err(|_| wrong())?, id: id.parse().map_err(|_| wrong())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_are_written() {
        let text = "-5@web1-0000000042.17.203.flow";
        let cursor: Cursor = text.parse().unwrap();
        assert_eq!(cursor.to_string(), text);
        let next = Cursor { start_ns: 7, ..cursor.clone() };
        assert!(cursor.is_before(&next, Order::Ascending) && next.is_before(&cursor, Order::Descending));
        for wrong in ["", "5", "x@web1-0000000042.1.2", "5@web1", "5@web1-0000000042.1.2@3"] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }
}
