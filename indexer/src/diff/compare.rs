//! Endpoints and edges of both stretches, side by side.

use std::collections::BTreeMap;

use kfl::Query;

use super::statistics::{adjusted, mann_whitney, poisson_rates, two_proportions};
use super::{Change, DiffOptions, Subject, Test, What};
use crate::Error;
use crate::aggregate::{EndpointTotals, Latencies, Scope, ServiceMap, Tally};
use crate::data::Data;

/// Error rates that moved by less are no change.
const SHARE_MIN: f64 = 0.01;
/// Latencies whose Cliff's delta is less are negligible (Romano et al. 2006).
const DELTA_MIN: f64 = 0.147;
/// The share of exchanges that are slower than 95 % of those before has to grow to this at least.
const TAIL_SHARE_MIN: f64 = 0.1;
/// Rates that changed by less than this factor are no change.
const RATIO_MIN: f64 = 1.5;
/// A percentile that changed by less than this factor is no change.
const PERCENTILE_RATIO_MIN: f64 = 1.1;

/// The sums of one stretch.
pub struct Sums {
    /// By endpoint.
    pub endpoints: EndpointTotals,
    /// By edge.
    pub map: ServiceMap,
}

impl Sums {
    /// Of a stretch.
    ///
    /// # Errors
    /// When the directory can't be listed.
    pub fn of(data: &Data, query: &Query, scope: &Scope) -> Result<Self, Error> {
        Ok(Self { endpoints: data.endpoints(query, scope)?, map: data.service_map(query, scope)? })
    }

    /// Seconds of it that something was recorded in; 1 where that isn't known.
    fn seconds(&self) -> f64 {
        let length_ns = self.endpoints.window.map(|window| window.end().since(window.start()));
        length_ns.filter(|ns| *ns > 0).map_or(1.0, |ns| ns as f64 / 1e9)
    }
}

/// What was found so far.
#[derive(Default)]
pub struct Found {
    /// Every test that was made, with its line where the effect is large enough for one.
    tested: Vec<(f64, Option<Change>)>,
    /// Lines without a test.
    seen: Vec<Change>,
    /// What could not be compared, and why.
    pub notes: Vec<String>,
}

impl Found {
    /// Takes the line of a test; it counts as made also where there is nothing to report.
    pub fn test(&mut self, is_effect: bool, change: Change) {
        let p = change.test.map_or(1.0, |test| test.p);
        self.tested.push((p, Some(change).filter(|_| is_effect)));
    }

    /// Takes a line without a test.
    pub fn see(&mut self, change: Change) {
        self.seen.push(change.scored());
    }

    /// The lines that hold up to the number of tests, in order, and that number.
    pub fn reported(&mut self, false_rate_max: f64) -> (Vec<Change>, usize) {
        let tested = std::mem::take(&mut self.tested);
        let tests = tested.len();
        let p_values: Vec<f64> = tested.iter().map(|(p, _)| *p).collect();
        let mut changes = std::mem::take(&mut self.seen);
        for ((_, change), q) in tested.into_iter().zip(adjusted(&p_values)) {
            let Some(mut change) = change.filter(|_| q <= false_rate_max) else { continue };
            if let Some(test) = &mut change.test {
                test.q = q;
            }
            changes.push(change.scored());
        }
        changes.sort_by(|a, b| {
            b.score.total_cmp(&a.score).then_with(|| (a.what, &a.subject).cmp(&(b.what, &b.subject)))
        });
        (changes, tests)
    }
}

/// Compares endpoints and edges.
pub fn compare(before: &Sums, after: &Sums, options: &DiffOptions, found: &mut Found) {
    let seconds = [before.seconds(), after.seconds()];
    if [before, after].iter().any(|sums| sums.endpoints.window.is_none()) {
        found.notes.push(
            "nothing was recorded in one of both, or how long is not known: rates count it as 1 s".to_owned(),
        );
    }
    if [before, after].iter().any(|sums| sums.endpoints.others.is_some() || sums.map.others.is_some()) {
        found.notes.push("there are too many endpoints or edges: not all were compared".to_owned());
    }
    let none = Tally::default();
    for (endpoint, [a, b]) in side_by_side(&before.endpoints.endpoints, &after.endpoints.endpoints) {
        let (a, b) = (a.unwrap_or(&none), b.unwrap_or(&none));
        if a.count.max(b.count) < options.count_min {
            continue;
        }
        let subject = Subject::Endpoint(endpoint.clone());
        match (a.count, b.count) {
            (0, _) => rate(What::EndpointNew, subject, [a.count, b.count], seconds, found),
            (_, 0) => rate(What::EndpointGone, subject, [a.count, b.count], seconds, found),
            _ => {
                rate(What::Rate, subject.clone(), [a.count, b.count], seconds, found);
                if a.count.min(b.count) >= options.count_min {
                    outcome(&subject, a, b, found);
                }
            }
        }
    }
    for (edge, [a, b]) in side_by_side(&before.map.edges, &after.map.edges) {
        let of = |tally: Option<&Tally>| tally.map_or(0, |tally| tally.count + tally.flows);
        let counts = [of(a), of(b)];
        let what = match counts {
            [0, _] => What::EdgeNew,
            [_, 0] => What::EdgeGone,
            _ => continue,
        };
        if counts[0].max(counts[1]) >= options.count_min {
            rate(what, Subject::Edge(edge.clone()), counts, seconds, found);
        }
    }
}

