//! The front door: a text becomes a query, a query answers for records.

use serde_json::Value;

use crate::error::SyntaxError;
use crate::expression::Expression;
use crate::parse as reading;

/// A query, checked and ready: nothing can go wrong with it any more.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    expression: Expression,
    limit: Option<u64>,
}

/// Reads a query. `now_ms`, in milliseconds since 1970, is what `now()` and `minutes(-5)` count from:
/// it is fixed here, so a query means the same for every record.
///
/// An empty text asks nothing and matches everything.
///
/// # Errors
/// Says what is wrong with the text, and where.
///
/// ```
/// let query = kfl::parse(r#"http and response.status >= 400 and limit(10)"#, 0)?;
/// assert_eq!(query.limit(), Some(10));
/// # Ok::<(), kfl::SyntaxError>(())
/// ```
pub fn parse(text: &str, now_ms: i64) -> Result<Query, SyntaxError> {
    let parsed = reading::parse(text, now_ms)?;
    Ok(Query { text: text.to_owned(), expression: parsed.expression, limit: parsed.limit })
}

impl Query {
    /// Whether `record` is among the answers.
    #[must_use]
    pub fn matches(&self, record: &Value) -> bool {
        self.expression.matches(record)
    }

    /// What is asked, for a planner.
    #[must_use]
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// After how many answers to stop, if the text says: `limit(100)`. Of several, the first counts.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// The text as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// For a fuzzer: any bytes as a query, and after a zero byte as a JSON record.
///
/// # Panics
/// If reading, printing or evaluating goes wrong, which is what a fuzzer looks for.
pub fn fuzz_kfl(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let record: Value = serde_json::from_slice(parts.next().unwrap_or_default()).unwrap_or_default();
    match parse(&text, 0) {
        Ok(query) => {
            let _ = query.matches(&record);
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
        Err(error) => assert!(!error.to_string().is_empty(), "an error says something"),
    }
}
