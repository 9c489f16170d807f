//! Reads the payloads of MySQL's packets ("MySQL Internals Manual", chapter "Client/Server Protocol"; MariaDB
//! knowledge base, "Clientserver Protocol").
//!
//! A payload may have been cut by a limit: what is there is read, and the rest is left out.

use crate::protocol::cursor::{Cursor, text};
use crate::protocol::mysql::message::{Column, Failure, Greeting, Login, QueryResult};

/// Most bytes of SQL kept of one statement: it is in every row of the index.
pub const QUERY_BYTES_MAX: usize = 64 * 1024;
/// Most bytes kept of a name; MySQL's own limit is 64 characters.
const NAME_BYTES_MAX: usize = 256;
/// Most bytes kept of an error or a remark.
const MESSAGE_BYTES_MAX: usize = 4096;
/// Most attributes told apart in a login.
const ATTRIBUTES_MAX: usize = 32;

/// The login names a database.
pub const CONNECT_WITH_DB: u64 = 1 << 3;
/// Packets are compressed by zlib behind the login.
pub const COMPRESS: u64 = 1 << 5;
/// The login has the form of MySQL 4.1 and later.
pub const PROTOCOL_41: u64 = 1 << 9;
/// TLS follows.
pub const SSL: u64 = 1 << 11;
/// A hash of twenty bytes with its length in front.
pub const SECURE_CONNECTION: u64 = 1 << 15;
/// The login names a plugin.
pub const PLUGIN_AUTH: u64 = 1 << 19;
/// The login has attributes.
pub const CONNECT_ATTRIBUTES: u64 = 1 << 20;
/// The length of the proof is of any size.
pub const PLUGIN_AUTH_LENENC: u64 = 1 << 21;
/// Remarks have a length, and the session's changes may follow.
pub const SESSION_TRACK: u64 = 1 << 23;
/// Packets are compressed by zstd behind the login.
pub const ZSTD: u64 = 1 << 26;
/// Queries have attributes in front.
pub const QUERY_ATTRIBUTES: u64 = 1 << 27;
/// Columns may be left out where the client knows them (MariaDB).
pub const CACHE_METADATA: u64 = 1 << 36;

/// A number whose first byte tells how long it is; `None` too for the marks of NULL and errors.
pub fn length(cursor: &mut Cursor<'_>) -> Option<u64> {
    Some(match cursor.byte()? {
        short @ 0..=0xfa => u64::from(short),
        0xfc => u64::from(cursor.u16_le()?),
        0xfd => u64::from(cursor.u24_le()?),
        0xfe => cursor.u64_le()?,
        _ => return None,
    })
}

/// Bytes with their length in front.
pub fn counted<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = usize::try_from(length(cursor)?).ok()?;
    cursor.take(length)
}

fn counted_name(cursor: &mut Cursor<'_>) -> Option<String> {
    counted(cursor).map(name)
}

/// A name.
pub fn name(bytes: &[u8]) -> String {
    text(bytes, NAME_BYTES_MAX)
}

/// What the server opens a connection with (`HandshakeV10`).
pub fn greeting(payload: &[u8]) -> Option<Greeting> {
    let mut cursor = Cursor::new(payload);
    if cursor.byte()? != 10 {
        return None;
    }
    let version = cursor.until_zero().filter(|text| is_version(text)).map(name)?;
    let connection_id = cursor.u32_le()?;
    let _scramble = cursor.take(8)?;
    if cursor.byte()? != 0 {
        return None;
    }
    let mut capabilities = u64::from(cursor.u16_le()?);
    let mut greeting = Greeting { version, connection_id, capabilities, plugin: None };
    let Some(_character_set) = cursor.byte() else { return Some(greeting) };
    let (_status, upper) = (cursor.u16_le()?, cursor.u16_le()?);
    capabilities |= u64::from(upper) << 16;
    let scramble_bytes = usize::from(cursor.byte()?);
    let _reserved = cursor.take(6)?;
    // MariaDB's own capabilities stand where MySQL has zeros.
    capabilities |= u64::from(cursor.u32_le()?) << 32;
    greeting.capabilities = capabilities;
    if cursor.take(scramble_bytes.saturating_sub(8).max(13)).is_some() && capabilities & PLUGIN_AUTH != 0 {
        let plugin = cursor.until_zero().unwrap_or(cursor.rest());
        greeting.plugin = Some(name(plugin));
    }
    Some(greeting)
}

/// Digits and dots first, printable text behind.
fn is_version(text: &[u8]) -> bool {
    text.len() >= 3
        && text.first().is_some_and(u8::is_ascii_digit)
        && text.contains(&b'.')
        && text.iter().all(|byte| (0x20..0x7f).contains(byte))
}

/// What a client opens a session with.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Opening {
    /// What it says of itself.
    pub login: Login,
    /// Who.
    pub user: Option<String>,
    /// To which database.
    pub database: Option<String>,
    /// The proof, as it was sent.
    pub proof: Vec<u8>,
    /// Whether TLS follows, and the rest will be said there.
    pub is_ssl_request: bool,
}

