//! What was done to answer, for whoever wants to know why it took so long.

use std::collections::BTreeMap;
use std::time::Duration;

use kfl::{Expression, Literal, Op, Operand, Path};
use segment::{TimeRange, Timestamp};

use super::prune::Reason;
use super::source::{Kind, Sources};
use crate::meter::Read;

/// What was done to answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// When entries began that were looked for, by what was asked, the expression and the cursor.
    pub range: TimeRange,
    /// Segments there are.
    pub segments: usize,
    /// Those that can't hold an answer, by reason.
    pub pruned: BTreeMap<Reason, usize>,
    /// Indexes of one or of several segments that may.
    pub indexes: usize,
    /// Indexes that still grow.
    pub growing: usize,
    /// Segments without an index.
    pub unindexed: usize,
    /// Sources that were opened.
    pub opened: usize,
    /// Sources that were not needed to fill the answer.
    pub unopened: usize,
    /// Segments that had to be dissected.
    pub dissected: usize,
    /// Entries that the indexes gave.
    pub candidates: u64,
    /// Those of them that the index alone made answers.
    pub decided_by_index: u64,
    /// Those that the evaluator decided on.
    pub evaluated: u64,
    /// What was read of indexes.
    pub read: Read,
    /// How long it took.
    pub elapsed: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            range: TimeRange::ALL,
            segments: 0,
            pruned: BTreeMap::new(),
            indexes: 0,
            growing: 0,
            unindexed: 0,
            opened: 0,
            unopened: 0,
            dissected: 0,
            candidates: 0,
            decided_by_index: 0,
            evaluated: 0,
            read: Read::default(),
            elapsed: Duration::ZERO,
        }
    }
}

impl Plan {
    /// Takes in which sources are needed, of so many segments.
    pub fn planned(&mut self, sources: &Sources, segments: usize) {
        self.segments = segments;
        self.pruned.clone_from(&sources.pruned);
        for source in &sources.needed {
            match source.kind {
                Kind::Index(..) => self.indexes += 1,
                Kind::Growing(_) => self.growing += 1,
                Kind::Segment(_) => self.unindexed += 1,
            }
        }
    }
}

/// The range asked for, narrowed by what the expression wants of `timestamp`.
#[must_use]
pub fn asked_range(expression: &Expression, range: TimeRange) -> TimeRange {
    match expression {
        Expression::And(parts) => parts
            .iter()
            .take_while(|part| !part.redacts())
            .fold(range, |range, part| asked_range(part, range)),
        Expression::Comparison {
            left: Operand::Path(path),
            op,
            right: Operand::Literal(Literal::Number(number)),
        } if is_timestamp(path) => narrowed(range, *op, number.as_f64()),
        Expression::Comparison {
            left: Operand::Literal(Literal::Number(number)),
            op,
            right: Operand::Path(path),
        } if is_timestamp(path) => narrowed(range, op.swapped(), number.as_f64()),
        _ => range,
    }
}

fn is_timestamp(path: &Path) -> bool {
    path.keys().is_some_and(|keys| keys == ["timestamp"])
}

/// Milliseconds have no fractions in entries, so a bound is taken generously by one; the evaluator decides.
fn narrowed(range: TimeRange, op: Op, millis: Option<f64>) -> TimeRange {
    let Some(millis) = millis.filter(|millis| millis.is_finite()) else { return range };
    let instant = |millis: f64| Timestamp::from_nanos((millis * 1e6) as i64);
    let (mut start, mut end) = (range.start(), range.end());
    if matches!(op, Op::Eq | Op::Gt | Op::Ge) {
        start = start.max(instant(millis.floor() - 1.0));
    }
    if matches!(op, Op::Eq | Op::Lt | Op::Le) {
        end = end.min(instant(millis.ceil() + 2.0));
    }
    TimeRange::new(start, end.max(start)).unwrap_or(range)
}
