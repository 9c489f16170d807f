//! The command line: one file for each subcommand.
//!
//! [`run`] does what all have in common: it finds the data directory and, before any recorded byte is read,
//! gives up all privileges. `record` and `import` start the recorder first, `export` opens its output first;
//! so those three confine themselves.

use std::io::{self, BufWriter, IsTerminal, StdoutLock};
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand};
use serde_json::Value;

use crate::failure::Failure;
use crate::{confine, directory};
use indexer::{Data, Schemas};

mod cost;
mod count;
mod coverage;
mod diff;
mod endpoints;
mod explain;
mod export;
mod fields;
mod filter;
mod hunt;
mod import;
mod kfl;
mod map;
mod output;
mod pages;
mod query;
mod range;
mod record;
mod reindex;
mod segments;
mod serve;
mod show;
mod stats;
mod top;
mod verify;

/// Variable with the log filter, as `tracing` reads it.
const LOG_VARIABLE: &str = "REMORA_LOG";

const ABOUT: &str = "Remora is a flight recorder for the network, and a time-travel database over what it recorded.

`remora record` keeps everything that passes in compressed segment files; `remora query` asks, also much later, what \
happened between two instants, and answers with exchanges, with the packets behind them, and with what was lost.

The program gives up every privilege at its start, also when root runs it, and lets the kernel refuse it any write \
outside the data directory. Only `remora-recorder`, which `record` starts, keeps CAP_NET_RAW, and it reads no payload.";

const AFTER: &str = "EXAMPLES
  Record every interface until Ctrl-C:
      sudo remora record
  Read a capture file, then look for failed requests:
      remora import shop.pcapng
      remora query 'http and response.status >= 500'
  What did the shop answer in the last five minutes?
      remora query 'http and dst.name == \"shop\"' --from -5m
  One exchange in full, with its packets:
      remora show ID --packets

TIMES
  RFC 3339 (2026-11-21T10:00:00Z), Unix time (1795255200; longer numbers are ms, µs, ns), `now`, or relative \
(-15m; units ms s m h d w). Without an offset a time is UTC, and all times are printed in UTC. Ranges are half-open: \
--from is inside, --to is not.

EXIT STATUS
  0  done, an empty answer too
  1  it failed: one line on stderr says what, where, and what to do
  2  the command line or the KFL text is wrong

ENVIRONMENT
  REMORA_DATA      the data directory
  REMORA_RECORDER  the recorder, if it is neither beside `remora` nor in the PATH
  REMORA_PROTO_DESCRIPTORS
                   schemas of gRPC messages, see --proto-descriptors
  REMORA_LOG       what is logged to stderr: error, warn, info, debug, or per module
  NO_COLOR         no colour, also on a terminal";

/// The whole command line.
#[derive(Parser, Debug)]
#[command(name = "remora", version, about = "Record the network, and ask later what happened", long_about = ABOUT,
          after_long_help = AFTER, max_term_width = 110, arg_required_else_help = true, propagate_version = true)]
pub struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// What every subcommand takes.
#[derive(Args, Debug)]
pub struct Common {
    /// Data directory [default: ~/.local/share/remora]
    ///
    /// Without it, $XDG_DATA_HOME/remora is taken, or ~/.local/share/remora where that is not set.
    #[arg(long, global = true, env = "REMORA_DATA", value_name = "DIR", hide_env_values = true)]
    data: Option<PathBuf>,
    /// Schemas to show gRPC messages by, as `protoc --include_imports --descriptor_set_out=FILE` makes them
    ///
    /// May be given several times, or as a list with commas. Without one, messages are shown by their field numbers.
    #[arg(
        long,
        global = true,
        env = "REMORA_PROTO_DESCRIPTORS",
        value_name = "FILES",
        value_delimiter = ',',
        hide_env_values = true
    )]
    proto_descriptors: Vec<PathBuf>,
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    Record(record::Record),
    Serve(serve::Serve),
    Import(import::Import),
    Query(query::Query),
    Count(count::Count),
    Top(top::Top),
    Endpoints(endpoints::Endpoints),
    Map(map::Map),
    Diff(diff::Diff),
    Hunt(hunt::Hunt),
    Show(show::Show),
    Export(export::Export),
    Segments(segments::Segments),
    Stats(stats::Stats),
    Verify(verify::Verify),
    Reindex(reindex::Reindex),
    Fields(fields::Fields),
    Kfl(kfl::Kfl),
    Completion(pages::Completion),
    Man(pages::Man),
}

