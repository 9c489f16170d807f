//! What the server's packets mean.

use crate::protocol::Pair;
use crate::protocol::cursor::{Cursor, text};
use crate::protocol::mysql::client::{Conversation, unasked};
use crate::protocol::mysql::message::{Column, Command, Prepared, QueryResult, Request};
use crate::protocol::mysql::open::{Answer, Open, Place, Stage};
use crate::protocol::mysql::statement::{Statement, Statements};
use crate::protocol::mysql::wire;
use crate::protocol::unit::Unit;

/// Both sides leave out the EOF behind columns, and end rows with an OK.
const DEPRECATE_EOF: u64 = 1 << 24;
/// Most columns told apart; MySQL allows 4,096.
const COLUMNS_MAX: usize = 4096;
/// Most bytes kept of a line of text.
const TEXT_BYTES_MAX: usize = 4096;
/// Most plugins told apart.
const PLUGINS_MAX: usize = 8;
/// The number of an error that is none: MariaDB reports progress so.
const PROGRESS: u16 = 0xffff;

/// The server says what doesn't answer what was asked: something was missed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unexpected;

/// What a packet of the server did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Told {
    /// The answer goes on, or ended.
    More,
    /// The client is in: from here on packets are compressed if both want that.
    LoggedIn,
}

impl Conversation {
    /// Takes a packet of the server.
    pub(super) fn server(
        &mut self,
        packet: &Unit,
        number: u8,
        last_number: u8,
        pairs: &mut Vec<Pair>,
    ) -> Result<Told, Unexpected> {
        let body_bytes_max = self.body_bytes_max;
        let deprecate_eof = self.capabilities.map(|both| both & DEPRECATE_EOF != 0);
        let capabilities = self.capabilities;
        let is_orphan = self.waiting.is_empty();
        if is_orphan && self.orphan.is_none() {
            self.orphan = Some(Box::new(orphan(packet, number)));
        }
        let open = if is_orphan { self.orphan.as_mut() } else { self.waiting.front_mut() };
        let Some(open) = open else { return Err(Unexpected) };
        if open.number != number {
            return Err(Unexpected);
        }
        open.number = last_number.wrapping_add(1);
        match &mut open.answer {
            Some(answer) => answer.place.extend(packet),
            None => open.answer = Some(Answer::new(packet)),
        }
        step(open, packet, capabilities, deprecate_eof, body_bytes_max)?;
        if open.stage != Stage::Done {
            return Ok(Told::More);
        }
        if is_orphan {
            if let Some(answer) = self.orphan.take().and_then(|open| open.answer) {
                pairs.push(unasked(answer));
            }
            return Ok(Told::More);
        }
        let told = self.ended();
        self.answered(pairs);
        Ok(told)
    }

    /// What the answer to the oldest command changes.
    fn ended(&mut self) -> Told {
        let Some(open) = self.waiting.front_mut() else { return Told::More };
        let command = open.request.command;
        let Some(answer) = &mut open.answer else { return Told::More };
        let is_success = answer.response.error.is_none();
        match command {
            Command::LOGIN => {
                answer.response.greeting = self.greeting.take().map(|(_, greeting)| Box::new(greeting));
                if is_success {
                    return Told::LoggedIn;
                }
            }
            Command::INIT_DB if is_success => self.database.clone_from(&open.request.argument),
            Command::RESET_CONNECTION if is_success => {
                self.statements = Statements::default();
            }
            Command::STMT_PREPARE if is_success => {
                if let Some(prepared) = answer.response.prepared.clone() {
                    open.request.statement_id = Some(prepared.statement_id);
                    let query = open.request.query.clone().unwrap_or_default();
                    let truncated = open.place.truncated;
                    let Prepared { statement_id, parameters, columns, .. } = prepared;
                    let statement =
                        Statement { query, truncated, columns, parameters, ..Statement::default() };
                    self.statements.remember(statement_id, statement);
                }
            }
            Command::QUERY if is_success => self.used(),
            Command::STMT_EXECUTE if is_success => {
                // The columns that were sent are those of the rows that are fetched later.
                let sent = answer.response.results.first().map(|result| result.columns.clone());
                if let (Some(columns), Some(id)) = (sent.filter(|c| !c.is_empty()), open.request.statement_id)
                {
                    self.statements.learn_columns(id, columns);
                }
            }
            _ => {}
        }
        Told::More
    }

    /// `USE name` changes the database like COM_INIT_DB.
    fn used(&mut self) {
        let query = self.waiting.front().and_then(|open| open.request.query.as_deref());
        let Some(name) = query.and_then(|query| query.trim().strip_suffix(';').or(Some(query.trim()))) else {
            return;
        };
        let Some((verb, name)) = name.split_once(char::is_whitespace) else { return };
        let name = name.trim().trim_matches('`');
        if verb.eq_ignore_ascii_case("use") && !name.is_empty() && !name.contains(char::is_whitespace) {
            self.database = Some(name.to_owned());
        }
    }
}

