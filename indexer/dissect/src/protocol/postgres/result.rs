//! What a statement gave: columns, rows, and how it ended.

use serde::{Deserialize, Serialize};

use crate::protocol::postgres::message::{Copy, Format};

/// What one statement gave.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct StatementResult {
    /// The command tag, such as `INSERT 0 3`; empty where the statement did not come to its end.
    pub tag: String,
    /// The columns, where they were described.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Rows,
    /// What was copied out, or both ways.
    pub copy: Option<Copy>,
    /// How it ended.
    pub end: ResultEnd,
}

impl StatementResult {
    /// Rows that the command tag tells of: selected, inserted, changed, copied.
    #[must_use]
    pub fn affected(&self) -> Option<u64> {
        let (command, rest) = self.tag.split_once(' ')?;
        command.bytes().all(|byte| byte.is_ascii_uppercase()).then_some(())?;
        rest.rsplit(' ').next()?.parse().ok()
    }

    pub(super) fn memory_bytes(&self) -> usize {
        let columns: usize = self.columns.iter().map(Column::memory_bytes).sum();
        size_of::<Self>()
            + self.tag.len()
            + columns
            + self.rows.bytes.capacity()
            + self.copy.as_ref().map_or(0, |copy| copy.data.capacity())
    }
}

/// How a result ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum ResultEnd {
    /// It had not ended yet, or an error ended it.
    #[default]
    Open,
    /// CommandComplete.
    Complete,
    /// PortalSuspended: there are more rows than were wanted.
    Suspended,
    /// EmptyQueryResponse: there was no SQL.
    Empty,
}

/// A column of a result.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// The number of its type.
    pub type_id: u32,
    /// How its values are written.
    pub format: Format,
}

impl Column {
    pub(super) fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.name.len()
    }
}

/// The rows of a result: all counted, the first ones kept.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rows {
    /// How many there were.
    pub count: u64,
    /// The kept rows one after the other, each as it was in its DataRow.
    pub bytes: Vec<u8>,
    /// Whether rows, or parts of one, were left out.
    pub truncated: bool,
}

impl Rows {
    /// The kept rows.
    pub fn iter(&self) -> impl Iterator<Item = Vec<Option<&[u8]>>> {
        let mut rest = super::wire::rows(&self.bytes);
        std::iter::from_fn(move || rest.next())
    }
}
