//! The tests that changes are told by, on counts only.

/// Below so many events a binomial tail is summed up rather than taken for a normal one.
const EXACT_EVENTS_MAX: u64 = 60;

/// How likely a standard normal variable is at least this far from 0.
#[must_use]
pub fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The complementary error function, within 1.2e-7 of itself also far out (Press et al., Numerical Recipes, 6.2).
fn erfc(x: f64) -> f64 {
    const COEFFICIENTS: [f64; 10] = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let t = 1.0 / (1.0 + 0.5 * x.abs());
    let polynomial = COEFFICIENTS.into_iter().fold(0.0, |sum, coefficient| sum * t + coefficient);
    let tail = t * (-x * x + polynomial).exp();
    if x >= 0.0 { tail } else { 2.0 - tail }
}

/// Whether two shares differ: the two-proportion z test with pooled variance. Gives z and p.
#[must_use]
pub fn two_proportions(hits: [u64; 2], of: [u64; 2]) -> (f64, f64) {
    let [a, b] = [0, 1].map(|at| hits[at] as f64 / of[at].max(1) as f64);
    let all = (of[0] + of[1]).max(1) as f64;
    let pooled = (hits[0] + hits[1]) as f64 / all;
    let variance = pooled * (1.0 - pooled) * (1.0 / of[0].max(1) as f64 + 1.0 / of[1].max(1) as f64);
    if variance <= 0.0 {
        return (0.0, 1.0);
    }
    let z = (b - a) / variance.sqrt();
    (z, two_sided(z))
}

/// Whether two Poisson rates differ: given how many events there were together, those after are binomial with the
/// share of time after (Przyborowski and Wilenski 1940). Gives p.
#[must_use]
pub fn poisson_rates(events: [u64; 2], seconds: [f64; 2]) -> f64 {
    let all = events[0] + events[1];
    let share = seconds[1] / (seconds[0] + seconds[1]);
    if all == 0 || !(share > 0.0 && share < 1.0) {
        return 1.0;
    }
    let (n, k) = (all as f64, events[1] as f64);
    if all >= EXACT_EVENTS_MAX {
        let distance = ((k - n * share).abs() - 0.5).max(0.0);
        return two_sided(distance / (n * share * (1.0 - share)).sqrt());
    }
    let mut chance = (n * (1.0 - share).ln()).exp();
    let (mut below, mut above) = (0.0, 0.0);
    for events_after in 0..=all {
        if events_after <= events[1] {
            below += chance;
        }
        if events_after >= events[1] {
            above += chance;
        }
        let at = events_after as f64;
        chance *= (n - at) / (at + 1.0) * share / (1.0 - share);
    }
    (2.0 * f64::min(below, above)).min(1.0)
}

/// Whether the values of the second are larger or smaller than those of the first: the Mann-Whitney U test, corrected for ties,
/// on counts by value in order. Gives z, p and Cliff's delta: how much likelier a value of the second is the larger one than the smaller.
#[must_use]
pub fn mann_whitney(
    before: impl Iterator<Item = (u64, u64)>,
    after: impl Iterator<Item = (u64, u64)>,
) -> (f64, f64, f64) {
    let mut cells = std::collections::BTreeMap::<u64, [f64; 2]>::new();
    before.for_each(|(value, count)| cells.entry(value).or_default()[0] += count as f64);
    after.for_each(|(value, count)| cells.entry(value).or_default()[1] += count as f64);
    let (mut first, mut second, mut u, mut ties) = (0.0, 0.0, 0.0, 0.0);
    for [a, b] in cells.into_values() {
        u += b * (first + a / 2.0);
        first += a;
        second += b;
        let tied = a + b;
        ties += tied * tied * tied - tied;
    }
    let all = first + second;
    let pairs = first * second;
    let variance = pairs / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if pairs == 0.0 || variance.is_nan() || variance <= 0.0 {
        return (0.0, 1.0, 0.0);
    }
    let z = (u - pairs / 2.0) / variance.sqrt();
    (z, two_sided(z), 2.0 * u / pairs - 1.0)
}

/// How likely it is that all `hits` fell among `own` of `own + other` by chance: Fisher's exact test where the other has none.
#[must_use]
pub fn all_in_one(hits: u64, own: u64, other: u64) -> f64 {
    (0..hits)
        .map(|at| own.saturating_sub(at) as f64 / (own + other).saturating_sub(at).max(1) as f64)
        .product()
}

/// The p values adjusted for their number (Benjamini and Hochberg 1995), in the order given.
#[must_use]
pub fn adjusted(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len() as f64;
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*b].total_cmp(&p_values[*a]));
    let (mut least, mut adjusted) = (1.0_f64, vec![1.0; p_values.len()]);
    for (from_last, at) in order.into_iter().enumerate() {
        let rank = count - from_last as f64;
        least = least.min(p_values[at] * count / rank);
        adjusted[at] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-3 * expected.abs().max(1e-3), "{found} is not {expected}");
    }

    /// Expected values are those of R and SciPy.
    #[test]
    fn tests_say_what_other_programs_say() {
        near(two_sided(1.959_964), 0.05);
        near(two_sided(6.0), 1.973e-9);
        // statsmodels: proportions_ztest([5, 20], [100, 100])
        let (z, p) = two_proportions([5, 20], [100, 100]);
        near(z, 3.2071);
        near(p, 0.001_341);
        assert_eq!(two_proportions([0, 0], [10, 10]), (0.0, 1.0));
        // 2 * min tail of binom(10, 0.5) at 9
        near(poisson_rates([1, 9], [60.0, 60.0]), 0.021_48);
        near(poisson_rates([5, 5], [60.0, 60.0]), 1.0);
        near(poisson_rates([0, 20], [60.0, 60.0]), 2.0 * 0.5_f64.powi(20));
        assert!(poisson_rates([500, 800], [60.0, 60.0]) < 1e-15);
        near(poisson_rates([500, 1_000], [60.0, 120.0]), 1.0);
        // Exact: 3 of 10 against none of 10.
        near(all_in_one(3, 10, 10), 0.105_26);
    }

    #[test]
    fn ranks_are_compared_with_ties() {
        let cells = |values: &[u64]| values.iter().map(|value| (*value, 1)).collect::<Vec<_>>();
        let (one, other) = (cells(&[1, 2, 3, 4, 5, 5]), cells(&[4, 5, 6, 7, 8, 9, 9]));
        // scipy.stats.mannwhitneyu(other, one, use_continuity=False, method="asymptotic"): U = 38.5
        let (z, p, delta) = mann_whitney(one.into_iter(), other.into_iter());
        near(delta, 2.0 * 38.5 / 42.0 - 1.0);
        near(z, 2.520_86);
        near(p, 0.011_707);
        assert_eq!(mann_whitney([(1, 5)].into_iter(), [(1, 7)].into_iter()), (0.0, 1.0, 0.0));
        assert_eq!(mann_whitney([].into_iter(), [(1, 7)].into_iter()), (0.0, 1.0, 0.0));
    }

    #[test]
    fn many_tests_make_each_weaker() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.5), "BH")
        let found = adjusted(&[0.01, 0.04, 0.03, 0.5]);
        [0.04, 0.053_333, 0.053_333, 0.5]
            .into_iter()
            .zip(found)
            .for_each(|(expected, found)| near(found, expected));
        assert!(adjusted(&[]).is_empty());
    }
}
