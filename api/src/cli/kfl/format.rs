//! `remora kfl format`: a text as it should be written.

use std::io::Write;

use clap::Args;

use super::text_of;
use crate::cli::{filter, stdout};
use crate::failure::Failure;

const AFTER: &str = "EXAMPLES
  remora kfl format 'http&&( response . status>=400||!tls )'
  remora kfl format - < filter.kfl";

/// Write a KFL text as it should be written: the same words and remarks, with the blanks where they help
#[derive(Args, Debug)]
#[command(after_long_help = AFTER)]
pub struct Format {
    /// The text; - is standard input
    text: String,
}

impl Format {
    /// Writes the formatted text to stdout.
    pub fn run(self) -> Result<(), Failure> {
        let formatted = kfl::format(&text_of(self.text)?).map_err(|error| filter::wrong(&error))?;
        let mut out = stdout();
        writeln!(out, "{formatted}")?;
        Ok(out.flush()?)
    }
}
