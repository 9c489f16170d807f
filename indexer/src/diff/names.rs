//! Names that were not seen before: what TLS clients ask for, and what DNS fails to resolve.

use std::collections::BTreeMap;

use kfl::Query;

use super::compare::Found;
use super::{Change, DiffOptions, Subject, What};
use crate::Error;
use crate::aggregate::{FieldPath, Scope};
use crate::data::Data;

/// Where a TLS client says whom it wants.
const SERVER_NAME: &str = "request.sni";
/// What a DNS client asks for.
const QUESTION: &str = "request.questions.*.name";
/// Which DNS answers are failures.
const FAILING: &str = "dns and response.code != \"No Error\"";

/// Compares names. They are reported however rare: one is enough to be asked about.
///
/// # Errors
/// When the directory can't be listed.
pub fn compare(data: &Data, query: &Query, options: &DiffOptions, found: &mut Found) -> Result<(), Error> {
    new(data, query, options, (SERVER_NAME, What::ServerNameNew), found)?;
    // The filter's own text comes first, so that what it redacts stays redacted.
    let text = match query.text().trim() {
        "" => FAILING.to_owned(),
        text => format!("({text}) and {FAILING}"),
    };
    match kfl::parse(&text, options.now_ms) {
        Ok(failing) => new(data, &failing, options, (QUESTION, What::NameFailing), found),
        Err(_) => {
            found
                .notes
                .push("names that DNS fails to resolve were not compared: the filter is too long".to_owned());
            Ok(())
        }
    }
}

/// Tells the values of a field that there are only after.
fn new(
    data: &Data,
    query: &Query,
    options: &DiffOptions,
    (field, what): (&str, What),
    found: &mut Found,
) -> Result<(), Error> {
    let Ok(path) = FieldPath::new(field) else { return Ok(()) };
    let of = |scope: &Scope| data.top(&path, query, scope, usize::MAX);
    let (before, after) = (of(&options.before)?, of(&options.after)?);
    if before.is_capped {
        found.notes.push(format!("{field} has too many values: new ones were not looked for"));
        return Ok(());
    }
    let before: BTreeMap<String, u64> =
        before.values.iter().map(|value| (value.value.to_string(), value.count)).collect();
    for value in after.values.iter().filter(|value| !before.contains_key(&value.value.to_string())) {
        let name = value.value.as_str().map_or_else(|| value.value.to_string(), str::to_owned);
        found.see(Change {
            what,
            subject: Subject::Name(name),
            before: 0.0,
            after: value.count as f64,
            count_before: 0,
            count_after: value.count,
            effect: 1.0,
            score: 0.0,
            test: None,
        });
    }
    Ok(())
}
