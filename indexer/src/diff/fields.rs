//! What responses of an endpoint are made of: names of headers, and fields of JSON bodies.
//!
//! Rows hold headers; a body is dissected again, so only a bounded number of exchanges is looked at, evenly spaced among
//! all of an endpoint. What is in some responses of one stretch and in none of the other is tested exactly against
//! the chance of that in samples of this size.

use std::collections::{BTreeMap, BTreeSet};

use kfl::Query;
use serde_json::Value;

use super::compare::{Found, Sums, line};
use super::sample::{Rows, Sampling};
use super::statistics::all_in_one;
use super::{DiffOptions, Subject, Test, What};
use crate::Error;
use crate::aggregate::{Scope, Walk};
use crate::data::Data;
use crate::document::Endpoint;

/// Exchanges of one endpoint in a sample, about.
const ROWS_MAX: u64 = 100;
/// Endpoints that are sampled: the most frequent.
const ENDPOINTS_MAX: usize = 200;
/// Fields of one body.
const FIELDS_MAX: usize = 500;
/// How deep fields lie.
const DEPTH_MAX: usize = 8;

/// How many responses the fields come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Sampled {
    /// Exchanges that were looked at for headers.
    pub exchanges: u64,
    /// Those of them whose bodies were opened.
    pub bodies: u64,
    /// Of so many exchanges in all.
    pub of: u64,
}

/// Names by endpoint, and in how many of how many responses each was.
#[derive(Default)]
struct Seen {
    responses: u64,
    by_name: BTreeMap<String, u64>,
}

impl Seen {
    fn take(&mut self, names: BTreeSet<String>) {
        self.responses += 1;
        names.into_iter().for_each(|name| *self.by_name.entry(name).or_default() += 1);
    }
}

/// What was seen in one stretch.
#[derive(Default)]
struct Shape {
    headers: BTreeMap<String, Seen>,
    fields: BTreeMap<String, Seen>,
    sampled: Sampled,
}

/// Compares the responses of endpoints that are in both stretches; says how many were looked at.
///
/// # Errors
/// When the directory can't be listed.
pub fn compare(
    data: &Data,
    query: &Query,
    options: &DiffOptions,
    [before, after]: [&Sums; 2],
    found: &mut Found,
) -> Result<[Sampled; 2], Error> {
    let counts = |sums: &Sums| -> BTreeMap<String, u64> {
        sums.endpoints.endpoints.iter().map(|(endpoint, tally)| (endpoint.text(), tally.count)).collect()
    };
    let [counts_before, counts_after] = [counts(before), counts(after)];
    let mut shared: Vec<(u64, &String)> = counts_before
        .iter()
        .filter_map(|(endpoint, count)| Some((*count.min(counts_after.get(endpoint)?), endpoint)))
        .filter(|(count, _)| *count >= options.count_min)
        .collect();
    shared.sort_by(|a, b| b.cmp(a));
    if shared.len() > ENDPOINTS_MAX {
        found
            .notes
            .push(format!("fields of responses: the {ENDPOINTS_MAX} most frequent endpoints were sampled"));
        shared.truncate(ENDPOINTS_MAX);
    }
    let sample = |scope: &Scope, counts: &BTreeMap<String, u64>| {
        let every = |endpoint: &String| counts.get(endpoint).map_or(1, |count| count.div_ceil(ROWS_MAX));
        let every = shared.iter().map(|(_, endpoint)| ((*endpoint).clone(), every(endpoint))).collect();
        Shape::of(data, query, scope, &Sampling { every }, options.bodies_max)
    };
    let [mut a, mut b] = [sample(&options.before, &counts_before)?, sample(&options.after, &counts_after)?];
    a.sampled.of = counts_before.values().sum();
    b.sampled.of = counts_after.values().sum();
    appeared([&a.headers, &b.headers], [What::HeaderNew, What::HeaderGone], found);
    appeared([&a.fields, &b.fields], [What::FieldNew, What::FieldGone], found);
    Ok([a.sampled, b.sampled])
}

