//! What is counted by columns and terms is what one counts in the entries of an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use indexer::{
    Budget, By, Cancel, Class, Data, Edge, Endpoint, Facts, FieldPath, Indexing, QueryOptions, Scope, Stop,
    Tally, Width,
};
use proptest::prelude::*;
use segment::{TimeRange, Timestamp};
use serde_json::Value;

use crate::answers::{ask, question, scalars};
use crate::recording::{self, Recorder};

const FIELDS: [&str; 12] = [
    "protocol.abbr",
    "protocol.longName",
    "response.status",
    "dst.port",
    "request.headers",
    "request.headers.*",
    "request.path",
    "response.answers.*.name",
    "request.questions",
    "stream",
    "flow.protocol",
    "response.content.text",
];

/// What one counts oneself.
#[derive(Default)]
struct Counted {
    endpoints: BTreeMap<Endpoint, Sums>,
    edges: BTreeMap<Edge, Sums>,
}

/// A tally without percentiles, and the milliseconds that entries tell.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Sums {
    exchanges: [u64; 6],
    flows: [u64; 3],
    millis: Vec<u64>,
}

impl Sums {
    fn take(&mut self, facts: &Facts, millis: Option<u64>) {
        let (asked, answered) = (facts.request_bytes, facts.response_bytes);
        let add = |into: &mut [u64], parts: &[u64]| into.iter_mut().zip(parts).for_each(|(a, b)| *a += b);
        if facts.class == Class::Flow {
            return add(&mut self.flows, &[1, asked, answered]);
        }
        let flag = |is: bool| u64::from(is);
        let parts = [
            1,
            flag(matches!(facts.class, Class::ServerError | Class::Error)),
            flag(facts.class == Class::ClientError),
            flag(facts.class == Class::Unanswered),
            asked,
            answered,
        ];
        add(&mut self.exchanges, &parts);
        self.millis.extend(millis);
        self.millis.sort_unstable();
    }

    fn check(&self, tally: &Tally, what: &str) {
        let Tally { count, errors, client_errors, unanswered, request_bytes, response_bytes, .. } = tally;
        let exchanges = [*count, *errors, *client_errors, *unanswered, *request_bytes, *response_bytes];
        let flows = [tally.flows, tally.flow_request_bytes, tally.flow_response_bytes];
        assert_eq!((exchanges, flows), (self.exchanges, self.flows), "{what}");
        assert_eq!(tally.latencies.count(), self.millis.len() as u64, "{what}");
        for share in [0.5, 0.95, 1.0] {
            let rank = ((share * self.millis.len() as f64).ceil() as usize).max(1);
            let told = tally.latencies.quantile_us(share);
            let expected = self.millis.get(rank - 1).map(|millis| millis * 1_000);
            assert_eq!(told.is_some(), expected.is_some(), "{what}");
            let (told, expected) = (told.unwrap_or(0), expected.unwrap_or(0));
            assert!(told.abs_diff(expected) <= 501 + told / 128, "{what}: {told} {expected}");
        }
    }
}

fn start_ns(row: &Value) -> i64 {
    let start: jiff::Timestamp = row["startTime"].as_str().unwrap().parse().unwrap();
    i64::try_from(start.as_nanosecond()).unwrap()
}

fn label(by: By, row: &Value, facts: &Facts) -> String {
    match by {
        By::Nothing => String::new(),
        By::Protocol => facts.edge.protocol.clone(),
        By::Class => facts.class.name().to_owned(),
        By::Source => facts.edge.source.clone(),
        By::Destination => facts.edge.destination.clone(),
        By::Node => row["node"]["name"].as_str().unwrap().to_owned(),
    }
}

fn facts(row: &Value) -> Facts {
    Facts::of(row, row["elapsedTime"].as_u64().map(|millis| millis * 1_000_000))
}

