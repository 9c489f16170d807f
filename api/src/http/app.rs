//! What every answer is made with.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::asked;
use super::metrics::Metrics;
use super::options::Config;
use super::pool::Pool;
use super::position::Bases;
use super::problem::{Kind, Problem};
use super::rate::Rates;
use indexer::{Cancel, Data};
use kfl::Query;
use segment::Timestamp;

/// What this process does besides answering.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// It records.
    Records,
    /// It indexes what others record and import.
    Indexes,
    /// Nothing.
    Answers,
}

/// What every answer is made with.
pub struct App {
    /// The recordings.
    pub data: Arc<Data>,
    /// Where they lie.
    pub directory: PathBuf,
    /// What the command line said.
    pub config: Config,
    /// What else this process does.
    pub duty: Duty,
    /// Places for questions.
    pub questions: Pool,
    /// Places for streams of entries.
    pub streams: Pool,
    /// Places for exports.
    pub exports: Pool,
    /// Where the latest streams began.
    pub bases: Bases,
    /// How often each address asks.
    pub rates: Rates,
    /// What is counted.
    pub metrics: Metrics,
}

impl App {
    /// Of an open data directory.
    pub fn new(data: Data, config: Config, duty: Duty) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            directory: data.layout().root().to_owned(),
            data: Arc::new(data),
            config,
            duty,
            // Most questions wait for the disk now and then.
            questions: Pool::new(QUESTIONS_MIN.max(2 * cores)),
            streams: Pool::new(STREAMS_MAX),
            exports: Pool::new(EXPORTS_MAX),
            bases: Bases::default(),
            rates: Rates::default(),
            metrics: Metrics::default(),
        }
    }

    /// Asks the recordings on a thread of its own.
    ///
    /// # Errors
    /// What `work` says, or that there is no place for it.
    pub async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Data, &Cancel) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let data = Arc::clone(&self.data);
        self.questions.run(move |cancel| work(&data, cancel)).await
    }

    /// A filter for entries; it can't be used to guess what is not shown.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn filter(&self, text: &str, now: Timestamp) -> Result<Query, Problem> {
        self.config.policy.veil(asked::filter(text, now)?, now)
    }

    /// A filter for what is counted.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn counted(&self, text: &str, now: Timestamp) -> Result<Query, Problem> {
        let query = asked::counted(text, now)?;
        if self.config.policy.hides_labels() {
            return self.config.policy.veiled(&query, now);
        }
        self.config.policy.veil(query, now)
    }

    /// Packets, and what was said on a connection, are shown whole or not at all.
    ///
    /// # Errors
    /// When something is not shown.
    pub fn shows_packets(&self) -> Result<(), Problem> {
        if self.config.policy.is_empty() {
            return Ok(());
        }
        Err(Problem::new(
            Kind::Withheld,
            "packets hold what this server was told to redact, and are not shown",
        ))
    }

    /// The recorder's latest counters, which it replaces once a second; null when it never ran here.
    pub fn recorder_status(&self) -> Value {
        let text = std::fs::read(self.data.layout().status_file()).ok();
        text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }
}

/// Questions at once, at least.
const QUESTIONS_MIN: usize = 4;
/// Streams at once: each looks for something new ten times a second.
const STREAMS_MAX: usize = 32;
/// Exports at once: each keeps a disk or a processor busy.
const EXPORTS_MAX: usize = 4;
