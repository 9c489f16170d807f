//! Where entries may be found: an index of one or of several segments, one that still grows, or a segment that has none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::{fmt, fs};

use kfl::Expression;
use segment::{SegmentId, TimeRange};
use store::{State, Summary};

use super::prune::{Reason, rules_out};
use crate::Error;
use crate::data::Data;
use crate::document::ENTRY_VERSION;
use crate::opened::{FileKey, Opened};

/// Where entries may be found.
pub struct Source {
    /// How to get at them.
    pub kind: Kind,
    /// No entry began before, nanoseconds.
    pub first_ns: i64,
    /// No entry began after, nanoseconds.
    pub last_ns: i64,
}

/// How to get at entries.
pub enum Kind {
    /// A finished index; entries of other segments than these in it don't count.
    Index(Arc<Opened>, BTreeSet<SegmentId>),
    /// An index that grows with its segment.
    Growing(SegmentId),
    /// No index: the segment is dissected.
    Segment(SegmentId),
}

impl Kind {
    /// Segments whose entries are found so.
    #[must_use]
    pub fn segments(&self) -> usize {
        match self {
            Self::Index(_, segments) => segments.len(),
            Self::Growing(_) | Self::Segment(_) => 1,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Growing(id) | Self::Segment(id) => write!(f, "{id}"),
            Self::Index(_, ids) => match (ids.first(), ids.len()) {
                (Some(id), 0 | 1) => write!(f, "{id}"),
                (Some(id), more) => write!(f, "{id} and {} more", more - 1),
                (None, _) => Ok(()),
            },
        }
    }
}

/// Which sources a question needs, and how many segments don't.
#[derive(Default)]
pub struct Sources {
    /// In no order.
    pub needed: Vec<Source>,
    /// Segments that can't hold an answer, by reason.
    pub pruned: BTreeMap<Reason, usize>,
}

/// Finds the sources that a question needs, among those of `segments`.
#[must_use]
pub fn sources(data: &Data, segments: &[Summary], expression: &Expression, range: TimeRange) -> Sources {
    let mut found = Sources::default();
    let mut indexes: BTreeMap<FileKey, BTreeSet<SegmentId>> = BTreeMap::new();
    for segment in segments {
        // An entry belongs to the segment where it ended, so it began no later than that one's last packet.
        if segment.last() <= range.start() || !segment.may_overlap(TimeRange::ALL) {
            *found.pruned.entry(Reason::Time).or_default() += 1;
            continue;
        }
        let index = match segment.state {
            State::Indexed => fs::metadata(data.layout().index(&segment.id)).ok(),
            State::Open | State::Sealed => None,
        };
        match index {
            Some(file) => drop(indexes.entry(FileKey::of(&file)).or_default().insert(segment.id.clone())),
            None => found.needed.push(unfinished(data, segment)),
        }
    }
    let by_id: BTreeMap<&SegmentId, &Summary> =
        segments.iter().map(|segment| (&segment.id, segment)).collect();
    for (key, ids) in indexes {
        found.add_index(data, key, ids, &by_id, expression, range);
    }
    found
}

impl Sources {
    fn add_index(
        &mut self,
        data: &Data,
        key: FileKey,
        ids: BTreeSet<SegmentId>,
        segments: &BTreeMap<&SegmentId, &Summary>,
        expression: &Expression,
        range: TimeRange,
    ) {
        let Some(path) = ids.first().map(|id| data.layout().index(id)) else { return };
        let opened = data.indexes().open(key, &path).and_then(|opened| {
            let reason = reason(&opened, expression, range)?;
            Ok((opened, reason))
        });
        match opened {
            Ok((_, Some(reason))) => *self.pruned.entry(reason).or_default() += ids.len(),
            Ok((opened, None)) if opened.contents().entry_version == ENTRY_VERSION => {
                let (first_ns, last_ns) = (opened.contents().first_ns, opened.contents().last_ns);
                self.needed.push(Source { kind: Kind::Index(opened, ids), first_ns, last_ns });
            }
            // Damaged, or made by other rules: the segments themselves answer.
            Ok(_) | Err(_) => {
                self.needed
                    .extend(ids.iter().filter_map(|id| segments.get(id)).map(|segment| alone(segment)));
            }
        }
    }
}

/// Why an index isn't needed; `None` if it is.
fn reason(index: &Opened, expression: &Expression, range: TimeRange) -> Result<Option<Reason>, Error> {
    let contents = index.contents();
    if contents.entry_version != ENTRY_VERSION {
        return Ok(None);
    }
    let has_entries = contents.entries > 0
        && contents.last_ns >= range.start().nanos()
        && contents.first_ns < range.end().nanos();
    if has_entries { rules_out(expression, index) } else { Ok(Some(Reason::Time)) }
}

/// A segment without a finished index.
fn unfinished(data: &Data, segment: &Summary) -> Source {
    if data.layout().growing_index(&segment.id).exists() {
        let kind = Kind::Growing(segment.id.clone());
        return Source { kind, ..alone(segment) };
    }
    alone(segment)
}

/// A segment that is dissected. When its entries began is known only then.
fn alone(segment: &Summary) -> Source {
    Source { kind: Kind::Segment(segment.id.clone()), first_ns: i64::MIN, last_ns: segment.last().nanos() }
}
