//! `remora import`: capture files become recordings.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};

use anyhow::{Context, anyhow};
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;

use super::{Place, record};
use crate::confine::confine;
use crate::directory;
use crate::failure::Failure;
use crate::format::json;
use crate::recorder::{Event, Happening, Input, Recorder};
use crate::terminal::quantity::counted;
use crate::terminal::{escape, progress};
use indexer::Indexing;

const ABOUT: &str = "Turn capture files into recordings

Reads pcap and pcapng files, also compressed with gzip or zstd, and - for standard input. Packets keep their original \
times, interfaces and link types. Of a damaged file, what can be read is kept, and it is said where and why the rest \
can't (exit status 1). A file that was imported before is recognised by its content and left alone, unless --again is \
given. When the command ends, everything is indexed.";

const AFTER: &str = "EXAMPLES
  remora import shop.pcapng old.pcap.gz
  ssh web1 tcpdump -U -w - | remora import -
  remora import --again shop.pcapng";

/// Turn capture files into recordings
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Import {
    /// The files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<OsString>,
    /// Import files that were imported before once more
    #[arg(long)]
    again: bool,
}

impl Import {
    /// Imports and indexes.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        directory::create(place.path())?;
        let mut arguments: Vec<OsString> =
            vec!["import".into(), "--data".into(), place.path().into(), "--progress=json".into()];
        if self.again {
            arguments.push("--again".into());
        }
        arguments.push("--".into());
        arguments.extend(self.files);
        let mut recorder = Recorder::start(&arguments, Input::Ours)?;
        let writes = confine(Some(place.path()))?;
        let mut telling = Telling { json: place.json, bars: BTreeMap::new() };
        telling.tell(&json!({ "event": "confined", "capabilities": "none", "writes": writes.name() }))?;
        let happenings = recorder.happenings()?;
        let indexing = Indexing::start(place.path());
        let mut interrupted = false;
        for happening in &happenings {
            match happening {
                Happening::Event(event) => telling.event(&event)?,
                Happening::Signal(signal) => {
                    interrupted = true;
                    recorder.signal(signal);
                }
                Happening::Closed => break,
            }
        }
        let status = recorder.wait().context("cannot wait for the recorder")?;
        telling.clear_bars();
        let spinner = progress::status_line();
        spinner.set_message("indexing …");
        let indexed = indexing.map(Indexing::drain);
        indexed.context("what was imported has no index yet: run `remora reindex`")?;
        spinner.set_message("merging indexes …");
        indexer::merge(place.path(), &mut || spinner.tick())?;
        spinner.finish_and_clear();
        telling.tell(&json!({ "event": "indexed" }))?;
        if interrupted {
            return Err(anyhow!(
                "interrupted: what was imported until then is kept; import again to have the rest"
            )
            .into());
        }
        match status.code() {
            Some(0) => Ok(()),
            // The recorder has said on stderr what is wrong with which file.
            Some(code) => Err(Failure::Told(u8::try_from(code).unwrap_or(1))),
            None => {
                Err(anyhow!("import failed: remora-recorder {}; import again", record::ended(status)).into())
            }
        }
    }
}

/// Tells how the import goes.
struct Telling {
    json: bool,
    bars: BTreeMap<String, ProgressBar>,
}

impl Telling {
    fn tell(&self, event: &serde_json::Value) -> Result<(), Failure> {
        if self.json {
            let mut stdout = io::stdout().lock();
            json::write_line(&mut stdout, event)?;
            stdout.flush()?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> Result<(), Failure> {
        match event.kind() {
            "progress" => self.progress(event),
            "imported" => self.imported(event)?,
            _ => self.tell(&event.object)?,
        }
        Ok(())
    }

    fn progress(&mut self, event: &Event) {
        let file = event.text("file");
        let bar = self.bars.entry(file.to_owned()).or_insert_with(|| progress::of_bytes(file));
        let done = event.number("bytes_done");
        // Of standard input the end is not known.
        bar.set_length(event.object["bytes_total"].as_u64().unwrap_or(done));
        bar.set_position(done);
    }

    fn imported(&mut self, event: &Event) -> Result<(), Failure> {
        let file = event.text("file");
        if let Some(bar) = self.bars.remove(file) {
            bar.finish_and_clear();
        }
        let nothing = event.number("packets") == 0 && event.object["problem"].is_string();
        if self.json {
            self.tell(&event.object)?;
        } else if !nothing {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{}", escape::line(&summary(event)))?;
            stdout.flush()?;
        }
        Ok(())
    }

    fn clear_bars(&mut self) {
        for bar in std::mem::take(&mut self.bars).into_values() {
            bar.finish_and_clear();
        }
    }
}

fn summary(event: &Event) -> String {
    let (file, chain) = (event.text("file"), event.text("chain"));
    if event.is("already") {
        return format!("{file}: imported before, as {chain}; nothing done (--again imports it once more)");
    }
    let packets = counted(event.number("packets"), "packet");
    let segments = counted(event.number("segments"), "segment");
    let damaged = if event.object["problem"].is_string() { ", up to where it is damaged" } else { "" };
    format!("{file}: {packets} in {segments} of {chain}{damaged}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_gets_a_line() {
        let event = |text: &str| Event::parse(text.as_bytes()).unwrap();
        assert_eq!(
            summary(&event(
                r#"{"event":"imported","file":"a.pcap","chain":"import-1","packets":1200,"segments":1}"#
            )),
            "a.pcap: 1 200 packets in 1 segment of import-1"
        );
        let again =
            summary(&event(r#"{"event":"imported","file":"a.pcap","chain":"import-1","already":true}"#));
        assert!(again.contains("imported before") && again.contains("--again"), "{again}");
    }
}