/// Compares all aggregations of a question with its answer.
fn check(data: &Data, text: &str, range: TimeRange) {
    let (rows, _) = ask(data, text, QueryOptions { range, ..QueryOptions::default() });
    let query = kfl::parse(text, 0).unwrap();
    let scope = Scope { range, ..Scope::default() };
    let mut counted = Counted::default();
    for row in &rows {
        let facts = facts(row);
        if let Some(endpoint) = &facts.endpoint {
            counted
                .endpoints
                .entry(endpoint.clone())
                .or_default()
                .take(&facts, facts.elapsed_us.map(|us| us / 1_000));
        }
        counted
            .edges
            .entry(facts.edge.clone())
            .or_default()
            .take(&facts, facts.elapsed_us.map(|us| us / 1_000));
    }
    let endpoints = data.endpoints(&query, &scope).unwrap();
    assert_eq!(endpoints.coverage.entries, rows.len() as u64, "{text}");
    assert!(endpoints.others.is_none() && !endpoints.coverage.truncated);
    let names: BTreeSet<_> = endpoints.endpoints.iter().map(|(endpoint, _)| endpoint.clone()).collect();
    assert_eq!(names, counted.endpoints.keys().cloned().collect(), "{text}");
    for (endpoint, tally) in &endpoints.endpoints {
        counted.endpoints[endpoint].check(tally, text);
    }
    let map = data.service_map(&query, &scope).unwrap();
    assert_eq!(map.edges.len(), counted.edges.len(), "{text}");
    for (edge, tally) in &map.edges {
        counted.edges[edge].check(tally, text);
    }
    let sum =
        |of: fn(&indexer::NodeTotals) -> &Tally| map.nodes.iter().map(|node| of(node).count).sum::<u64>();
    let all: u64 = counted.edges.values().map(|sums| sums.exchanges[0]).sum();
    assert_eq!((sum(|node| &node.incoming), sum(|node| &node.outgoing)), (all, all), "{text}");
    for (at, by) in
        [By::Nothing, By::Protocol, By::Class, By::Source, By::Destination, By::Node].into_iter().enumerate()
    {
        let width = if at % 2 == 0 { Width::Target(7) } else { Width::Fixed(250_000_000) };
        check_timeline(data, &rows, text, range, by, width);
    }
}

fn check_timeline(data: &Data, rows: &[Value], text: &str, range: TimeRange, by: By, width: Width) {
    let query = kfl::parse(text, 0).unwrap();
    let timeline = data.timeline(&query, &Scope { range, ..Scope::default() }, by, width).unwrap();
    let mut expected: BTreeMap<(String, i64), [u64; 2]> = BTreeMap::new();
    for row in rows {
        let facts = facts(row);
        let bucket = start_ns(row).div_euclid(timeline.every_ns);
        let counts = expected.entry((label(by, row, &facts), bucket)).or_default();
        counts[usize::from(facts.class == Class::Flow)] += 1;
    }
    let first = timeline.start_ns / timeline.every_ns;
    let mut found = BTreeMap::new();
    for series in &timeline.series {
        for (at, counts) in (first..).zip(series.exchanges.iter().zip(&series.flows)) {
            if counts != (&0, &0) {
                found.insert((series.label.clone().unwrap(), at), [*counts.0, *counts.1]);
            }
        }
        if let Width::Target(most) = width {
            assert!(series.exchanges.len() <= most as usize, "{text}: {}", series.exchanges.len());
        }
    }
    assert_eq!(found, expected, "{text} by {by:?}");
}

