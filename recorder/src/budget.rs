//! How much of the disk recordings may take, and which segments go first.
//!
//! One pure function decides; the caller removes. Newer evidence is worth more than older, so the
//! segments that were sealed first go first, whichever chain they belong to.

use std::time::Duration;

use segment::{SegmentId, Timestamp};

/// What may stay on disk. Every limit that is set holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// All sealed segments together, with their indexes and manifests.
    pub bytes_max: Option<u64>,
    /// Time since a segment's last packet.
    pub age_max: Option<Duration>,
    /// Part of the disk that stays free, for whoever else writes there; 0 switches this off.
    pub free_percent_min: u8,
}

/// One sealed segment as it lies there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SegmentOnDisk {
    /// Which one.
    pub id: SegmentId,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// Its last packet; the moment of sealing if it holds none.
    pub last: Timestamp,
    /// Packets, index and manifest together.
    pub bytes: u64,
}

/// The file system's own count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskFree {
    /// Bytes that this process may still write.
    pub free_bytes: u64,
    /// Size of the file system.
    pub total_bytes: u64,
}

/// Which segments must go so that `budget` holds: those too old, then the oldest sealed.
#[must_use]
pub fn expire(segments: &[SegmentOnDisk], budget: Budget, disk: DiskFree, now: Timestamp) -> Vec<SegmentId> {
    let mut oldest_first: Vec<&SegmentOnDisk> = segments.iter().collect();
    oldest_first.sort_by(|a, b| (a.sealed_at, &a.id).cmp(&(b.sealed_at, &b.id)));

    let total = segments.iter().fold(0_u64, |sum, segment| sum.saturating_add(segment.bytes));
    let over_budget = budget.bytes_max.map_or(0, |most| total.saturating_sub(most));
    let must_be_free = u128::from(disk.total_bytes) * u128::from(budget.free_percent_min.min(100)) / 100;
    let missing_free = u64::try_from(must_be_free).unwrap_or(u64::MAX).saturating_sub(disk.free_bytes);
    let to_free = over_budget.max(missing_free);

    let (too_old, kept): (Vec<_>, Vec<_>) = oldest_first.into_iter().partition(|segment| {
        let age_ns = now.since(segment.last);
        budget.age_max.is_some_and(|most| i64::try_from(most.as_nanos()).is_ok_and(|most| age_ns > most))
    });
    // What goes for its age counts towards the bytes that must go.
    let mut freed = 0_u64;
    let mut gone = Vec::new();
    for segment in too_old {
        freed = freed.saturating_add(segment.bytes);
        gone.push(segment.id.clone());
    }
    for segment in kept {
        if freed >= to_free {
            break;
        }
        freed = freed.saturating_add(segment.bytes);
        gone.push(segment.id.clone());
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const FREE: DiskFree = DiskFree { free_bytes: 500, total_bytes: 1_000 };
    const NONE: Budget = Budget { bytes_max: None, age_max: None, free_percent_min: 0 };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * SECOND)
    }

    /// Three of 100 bytes, given newest first; the import was sealed second and holds old packets.
    fn three() -> Vec<SegmentOnDisk> {
        let segment = |id: &str, sealed, last| SegmentOnDisk {
            id: id.parse().unwrap(),
            sealed_at: at(sealed),
            last: at(last),
            bytes: 100,
        };
        vec![
            segment("web1-aaaaaa-0000000002", 300, 300),
            segment("import-0123456789ab-0000000000", 200, 5),
            segment("web1-aaaaaa-0000000001", 100, 100),
        ]
    }

    fn check(budget: Budget, disk: DiskFree, now: i64, expected: &[&str]) {
        let gone: Vec<String> =
            expire(&three(), budget, disk, at(now)).iter().map(ToString::to_string).collect();
        assert_eq!(gone, expected);
    }

    const FIRST: &str = "web1-aaaaaa-0000000001";
    const SECOND_SEALED: &str = "import-0123456789ab-0000000000";
    const LAST: &str = "web1-aaaaaa-0000000002";

    #[test]
    fn without_limits_nothing_goes() {
        check(NONE, DiskFree { free_bytes: 0, total_bytes: 1_000 }, 1 << 20, &[]);
    }

    #[test]
    fn bytes_go_oldest_sealed_first_whichever_chain() {
        check(Budget { bytes_max: Some(300), ..NONE }, FREE, 400, &[]);
        check(Budget { bytes_max: Some(299), ..NONE }, FREE, 400, &[FIRST]);
        check(Budget { bytes_max: Some(199), ..NONE }, FREE, 400, &[FIRST, SECOND_SEALED]);
        check(Budget { bytes_max: Some(0), ..NONE }, FREE, 400, &[FIRST, SECOND_SEALED, LAST]);
    }

    #[test]
    fn age_counts_from_the_last_packet_and_is_exclusive() {
        let budget = Budget { age_max: Some(Duration::from_secs(300)), ..NONE };
        check(budget, FREE, 305, &[]);
        check(budget, FREE, 306, &[SECOND_SEALED]);
        check(budget, FREE, 401, &[FIRST, SECOND_SEALED]);
        // A clock that was set back expires nothing.
        check(budget, FREE, -5_000, &[]);
    }

    #[test]
    fn the_disk_keeps_its_free_part() {
        let budget = Budget { free_percent_min: 20, ..NONE };
        check(budget, DiskFree { free_bytes: 200, total_bytes: 1_000 }, 400, &[]);
        check(budget, DiskFree { free_bytes: 199, total_bytes: 1_000 }, 400, &[FIRST]);
        check(budget, DiskFree { free_bytes: 0, total_bytes: 1_000 }, 400, &[FIRST, SECOND_SEALED]);
        let huge = DiskFree { free_bytes: 0, total_bytes: u64::MAX };
        check(budget, huge, 400, &[FIRST, SECOND_SEALED, LAST]);
    }

    #[test]
    fn limits_are_not_added_up() {
        let budget =
            Budget { bytes_max: Some(250), age_max: Some(Duration::from_secs(300)), free_percent_min: 50 };
        check(budget, FREE, 300, &[FIRST]);
        check(budget, FREE, 306, &[SECOND_SEALED]);
    }
}