/// Tests every name that is in responses of one stretch only.
fn appeared([before, after]: [&BTreeMap<String, Seen>; 2], [new, gone]: [What; 2], found: &mut Found) {
    for (endpoint, a) in before {
        let Some(b) = after.get(endpoint) else { continue };
        let names: BTreeSet<&String> = a.by_name.keys().chain(b.by_name.keys()).collect();
        for name in names {
            let [in_a, in_b] = [a, b].map(|seen| seen.by_name.get(name).copied().unwrap_or(0));
            let (what, own, other, hits) = match (in_a, in_b) {
                (0, hits) => (new, b, a, hits),
                (hits, 0) => (gone, a, b, hits),
                _ => continue,
            };
            let p = (2.0 * all_in_one(hits, own.responses, other.responses)).min(1.0);
            let shares = [in_a as f64 / a.responses.max(1) as f64, in_b as f64 / b.responses.max(1) as f64];
            let effect = (shares[1] - shares[0]).abs();
            let test = Test { name: "Fisher's exact, on a sample", statistic: p, p, q: 1.0 };
            let subject = Subject::Field(Endpoint::of_text(endpoint), name.clone());
            found.test(true, line(what, subject, shares, [a.responses, b.responses], effect, test));
        }
    }
}

impl Shape {
    fn of(
        data: &Data,
        query: &Query,
        scope: &Scope,
        sampling: &Sampling,
        bodies_max: usize,
    ) -> Result<Self, Error> {
        let (rows, _) = Walk::new(data, query, scope)?.run(sampling);
        let mut shape = Self::default();
        for (endpoint, rows) in &rows.by_endpoint {
            for row in rows {
                if let Some(headers) = row["response"]["headers"].as_object() {
                    let names = headers.keys().map(|name| name.to_ascii_lowercase()).collect();
                    shape.headers.entry(endpoint.clone()).or_default().take(names);
                    shape.sampled.exchanges += 1;
                }
            }
        }
        shape.open_bodies(data, query, rows, bodies_max);
        Ok(shape)
    }

    /// Opens bodies that say that they are JSON, as many of each endpoint as of any other.
    fn open_bodies(&mut self, data: &Data, query: &Query, rows: Rows, bodies_max: usize) {
        let is_json = |row: &Value| {
            row["response"]["content"]["mimeType"].as_str().is_some_and(|kind| kind.contains("json"))
        };
        let rows: Vec<(String, Vec<Value>)> = rows
            .by_endpoint
            .into_iter()
            .map(|(endpoint, rows)| (endpoint, rows.into_iter().filter(is_json).collect::<Vec<_>>()))
            .filter(|(_, rows)| !rows.is_empty())
            .collect();
        let each = bodies_max / rows.len().max(1);
        for (endpoint, rows) in rows {
            let step = rows.len().div_ceil(each.max(1)).max(1);
            for row in rows.into_iter().step_by(step).take(each) {
                let entry = row["id"].as_str().and_then(|id| data.entry(id).ok().flatten());
                let Some(mut entry) = entry else { continue };
                query.redact(&mut entry);
                let text = entry["response"]["content"]["text"].as_str().unwrap_or_default();
                let Ok(body) = serde_json::from_str::<Value>(text) else { continue };
                let mut fields = BTreeSet::new();
                collect(&body, &mut String::new(), DEPTH_MAX, &mut fields);
                self.fields.entry(endpoint.clone()).or_default().take(fields);
                self.sampled.bodies += 1;
            }
        }
    }
}

/// The paths in a body: `items[].price`.
fn collect(value: &Value, path: &mut String, depth_left: usize, fields: &mut BTreeSet<String>) {
    let Some(depth_left) = depth_left.checked_sub(1) else { return };
    let length = path.len();
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                if fields.len() >= FIELDS_MAX {
                    return;
                }
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                fields.insert(path.clone());
                collect(member, path, depth_left, fields);
                path.truncate(length);
            }
        }
        Value::Array(elements) => {
            path.push_str("[]");
            elements.iter().for_each(|element| collect(element, path, depth_left, fields));
            path.truncate(length);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_told_by_their_paths() {
        let mut fields = BTreeSet::new();
        let body = json!({"items": [{"price": 1}, {"name": {"de": "x"}}], "total": 3});
        collect(&body, &mut String::new(), DEPTH_MAX, &mut fields);
        let expected = ["items", "items[].name", "items[].name.de", "items[].price", "total"];
        assert_eq!(fields.into_iter().collect::<Vec<_>>(), expected);
    }
}
