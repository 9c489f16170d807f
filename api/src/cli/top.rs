//! `remora top`: the most common values of a field.

use std::io::{self, Write};

use clap::Args;
use serde_json::Value;

use super::filter;
use super::range::Range;
use super::{Place, coverage, stdout};
use crate::dto::totals;
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::quantity::{counted, percent};
use crate::terminal::table::{Align, Cell, Column, Fit, Table};
use crate::terminal::{Screen, bar, quantity};
use indexer::{FieldPath, Scope};

const ABOUT: &str = "Show the most common values of a field

FIELD is a path as KFL writes it: `response.status`, `request.headers[\"user-agent\"]`, `request.questions.*.name`; `remora \
fields` lists them. Every entry that matches the KFL text counts, flows too; one that has a list there counts for each \
value in it. The share is of all entries that match, so what is missing to the whole has no such field.

Where the index knows the field, nothing else is read. Fields in bodies (marked with + by `remora fields`) are read \
from the packets, which takes longer.";

const AFTER: &str = "EXAMPLES
  remora top response.status http
  remora top 'request.headers[\"User-Agent\"]' --from -1h
  remora top request.questions.*.name 'dns and response.code != \"No Error\"' --limit 50
  remora top src.ip 'http and response.status == 401' --json";

/// Show the most common values of a field
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Top {
    /// Whose values to count, e.g. response.status
    field: String,
    /// Which entries count [default: all]
    #[arg(default_value = "", hide_default_value = true)]
    kfl: String,
    #[command(flatten)]
    range: Range,
    /// Most values to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

const COLUMNS: &[Column] = &[
    Column { title: "entries", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "share", fit: Fit::Whole(None), align: Align::Right },
    Column { title: "", fit: Fit::Whole(Some(1)), align: Align::Left },
    Column { title: "value", fit: Fit::CutEnd(20, None), align: Align::Left },
];

/// Columns of a bar.
const BAR_COLUMNS: u32 = 10;

impl Top {
    /// Writes the values to stdout and the coverage to stderr.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let field =
            FieldPath::new(&self.field).map_err(|error| Failure::CommandLine(format!("FIELD: {error}")))?;
        let query = filter::parse_counted(&self.kfl)?;
        let scope = Scope { range: self.range.parse()?, ..Scope::default() };
        let top = place.open()?.top(&field, &query, &scope, self.limit)?;
        let mut out = stdout();
        if place.json {
            json::write_line(&mut out, &totals::top(&self.field, &top))?;
        } else {
            table(&mut out, Screen::of_stdout(), &top)?;
        }
        out.flush()?;
        coverage::tell(&found(&self.field, &top), &top.coverage);
        Ok(())
    }
}

fn found(field: &str, top: &indexer::Top) -> String {
    let at_least = if top.is_capped { "at least " } else { "" };
    let of = if top.entries == 1 {
        "1 entry".to_owned()
    } else {
        format!("{} entries", quantity::count(top.entries))
    };
    format!(
        "{} of {at_least}{} of {field}, {of} ({} without it)",
        quantity::count(top.values.len() as u64),
        counted(top.distinct, "value"),
        quantity::count(top.without)
    )
}

fn table(out: &mut impl Write, screen: Screen, top: &indexer::Top) -> io::Result<()> {
    let mut table = Table::new(out, screen, COLUMNS);
    let most = top.values.first().map_or(0, |value| value.count);
    for value in &top.values {
        let text = match &value.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        table.row(vec![
            Cell::new(&quantity::count(value.count)),
            Cell::new(&percent(value.count, top.entries)),
            Cell::new(&bar::horizontal(value.count, most, BAR_COLUMNS)),
            Cell::new(&text),
        ])?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use indexer::{Coverage, TopValue};

    #[test]
    fn values_have_their_share_of_all_entries() {
        let value = |value: Value, count| TopValue { value, count };
        let top = indexer::Top {
            values: vec![value(json!(200), 1_500), value(json!("a\x1bb"), 3)],
            distinct: 9,
            is_capped: true,
            entries: 2_000,
            without: 40,
            coverage: Coverage::default(),
        };
        let mut out = Vec::new();
        table(&mut out, Screen::PLAIN, &top).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
entries  share              value
  1 500    75%  ██████████  200
      3  0.15%  ▏           a\\x1bb
"
        );
        assert_eq!(found("x", &top), "2 of at least 9 values of x, 2 000 entries (40 without it)");
    }
}
