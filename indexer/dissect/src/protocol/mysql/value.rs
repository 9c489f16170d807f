//! Reads values: rows in text and in binary form, and the parameters of prepared statements.

use std::fmt::Write;

use crate::protocol::cursor::Cursor;
use crate::protocol::mysql::message::{Column, Parameter, Rows};
use crate::protocol::mysql::wire;

/// Most parameters told apart.
const PARAMETERS_MAX: usize = 2048;
/// The type of NULL.
pub const NULL: u8 = 0x06;
/// The character set of bytes.
const BINARY: u16 = 63;

impl Rows {
    /// The kept rows.
    pub fn iter<'a>(&'a self, columns: &'a [Column]) -> impl Iterator<Item = Vec<Option<&'a [u8]>>> {
        let mut cursor = Cursor::new(&self.bytes);
        std::iter::from_fn(move || {
            let length = usize::try_from(cursor.u32_le()?).ok()?;
            let row = cursor.take(length)?;
            Some(if self.binary { binary_row(row, columns) } else { text_row(row) })
        })
    }
}

/// Each value with its length in front; 0xfb is NULL.
fn text_row(row: &[u8]) -> Vec<Option<&[u8]>> {
    let mut cursor = Cursor::new(row);
    let mut values = Vec::new();
    while !cursor.is_empty() {
        if cursor.rest().first() == Some(&0xfb) {
            cursor.byte();
            values.push(None);
            continue;
        }
        let Some(value) = wire::counted(&mut cursor) else { break };
        values.push(Some(value));
    }
    values
}

/// A zero byte, a bit for each column that is NULL, then the others in the form of their types.
fn binary_row<'a>(row: &'a [u8], columns: &[Column]) -> Vec<Option<&'a [u8]>> {
    let mut cursor = Cursor::new(row);
    let mut values = Vec::new();
    let nulls = cursor.byte().and_then(|_| cursor.take((columns.len() + 9) / 8)).unwrap_or_default();
    for (at, column) in columns.iter().enumerate() {
        let bit = at + 2;
        if nulls.get(bit / 8).is_some_and(|byte| byte >> (bit % 8) & 1 == 1) {
            values.push(None);
            continue;
        }
        let Some(value) = binary(&mut cursor, column.type_id) else { break };
        values.push(Some(value));
    }
    values
}

/// The bytes of a value in the binary form of its type.
fn binary<'a>(cursor: &mut Cursor<'a>, type_id: u8) -> Option<&'a [u8]> {
    match type_id {
        NULL => cursor.take(0),
        0x01 => cursor.take(1),
        0x02 | 0x0d => cursor.take(2),
        0x03 | 0x04 | 0x09 => cursor.take(4),
        0x05 | 0x08 => cursor.take(8),
        0x07 | 0x0a | 0x0b | 0x0c | 0x11..=0x13 => {
            let length = usize::from(cursor.byte()?);
            cursor.take(length)
        }
        _ => wire::counted(cursor),
    }
}

/// Values of a COM_STMT_EXECUTE behind its iteration count; `None` where they can't be told apart.
///
/// Types are sent once, with the first execution; `types` keeps them. Values of `sent_before` came in parts of
/// their own and are not repeated.
#[must_use]
pub fn execution(
    payload: &[u8],
    count: usize,
    types: &mut Vec<(u8, bool)>,
    sent_before: &[u16],
) -> Option<Vec<Parameter>> {
    if count == 0 || count > PARAMETERS_MAX {
        return (count == 0).then(Vec::new);
    }
    let mut cursor = Cursor::new(payload);
    let nulls = cursor.take(count.div_ceil(8))?;
    if cursor.byte()? == 1 {
        let told: Option<Vec<_>> =
            (0..count).map(|_| Some((cursor.byte()?, cursor.byte()? & 0x80 != 0))).collect();
        *types = told?;
    }
    if types.len() != count {
        return None;
    }
    let mut parameters = Vec::with_capacity(count);
    for (at, (type_id, unsigned)) in types.iter().copied().enumerate() {
        let sent_before = sent_before.iter().any(|number| usize::from(*number) == at);
        let value = if sent_before || is_null(nulls, at) || type_id == NULL {
            None
        } else {
            Some(binary(&mut cursor, type_id)?.to_vec())
        };
        parameters.push(Parameter { name: String::new(), type_id, unsigned, value, sent_before });
    }
    Some(parameters)
}

