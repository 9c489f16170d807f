//! Reads the bodies of PostgreSQL's messages (documentation, "Message Formats").
//!
//! A body may have been cut by a limit: what is there is read, and the rest is left out.

use crate::protocol::cursor::{Cursor, text};
use crate::protocol::postgres::message::{Authentication, Format, Parameter, Report, Startup};
use crate::protocol::postgres::result::Column;

/// Most bytes of SQL kept of one statement: it is in every row of the index.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Most bytes kept of a name; PostgreSQL's own limit is 63.
pub const NAME_BYTES_MAX: usize = 256;
/// Most bytes kept of a field of an error.
const REPORT_BYTES_MAX: usize = 8 * 1024;
/// Most columns or parameters told apart; PostgreSQL allows 1,664 columns and 65,535 parameters.
const LIST_MAX: usize = 2048;
/// Most settings told apart in a startup.
const SETTINGS_MAX: usize = 64;

/// A name.
pub fn name(bytes: &[u8]) -> String {
    text(bytes, NAME_BYTES_MAX)
}

/// A name up to its zero byte.
pub fn next_name(cursor: &mut Cursor<'_>) -> Option<String> {
    cursor.until_zero().map(name)
}

/// SQL up to its zero byte, or to where a limit cut it, and whether less than all of it is kept.
pub fn next_query(cursor: &mut Cursor<'_>) -> (String, bool) {
    let rest = cursor.rest();
    match cursor.until_zero() {
        Some(query) => (text(query, QUERY_BYTES_MAX), query.len() > QUERY_BYTES_MAX),
        None => (text(rest, QUERY_BYTES_MAX), true),
    }
}

/// Version and settings of a StartupMessage, behind its length.
pub fn startup(body: &[u8]) -> Option<Startup> {
    let mut cursor = Cursor::new(body);
    let version = (cursor.u16_be()?, cursor.u16_be()?);
    let mut parameters = Vec::new();
    while parameters.len() < SETTINGS_MAX {
        let Some(key) = cursor.until_zero().filter(|key| !key.is_empty()) else { break };
        let Some(value) = cursor.until_zero() else { break };
        parameters.push((name(key), text(value, REPORT_BYTES_MAX)));
    }
    Some(Startup { version, parameters })
}

/// Columns of a RowDescription.
pub fn columns(body: &[u8]) -> Vec<Column> {
    let mut cursor = Cursor::new(body);
    let count = cursor.u16_be().unwrap_or_default();
    let mut columns = Vec::new();
    for _ in 0..usize::from(count).min(LIST_MAX) {
        let Some(column) = next_column(&mut cursor) else { break };
        columns.push(column);
    }
    columns
}

fn next_column(cursor: &mut Cursor<'_>) -> Option<Column> {
    let name = next_name(cursor)?;
    let _table_and_number = cursor.take(6)?;
    let type_id = cursor.u32_be()?;
    let _size_and_modifier = cursor.take(6)?;
    let format = Format::of(cursor.u16_be()?);
    Some(Column { name, type_id, format })
}

/// Type numbers of a ParameterDescription, or of the end of a Parse.
pub fn type_ids(cursor: &mut Cursor<'_>) -> Vec<u32> {
    let count = cursor.u16_be().unwrap_or_default();
    (0..usize::from(count).min(LIST_MAX)).map_while(|_| cursor.u32_be()).collect()
}

/// What a Bind says behind its names: the parameters, and the formats that the results are wanted in.
pub fn bind(cursor: &mut Cursor<'_>, type_ids: &[u32]) -> (Vec<Parameter>, Vec<Format>) {
    let formats = formats(cursor);
    let count = cursor.u16_be().unwrap_or_default();
    let mut parameters = Vec::new();
    for index in 0..usize::from(count) {
        let Some(value) = next_value(cursor) else { return (parameters, Vec::new()) };
        if index < LIST_MAX {
            parameters.push(Parameter {
                type_id: type_ids.get(index).copied().unwrap_or_default(),
                format: format_at(&formats, index),
                value: value.map(<[u8]>::to_vec),
            });
        }
    }
    (parameters, self::formats(cursor))
}

