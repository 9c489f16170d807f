//! What may stay on the disk, and what goes next if recording goes on as it did.

use segment::{Origin, TimeRange, Timestamp};
use serde_json::Value;
use store::{State, Summary};

use crate::dto::recording::{Disk, Expiry, ExpiryCause, Retention};
use crate::instant::rfc3339;

/// Of so much recording, the latest, it is told how much a second takes: days differ from nights.
const DAY_NS: i64 = 86_400_000_000_000;

/// What the recorder was told, as its status has it, and what follows. `None` if it never ran here.
pub fn retention(
    recorder: &Value,
    is_recording: bool,
    segments: &[Summary],
    disk: &Disk,
    now: Timestamp,
) -> Option<Retention> {
    let told = recorder["retention"].as_object()?;
    let number = |name: &str| told.get(name).and_then(Value::as_u64);
    let mut retention = Retention {
        bytes_max: number("bytes_max"),
        age_max_seconds: number("age_max_s"),
        free_percent_min: number("free_percent_min")
            .and_then(|part| u8::try_from(part).ok())
            .unwrap_or_default(),
        bytes_per_second: bytes_per_second(segments),
        next: None,
    };
    if is_recording {
        retention.next = next(&retention, segments, disk, now);
    }
    Some(retention)
}

/// Bytes on disk of a segment with its index.
fn size(segment: &Summary) -> u64 {
    segment.file_bytes.saturating_add(segment.index_bytes)
}

fn bytes_per_second(segments: &[Summary]) -> Option<u64> {
    let captured = segments.iter().filter(|segment| segment.origin == Origin::Capture);
    let captured = captured.filter_map(|segment| Some((segment.range?, size(segment))));
    let latest = captured.clone().map(|(range, _)| range.end()).max()?;
    let of_a_day = captured.filter(|(range, _)| latest.since(range.end()) < DAY_NS);
    let (range, bytes) =
        of_a_day.reduce(|(all, sum), (range, bytes)| (all.union(range), sum.saturating_add(bytes)))?;
    let ns = u64::try_from(range.end().since(range.start())).ok()?;
    bytes.saturating_mul(1_000).checked_div(ns / 1_000_000)
}

/// The oldest segment, with the earliest instant at which one of the limits is reached.
fn next(retention: &Retention, segments: &[Summary], disk: &Disk, now: Timestamp) -> Option<Expiry> {
    let sealed = segments.iter().filter(|segment| segment.state != State::Open);
    let oldest = sealed
        .clone()
        .filter(|segment| segment.range.is_some())
        .min_by_key(|segment| segment.range.map(TimeRange::end))?;
    let used = sealed.map(size).fold(0, u64::saturating_add);
    let full = |bytes_left: u64| {
        let ns = u128::from(bytes_left) * 1_000_000_000
            / u128::from(retention.bytes_per_second.filter(|rate| *rate > 0)?);
        Some(now.nanos().saturating_add(i64::try_from(ns).ok()?))
    };
    let by_age = retention.age_max_seconds.and_then(|age| {
        let age_ns = i64::try_from(age).ok()?.checked_mul(1_000_000_000)?;
        oldest.range?.end().nanos().checked_add(age_ns)
    });
    let by_bytes = retention.bytes_max.and_then(|most| full(most.saturating_sub(used)));
    let by_free = disk.free_bytes.zip(disk.total_bytes).and_then(|(free, total)| {
        let part = u128::from(total) * u128::from(retention.free_percent_min) / 100;
        full(free.saturating_sub(u64::try_from(part).unwrap_or(u64::MAX)))
    });
    let by_free = by_free.filter(|_| retention.free_percent_min > 0);
    let limits = [(by_age, ExpiryCause::Age), (by_bytes, ExpiryCause::Bytes), (by_free, ExpiryCause::Free)];
    let (at, cause) = limits.into_iter().filter_map(|(at, cause)| Some((at?, cause))).min()?;
    Some(Expiry { segment: oldest.id.to_string(), at: rfc3339(Timestamp::from_nanos(at)), cause })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const S: i64 = 1_000_000_000;

    /// Segments of 100 s and 1000 bytes on disk, one behind the other from 0 on.
    fn segments(count: i64) -> Vec<Summary> {
        let at = |s: i64| Timestamp::from_nanos(s * S);
        let one = |number: i64| Summary {
            id: format!("web1-aaaaaa-{number:010}").parse().unwrap(),
            node: "web1".to_owned(),
            state: State::Indexed,
            range: TimeRange::new(at(number * 100), at((number + 1) * 100)),
            packets: 10,
            bytes: 5_000,
            file_bytes: 800,
            index_bytes: 200,
            losses: Vec::new(),
            origin: Origin::Capture,
        };
        (0..count).map(one).collect()
    }

    #[track_caller]
    fn check(told: Value, free_bytes: u64, is_recording: bool, expected: Option<(&str, ExpiryCause)>) {
        let disk = Disk { path: String::new(), free_bytes: Some(free_bytes), total_bytes: Some(100_000) };
        let status = json!({ "retention": told });
        let retention =
            retention(&status, is_recording, &segments(10), &disk, Timestamp::from_nanos(1_000 * S)).unwrap();
        assert_eq!(retention.bytes_per_second, Some(10));
        let next = retention.next.as_ref().map(|next| (next.at.as_str(), next.cause));
        assert_eq!(next, expected);
        assert!(retention.next.is_none_or(|next| next.segment == "web1-aaaaaa-0000000000"));
    }

    #[test]
    fn the_limit_that_is_reached_first_says_when_the_oldest_goes() {
        let age = json!({ "age_max_s": 1_800, "bytes_max": null, "free_percent_min": 0 });
        check(age, 50_000, true, Some(("1970-01-01T00:31:40Z", ExpiryCause::Age)));
        let both = json!({ "age_max_s": 1_800, "bytes_max": 11_000, "free_percent_min": 5 });
        check(both.clone(), 50_000, true, Some(("1970-01-01T00:18:20Z", ExpiryCause::Bytes)));
        check(both.clone(), 5_100, true, Some(("1970-01-01T00:16:50Z", ExpiryCause::Free)));
        check(both, 5_100, false, None);
        check(json!({ "free_percent_min": 0 }), 50_000, true, None);
    }

    #[test]
    fn without_a_recorder_nothing_is_told() {
        let disk = Disk { path: String::new(), free_bytes: None, total_bytes: None };
        assert_eq!(retention(&Value::Null, false, &segments(1), &disk, Timestamp::from_nanos(0)), None);
    }
}
