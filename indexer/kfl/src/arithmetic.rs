//! Calculates with values: `now() - 5m`, `2 * 1MiB`.

use serde_json::Number;

use crate::scalar::Numeric;

/// What `numbers` give with `signs` between them, `*`, `/` and `%` before `+` and `-`; or the place of the sign
/// that can't be followed, and why.
///
/// Whole numbers stay whole and exact where they can. They are divided exactly: `5 / 2` is 2.5.
pub(crate) fn result(numbers: &[Number], signs: &[&str]) -> Result<Number, (usize, &'static str)> {
    let too_large = "the result is too large";
    let mut numerics = numbers.iter().map(Numeric::of);
    let mut next = || numerics.next().flatten();
    let mut sum: Option<Numeric> = None;
    let mut product = next().ok_or((0, too_large))?;
    let mut pending = "+";
    let mut at = 0;
    for (place, sign) in signs.iter().enumerate() {
        let number = next().ok_or((place, too_large))?;
        if matches!(*sign, "+" | "-") {
            sum = Some(added(sum, pending, product).ok_or((at, too_large))?);
            (pending, product, at) = (sign, number, place);
            continue;
        }
        if *sign != "*" && is_zero(number) {
            return Err((place, "nothing can be divided by 0"));
        }
        product = multiplied(product, sign, number).ok_or((place, too_large))?;
    }
    added(sum, pending, product).and_then(number).ok_or((at, too_large))
}

fn added(sum: Option<Numeric>, sign: &str, term: Numeric) -> Option<Numeric> {
    let Some(sum) = sum else { return Some(term) };
    match (sum, term) {
        (Numeric::Whole(sum), Numeric::Whole(term)) => {
            let sum = if sign == "-" { sum.checked_sub(term)? } else { sum.checked_add(term)? };
            Some(Numeric::Whole(sum))
        }
        _ => {
            let (sum, term) = (sum.float()?, term.float()?);
            Some(Numeric::Float(if sign == "-" { sum - term } else { sum + term }))
        }
    }
}

fn multiplied(left: Numeric, sign: &str, right: Numeric) -> Option<Numeric> {
    if let (Numeric::Whole(left), Numeric::Whole(right)) = (left, right) {
        match sign {
            "*" => return left.checked_mul(right).map(Numeric::Whole),
            "%" => return left.checked_rem(right).map(Numeric::Whole),
            _ if left.checked_rem(right)? == 0 => return left.checked_div(right).map(Numeric::Whole),
            _ => {}
        }
    }
    let (left, right) = (left.float()?, right.float()?);
    Some(Numeric::Float(match sign {
        "*" => left * right,
        "%" => left % right,
        _ => left / right,
    }))
}

fn is_zero(number: Numeric) -> bool {
    match number {
        Numeric::Whole(whole) => whole == 0,
        Numeric::Float(float) => float == 0.0,
    }
}

fn number(numeric: Numeric) -> Option<Number> {
    match numeric {
        Numeric::Whole(whole) => Number::from_i128(whole),
        Numeric::Float(float) => Number::from_f64(float),
    }
}

#[cfg(test)]
mod tests {
    use super::result;

    fn calculated(numbers: &[f64], signs: &str) -> Result<f64, (usize, &'static str)> {
        let numbers: Vec<_> = numbers
            .iter()
            .map(|number| {
                if number.fract() == 0.0 {
                    (*number as i64).into()
                } else {
                    serde_json::Number::from_f64(*number).unwrap()
                }
            })
            .collect();
        let signs: Vec<&str> = signs.split(' ').filter(|sign| !sign.is_empty()).collect();
        result(&numbers, &signs).map(|number| number.as_f64().unwrap())
    }

    #[test]
    fn products_come_before_sums() {
        assert_eq!(calculated(&[1.0, 2.0, 3.0], "+ *"), Ok(7.0));
        assert_eq!(calculated(&[2.0, 3.0, 4.0, 5.0], "* - *"), Ok(-14.0));
        assert_eq!(calculated(&[5.0, 2.0], "/"), Ok(2.5));
        assert_eq!(calculated(&[6.0, 2.0, 3.0], "/ /"), Ok(1.0));
        assert_eq!(calculated(&[7.0, 4.0, 1.0], "% -"), Ok(2.0));
        assert_eq!(calculated(&[1.5, 1.0], "+"), Ok(2.5));
    }

    #[test]
    fn what_has_no_result_is_refused() {
        assert!(calculated(&[1.0, 0.0], "/").is_err());
        assert!(calculated(&[1.0, 0.0], "%").is_err());
        let huge = u64::MAX.into();
        assert!(result(&[huge, 1.into()], &["+"]).is_err());
    }
}
