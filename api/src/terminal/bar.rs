//! Numbers as bars of block characters, for the eye.

const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A bar as long as `value` is of `most`, in at most `columns` columns. Whatever is more than nothing shows.
pub fn horizontal(value: u64, most: u64, columns: u32) -> String {
    let eighths = scaled(value, most, u64::from(columns) * 8);
    let whole = usize::try_from(eighths / 8).unwrap_or(0);
    let mut bar = "█".repeat(whole);
    let rest = usize::try_from(eighths % 8).unwrap_or(0);
    bar.extend(rest.checked_sub(1).and_then(|at| EIGHTHS.get(at)));
    bar
}

/// A column for each value, as high as it is of the greatest; neighbours are added up where there are more than `columns`.
pub fn line(values: &[u64], columns: usize) -> String {
    let together = values.len().div_ceil(columns.max(1)).max(1);
    let values: Vec<u64> = values.chunks(together).map(|values| values.iter().sum()).collect();
    let most = values.iter().copied().max().unwrap_or(0);
    let height = |value: u64| match scaled(value, most, 8) {
        0 => ' ',
        height => HEIGHTS[usize::try_from(height - 1).unwrap_or(0).min(7)],
    };
    values.into_iter().map(height).collect()
}

/// `value` of `most` as parts of `parts`; at least one of what is more than nothing.
fn scaled(value: u64, most: u64, parts: u64) -> u64 {
    if value == 0 || most == 0 {
        return 0;
    }
    let scaled = u128::from(value) * u128::from(parts) / u128::from(most);
    u64::try_from(scaled).unwrap_or(parts).clamp(1, parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_values() {
        let bars = [0, 1, 50, 100, 1_000].map(|value| horizontal(value, 1_000, 10));
        assert_eq!(bars, ["", "▏", "▌", "█", "██████████"]);
        assert_eq!(line(&[0, 1, 4, 8], 10), " ▁▄█");
        assert_eq!(line(&[1, 1, 2, 2, 0, 8], 3), "▂▄█");
        assert_eq!((line(&[], 3), horizontal(0, 0, 5)), (String::new(), String::new()));
    }
}
