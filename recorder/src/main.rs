//! Captures packets and writes segments. Holds the privileges, parses no payload.
//!
//! `capture` is two processes: a supervisor, which watches, and a worker, which records with a thread
//! per interface, a writer, a sync thread and a keeper that seals, repairs and expires.
//!
//! ```text
//!   kernel ring ─▶ source::lane ─(32 batches)─▶ writer ─(1)─▶ sync
//!   64 MiB in all   one per interface             └──(4)─▶ keeper: seal, repair, expire
//! ```

mod batch;
mod budget;
mod cli;
mod clock;
mod data;
mod error;
mod event;
mod import;
mod ledger;
mod privileges;
mod report;
mod source;
mod supervisor;
mod watchdog;
mod worker;
mod writer;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::error::Error;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("REMORA_LOG").unwrap_or_else(|_| "error".into()),
        )
        .init();
    let done = match &cli.command {
        Command::Capture(args) => supervisor::run(args),
        Command::CaptureWorker(args) => worker::run(args),
        Command::Import(args) => import::run(args),
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