/// Attributes in front of a query, and what is behind them; `None` where they can't be told apart.
#[must_use]
pub fn attributes(payload: &[u8], count: usize) -> Option<(Vec<Parameter>, &[u8])> {
    if count > PARAMETERS_MAX {
        return None;
    }
    let mut cursor = Cursor::new(payload);
    let nulls = cursor.take(count.div_ceil(8))?;
    let _types_follow = cursor.byte()?;
    let mut parameters = Vec::new();
    for _ in 0..count {
        let (type_id, unsigned) = (cursor.byte()?, cursor.byte()? & 0x80 != 0);
        let name = wire::name(wire::counted(&mut cursor)?);
        parameters.push(Parameter { name, type_id, unsigned, value: None, sent_before: false });
    }
    for (at, parameter) in parameters.iter_mut().enumerate() {
        if !is_null(nulls, at) && parameter.type_id != NULL {
            parameter.value = Some(binary(&mut cursor, parameter.type_id)?.to_vec());
        }
    }
    Some((parameters, cursor.rest()))
}

fn is_null(nulls: &[u8], at: usize) -> bool {
    nulls.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1)
}

/// A value of a parameter, or of a column of a binary row, as text; `None` where it can be none.
#[must_use]
pub fn text(type_id: u8, unsigned: bool, value: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(value);
    let number = match (type_id, value.len()) {
        (0x01, 1) => i64::from(i8::from_le_bytes(cursor.array()?)),
        (0x02 | 0x0d, 2) => i64::from(i16::from_le_bytes(cursor.array()?)),
        (0x03 | 0x09, 4) => i64::from(cursor.i32_le()?),
        (0x08, 8) => i64::from_le_bytes(cursor.array()?),
        (0x04, 4) => return Some(f32::from_le_bytes(cursor.array()?).to_string()),
        (0x05, 8) => return Some(f64::from_le_bytes(cursor.array()?).to_string()),
        (0x07 | 0x0a | 0x0c | 0x11 | 0x12, _) => return date_time(&mut cursor, type_id == 0x0a),
        (0x0b | 0x13, _) => return time(&mut cursor),
        _ => return std::str::from_utf8(value).ok().map(str::to_owned),
    };
    if !unsigned {
        return Some(number.to_string());
    }
    let mask = if value.len() >= 8 { u64::MAX } else { (1 << (8 * value.len())) - 1 };
    Some((u64::from_le_bytes(number.to_le_bytes()) & mask).to_string())
}

/// A value of a column as text, in whichever form its row is.
#[must_use]
pub fn column_text(column: &Column, binary: bool, value: &[u8]) -> Option<String> {
    // Bytes that are no text: BLOB, BINARY, GEOMETRY and BIT of the binary character set.
    let is_bytes = column.character_set == BINARY && matches!(column.type_id, 0x10 | 0x0f | 0xf9..=0xff);
    if binary && !is_bytes {
        return text(column.type_id, column.flags & Column::UNSIGNED != 0, value);
    }
    std::str::from_utf8(value).ok().map(str::to_owned)
}

