//! The conformance vectors of the original engine, where they are at hand.
//!
//! Every vector that we read must give what is recommended. Those that we refuse, and
//! those few that contradict others, stand in `vectors_known.txt` with the reason; that
//! list may only shrink.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

/// What `${NOW_MS…}` and `now()` mean here.
const NOW_MS: i64 = 1_700_000_000_000;

fn reference() -> PathBuf {
    match std::env::var_os("REMORA_REFERENCE") {
        Some(path) => path.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference"),
    }
}

fn read(name: &str) -> Option<Value> {
    let path = reference().join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).expect("the reference is JSON")),
        Err(_) => {
            eprintln!("SKIPPED: no reference at {}", path.display());
            None
        }
    }
}

/// The record of a vector: JSON text, JSON, or `@entries/NAME[i]`.
fn record(vector: &Value, entries: &Value) -> Value {
    let Value::String(text) = &vector["record"] else { return vector["record"].clone() };
    if let Some(place) = text.strip_prefix("@entries/") {
        let (name, index) = place.trim_end_matches(']').split_once('[').expect("NAME[i]");
        let entry = &entries["entries"][name][index.parse::<usize>().expect("a number")]["entry"];
        assert!(!entry.is_null(), "{place}");
        return entry.clone();
    }
    let text = text.replace("\"${NOW_MS-2000}\"", &(NOW_MS - 2000).to_string());
    serde_json::from_str(&text).expect("a record is JSON")
}

/// `None` if the vector has no opinion.
fn recommended(vector: &Value) -> Option<bool> {
    match vector.get("recommended_truth") {
        Some(truth) => truth.as_bool(),
        None => vector["expect"]["truth"].as_bool(),
    }
}

/// What differs from the vector, in a word or two.
fn difference(vector: &Value, entries: &Value) -> Option<String> {
    let text = vector["query"].as_str().expect("a text");
    let expect = &vector["expect"];
    // Limits that no one can mean have no recommended reading.
    let limit = expect["limit"].as_u64().filter(|limit| *limit > 0 && *limit < u64::MAX);
    match kfl::parse(text, NOW_MS) {
        Err(error) if expect.get("parse_error").is_some() && recommended(vector).is_none() => {
            assert!(!error.message.is_empty());
            None
        }
        Err(error) if recommended(vector).is_some() || expect["parse"] == "ok" => {
            Some(format!("refused: {}", error.message))
        }
        Err(_) => None,
        Ok(_) if expect.get("parse_error").is_some() && recommended(vector).is_none() => {
            Some("read: the original refuses it".to_owned())
        }
        Ok(query) => {
            if expect.get("limit").is_some() && query.limit() != limit {
                return Some(format!("limit {:?} instead of {limit:?}", query.limit()));
            }
            let truth = query.matches(&record(vector, entries));
            let expected = recommended(vector)?;
            (truth != expected).then(|| format!("differs: {truth}"))
        }
    }
}

#[test]
fn every_vector_gives_what_is_recommended() {
    let (Some(vectors), Some(entries)) = (read("kfl_vectors.json"), read("kubeshark_entries.json")) else {
        return;
    };
    let vectors = vectors["vectors"].as_array().expect("a list");
    let mut found = BTreeMap::<String, usize>::new();
    for vector in vectors {
        if let Some(difference) = difference(vector, &entries) {
            let words = vector["query"].as_str().expect("a text").split_whitespace();
            let query = words.collect::<Vec<_>>().join(" ");
            *found.entry(format!("{difference} | {query}")).or_default() += 1;
        }
    }
    let known: Vec<&str> = include_str!("vectors_known.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let different: usize = found.values().sum();
    eprintln!("{} of {} vectors as recommended", vectors.len() - different, vectors.len());
    let mut reasons = BTreeMap::<&str, usize>::new();
    for (line, count) in &found {
        *reasons.entry(line.split(" | ").next().unwrap_or_default()).or_default() += count;
    }
    for (reason, count) in reasons {
        eprintln!("{count:5} {reason}");
    }
    let new: Vec<&String> = found.keys().filter(|line| !known.contains(&line.as_str())).collect();
    assert!(new.is_empty(), "these differ and are not known:\n{}", lines(&new));
    let gone: Vec<&&str> = known.iter().filter(|line| !found.contains_key(**line)).collect();
    assert!(gone.is_empty(), "these are right now, take them off the list:\n{}", lines(&gone));
}

fn lines<T: ToString>(lines: &[T]) -> String {
    lines.iter().map(|line| line.to_string() + "\n").collect()
}
