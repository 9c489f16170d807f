//! What a data directory holds, in numbers.

use std::collections::BTreeMap;

use segment::{LossCause, TimeRange};
use store::State;

use crate::Error;
use crate::data::Data;

/// Totals over every segment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stats {
    /// Segments being written.
    pub segments_open: usize,
    /// Segments sealed, indexed or not.
    pub segments_sealed: usize,
    /// Sealed segments with an index.
    pub segments_indexed: usize,
    /// Manifests that can't be read, each with the reason.
    pub unreadable: Vec<String>,
    /// From the first to the last packet of the sealed segments.
    pub range: Option<TimeRange>,
    /// Packets in sealed segments.
    pub packets: u64,
    /// Bytes of those packets.
    pub captured_bytes: u64,
    /// Size of all segment files.
    pub segment_bytes: u64,
    /// Size of all index files.
    pub index_bytes: u64,
    /// Entries in all indexes, growing ones too.
    pub entries: u64,
    /// The ledger: lost packets by cause. Losses of unknown size count in `losses_unknown`.
    pub lost_packets: BTreeMap<LossCause, u64>,
    /// Losses whose number of packets nobody knows, by cause.
    pub losses_unknown: BTreeMap<LossCause, u64>,
}

impl Data {
    /// Counts what there is.
    ///
    /// # Errors
    /// When the directory can't be listed.
    pub fn stats(&self) -> Result<Stats, Error> {
        let (segments, unreadable) = self.segments()?;
        let mut stats =
            Stats { unreadable: unreadable.iter().map(ToString::to_string).collect(), ..Stats::default() };
        for segment in segments {
            match segment.state {
                State::Open => stats.segments_open += 1,
                State::Sealed => stats.segments_sealed += 1,
                State::Indexed => {
                    stats.segments_sealed += 1;
                    stats.segments_indexed += 1;
                }
            }
            stats.entries += self.entries_of(&segment.id);
            stats.range = match (stats.range, segment.range) {
                (Some(all), Some(one)) => Some(all.union(one)),
                (known, found) => known.or(found),
            };
            stats.packets += segment.packets;
            stats.captured_bytes += segment.bytes;
            stats.segment_bytes += segment.file_bytes;
            stats.index_bytes += segment.index_bytes;
            for loss in &segment.losses {
                match loss.packets {
                    Some(packets) => *stats.lost_packets.entry(loss.cause).or_default() += packets,
                    None => *stats.losses_unknown.entry(loss.cause).or_default() += 1,
                }
            }
        }
        Ok(stats)
    }
}
