//! The names that mean something: macros, functions, reserved words.

use serde_json::Number;

use crate::expression::{Expression, Literal, Op, Operand, Path, Step, TextFunction};
use crate::time;

/// Protocol names that stand for a comparison. They exclude one another: `http` is not HTTP/2.
const MACROS: [(&str, &str, &str); 16] = [
    ("http", "abbr", "HTTP"),
    ("http2", "abbr", "HTTP/2"),
    ("grpc", "abbr", "gRPC"),
    ("gql", "abbr", "GQL"),
    ("amqp", "name", "amqp"),
    ("kafka", "name", "kafka"),
    ("redis", "name", "redis"),
    ("dns", "abbr", "DNS"),
    ("ws", "abbr", "WS"),
    ("tlsx", "abbr", "TLS"),
    ("postgresql", "abbr", "PostgreSQL"),
    ("mysql", "abbr", "MySQL"),
    ("mongodb", "abbr", "MongoDB"),
    ("tcp", "abbr", "TCP"),
    ("udp", "abbr", "UDP"),
    ("icmp", "abbr", "ICMP"),
];

const TEXT_FUNCTIONS: [TextFunction; 3] =
    [TextFunction::StartsWith, TextFunction::EndsWith, TextFunction::Contains];

/// Functions of the original dialects that are known, and not there yet.
const LATER: [&str; 13] = [
    "json",
    "xml",
    "redact",
    "rule",
    "record",
    "rlimit",
    "leftOff",
    "matches",
    "size",
    "map_get",
    "timestamp",
    "duration",
    "in",
];

/// The expression that a macro stands for.
pub(crate) fn macro_named(name: &str) -> Option<Expression> {
    let (_, field, value) = MACROS.iter().find(|(known, ..)| *known == name)?;
    let path = Path(vec![Step::Key("protocol".to_owned()), Step::Key((*field).to_owned())]);
    let right = Operand::Literal(Literal::Text((*value).to_owned()));
    Some(Expression::Comparison { left: Operand::Path(path), op: Op::Eq, right })
}

/// Whether `name` alone does not mean the field of that name.
pub(crate) fn is_reserved(name: &str) -> bool {
    let words = ["and", "or", "not", "in"];
    matches!(name, "true" | "false" | "nil" | "null" | "now")
        || words.iter().any(|word| word.eq_ignore_ascii_case(name))
        || MACROS.iter().any(|(known, ..)| *known == name)
}

/// The text function of that name.
pub(crate) fn text_function(name: &str) -> Option<TextFunction> {
    TEXT_FUNCTIONS.into_iter().find(|function| function.name() == name)
}

/// A function that stands alone, without a path before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alone {
    /// `limit(n)`
    Limit,
    /// `now()`
    Now,
    /// `datetime("…")`
    DateTime,
    /// `hours(n)`: the unit in milliseconds.
    FromNow { unit_ms: i64 },
}

/// The function of that name that stands alone.
pub(crate) fn alone(name: &str) -> Option<Alone> {
    match name {
        "limit" => Some(Alone::Limit),
        "now" => Some(Alone::Now),
        "datetime" => Some(Alone::DateTime),
        _ => {
            let (_, unit_ms) = time::UNITS.iter().find(|(unit, _)| *unit == name)?;
            Some(Alone::FromNow { unit_ms: *unit_ms })
        }
    }
}

/// Whether `name` is a function of the original that is not supported yet.
pub(crate) fn is_later(name: &str) -> bool {
    LATER.contains(&name)
}

/// The whole number that a literal argument stands for: `5`, `2.9` (2) or `"7"`.
pub(crate) fn whole(literal: &Literal) -> Option<i64> {
    match literal {
        Literal::Number(number) => truncated(number),
        Literal::Text(text) => truncated(&text.parse().ok()?),
        _ => None,
    }
}

fn truncated(number: &Number) -> Option<i64> {
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    // Through its decimal form, since a cast would hide what does not fit.
    let float = number.as_f64()?.trunc();
    format!("{float:.0}").parse().ok()
}

/// The known function whose name is nearest to `name`, if one is near.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    // Names as long as texts may be would make the comparison slow, and are near to nothing.
    if name.len() > 32 {
        return None;
    }
    let name = name.to_lowercase();
    let texts = TEXT_FUNCTIONS.iter().map(|function| function.name());
    let units = time::UNITS.iter().map(|(unit, _)| *unit);
    texts
        .chain(units)
        .chain(["limit", "now", "datetime"])
        .map(|known| (distance(&name, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= (name.len() / 3).min(2))
        .min()
        .map(|(_, known)| known)
}

/// How many letters to change, add or leave out to get from one to the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (line, left) in left.chars().enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(right.chars()) {
            let above = *cell;
            let changed = diagonal + usize::from(left != right);
            *cell = changed.min(above + 1).min(before + 1);
            diagonal = above;
            before = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{nearest, whole};
    use crate::expression::Literal;

    #[test]
    fn near_names_are_suggested() {
        assert_eq!(nearest("startWith"), Some("startsWith"));
        assert_eq!(nearest("starts_with"), Some("startsWith"));
        assert_eq!(nearest("hour"), Some("hours"));
        assert_eq!(nearest("frobnicate"), None);
    }

    #[test]
    fn far_names_are_not() {
        assert_eq!(nearest("foo"), None);
        assert_eq!(nearest(&"startsWith".repeat(10)), None);
    }

    #[test]
    fn whole_numbers() {
        let text = |text: &str| whole(&Literal::Text(text.to_owned()));
        assert_eq!(text("7"), Some(7));
        assert_eq!(text("-2.9"), Some(-2));
        assert_eq!(text("1e30"), None);
        assert_eq!(text("x"), None);
    }
}
