//! `remora fields`: what entries hold, by protocol.

use std::io::Write;

use anyhow::anyhow;
use clap::Args;
use indexer::entry::{self, Description, Field};
use serde_json::{Value, json};

use super::stdout;
use crate::dto::words;
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::Screen;
use crate::terminal::paint::Style;
use crate::terminal::table::{Align, Cell, Column, Fit, Table};

const ABOUT: &str = "List the fields of entries

Everything that KFL can ask of an entry, by protocol, with the kind of its value and one line of meaning. A `*` stands \
for every element of a list, or for names that the sender chose (headers, parameters). Fields marked with + are not in \
the index: asking for them takes the exchanges apart anew, which is slower; narrow the range or name the protocol, too.";

const AFTER: &str = "EXAMPLES
  remora fields
  remora fields redis
  remora fields --json | jq -r '.[].fields[].path'";

/// List the fields of entries
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Fields {
    /// Only those of this protocol, by its word in KFL (http, grpc, redis, tcp ...)
    #[arg(value_name = "PROTOCOL")]
    protocol: Option<String>,
}

const COLUMNS: &[Column] = &[
    Column { title: "protocol", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "field", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "kind", fit: Fit::Whole(None), align: Align::Left },
    Column { title: "meaning", fit: Fit::CutEnd(40, None), align: Align::Left },
];

impl Fields {
    /// Writes the table to stdout.
    pub fn run(self, as_json: bool) -> Result<(), Failure> {
        let described: Vec<&Description> = match &self.protocol {
            None => entry::ALL.to_vec(),
            Some(name) => entry::ALL.iter().copied().filter(|one| one.macro_name == name).collect(),
        };
        if described.is_empty() {
            let known: Vec<_> = entry::ALL.iter().map(|one| one.macro_name).collect();
            return Err(anyhow!("no such protocol (known: {})", known.join(", ")).into());
        }
        let mut groups = vec![("(all)", entry::COMMON, &[][..])];
        groups.extend(described.iter().map(|one| (one.macro_name, one.fields, one.bodies)));
        let mut out = stdout();
        if as_json {
            let groups: Vec<Value> =
                groups.into_iter().map(|(name, fields, bodies)| dto(name, fields, bodies)).collect();
            json::write_pretty(&mut out, &Value::Array(groups))?;
            return Ok(out.flush()?);
        }
        let mut table = Table::new(&mut out, Screen::of_stdout(), COLUMNS);
        for (name, fields, bodies) in groups {
            for field in fields {
                let mark = if words::is_body(field, bodies) { "+" } else { "" };
                table.row(vec![
                    Cell::styled(name, Style::Faint),
                    Cell::new(&format!("{}{mark}", field.path)),
                    Cell::new(words::field(field)),
                    Cell::new(field.meaning),
                ])?;
            }
        }
        table.finish()?;
        Ok(out.flush()?)
    }
}

fn dto(name: &str, fields: &[Field], bodies: &[&[&str]]) -> Value {
    let fields: Vec<_> = fields
        .iter()
        .map(|field| {
            json!({"path": field.path, "kind": words::field(field), "meaning": field.meaning, "indexed": !words::is_body(field, bodies)})
        })
        .collect();
    json!({"protocol": name, "fields": fields})
}
