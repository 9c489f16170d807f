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
const COMPARED_MIN_MAX: u64 = 1_000_000_000;
/// The share of changes that may be chance.
const FALSE_RATE: f64 = 0.01;
/// Bodies that are opened in each stretch to compare JSON fields.
const BODIES: usize = 50;

/// What is counted.
#[derive(Deserialize, IntoParams, Debug)]
#[into_params(parameter_in = Query)]
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
#[into_params(parameter_in = Query)]
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
    #[param(inline)]
    by: By,
    /// Most stretches of time; their length is chosen.
    #[param(minimum = 1, maximum = 2000, default = 120)]
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

/// How many over time.
///
/// Stretches of time begin at multiples of their length.
#[utoipa::path(get, path = "/histogram", tag = "Totals", params(Histogram), responses((status = 200, description = "Counts over time", body = totals::Timeline)))]
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
#[into_params(parameter_in = Query)]
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
    #[param(minimum = 1, maximum = 1000, default = 20)]
    limit: Option<u64>,
}

/// The most common values of a field.
///
/// An entry with a list counts for each value in it, once.
#[utoipa::path(get, path = "/top", tag = "Totals", params(Top), responses((status = 200, description = "Values", body = totals::Top)))]
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

/// Who spoke with whom.
///
/// By the names that both ends had then.
#[utoipa::path(get, path = "/map", tag = "Totals", params(Counted), responses((status = 200, description = "A graph", body = totals::ServiceMap)))]
pub async fn map(State(app): State<Arc<App>>, Asked(asked): Asked<Counted>) -> Result<Answer, Problem> {
    let (query, range) = asked.read(&app, instant::now())?;
    let map = app
        .ask(move |data, cancel| Ok(totals::service_map(&data.service_map(&query, &scope(range, cancel))?)));
    Ok(Answer::of(&map.await?))
}

/// Which endpoints.
#[derive(Deserialize, IntoParams, Debug)]
#[into_params(parameter_in = Query)]
pub struct Endpoints {
    /// What counts, in KFL. Empty: everything.
    #[serde(default)]
    q: String,
    /// First instant inside.
    from: Option<String>,
    /// First instant no longer inside.
    to: Option<String>,
    /// Most endpoints; those that were asked most often come first.
    #[param(minimum = 1, maximum = 10000, default = 1000)]
    limit: Option<u64>,
}

/// What was asked of whom, how often, how fast and with which success.
///
/// Ids and values are taken out of paths and statements.
#[utoipa::path(get, path = "/endpoints", tag = "Totals", params(Endpoints), responses((status = 200, description = "Endpoints", body = totals::Endpoints)))]
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
#[into_params(rename_all = "camelCase", parameter_in = Query)]
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
    #[param(minimum = 0, maximum = 1000000000, default = 10)]
    min_count: Option<u64>,
    /// Most changes.
    #[param(minimum = 1, maximum = 10000, default = 200)]
    limit: Option<u64>,
}

/// What changed between two stretches of time.
///
/// Each change names the test that found it; `q` is adjusted for how many tests were made.
#[utoipa::path(get, path = "/diff", tag = "Totals", params(Diff), responses((status = 200, description = "Changes", body = differences::Diff)))]
pub async fn diff(State(app): State<Arc<App>>, Asked(asked): Asked<Diff>) -> Result<Answer, Problem> {
    let now = instant::now();
    let query = app.counted(&asked.q, now)?;
    let before = asked::range(["aFrom", "aTo"], asked.a_from.as_deref(), asked.a_to.as_deref(), now)?;
    let after = asked::range(["bFrom", "bTo"], asked.b_from.as_deref(), asked.b_to.as_deref(), now)?;
    let limit = asked::at_most("limit", asked.limit, CHANGES, CHANGES_MAX)?;
    let count_min = match asked.min_count {
        Some(0) => 0,
        given => asked::at_most("minCount", given, COMPARED_MIN, COMPARED_MIN_MAX)?,
    };
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
