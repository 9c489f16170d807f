//! Messages against `FILE.oracle.jsonl`: what tshark finds in the same capture.
//!
//! Every message and every field that differs must be listed with its reason in `exceptions/PROTOCOL.tsv`, and
//! every line there must still be needed: the lists may only shrink. `verify_exceptions.py` holds every reason
//! to the bytes of its capture and to tshark. With `REMORA_ORACLE_OUT=FILE` the differences found are written
//! there, in the form of that list.

mod compare;
mod hiredis;
mod http2_frames;
mod normal;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use dissect::{Dissector, Limits};
use serde_json::Value;

use crate::corpus;
use compare::{Difference, Tally};
use normal::Normal;

/// The least part of messages and of fields that must be right.
const RIGHT_MIN: f64 = 0.99;

#[test]
fn messages_are_those_that_tshark_finds() {
    let Some(folder) = corpus::corpus() else { return };
    let mut captures = corpus::with_oracle(&folder, ".oracle.jsonl");
    captures.extend(corpus::with_oracle(&folder.join("malformed"), ".oracle.jsonl"));
    let mut total: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut differences = Vec::new();
    let mut table = String::new();
    for capture in captures {
        let expected: Vec<Normal> =
            corpus::oracle(&capture, ".oracle.jsonl").iter().filter_map(normal::of_oracle).collect();
        if expected.is_empty() {
            continue;
        }
        let found = dissect_file(&capture);
        let name = capture.strip_prefix(&folder).unwrap().display().to_string();
        for proto in normal::PROTOCOLS.iter().map(|protocol| protocol.name) {
            let of = |list: &[Normal]| -> Vec<Normal> {
                list.iter().filter(|n| n.proto == proto).cloned().collect()
            };
            let (expected, found) = (of(&expected), of(&found));
            if expected.is_empty() || normal::is_misread(&name, proto) {
                continue;
            }
            let (tally, different) = compare::compare(&name, &expected, &found);
            writeln!(table, "{}", tally.row(proto, &name)).unwrap();
            total.entry(proto).or_default().add(&tally);
            differences.extend(different);
        }
    }
    eprintln!("{}\n{table}", Tally::HEADINGS);
    for (proto, tally) in &total {
        eprintln!("{}", tally.row(proto, "TOTAL"));
    }
    if let Ok(path) = std::env::var("REMORA_ORACLE_OUT") {
        let lines: String = differences.iter().map(|difference| format!("{difference}\n")).collect();
        std::fs::write(path, lines).unwrap();
    }
    for (proto, tally) in &total {
        let ours = judged_ours(proto, &differences);
        let (messages, fields) = (tally.messages_right(ours.messages), tally.fields_right(ours.fields));
        assert!(messages >= RIGHT_MIN, "{proto}: {messages:.4} of messages");
        assert!(fields >= RIGHT_MIN, "{proto}: {fields:.4} of fields");
    }
    hold_exceptions(&differences);
}

/// Differences that count for nothing, because the bytes say that they are the oracle's or a matter of form.
#[derive(Default)]
struct Judged {
    messages: usize,
    fields: usize,
}

fn judged_ours(proto: &str, differences: &[Difference]) -> Judged {
    let protocol = normal::PROTOCOLS.iter().find(|protocol| protocol.name == proto).expect("one of ours");
    let reasons: BTreeMap<&str, &str> =
        protocol.exceptions.lines().filter_map(|line| line.rsplit_once('\t')).collect();
    let mut judged = Judged::default();
    for difference in differences.iter().filter(|difference| difference.message.starts_with(proto)) {
        let reason = reasons.get(difference.key().as_str()).copied().unwrap_or_default();
        if reason.starts_with("ours") || reason.starts_with("both") {
            match difference.field.as_str() {
                "missing" => judged.messages += 1,
                "extra" => {}
                _ => judged.fields += 1,
            }
        }
    }
    judged
}

/// Fails where a difference is not listed, and where a listed one is none any more.
fn hold_exceptions(differences: &[Difference]) {
    let found: BTreeSet<String> = differences.iter().map(Difference::key).collect();
    let mut listed = BTreeSet::new();
    let lines = normal::PROTOCOLS.iter().flat_map(|protocol| protocol.exceptions.lines());
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (key, reason) = line.rsplit_once('\t').expect("file, message, field and reason between tabs");
        assert!(!reason.trim().is_empty(), "no reason: {line}");
        listed.insert(key.to_owned());
    }
    let unlisted: Vec<String> =
        differences.iter().filter(|d| !listed.contains(&d.key())).map(ToString::to_string).collect();
    let unneeded: Vec<&String> = listed.difference(&found).collect();
    assert!(unlisted.is_empty(), "{} differences are not listed:\n{}", unlisted.len(), unlisted.join("\n"));
    assert!(unneeded.is_empty(), "{} listed differences are none any more: {unneeded:#?}", unneeded.len());
}

/// Every message of a capture.
fn dissect_file(capture: &Path) -> Vec<Normal> {
    // Nothing is to be cut here: tshark keeps all.
    let limits = Limits { body_bytes_max: 1 << 26, decoded_bytes_max: 1 << 26, ..Limits::default() };
    let mut dissector = Dissector::new(limits);
    let mut found = Vec::new();
    let mut sink = |exchange| normal::of_exchange(&exchange, &mut found);
    for (number, packet) in corpus::packets(capture).iter().enumerate() {
        dissector.packet(&packet.packet(), corpus::place(number), &mut sink);
    }
    dissector.finish(&mut sink);
    assert_eq!(dissector.counters().panics, 0, "{}", capture.display());
    found.sort_by_key(|normal| normal.frame);
    found
}

/// A value as text, for people.
fn shown(value: Option<&Value>) -> String {
    let text = value.map_or("-".to_owned(), ToString::to_string);
    text.chars().take(120).collect::<String>().replace('\t', " ")
}
