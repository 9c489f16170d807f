//! What changed between two stretches of time, as JSON.

use serde_json::{Value, json};

use segment::TimeRange;

use super::coverage;
use crate::instant::rfc3339;
use indexer::{Change, Diff, Edge, Endpoint, Stretch, Subject, Unit};

/// All of it, in the order of its score.
pub fn diff(diff: &Diff) -> Value {
    json!({
        "changes": diff.changes.iter().map(change).collect::<Vec<_>>(),
        "tests": diff.tests,
        "before": stretch(&diff.before),
        "after": stretch(&diff.after),
        "notes": diff.notes,
    })
}

fn stretch(stretch: &Stretch) -> Value {
    json!({
        "from": stretch.window.map(TimeRange::start).map(rfc3339),
        "to": stretch.window.map(TimeRange::end).map(rfc3339),
        "sampled": {
            "exchanges": stretch.sampled.exchanges,
            "bodies": stretch.sampled.bodies,
            "of": stretch.sampled.of,
        },
        "coverage": coverage(&stretch.coverage),
    })
}

/// A rate ratio without anything before is infinite, which JSON can't say: it is null.
fn change(change: &Change) -> Value {
    let unit = match change.what.unit() {
        Unit::Share => "share",
        Unit::Micros => "us",
        Unit::PerSecond => "perSecond",
        Unit::Count => "count",
    };
    json!({
        "what": change.what.name(),
        "subject": subject(&change.subject),
        "unit": unit,
        "before": change.before,
        "after": change.after,
        "exchangesBefore": change.count_before,
        "exchangesAfter": change.count_after,
        "effect": change.effect,
        "score": change.score,
        "test": change.test.map(|test| json!({
            "name": test.name, "statistic": test.statistic, "p": test.p, "q": test.q,
        })),
    })
}

fn subject(subject: &Subject) -> Value {
    match subject {
        Subject::Endpoint(of) => endpoint(of),
        Subject::Edge(Edge { source, destination, protocol }) => {
            json!({ "source": source, "destination": destination, "protocol": protocol })
        }
        Subject::Name(name) => json!({ "name": name }),
        Subject::Field(of, field) => {
            let mut object = endpoint(of);
            object["field"] = field.as_str().into();
            object
        }
    }
}

fn endpoint(endpoint: &Endpoint) -> Value {
    let Endpoint { destination, protocol, method, template } = endpoint;
    json!({ "destination": destination, "protocol": protocol, "method": method, "endpoint": template })
}
