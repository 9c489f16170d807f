//! What the client's packets mean.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::protocol::cursor::{Cursor, text};
use crate::protocol::mysql::message::{Column, Command, Greeting, Request};
use crate::protocol::mysql::open::{Answer, Open, Place, Stage};
use crate::protocol::mysql::statement::Statements;
use crate::protocol::mysql::{value, wire};
use crate::protocol::unit::Unit;
use crate::protocol::{Content, Direction, Pair};

/// Most commands that wait: clients take turns, and few pipeline.
const WAITING_MAX: usize = 256;
/// Most bytes of them.
const WAITING_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Most passwords and proofs kept of one login, and most bytes of each.
const SECRETS_MAX: usize = 8;
const SECRET_BYTES_MAX: usize = 4096;
/// Most bytes of a text argument.
const ARGUMENT_BYTES_MAX: usize = 1024;

/// What both sides say to each other.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Conversation {
    pub(super) greeting: Option<(Place, Greeting)>,
    /// What both sides can do, once both said so.
    pub(super) capabilities: Option<u64>,
    pub(super) user: Option<String>,
    pub(super) database: Option<String>,
    pub(super) statements: Statements,
    pub(super) waiting: VecDeque<Box<Open>>,
    pub(super) waiting_bytes: usize,
    /// The answer to a command that was not seen.
    pub(super) orphan: Option<Box<Open>>,
    /// A hole: whom the server answers is not known until the client asks again.
    pub(super) is_uncertain: bool,
    /// The client asks before it is answered, so that after a hole nothing tells who is answered.
    pub(super) pipelines: bool,
    pub(super) body_bytes_max: usize,
}

impl Conversation {
    /// Takes a packet that begins a command.
    pub(super) fn command(&mut self, packet: &Unit, number: u8, pairs: &mut Vec<Pair>) {
        let Some((&byte, body)) = packet.kept.split_first() else { return };
        let command = Command(byte);
        let mut place = Place::of(packet);
        let mut request = self.request(command);
        let mut columns = Vec::new();
        match command {
            Command::QUERY | Command::STMT_PREPARE => {
                let sql = self.without_attributes(command, body, &mut request);
                place.truncated = packet.is_cut() || sql.len() > wire::QUERY_BYTES_MAX;
                request.query = Some(text(sql, wire::QUERY_BYTES_MAX));
            }
            Command::STMT_EXECUTE | Command::STMT_BULK_EXECUTE => {
                place.truncated = packet.is_cut();
                columns = self.execute(command, body, &mut request, &mut place);
            }
            Command::STMT_FETCH
            | Command::STMT_RESET
            | Command::STMT_CLOSE
            | Command::STMT_SEND_LONG_DATA => {
                columns = self.of_statement(command, body, packet, &mut request);
            }
            Command::INIT_DB | Command::FIELD_LIST | Command(0x05 | 0x06) => {
                let name = body.split(|byte| *byte == 0).next().unwrap_or_default();
                request.argument = Some(text(name, ARGUMENT_BYTES_MAX));
            }
            Command::CHANGE_USER => self.change_user(body, &mut request),
            Command::SET_OPTION => request.number = Cursor::new(body).u16_le().map(u32::from),
            Command(0x0c) => request.number = Cursor::new(body).u32_le(),
            _ => {}
        }
        if command.is_never_answered() {
            let message = place.message(Content::MysqlRequest(Box::new(request)));
            pairs.push(Pair {
                request_direction: Direction::ToServer,
                request: Some(message),
                response: None,
            });
            return;
        }
        let stage = match command {
            Command::STMT_PREPARE => Stage::Prepared,
            Command::CHANGE_USER => Stage::Login,
            Command::FIELD_LIST => Stage::Fields,
            Command::STATISTICS => Stage::Text,
            Command::STMT_FETCH => Stage::Rows,
            Command::BINLOG_DUMP | Command::BINLOG_DUMP_GTID => Stage::Events,
            _ => Stage::First,
        };
        let number = number.wrapping_add(1);
        self.push(Open { place, request, stage, number, columns, answer: None }, pairs);
    }

    /// A request of this session.
    pub(super) fn request(&self, command: Command) -> Request {
        Request { user: self.user.clone(), database: self.database.clone(), ..Request::new(command) }
    }

