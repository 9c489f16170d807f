//! What fields there are: known to the caller, who knows what the records are.

use serde_json::Value;

/// A field that records may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'c> {
    /// From the record's root, with dots; `*` stands for every element of a list and for keys of any name.
    pub path: &'c str,
    /// What it holds, in a line.
    pub meaning: &'c str,
}

/// The fields that records may have, for completions and for the check of names.
pub trait Catalog {
    /// Every field.
    fn fields(&self) -> Vec<Field<'_>>;

    /// Values that were seen in the field of this path, the ones to offer first in front.
    fn values(&self, path: &str) -> Vec<Value>;
}

/// A list of fields whose values nobody knows.
impl Catalog for [Field<'_>] {
    fn fields(&self) -> Vec<Field<'_>> {
        self.to_vec()
    }

    fn values(&self, _path: &str) -> Vec<Value> {
        Vec::new()
    }
}
