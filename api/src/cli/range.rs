//! `--from` and `--to`.

use clap::Args;
use segment::TimeRange;

use crate::failure::Failure;
use crate::instant;

/// A half-open range of packet time.
#[derive(Args, Debug)]
pub struct Range {
    /// First instant inside [default: the beginning]
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    from: Option<String>,
    /// First instant no longer inside [default: the end]
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    to: Option<String>,
}

impl Range {
    /// The range, or what is wrong with it.
    pub fn parse(&self) -> Result<TimeRange, Failure> {
        instant::range(self.from.as_deref(), self.to.as_deref()).map_err(Failure::CommandLine)
    }
}

/// KFL text, or where it is wrong. What it says of the answer as a whole must be what is heeded here.
pub fn parse_kfl(text: &str) -> Result<kfl::Query, Failure> {
    let query = kfl::parse(text, instant::now().millis()).map_err(|error| {
        Failure::CommandLine(format!(
            "the KFL text is wrong\n{}",
            crate::terminal::escape::block(&error.to_string())
        ))
    })?;
    let directives = query.directives();
    let unheeded = [
        (directives.latest.is_some(), "rlimit() is not supported here: use --order desc --limit N"),
        (directives.left_off.is_some(), "leftOff() is not supported here: use --from T"),
        (directives.recording.is_some(), "record() is not supported here: recordings have no names"),
    ];
    match unheeded.into_iter().find(|(is_said, _)| *is_said) {
        Some((_, why)) => Err(Failure::CommandLine(why.to_owned())),
        None => Ok(query),
    }
}

/// KFL text of what is counted. A limit would say which entries count, and nothing says which come first.
pub fn parse_counted_kfl(text: &str) -> Result<kfl::Query, Failure> {
    let query = parse_kfl(text)?;
    match query.limit() {
        Some(_) => {
            Err(Failure::CommandLine("limit() is not supported here: everything is counted".to_owned()))
        }
        None => Ok(query),
    }
}
