//! Terms: every scalar of a row with its path, so that any comparison on any field can be looked up.
//!
//! A term is the path to a value and the value: steps are ended by `\x1e`, the path by `\x1f`, then comes
//! one letter for the type and the value as text. Elements of a list share the step `[]`.
//!
//! ```text
//! request\x1eheaders\x1eHost\x1e\x1fscatalogue      response\x1estatus\x1e\x1fn404      tls\x1e\x1fb1
//! ```

use serde_json::Value;
use tantivy::TantivyDocument;
use tantivy::schema::Field;

/// Ends a step of a path.
const STEP_END: char = '\x1e';
/// Ends the path.
const PATH_END: char = '\x1f';
/// The step for the elements of a list.
const ELEMENT: &str = "[]";
/// A longer string is cut in its term, which then only tells how the value begins.
const VALUE_BYTES_MAX: usize = 160;

/// Where the entry changes with every run or is looked up otherwise: no terms are made of these.
const UNINDEXED: [&str; 7] = ["id", "timestamp", "startTime", "packets", "segment", "index", "stream"];

/// Adds the terms of a row.
pub fn add_all(field: Field, row: &Value, document: &mut TantivyDocument) {
    let Value::Object(members) = row else { return };
    let mut term = String::with_capacity(128);
    for (key, value) in members.iter().filter(|(key, _)| !UNINDEXED.contains(&key.as_str())) {
        term.clear();
        push_step(&mut term, key);
        add_terms(field, value, &mut term, document);
    }
}

/// A term's path, as [`TermPath::below`] spells it, and what stands behind it; `None` if it is no term of ours.
#[must_use]
pub fn path_of(term: &str) -> Option<(&str, &str)> {
    term.split_once(PATH_END)
}

/// Adds a term for every scalar in `value`, and for every list or object that is empty, so that whatever is there has
/// one; `path` is as it was afterwards.
fn add_terms(field: Field, value: &Value, path: &mut String, document: &mut TantivyDocument) {
    let length = path.len();
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (key, member) in members {
                push_step(path, key);
                add_terms(field, member, path, document);
                path.truncate(length);
            }
        }
        Value::Array(elements) if !elements.is_empty() => {
            push_element(path);
            for element in elements {
                add_terms(field, element, path, document);
            }
        }
        scalar => {
            path.push(PATH_END);
            push_value(path, scalar);
            document.add_text(field, &*path);
        }
    }
    path.truncate(length);
}

/// Appends a member's name. Control characters, which end steps and paths, become U+FFFD, and so does what
/// would read as the elements of a list.
fn push_step(path: &mut String, key: &str) {
    if is_spelled_as_is(key) {
        path.push_str(key);
    } else {
        path.extend(key.chars().map(|c| if c < ' ' || c == '[' { char::REPLACEMENT_CHARACTER } else { c }));
    }
    path.push(STEP_END);
}

/// Whether no other name is spelled like this one.
fn is_spelled_as_is(key: &str) -> bool {
    key != ELEMENT && !key.bytes().any(|byte| byte < 0x20)
}

fn push_element(path: &mut String) {
    path.push_str(ELEMENT);
    path.push(STEP_END);
}

fn push_value(term: &mut String, scalar: &Value) {
    match scalar {
        Value::Null => term.push('z'),
        Value::Bool(value) => term.push_str(if *value { "b1" } else { "b0" }),
        Value::Number(value) => {
            term.push('n');
            term.push_str(&value.to_string());
        }
        Value::String(value) if value.len() <= VALUE_BYTES_MAX => {
            term.push('s');
            term.push_str(value);
        }
        Value::String(value) => {
            term.push('t');
            term.push_str(&value[..value.floor_char_boundary(VALUE_BYTES_MAX)]);
        }
        Value::Array(_) | Value::Object(_) => term.push('e'),
    }
}

/// A path of a query, as terms spell it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TermPath {
    text: String,
    /// Whether other paths may be spelled the same: other elements of a list, other control characters.
    is_shared: bool,
}

impl TermPath {
    /// Goes on to a member.
    pub fn key(&mut self, key: &str) {
        self.is_shared |= !is_spelled_as_is(key) || key.contains(char::REPLACEMENT_CHARACTER);
        push_step(&mut self.text, key);
    }

    /// Goes on to the elements of a list.
    pub fn element(&mut self) {
        push_element(&mut self.text);
    }

    /// Goes on to one element of a list, which terms can't tell from the others.
    pub fn one_element(&mut self) {
        self.is_shared = true;
        self.element();
    }

    /// Whether terms of this path are of no other.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.is_shared
    }

    /// Whether entries have terms for what lies at this path.
    #[must_use]
    pub fn is_indexed(&self) -> bool {
        let first = self.text.split(STEP_END).next().unwrap_or_default();
        !UNINDEXED.contains(&first)
    }

    /// What every term of a value at this path begins with.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("{}{PATH_END}", self.text)
    }

    /// What every term of a value below this path begins with.
    #[must_use]
    pub fn below(&self) -> &str {
        &self.text
    }
}

/// What a term says of its value.
#[derive(Clone, PartialEq, Debug)]
pub enum TermValue {
    /// This is the value.
    Whole(Value),
    /// The value is a string too long for a term.
    Cut,
    /// The value is a list or an object without anything in it.
    Empty,
}

/// Reads the part of a term behind its path; `None` if it is none of ours.
#[must_use]
pub fn value(text: &str) -> Option<TermValue> {
    let mut chars = text.chars();
    let tag = chars.next()?;
    let text = chars.as_str();
    Some(TermValue::Whole(match tag {
        'z' => Value::Null,
        'b' => Value::Bool(text == "1"),
        'n' => Value::Number(text.parse().ok()?),
        's' => Value::String(text.to_owned()),
        't' => return Some(TermValue::Cut),
        'e' => return Some(TermValue::Empty),
        _ => return None,
    }))
}

/// The part of a term behind its path, for a value.
#[must_use]
pub fn value_text(value: &Value) -> String {
    let mut text = String::new();
    push_value(&mut text, value);
    text
}
