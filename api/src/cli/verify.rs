//! `remora verify`: proves that segments are what was sealed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::{Place, stdout};
use crate::engine::{self, State};
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::quantity::counted;
use crate::terminal::{escape, progress};

const ABOUT: &str = "Prove that segments are what was sealed

Checks, for one segment or for all sealed ones, every digest, the tree over them, the SHA-256 of the whole file, the \
signature, and that every packet can be read; then, that no segment of a chain is missing and that each names the \
digest of the one before it. Any changed bit is found. Each problem is named, and the exit status is 1 if there is one.";

const AFTER: &str = "EXAMPLES
  remora verify
  remora verify web1-3f9a2c-0000000042
  remora verify --json | jq '.segments[] | select(.problems != [])'";

/// Prove that segments are what was sealed
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Verify {
    /// A segment's id, as `remora segments` gives it [default: all sealed ones]
    #[arg(value_name = "SEGMENT")]
    segment: Option<String>,
}

impl Verify {
    /// Checks, and tells each problem.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let data = place.open()?;
        let (segments, unreadable) = data.segments()?;
        let mut sealed: Vec<String> = segments
            .iter()
            .filter(|summary| summary.state != State::Open)
            .map(|summary| summary.id.to_string())
            .collect();
        if let Some(wanted) = &self.segment {
            sealed.retain(|id| id == wanted);
            if sealed.is_empty() {
                let directory = place.path().display();
                return Err(anyhow!(
                    "no sealed segment {wanted} in {directory}: `remora segments` lists them"
                )
                .into());
            }
        }
        let bar = progress::of_things("verifying");
        bar.set_length(u64::try_from(sealed.len()).unwrap_or(u64::MAX));
        let mut told = Vec::new();
        let mut bad: u64 = 0;
        for problem in unreadable.iter().filter(|_| self.segment.is_none()) {
            bad += 1;
            told.push(json!({ "id": null, "problems": [problem.to_string()] }));
            if !place.json {
                writeln!(io::stderr().lock(), "{}", escape::line(&problem.to_string()))?;
            }
        }
        for id in &sealed {
            let problems = problems(&path(place.path(), id));
            bad += u64::from(!problems.is_empty());
            if !place.json {
                let mut stderr = io::stderr().lock();
                for problem in &problems {
                    bar.suspend(|| writeln!(stderr, "{}", escape::line(&format!("{id}: {problem}"))))?;
                }
            }
            told.push(json!({ "id": id, "problems": problems }));
            bar.inc(1);
        }
        bar.finish_and_clear();
        finish(place, told, bad)
    }
}

fn finish(place: &Place, told: Vec<Value>, bad: u64) -> Result<(), Failure> {
    let mut out = stdout();
    let all = u64::try_from(told.len()).unwrap_or(u64::MAX);
    if place.json {
        json::write_pretty(&mut out, &json!({ "segments": told, "bad": bad }))?;
    } else if bad == 0 {
        writeln!(out, "{} verified, no problem", counted(all, "segment"))?;
    } else {
        writeln!(out, "{} verified, {bad} with problems", counted(all, "segment"))?;
    }
    out.flush()?;
    if bad == 0 { Ok(()) } else { Err(Failure::Told(1)) }
}

fn path(data: &Path, id: &str) -> PathBuf {
    data.join("sealed").join(format!("{id}.pcapng.zst"))
}

fn problems(path: &Path) -> Vec<String> {
    match engine::verify(path) {
        Ok(problems) => problems,
        Err(error) => vec![error.to_string()],
    }
}
