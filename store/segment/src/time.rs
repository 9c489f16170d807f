//! Instants and half-open ranges of packet time.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Nanoseconds per second.
pub const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// An instant: nanoseconds since 1970-01-01T00:00:00Z, taken from a packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant that can be written.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant that can be written (2262-04-11).
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since the Unix epoch, UTC.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch, UTC.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Milliseconds since the Unix epoch, rounded towards the past.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Nanoseconds from `earlier` to `self`; negative when `self` is earlier; saturates.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// RFC 3339 in UTC with nine digits (`2023-03-13T02:37:46.172000000Z`).
    #[must_use]
    pub fn rfc3339(self) -> String {
        let seconds = self.0.div_euclid(NANOS_PER_SECOND);
        let (days, in_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (in_day / 3600, in_day / 60 % 60, in_day % 60);
        let nanos = self.0.rem_euclid(NANOS_PER_SECOND);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
    }

    /// This instant moved by `nanos`; saturates at the ends of time.
    #[must_use]
    pub const fn plus_nanos(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March, so that the leap day comes last; 400 years have 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// Writes seconds and nanoseconds (`1678675066.172000000`), as tcpdump's `-tt` does.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0.div_euclid(NANOS_PER_SECOND), self.0.rem_euclid(NANOS_PER_SECOND))
    }
}

/// Instants from `start` up to but without `end`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl TimeRange {
    /// Every instant but the very last.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    /// The range `[start, end)`; `None` if `end` comes before `start`.
    #[must_use]
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// The smallest range that holds both `first` and `last`, in either order.
    #[must_use]
    pub fn covering(first: Timestamp, last: Timestamp) -> Self {
        Self { start: first.min(last), end: first.max(last).plus_nanos(1) }
    }

    /// First instant inside.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        self.start
    }

    /// First instant after the range.
    #[must_use]
    pub const fn end(self) -> Timestamp {
        self.end
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether `instant` lies inside.
    #[must_use]
    pub fn contains(self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }

    /// Whether the two ranges share an instant.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_half_open() {
        let at = Timestamp::from_nanos;
        let range = TimeRange::new(at(10), at(20)).unwrap();
        assert!(range.contains(at(10)) && !range.contains(at(20)));
        assert!(!range.overlaps(TimeRange::new(at(20), at(30)).unwrap()));
        assert!(TimeRange::new(at(2), at(1)).is_none());
        assert!(TimeRange::covering(at(5), at(3)).contains(at(5)));
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        let day = |day: i64| Timestamp::from_nanos(day * 86_400 * NANOS_PER_SECOND).rfc3339();
        assert_eq!(
            Timestamp::from_nanos(1_678_675_066_172_000_001).rfc3339(),
            "2023-03-13T02:37:46.172000001Z"
        );
        assert_eq!(day(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(day(11_016), "2000-02-29T00:00:00.000000000Z");
        assert_eq!(day(11_017), "2000-03-01T00:00:00.000000000Z");
        assert_eq!(Timestamp::from_nanos(-1).rfc3339(), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(Timestamp::MAX.rfc3339(), "2262-04-11T23:47:16.854775807Z");
    }

    #[test]
    fn instants_before_the_epoch_are_written_with_positive_fractions() {
        assert_eq!(Timestamp::from_nanos(-1).to_string(), "-1.999999999");
        assert_eq!(Timestamp::from_nanos(-1).millis(), -1);
    }
}
