//! The front door: a text becomes a query, a query answers for records.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use crate::document::{Documents, Record};
use crate::error::SyntaxError;
use crate::expression::Expression;
use crate::path::Path;
use crate::{macros, parse as reading, redact};

/// A query, checked and ready: nothing can go wrong with it any more.
#[derive(Clone, Debug)]
pub struct Query {
    text: String,
    expression: Expression,
    redacts: bool,
    directives: Directives,
    fields: Vec<(Path, Range<usize>)>,
}

/// What a query says of its answer as a whole. Who searches has to heed it: no single record can tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `limit(100)`: how many answers are wanted.
    pub limit: Option<u64>,
    /// `rlimit(100)`: how many of the latest answers are wanted, before those that are still to come.
    pub latest: Option<u64>,
    /// `leftOff("…")`: the entry behind which the answer begins, or `latest`.
    pub left_off: Option<String>,
    /// `record("…")`: the recording that the answer keeps to.
    pub recording: Option<String>,
}

/// What a query says of one record.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'r> {
    /// Whether the record is among the answers.
    pub matches: bool,
    /// The record as it may be shown: without what `redact` takes out.
    pub record: Cow<'r, Value>,
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
    parse_with(text, now_ms, &[])
}

/// The same with words of one's own, each with the text that it stands for. A word may use those before it, and may
/// give a protocol's name another meaning.
///
/// # Errors
/// Says what is wrong with the text or with what a word stands for, and where.
///
/// ```
/// let macros = [("slow", "elapsedTime > 1s"), ("bad", "slow or response.status >= 500")];
/// let query = kfl::parse_with("http and !bad", 0, &macros)?;
/// let spelled_out = kfl::parse("http and !(elapsedTime > 1s or response.status >= 500)", 0)?;
/// assert_eq!(query.expression(), spelled_out.expression());
/// # Ok::<(), kfl::SyntaxError>(())
/// ```
pub fn parse_with(text: &str, now_ms: i64, macros: &[(&str, &str)]) -> Result<Query, SyntaxError> {
    let macros = macros::read(macros, now_ms)?;
    let parsed = reading::parse(text, now_ms, &macros)?;
    Ok(Query {
        text: text.to_owned(),
        redacts: parsed.expression.redacts(),
        expression: parsed.expression,
        directives: parsed.directives,
        fields: parsed.fields,
    })
}

impl Query {
    /// Whether `record` is among the answers.
    #[must_use]
    pub fn matches(&self, record: &Value) -> bool {
        if self.redacts {
            return redact::answer(&self.expression, record).0;
        }
        self.expression.holds(Record { root: record, documents: &Documents::default() })
    }

    /// The same, with the record as it may be shown.
    ///
    /// ```
    /// use serde_json::json;
    ///
    /// let query = kfl::parse(r#"http and redact("request.headers.Authorization")"#, 0)?;
    /// let record = json!({
    ///     "protocol": {"name": "http", "abbr": "HTTP"},
    ///     "request": {"headers": {"Authorization": "Bearer s3cret"}},
    /// });
    /// let answer = query.answer(&record);
    /// assert!(answer.matches);
    /// assert_eq!(answer.record["request"]["headers"]["Authorization"], "[REDACTED]");
    /// # Ok::<(), kfl::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn answer<'r>(&self, record: &'r Value) -> Answer<'r> {
        if !self.redacts {
            return Answer { matches: self.matches(record), record: Cow::Borrowed(record) };
        }
        let (matches, record) = redact::answer(&self.expression, record);
        Answer { matches, record }
    }

    /// Takes out of `record` whatever any redaction of the text names, whether or not its turn would come.
    ///
    /// For a record that is known to be an answer, or of which only a part is at hand: what decides may lie in the
    /// other part.
    pub fn redact(&self, record: &mut Value) {
        if self.redacts {
            self.expression.redact(record);
        }
    }

    /// Whether it takes anything out of its answers, so that what is shown must come from [`Query::answer`] or
    /// [`Query::redact`].
    #[must_use]
    pub fn redacts(&self) -> bool {
        self.redacts
    }

    /// What is asked, for a planner.
    #[must_use]
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// After how many answers to stop, if the text says: `limit(100)`. Of several, the first counts; 0 sets none.
    #[must_use]
    pub fn limit(&self) -> Option<u64> {
        self.directives.limit.filter(|limit| *limit > 0)
    }

    /// How many of the latest answers are wanted, if the text says: `rlimit(100)`. Of several, the first counts; 0
    /// sets none.
    #[must_use]
    pub fn latest(&self) -> Option<u64> {
        self.directives.latest.filter(|latest| *latest > 0)
    }

    /// What is said of the answer as a whole.
    #[must_use]
    pub fn directives(&self) -> &Directives {
        &self.directives
    }

    /// Every path that the text names, and where it stands there.
    pub fn fields(&self) -> impl Iterator<Item = (&Path, Range<usize>)> {
        self.fields.iter().map(|(path, span)| (path, span.clone()))
    }

    /// The text as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}
