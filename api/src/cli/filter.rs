//! KFL text of the command line: read, and told where it is wrong or asks for what no entry has.

use std::io::{self, Write};

use segment::Timestamp;

use crate::failure::Failure;
use crate::instant;
use crate::terminal::escape;
use indexer::FieldCatalog;

/// A filter for an answer from recordings. What it says of the answer as a whole must be what is heeded here; fields
/// that no entry has are told on stderr, a line each.
pub fn parse(text: &str) -> Result<kfl::Query, Failure> {
    let query = parse_at(text, instant::now())?;
    let directives = query.directives();
    let unheeded = [
        (directives.latest.is_some(), "rlimit() is not supported here: use --order desc --limit N"),
        (directives.left_off.is_some(), "leftOff() is not supported here: use --from T"),
        (directives.recording.is_some(), "record() is not supported here: recordings have no names"),
    ];
    if let Some((_, why)) = unheeded.into_iter().find(|(is_said, _)| *is_said) {
        return Err(Failure::CommandLine(why.to_owned()));
    }
    let mut stderr = io::stderr().lock();
    for field in query.unknown_fields(&FieldCatalog::without_values()) {
        let hint = field.suggestion.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        let warning = format!("remora: warning: no field is called `{}`{hint}", field.path);
        // An answer that nobody is warned about is still the answer.
        let _ = writeln!(stderr, "{}", escape::line(&warning));
    }
    Ok(query)
}

/// A filter of what is counted. A limit would say which entries count, and nothing says which come first.
pub fn parse_counted(text: &str) -> Result<kfl::Query, Failure> {
    let query = parse(text)?;
    match query.limit() {
        Some(_) => {
            Err(Failure::CommandLine("limit() is not supported here: everything is counted".to_owned()))
        }
        None => Ok(query),
    }
}

/// KFL text that only selects packets: they are as they were seen, so nothing can be taken out of them.
pub fn selection(text: &str, why_no_redaction: &str) -> Result<kfl::Query, Failure> {
    let query = parse(text)?;
    if query.redacts() {
        let why = format!("redact() can't be used here: {why_no_redaction}");
        return Err(Failure::CommandLine(why));
    }
    Ok(query)
}

/// Any KFL text, or where it is wrong; `now()` in it means `now`.
pub fn parse_at(text: &str, now: Timestamp) -> Result<kfl::Query, Failure> {
    kfl::parse(text, now.millis()).map_err(|error| wrong(&error))
}

/// What is said of a text that is no KFL.
pub fn wrong(error: &kfl::SyntaxError) -> Failure {
    Failure::CommandLine(format!("the KFL text is wrong\n{}", escape::block(&error.to_string())))
}
