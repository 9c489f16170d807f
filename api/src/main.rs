//! `remora`: the command line, and the server behind the dashboard.
//!
//! Whoever reads hostile bytes holds no capability: before this process touches any recorded data it starts
//! `remora-recorder` if the command needs it, then gives up every privilege ([`confine`]). What follows is
//! reading arguments ([`cli`]), asking the indexer, and writing the answer ([`format`], [`terminal`]), also to browsers ([`http`]).

use std::process::ExitCode;

use clap::Parser;

mod chain;
mod cli;
mod confine;
mod directory;
mod dto;
mod failure;
mod format;
mod http;
mod instant;
mod recorder;
mod terminal;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    cli::start_log(&arguments);
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