/// Compares the most common values of a field with those of the answer's entries.
fn check_top(data: &Data, field: &str, text: &str, range: TimeRange) {
    let (rows, _) = ask(data, text, QueryOptions { range, ..QueryOptions::default() });
    let field = FieldPath::new(field).unwrap();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    let mut without = 0;
    for row in &rows {
        let mut values = BTreeSet::new();
        let whole = field.reads_bodies().then(|| data.entry(row["id"].as_str().unwrap()).unwrap().unwrap());
        let entry = whole.as_ref().unwrap_or(row);
        field.values(entry, &mut |value| {
            values.insert(value.to_string());
        });
        without += u64::from(values.is_empty());
        values.into_iter().for_each(|value| *expected.entry(value).or_default() += 1);
    }
    let query = kfl::parse(text, 0).unwrap();
    let top = data.top(&field, &query, &Scope { range, ..Scope::default() }, usize::MAX).unwrap();
    let found: BTreeMap<String, u64> =
        top.values.iter().map(|value| (value.value.to_string(), value.count)).collect();
    assert_eq!(found, expected, "{field} of {text}");
    assert_eq!((top.entries, top.without), (rows.len() as u64, without), "{field} of {text}");
    assert_eq!((top.distinct, top.is_capped), (expected.len() as u64, false));
    assert!(top.values.is_sorted_by_key(|value| std::cmp::Reverse(value.count)));
    let few = data.top(&field, &query, &Scope { range, ..Scope::default() }, 2).unwrap();
    assert_eq!(few.values, top.values[..top.values.len().min(2)]);
}

/// When the entries of a directory began, in order.
fn starts(data: &Data) -> Vec<i64> {
    let (rows, _) = ask(data, "", QueryOptions::default());
    let mut starts: Vec<i64> = rows.iter().map(start_ns).collect();
    starts.sort_unstable();
    starts
}

fn between(from: i64, to: i64) -> TimeRange {
    TimeRange::covering(Timestamp::from_nanos(from), Timestamp::from_nanos(to))
}

#[test]
fn what_is_counted_is_what_the_answer_holds() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let (rows, _) = ask(&data, "", QueryOptions::default());
    let starts = starts(&data);
    let mut paths = BTreeSet::new();
    rows.iter().for_each(|row| scalars(row, String::new(), &mut paths));
    let usable =
        |(_, value): &(String, String)| value.len() < 300 && kfl::parse(&format!("a == {value}"), 0).is_ok();
    let paths: Vec<_> = paths.into_iter().filter(usable).collect();
    let case = (question(paths), any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..FIELDS.len());
    let mut runner =
        proptest::test_runner::TestRunner::new(ProptestConfig { cases: 40, ..Default::default() });
    runner
        .run(&case, |(text, from, to, field)| {
            if kfl::parse(&text, 0).is_ok() {
                let range = between(starts[from.index(starts.len())], starts[to.index(starts.len())]);
                check(&data, &text, range);
                check_top(&data, FIELDS[field], &text, range);
            }
            Ok(())
        })
        .unwrap();
    for field in FIELDS {
        check_top(&data, field, "", TimeRange::ALL);
        check_top(&data, field, "http and response.status >= 300 or dns", TimeRange::ALL);
    }
}

#[test]
fn what_is_counted_does_not_depend_on_indexes() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let starts = starts(&data);
    let range = between(starts[starts.len() / 4], starts[starts.len() / 2]);
    for (at, id) in data.layout().list_sealed().unwrap().iter().enumerate() {
        if at % 2 == 0 {
            std::fs::remove_file(data.layout().index(id)).unwrap();
        }
    }
    check(&data, "", TimeRange::ALL);
    check(&data, "http and response.status >= 400 or text(\"html\")", range);
    check_top(&data, "dst.port", "", range);
    check_top(&data, "response.content.text", "", range);
}

#[test]
fn what_is_counted_grows_with_an_index() {
    let dir = recording::data_dir();
    let data = Data::open(dir.path()).unwrap();
    let indexing = Indexing::start(dir.path()).unwrap();
    let mut recorder = Recorder::new(dir.path(), "live");
    recorder.record("shop.pcapng", u64::MAX);
    recorder.writer().sync().unwrap();
    let count = || ask(&data, "", QueryOptions::default()).0.len() as u64;
    let deadline = Instant::now() + Duration::from_secs(60);
    while indexing.entries() == 0 || count() < indexing.entries() {
        assert!(Instant::now() < deadline, "{} indexed, {} found", indexing.entries(), count());
        std::thread::park_timeout(Duration::from_millis(20));
    }
    for text in ["", "http and response.status >= 400"] {
        check(&data, text, TimeRange::ALL);
        check_top(&data, "dst.port", text, TimeRange::ALL);
    }
    // Rates are counts by the time that was recorded, of which an open segment is a part.
    let window = data.endpoints(&kfl::parse("", 0).unwrap(), &Scope::default()).unwrap().window.unwrap();
    let starts = starts(&data);
    assert_eq!(window, between(starts[0], starts[starts.len() - 1]));
}