    /// A command begins to wait for its answer.
    pub(super) fn push(&mut self, open: Open, pairs: &mut Vec<Pair>) {
        if self.is_uncertain {
            self.give_up(pairs);
            self.is_uncertain = self.pipelines;
        }
        if self.is_uncertain {
            pairs.push(open.pair(false));
            return;
        }
        self.orphan = None;
        self.waiting_bytes = self.waiting_bytes.saturating_add(open.memory_bytes());
        self.waiting.push_back(Box::new(open));
        if self.waiting.len() > WAITING_MAX || self.waiting_bytes > WAITING_BYTES_MAX {
            self.give_up(pairs);
            self.is_uncertain = true;
        }
    }

    /// Everything that waits leaves without an answer. Bytes of answers that are given up.
    pub(super) fn give_up(&mut self, pairs: &mut Vec<Pair>) -> u64 {
        let mut dropped = self.orphan.take().and_then(|open| open.answer).map_or(0, |a| a.place.seen_bytes());
        for mut open in std::mem::take(&mut self.waiting) {
            dropped += open.answer.take().map_or(0, |answer| answer.place.seen_bytes());
            pairs.push(open.pair(false));
        }
        self.waiting_bytes = 0;
        dropped
    }

    /// The oldest command was answered.
    pub(super) fn answered(&mut self, pairs: &mut Vec<Pair>) {
        if let Some(open) = self.waiting.pop_front() {
            self.pipelines |= !self.waiting.is_empty();
            self.waiting_bytes = if self.waiting.is_empty() {
                0
            } else {
                self.waiting_bytes.saturating_sub(open.memory_bytes())
            };
            pairs.push(open.pair(true));
        }
    }

    /// Nothing more will be answered: what waits leaves with what it has.
    pub(super) fn finish(&mut self, pairs: &mut Vec<Pair>) {
        for open in std::mem::take(&mut self.waiting) {
            pairs.push(open.pair(false));
        }
        self.waiting_bytes = 0;
        if let Some(answer) = self.orphan.take().and_then(|open| open.answer) {
            pairs.push(unasked(answer));
        }
        if let Some((place, greeting)) = self.greeting.take() {
            // Nobody answered it.
            let response = super::message::Response {
                greeting: Some(Box::new(greeting)),
                complete: true,
                ..super::message::Response::default()
            };
            let message = place.message(Content::MysqlResponse(Box::new(response)));
            pairs.push(Pair {
                request_direction: Direction::ToServer,
                request: None,
                response: Some(message),
            });
        }
    }

