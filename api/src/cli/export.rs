//! `remora export`: packets as a plain pcapng file.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::output::Output;
use super::range::Range;
use super::{Place, coverage, filter};
use crate::dto;
use crate::failure::Failure;
use crate::format::json;
use crate::terminal::quantity::{bytes, counted};
use indexer::ExportFilter;

const ABOUT: &str = "Write packets to a pcapng file

The packets of a time range, or those of the exchanges that match a KFL text, or those that match a BPF expression, \
with their original times, lengths, interfaces and comments. Wireshark, tshark and tcpdump read the file. With \
`-o -` it goes to stdout. What the file covers is said on stderr (with --json on stdout, unless the packets go there).";

const AFTER: &str = "EXAMPLES
  remora export --from -15m -o last.pcapng
  remora export --filter 'http and response.status == 500' -o failed.pcapng
  remora export --bpf 'host 10.0.0.5 and port 53' -o - | tshark -r -";

const WHY_NO_REDACTION: &str = "an export holds the packets as they were seen";

/// Write packets to a pcapng file
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Export {
    #[command(flatten)]
    range: Range,
    /// Only the packets of exchanges that match
    #[arg(long, value_name = "KFL", conflicts_with = "bpf")]
    filter: Option<String>,
    /// Only packets that match, as tcpdump would
    #[arg(long, value_name = "EXPR")]
    bpf: Option<String>,
    /// The file to write; - is stdout
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Export {
    /// Writes the packets.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let filter = match (&self.filter, self.bpf) {
            (Some(kfl), _) => ExportFilter::Kfl(Box::new(filter::selection(kfl, WHY_NO_REDACTION)?)),
            (None, Some(expression)) => ExportFilter::Bpf(expression),
            (None, None) => ExportFilter::All,
        };
        let range = self.range.parse()?;
        crate::directory::require(place.path())?;
        let to_stdout = self.output == Path::new("-");
        // Opened before this process may write nowhere but in the data directory.
        let mut output = BufWriter::new(Output::open(&self.output)?);
        let data = place.open()?;
        let summary = data.export(range, filter, &mut output)?;
        let written = output.flush().and_then(|()| if to_stdout { Ok(()) } else { output.get_ref().sync() });
        written.with_context(|| format!("cannot write {}", self.output.display()))?;
        let found = format!("{} ({})", counted(summary.packets, "packet"), bytes(summary.bytes));
        if place.json && !to_stdout {
            let told = json!({
                "file": self.output.to_string_lossy(), "packets": summary.packets, "bytes": summary.bytes,
                "coverage": dto::coverage(&summary.coverage),
            });
            return Ok(json::write_line(&mut io::stdout().lock(), &told)?);
        }
        coverage::tell(&found, &summary.coverage);
        Ok(())
    }
}
