//! Terms: every scalar of a row with its path, so that any comparison on any field can be looked up.
//!
//! A term is the path to a value and the value: steps are ended by `\x1e`, the path by `\x1f`, then comes
//! one letter for the type and the value as text. Elements of a list share the step `[]`. Long strings are cut, and those that
//! were said are cut where an id begins.
//!
//! ```text
//! request\x1eheaders\x1eHost\x1e\x1fscatalogue      response\x1estatus\x1e\x1fn404      tls\x1e\x1fb1
//! ```

use std::fmt::Write;

use serde_json::Value;

use super::words::END;

/// Ends a step of a path.
const STEP_END: char = '\x1e';
/// Ends the path.
const PATH_END: char = '\x1f';
/// The step for the elements of a list.
const ELEMENT: &str = "[]";
/// A longer string is cut in its term, which then only tells how the value begins.
const VALUE_BYTES_MAX: usize = 160;

/// In what was said, a run of letters, digits, `-` and `_` that is so long and a fifth of it digits is taken for an id.
pub const ID_BYTES_MIN: usize = 16;

/// Where the entry changes with every run, or says the same a second time: no terms are made of these.
const UNINDEXED: [&str; 9] = [
    "id\x1e",
    "timestamp\x1e",
    "startTime\x1e",
    "packets\x1e",
    "segment\x1e",
    "index\x1e",
    "stream\x1e",
    "request\x1etargetUri\x1e",
    "request\x1epathSegments\x1e",
];
/// What columns hold instead, where it is a number; flows have terms for how long they took.
const IN_COLUMNS: [&str; 4] = ["requestSize\x1e", "responseSize\x1e", "elapsedTime\x1e", "src\x1eport\x1e"];

/// The terms of an entry without bodies, each ended by [`END`].
#[must_use]
pub fn of(entry: &Value) -> String {
    let mut terms = Terms { path: String::with_capacity(128), all: String::with_capacity(4_096) };
    let is_flow = entry.get("flow").is_some();
    if let Value::Object(members) = entry {
        for (key, value) in members.iter().filter(|(key, _)| is_flow || *key != "elapsedTime") {
            push_step(&mut terms.path, key);
            terms.add(value);
            terms.path.clear();
        }
    }
    terms.all
}

/// Terms on their way into the index.
struct Terms {
    path: String,
    all: String,
}

/// A term's path, as [`TermPath::below`] spells it, and what stands behind it; `None` if it is no term of ours.
#[must_use]
pub fn path_of(term: &str) -> Option<(&str, &str)> {
    term.split_once(PATH_END)
}

impl Terms {
    /// Adds a term for every scalar in `value`, and for every list or object that is empty, so that whatever is there has
    /// one; the path is as it was afterwards.
    fn add(&mut self, value: &Value) {
        let length = self.path.len();
        let has_terms = !UNINDEXED.contains(&self.path.as_str()) && !is_in_column(&self.path, value);
        match value {
            _ if !has_terms => {}
            Value::Object(members) if !members.is_empty() => {
                for (key, member) in members {
                    push_step(&mut self.path, key);
                    self.add(member);
                    self.path.truncate(length);
                }
            }
            Value::Array(elements) if !elements.is_empty() => {
                push_element(&mut self.path);
                for element in elements {
                    self.add(element);
                }
            }
            scalar => {
                self.all.push_str(&self.path);
                self.all.push(PATH_END);
                push_value(&mut self.all, is_said(&self.path), scalar);
                self.all.push(END);
            }
        }
        self.path.truncate(length);
    }
}

/// Whether a column has this value.
fn is_in_column(path: &str, value: &Value) -> bool {
    match path {
        "requestSize\x1e" | "responseSize\x1e" => value.is_u64(),
        "src\x1eport\x1e" => value.as_str().is_some_and(|port| port_number(port).is_some()),
        _ => false,
    }
}

/// The number of a port that is written as numbers are.
#[must_use]
pub fn port_number(port: &str) -> Option<u64> {
    port.parse().ok().filter(|number: &u64| number.to_string() == port)
}

