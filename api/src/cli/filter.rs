//! KFL text of the command line: read, and told where it is wrong or asks for what no entry has.

use std::io::{self, Write};

use segment::Timestamp;

use crate::failure::Failure;
use crate::instant;
use crate::terminal::escape;
use indexer::FieldCatalog;

/// A filter for entries from recordings, which may say where the answer begins ([`begin`]). Fields that no entry has
/// are told on stderr, a line each.
pub fn parse(text: &str) -> Result<kfl::Query, Failure> {
    let query = parse_at(text, instant::now())?;
    if query.directives().recording.is_some() {
        let why = "record() is not supported here: recordings have no names; --data says which one is asked";
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

/// Where the answer begins if not with its first entry, by the filter or `--after`; `limit` is that of `--limit`.
pub fn begin(
    query: &kfl::Query,
    after: Option<&str>,
    limit: Option<u64>,
) -> Result<Option<indexer::Begin>, Failure> {
    let clash = |why: &str| Err(Failure::CommandLine(why.to_owned()));
    match (query.latest(), query.directives().left_off.as_deref(), after) {
        (Some(_), Some(_), _) => {
            clash("rlimit() and leftOff() both say where the answer begins: use only one of them")
        }
        (Some(_), _, Some(_)) => {
            clash("rlimit() and --after both say where the answer begins: use only one of them")
        }
        (_, Some(_), Some(_)) => {
            clash("leftOff() and --after both say where the answer begins: use only one of them")
        }
        (Some(_), ..) if query.limit().is_some() || limit.is_some() => {
            clash("rlimit() says how many of the latest are wanted: use it without limit() and --limit")
        }
        (Some(latest), ..) => Ok(Some(indexer::Begin::Latest(latest))),
        (_, Some(left_off), _) => match left_off.parse() {
            Ok(begin) => Ok(Some(begin)),
            Err(error) => {
                let why = format!("leftOff(): {error}, or a cursor, or \"latest\"");
                Err(Failure::CommandLine(escape::line(&why).into_owned()))
            }
        },
        (.., Some(after)) => Ok(Some(indexer::Begin::After(after.parse()?))),
        (None, None, None) => Ok(None),
    }
}

/// A filter of what is counted. A limit would say which entries count, and nothing says which come first.
pub fn parse_counted(text: &str) -> Result<kfl::Query, Failure> {
    let query = parse(text)?;
    refuse_begin(&query, "everything is counted; --from says from when on")?;
    match query.limit() {
        Some(_) => {
            Err(Failure::CommandLine("limit() is not supported here: everything is counted".to_owned()))
        }
        None => Ok(query),
    }
}

fn refuse_begin(query: &kfl::Query, why: &str) -> Result<(), Failure> {
    let directives = query.directives();
    let said = [("rlimit", directives.latest.is_some()), ("leftOff", directives.left_off.is_some())];
    match said.into_iter().find(|(_, is_said)| *is_said) {
        Some((name, _)) => Err(Failure::CommandLine(format!("{name}() is not supported here: {why}"))),
        None => Ok(()),
    }
}

/// KFL text that only selects packets: they are as they were seen, so nothing can be taken out of them.
pub fn selection(text: &str, why_no_redaction: &str) -> Result<kfl::Query, Failure> {
    let query = parse(text)?;
    refuse_begin(&query, "it says where an answer of entries begins; --from says from when on")?;
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
