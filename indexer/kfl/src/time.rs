//! Times in queries: instants as milliseconds since 1970, UTC.
//!
//! There is no clock here. What "now" means comes with the text, and is settled when the
//! text is parsed: a query means the same for all records it sees.

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The units that can be counted from now: `hours(-2)`. A month is 30 days, a year 365.
pub(crate) const UNITS: [(&str, i64); 7] = [
    ("seconds", SECOND_MS),
    ("minutes", MINUTE_MS),
    ("hours", HOUR_MS),
    ("days", DAY_MS),
    ("weeks", 7 * DAY_MS),
    ("months", 30 * DAY_MS),
    ("years", 365 * DAY_MS),
];

/// Reads `10/19/2021, 6:29:02.593 PM` (UTC; with or without milliseconds, with or without
/// AM and PM) and RFC 3339, `2021-10-19T18:29:02.593Z`, with any offset.
pub(crate) fn instant_ms(text: &str) -> Option<i64> {
    american(text.trim()).or_else(|| rfc3339(text.trim()))
}

fn american(text: &str) -> Option<i64> {
    let (date, clock) = text.split_once(',')?;
    let mut date = date.split('/');
    let (month, day, year) = (whole(date.next()?)?, whole(date.next()?)?, whole(date.next()?)?);
    if date.next().is_some() {
        return None;
    }
    let mut words = clock.split_ascii_whitespace();
    let time_ms = clock_ms(words.next()?)?;
    let time_ms = match words.next().map(str::to_ascii_uppercase).as_deref() {
        None => time_ms,
        Some(half) => {
            let hour = time_ms / HOUR_MS;
            if !(1..=12).contains(&hour) {
                return None;
            }
            let after_twelve = time_ms % (12 * HOUR_MS);
            match half {
                "AM" => after_twelve,
                "PM" => after_twelve + 12 * HOUR_MS,
                _ => return None,
            }
        }
    };
    if words.next().is_some() {
        return None;
    }
    Some(day_number(year, month, day)? * DAY_MS + time_ms)
}

fn rfc3339(text: &str) -> Option<i64> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut date = date.split('-');
    let (year, month, day) = (whole(date.next()?)?, whole(date.next()?)?, whole(date.next()?)?);
    let day_ms = day_number(year, month, day)? * DAY_MS;
    if date.next().is_some() {
        return None;
    }
    if rest.is_empty() {
        return Some(day_ms);
    }
    let clock = rest.strip_prefix(['T', 't', ' '])?;
    let zone_at = clock.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = clock.split_at_checked(zone_at)?;
    let offset_ms = match zone.split_at_checked(1)? {
        ("Z" | "z", "") => 0,
        (sign, offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let (hours, minutes) = (whole(hours)?, whole(minutes)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset_ms = hours * HOUR_MS + minutes * MINUTE_MS;
            if sign == "-" { -offset_ms } else { offset_ms }
        }
    };
    Some(day_ms + clock_ms(clock)? - offset_ms)
}

/// `18:29:02` or `18:29:02.593`; of a longer fraction, the milliseconds.
fn clock_ms(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = clock.split(':');
    let (hour, minute, second) = (whole(parts.next()?)?, whole(parts.next()?)?, whole(parts.next()?)?);
    let in_range = hour < 24 && minute < 60 && second < 60;
    if !in_range || parts.next().is_some() || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let millis = whole(format!("{fraction:0<3}").get(..3)?)?;
    Some(hour * HOUR_MS + minute * MINUTE_MS + second * SECOND_MS + millis)
}

/// A short run of digits. Four digits are enough for everything here, so nothing overflows.
fn whole(text: &str) -> Option<i64> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Days since 1970-01-01 in the Gregorian calendar.
fn day_number(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if year == 0 || !(1..=days).contains(&day) {
        return None;
    }
    // Counted in years that begin in March, so that the leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468)
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, day_number, instant_ms};

    #[test]
    fn instants() {
        for (text, ms) in [
            ("10/19/2021, 6:29:02.593 PM", Some(1_634_668_142_593)),
            ("10/19/2021, 6:29:02 PM", Some(1_634_668_142_000)),
            ("10/19/2021, 18:29:02", Some(1_634_668_142_000)),
            ("10/19/2021, 12:00:00 AM", Some(1_634_601_600_000)),
            ("2021-10-19T18:29:02.593Z", Some(1_634_668_142_593)),
            ("2021-10-19T20:29:02.5931234+02:00", Some(1_634_668_142_593)),
            ("2021-10-19", Some(1_634_601_600_000)),
            ("10/19/2021, 18:29:02 PM", None),
            ("2/30/2021, 6:29:02 PM", None),
            ("2021-02-29", None),
            ("2021-10-19T18:29:02", None),
            ("bad", None),
            ("", None),
        ] {
            assert_eq!(instant_ms(text), ms, "{text}");
        }
    }

    #[test]
    fn days_follow_one_another() {
        let mut expected = day_number(1, 1, 1).unwrap();
        for year in 1..=2400 {
            for month in 1..=12 {
                for day in 1..=31 {
                    if let Some(number) = day_number(year, month, day) {
                        assert_eq!(number, expected, "{year}-{month}-{day}");
                        expected += 1;
                    }
                }
            }
        }
        assert_eq!(day_number(1970, 1, 1), Some(0));
        assert_eq!(instant_ms("9999-12-31").map(|ms| ms % DAY_MS), Some(0));
    }
}
