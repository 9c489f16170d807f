//! The conformance vectors of the original engine, where they are at hand.
//!
//! Every vector must give what the original gives, or where that is an accident what is recommended instead.
//! Those few that we answer otherwise stand in `vectors_known.txt`, each group with its reason; that list may only
//! shrink.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
    let own: Vec<(&str, &str)> = vector["macros"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, text)| (name.as_str(), text.as_str().expect("a text")))
        .collect();
    match kfl::parse_with(text, NOW_MS, &own) {
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
            if let Some(Ok(expanded)) = [&vector["expanded"], &expect["expanded"]]
                .into_iter()
                .find_map(Value::as_str)
                .map(|text| kfl::parse(text, NOW_MS))
                && expanded.expression() != query.expression()
            {
                return Some(format!("a macro: {}", query.expression()));
            }
            let record = record(vector, entries);
            let answer = query.answer(&record);
            assert_eq!(answer.matches, query.matches(&record), "{text}");
            let expected = recommended(vector)?;
            if answer.matches != expected {
                return Some(format!("differs: {}", answer.matches));
            }
            let shown = expect.get("new_record").filter(|_| vector.get("quirk").is_none())?;
            (meaning(&answer.record) != meaning(shown)).then(|| "shown otherwise".to_owned())
        }
    }
}

/// A record in which documents within texts are read: the order of fields and the layout of XML don't matter.
fn meaning(record: &Value) -> Value {
    match record {
        Value::Array(elements) => elements.iter().map(meaning).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(key, field)| (key.clone(), meaning(field))).collect())
        }
        Value::String(text) => {
            let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            [Some(text.clone()), decoded]
                .into_iter()
                .flatten()
                .find_map(document)
                .unwrap_or_else(|| record.clone())
        }
        other => other.clone(),
    }
}

/// JSON as it is; of XML the texts of its elements, sorted.
fn document(text: String) -> Option<Value> {
    if text.starts_with('<') {
        let mut texts: Vec<&str> = text
            .split('<')
            .filter_map(|part| Some(part.split_once('>')?.1.trim()))
            .filter(|part| !part.is_empty())
            .collect();
        texts.sort_unstable();
        return Some(texts.into());
    }
    serde_json::from_str(&text).ok().filter(|value: &Value| value.is_object() || value.is_array())
}

/// How many vectors of a category went which way.
#[derive(Default)]
struct Row {
    as_original: usize,
    as_recommended: usize,
    no_opinion: usize,
    argued: usize,
}

#[test]
fn every_vector_gives_what_is_recommended() {
    let (Some(vectors), Some(entries)) = (read("kfl_vectors.json"), read("kubeshark_entries.json")) else {
        return;
    };
    let vectors = vectors["vectors"].as_array().expect("a list");
    let mut found = BTreeMap::<String, usize>::new();
    let mut table = BTreeMap::<&str, Row>::new();
    for vector in vectors {
        let row = table.entry(vector["category"].as_str().expect("a category")).or_default();
        if let Some(difference) = difference(vector, &entries) {
            row.argued += 1;
            let words = vector["query"].as_str().expect("a text").split_whitespace();
            let query = words.collect::<Vec<_>>().join(" ");
            *found.entry(format!("{difference} | {query}")).or_default() += 1;
        } else if vector.get("quirk").is_none() {
            row.as_original += 1;
        } else if recommended(vector).is_some() {
            row.as_recommended += 1;
        } else {
            row.no_opinion += 1;
        }
    }
    print(&table);
    let known: Vec<&str> = include_str!("vectors_known.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let new: Vec<&String> = found.keys().filter(|line| !known.contains(&line.as_str())).collect();
    assert!(new.is_empty(), "these differ and are not known:\n{}", lines(&new));
    let gone: Vec<&&str> = known.iter().filter(|line| !found.contains_key(**line)).collect();
    assert!(gone.is_empty(), "these are right now, take them off the list:\n{}", lines(&gone));
}

fn print(table: &BTreeMap<&str, Row>) {
    let mut all = Row::default();
    let line = |name: &str, row: &Row| {
        let Row { as_original, as_recommended, no_opinion, argued } = row;
        eprintln!("{name:<10} {as_original:>6} {as_recommended:>11} {no_opinion:>10} {argued:>6}");
    };
    eprintln!("category   passed recommended no opinion argued");
    for (category, row) in table {
        line(category, row);
        all.as_original += row.as_original;
        all.as_recommended += row.as_recommended;
        all.no_opinion += row.no_opinion;
        all.argued += row.argued;
    }
    line("all", &all);
}

fn lines<T: ToString>(lines: &[T]) -> String {
    lines.iter().map(|line| line.to_string() + "\n").collect()
}
