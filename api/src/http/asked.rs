//! Reads what is asked: the query string, its times and its filter.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use segment::{TimeRange, Timestamp};
use serde::de::DeserializeOwned;

use super::problem::{Kind, Problem};
use crate::instant;

/// A query string, read.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(asked)) => Ok(Self(asked)),
            Err(error) => Err(Problem::request(error.body_text())),
        }
    }
}

/// The half-open range that two times make; what is absent or empty is the beginning or the end of time.
pub fn range(
    names: [&str; 2],
    from: Option<&str>,
    to: Option<&str>,
    now: Timestamp,
) -> Result<TimeRange, Problem> {
    let read = |name: &str, text: Option<&str>, absent: Timestamp| match text.filter(|text| !text.is_empty())
    {
        Some(text) => instant::parse(text, now).map_err(|error| Problem::request(format!("{name}: {error}"))),
        None => Ok(absent),
    };
    let [from_name, to_name] = names;
    let start = read(from_name, from, TimeRange::ALL.start())?;
    let end = read(to_name, to, TimeRange::ALL.end())?;
    TimeRange::new(start, end).ok_or_else(|| {
        let (start, end) = (instant::rfc3339(start), instant::rfc3339(end));
        Problem::request(format!("{to_name} {end} comes before {from_name} {start}"))
    })
}

/// From an instant on.
pub fn since(start: Timestamp) -> TimeRange {
    TimeRange::new(start, TimeRange::ALL.end()).unwrap_or(TimeRange::ALL)
}

/// A filter; what it says of the answer as a whole must be what is heeded here.
pub fn filter(text: &str, now: Timestamp) -> Result<kfl::Query, Problem> {
    let query = kfl::parse(text, now.millis())?;
    let directives = query.directives();
    let unheeded = [
        (directives.latest.is_some(), "rlimit() is not supported here: use order=desc and limit"),
        (directives.left_off.is_some(), "leftOff() is not supported here: use cursor"),
        (directives.recording.is_some(), "record() is not supported here: recordings have no names"),
    ];
    match unheeded.into_iter().find(|(is_said, _)| *is_said) {
        Some((_, why)) => Err(Problem::new(Kind::Filter, why)),
        None => Ok(query),
    }
}

/// A filter of what is counted. A limit would say which entries count, and nothing says which come first.
pub fn counted(text: &str, now: Timestamp) -> Result<kfl::Query, Problem> {
    let query = filter(text, now)?;
    match query.limit() {
        Some(_) => Err(Problem::new(Kind::Filter, "limit() is not supported here: everything is counted")),
        None => Ok(query),
    }
}

/// A number of `name` that is not above `most`; `absent` where none is given.
pub fn at_most(name: &str, given: Option<u64>, absent: u64, most: u64) -> Result<u64, Problem> {
    match given.unwrap_or(absent) {
        0 => Err(Problem::request(format!("{name} is at least 1"))),
        number if number > most => Err(Problem::request(format!("{name} is at most {most}"))),
        number => Ok(number),
    }
}
