//! What changed between two stretches of time, as JSON.

use segment::TimeRange;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Coverage, value};
use crate::instant::rfc3339;
use indexer::{Edge, Unit};

/// What changed.
#[derive(Serialize, ToSchema)]
pub struct Diff {
    /// In the order of their score.
    changes: Vec<Change>,
    /// Tests that were made.
    tests: usize,
    before: Stretch,
    after: Stretch,
    /// What could not be compared, and why.
    notes: Vec<String>,
}

/// One of both stretches of time.
#[derive(Serialize, ToSchema)]
pub struct Stretch {
    /// As far as something was recorded in it.
    from: Option<String>,
    to: Option<String>,
    sampled: Sampled,
    coverage: Coverage,
}

/// How many responses the fields come from.
#[derive(Serialize, ToSchema)]
pub struct Sampled {
    /// Exchanges whose headers were looked at.
    exchanges: u64,
    /// Exchanges whose bodies were.
    bodies: u64,
    /// Of so many.
    of: u64,
}

/// Something that changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What happened: `error rate`, `endpoint new` …
    what: &'static str,
    subject: Subject,
    /// Of `before` and `after`: `share`, `us`, `perSecond` or `count`.
    unit: &'static str,
    /// The measure before.
    before: Option<f64>,
    /// The measure after.
    after: Option<f64>,
    /// Exchanges that the measure before comes from.
    exchanges_before: u64,
    /// Exchanges that the measure after comes from.
    exchanges_after: u64,
    /// From 0 to 1; null where there was nothing before.
    effect: Option<f64>,
    /// Where it stands.
    score: Option<f64>,
    /// How it was found; null for what was just seen, or no longer.
    test: Option<Test>,
}

/// A statistical test.
#[derive(Serialize, ToSchema)]
pub struct Test {
    name: &'static str,
    /// Null where it is infinite.
    statistic: Option<f64>,
    /// How likely such a difference is by chance.
    p: Option<f64>,
    /// The same, adjusted for how many tests were made.
    q: Option<f64>,
}

/// To whom it happened: an endpoint (with a field of its responses, or without), an edge, or a name.
#[derive(Serialize, ToSchema, Default)]
pub struct Subject {
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    destination: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protocol: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

/// All of it, in the order of its score.
pub fn diff(diff: &indexer::Diff) -> Value {
    value(&Diff {
        changes: diff.changes.iter().map(change).collect(),
        tests: diff.tests,
        before: stretch(&diff.before),
        after: stretch(&diff.after),
        notes: diff.notes.clone(),
    })
}

fn stretch(stretch: &indexer::Stretch) -> Stretch {
    Stretch {
        from: stretch.window.map(TimeRange::start).map(rfc3339),
        to: stretch.window.map(TimeRange::end).map(rfc3339),
        sampled: Sampled {
            exchanges: stretch.sampled.exchanges,
            bodies: stretch.sampled.bodies,
            of: stretch.sampled.of,
        },
        coverage: Coverage::of(&stretch.coverage),
    }
}

/// A rate ratio without anything before is infinite, which JSON can't say: it is null.
fn change(change: &indexer::Change) -> Change {
    let unit = match change.what.unit() {
        Unit::Share => "share",
        Unit::Micros => "us",
        Unit::PerSecond => "perSecond",
        Unit::Count => "count",
    };
    let finite = |number: f64| Some(number).filter(|number| number.is_finite());
    Change {
        what: change.what.name(),
        subject: subject(&change.subject),
        unit,
        before: finite(change.before),
        after: finite(change.after),
        exchanges_before: change.count_before,
        exchanges_after: change.count_after,
        effect: finite(change.effect),
        score: finite(change.score),
        test: change.test.map(|test| Test {
            name: test.name,
            statistic: finite(test.statistic),
            p: finite(test.p),
            q: finite(test.q),
        }),
    }
}

fn subject(subject: &indexer::Subject) -> Subject {
    match subject {
        indexer::Subject::Endpoint(of) => endpoint(of),
        indexer::Subject::Edge(Edge { source, destination, protocol }) => Subject {
            source: Some(source.clone()),
            destination: Some(destination.clone()),
            protocol: Some(protocol.clone()),
            ..Subject::default()
        },
        indexer::Subject::Name(name) => Subject { name: Some(name.clone()), ..Subject::default() },
        indexer::Subject::Field(of, field) => Subject { field: Some(field.clone()), ..endpoint(of) },
    }
}

fn endpoint(endpoint: &indexer::Endpoint) -> Subject {
    Subject {
        destination: Some(endpoint.destination.clone()),
        protocol: Some(endpoint.protocol.clone()),
        method: Some(endpoint.method.clone()),
        endpoint: Some(endpoint.template.clone()),
        ..Subject::default()
    }
}
