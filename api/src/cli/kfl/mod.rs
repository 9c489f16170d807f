//! `remora kfl`: help for who writes KFL, or tests what reads it.

use std::io::{self, Read};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::Common;
use crate::confine::confine;
use crate::failure::Failure;

mod check;
mod complete;
mod eval;
mod format;

const ABOUT: &str = "Check, format, try out and complete KFL texts

KFL is the filter language of `remora query`. `check` says whether a text is KFL and what it reads, `format` writes it \
as it should be written, `eval` tries it on records from a file, and `complete` says what may come next. Only \
`complete` looks into the recording, for values, and does without if there is none.";

const AFTER: &str = "EXAMPLES
  remora kfl check 'http and response.statsu >= 400'
  remora kfl format 'http&&response.status>=400'
  remora query http --format jsonl | remora kfl eval 'request.method == \"POST\"'
  remora kfl complete 'http and response.st'";

/// Check, format, try out and complete KFL texts
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER, arg_required_else_help = true)]
pub struct Kfl {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand, Debug)]
enum Task {
    Check(check::Check),
    Format(format::Format),
    Eval(eval::Eval),
    Complete(complete::Complete),
}

impl Kfl {
    /// Does what the subcommand says.
    pub fn run(self, common: Common) -> Result<(), Failure> {
        match self.task {
            Task::Check(check) => {
                confine(None)?;
                check.run(common.json)
            }
            Task::Format(format) => {
                confine(None)?;
                format.run()
            }
            // It opens its input first.
            Task::Eval(eval) => eval.run(),
            Task::Complete(complete) => complete.run(common),
        }
    }
}

/// The text of the command line; `-` is standard input, of which no more is read than KFL may be long.
fn text_of(argument: String) -> Result<String, Failure> {
    if argument != "-" {
        return Ok(argument);
    }
    let bytes_max = u64::try_from(kfl::TEXT_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = String::new();
    // One more tells KFL that the text is too long.
    let mut input = io::stdin().lock().take(bytes_max.saturating_add(1));
    input.read_to_string(&mut text).context("cannot read the KFL text from standard input")?;
    Ok(text)
}
