//! Entry points for fuzzers: any bytes at all, and what must hold whatever they are.
//!
//! The bytes are a query; to evaluate one, a record in JSON follows after a zero byte.

use serde_json::Value;

use crate::catalog::Field;
use crate::complete::complete;
use crate::format::format;
use crate::query::{Query, parse};

/// What a fuzzer calls with any bytes at all.
pub type Entry = fn(&[u8]);

/// Every entry point, by its name.
pub const ALL: &[(&str, Entry)] = &[("parse", fuzz_parse), ("evaluate", fuzz_evaluate)];

/// Reads the bytes as a query, and prints what was read: that must read as the same.
///
/// # Panics
/// If reading or printing goes wrong, which is what a fuzzer looks for.
pub fn fuzz_parse(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match parse(&text, 0) {
        Ok(query) => {
            let printed = query.expression().to_string();
            match parse(&printed, 0) {
                // Printing may be longer than what may be read.
                Err(_) if printed.len() > crate::TEXT_BYTES_MAX => {}
                again => assert_eq!(
                    again.as_ref().map(Query::expression),
                    Ok(query.expression()),
                    "printed as {printed}"
                ),
            }
        }
        Err(error) => {
            assert!(error.span.end <= text.len(), "an error is within the text");
            assert!(!error.to_string().is_empty(), "an error says something");
        }
    }
}

/// Asks a query about a record: both ways of asking must say the same, and leave the record as it is
/// unless the query redacts.
///
/// # Panics
/// If reading or evaluating goes wrong, which is what a fuzzer looks for.
pub fn fuzz_evaluate(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let record: Value = serde_json::from_slice(parts.next().unwrap_or_default()).unwrap_or_default();
    let Ok(query) = parse(&text, 0) else { return };
    let answer = query.answer(&record);
    assert_eq!(answer.matches, query.matches(&record), "one answer");
    assert!(query.redacts() || *answer.record == record, "an answer shows what was there");
}

/// Formats the bytes as a query: the same must be asked afterwards, and nothing be left to format.
///
/// # Panics
/// If formatting goes wrong, which is what a fuzzer looks for.
pub fn fuzz_format(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (Ok(query), Ok(formatted)) = (parse(&text, 0), format(&text)) else { return };
    let again = parse(&formatted, 0);
    assert_eq!(again.as_ref().map(Query::expression), Ok(query.expression()), "formatted as {formatted}");
    assert_eq!(format(&formatted).as_ref(), Ok(&formatted), "formatted once is enough");
}

/// Completes the bytes as a query, at a place that the first of them says.
///
/// # Panics
/// If completing goes wrong, which is what a fuzzer looks for.
pub fn fuzz_complete(bytes: &[u8]) {
    let Some((place, bytes)) = bytes.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    let fields = [Field { path: "request.headers.*", meaning: "headers" }];
    let completions = complete(&text, usize::from(*place), fields.as_slice());
    assert!(text.get(completions.replaces).is_some(), "a completion is within the text");
    if let Ok(query) = parse(&text, 0) {
        let unknown = query.unknown_fields(fields.as_slice());
        assert!(
            unknown.iter().all(|field| field.span.end <= text.len()),
            "an unknown field is within the text"
        );
    }
}