/// An answer to a command that was not seen: it begins as most do.
fn orphan(packet: &Unit, number: u8) -> Open {
    Open {
        place: Place::of(packet),
        request: Request::new(Command(0)),
        stage: Stage::First,
        number,
        columns: Vec::new(),
        answer: None,
    }
}

/// Takes the next packet of an answer.
fn step(
    open: &mut Open,
    packet: &Unit,
    capabilities: Option<u64>,
    deprecate_eof: Option<bool>,
    body_bytes_max: usize,
) -> Result<(), Unexpected> {
    let Open { stage, answer, columns, request, .. } = open;
    let Some(answer) = answer else { return Err(Unexpected) };
    let payload = packet.kept.as_slice();
    let Some((&byte, rest)) = payload.split_first() else {
        // Only the events of a log may be empty.
        return if *stage == Stage::Events { Ok(()) } else { Err(Unexpected) };
    };
    if packet.gap_bytes > 0 && *stage != Stage::Rows && *stage != Stage::Events {
        return Err(Unexpected);
    }
    if byte == 0xff && *stage != Stage::Text {
        return failed(stage, answer, rest);
    }
    let is_eof = byte == 0xfe && packet.length_bytes == 5;
    *stage = match *stage {
        Stage::Login => login(answer, byte, rest, capabilities)?,
        Stage::First => return first(stage, answer, byte, payload, capabilities),
        Stage::Columns(left) => {
            push_column(&mut answer.result().columns, payload)?;
            if left > 1 { Stage::Columns(left - 1) } else { Stage::ColumnsEnd }
        }
        Stage::ColumnsEnd if is_eof => {
            answer.result().rows.binary = is_binary(request.command);
            if opens_cursor(rest) { end_rows(answer, rest, true, capabilities)? } else { Stage::Rows }
        }
        Stage::ColumnsEnd | Stage::Rows => {
            let result = answer.result();
            result.rows.binary = is_binary(request.command);
            if result.columns.is_empty() {
                result.columns = std::mem::take(columns);
            }
            if byte == 0xfe && ends_rows(packet) {
                end_rows(answer, rest, is_eof, capabilities)?
            } else {
                answer.row(packet, body_bytes_max);
                Stage::Rows
            }
        }
        Stage::Fields if byte == 0xfe => {
            answer.result();
            answer.end_result();
            Stage::Done
        }
        Stage::Fields => {
            push_column(&mut answer.result().columns, payload)?;
            Stage::Fields
        }
        Stage::Text => {
            answer.response.text = Some(text(payload, TEXT_BYTES_MAX));
            Stage::Done
        }
        Stage::Events if byte == 0xfe && packet.length_bytes < 9 => Stage::Done,
        Stage::Events => {
            count_event(answer, packet);
            Stage::Events
        }
        Stage::File | Stage::Done => return Err(Unexpected),
        prepare => prepared(prepare, answer, payload, is_eof, deprecate_eof)?,
    };
    Ok(())
}

/// Takes an ERR packet, which may only be a report of progress.
fn failed(stage: &mut Stage, answer: &mut Answer, rest: &[u8]) -> Result<(), Unexpected> {
    let failure = wire::failure(rest).ok_or(Unexpected)?;
    if failure.code != PROGRESS {
        answer.end_result();
        answer.response.error = Some(failure);
        *stage = Stage::Done;
    }
    Ok(())
}

/// Whether a packet that begins as an EOF does can be one, and not a row of 16 MiB.
fn ends_rows(packet: &Unit) -> bool {
    packet.length_bytes < u64::from(super::frame::PACKET_BYTES_MAX) && packet.gap_bytes == 0
}

/// Whether the EOF behind the columns says that rows will be fetched later.
fn opens_cursor(eof: &[u8]) -> bool {
    let status = Cursor::new(eof.get(2..).unwrap_or_default()).u16_le().unwrap_or_default();
    status & QueryResult::CURSOR != 0
}

/// Counts an event of the binary log.
fn count_event(answer: &mut Answer, packet: &Unit) {
    let (count, bytes) = answer.response.events.unwrap_or_default();
    answer.response.events = Some((count.saturating_add(1), bytes.saturating_add(packet.length_bytes)));
}

