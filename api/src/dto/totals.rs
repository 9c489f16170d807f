//! Counts, sums and graphs as JSON. Latencies are microseconds; they are told within 0.8 %, the greatest exactly.

use segment::{TimeRange, Timestamp};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Coverage, value};
use crate::instant::rfc3339;
use indexer::NodeTotals;

/// Counts over time.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Timeline {
    /// Start of the first stretch of time.
    start: String,
    /// Length of each, nanoseconds.
    every_ns: String,
    /// The largest first.
    series: Vec<Series>,
    coverage: Coverage,
}

/// Counts of what has the same label, by stretch of time.
#[derive(Serialize, ToSchema)]
pub struct Series {
    /// What tells them apart; null for all those that are counted together.
    label: Option<String>,
    /// Exchanges.
    exchanges: Vec<u64>,
    /// Flows, which are no exchanges.
    flows: Vec<u64>,
}

/// Counts over time. A series without a label is all those that are counted together.
pub fn timeline(timeline: &indexer::Timeline) -> Value {
    let series = timeline.series.iter().map(|series| Series {
        label: series.label.clone(),
        exchanges: series.exchanges.clone(),
        flows: series.flows.clone(),
    });
    value(&Timeline {
        start: rfc3339(Timestamp::from_nanos(timeline.start_ns)),
        every_ns: timeline.every_ns.to_string(),
        series: series.collect(),
        coverage: Coverage::of(&timeline.coverage),
    })
}

/// The most common values of a field.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Top {
    /// The field.
    field: String,
    /// The most common first.
    values: Vec<TopValue>,
    /// How many different values there are, or at least are.
    distinct: u64,
    /// Whether there were more than are counted apart.
    distinct_capped: bool,
    /// Entries that matched.
    entries: u64,
    /// Those of them without the field.
    without: u64,
    coverage: Coverage,
}

/// A value, and how many entries have it.
#[derive(Serialize, ToSchema)]
pub struct TopValue {
    /// A text, a number, true or false.
    #[schema(value_type = super::entry::Scalar)]
    value: Value,
    /// Entries that have it.
    entries: u64,
}

/// The most common values of a field.
pub fn top(field: &str, top: &indexer::Top) -> Value {
    let values = top.values.iter().map(|one| TopValue { value: one.value.clone(), entries: one.count });
    value(&Top {
        field: field.to_owned(),
        values: values.collect(),
        distinct: top.distinct,
        distinct_capped: top.is_capped,
        entries: top.entries,
        without: top.without,
        coverage: Coverage::of(&top.coverage),
    })
}

/// Endpoints with their sums.
#[derive(Serialize, ToSchema)]
pub struct Endpoints {
    /// Those that were asked most often first.
    endpoints: Vec<EndpointTally>,
    /// All those that are counted together, if any.
    others: Option<Tally>,
    /// From when on rates are reckoned.
    from: Option<String>,
    /// Until when.
    to: Option<String>,
    coverage: Coverage,
}

/// What was asked of an endpoint.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EndpointTally {
    /// Who was asked.
    destination: String,
    /// By which protocol.
    protocol: String,
    /// The verb.
    method: String,
    /// Path or statement, with ids and values taken out.
    endpoint: String,
    /// Exchanges per second; null where that can't be told.
    rate_per_second: Option<f64>,
    #[serde(flatten)]
    tally: Tally,
}

/// Endpoints in the order that they are given in.
pub fn endpoints(totals: &indexer::EndpointTotals) -> Value {
    let endpoints = totals.endpoints.iter().map(|(endpoint, sums)| EndpointTally {
        destination: endpoint.destination.clone(),
        protocol: endpoint.protocol.clone(),
        method: endpoint.method.clone(),
        endpoint: endpoint.template.clone(),
        rate_per_second: totals.rate(sums.count),
        tally: Tally::of(sums),
    });
    value(&Endpoints {
        endpoints: endpoints.collect(),
        others: totals.others.as_ref().map(Tally::of),
        from: totals.window.map(TimeRange::start).map(rfc3339),
        to: totals.window.map(TimeRange::end).map(rfc3339),
        coverage: Coverage::of(&totals.coverage),
    })
}

/// Who spoke with whom.
#[derive(Serialize, ToSchema)]
pub struct ServiceMap {
    /// Both ends of all edges.
    nodes: Vec<MapNode>,
    /// In order of names.
    edges: Vec<EdgeTally>,
    /// All those that are counted together, if any.
    others: Option<Tally>,
    coverage: Coverage,
}

/// What an end asked, and was asked.
#[derive(Serialize, ToSchema)]
pub struct MapNode {
    /// The name it had then, else its address.
    name: String,
    /// What it was asked.
    incoming: Tally,
    /// What it asked.
    outgoing: Tally,
}

/// What one end asked another.
#[derive(Serialize, ToSchema)]
pub struct EdgeTally {
    /// Who asked.
    source: String,
    /// Who was asked.
    destination: String,
    /// By which protocol.
    protocol: String,
    #[serde(flatten)]
    tally: Tally,
}

/// Who spoke with whom.
pub fn service_map(map: &indexer::ServiceMap) -> Value {
    let edges = map.edges.iter().map(|(edge, sums)| EdgeTally {
        source: edge.source.clone(),
        destination: edge.destination.clone(),
        protocol: edge.protocol.clone(),
        tally: Tally::of(sums),
    });
    let nodes = map.nodes.iter().map(|NodeTotals { name, incoming, outgoing }| MapNode {
        name: name.clone(),
        incoming: Tally::of(incoming),
        outgoing: Tally::of(outgoing),
    });
    value(&ServiceMap {
        nodes: nodes.collect(),
        edges: edges.collect(),
        others: map.others.as_ref().map(Tally::of),
        coverage: Coverage::of(&map.coverage),
    })
}

/// Sums over entries. Flows are no exchanges: their bytes hold those of the exchanges within them.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Exchanges.
    exchanges: u64,
    /// Those at which the server failed.
    errors: u64,
    /// Those that the client got wrong: HTTP 4xx.
    client_errors: u64,
    /// Those without an answer.
    unanswered: u64,
    /// Bytes of the requests on the wire.
    request_bytes: u64,
    /// Bytes of the responses on the wire.
    response_bytes: u64,
    /// Flows.
    flows: u64,
    /// Bytes of the flows from the client.
    flow_request_bytes: u64,
    /// Bytes of the flows from the server.
    flow_response_bytes: u64,
    /// How long exchanges took.
    latency: Latencies,
}

impl Tally {
    fn of(tally: &indexer::Tally) -> Self {
        Self {
            exchanges: tally.count,
            errors: tally.errors,
            client_errors: tally.client_errors,
            unanswered: tally.unanswered,
            request_bytes: tally.request_bytes,
            response_bytes: tally.response_bytes,
            flows: tally.flows,
            flow_request_bytes: tally.flow_request_bytes,
            flow_response_bytes: tally.flow_response_bytes,
            latency: Latencies::of(&tally.latencies),
        }
    }
}

/// Microseconds from the first byte of the request to the last of the response; null where nothing was answered.
#[derive(Serialize, ToSchema)]
pub struct Latencies {
    /// Exchanges that it is known of.
    count: u64,
    p50: Option<u64>,
    p90: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
    max: Option<u64>,
}

impl Latencies {
    fn of(latencies: &indexer::Latencies) -> Self {
        Self {
            count: latencies.count(),
            p50: latencies.quantile_us(0.5),
            p90: latencies.quantile_us(0.9),
            p95: latencies.quantile_us(0.95),
            p99: latencies.quantile_us(0.99),
            max: latencies.max_us(),
        }
    }
}