/// Format codes: none is all text, one is for all, else one each.
pub fn formats(cursor: &mut Cursor<'_>) -> Vec<Format> {
    let count = cursor.u16_be().unwrap_or_default();
    let mut formats: Vec<_> =
        (0..count).map_while(|_| cursor.u16_be()).map(Format::of).take(usize::from(count)).collect();
    formats.truncate(LIST_MAX);
    formats
}

/// The format of the value at `index`.
pub fn format_at(formats: &[Format], index: usize) -> Format {
    match formats {
        [] => Format::Text,
        [all] => *all,
        each => each.get(index).copied().unwrap_or(Format::Text),
    }
}

/// The length and bytes of a value; the inner `None` is NULL.
pub fn next_value<'a>(cursor: &mut Cursor<'a>) -> Option<Option<&'a [u8]>> {
    match usize::try_from(cursor.i32_be()?) {
        Ok(length) => cursor.take(length).map(Some),
        Err(_) => Some(None),
    }
}

/// The values of DataRows that lie one after the other; a row that is cut gives the values before the cut.
pub fn rows(bytes: &[u8]) -> impl Iterator<Item = Vec<Option<&[u8]>>> {
    let mut cursor = Cursor::new(bytes);
    std::iter::from_fn(move || {
        let count = cursor.u16_be()?;
        let row: Vec<_> = (0..count).map_while(|_| next_value(&mut cursor)).collect();
        if row.len() < usize::from(count) {
            cursor = Cursor::new(&[]);
        }
        Some(row)
    })
}

/// The fields of an ErrorResponse or NoticeResponse.
pub fn report(body: &[u8]) -> Report {
    let mut cursor = Cursor::new(body);
    let mut fields = Vec::new();
    while fields.len() < SETTINGS_MAX {
        let Some(letter) = cursor.byte().filter(|letter| *letter != 0) else { break };
        let Some(value) = cursor.until_zero() else { break };
        fields.push((char::from(letter), text(value, REPORT_BYTES_MAX)));
    }
    Report { fields }
}

/// What an Authentication message asks for.
pub fn authentication(body: &[u8]) -> Option<Authentication> {
    let mut cursor = Cursor::new(body);
    Some(match cursor.u32_be()? {
        0 => Authentication::Ok,
        2 => Authentication::KerberosV5,
        3 => Authentication::CleartextPassword,
        5 => Authentication::Md5Password,
        7 => Authentication::Gss,
        8 => Authentication::GssContinue,
        9 => Authentication::Sspi,
        10 => {
            let mut mechanisms = Vec::new();
            while mechanisms.len() < SETTINGS_MAX {
                let Some(mechanism) = next_name(&mut cursor).filter(|name| !name.is_empty()) else { break };
                mechanisms.push(mechanism);
            }
            Authentication::Sasl(mechanisms)
        }
        11 => Authentication::SaslContinue,
        12 => Authentication::SaslFinal,
        other => Authentication::Other(other),
    })
}

/// A name and a text, as in ParameterStatus.
pub fn setting(body: &[u8]) -> Option<(String, String)> {
    let mut cursor = Cursor::new(body);
    Some((next_name(&mut cursor)?, text(cursor.until_zero()?, REPORT_BYTES_MAX)))
}

/// Process, channel and payload of a NotificationResponse.
pub fn notification(body: &[u8]) -> Option<(u32, String, String)> {
    let mut cursor = Cursor::new(body);
    Some((cursor.u32_be()?, next_name(&mut cursor)?, text(cursor.until_zero()?, REPORT_BYTES_MAX)))
}

/// The SQL's first word, in upper case, behind spaces and comments: `SELECT`, `BEGIN` …
#[must_use]
pub fn verb(query: &str) -> String {
    let mut rest = query.trim_start_matches(|letter: char| letter.is_whitespace() || "(;".contains(letter));
    loop {
        let after = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            break;
        };
        rest = after.trim_start_matches(|letter: char| letter.is_whitespace() || "(;".contains(letter));
    }
    rest.chars().take_while(char::is_ascii_alphabetic).take(32).collect::<String>().to_ascii_uppercase()
}
