//! Finds for every expected message the one that was found, and compares their fields.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::normal::Normal;
use super::shown;

/// A message or a field that is not as expected.
pub struct Difference {
    pub file: String,
    pub message: String,
    pub field: String,
    pub detail: String,
}

impl Difference {
    /// What the list of exceptions calls it.
    pub fn key(&self) -> String {
        format!("{}\t{}\t{}", self.file, self.message, self.field)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}", self.key(), self.detail)
    }
}

/// Counts for one row of the table.
#[derive(Clone, Copy, Default)]
pub struct Tally {
    expected: usize,
    found: usize,
    missing: usize,
    extra: usize,
    fields: usize,
    fields_differ: usize,
    /// Messages that end in another packet than tshark says.
    elsewhere: usize,
}

impl Tally {
    pub const HEADINGS: &str = "proto expected    found  missing    extra   fields   differ elsewhere  file";

    pub fn row(&self, proto: &str, name: &str) -> String {
        let Self { expected, found, missing, extra, fields, fields_differ, elsewhere } = self;
        format!(
            "{proto:5} {expected:8} {found:8} {missing:8} {extra:8} {fields:8} {fields_differ:8} {elsewhere:9}  {name}"
        )
    }

    pub fn add(&mut self, other: &Self) {
        self.expected += other.expected;
        self.found += other.found;
        self.missing += other.missing;
        self.extra += other.extra;
        self.fields += other.fields;
        self.fields_differ += other.fields_differ;
        self.elsewhere += other.elsewhere;
    }

    /// Of the messages expected. Those found besides are no fault by themselves: tshark gives many streams up
    /// at a gap; each must be listed with its reason.
    pub fn messages_right(&self, judged_ours: usize) -> f64 {
        1.0 - (self.missing - judged_ours) as f64 / self.expected.max(1) as f64
    }

    pub fn fields_right(&self, judged_ours: usize) -> f64 {
        1.0 - (self.fields_differ - judged_ours) as f64 / self.fields.max(1) as f64
    }
}

/// Compares the messages of one protocol in one file.
pub fn compare(file: &str, expected: &[Normal], found: &[Normal]) -> (Tally, Vec<Difference>) {
    let mut tally = Tally { expected: expected.len(), found: found.len(), ..Tally::default() };
    let mut differences = Vec::new();
    let mut numbers = BTreeMap::new();
    let partners = partners(expected, found);
    for (wanted, partner) in expected.iter().zip(&partners) {
        let message = named(wanted, &mut numbers);
        let mut differ = |field: &str, detail: String| {
            differences.push(Difference {
                file: file.to_owned(),
                message: message.clone(),
                field: field.to_owned(),
                detail,
            });
        };
        let Some(got) = partner.and_then(|index| found.get(index)) else {
            tally.missing += 1;
            differ("missing", wanted.to_string());
            continue;
        };
        tally.elsewhere += usize::from(got.frame != wanted.frame);
        let names: std::collections::BTreeSet<_> = wanted.fields.keys().chain(got.fields.keys()).collect();
        for name in names {
            let (want, have) = (wanted.fields.get(name), got.fields.get(name));
            tally.fields += 1;
            if !same(want, have) {
                tally.fields_differ += 1;
                differ(name, format!("oracle {} ours {}", shown(want), shown(have)));
            }
        }
    }
    let mut numbers = BTreeMap::new();
    for (index, got) in found.iter().enumerate() {
        let message = named(got, &mut numbers);
        if !partners.contains(&Some(index)) {
            tally.extra += 1;
            differences.push(Difference {
                file: file.to_owned(),
                message,
                field: "extra".to_owned(),
                detail: got.to_string(),
            });
        }
    }
    (tally, differences)
}

/// Whether both say the same; a null in a record of the oracle is something that it does not tell.
fn same(want: Option<&Value>, have: Option<&Value>) -> bool {
    match (want, have) {
        (Some(Value::Null), _) => true,
        (Some(Value::Array(want)), Some(Value::Array(have))) => {
            want.len() == have.len() && want.iter().zip(have).all(|(want, have)| same(Some(want), Some(have)))
        }
        (Some(Value::Object(want)), Some(Value::Object(have))) => {
            want.len() == have.len() && want.iter().all(|(name, value)| same(Some(value), have.get(name)))
        }
        _ => want == have,
    }
}

/// A name that stays the same while other messages come and go: kind, frame, number in that frame.
fn named(normal: &Normal, numbers: &mut BTreeMap<(&'static str, u64), u32>) -> String {
    let number = numbers.entry((normal.kind, normal.frame)).or_insert(0);
    *number += 1;
    format!("{} {} {}.{}", normal.proto, normal.kind, normal.frame, number)
}

/// For each expected message the index of the one found: first those equal in place and in what they say,
/// then in order with the same main fields, then in order.
fn partners(expected: &[Normal], found: &[Normal]) -> Vec<Option<usize>> {
    let mut partners = vec![None; expected.len()];
    let mut taken = vec![false; found.len()];
    let passes: [fn(&Normal, &Normal) -> bool; 4] = [
        |a, b| a.flow == b.flow && a.frame == b.frame && a.main == b.main,
        |a, b| a.flow == b.flow && a.main == b.main,
        |a, b| a.flow == b.flow && a.frame == b.frame,
        |a, b| a.flow == b.flow,
    ];
    for same in passes {
        for (wanted, partner) in expected.iter().zip(&mut partners).filter(|(_, partner)| partner.is_none()) {
            let candidate = found
                .iter()
                .zip(&taken)
                .position(|(got, taken)| !taken && got.kind == wanted.kind && same(wanted, got));
            if let Some(index) = candidate {
                taken[index] = true;
                *partner = Some(index);
            }
        }
    }
    partners
}
