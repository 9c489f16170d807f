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