/// Does what the arguments say.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { common, command } = arguments;
    // What can be wrong with the arguments is found before anything is touched.
    match command {
        Command::Completion(completion) => return completion.run(),
        Command::Man(man) => return man.run(),
        Command::Fields(fields) => return fields.run(common.json),
        Command::Kfl(kfl) => return kfl.run(common),
        _ => {}
    }
    let place = Place {
        data: directory::resolve(common.data)?,
        json: common.json,
        proto_descriptors: common.proto_descriptors,
    };
    match command {
        Command::Record(record) => record.run(&place),
        Command::Serve(serve) => serve.run(&place),
        Command::Import(import) => import.run(&place),
        Command::Query(query) => query.run(&place),
        Command::Count(count) => count.run(&place),
        Command::Top(top) => top.run(&place),
        Command::Endpoints(endpoints) => endpoints.run(&place),
        Command::Map(map) => map.run(&place),
        Command::Diff(diff) => diff.run(&place),
        Command::Hunt(hunt) => hunt.run(&place),
        Command::Show(show) => show.run(&place),
        Command::Export(export) => export.run(&place),
        Command::Segments(segments) => segments.run(&place),
        Command::Stats(stats) => stats.run(&place),
        Command::Verify(verify) => verify.run(&place),
        Command::Reindex(reindex) => reindex.run(&place),
        Command::Completion(_) | Command::Man(_) | Command::Fields(_) | Command::Kfl(_) => Ok(()),
    }
}

/// Where a command works, and for whom it writes.
struct Place {
    data: PathBuf,
    json: bool,
    proto_descriptors: Vec<PathBuf>,
}

impl Place {
    /// Gives up all privileges, if there is a data directory to work in.
    fn enter(&self) -> Result<(), Failure> {
        directory::require(&self.data)?;
        confine::confine(Some(&self.data))?;
        Ok(directory::require_readable(&self.data)?)
    }

    /// The data directory, opened after all privileges are gone.
    fn open(&self) -> Result<Data, Failure> {
        self.enter()?;
        Ok(self.opened()?)
    }

    /// The same where all privileges are gone already.
    fn opened(&self) -> Result<Data, indexer::Error> {
        let data = Data::open(&self.data)?;
        if self.proto_descriptors.is_empty() {
            return Ok(data);
        }
        Ok(data.with_schemas(Schemas::read(&self.proto_descriptors)?))
    }

    /// The recorder's latest counters, which it replaces once a second; null when it never ran here.
    fn recorder_status(&self) -> Value {
        let text = std::fs::read(self.data.join("status.json")).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// The data directory's path.
    fn path(&self) -> &Path {
        &self.data
    }
}

/// Standard output, buffered; flush it before telling anything on stderr.
fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::new(io::stdout().lock())
}

/// Starts logging to stderr: warnings, or what `$REMORA_LOG` asks for. A recording that nobody looks at also
/// logs the rare facts that an operator wants.
pub fn start_log(arguments: &Arguments) {
    let unattended =
        matches!(arguments.command, Command::Record(_) | Command::Serve(_)) && !io::stderr().is_terminal();
    let default = if unattended { "warn,remora=info" } else { "warn" };
    let filter = tracing_subscriber::EnvFilter::try_from_env(LOG_VARIABLE)
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(default));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none())
        .init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent_and_every_subcommand_explains_itself() {
        Arguments::command().debug_assert();
        for subcommand in Arguments::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let name = subcommand.get_name();
            let long = subcommand.get_long_about().map(ToString::to_string).unwrap_or_default();
            let after = subcommand.get_after_long_help().map(ToString::to_string).unwrap_or_default();
            assert!(long.len() > 200, "{name}: {long}");
            assert!(after.contains("EXAMPLES"), "{name}");
        }
    }

    #[test]
    fn relative_times_are_no_options() {
        for line in
            [["remora", "query", "http", "--from", "-15m"], ["remora", "query", "http", "--to", "-1h30m"]]
        {
            Arguments::try_parse_from(line).unwrap();
        }
    }
}
