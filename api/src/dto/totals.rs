//! Counts, sums and graphs as JSON. Latencies are microseconds; they are told within 0.8 %, the greatest exactly.

use serde_json::{Map, Value, json};

use segment::{TimeRange, Timestamp};

use super::coverage;
use crate::instant::rfc3339;
use indexer::{EndpointTotals, Latencies, NodeTotals, ServiceMap, Tally, Timeline, Top};

/// Counts over time. A series without a label is all those that are counted together.
pub fn timeline(timeline: &Timeline) -> Value {
    let series = timeline
        .series
        .iter()
        .map(|series| json!({ "label": series.label, "exchanges": series.exchanges, "flows": series.flows }));
    json!({
        "start": rfc3339(Timestamp::from_nanos(timeline.start_ns)),
        "everyNs": timeline.every_ns.to_string(),
        "series": series.collect::<Vec<_>>(),
        "coverage": coverage(&timeline.coverage),
    })
}

/// The most common values of a field.
pub fn top(field: &str, top: &Top) -> Value {
    let values = top.values.iter().map(|value| json!({ "value": value.value, "entries": value.count }));
    json!({
        "field": field,
        "values": values.collect::<Vec<_>>(),
        "distinct": top.distinct,
        "distinctCapped": top.is_capped,
        "entries": top.entries,
        "without": top.without,
        "coverage": coverage(&top.coverage),
    })
}

/// Endpoints in the order that they are given in.
pub fn endpoints(totals: &EndpointTotals) -> Value {
    let endpoints = totals.endpoints.iter().map(|(endpoint, sums)| {
        let mut object = tally(sums);
        object.insert("destination".into(), endpoint.destination.as_str().into());
        object.insert("protocol".into(), endpoint.protocol.as_str().into());
        object.insert("method".into(), endpoint.method.as_str().into());
        object.insert("endpoint".into(), endpoint.template.as_str().into());
        object.insert("ratePerSecond".into(), totals.rate(sums.count).into());
        Value::Object(object)
    });
    json!({
        "endpoints": endpoints.collect::<Vec<_>>(),
        "others": totals.others.as_ref().map(tally),
        "from": totals.window.map(TimeRange::start).map(rfc3339),
        "to": totals.window.map(TimeRange::end).map(rfc3339),
        "coverage": coverage(&totals.coverage),
    })
}

/// Who spoke with whom.
pub fn service_map(map: &ServiceMap) -> Value {
    let edges = map.edges.iter().map(|(edge, sums)| {
        let mut object = tally(sums);
        object.insert("source".into(), edge.source.as_str().into());
        object.insert("destination".into(), edge.destination.as_str().into());
        object.insert("protocol".into(), edge.protocol.as_str().into());
        Value::Object(object)
    });
    let nodes = map.nodes.iter().map(|NodeTotals { name, incoming, outgoing }| {
        json!({ "name": name, "incoming": tally(incoming), "outgoing": tally(outgoing) })
    });
    json!({
        "nodes": nodes.collect::<Vec<_>>(),
        "edges": edges.collect::<Vec<_>>(),
        "others": map.others.as_ref().map(tally),
        "coverage": coverage(&map.coverage),
    })
}

/// Sums over entries.
pub fn tally(tally: &Tally) -> Map<String, Value> {
    let object = json!({
        "exchanges": tally.count,
        "errors": tally.errors,
        "clientErrors": tally.client_errors,
        "unanswered": tally.unanswered,
        "requestBytes": tally.request_bytes,
        "responseBytes": tally.response_bytes,
        "flows": tally.flows,
        "flowRequestBytes": tally.flow_request_bytes,
        "flowResponseBytes": tally.flow_response_bytes,
        "latency": latencies(&tally.latencies),
    });
    match object {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

fn latencies(latencies: &Latencies) -> Value {
    json!({
        "count": latencies.count(),
        "p50": latencies.quantile_us(0.5),
        "p90": latencies.quantile_us(0.9),
        "p95": latencies.quantile_us(0.95),
        "p99": latencies.quantile_us(0.99),
        "max": latencies.max_us(),
    })
}
