//! What an answer may cost, and Ctrl-C, which ends it with what there is.

use std::time::Duration;

use clap::Args;
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use crate::failure::Failure;
use crate::instant;
use indexer::{Budget, Cancel};

/// What an answer may cost.
#[derive(Args, Debug)]
pub struct Cost {
    /// End the answer after so long, e.g. 10s [default: never]
    #[arg(long, value_name = "DURATION", help_heading = "Cost")]
    time_max: Option<String>,
    /// End the answer when so many bytes of indexes were read [default: never]
    #[arg(long, value_name = "BYTES", help_heading = "Cost")]
    read_bytes_max: Option<u64>,
    /// End the answer when it takes so many bytes of memory [default: 1 GiB]
    #[arg(long, value_name = "BYTES", help_heading = "Cost")]
    memory_bytes_max: Option<u64>,
}

impl Cost {
    /// The budget, or what is wrong with it. Ctrl-C ends what is asked with it; a second one ends the program.
    pub fn budget(&self) -> Result<Budget, Failure> {
        let wrong = |error| Failure::CommandLine(format!("--time-max: {error}"));
        let time_ns = self.time_max.as_deref().map(instant::length_ns).transpose().map_err(wrong)?;
        let mut budget = Budget::default();
        budget.time_max = time_ns.and_then(|ns| u64::try_from(ns).ok()).map(Duration::from_nanos);
        budget.read_bytes_max = self.read_bytes_max;
        budget.memory_bytes_max = self.memory_bytes_max.unwrap_or(budget.memory_bytes_max);
        cancel_on_interrupt(&budget.cancel)?;
        Ok(budget)
    }
}

fn cancel_on_interrupt(cancel: &Cancel) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGINT])?;
    let cancel = cancel.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if cancel.is_cancelled() {
                let _ = signal_hook::low_level::emulate_default_handler(signal);
            }
            cancel.cancel();
        }
    })?;
    Ok(())
}
