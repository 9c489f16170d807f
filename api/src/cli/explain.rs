//! `--explain`: what was done to answer, on stderr.

use std::io::{self, Write};

use segment::TimeRange;
use serde_json::{Value, json};

use crate::instant::rfc3339;
use crate::terminal::escape;
use crate::terminal::quantity::{bytes, count};
use indexer::{Coverage, Plan};

/// Tells a person.
pub fn tell(coverage: &Coverage) {
    let mut stderr = io::stderr().lock();
    for line in lines(coverage) {
        let _ = writeln!(stderr, "{}", escape::line(&line));
    }
}

fn lines(coverage: &Coverage) -> Vec<String> {
    let plan = &coverage.plan;
    let number = |number: usize| count(u64::try_from(number).unwrap_or(u64::MAX));
    let pruned: usize = plan.pruned.values().sum();
    let reasons: Vec<String> = plan
        .pruned
        .iter()
        .map(|(reason, segments)| format!("{} by {}", number(*segments), reason.name()))
        .collect();
    let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
    let range = if plan.range == TimeRange::ALL {
        "all of time".to_owned()
    } else {
        format!("{} to {}", rfc3339(plan.range.start()), rfc3339(plan.range.end()))
    };
    vec![
        format!("plan: entries that began in {range}"),
        format!(
            "  segments    {} considered, {} ruled out unread{reasons}",
            number(plan.segments),
            number(pruned)
        ),
        format!(
            "  indexes     {} finished, {} growing, {} segments without; {} opened, {} not needed",
            number(plan.indexes),
            number(plan.growing),
            number(plan.unindexed),
            number(plan.opened),
            number(plan.unopened)
        ),
        format!(
            "  candidates  {}: {} decided by the index, {} by evaluation; {} segments dissected",
            count(plan.candidates),
            count(plan.decided_by_index),
            count(plan.evaluated),
            number(plan.dissected)
        ),
        format!(
            "  cost        {} of indexes in {} reads, {:.1} ms",
            bytes(plan.read.bytes),
            count(plan.read.requests),
            plan.elapsed.as_secs_f64() * 1e3
        ),
    ]
}

/// The same for programs.
pub fn json(plan: &Plan) -> Value {
    let pruned: serde_json::Map<String, Value> =
        plan.pruned.iter().map(|(reason, segments)| (reason.name().to_owned(), json!(segments))).collect();
    json!({
        "from": rfc3339(plan.range.start()),
        "to": rfc3339(plan.range.end()),
        "segments": plan.segments,
        "segmentsPruned": pruned,
        "indexes": plan.indexes,
        "indexesGrowing": plan.growing,
        "segmentsWithoutIndex": plan.unindexed,
        "opened": plan.opened,
        "notNeeded": plan.unopened,
        "segmentsDissected": plan.dissected,
        "candidates": plan.candidates,
        "decidedByIndex": plan.decided_by_index,
        "evaluated": plan.evaluated,
        "readBytes": plan.read.bytes,
        "reads": plan.read.requests,
        "elapsedMicroseconds": u64::try_from(plan.elapsed.as_micros()).unwrap_or(u64::MAX),
    })
}

#[cfg(test)]
mod tests {
    use indexer::Reason;

    use super::*;

    #[test]
    fn a_plan_says_what_was_left_out_and_why() {
        let mut coverage = Coverage::default();
        coverage.plan.segments = 1_200;
        coverage.plan.pruned = [(Reason::Time, 1_000), (Reason::Values, 150)].into();
        coverage.plan.indexes = 3;
        coverage.plan.opened = 2;
        coverage.plan.unopened = 1;
        coverage.plan.candidates = 7;
        coverage.plan.evaluated = 7;
        coverage.plan.read = indexer::Read { requests: 12, bytes: 34_000 };
        assert_eq!(
            lines(&coverage),
            [
                "plan: entries that began in all of time",
                "  segments    1 200 considered, 1 150 ruled out unread (1 000 by time, 150 by values)",
                "  indexes     3 finished, 0 growing, 0 segments without; 2 opened, 1 not needed",
                "  candidates  7: 0 decided by the index, 7 by evaluation; 0 segments dissected",
                "  cost        34 kB of indexes in 12 reads, 0.0 ms",
            ]
        );
    }
}
