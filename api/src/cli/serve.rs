//! `remora serve`: the dashboard and the API over a data directory.

use std::io::Write;

use anyhow::Context;
use clap::Args;
use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::{Place, stdout};
use crate::failure::Failure;
use crate::format::json;
use crate::http::{Duty, Options, Server};
use indexer::Indexing;

const ABOUT: &str = "Serve the dashboard and the API

Answers on 127.0.0.1:8898 unless told otherwise, and indexes what is in the data directory and what comes to it. \
`remora record` does the same while it records. Ctrl-C ends it.

On an address that others can reach, who asks needs a token: it is told at the start, or lies in a file that is named. \
Requests to names that aren't this server's, and those that pages of other sites make, are refused.";

const AFTER: &str = "EXAMPLES
  remora serve
  remora serve --listen 127.0.0.1:9000 --data /srv/remora
  remora serve --listen 0.0.0.0:8898 --tls-cert cert.pem --tls-key key.pem --redact secrets
  curl -s 'http://127.0.0.1:8898/api/v1/entries?q=http&from=-15m' | jq .entries";

/// Serve the dashboard and the API
#[derive(Args, Debug)]
#[command(long_about = ABOUT, after_long_help = AFTER)]
pub struct Serve {
    #[command(flatten)]
    options: Options,
    /// Index nothing: answer from what there is
    #[arg(long, help_heading = "Dashboard")]
    no_index: bool,
}

impl Serve {
    /// Serves until a signal comes.
    pub fn run(self, place: &Place) -> Result<(), Failure> {
        let config = self.options.check()?;
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM]).context("cannot catch signals")?;
        let data = place.open()?;
        let indexing = if self.no_index { None } else { Some(Indexing::start(place.path())?) };
        let duty = if indexing.is_some() { Duty::Indexes } else { Duty::Answers };
        let server = Server::start(data, config, duty)?;
        let mut out = stdout();
        match (place.json, &server.new_token) {
            (true, token) => {
                json::write_line(
                    &mut out,
                    &json!({ "event": "serving", "url": server.url(), "token": token }),
                )?;
            }
            (false, None) => writeln!(out, "dashboard at {}", server.url())?,
            (false, Some(token)) => writeln!(out, "dashboard at {}, token {token}", server.url())?,
        }
        out.flush()?;
        drop(out);
        signals.forever().next();
        drop(server);
        drop(indexing);
        Ok(())
    }
}
