//! Counts, sums and comparisons.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::State;
use segment::Timestamp;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::dto::{differences, totals};
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::asked::{self, Asked};
use crate::http::pool::budget;
use crate::http::problem::Problem;
use crate::instant;
use indexer::{Cancel, DiffOptions, FieldPath, Scope, Width};

/// Stretches of time where nothing else is said, and at most.
const BUCKETS: u64 = 120;
const BUCKETS_MAX: u64 = 2_000;
/// Values of a field.
const VALUES: u64 = 20;
const VALUES_MAX: u64 = 1_000;
/// Endpoints.
const ENDPOINTS: u64 = 1_000;
const ENDPOINTS_MAX: u64 = 10_000;
/// Changes.
const CHANGES: u64 = 200;
const CHANGES_MAX: u64 = 10_000;
/// Endpoints and edges with fewer exchanges are not compared where nothing else is said.
const COMPARED_MIN: u64 = 10;
/// The share of changes that may be chance.
const FALSE_RATE: f64 = 0.01;
/// Bodies that are opened in each stretch to compare JSON fields.
const BODIES: usize = 50;

/// What is counted.
#[derive(Deserialize, IntoParams, Debug)]
pub struct Counted {
    /// What counts, in KFL. Empty: everything.
    #[serde(default)]
    q: String,
    /// First instant inside.
    from: Option<String>,
    /// First instant no longer inside.
    to: Option<String>,
}

impl Counted {
    fn read(&self, app: &App, now: Timestamp) -> Result<(kfl::Query, segment::TimeRange), Problem> {
        let query = app.counted(&self.q, now)?;
        let range = asked::range(["from", "to"], self.from.as_deref(), self.to.as_deref(), now)?;
        Ok((query, range))
    }
}

fn scope(range: segment::TimeRange, cancel: &Cancel) -> Scope {
    Scope { range, budget: budget(cancel) }
}

/// How counts over time are told apart.
#[derive(Deserialize, IntoParams, Debug)]
pub struct Histogram {
    /// What counts, in KFL. Empty: everything.
    #[serde(default)]
    q: String,
    /// First instant inside.
    from: Option<String>,
    /// First instant no longer inside.
    to: Option<String>,
    /// By what series are told apart.
    #[serde(default)]
    by: By,
    /// Most stretches of time; their length is chosen.
    buckets: Option<u64>,
}

/// By what series are told apart.
#[derive(Deserialize, Clone, Copy, Default, Debug, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// How it went.
    Class,
    /// The protocol.
    Protocol,
    /// Who asked.
    Source,
    /// Who was asked.
    Destination,
    /// The node that recorded it.
    Node,
    /// Not at all.
    #[default]
    None,
}

/// `GET /histogram`.
pub async fn histogram(
    State(app): State<Arc<App>>,
    Asked(asked): Asked<Histogram>,
) -> Result<Answer, Problem> {
    let Histogram { q, from, to, by, buckets } = asked;
    let (query, range) = Counted { q, from, to }.read(&app, instant::now())?;
    let buckets = asked::at_most("buckets", buckets, BUCKETS, BUCKETS_MAX)?;
    let width = Width::Target(u32::try_from(buckets).unwrap_or(u32::MAX));
    let by = match by {
        By::Class => indexer::By::Class,
        By::Protocol => indexer::By::Protocol,
        By::Source => indexer::By::Source,
        By::Destination => indexer::By::Destination,
        By::Node => indexer::By::Node,
        By::None => indexer::By::Nothing,
    };
    let counted = app.ask(move |data, cancel| {
        Ok(totals::timeline(&data.timeline(&query, &scope(range, cancel), by, width)?))
    });
    Ok(Answer::of(&counted.await?))
}

/// Whose values are counted.
#[derive(Deserialize, IntoParams, Debug)]
pub struct Top {
    /// The field, as KFL writes it.
    field: String,
    /// What counts, in KFL. Empty: everything.
    #[serde(default)]
    q: String,
    /// First instant inside.
    from: Option<String>,
    /// First instant no longer inside.
    to: Option<String>,
    /// Most values.
    limit: Option<u64>,
}

