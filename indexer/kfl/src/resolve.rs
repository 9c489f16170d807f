//! Finds what a record has at a path.
//!
//! A path gives no value (the record lacks it), one, or many (`.*`, `..name`). Nothing is
//! copied, and paths allocate nothing but the documents that they look into.

use serde_json::Value;

use crate::document::{Documents, Record};
use crate::path::{Path, Step};

/// How deep a record is searched, by `..name` and through lists in lists. What a JSON parser
/// accepts is not deeper; what is deeper is not found.
pub(crate) const RECORD_DEPTH_MAX: usize = 128;

impl Path {
    /// Calls `found` with every value at this path of `record`, in its order, until that says `true`.
    /// Says whether it did.
    pub(crate) fn any<'r>(&self, record: Record<'r>, found: &mut dyn FnMut(&'r Value) -> bool) -> bool {
        any(&self.0, record.root, record.documents, found)
    }
}

fn any<'r>(
    steps: &[Step],
    value: &'r Value,
    documents: &'r Documents,
    found: &mut dyn FnMut(&'r Value) -> bool,
) -> bool {
    let mut value = value;
    let mut steps = steps;
    while let Some((step, rest)) = steps.split_first() {
        let next = match step {
            Step::Key(key) => value.get(key.as_str()),
            Step::Index(index) => value.get(*index),
            Step::Every => {
                return match value {
                    Value::Array(elements) => {
                        elements.iter().any(|element| any(rest, element, documents, found))
                    }
                    Value::Object(fields) => fields.values().any(|field| any(rest, field, documents, found)),
                    _ => false,
                };
            }
            Step::Recursive(name) => {
                return below(name, rest, value, documents, found, RECORD_DEPTH_MAX);
            }
            Step::Decoded(encoding) => value.as_str().and_then(|text| documents.read(text, *encoding)),
        };
        let Some(next) = next else { return false };
        value = next;
        steps = rest;
    }
    found(value)
}

/// The values called `name` in `value` and below, the upper ones first.
fn below<'r>(
    name: &str,
    steps: &[Step],
    value: &'r Value,
    documents: &'r Documents,
    found: &mut dyn FnMut(&'r Value) -> bool,
    depth: usize,
) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Value::Object(fields) => {
            fields.get(name).is_some_and(|field| any(steps, field, documents, found))
                || fields.values().any(|field| below(name, steps, field, documents, found, depth))
        }
        Value::Array(elements) => {
            elements.iter().any(|element| below(name, steps, element, documents, found, depth))
        }
        _ => false,
    }
}
