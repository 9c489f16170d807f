//! Instants as people type them, and as they are printed.
//!
//! | typed                       | means                                                               |
//! |-----------------------------|---------------------------------------------------------------------|
//! | `2026-11-21T10:00:00Z`      | RFC 3339, any offset; fractions down to nanoseconds                   |
//! | `2026-11-21T10:00`, `2026-11-21` | no offset: UTC; no time: midnight                                |
//! | `1795255200`, `1795255200.5`| Unix time in seconds                                                |
//! | `1795255200000` (12 to 14 digits), 15 to 17, 18 and more | Unix time in ms, µs, ns                |
//! | `now`                       | the wall clock                                                      |
//! | `-15m`, `-1h30m`            | so long ago: `ms`, `s`, `m`, `h`, `d`, `w`                          |

use segment::time::NANOS_PER_SECOND;
use segment::{TimeRange, Timestamp};

/// Units of a relative time and their nanoseconds; the longest spelling first, so that `ms` is not `m`.
const UNITS: [(&str, i64); 6] = [
    ("ms", 1_000_000),
    ("s", NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("h", 3_600 * NANOS_PER_SECOND),
    ("d", 86_400 * NANOS_PER_SECOND),
    ("w", 7 * 86_400 * NANOS_PER_SECOND),
];

/// What is said about a time that can't be read.
const EXPECTED: &str = "expected RFC 3339 (2026-11-21T10:00:00Z), Unix time (1795255200), `now`, or relative (-15m; units ms s m h d w)";

/// The wall clock; the only place where this crate reads it.
pub fn now() -> Timestamp {
    let nanos = jiff::Timestamp::now().as_nanosecond();
    Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// Reads one instant.
///
/// # Errors
///
/// A message for people, which names the forms that are understood.
pub fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let typed = text.trim();
    if typed == "now" {
        return Ok(now);
    }
    let parsed = match typed.strip_prefix('-') {
        Some(ago) => return relative(ago, now).ok_or_else(|| complain(text)),
        None if is_number(typed) => unix(typed),
        None => calendar(typed),
    };
    parsed.ok_or_else(|| complain(text))
}

/// The half-open range from `from` to `to`; everything where one is absent.
///
/// # Errors
///
/// A message for people.
pub fn range(from: Option<&str>, to: Option<&str>) -> Result<TimeRange, String> {
    range_at(from, to, now())
}

fn range_at(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<TimeRange, String> {
    let named = |name: &str, text: Option<&str>, absent| match text {
        Some(text) => parse(text, now).map_err(|error| format!("--{name}: {error}")),
        None => Ok(absent),
    };
    let start = named("from", from, TimeRange::ALL.start())?;
    let end = named("to", to, TimeRange::ALL.end())?;
    TimeRange::new(start, end)
        .ok_or_else(|| format!("--to {} comes before --from {}", rfc3339(end), rfc3339(start)))
}

/// Reads a length of time, `1m` or `1h30m`, in nanoseconds.
///
/// # Errors
///
/// A message for people.
pub fn length_ns(text: &str) -> Result<i64, String> {
    let length =
        relative(text.trim(), Timestamp::from_nanos(0)).map(|instant| instant.nanos().saturating_neg());
    length.filter(|ns| *ns >= 0 && !text.trim().is_empty()).ok_or_else(|| {
        let text = crate::terminal::escape::line(text);
        format!("`{text}` is not a length of time: expected 30s, 1m or 1h30m (units ms s m h d w)")
    })
}

/// `2026-11-21T10:00:00.123456789Z`; the ends of time as themselves.
pub fn rfc3339(timestamp: Timestamp) -> String {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(timestamp.nanos()));
    instant.map_or_else(|_| timestamp.to_string(), |instant| instant.to_string())
}

/// `2026-11-21 10:00:00.123Z`: what a table has room for.
pub fn short(timestamp: Timestamp) -> String {
    let instant = jiff::Timestamp::from_nanosecond(i128::from(timestamp.nanos()));
    instant.map_or_else(
        |_| timestamp.to_string(),
        |instant| instant.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S.%3fZ").to_string(),
    )
}

fn complain(text: &str) -> String {
    format!("`{}` is not a time: {EXPECTED}", crate::terminal::escape::line(text))
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Seconds with a fraction, or a whole number whose magnitude tells its unit: 11 digits of seconds reach the
/// year 5138, so a longer number can only be finer.
fn unix(text: &str) -> Option<Timestamp> {
    if let Some((seconds, fraction)) = text.split_once('.') {
        let seconds: i64 = if seconds.is_empty() { 0 } else { seconds.parse().ok()? };
        let digits = fraction.get(..9.min(fraction.len()))?;
        if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let nanos: i64 = format!("{digits:0<9}").parse().ok()?;
        return seconds.checked_mul(NANOS_PER_SECOND)?.checked_add(nanos).map(Timestamp::from_nanos);
    }
    let number: i64 = text.parse().ok()?;
    let unit_nanos = match text.trim_start_matches('0').len() {
        0..=11 => NANOS_PER_SECOND,
        12..=14 => 1_000_000,
        15..=17 => 1_000,
        _ => 1,
    };
    number.checked_mul(unit_nanos).map(Timestamp::from_nanos)
}

fn calendar(text: &str) -> Option<Timestamp> {
    let instant = match text.parse::<jiff::Timestamp>() {
        Ok(instant) => instant,
        Err(_) => {
            let civil: jiff::civil::DateTime = text.parse().ok()?;
            civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp()
        }
    };
    i64::try_from(instant.as_nanosecond()).ok().map(Timestamp::from_nanos)
}

fn relative(ago: &str, now: Timestamp) -> Option<Timestamp> {
    let mut rest = ago;
    let mut total_nanos: i64 = 0;
    while !rest.is_empty() || ago.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let number: i64 = number.parse().ok()?;
        let (unit, nanos) = UNITS.into_iter().find(|(unit, _)| after.starts_with(unit))?;
        total_nanos = total_nanos.checked_add(number.checked_mul(nanos)?)?;
        rest = after.strip_prefix(unit)?;
    }
    now.nanos().checked_sub(total_nanos).map(Timestamp::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_nanos(1_795_255_200 * NANOS_PER_SECOND);

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(rfc3339(parse(text, NOW).unwrap()), expected, "{text}");
    }

    #[test]
    fn calendar_times() {
        check("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z");
        check("2026-11-21T10:00:00.123456789+02:00", "2026-11-21T08:00:00.123456789Z");
        check("2026-11-21t10:00:00z", "2026-11-21T10:00:00Z");
        check("2026-11-21 10:00", "2026-11-21T10:00:00Z");
        check("2026-11-21", "2026-11-21T00:00:00Z");
    }

    #[test]
    fn unix_times_tell_their_unit_by_magnitude() {
        check("0", "1970-01-01T00:00:00Z");
        check("1678675066", "2023-03-13T02:37:46Z");
        check("1678675066.172", "2023-03-13T02:37:46.172Z");
        check("1678675066.1720000009", "2023-03-13T02:37:46.172Z");
        check("1678675066172", "2023-03-13T02:37:46.172Z");
        check("1678675066172000", "2023-03-13T02:37:46.172Z");
        check("1678675066172000001", "2023-03-13T02:37:46.172000001Z");
    }

    #[test]
    fn relative_times_go_back_from_now() {
        check("now", "2026-11-21T10:00:00Z");
        check("-15m", "2026-11-21T09:45:00Z");
        check("-1h30m", "2026-11-21T08:30:00Z");
        check("-250ms", "2026-11-21T09:59:59.75Z");
        check("-2d", "2026-11-19T10:00:00Z");
        check("-1w", "2026-11-14T10:00:00Z");
    }

    #[test]
    fn nonsense_is_refused_with_the_forms_that_are_understood() {
        let bad = [
            "",
            "-",
            "-15",
            "-m",
            "yesterday",
            "1.2.3",
            ".",
            "99999999999999999999",
            "2026-13-01",
            "-9999999w",
        ];
        for text in bad {
            let error = parse(text, NOW).unwrap_err();
            assert!(error.contains("RFC 3339"), "{text}: {error}");
        }
    }

    #[test]
    fn lengths_have_units() {
        assert_eq!(length_ns("1m30s"), Ok(90 * NANOS_PER_SECOND));
        assert_eq!(length_ns("250ms"), Ok(250_000_000));
        for text in ["", "5", "m", "-1m", "1x"] {
            assert!(length_ns(text).unwrap_err().contains("1h30m"), "{text}");
        }
    }

    #[test]
    fn ranges_must_run_forward() {
        assert_eq!(range_at(None, None, NOW), Ok(TimeRange::ALL));
        let range = range_at(Some("-1m"), Some("now"), NOW).unwrap();
        assert_eq!(range.end(), NOW);
        assert!(range_at(Some("now"), Some("-1m"), NOW).unwrap_err().contains("comes before"));
        assert!(range_at(Some("x"), None, NOW).unwrap_err().starts_with("--from: "));
    }
}