/// Takes the next packet about a prepared statement: its number, its parameters, its columns.
fn prepared(
    stage: Stage,
    answer: &mut Answer,
    payload: &[u8],
    is_eof: bool,
    deprecate_eof: Option<bool>,
) -> Result<Stage, Unexpected> {
    Ok(match stage {
        Stage::Prepared => {
            let body = payload.strip_prefix(b"\0").ok_or(Unexpected)?;
            let (statement_id, columns, parameters, warnings) = wire::prepared(body).ok_or(Unexpected)?;
            answer.response.prepared =
                Some(Prepared { statement_id, parameters, columns: Vec::new(), warnings });
            match (parameters, columns) {
                (0, 0) => Stage::Done,
                (0, columns) => Stage::PreparedColumns(columns),
                (parameters, columns) => Stage::Parameters(parameters, columns),
            }
        }
        Stage::Parameters(left, columns) => match (left > 1, deprecate_eof, columns) {
            (true, ..) => Stage::Parameters(left - 1, columns),
            (false, Some(true), 0) => Stage::Done,
            (false, Some(true), columns) => Stage::PreparedColumns(columns),
            (false, ..) => Stage::ParametersEnd(columns),
        },
        Stage::ParametersEnd(0) if is_eof => Stage::Done,
        Stage::ParametersEnd(columns) if is_eof => Stage::PreparedColumns(columns),
        Stage::ParametersEnd(left @ 1..) | Stage::PreparedColumns(left) => {
            let prepared = answer.response.prepared.as_mut().ok_or(Unexpected)?;
            push_column(&mut prepared.columns, payload)?;
            match (left > 1, deprecate_eof) {
                (true, _) => Stage::PreparedColumns(left - 1),
                (false, Some(true)) => Stage::Done,
                (false, _) => Stage::PreparedColumnsEnd,
            }
        }
        Stage::PreparedColumnsEnd if is_eof => Stage::Done,
        _ => return Err(Unexpected),
    })
}

fn push_column(columns: &mut Vec<Column>, payload: &[u8]) -> Result<(), Unexpected> {
    let column = wire::column(payload).ok_or(Unexpected)?;
    if columns.len() < COLUMNS_MAX {
        columns.push(column);
    }
    Ok(())
}

fn is_binary(command: Command) -> bool {
    matches!(command, Command::STMT_EXECUTE | Command::STMT_FETCH | Command::STMT_BULK_EXECUTE)
}

/// Whether the client is in, or what else it must prove.
fn login(answer: &mut Answer, byte: u8, rest: &[u8], capabilities: Option<u64>) -> Result<Stage, Unexpected> {
    match byte {
        0x00 => {
            let result = wire::ok(rest, capabilities).ok_or(Unexpected)?;
            answer.result = Some(result);
            answer.end_result();
            Ok(Stage::Done)
        }
        0xfe => {
            let plugin = rest.split(|byte| *byte == 0).next().unwrap_or_default();
            // Without a name the hash of MySQL 4.0 is meant.
            let plugin = if plugin.is_empty() { "mysql_old_password".to_owned() } else { wire::name(plugin) };
            if answer.response.plugins.len() < PLUGINS_MAX {
                answer.response.plugins.push(plugin);
            }
            Ok(Stage::Login)
        }
        // More for the plugin.
        _ => Ok(Stage::Login),
    }
}

/// The first packet of a result: it is an OK, asks for a file, or tells how many columns follow.
fn first(
    stage: &mut Stage,
    answer: &mut Answer,
    byte: u8,
    payload: &[u8],
    capabilities: Option<u64>,
) -> Result<(), Unexpected> {
    let rest = payload.get(1..).unwrap_or_default();
    match byte {
        0x00 => {
            let result = wire::ok(rest, capabilities).ok_or(Unexpected)?;
            let more = result.status & QueryResult::MORE_RESULTS != 0;
            let wanted_file = answer.result.take().and_then(|before| before.wanted_file);
            answer.result = Some(QueryResult { wanted_file, ..result });
            answer.end_result();
            *stage = if more { Stage::First } else { Stage::Done };
        }
        0xfb => {
            answer.result().wanted_file = Some(text(rest, TEXT_BYTES_MAX));
            *stage = Stage::File;
        }
        // COM_SET_OPTION and COM_DEBUG are answered by an EOF, or by the OK in its place.
        0xfe => *stage = end_rows(answer, rest, payload.len() == 5, capabilities)?,
        _ => {
            let mut cursor = Cursor::new(payload);
            let count =
                wire::length(&mut cursor).filter(|count| (1..=0xffff).contains(count)).ok_or(Unexpected)?;
            answer.result();
            let caches = capabilities.is_some_and(|both| both & wire::CACHE_METADATA != 0);
            let follow = if caches { cursor.byte().is_none_or(|follow| follow != 0) } else { true };
            if !cursor.is_empty() {
                return Err(Unexpected);
            }
            *stage = if follow { Stage::Columns(count) } else { Stage::ColumnsEnd };
        }
    }
    Ok(())
}

/// The EOF behind rows, or the OK that has its place.
fn end_rows(
    answer: &mut Answer,
    rest: &[u8],
    is_eof: bool,
    capabilities: Option<u64>,
) -> Result<Stage, Unexpected> {
    let end = if is_eof {
        let mut cursor = Cursor::new(rest);
        let (warnings, status) = (cursor.u16_le().ok_or(Unexpected)?, cursor.u16_le().ok_or(Unexpected)?);
        QueryResult { warnings, status, ..QueryResult::default() }
    } else {
        wire::ok(rest, capabilities).ok_or(Unexpected)?
    };
    let result = answer.result();
    result.warnings = end.warnings;
    result.status = end.status;
    result.info = end.info;
    answer.end_result();
    Ok(if end.status & QueryResult::MORE_RESULTS != 0 { Stage::First } else { Stage::Done })
}
