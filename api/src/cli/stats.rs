//! `remora stats`: the recording in figures.

use std::io::Write;

use clap::Args;
use serde_json::Value;

use super::{Place, stdout};
use crate::dto;
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::escape;
use crate::terminal::quantity::{bytes, count};

const ABOUT: &str = "Show the recording in figures

How much was recorded and since when, how it compressed, how many exchanges of which protocol are indexed, how far the \
index is behind, and what was lost for which reason. While a recorder runs, its latest counters are shown too: the \
law is that packets seen are packets stored plus packets lost.";

const AFTER: &str = "EXAMPLES
  remora stats
  remora stats --json | jq .losses";

/// Show the recording in figures
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Stats {}

impl Stats {
    /// Writes the figures to stdout.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let data = place.open()?;
        let stats = dto::stats(&data.stats()?, &place.recorder_status());
        let mut out = stdout();
        if place.json {
            json::write_pretty(&mut out, &stats)?;
        } else {
            out.write_all(render(&stats).as_bytes())?;
        }
        Ok(out.flush()?)
    }
}

/// Names and values, nested ones indented.
fn render(stats: &Value) -> String {
    let mut text = String::new();
    nested(&mut text, stats, 0);
    text
}

fn nested(text: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    for (name, value) in value.as_object().into_iter().flatten() {
        let title = escape::line(&words(name)).into_owned();
        match value {
            Value::Object(inner) if inner.is_empty() => text.push_str(&format!("{indent}{title:<24} none\n")),
            Value::Object(_) => {
                text.push_str(&format!("{indent}{title}\n"));
                nested(text, value, depth + 1);
            }
            Value::Array(list) => {
                text.push_str(&format!(
                    "{indent}{title:<24} {}\n",
                    if list.is_empty() { "none" } else { "" }
                ));
                for item in list {
                    let item = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
                    text.push_str(&format!("{indent}  {}\n", escape::line(&item)));
                }
            }
            _ => text.push_str(&format!("{indent}{title:<24} {}\n", escape::line(&scalar(name, value)))),
        }
    }
}

/// `fileBytes` and `file_bytes` as `file bytes`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        match character {
            '_' => words.push(' '),
            upper if upper.is_uppercase() => {
                words.push(' ');
                words.extend(upper.to_lowercase());
            }
            other => words.push(other),
        }
    }
    words
}

fn scalar(name: &str, value: &Value) -> String {
    match (value.as_u64(), value) {
        (Some(number), _) if name.to_lowercase().ends_with("bytes") => bytes(number),
        (Some(number), _) => count(number),
        (None, Value::String(text)) => text.clone(),
        (None, Value::Null) => "-".to_owned(),
        (None, other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_named_in_words() {
        let stats =
            json!({ "fileBytes": 1_500_000, "losses": {}, "protocols": { "http": 12_345 }, "from": null });
        assert_eq!(
            render(&stats),
            "file bytes               1.5 MB\nfrom                     -\nlosses                   none\n\
             protocols\n  http                     12 345\n"
        );
    }
}
