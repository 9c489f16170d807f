//! The names that mean something: macros, functions, reserved words.

use serde_json::Number;

use crate::expression::{Expression, Literal, Op, Operand, TextFunction};
use crate::path::{Path, Step};
use crate::{alias, time};

/// Protocol names that stand for a comparison. They exclude one another: `http` is not HTTP/2.
pub(crate) const MACROS: [(&str, &str, &str); 16] = [
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

/// The expression that a macro stands for. `https` is HTTP of both versions that was decrypted.
pub(crate) fn macro_named(name: &str) -> Option<Expression> {
    if name == "https" {
        let tls = Expression::Truth(Operand::Path(Path(vec![Step::Key("tls".to_owned())])));
        let either = ["http", "http2"].into_iter().filter_map(macro_named).collect();
        return Some(Expression::And(vec![tls, Expression::Or(either)]));
    }
    let (_, field, value) = MACROS.iter().find(|(known, ..)| *known == name)?;
    let path = Path(vec![Step::Key("protocol".to_owned()), Step::Key((*field).to_owned())]);
    let right = Operand::Literal(Literal::Text((*value).to_owned()));
    Some(Expression::Comparison { left: Operand::Path(path), op: Op::Eq, right })
}

/// Whether `name` alone does not mean the field of that name.
pub(crate) fn is_reserved(name: &str) -> bool {
    let words = ["and", "or", "not", "in"];
    matches!(name, "true" | "false" | "nil" | "null" | "now" | "https")
        || words.iter().any(|word| word.eq_ignore_ascii_case(name))
        || MACROS.iter().any(|(known, ..)| *known == name)
        || alias::named(name).is_some()
}

/// What a function behind a path asks of the values there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// `startsWith` and the like
    Text(TextFunction),
    /// `matches("regex")`
    Matches,
    /// `size()`
    Size,
}

/// The function of that name behind a path.
pub(crate) fn method(name: &str) -> Option<Method> {
    match name {
        "startsWith" => Some(Method::Text(TextFunction::StartsWith)),
        "endsWith" => Some(Method::Text(TextFunction::EndsWith)),
        "contains" => Some(Method::Text(TextFunction::Contains)),
        "matches" => Some(Method::Matches),
        "size" => Some(Method::Size),
        _ => None,
    }
}

/// A function that stands alone, without a path before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alone {
    /// `limit(n)`, `rlimit(n)`, `leftOff("id")`, `record("name")`
    Directive,
    /// `now()`, `datetime("…")`, `timestamp("…")`, `duration("…")`
    Time,
    /// `hours(n)`: the unit in milliseconds.
    FromNow { unit_ms: i64 },
    /// `text("…")`, `trace("…")`
    Search,
    /// `redact("path", …)`
    Redact,
    /// `rule(query: …, assert: …)`
    Rule,
    /// `size(path)`, `has(path)`
    OfPath,
    /// `map_get(path, "key", value)`
    MapGet,
}

/// The function of that name that stands alone.
pub(crate) fn alone(name: &str) -> Option<Alone> {
    match name {
        "limit" | "rlimit" | "leftOff" | "record" => Some(Alone::Directive),
        "now" | "datetime" | "timestamp" | "duration" => Some(Alone::Time),
        "text" | "trace" => Some(Alone::Search),
        "redact" => Some(Alone::Redact),
        "rule" => Some(Alone::Rule),
        "size" | "has" => Some(Alone::OfPath),
        "map_get" => Some(Alone::MapGet),
        _ => {
            let (_, unit_ms) = time::UNITS.iter().find(|(unit, _)| *unit == name)?;
            Some(Alone::FromNow { unit_ms: *unit_ms })
        }
    }
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

/// The one of `known` that is nearest to `name`, if one is near.
pub(crate) fn nearest<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    // Names as long as texts may be would make the comparison slow, and are near to nothing.
    if name.len() > NEAR_BYTES_MAX {
        return None;
    }
    let lower: Vec<char> = name.to_lowercase().chars().collect();
    known
        .map(|known| (distance(known.to_lowercase().chars(), &lower), known))
        .filter(|(distance, _)| *distance <= (name.len() / 3).min(2))
        .min()
        .map(|(_, known)| known)
}

/// A longer name is not compared.
const NEAR_BYTES_MAX: usize = 64;

/// How many letters to change, add or leave out to get from one to the other (Levenshtein).
pub(crate) fn distance(left: impl Iterator<Item = char>, right: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, left) in left.enumerate() {
        let mut diagonal = line;
        let mut before = line + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(right) {
            let above = *cell;
            let changed = diagonal + usize::from(left != *right);
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
    use super::whole;
    use crate::expression::Literal;
    use crate::reference::FUNCTIONS;

    fn nearest(name: &str) -> Option<&'static str> {
        super::nearest(name, FUNCTIONS.iter().map(|function| function.name))
    }

    #[test]
    fn near_names_are_suggested() {
        assert_eq!(nearest("startWith"), Some("startsWith"));
        assert_eq!(nearest("starts_with"), Some("startsWith"));
        assert_eq!(nearest("hour"), Some("hours"));
        assert_eq!(nearest("redcat"), Some("redact"));
        assert_eq!(nearest("frobnicate"), None);
    }

    #[test]
    fn far_names_are_not() {
        assert_eq!(nearest("foo"), None);
        assert_eq!(nearest(&"startsWith".repeat(10)), None);
    }

    #[test]
    fn every_function_is_described() {
        for function in FUNCTIONS {
            let is_known = super::method(function.name).is_some()
                || super::alone(function.name).is_some()
                || crate::path::Encoding::named(function.name).is_some();
            assert!(is_known, "{}", function.name);
            assert!(function.signature.contains(function.name));
        }
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
