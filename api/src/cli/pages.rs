//! Shell completion and man pages, made from the command line's own definition.

use std::io::Write;

use anyhow::{Context, anyhow};
use clap::{Args, CommandFactory};

use super::{Arguments, stdout};
use crate::confine;
use crate::failure::Failure;

/// Print a completion script, e.g. remora completion bash > /etc/bash_completion.d/remora
#[derive(Args, Debug)]
#[command(hide = true)]
pub struct Completion {
    /// The shell to complete in
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// Print a man page, e.g. remora man query | man -l -
#[derive(Args, Debug)]
#[command(hide = true)]
pub struct Man {
    /// A subcommand; without one, the page of `remora` itself
    subcommand: Option<String>,
}

impl Completion {
    /// Writes the script to stdout.
    pub fn run(self) -> Result<(), Failure> {
        confine::confine(None)?;
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "remora", &mut script);
        let mut out = stdout();
        out.write_all(&script)?;
        Ok(out.flush()?)
    }
}

impl Man {
    /// Writes the page to stdout.
    pub fn run(self) -> Result<(), Failure> {
        confine::confine(None)?;
        let mut root = Arguments::command();
        root.build();
        let command = match &self.subcommand {
            None => root,
            Some(name) => {
                let found = root.find_subcommand(name).filter(|command| !command.is_hide_set());
                let found = found.ok_or_else(|| Failure::CommandLine(format!("no subcommand `{name}`")))?;
                found.clone().name(format!("remora-{name}"))
            }
        };
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).context("cannot make the page")?;
        if page.is_empty() {
            return Err(anyhow!("the page came out empty").into());
        }
        let mut out = stdout();
        out.write_all(&page)?;
        Ok(out.flush()?)
    }
}
