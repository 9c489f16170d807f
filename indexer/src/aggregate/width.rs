//! How wide the buckets of a timeline are.

use segment::TimeRange;

/// Buckets of an answer; where there would be more they are made wider.
const BUCKETS_MAX: i64 = 10_000;
/// The width of a bucket where nothing is known of when entries began.
const UNKNOWN_NS: i64 = 1_000_000_000;

/// How wide a bucket is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
    /// So many nanoseconds, more than none.
    Fixed(i64),
    /// So that there are about so many, at most; a width that people use.
    Target(u32),
}

/// Widths that people use, in nanoseconds; above, whole days.
const WIDTHS_NS: [i64; 28] = {
    const MS: i64 = 1_000_000;
    const S: i64 = 1_000 * MS;
    [
        MS,
        2 * MS,
        5 * MS,
        10 * MS,
        20 * MS,
        50 * MS,
        100 * MS,
        200 * MS,
        500 * MS,
        S,
        2 * S,
        5 * S,
        10 * S,
        15 * S,
        30 * S,
        60 * S,
        120 * S,
        300 * S,
        600 * S,
        900 * S,
        1_800 * S,
        3_600 * S,
        7_200 * S,
        10_800 * S,
        21_600 * S,
        43_200 * S,
        86_400 * S,
        7 * 86_400 * S,
    ]
};

impl Width {
    /// Most buckets of an answer.
    #[must_use]
    pub fn buckets_max(self) -> i64 {
        match self {
            Self::Fixed(_) => BUCKETS_MAX,
            Self::Target(buckets) => i64::from(buckets).clamp(1, BUCKETS_MAX),
        }
    }

    /// Its nanoseconds, for entries that began in a range, if that is known.
    #[must_use]
    pub fn every_ns(self, range: Option<TimeRange>) -> i64 {
        let least = match self {
            Self::Fixed(every_ns) => every_ns.max(1),
            Self::Target(_) => 1,
        };
        let Some(range) = range else { return least.max(UNKNOWN_NS) };
        let (first, last) = (range.start().nanos(), range.end().nanos().saturating_sub(1));
        let fits = |every_ns: i64| {
            last.div_euclid(every_ns).saturating_sub(first.div_euclid(every_ns)) < self.buckets_max()
        };
        match self {
            Self::Fixed(_) if fits(least) => least,
            Self::Fixed(_) | Self::Target(_) => wider(least, fits),
        }
    }
}

/// A width of whole ones of `every_ns` that fits: one that people use, unless doubling gives a much narrower one.
#[must_use]
pub fn wider(every_ns: i64, fits: impl Fn(i64) -> bool) -> i64 {
    let mut known = WIDTHS_NS.into_iter().filter(|width| *width > every_ns && width % every_ns == 0);
    let known = known.find(|width| fits(*width));
    let mut doubled = std::iter::successors(Some(every_ns), |width| width.checked_mul(2));
    let doubled = doubled.find(|width| fits(*width)).unwrap_or(i64::MAX);
    known.filter(|width| width / MUCH <= doubled).unwrap_or(doubled)
}

/// How much wider a width may be that people use.
const MUCH: i64 = 4;

#[cfg(test)]
mod tests {
    use segment::Timestamp;

    use super::*;

    #[track_caller]
    fn check(width: Width, span_ns: i64, expected_ns: i64) {
        let range = TimeRange::new(Timestamp::from_nanos(0), Timestamp::from_nanos(span_ns));
        assert_eq!(width.every_ns(range), expected_ns);
    }

    #[test]
    fn buckets_are_as_wide_as_people_use_and_never_too_many() {
        const S: i64 = 1_000_000_000;
        check(Width::Target(60), 3_600 * S, 60 * S);
        check(Width::Target(60), 3_600 * S + 1, 120 * S);
        check(Width::Target(10), 86_400 * S, 10_800 * S);
        check(Width::Fixed(7 * S), 3_600 * S, 7 * S);
        check(Width::Fixed(S), 86_400 * S, 10 * S);
        check(Width::Fixed(3), S, 3 << 16);
        check(Width::Target(1), i64::MAX, i64::MAX);
        assert_eq!(Width::Target(5).every_ns(None), UNKNOWN_NS);
    }
}
