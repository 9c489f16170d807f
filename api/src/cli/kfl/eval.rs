//! `remora kfl eval`: tries KFL on records that lie in a file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use segment::Timestamp;
use serde_json::{Value, json};

use crate::cli::{filter, stdout};
use crate::confine::confine;
use crate::failure::Failure;
use crate::format::json;
use crate::instant;
use crate::terminal::escape;
use crate::terminal::quantity::{count, counted};

/// A longer line is refused, not held.
const LINE_BYTES_MAX: usize = 64 << 20;

const ABOUT: &str = "Try a KFL text on records

Reads records, one JSON value on each line, and prints those that match, without what the text redacts; how many there \
were goes to stderr. A line that is no JSON is told on stderr and passed over (exit status 1 at the end).

With --jsonl each line brings its own text: {\"query\": ..., \"record\": ...}. Each is answered by exactly one line, \
{\"truth\": true or false, \"record\": ...} with the record as it may be shown, or {\"error\": \"...\"}, as soon as it \
was read: so another program can ask question after question.";

const AFTER: &str = "EXAMPLES
  remora query http --format jsonl | remora kfl eval 'response.status >= 400'
  remora kfl eval 'elapsedTime > 1s' entries.jsonl
  echo '{\"query\": \"a == 1\", \"record\": {\"a\": 1}}' | remora kfl eval --jsonl";

/// Try a KFL text on records
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Eval {
    /// What to look for
    #[arg(required_unless_present = "jsonl")]
    text: Option<String>,
    /// The records, one JSON value on each line [default: standard input]
    #[arg(value_name = "FILE")]
    records: Option<PathBuf>,
    /// Read lines that bring a text and a record each [default: standard input]
    #[arg(
        long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-",
        conflicts_with_all = ["text", "records"]
    )]
    jsonl: Option<PathBuf>,
    /// What now() means [default: the present]
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    now: Option<String>,
}

impl Eval {
    /// Writes the answers to stdout.
    pub fn run(self) -> Result<(), Failure> {
        let present = instant::now();
        let now = self.now.as_deref().map_or(Ok(present), |text| instant::parse(text, present));
        let now = now.map_err(|error| Failure::CommandLine(format!("--now: {error}")))?;
        let Some(text) = self.text else {
            return answer_each(open(self.jsonl.as_deref())?, now);
        };
        let query = filter::parse_at(&text, now)?;
        let directives = query.directives();
        if directives.latest.is_some() || directives.left_off.is_some() || directives.recording.is_some() {
            let why = "rlimit(), leftOff() and record() say something of a recording, and here is none";
            return Err(Failure::CommandLine(why.to_owned()));
        }
        print_matching(&query, open(self.records.as_deref())?)
    }
}

/// The input, opened while this process may still read all that its user may; then it is confined.
fn open(path: Option<&Path>) -> Result<BufReader<Box<dyn Read>>, Failure> {
    let input: Box<dyn Read> = match path.filter(|path| *path != Path::new("-")) {
        Some(path) => Box::new(File::open(path).with_context(|| format!("cannot open {}", path.display()))?),
        None => Box::new(io::stdin()),
    };
    confine(None)?;
    Ok(BufReader::new(input))
}

/// A line of input.
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// The next line, without its end; `None` at the end of the input.
fn next_line(input: &mut impl BufRead) -> Result<Option<Line>, Failure> {
    let mut line = Vec::new();
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    let read = input.take(limit).read_until(b'\n', &mut line).context("cannot read the records")?;
    if read == LINE_BYTES_MAX && line.last() != Some(&b'\n') {
        input.skip_until(b'\n').context("cannot read the records")?;
        return Ok(Some(Line::TooLong));
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok(if read == 0 { None } else { Some(Line::Whole(line)) })
}

/// The JSON of a line, or why it is none.
fn value(line: &Line) -> Result<Value, String> {
    match line {
        Line::Whole(line) => serde_json::from_slice(line).map_err(|error| format!("no JSON: {error}")),
        Line::TooLong => Err(format!("longer than {LINE_BYTES_MAX} bytes")),
    }
}

fn print_matching(query: &kfl::Query, mut input: impl BufRead) -> Result<(), Failure> {
    let mut out = stdout();
    let (mut records, mut matching, mut bad, mut number) = (0, 0, 0, 0_u64);
    while query.limit().is_none_or(|limit| matching < limit) {
        let Some(line) = next_line(&mut input)? else { break };
        number += 1;
        if matches!(&line, Line::Whole(line) if line.trim_ascii().is_empty()) {
            continue;
        }
        match value(&line) {
            Ok(record) => {
                records += 1;
                let answer = query.answer(&record);
                if answer.matches {
                    matching += 1;
                    json::write_line(&mut out, &answer.record)?;
                }
            }
            Err(error) => {
                bad += 1;
                let told = format!("remora: line {number}: {error}");
                writeln!(io::stderr(), "{}", escape::line(&told))?;
            }
        }
    }
    out.flush()?;
    writeln!(io::stderr(), "{} of {}", count(matching), counted(records, "record"))?;
    if bad > 0 { Err(Failure::Told(1)) } else { Ok(()) }
}

fn answer_each(mut input: BufReader<Box<dyn Read>>, now: Timestamp) -> Result<(), Failure> {
    let mut out = stdout();
    while let Some(line) = next_line(&mut input)? {
        let answer = answer(&line, now).unwrap_or_else(|error| json!({ "error": error }));
        json::write_line(&mut out, &answer)?;
        // Whoever asked the last question that is here waits for its answer.
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
    Ok(out.flush()?)
}

/// The answer to one question, or what is wrong with it.
fn answer(line: &Line, now: Timestamp) -> Result<Value, String> {
    let question = value(line)?;
    let text = question.get("query").and_then(Value::as_str).ok_or("no text called `query`")?;
    let record = question.get("record").ok_or("no member called `record`")?;
    let query = kfl::parse(text, now.millis()).map_err(|error| error.message)?;
    let answer = query.answer(record);
    Ok(json!({ "truth": answer.matches, "record": answer.record }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: &Value) {
        let answer = answer(&Line::Whole(line.as_bytes().to_vec()), Timestamp::from_nanos(0));
        assert_eq!(answer.unwrap_or_else(|error| json!({ "error": error })), *expected, "{line}");
    }

    #[test]
    fn a_question_has_a_text_and_a_record() {
        check(
            r#"{"query": "a == 1 and redact(\"b\")", "record": {"a": 1, "b": 2}}"#,
            &json!({ "truth": true, "record": { "a": 1, "b": kfl::REDACTED } }),
        );
        check(r#"{"query": "a", "record": null}"#, &json!({ "truth": false, "record": null }));
        check(r#"{"record": {}}"#, &json!({ "error": "no text called `query`" }));
        check(r#"{"query": "a"}"#, &json!({ "error": "no member called `record`" }));
    }

    #[test]
    fn lines_are_read_whole_and_to_the_end() {
        let mut input = BufReader::with_capacity(3, &b"one\n\nthree"[..]);
        let mut lines = Vec::new();
        while let Ok(Some(Line::Whole(line))) = next_line(&mut input) {
            lines.push(String::from_utf8(line).unwrap());
        }
        assert_eq!(lines, ["one", "", "three"]);
    }
}
