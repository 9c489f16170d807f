//! What an entry has at a path.

use std::fmt;

use kfl::{Expression, Operand, Path, Step};
use serde_json::Value;

use crate::entry::reads_bodies;
use crate::plan::LIST_NESTING_MAX;

/// A field whose values are counted: a path as KFL writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldPath {
    path: Path,
    text: String,
}

impl FieldPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn new(text: &str) -> Result<Self, String> {
        let query = kfl::parse(text, 0).map_err(|error| error.to_string())?;
        let Expression::Truth(Operand::Path(path)) = query.expression() else {
            return Err(format!("`{text}` is no field: a path like `response.status` is expected"));
        };
        if path.0.iter().any(|step| matches!(step, Step::Decoded(_))) {
            return Err("what a text says when it is read as a document can't be counted".to_owned());
        }
        Ok(Self { path: path.clone(), text: text.trim().to_owned() })
    }

    /// Where to look.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether rows haven't got it.
    #[must_use]
    pub fn reads_bodies(&self) -> bool {
        reads_bodies(&self.path)
    }

    /// Tells every scalar there but null, which stands for nothing; lists stand for their elements.
    pub fn values<'v>(&self, entry: &'v Value, tell: &mut dyn FnMut(&'v Value)) {
        at(entry, &self.path.0, tell);
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn at<'v>(value: &'v Value, steps: &[Step], tell: &mut dyn FnMut(&'v Value)) {
    let Some((step, rest)) = steps.split_first() else {
        scalars(value, LIST_NESTING_MAX, tell);
        return;
    };
    match step {
        Step::Key(key) => {
            if let Some(member) = value.get(key.as_str()) {
                at(member, rest, tell);
            }
        }
        Step::Index(index) => {
            if let Some(element) = value.get(*index) {
                at(element, rest, tell);
            }
        }
        Step::Every => children(value, &mut |child| at(child, rest, tell)),
        Step::Recursive(name) => {
            if let Some(member) = value.get(name.as_str()) {
                at(member, rest, tell);
            }
            children(value, &mut |child| at(child, steps, tell));
        }
        Step::Decoded(_) => {}
    }
}

fn children<'v>(value: &'v Value, tell: &mut dyn FnMut(&'v Value)) {
    match value {
        Value::Array(elements) => elements.iter().for_each(tell),
        Value::Object(members) => members.values().for_each(tell),
        _ => {}
    }
}

fn scalars<'v>(value: &'v Value, lists_left: usize, tell: &mut dyn FnMut(&'v Value)) {
    match value {
        Value::Null | Value::Object(_) => {}
        Value::Array(elements) => {
            if let Some(lists_left) = lists_left.checked_sub(1) {
                elements.iter().for_each(|element| scalars(element, lists_left, tell));
            }
        }
        scalar => tell(scalar),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(field: &str, expected: Value) {
        let entry = json!({"a": {"b": [1, [2, null], {"c": "x"}], "c": ["y"]}, "d": null, "e": []});
        let mut found = Vec::new();
        FieldPath::new(field).unwrap().values(&entry, &mut |value| found.push(value.clone()));
        assert_eq!(Value::from(found), expected, "{field}");
    }

    #[test]
    fn lists_stand_for_their_elements_and_null_for_nothing() {
        check("a.b", json!([1, 2]));
        check("a.b[1]", json!([2]));
        check("a.b.*.c", json!(["x"]));
        check("a..c", json!(["y", "x"]));
        check("d", json!([]));
        check("e", json!([]));
        check("f.g", json!([]));
    }

    #[test]
    fn only_paths_are_fields() {
        for text in ["http", "a == 1", "a and b", "", "a.json().b", "size(a)"] {
            assert!(FieldPath::new(text).is_err(), "{text}");
        }
    }
}