#[test]
fn what_is_redacted_is_not_counted_by_what_it_was() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let text = "http and redact(\"dst.ip\", \"request.path\", \"request.method\")";
    check(&data, text, TimeRange::ALL);
    check_top(&data, "dst.ip", text, TimeRange::ALL);
    let map = data.service_map(&kfl::parse(text, 0).unwrap(), &Scope::default()).unwrap();
    assert!(!map.edges.is_empty());
    assert!(map.edges.iter().all(|(edge, _)| edge.destination == kfl::REDACTED), "{:?}", map.edges);
}

#[test]
fn counting_stops_where_it_may_cost_no_more() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let query = kfl::parse("", 0).unwrap();
    let cancel = Cancel::default();
    cancel.cancel();
    let budgets = [
        (Budget { cancel, ..Budget::default() }, Stop::Cancelled),
        (Budget { time_max: Some(Duration::ZERO), ..Budget::default() }, Stop::Time),
        (Budget { read_bytes_max: Some(10), ..Budget::default() }, Stop::Read),
    ];
    for (budget, stop) in budgets {
        let map = data.service_map(&query, &Scope { budget, ..Scope::default() }).unwrap();
        assert_eq!((map.coverage.stopped, map.coverage.truncated), (Some(stop), true));
    }
    let whole = data.service_map(&query, &Scope::default()).unwrap().coverage;
    assert_eq!((whole.stopped, whole.plan.evaluated), (None, 0));
    assert_eq!(whole.plan.decided_by_index, whole.entries);
    assert!(whole.plan.read.bytes > 0 && whole.plan.opened == whole.plan.indexes);
}

#[test]
fn sums_of_a_whole_index_are_those_of_its_entries() {
    let dir = recording::indexed();
    let data = Data::open(dir.path()).unwrap();
    let starts = starts(&data);
    let cut = between(starts[starts.len() / 3], starts[starts.len() - 1] - 1);
    let [all, each] = ["", "not protocol.name == \"none\""].map(|text| kfl::parse(text, 0).unwrap());
    for range in [TimeRange::ALL, cut] {
        let scope = Scope { range, ..Scope::default() };
        let read = |of: &indexer::Coverage| of.plan.read.bytes;
        for by in [By::Nothing, By::Protocol, By::Class, By::Source, By::Destination, By::Node] {
            for every_ns in [60_000_000_000, 86_400_000_000_000, 90_000_000_000] {
                let [summed, counted] = [&all, &each]
                    .map(|query| data.timeline(query, &scope, by, Width::Fixed(every_ns)).unwrap());
                assert_eq!(summed.start_ns, counted.start_ns);
                assert_eq!(summed.series, counted.series, "{by:?} every {every_ns} ns");
                assert_eq!(summed.coverage.entries, counted.coverage.entries);
            }
        }
        let [summed, counted] = [&all, &each].map(|query| data.service_map(query, &scope).unwrap());
        assert_eq!((&summed.edges, &summed.nodes), (&counted.edges, &counted.nodes));
        assert!(read(&summed.coverage) < read(&counted.coverage), "columns were read");
        let [summed, counted] = [&all, &each].map(|query| data.endpoints(query, &scope).unwrap());
        assert_eq!(summed.endpoints, counted.endpoints);
        assert!(read(&summed.coverage) < read(&counted.coverage), "columns were read");
    }
}