/// Whether what lies at a path was said, and not noted by us.
fn is_said(path: &str) -> bool {
    path.starts_with("request\x1e") || path.starts_with("response\x1e")
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

fn push_value(term: &mut String, is_said: bool, scalar: &Value) {
    match scalar {
        Value::Null => term.push('z'),
        Value::Bool(value) => term.push_str(if *value { "b1" } else { "b0" }),
        Value::Number(value) => {
            term.push('n');
            let _ = write!(term, "{value}");
        }
        Value::String(value) => {
            let kept = kept_bytes(value, is_said);
            term.push(if kept == value.len() { 's' } else { 't' });
            let kept = value.get(..kept).unwrap_or_default();
            if kept.contains(END) {
                term.push_str(&kept.replace(END, "\u{fffd}"));
            } else {
                term.push_str(kept);
            }
        }
        Value::Array(_) | Value::Object(_) => term.push('e'),
    }
}

/// How much of a string its term holds: all but what is beyond the limit, and behind the start of an id. There are as many
/// of those as entries, so their terms would take most of an index; they are looked up by their words.
fn kept_bytes(value: &str, is_said: bool) -> usize {
    // What ends values in the index can't stand in a term as it is.
    let most = value.find(END).unwrap_or(value.len());
    let most = if most > VALUE_BYTES_MAX { value.floor_char_boundary(VALUE_BYTES_MAX) } else { most };
    let id = if is_said { id_start(value) } else { None };
    id.map_or(most, |id| id.min(most))
}

/// Where the first run begins that looks like an id.
fn id_start(value: &str) -> Option<usize> {
    let is_outside = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_');
    let run = value.split(is_outside).find(|run| looks_like_id(run))?;
    Some(run.as_ptr().addr() - value.as_ptr().addr())
}

/// Whether a run of letters, digits, `-` and `_` is long and has many digits.
#[must_use]
pub fn looks_like_id(run: &str) -> bool {
    run.len() >= ID_BYTES_MIN && run.bytes().filter(u8::is_ascii_digit).count() * 5 >= run.len()
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
        !UNINDEXED.iter().any(|unindexed| self.text.starts_with(unindexed))
            // What lies around something without terms can't be told by terms either.
            && self.text != "request\x1e"
    }

    /// Whether a column holds what lies at this path.
    #[must_use]
    pub fn is_in_column(&self) -> bool {
        IN_COLUMNS.contains(&self.text.as_str())
    }

    /// The part of a term behind this path, for a value.
    #[must_use]
    pub fn value_text(&self, value: &Value) -> String {
        let mut text = String::new();
        push_value(&mut text, is_said(&self.text), value);
        text
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
    /// The value is a string that begins so.
    Cut(String),
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
        't' => return Some(TermValue::Cut(text.to_owned())),
        'e' => return Some(TermValue::Empty),
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_cut_off_where_they_were_said() {
        for (value, kept) in [
            ("/carts/57a98d98e4b00679b4a830b2/items", 7),
            ("550e8400-e29b-41d4-a716-446655440000", 0),
            ("Mon, 02 Mar 2026 00:00:00 GMT", 29),
            ("application/vnd.something-or-other+json", 39),
            ("a\0b", 1),
        ] {
            assert_eq!(kept_bytes(value, true), kept, "{value}");
        }
        assert_eq!(kept_bytes("cart-7d4b9c6f58-2xkqp", false), 21);
        assert_eq!(kept_bytes(&"ü".repeat(200), false), VALUE_BYTES_MAX);
    }

    #[test]
    fn every_scalar_has_a_term() {
        let entry = json!({"id": "x", "requestSize": 5, "src": {"port": "7", "ip": "::1"}, "response": {"a": [1, []], "b": {}}});
        let terms = of(&entry);
        let terms: Vec<&str> = terms.split_terminator(END).collect();
        assert_eq!(
            terms,
            [
                "response\x1ea\x1e[]\x1e\x1fn1",
                "response\x1ea\x1e[]\x1e\x1fe",
                "response\x1eb\x1e\x1fe",
                "src\x1eip\x1e\x1fs::1"
            ]
        );
    }
}