/// `HandshakeResponse41`, or the first part of it, which asks for TLS (`SSLRequest`).
pub fn opening(payload: &[u8]) -> Option<Opening> {
    let mut cursor = Cursor::new(payload);
    let lower = cursor.u32_le()?;
    if u64::from(lower) & PROTOCOL_41 == 0 {
        return None;
    }
    let packet_bytes_max = cursor.u32_le()?;
    let character_set = u16::from(cursor.byte()?);
    let _reserved = cursor.take(19)?;
    let mariadb = cursor.u32_le()?;
    let capabilities = u64::from(lower) | u64::from(mariadb) << 32;
    let mut opening = Opening {
        login: Login { capabilities, packet_bytes_max, character_set, ..Login::default() },
        ..Opening::default()
    };
    if cursor.is_empty() {
        opening.is_ssl_request = capabilities & SSL != 0;
        return opening.is_ssl_request.then_some(opening);
    }
    opening.user = Some(name(cursor.until_zero()?));
    let proof = if capabilities & PLUGIN_AUTH_LENENC != 0 {
        counted(&mut cursor)?
    } else if capabilities & SECURE_CONNECTION != 0 {
        let length = usize::from(cursor.byte()?);
        cursor.take(length)?
    } else {
        cursor.until_zero()?
    };
    opening.proof = proof.to_vec();
    if capabilities & CONNECT_WITH_DB != 0 && !cursor.is_empty() {
        opening.database = Some(name(cursor.until_zero().unwrap_or_else(|| cursor.rest())));
    }
    rest_of_opening(&mut cursor, capabilities, &mut opening);
    Some(opening)
}

fn rest_of_opening(cursor: &mut Cursor<'_>, capabilities: u64, opening: &mut Opening) {
    if capabilities & PLUGIN_AUTH != 0 {
        opening.login.plugin = cursor.until_zero().map(name).filter(|name| !name.is_empty());
    }
    if capabilities & CONNECT_ATTRIBUTES != 0
        && let Some(attributes) = counted(cursor)
    {
        let mut cursor = Cursor::new(attributes);
        while opening.login.attributes.len() < ATTRIBUTES_MAX {
            let Some(key) = counted_name(&mut cursor) else { break };
            let Some(value) = counted_name(&mut cursor) else { break };
            opening.login.attributes.push((key, value));
        }
    }
}

/// COM_CHANGE_USER, behind its byte.
pub fn change_user(payload: &[u8], capabilities: u64) -> Option<Opening> {
    let mut cursor = Cursor::new(payload);
    let user = name(cursor.until_zero()?);
    let length = usize::from(cursor.byte()?);
    let proof = cursor.take(length)?.to_vec();
    let database = cursor.until_zero().map(name).filter(|name| !name.is_empty());
    let mut opening = Opening { user: Some(user), database, proof, ..Opening::default() };
    opening.login.character_set = cursor.u16_le().unwrap_or_default();
    rest_of_opening(&mut cursor, capabilities, &mut opening);
    Some(opening)
}

/// An OK packet, behind its byte; `None` if it is none.
pub fn ok(payload: &[u8], capabilities: Option<u64>) -> Option<QueryResult> {
    let mut cursor = Cursor::new(payload);
    let affected = length(&mut cursor)?;
    let last_insert_id = length(&mut cursor)?;
    let status = cursor.u16_le()?;
    let warnings = cursor.u16_le()?;
    let rest = cursor.rest();
    // With session tracking the remark has a length; else it is all the rest.
    let info = match capabilities {
        Some(capabilities) if capabilities & SESSION_TRACK == 0 => rest,
        _ => counted(&mut cursor).unwrap_or(if rest.first().is_some_and(u8::is_ascii_graphic) {
            rest
        } else {
            b""
        }),
    };
    let info = text(info, MESSAGE_BYTES_MAX);
    Some(QueryResult { affected, last_insert_id, status, warnings, info, ..QueryResult::default() })
}

/// An ERR packet, behind its byte.
pub fn failure(payload: &[u8]) -> Option<Failure> {
    let mut cursor = Cursor::new(payload);
    let code = cursor.u16_le()?;
    let rest = cursor.rest();
    let (state, message) = match rest.split_first_chunk::<6>() {
        Some(([b'#', state @ ..], message)) => (Some(name(state)), message),
        _ => (None, rest),
    };
    Some(Failure { code, state, message: text(message, MESSAGE_BYTES_MAX) })
}

/// A column (`ColumnDefinition41`).
pub fn column(payload: &[u8]) -> Option<Column> {
    let mut cursor = Cursor::new(payload);
    if counted(&mut cursor)? != b"def" {
        return None;
    }
    let _schema = counted(&mut cursor)?;
    let table = counted_name(&mut cursor)?;
    let _original_table = counted(&mut cursor)?;
    let name = counted_name(&mut cursor)?;
    let _original_name = counted(&mut cursor)?;
    let mut fixed = length(&mut cursor)?;
    if fixed != 12 {
        // MariaDB may tell more of the type here.
        cursor.take(usize::try_from(fixed).ok()?)?;
        fixed = length(&mut cursor)?;
    }
    if fixed != 12 {
        return None;
    }
    let character_set = cursor.u16_le()?;
    let _length = cursor.u32_le()?;
    let (type_id, flags) = (cursor.byte()?, cursor.u16_le()?);
    Some(Column { name, table, type_id, flags, character_set })
}

/// Statement, columns, parameters and warnings of a COM_STMT_PREPARE_OK, behind its byte.
pub fn prepared(payload: &[u8]) -> Option<(u32, u16, u16, u16)> {
    let mut cursor = Cursor::new(payload);
    let (statement, columns, parameters) = (cursor.u32_le()?, cursor.u16_le()?, cursor.u16_le()?);
    let _filler = cursor.byte()?;
    Some((statement, columns, parameters, cursor.u16_le().unwrap_or_default()))
}
