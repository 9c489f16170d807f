//! Durations and sizes: `250ms`, `1h30m`, `1.5MiB`.
//!
//! A duration is a number of milliseconds, as `elapsedTime` and `timestamp` are; a size a number of bytes.

use serde_json::Number;

/// What to write.
pub(crate) const HINT: &str =
    "durations end in ns, us, ms, s, m, h, d or w; sizes in B, kB, MB, GB, TB, KiB, MiB, GiB or TiB";

/// Units of time in nanoseconds.
const DURATIONS: [(&str, i128); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 604_800_000_000_000),
];
/// How many nanoseconds a millisecond has: the unit of the result.
const MILLISECOND_NS: i128 = 1_000_000;

/// Units of size in bytes, in lower case: they are read whatever their case.
const SIZES: [(&str, i128); 9] = [
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

/// The number that `text`, a `quantity` of the grammar, stands for.
pub(crate) fn read(text: &str) -> Result<Number, String> {
    if let Some(bytes) = size(text) {
        return bytes.ok_or_else(|| "this size is too large".to_owned());
    }
    duration(text)
}

/// The milliseconds of a duration, which may have several parts: `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Number, String> {
    let mut total = 0i128;
    let mut rest = text;
    while !rest.is_empty() {
        let (amount, after) = split_amount(rest);
        let unit_end = after.find(|letter: char| !letter.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_end).unwrap_or((after, ""));
        let Some((_, unit_ns)) = DURATIONS.iter().find(|(known, _)| *known == unit) else {
            return Err(match unit {
                "" => format!("`{text}` has no unit"),
                _ => format!("unknown unit `{unit}`"),
            });
        };
        let part = scaled(amount, *unit_ns).and_then(|part| total.checked_add(part));
        total = part.ok_or_else(|| "this duration is too long".to_owned())?;
        rest = after;
    }
    let whole = total % MILLISECOND_NS == 0;
    let number = if whole { Number::from_i128(total / MILLISECOND_NS) } else { fraction(total) };
    number.ok_or_else(|| "this duration is too long".to_owned())
}

fn size(text: &str) -> Option<Option<Number>> {
    let (amount, unit) = split_amount(text);
    let unit = unit.to_lowercase();
    let (_, unit_bytes) = SIZES.iter().find(|(known, _)| *known == unit)?;
    Some(scaled(amount, *unit_bytes).and_then(Number::from_i128))
}

fn split_amount(text: &str) -> (&str, &str) {
    let is_amount = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '_');
    let end = text.find(|letter| !is_amount(letter)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// `amount` units in the smallest one, rounded down.
fn scaled(amount: &str, unit: i128) -> Option<i128> {
    let digits = amount.replace('_', "");
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let whole = whole.parse::<i128>().ok()?.checked_mul(unit)?;
    // Further digits are below the smallest unit.
    let fraction = fraction.get(..FRACTION_DIGITS_MAX).unwrap_or(fraction);
    let parts = if fraction.is_empty() { 0 } else { fraction.parse::<i128>().ok()? };
    let denominator = 10i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    whole.checked_add(parts.checked_mul(unit)?.checked_div(denominator)?)
}

/// Digits behind the point that can matter: the largest unit has as many of the smallest.
const FRACTION_DIGITS_MAX: usize = 15;

/// Milliseconds with a fraction.
fn fraction(total_ns: i128) -> Option<Number> {
    format!("{}.{:06}", total_ns / MILLISECOND_NS, total_ns % MILLISECOND_NS)
        .parse()
        .ok()
        .and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn durations_are_milliseconds_and_sizes_bytes() {
        for (text, expected) in [
            ("250ms", "250"),
            ("1h30m", "5400000"),
            ("1.5s", "1500"),
            ("250us", "0.25"),
            ("1ns", "1e-6"),
            ("2w", "1209600000"),
            ("1_000s", "1000000"),
            ("1MiB", "1048576"),
            ("1.5kb", "1500"),
            ("512B", "512"),
            ("0.1TiB", "109951162777"),
        ] {
            assert_eq!(read(text).map(|number| number.to_string()).as_deref(), Ok(expected), "{text}");
        }
        for bad in
            ["1x", "1M", "5min", "1s2", "99999999999999999999999999w", "999999999999999999TiB", "1MiB1s"]
        {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