/// The name of a type.
#[must_use]
pub fn type_name(type_id: u8) -> &'static str {
    match type_id {
        0x00 | 0xf6 => "decimal",
        0x01 => "tinyint",
        0x02 => "smallint",
        0x03 => "int",
        0x04 => "float",
        0x05 => "double",
        0x06 => "null",
        0x07 | 0x11 => "timestamp",
        0x08 => "bigint",
        0x09 => "mediumint",
        0x0a | 0x0e => "date",
        0x0b | 0x13 => "time",
        0x0c | 0x12 => "datetime",
        0x0d => "year",
        0x0f | 0xfd => "varchar",
        0x10 => "bit",
        0xf5 => "json",
        0xf7 => "enum",
        0xf8 => "set",
        0xf9 => "tinyblob",
        0xfa => "mediumblob",
        0xfb => "longblob",
        0xfc => "blob",
        0xfe => "char",
        0xff => "geometry",
        _ => "unknown",
    }
}

fn date_time(cursor: &mut Cursor<'_>, date_only: bool) -> Option<String> {
    if cursor.is_empty() {
        return Some(if date_only { "0000-00-00" } else { "0000-00-00 00:00:00" }.to_owned());
    }
    let (year, month, day) = (cursor.u16_le()?, cursor.byte()?, cursor.byte()?);
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    if cursor.is_empty() {
        if !date_only {
            text.push_str(" 00:00:00");
        }
        return Some(text);
    }
    let (hour, minute, second) = (cursor.byte()?, cursor.byte()?, cursor.byte()?);
    write!(text, " {hour:02}:{minute:02}:{second:02}").ok()?;
    fraction(cursor, text)
}

fn time(cursor: &mut Cursor<'_>) -> Option<String> {
    if cursor.is_empty() {
        return Some("00:00:00".to_owned());
    }
    let (negative, days) = (cursor.byte()?, cursor.u32_le()?);
    let (hour, minute, second) = (cursor.byte()?, cursor.byte()?, cursor.byte()?);
    let sign = if negative == 0 { "" } else { "-" };
    let hours = u64::from(days) * 24 + u64::from(hour);
    fraction(cursor, format!("{sign}{hours:02}:{minute:02}:{second:02}"))
}

fn fraction(cursor: &mut Cursor<'_>, mut text: String) -> Option<String> {
    if !cursor.is_empty() {
        write!(text, ".{:06}", cursor.u32_le()?).ok()?;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binary_values_read_as_sql_writes_them() {
        for (type_id, unsigned, bytes, expected) in [
            (0x01, false, &[0xff][..], "-1"),
            (0x01, true, &[0xff], "255"),
            (0x03, false, &[1, 0, 0, 0], "1"),
            (0x08, true, &[0xff; 8], "18446744073709551615"),
            (0x05, false, &1.5_f64.to_le_bytes(), "1.5"),
            (0x0c, false, &[0xe9, 7, 4, 1, 2, 3, 4], "2025-04-01 02:03:04"),
            (0x0a, false, &[0xe9, 7, 4, 1], "2025-04-01"),
            (0x0b, false, &[1, 1, 0, 0, 0, 2, 3, 4], "-26:03:04"),
            (0xfd, false, b"text", "text"),
        ] {
            assert_eq!(text(type_id, unsigned, bytes).as_deref(), Some(expected));
        }
    }

    #[test]
    fn parameters_are_told_apart() {
        // Three: 7, NULL, "ab".
        let payload = [&[0b010, 1, 3, 0, 6, 0, 0xfd, 0][..], &[7, 0, 0, 0], b"\x02ab"].concat();
        let mut types = Vec::new();
        let told = execution(&payload, 3, &mut types, &[]).unwrap();
        let values: Vec<_> =
            told.iter().map(|p| p.value.as_ref().and_then(|v| text(p.type_id, p.unsigned, v))).collect();
        assert_eq!(values, [Some("7".to_owned()), None, Some("ab".to_owned())]);
        // The next time without types.
        let again = [&[0b011, 0][..], b"\x01c"].concat();
        assert_eq!(execution(&again, 3, &mut types, &[]).unwrap()[2].value.as_deref(), Some(&b"c"[..]));
        assert_eq!(execution(&payload, 200, &mut types, &[]), None);
    }
}
