//! The conformance vectors of the original engine: what each one expects of whatever answers it.
//!
//! Also `remora kfl eval` is held to them.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What `${NOW_MS…}` and `now()` mean here.
pub const NOW_MS: i64 = 1_700_000_000_000;

/// Those that are answered otherwise.
pub fn known() -> impl Iterator<Item = &'static str> {
    include_str!("vectors_known.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn reference() -> PathBuf {
    match std::env::var_os("REMORA_REFERENCE") {
        Some(path) => path.into(),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/reference"),
    }
}

/// A file of the reference; says visibly where there is none.
pub fn read(name: &str) -> Option<Value> {
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
pub fn record(vector: &Value, entries: &Value) -> Value {
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
pub fn recommended(vector: &Value) -> Option<bool> {
    match vector.get("recommended_truth") {
        Some(truth) => truth.as_bool(),
        None => vector["expect"]["truth"].as_bool(),
    }
}

/// Whether the original refuses the text, and rightly so.
pub fn is_refused(vector: &Value) -> bool {
    vector["expect"].get("parse_error").is_some() && recommended(vector).is_none()
}

/// What was said of a vector's record.
pub struct Given {
    pub matches: bool,
    pub record: Value,
}

/// What differs from the vector, in a word or two; a refusal has its message.
pub fn difference(vector: &Value, given: Result<Given, String>) -> Option<String> {
    let expect = &vector["expect"];
    match given {
        Err(message) if is_refused(vector) => {
            assert!(!message.is_empty());
            None
        }
        Err(message) if recommended(vector).is_some() || expect["parse"] == "ok" => {
            Some(format!("refused: {message}"))
        }
        Err(_) => None,
        Ok(_) if is_refused(vector) => Some("read: the original refuses it".to_owned()),
        Ok(Given { matches, record }) => {
            let expected = recommended(vector)?;
            if matches != expected {
                return Some(format!("differs: {matches}"));
            }
            let shown = expect.get("new_record").filter(|_| vector.get("quirk").is_none())?;
            (meaning(&record) != meaning(shown)).then(|| "shown otherwise".to_owned())
        }
    }
}

/// A difference with its text on one line, as the list of known ones has it.
pub fn line(difference: &str, vector: &Value) -> String {
    let words = vector["query"].as_str().expect("a text").split_whitespace();
    format!("{difference} | {}", words.collect::<Vec<_>>().join(" "))
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
