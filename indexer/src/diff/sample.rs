//! Some exchanges of each endpoint, evenly spaced among all of it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::aggregate::{Aggregation, Documents, Halt, Lane, One};
use crate::docs::Docs;
use crate::document::Endpoint;

/// What a row that is kept takes, roughly.
const ROW_BYTES: u64 = 4 << 10;

/// Takes every so-manieth exchange of each endpoint that is wanted.
pub struct Sampling {
    /// By the endpoint's text in the column.
    pub every: BTreeMap<String, u64>,
}

/// Rows by endpoint; counts how many passed.
#[derive(Default)]
pub struct Rows {
    /// By the endpoint's text in the column.
    pub by_endpoint: BTreeMap<String, Vec<Value>>,
    passed: BTreeMap<String, u64>,
    rows: u64,
}

impl Rows {
    fn keep(&mut self, endpoint: String, row: Value) {
        self.by_endpoint.entry(endpoint).or_default().push(row);
        self.rows += 1;
    }
}

impl Aggregation for Sampling {
    type Held = Rows;

    fn begin(&self) -> Rows {
        Rows::default()
    }

    fn documents(&self, held: &mut Rows, documents: &Documents<'_>) -> Result<(), Halt> {
        let Some(labels) = documents.reader.fast_fields().str("endpoint")? else { return Ok(()) };
        let mut every = vec![0_u64; labels.num_terms()];
        let mut texts = BTreeMap::new();
        for (endpoint, step) in &self.every {
            if let Some(ordinal) = labels.dictionary().term_ord(endpoint)? {
                every[ordinal as usize] = *step;
                texts.insert(ordinal, endpoint);
            }
        }
        // Begins in the middle of the first step.
        let mut passed: Vec<u64> = every.iter().map(|step| step / 2).collect();
        let mut label = Lane::new(Some(labels.ords().clone()), u64::MAX);
        let mut taken: Vec<(u32, u64)> = Vec::new();
        documents.blocks(|block, chosen| {
            let start = block.start;
            let label = label.load(block);
            chosen.each(|at| {
                let ordinal = label[at];
                let Some(step) = every.get(ordinal as usize).filter(|step| **step > 0) else { return };
                let passed = &mut passed[ordinal as usize];
                *passed += 1;
                if passed.is_multiple_of(*step) {
                    taken.push((start + at as u32, ordinal));
                }
            });
        })?;
        let mut docs = Docs::none(documents.reader.max_doc());
        taken.iter().for_each(|(doc, _)| docs.insert(*doc));
        let endpoint_of: BTreeMap<u32, u64> = taken.into_iter().collect();
        documents.rows(&docs, &mut |doc, row| {
            let endpoint = endpoint_of.get(&doc).and_then(|ordinal| texts.get(ordinal));
            if let Some(endpoint) = endpoint {
                held.keep((*endpoint).clone(), row);
            }
        })
    }

    fn entry(&self, held: &mut Rows, one: &One<'_>) {
        let Some(endpoint) = one.facts.endpoint.as_ref().map(Endpoint::text) else { return };
        let Some(step) = self.every.get(&endpoint) else { return };
        let passed = held.passed.entry(endpoint.clone()).or_insert(step / 2);
        *passed += 1;
        if passed.is_multiple_of(*step) {
            held.keep(endpoint, one.entry.clone());
        }
    }

    fn merge(&self, into: &mut Rows, other: Rows) {
        for (endpoint, rows) in other.by_endpoint {
            into.by_endpoint.entry(endpoint).or_default().extend(rows);
        }
        into.rows += other.rows;
    }

    fn bytes(&self, held: &Rows) -> u64 {
        held.rows * ROW_BYTES
    }
}