    /// MySQL 8 sends attributes in front of a query: their number, and a 1.
    fn without_attributes<'a>(&self, command: Command, body: &'a [u8], request: &mut Request) -> &'a [u8] {
        let agreed = self.capabilities.is_some_and(|both| both & wire::QUERY_ATTRIBUTES != 0);
        let looks = self.capabilities.is_none() && body.starts_with(&[0, 1]);
        if command != Command::QUERY || !(agreed || looks) {
            return body;
        }
        let mut cursor = Cursor::new(body);
        let Some(count) = wire::length(&mut cursor).and_then(|count| usize::try_from(count).ok()) else {
            return body;
        };
        let Some(_sets) = wire::length(&mut cursor) else { return body };
        if count == 0 {
            return cursor.rest();
        }
        match value::attributes(cursor.rest(), count) {
            Some((attributes, after)) => {
                request.parameters = attributes;
                after
            }
            None => body,
        }
    }

    fn execute(
        &mut self,
        command: Command,
        body: &[u8],
        request: &mut Request,
        place: &mut Place,
    ) -> Vec<Column> {
        let mut cursor = Cursor::new(body);
        let Some(id) = cursor.u32_le() else { return Vec::new() };
        request.statement_id = Some(id);
        let Some(statement) = self.statements.get_mut(id) else { return Vec::new() };
        request.query = Some(statement.query.clone());
        place.truncated |= statement.truncated;
        if command == Command::STMT_EXECUTE && cursor.take(5).is_some() {
            request.parameters = statement.values(cursor.rest());
        }
        statement.reset();
        statement.columns.clone()
    }

    fn of_statement(
        &mut self,
        command: Command,
        body: &[u8],
        packet: &Unit,
        request: &mut Request,
    ) -> Vec<Column> {
        let mut cursor = Cursor::new(body);
        let Some(id) = cursor.u32_le() else { return Vec::new() };
        request.statement_id = Some(id);
        let Some(statement) = self.statements.get_mut(id) else { return Vec::new() };
        request.query = Some(statement.query.clone());
        let mut columns = Vec::new();
        match command {
            Command::STMT_FETCH => {
                request.number = cursor.u32_le();
                columns.clone_from(&statement.columns);
            }
            Command::STMT_RESET => statement.reset(),
            Command::STMT_SEND_LONG_DATA => {
                if let Some(parameter) = cursor.u16_le() {
                    let length_bytes = packet.length_bytes.saturating_sub(7);
                    request.long_data = Some((parameter, length_bytes));
                    statement.sent_before(parameter);
                }
            }
            _ => self.statements.forget(id),
        }
        columns
    }

    fn change_user(&mut self, body: &[u8], request: &mut Request) {
        let Some(opening) = wire::change_user(body, self.capabilities.unwrap_or(wire::PLUGIN_AUTH)) else {
            return;
        };
        self.user.clone_from(&opening.user);
        self.database.clone_from(&opening.database);
        request.user = opening.user;
        request.database = opening.database;
        request.login = Some(opening.login);
        request.secrets = vec![opening.proof];
        self.statements = Statements::default();
    }

    /// Takes a packet that goes on with what the oldest command is about: a proof, or a file.
    pub(super) fn continuation(&mut self, packet: &Unit, number: u8) -> bool {
        let body_bytes_max = self.body_bytes_max;
        let Some(open) = self.waiting.front_mut().filter(|open| open.number == number) else { return false };
        open.number = number.wrapping_add(1);
        open.place.extend(packet);
        match open.stage {
            Stage::Login => {
                let kept = packet.kept.get(..SECRET_BYTES_MAX).unwrap_or(&packet.kept);
                open.place.truncated |= kept.len() < packet.kept.len() || packet.is_cut();
                if open.request.secrets.len() < SECRETS_MAX {
                    open.request.secrets.push(kept.to_vec());
                }
            }
            Stage::File => {
                let sent = open.request.sent.get_or_insert_default();
                sent.packets = sent.packets.saturating_add(1);
                sent.length_bytes = sent.length_bytes.saturating_add(packet.length_bytes);
                let room = body_bytes_max.saturating_sub(sent.data.len());
                let kept = packet.kept.get(..room).unwrap_or(&packet.kept);
                sent.data.extend_from_slice(kept);
                open.place.truncated |= kept.len() < packet.kept.len() || packet.is_cut();
                if packet.length_bytes == 0 {
                    // An empty packet ends the file.
                    open.stage = Stage::First;
                }
            }
            _ => return false,
        }
        true
    }

    /// Takes the client's answer to the greeting; whether it asks for TLS.
    pub(super) fn login(&mut self, packet: &Unit, number: u8, pairs: &mut Vec<Pair>) -> Option<bool> {
        let opening = wire::opening(&packet.kept)?;
        let place = Place::of(packet);
        if opening.is_ssl_request {
            let mut request = Request::new(Command::SSL_REQUEST);
            request.login = Some(opening.login);
            let message = place.message(Content::MysqlRequest(Box::new(request)));
            pairs.push(Pair {
                request_direction: Direction::ToServer,
                request: Some(message),
                response: None,
            });
            return Some(true);
        }
        let server = self.greeting.as_ref().map(|(_, greeting)| greeting.capabilities);
        self.capabilities = server.map(|server| server & opening.login.capabilities);
        self.user.clone_from(&opening.user);
        self.database.clone_from(&opening.database);
        let mut request = self.request(Command::LOGIN);
        request.login = Some(opening.login);
        request.secrets = vec![opening.proof];
        let number = number.wrapping_add(1);
        self.push(
            Open { place, request, stage: Stage::Login, number, columns: Vec::new(), answer: None },
            pairs,
        );
        Some(false)
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub(super) fn memory_bytes(&self) -> usize {
        let ends = self.waiting.front().map_or(0, |open| open.memory_bytes());
        let orphan = self.orphan.as_ref().map_or(0, |open| open.memory_bytes());
        self.statements.memory_bytes() + self.waiting_bytes + ends + orphan
    }
}

/// An answer without its command.
pub(super) fn unasked(answer: Answer) -> Pair {
    // Without the command nobody knows what the answer is about.
    Pair { request_direction: Direction::ToServer, request: None, response: Some(answer.message(false)) }
}
