//! `remora kfl complete`: what may come next.

use std::io::Write;

use clap::Args;
use kfl::Completions;
use serde_json::{Value, json};

use crate::cli::{Common, stdout};
use crate::confine::confine;
use crate::directory;
use crate::dto::words;
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::Screen;
use crate::terminal::paint::Style;
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use indexer::{Data, FieldCatalog};

const ABOUT: &str = "Say what may come next in a KFL text

Fields, words and functions with a line on each; behind a comparison the most frequent values of the field in the \
latest parts of the recording, if there is one. The text need not be right, and what is behind the cursor counts for \
nothing.";

const AFTER: &str = "EXAMPLES
  remora kfl complete 'http and response.st'
  remora kfl complete 'http and request.method == '
  remora kfl complete --json --cursor 4 'http and tls'

JSON
  {\"replaces\": {\"start\", \"end\"}, \"items\": [{\"text\", \"kind\", \"documentation\"}]}
  A cursor and a span count bytes of the text in UTF-8.";

/// Say what may come next in a KFL text
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Complete {
    /// The text, as far as it is written
    text: String,
    /// Byte that the cursor stands before [default: the end]
    #[arg(long, value_name = "N")]
    cursor: Option<usize>,
}

const COLUMNS: &[Column] = &[
    Column { title: "completion", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "kind", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "meaning", fit: Fit::CutEnd(40, None), align: Align::Left },
];

impl Complete {
    /// Writes the completions to stdout.
    pub fn run(self, common: Common) -> Result<(), Failure> {
        let data = recording(&common)?;
        let catalog = data.as_ref().map_or_else(FieldCatalog::without_values, FieldCatalog::of);
        let cursor = self.cursor.unwrap_or(self.text.len());
        let completions = kfl::complete(&self.text, cursor, &catalog);
        let mut out = stdout();
        if common.json {
            json::write_pretty(&mut out, &dto(&completions))?;
            return Ok(out.flush()?);
        }
        let mut table = Table::new(&mut out, Screen::of_stdout(), COLUMNS);
        for item in &completions.items {
            table.row(vec![
                Cell::new(&item.text),
                Cell::styled(words::completion(item.kind), Style::Faint),
                Cell::new(&item.documentation),
            ])?;
        }
        table.finish()?;
        Ok(out.flush()?)
    }
}

/// The recording whose values are offered. One that is named must be there; without one, fields are known all the same.
fn recording(common: &Common) -> Result<Option<Data>, Failure> {
    let path = match &common.data {
        Some(given) => {
            let path = directory::resolve(Some(given.clone()))?;
            directory::require(&path)?;
            Some(path)
        }
        None => directory::resolve(None).ok().filter(|path| path.is_dir()),
    };
    confine(path.as_deref())?;
    Ok(path.map(|path| Data::open(&path)).transpose()?)
}

fn dto(completions: &Completions) -> Value {
    let items: Vec<_> = completions
        .items
        .iter()
        .map(
            |item| json!({ "text": item.text, "kind": words::completion(item.kind), "documentation": item.documentation }),
        )
        .collect();
    let replaces = &completions.replaces;
    json!({ "replaces": { "start": replaces.start, "end": replaces.end }, "items": items })
}
