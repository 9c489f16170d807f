//! `remora verify`: proves that segments are what was sealed.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use indicatif::ProgressBar;
use segment::{Manifest, SegmentId};
use serde_json::{Value, json};

use super::{Place, stdout};
use crate::chain::{self, Link};
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::quantity::counted;
use crate::terminal::{escape, progress};
use store::State;

/// Where sealed segments and their manifests lie.
const SEALED: &str = "sealed";

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
        let sealed =
            segments.into_iter().filter(|summary| summary.state != State::Open).map(|summary| summary.id);
        let (sealed, chain) = match &self.segment {
            None => (sealed.collect(), chain_problems(place)),
            Some(wanted) => (one(wanted, sealed, place)?, Vec::new()),
        };
        let bar = progress::of_things("verifying");
        let mut report = Report { json: place.json, told: Vec::new(), bad: 0, keys: BTreeSet::new(), bar };
        report.bar.set_length(u64::try_from(sealed.len()).unwrap_or(u64::MAX));
        for problem in unreadable.iter().filter(|_| self.segment.is_none()) {
            report.tell(None, vec![problem.to_string()])?;
        }
        for id in &sealed {
            let (mut problems, key) = examine(&place.path().join(SEALED).join(id.file_name()));
            problems
                .extend(chain.iter().filter(|(behind, _)| behind == id).map(|(_, problem)| problem.clone()));
            report.keys.extend(key);
            report.tell(Some(id), problems)?;
            report.bar.inc(1);
        }
        report.end()
    }
}

/// The one segment that is asked for.
fn one(
    wanted: &str,
    mut sealed: impl Iterator<Item = SegmentId>,
    place: &Place,
) -> Result<Vec<SegmentId>, Failure> {
    let found = sealed.find(|id| id.to_string() == wanted);
    found.map(|id| vec![id]).ok_or_else(|| {
        let directory = place.path().display();
        anyhow!("no sealed segment {wanted} in {directory}: `remora segments` lists them").into()
    })
}

/// What is wrong with one segment, and the key that signed it.
fn examine(path: &Path) -> (Vec<String>, Option<[u8; 32]>) {
    match segment::verify(path) {
        Err(error) => (vec![error.to_string()], None),
        Ok(verification) => {
            let told = verification.problems.into_iter().map(|problem| match problem.offset {
                Some(offset) => format!("{} (at byte {offset})", problem.what),
                None => problem.what,
            });
            (told.collect(), verification.public_key)
        }
    }
}

/// What is wrong between segments. A manifest that can't be read is told of as such, not here.
fn chain_problems(place: &Place) -> Vec<(SegmentId, String)> {
    let files = std::fs::read_dir(place.path().join(SEALED)).into_iter().flatten().flatten();
    let manifests = files
        .map(|file| file.path())
        .filter(|path| path.to_string_lossy().ends_with(".manifest.json"))
        .filter_map(|path| Manifest::read(&path).ok());
    chain::problems(manifests.map(|manifest| Link::of(&manifest)).collect())
}

/// What was checked so far.
struct Report {
    json: bool,
    told: Vec<Value>,
    bad: u64,
    /// Who signed. Whether those are to be trusted is for the person to know, so they are told.
    keys: BTreeSet<[u8; 32]>,
    bar: ProgressBar,
}

impl Report {
    fn tell(&mut self, id: Option<&SegmentId>, problems: Vec<String>) -> std::io::Result<()> {
        let id = id.map(ToString::to_string);
        self.bad += u64::from(!problems.is_empty());
        if !self.json {
            let name = id.as_deref().map(|id| format!("{id}: ")).unwrap_or_default();
            for problem in &problems {
                let line = format!("{name}{problem}");
                self.bar.suspend(|| writeln!(io::stderr().lock(), "{}", escape::line(&line)))?;
            }
        }
        self.told.push(json!({ "id": id, "problems": problems }));
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let mut out = stdout();
        let all = counted(u64::try_from(self.told.len()).unwrap_or(u64::MAX), "segment");
        let keys: Vec<String> = self.keys.iter().map(hex).collect();
        match (self.json, self.bad) {
            (true, bad) => {
                json::write_pretty(
                    &mut out,
                    &json!({ "segments": self.told, "bad": bad, "publicKeys": keys }),
                )?;
            }
            (false, 0) => writeln!(out, "{all} verified, no problem")?,
            (false, bad) => writeln!(out, "{all} verified, {bad} with problems")?,
        }
        for key in keys.iter().filter(|_| !self.json) {
            writeln!(out, "signed with {key}")?;
        }
        out.flush()?;
        if self.bad == 0 { Ok(()) } else { Err(Failure::Told(1)) }
    }
}

fn hex(key: &[u8; 32]) -> String {
    key.iter().map(|byte| format!("{byte:02x}")).collect()
}
