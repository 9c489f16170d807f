//! What every recorded capture says, compared with what it said before.
//!
//! Beside `NAME.pcapng` lies `NAME.entries.jsonl`: an entry a line, first as a list shows it, then whole. Numbers of
//! packets are those that tshark shows. `UPDATE_EXPECT=1` writes these files again; then read their difference as
//! somebody who knows the protocol.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use indexer::entry::{self, Bodies, Outcome};
use serde_json::{Value, json};

use crate::fields;

/// Longer texts are cut to this many characters, and their length is told.
const TEXT_CHARS_MAX: usize = 400;

/// What a failure shows of each file.
const DIFFERENCES_SHOWN_MAX: usize = 5;

/// What is the same everywhere, or says only when and where this was recorded.
const LEFT_OUT: [&str; 7] = ["id", "index", "segment", "node", "timestamp", "startTime", "dissectorVersion"];

fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/captures");
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let mut captures: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "pcapng")).collect();
    captures.sort();
    captures
}

/// The entries of a capture as lines of text.
fn lines(capture: &Path) -> Vec<String> {
    let entries = fields::entries(capture, Bodies::Kept).into_iter();
    let lines = entries.map(|entry| {
        let line = line(&entry);
        format!("{{\"line\":{},\"entry\":{}}}", json!(line), shortened(entry))
    });
    lines.collect()
}

/// As a list shows it.
fn line(entry: &Value) -> String {
    let summary = entry::summary(entry);
    let end = |end: &Value| {
        let ip = end["ip"].as_str().unwrap_or("?");
        format!("{ip}:{}", end["port"].as_str().unwrap_or("?"))
    };
    let outcome = match summary.outcome {
        Outcome::Good => " (good)",
        Outcome::Neutral => "",
        Outcome::Bad => " (bad)",
        Outcome::Unanswered => " (unanswered)",
    };
    format!(
        "{} | {} > {} | {} | {} | {}{outcome}",
        entry["protocol"]["abbr"].as_str().unwrap_or("?"),
        end(&entry["src"]),
        end(&entry["dst"]),
        summary.method,
        summary.text,
        summary.status,
    )
}

/// Without what says nothing: what lies in [`LEFT_OUT`], flags that are not set, the ends of long texts.
fn shortened(mut entry: Value) -> Value {
    let packet = |at: &Value| at["packet"].as_u64().map(|index| index + 1);
    let packets = json!([packet(&entry["packets"]["first"]), packet(&entry["packets"]["last"])]);
    entry["packets"] = packets;
    let Value::Object(members) = &mut entry else { return entry };
    members.retain(|name, value| !LEFT_OUT.contains(&name.as_str()) && *value != Value::Bool(false));
    for end in ["src", "dst"] {
        if let Some(Value::Object(end)) = members.get_mut(end) {
            end.retain(|_, value| *value != "");
        }
    }
    shorten(&mut entry);
    entry
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            let chars = text.chars().count();
            if chars > TEXT_CHARS_MAX {
                let cut = text.char_indices().nth(TEXT_CHARS_MAX).map_or(text.len(), |(at, _)| at);
                text.truncate(cut);
                let _ = write!(text, "… ({chars} characters)");
            }
        }
        Value::Array(elements) => elements.iter_mut().for_each(shorten),
        Value::Object(members) => members.values_mut().for_each(shorten),
        _ => {}
    }
}

/// How two lists of lines differ, a few lines of it; `None` where they are equal.
fn difference(expected: &str, found: &[String]) -> Option<String> {
    let expected: Vec<&str> = expected.lines().collect();
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    expected.iter().for_each(|line| *counts.entry(line).or_default() -= 1);
    found.iter().for_each(|line| *counts.entry(line).or_default() += 1);
    let differing: Vec<String> = counts
        .iter()
        .filter(|(_, count)| **count != 0)
        .map(|(line, count)| format!("  {} {}", if *count < 0 { "-" } else { "+" }, line))
        .collect();
    if expected == found {
        return None;
    }
    let shown = differing.iter().take(DIFFERENCES_SHOWN_MAX).cloned().collect::<Vec<_>>().join("\n");
    let what = if differing.is_empty() { "the same lines in another order".to_owned() } else { shown };
    Some(format!("{} lines before, {} now, {} differ:\n{what}", expected.len(), found.len(), differing.len()))
}

#[test]
fn captures_say_what_they_said() {
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut differences = String::new();
    for capture in captures() {
        let file = capture.with_extension("entries.jsonl");
        let found = lines(&capture);
        if is_update {
            fs::write(&file, found.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if let Some(difference) = difference(&expected, &found) {
            let _ = writeln!(differences, "{}: {difference}", file.display());
        }
    }
    assert!(
        differences.is_empty(),
        "\n{differences}UPDATE_EXPECT=1 writes these files again; read what changed"
    );
}