/// `GET /top`.
pub async fn top(State(app): State<Arc<App>>, Asked(asked): Asked<Top>) -> Result<Answer, Problem> {
    let Top { field, q, from, to, limit } = asked;
    let now = instant::now();
    let (query, range) = Counted { q, from, to }.read(&app, now)?;
    let limit = asked::at_most("limit", limit, VALUES, VALUES_MAX)?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let path = FieldPath::new(&field).map_err(|error| Problem::request(format!("field: {error}")))?;
    let policy = &app.config.policy;
    let query = if policy.may_be_seen(path.path()) { policy.veiled(&query, now)? } else { query };
    let counted = app.ask(move |data, cancel| {
        Ok(totals::top(&field, &data.top(&path, &query, &scope(range, cancel), limit)?))
    });
    Ok(Answer::of(&counted.await?))
}

/// `GET /map`.
pub async fn map(State(app): State<Arc<App>>, Asked(asked): Asked<Counted>) -> Result<Answer, Problem> {
    let (query, range) = asked.read(&app, instant::now())?;
    let map = app
        .ask(move |data, cancel| Ok(totals::service_map(&data.service_map(&query, &scope(range, cancel))?)));
    Ok(Answer::of(&map.await?))
}

/// Which endpoints.
#[derive(Deserialize, IntoParams, Debug)]
pub struct Endpoints {
    /// What counts, in KFL. Empty: everything.
    #[serde(default)]
    q: String,
    /// First instant inside.
    from: Option<String>,
    /// First instant no longer inside.
    to: Option<String>,
    /// Most endpoints; those that were asked most often come first.
    limit: Option<u64>,
}

/// `GET /endpoints`.
pub async fn endpoints(
    State(app): State<Arc<App>>,
    Asked(asked): Asked<Endpoints>,
) -> Result<Answer, Problem> {
    let Endpoints { q, from, to, limit } = asked;
    let (query, range) = Counted { q, from, to }.read(&app, instant::now())?;
    let limit = asked::at_most("limit", limit, ENDPOINTS, ENDPOINTS_MAX)?;
    let found = app.ask(move |data, cancel| {
        let mut found = data.endpoints(&query, &scope(range, cancel))?;
        // Stable: what is equal stays in order of names.
        found.endpoints.sort_by_key(|(_, tally)| Reverse(tally.count));
        found.endpoints.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(totals::endpoints(&found))
    });
    Ok(Answer::of(&found.await?))
}

/// Which stretches of time are compared.
#[derive(Deserialize, IntoParams, Debug)]
#[serde(rename_all = "camelCase")]
#[into_params(rename_all = "camelCase")]
pub struct Diff {
    /// What counts, in KFL. Empty: everything.
    #[serde(default)]
    q: String,
    /// First instant of the stretch before.
    a_from: Option<String>,
    /// First instant no longer in the stretch before.
    a_to: Option<String>,
    /// First instant of the stretch after.
    b_from: Option<String>,
    /// First instant no longer in the stretch after.
    b_to: Option<String>,
    /// Endpoints and edges with fewer exchanges are left out.
    min_count: Option<u64>,
    /// Most changes.
    limit: Option<u64>,
}

/// `GET /diff`.
pub async fn diff(State(app): State<Arc<App>>, Asked(asked): Asked<Diff>) -> Result<Answer, Problem> {
    let now = instant::now();
    let query = app.counted(&asked.q, now)?;
    let before = asked::range(["aFrom", "aTo"], asked.a_from.as_deref(), asked.a_to.as_deref(), now)?;
    let after = asked::range(["bFrom", "bTo"], asked.b_from.as_deref(), asked.b_to.as_deref(), now)?;
    let limit = asked::at_most("limit", asked.limit, CHANGES, CHANGES_MAX)?;
    let count_min = asked.min_count.unwrap_or(COMPARED_MIN);
    let found = app.ask(move |data, cancel| {
        let options = DiffOptions {
            before: scope(before, cancel),
            after: scope(after, cancel),
            count_min,
            false_rate_max: FALSE_RATE,
            bodies_max: BODIES,
            now_ms: now.millis(),
        };
        let mut found = data.diff(&query, &options)?;
        found.changes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(differences::diff(&found))
    });
    Ok(Answer::of(&found.await?))
}
