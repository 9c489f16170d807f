//! Where an answer begins that doesn't begin with its first entry.
//!
//! Whatever is said comes down to a cursor, so that such an answer is one like any other. Finding the cursor may be a
//! question of its own, which spends of the same budget.

use std::ops::ControlFlow;
use std::str::FromStr;

use kfl::Query;
use serde_json::Value;

use super::{Cursor, Stop};
use crate::Error;
use crate::data::{Coverage, Data, Order, QueryOptions};
use crate::entry::EntryId;

/// Where an answer begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Begin {
    /// Behind the page that ended with this.
    After(Cursor),
    /// Behind this entry.
    AfterEntry(EntryId),
    /// Behind the latest entry that there is, whatever is asked for.
    AfterLatest,
    /// So that it ends with this many of the latest.
    Latest(u64),
}

/// What `leftOff` may name: an entry's id, a cursor, `latest`, or `-1`, which means the same.
impl FromStr for Begin {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "latest" | "-1" => Ok(Self::AfterLatest),
            cursor if cursor.contains('@') => cursor.parse().map(Self::After),
            id => id.parse().map(Self::AfterEntry),
        }
    }
}

/// See [`Data::beginning`].
pub fn beginning(
    data: &Data,
    query: &Query,
    mut options: QueryOptions,
    begin: Begin,
) -> Result<ControlFlow<Coverage, QueryOptions>, Error> {
    options.after = match begin {
        Begin::After(cursor) => Some(cursor),
        Begin::AfterEntry(id) => Some(of_entry(data, &id)?),
        Begin::AfterLatest => {
            let everything = kfl::parse("", 0).map_err(|_| Error::Cursor("latest".to_owned()))?;
            let asked = QueryOptions { budget: options.budget.clone(), ..QueryOptions::default() };
            match back(data, &everything, asked, 1, &mut options)? {
                ControlFlow::Break(coverage) => return Ok(ControlFlow::Break(coverage)),
                ControlFlow::Continue(found) => found,
            }
        }
        Begin::Latest(count) => {
            options.limit = Some(count);
            // The latest are the first then.
            if options.order == Order::Descending {
                return Ok(ControlFlow::Continue(options));
            }
            match back(data, query, options.clone(), count.saturating_add(1), &mut options)? {
                ControlFlow::Break(coverage) => return Ok(ControlFlow::Break(coverage)),
                ControlFlow::Continue(found) => found,
            }
        }
    };
    Ok(ControlFlow::Continue(options))
}

/// The entry that has `count - 1` later ones; `None` if there are not so many, and the coverage if the budget ended
/// the search. What it took is taken off the budget of `rest`.
fn back(
    data: &Data,
    query: &Query,
    asked: QueryOptions,
    count: u64,
    rest: &mut QueryOptions,
) -> Result<ControlFlow<Coverage, Option<Cursor>>, Error> {
    let options = QueryOptions { limit: Some(count), order: Order::Descending, after: None, ..asked };
    let coverage = super::query(data, query, options, &mut |_| ControlFlow::Continue(()))?;
    rest.budget.spend(coverage.plan.elapsed, coverage.plan.read.bytes);
    if coverage.stopped.is_some_and(|stop| stop != Stop::Limit) {
        return Ok(ControlFlow::Break(Coverage { entries: 0, next: None, ..coverage }));
    }
    Ok(ControlFlow::Continue(coverage.next.filter(|_| coverage.entries == count)))
}

/// The place of an entry in the order of answers.
fn of_entry(data: &Data, id: &EntryId) -> Result<Cursor, Error> {
    let unknown = || Error::UnknownEntry(id.clone());
    let entry = crate::evidence::entry(data, id)?.ok_or_else(unknown)?;
    let start = entry.get("startTime").and_then(Value::as_str).and_then(|start| start.parse().ok());
    let start: jiff::Timestamp = start.ok_or_else(unknown)?;
    let start_ns = i64::try_from(start.as_nanosecond()).map_err(|_| unknown())?;
    Ok(Cursor { start_ns, id: id.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_begin_behind_an_id_a_cursor_or_the_latest() {
        let id: EntryId = "a-0000000001.1.0".parse().unwrap();
        let begin = |text: &str| text.parse::<Begin>();
        assert_eq!(begin("latest").unwrap(), Begin::AfterLatest);
        assert_eq!(begin("-1").unwrap(), Begin::AfterLatest);
        assert_eq!(begin("a-0000000001.1.0").unwrap(), Begin::AfterEntry(id.clone()));
        assert_eq!(begin("7@a-0000000001.1.0").unwrap(), Begin::After(Cursor { start_ns: 7, id }));
        for wrong in ["", "first", "000000000000000000000001", "@", "-2"] {
            assert!(begin(wrong).is_err(), "{wrong}");
        }
    }
}
