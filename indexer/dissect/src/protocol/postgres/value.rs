//! Reads values: parameters and columns, in text or in binary form.
//!
//! The binary form of a type is what its `_send` function writes; those of the common types are read here.
//! Types are known by the numbers that PostgreSQL's catalog gives its own (`pg_type.dat`).

use std::fmt::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::protocol::cursor::Cursor;
use crate::protocol::postgres::message::Format;

/// Days from 1970-01-01 to 2000-01-01, which PostgreSQL counts from.
const EPOCH_DAYS: i64 = 10_957;
const MICROS_PER_DAY: i64 = 86_400_000_000;
/// Most elements of an array that are read.
const ELEMENTS_MAX: usize = 1000;
/// Most digits of a numeric that are written, in groups of four.
const NUMERIC_GROUPS_MAX: i32 = 5000;

/// A value as text, if it can be one.
#[must_use]
pub fn text(type_id: u32, format: Format, value: &[u8]) -> Option<String> {
    match format {
        Format::Text => std::str::from_utf8(value).ok().map(str::to_owned),
        Format::Binary => binary(type_id, value),
    }
}

/// The name of a type, as in `pg_type`; `None` where it is none of the common ones.
#[must_use]
pub fn type_name(type_id: u32) -> Option<&'static str> {
    Some(match type_id {
        16 => "bool",
        17 => "bytea",
        18 => "char",
        19 => "name",
        20 => "int8",
        21 => "int2",
        23 => "int4",
        25 => "text",
        26 => "oid",
        28 => "xid",
        114 => "json",
        142 => "xml",
        600 => "point",
        650 => "cidr",
        700 => "float4",
        701 => "float8",
        705 => "unknown",
        790 => "money",
        829 => "macaddr",
        869 => "inet",
        1000 => "bool[]",
        1005 => "int2[]",
        1007 => "int4[]",
        1009 => "text[]",
        1014 => "bpchar[]",
        1015 => "varchar[]",
        1016 => "int8[]",
        1021 => "float4[]",
        1022 => "float8[]",
        1042 => "bpchar",
        1043 => "varchar",
        1082 => "date",
        1083 => "time",
        1114 => "timestamp",
        1115 => "timestamp[]",
        1182 => "date[]",
        1184 => "timestamptz",
        1185 => "timestamptz[]",
        1186 => "interval",
        1231 => "numeric[]",
        1266 => "timetz",
        1560 => "bit",
        1562 => "varbit",
        1700 => "numeric",
        2249 => "record",
        2278 => "void",
        2950 => "uuid",
        2951 => "uuid[]",
        3220 => "pg_lsn",
        3614 => "tsvector",
        3802 => "jsonb",
        3904 => "int4range",
        _ => return None,
    })
}

fn binary(type_id: u32, value: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(value);
    let text = match type_id {
        16 => match cursor.byte()? {
            0 => "false".to_owned(),
            _ => "true".to_owned(),
        },
        20 | 790 => i64::from_be_bytes(cursor.array()?).to_string(),
        21 => i16::from_be_bytes(cursor.array()?).to_string(),
        23 => cursor.i32_be()?.to_string(),
        26 | 28 => cursor.u32_be()?.to_string(),
        700 => f32::from_be_bytes(cursor.array()?).to_string(),
        701 => f64::from_be_bytes(cursor.array()?).to_string(),
        1082 => date(i64::from(cursor.i32_be()?))?,
        1083 => time(i64::from_be_bytes(cursor.array()?))?,
        1114 => timestamp(i64::from_be_bytes(cursor.array()?), "")?,
        1184 => timestamp(i64::from_be_bytes(cursor.array()?), "+00")?,
        1700 => numeric(&mut cursor)?,
        2950 => uuid(&cursor.array()?),
        650 | 869 => return address(value),
        // The version of jsonb's form stands before its text.
        3802 => return std::str::from_utf8(value.strip_prefix(b"\x01")?).ok().map(str::to_owned),
        18 | 19 | 25 | 114 | 142 | 705 | 1042 | 1043 => {
            return std::str::from_utf8(value).ok().map(str::to_owned);
        }
        1000 | 1005 | 1007 | 1009 | 1014..=1016 | 1021 | 1022 | 1115 | 1182 | 1185 | 1231 | 2951 => {
            array(&mut cursor)?
        }
        // The type was left to the server: text is sent as text in binary form too.
        0 => return untyped(value),
        _ => return None,
    };
    cursor.is_empty().then_some(text)
}

/// A value of unknown type as text: only if it is printable, because four bytes may be a number as well.
#[must_use]
pub fn untyped(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    (!text.chars().any(|letter| letter.is_control() && !"\n\r\t".contains(letter))).then(|| text.to_owned())
}

/// Year, month and day; from H. Hinnant, "chrono-compatible low-level date algorithms".
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    let shifted = days.checked_add(719_468)?;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Some((year, month, day))
}

fn date(days: i64) -> Option<String> {
    match days {
        0x7fff_ffff => return Some("infinity".to_owned()),
        -0x8000_0000 => return Some("-infinity".to_owned()),
        _ => {}
    }
    let (year, month, day) = civil(days.checked_add(EPOCH_DAYS)?)?;
    Some(format!("{year:04}-{month:02}-{day:02}"))
}

fn time(micros: i64) -> Option<String> {
    if !(0..=MICROS_PER_DAY).contains(&micros) {
        return None;
    }
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let mut text = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        write!(text, ".{fraction:06}").ok()?;
    }
    Some(text)
}

fn timestamp(micros: i64, zone: &str) -> Option<String> {
    match micros {
        i64::MAX => return Some("infinity".to_owned()),
        i64::MIN => return Some("-infinity".to_owned()),
        _ => {}
    }
    let date = date(micros.div_euclid(MICROS_PER_DAY))?;
    let time = time(micros.rem_euclid(MICROS_PER_DAY))?;
    Some(format!("{date} {time}{zone}"))
}

