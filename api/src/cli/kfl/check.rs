//! `remora kfl check`: whether a text is KFL, and what it asks.

use std::io::{self, Write};

use clap::Args;
use kfl::{Query, SyntaxError, UnknownField};
use serde_json::{Value, json};

use super::text_of;
use crate::cli::{filter, stdout};
use crate::failure::Failure;
use crate::format::json;
use crate::instant;
use crate::terminal::escape;
use indexer::{FieldCatalog, entry};

const ABOUT: &str = "Say whether a text is KFL, and what it asks

The answer names the fields that the text reads, what it means once words such as `http` stand for their conditions, \
and what it says of the answer as a whole. A field that no entry has is a warning on stderr with the nearest one \
suggested, not an error: entries may have more than is described. A text that is no KFL is exit status 2, with the place \
marked, what was expected there and the nearest word.";

const AFTER: &str = "EXAMPLES
  remora kfl check 'http and response.statsu >= 400'
  remora kfl check - < filter.kfl
  remora kfl check --json 'http and' | jq .error.span

JSON
  {\"ok\": true, \"error\": null, \"unknownFields\": [{\"path\", \"span\", \"suggestion\"}], \"query\": {...}}
  {\"ok\": false, \"error\": {\"message\", \"hint\", \"span\": {\"start\", \"end\"}}, \"unknownFields\": []}
  A span counts bytes of the text in UTF-8.";

/// Say whether a text is KFL, and what it asks
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Check {
    /// The text; - is standard input
    text: String,
}

impl Check {
    /// Writes what the text asks to stdout, and warnings to stderr.
    pub fn run(self, as_json: bool) -> Result<(), Failure> {
        let text = text_of(self.text)?;
        let parsed = kfl::parse(&text, instant::now().millis());
        let mut out = stdout();
        if as_json {
            json::write_pretty(&mut out, &dto(&parsed))?;
            out.flush()?;
            return if parsed.is_ok() { Ok(()) } else { Err(Failure::Told(2)) };
        }
        let query = parsed.map_err(|error| filter::wrong(&error))?;
        out.write_all(escape::block(&told(&query)).as_bytes())?;
        out.flush()?;
        let mut stderr = io::stderr().lock();
        for field in unknown(&query) {
            let marked = field.mark(query.text()).to_string();
            writeln!(stderr, "warning: {}", escape::block(&marked))?;
        }
        Ok(())
    }
}

fn unknown(query: &Query) -> Vec<UnknownField> {
    query.unknown_fields(&FieldCatalog::without_values())
}

/// The paths that are read, each once, in the order of the text.
fn reads(query: &Query) -> Vec<String> {
    query.expression().paths().into_iter().map(ToString::to_string).collect()
}

fn needs_bodies(query: &Query) -> bool {
    query.expression().reads_everything() || query.expression().paths().into_iter().any(entry::reads_bodies)
}

/// A line for each thing that the text says.
fn told(query: &Query) -> String {
    let directives = query.directives();
    let mut read = reads(query);
    if query.expression().reads_everything() {
        read.push("everything".to_owned());
    }
    let means = query.expression().to_string();
    let lines = [
        ("reads", read.join(", ")),
        ("means", if means.is_empty() { "everything matches".to_owned() } else { means }),
        ("limit", query.limit().map(|limit| limit.to_string()).unwrap_or_default()),
        ("latest", directives.latest.map(|latest| latest.to_string()).unwrap_or_default()),
        ("leftOff", directives.left_off.clone().unwrap_or_default()),
        ("record", directives.recording.clone().unwrap_or_default()),
        ("redacts", if query.redacts() { "values, see above".to_owned() } else { String::new() }),
        (
            "bodies",
            if needs_bodies(query) { "read from the packets, which is slower" } else { "" }.to_owned(),
        ),
    ];
    let said = lines.iter().filter(|(_, what)| !what.is_empty());
    said.map(|(name, what)| format!("{name:<8} {what}\n")).collect()
}

fn dto(parsed: &Result<Query, SyntaxError>) -> Value {
    let span = |span: &std::ops::Range<usize>| json!({ "start": span.start, "end": span.end });
    let query = match parsed {
        Ok(query) => query,
        Err(error) => {
            let error = json!({ "message": error.message, "hint": error.hint, "span": span(&error.span) });
            return json!({ "ok": false, "error": error, "unknownFields": [] });
        }
    };
    let unknown: Vec<_> = unknown(query)
        .iter()
        .map(|field| {
            let path = field.path.to_string();
            json!({ "path": path, "span": span(&field.span), "suggestion": field.suggestion })
        })
        .collect();
    let directives = query.directives();
    json!({
        "ok": true,
        "error": null,
        "unknownFields": unknown,
        "query": {
            "reads": reads(query),
            "readsEverything": query.expression().reads_everything(),
            "means": query.expression().to_string(),
            "needsBodies": needs_bodies(query),
            "redacts": query.redacts(),
            "limit": query.limit(),
            "latest": directives.latest,
            "leftOff": directives.left_off,
            "recording": directives.recording,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_text_asks_is_told_line_by_line() {
        let query = kfl::parse("http and response.status >= 400 and limit(3) and redact(\"id\")", 0).unwrap();
        expect_test::expect![[r#"
            reads    protocol.abbr, response.status
            means    protocol.abbr == "HTTP" and response.status >= 400 and true and redact("id")
            limit    3
            redacts  values, see above
        "#]]
        .assert_eq(&told(&query));
    }

    #[test]
    fn json_names_the_place() {
        let wrong = dto(&kfl::parse("http and", 0));
        assert_eq!((&wrong["ok"], &wrong["error"]["span"]["start"]), (&json!(false), &json!(8)));
        let right = dto(&kfl::parse("response.statsu > 1", 0));
        assert_eq!(right["unknownFields"][0]["suggestion"], "response.status");
        assert_eq!(right["unknownFields"][0]["span"], json!({ "start": 0, "end": 15 }));
    }
}
