//! Bytes, counts and durations as people read them.

/// `0 B`, `999 B`, `1.2 kB`, `34 MB`: powers of 1000, as disks and links are measured.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut unit_bytes: u64 = 1000;
    for (position, unit) in UNITS.into_iter().enumerate() {
        // Compared after rounding, so that 999 950 is 1.0 MB rather than 1000 kB.
        let last = position + 1 == UNITS.len();
        let tenths = (u128::from(count) * 10 + u128::from(unit_bytes) / 2) / u128::from(unit_bytes);
        if tenths < 100 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        let whole = (u128::from(count) + u128::from(unit_bytes) / 2) / u128::from(unit_bytes);
        if whole < 1000 || last {
            return format!("{whole} {unit}");
        }
        unit_bytes = unit_bytes.saturating_mul(1000);
    }
    unreachable!("the last unit takes everything")
}

/// `1 234 567`: digits in threes.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

/// `0ms`, `23ms`, `1.5s`, `2m05s`, `3h07m`.
pub fn millis(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis}ms"),
        1_000..60_000 => format!("{}.{}s", millis / 1_000, millis % 1_000 / 100),
        60_000..3_600_000 => format!("{}m{:02}s", millis / 60_000, millis % 60_000 / 1_000),
        _ => format!("{}h{:02}m", millis / 3_600_000, millis % 3_600_000 / 60_000),
    }
}

/// `850µs`, `1.2ms`, `23ms`, then as [`millis`].
pub fn micros(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros}µs"),
        1_000..10_000 => format!("{}.{}ms", micros / 1_000, micros % 1_000 / 100),
        _ => millis(micros / 1_000),
    }
}

/// `12%`, `3.4%`, `0.05%`: two digits that count, and `-` of nothing.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    let percent = part as f64 * 100.0 / whole as f64;
    match percent {
        0.0 => "0%".to_owned(),
        ..1.0 => format!("{percent:.2}%"),
        ..10.0 => format!("{percent:.1}%"),
        _ => format!("{percent:.0}%"),
    }
}

/// `1 segment`, `2 segments`.
pub fn counted(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", count(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_short_and_rounded() {
        for (value, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (9_950, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (1_250_000_000, "1.3 GB"),
            (u64::MAX, "18 EB"),
        ] {
            assert_eq!(bytes(value), expected);
        }
        assert_eq!(count(1), "1");
        assert_eq!(count(123_456), "123 456");
        assert_eq!(count(1_234_567), "1 234 567");
        for (value, expected) in [(0, "0µs"), (999, "999µs"), (1_250, "1.2ms"), (23_900, "23ms")] {
            assert_eq!(micros(value), expected);
        }
        for (part, expected) in [(0, "0%"), (1, "0.05%"), (68, "3.4%"), (250, "12%"), (2_000, "100%")] {
            assert_eq!(percent(part, 2_000), expected);
        }
        assert_eq!(percent(0, 0), "-");
        assert_eq!(counted(1, "loss"), "1 loss");
        for (value, expected) in [(0, "0ms"), (1_540, "1.5s"), (125_000, "2m05s"), (11_220_000, "3h07m")] {
            assert_eq!(millis(value), expected);
        }
    }
}