/// Groups of four digits, of which the first stands for `10000^weight`.
fn numeric(cursor: &mut Cursor<'_>) -> Option<String> {
    let count = i32::from(cursor.u16_be()?);
    let weight = i32::from(i16::from_be_bytes(cursor.array()?));
    let sign = cursor.u16_be()?;
    let scale = usize::from(cursor.u16_be()?);
    let groups: Vec<u16> = (0..count).map_while(|_| cursor.u16_be()).collect();
    match sign {
        0xc000 => return Some("NaN".to_owned()),
        0xd000 => return Some("Infinity".to_owned()),
        0xf000 => return Some("-Infinity".to_owned()),
        _ => {}
    }
    if !(-NUMERIC_GROUPS_MAX..=NUMERIC_GROUPS_MAX).contains(&weight) || scale > 16_383 {
        return None;
    }
    let group = |at: i32| usize::try_from(at).ok().and_then(|at| groups.get(at)).copied().unwrap_or(0);
    let mut text = String::new();
    for at in 0..=weight {
        if at == 0 { write!(text, "{}", group(at)) } else { write!(text, "{:04}", group(at)) }.ok()?;
    }
    if weight < 0 {
        text.push('0');
    }
    if scale > 0 {
        let mut fraction = String::new();
        let mut at = weight + 1;
        while fraction.len() < scale {
            write!(fraction, "{:04}", group(at)).ok()?;
            at += 1;
        }
        fraction.truncate(scale);
        text.push('.');
        text.push_str(&fraction);
    }
    Some(if sign == 0x4000 { format!("-{text}") } else { text })
}

fn uuid(bytes: &[u8; 16]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Family, bits of the mask, whether it is a network, length, address.
fn address(value: &[u8]) -> Option<String> {
    let mut cursor = Cursor::new(value);
    let (_family, bits, is_network, length) =
        (cursor.byte()?, cursor.byte()?, cursor.byte()?, cursor.byte()?);
    let (address, whole) = match length {
        4 => (Ipv4Addr::from(cursor.array::<4>()?).to_string(), 32),
        16 => (Ipv6Addr::from(cursor.array::<16>()?).to_string(), 128),
        _ => return None,
    };
    Some(if bits == whole && is_network == 0 { address } else { format!("{address}/{bits}") })
}

/// One dimension, in the braces that SQL writes; others are left as they are.
fn array(cursor: &mut Cursor<'_>) -> Option<String> {
    let (dimensions, _has_null, element) = (cursor.u32_be()?, cursor.u32_be()?, cursor.u32_be()?);
    if dimensions == 0 {
        return Some("{}".to_owned());
    }
    let (count, _lower) = (usize::try_from(cursor.u32_be()?).ok()?, cursor.u32_be()?);
    if dimensions != 1 || count > ELEMENTS_MAX || matches!(element, 1000..=1022) {
        return None;
    }
    let mut parts = Vec::new();
    for _ in 0..count {
        match super::wire::next_value(cursor)? {
            None => parts.push("NULL".to_owned()),
            Some(value) => parts.push(quoted(&binary(element, value)?)),
        }
    }
    Some(format!("{{{}}}", parts.join(",")))
}

fn quoted(element: &str) -> String {
    let plain = !element.is_empty()
        && !element.eq_ignore_ascii_case("null")
        && !element.contains([' ', ',', '{', '}', '"', '\\', '\n', '\t', '\r']);
    if plain {
        return element.to_owned();
    }
    format!("\"{}\"", element.replace('\\', r"\\").replace('"', r#"\""#))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(type_id: u32, bytes: &[u8], expected: &str) {
        assert_eq!(text(type_id, Format::Binary, bytes).as_deref(), Some(expected));
    }

    #[test]
    fn binary_values_read_as_sql_writes_them() {
        check(16, &[1], "true");
        check(20, &(-5_i64).to_be_bytes(), "-5");
        check(23, &42_i32.to_be_bytes(), "42");
        check(701, &1.5_f64.to_be_bytes(), "1.5");
        check(1082, &9222_i32.to_be_bytes(), "2025-04-01");
        check(1082, &(-1_i32).to_be_bytes(), "1999-12-31");
        check(1114, &1_500_000_i64.to_be_bytes(), "2000-01-01 00:00:01.500000");
        check(1184, &(-1_i64).to_be_bytes(), "1999-12-31 23:59:59.999999+00");
        check(1700, &[0, 2, 0, 0, 0x40, 0, 0, 2, 0, 12, 0x0d, 0x48], "-12.34");
        check(1700, &[0, 1, 0, 1, 0, 0, 0, 0, 0, 7], "70000");
        check(1700, &[0, 1, 0xff, 0xff, 0, 0, 0, 3, 0, 50], "0.005");
        check(3802, b"\x01{}", "{}");
        check(869, &[2, 32, 0, 4, 127, 0, 0, 1], "127.0.0.1");
        check(650, &[2, 8, 1, 4, 10, 0, 0, 0], "10.0.0.0/8");
        let array = [
            &1_u32.to_be_bytes()[..],
            &[0; 4],
            &25_u32.to_be_bytes(),
            &2_u32.to_be_bytes(),
            &1_u32.to_be_bytes(),
            &3_u32.to_be_bytes(),
            b"a b",
            &[0xff; 4],
        ]
        .concat();
        check(1009, &array, "{\"a b\",NULL}");
        assert_eq!(text(23, Format::Binary, b"12345"), None);
        assert_eq!(text(17, Format::Binary, b"\xff"), None);
    }
}