/// Both sums of each.
fn side_by_side<'t, K: Ord>(
    before: &'t [(K, Tally)],
    after: &'t [(K, Tally)],
) -> BTreeMap<&'t K, [Option<&'t Tally>; 2]> {
    let mut both: BTreeMap<&K, [Option<&Tally>; 2]> = BTreeMap::new();
    for (at, sums) in [before, after].into_iter().enumerate() {
        for (key, tally) in sums {
            both.entry(key).or_default()[at] = Some(tally);
        }
    }
    both
}

/// How many there are in the same time; also of what is new or gone.
fn rate(what: What, subject: Subject, counts: [u64; 2], seconds: [f64; 2], found: &mut Found) {
    let [before, after] = [0, 1].map(|at| counts[at] as f64 / seconds[at]);
    let ratio = after / before;
    let p = poisson_rates(counts, seconds);
    let test = Test { name: "Poisson rate ratio", statistic: ratio, p, q: 1.0 };
    let smaller_by_larger = if ratio > 1.0 { 1.0 / ratio } else { ratio };
    let change = line(what, subject, [before, after], counts, 1.0 - smaller_by_larger, test);
    found.test(!(1.0 / RATIO_MIN..=RATIO_MIN).contains(&ratio), change);
}

/// How exchanges went and how long they took.
fn outcome(subject: &Subject, a: &Tally, b: &Tally, found: &mut Found) {
    let counts = [a.count, b.count];
    for (what, hits) in
        [(What::ErrorRate, [a.errors, b.errors]), (What::ClientErrorRate, [a.client_errors, b.client_errors])]
    {
        if hits == [0, 0] {
            continue;
        }
        let [before, after] = [0, 1].map(|at| hits[at] as f64 / counts[at] as f64);
        let (z, p) = two_proportions(hits, counts);
        let test = Test { name: "two-proportion z", statistic: z, p, q: 1.0 };
        let effect = (after - before).abs();
        found.test(effect >= SHARE_MIN, line(what, subject.clone(), [before, after], counts, effect, test));
    }
    latency(subject, a, b, found);
}

fn latency(subject: &Subject, a: &Tally, b: &Tally, found: &mut Found) {
    let (a, b) = (&a.latencies, &b.latencies);
    let counts = [a.count(), b.count()];
    let both = |share| Some([a.quantile_us(share)? as f64, b.quantile_us(share)? as f64]);
    let (Some(median), Some(high)) = (both(0.5), both(0.95)) else { return };
    let (z, p, delta) = mann_whitney(a.cells(), b.cells());
    let test = Test { name: "Mann-Whitney U", statistic: z, p, q: 1.0 };
    let is_shift = delta.abs() >= DELTA_MIN && differs(median);
    found.test(is_shift, line(What::Latency, subject.clone(), median, counts, delta.abs(), test));
    if is_shift {
        return;
    }
    // Where the middle stays, the slowest may still have become slower: more than 95 % of those before, or fewer.
    let threshold = cell_of_p95(a);
    let slower = |latencies: &Latencies| -> u64 {
        latencies.cells().filter(|(us, _)| *us > threshold).map(|(_, count)| count).sum()
    };
    let hits = [slower(a), slower(b)];
    let (z, p) = two_proportions(hits, counts);
    let test = Test { name: "two-proportion z of those above the p95 before", statistic: z, p, q: 1.0 };
    let [share_before, share_after] = [0, 1].map(|at| hits[at] as f64 / counts[at] as f64);
    let is_tail = share_after >= TAIL_SHARE_MIN && differs(high);
    let effect = (share_after - share_before).abs();
    found.test(is_tail, line(What::Tail, subject.clone(), high, counts, effect, test));
}

/// By what the cell with the 95th percentile is told; a percentile itself may be told as less.
fn cell_of_p95(latencies: &Latencies) -> u64 {
    let rank = latencies.count().saturating_mul(95).div_ceil(100);
    let mut passed = 0;
    let mut cells = latencies.cells().skip_while(|(_, count)| {
        passed += count;
        passed < rank
    });
    cells.next().map_or(0, |(us, _)| us)
}

fn differs([before, after]: [f64; 2]) -> bool {
    let ratio = after.max(1.0) / before.max(1.0);
    !(1.0 / PERCENTILE_RATIO_MIN..=PERCENTILE_RATIO_MIN).contains(&ratio)
}

/// A line of a test.
pub fn line(
    what: What,
    subject: Subject,
    [before, after]: [f64; 2],
    [count_before, count_after]: [u64; 2],
    effect: f64,
    test: Test,
) -> Change {
    Change { what, subject, before, after, count_before, count_after, effect, score: 0.0, test: Some(test) }
}
