//! Captures packets and writes segments. Holds the privileges, parses no payload.
//!
//! `capture` is two processes: a supervisor, which watches, and a worker, which records with a thread
//! per interface, a writer, a sync thread and a keeper that seals, repairs and expires.
//!
//! ```text
//!   kernel ring ─▶ source::lane ─(32 batches)─▶ writer ─(1)─▶ sync
//!   64 MiB in all   one per interface             └──(4)─▶ keeper: seal, repair, expire
//! ```

mod cli;
mod supervisor;
mod watchdog;
mod worker;
mod source;
mod batch;
mod writer;
mod ledger;
mod budget;
mod report;
mod event;
mod data;
mod privileges;
mod clock;
mod error;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::error::Error;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_env("REMORA_LOG").unwrap_or_else(|_| "error".into()))
        .init();
    let done = match &cli.command {
        Command::Capture(args) => supervisor::run(args),
        Command::CaptureWorker(args) => worker::run(args),
        Command::Import(_) => Ok(false),
        Command::ListInterfaces => source::list().map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("remora-recorder: {error}");
            ExitCode::from(if matches!(error, Error::Config(_)) { 2 } else { 1 })
        }
    }
}
