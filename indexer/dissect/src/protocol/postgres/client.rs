//! What the client's messages mean.

use serde::{Deserialize, Serialize};

use crate::protocol::cursor::Cursor;
use crate::protocol::postgres::frame;
use crate::protocol::postgres::message::{CopyEnd, Operation, Parameter, Request};
use crate::protocol::postgres::open::{Answer, Open, Place, Step};
use crate::protocol::postgres::order::Order;
use crate::protocol::postgres::session::{Portal, Session, Statement};
use crate::protocol::postgres::wire;
use crate::protocol::unit::Unit;
use crate::protocol::{Content, Direction, Pair};

/// Most messages of one extended query told apart; a client that never executes nor syncs is an attack.
const STEPS_MAX: usize = 256;
/// Most passwords and SASL messages kept of one login.
const SECRETS_MAX: usize = 8;
/// Most bytes kept of each.
const SECRET_BYTES_MAX: usize = 4096;

/// What both sides say to each other.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Conversation {
    pub(super) session: Session,
    pub(super) order: Order,
    pub(super) body_bytes_max: usize,
    /// After a hole: what comes belongs to an extended query whose beginning was not seen.
    pub(super) is_headless: bool,
}

/// What a session was opened with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Opened {
    /// A session: messages follow.
    Session,
    /// The server answers with one byte whether it encrypts.
    Encryption,
    /// Nothing follows.
    Cancel,
}

impl Conversation {
    /// Takes a message without a type: the first of a connection. `header_bytes` of it came before `unit`.
    pub(super) fn opening(&mut self, unit: &Unit, header_bytes: u64, pairs: &mut Vec<Pair>) -> Opened {
        let mut place = Place::with_header(unit, header_bytes);
        place.cut(unit.is_cut());
        let mut cursor = Cursor::new(&unit.kept);
        let (operation, opened) = match cursor.u32_be() {
            Some(frame::SSL_REQUEST) => (Operation::SslRequest, Opened::Encryption),
            Some(frame::GSS_ENC_REQUEST) => (Operation::GssEncRequest, Opened::Encryption),
            Some(frame::CANCEL_REQUEST) => (Operation::CancelRequest, Opened::Cancel),
            _ => (Operation::Startup, Opened::Session),
        };
        let mut request = Request::new(operation);
        match operation {
            Operation::CancelRequest => {
                request.cancel_process = cursor.u32_be();
                request
                    .secrets
                    .extend(cursor.take(cursor.rest().len().min(SECRET_BYTES_MAX)).map(<[u8]>::to_vec));
                pairs.push(alone(&place, request));
                return opened;
            }
            Operation::Startup => {
                if let Some(startup) = wire::startup(&unit.kept) {
                    self.session.begin(&startup);
                    request = self.session.request(operation);
                    request.startup = Some(startup);
                }
            }
            _ => {}
        }
        self.order.push(Open::new(place, request), pairs);
        opened
    }

    /// Takes a message of the client; `false` if it could not be used.
    pub(super) fn client(&mut self, kind: u8, unit: &Unit, pairs: &mut Vec<Pair>) -> bool {
        if self.is_headless {
            self.is_headless = !matches!(kind, b'Q' | b'F' | b'P' | b'S' | b'X');
            if kind == b'S' {
                self.order.push_sync(pairs);
            }
            if self.is_headless || kind == b'S' {
                return false;
            }
        }
        match kind {
            b'Q' => self.query(unit, pairs),
            b'F' => self.function_call(unit, pairs),
            b'P' => self.parse(unit, pairs),
            b'B' => self.bind(unit, pairs),
            b'D' | b'C' => self.describe_or_close(kind, unit, pairs),
            b'E' => self.execute(unit, pairs),
            b'H' => self.end_building(unit),
            b'S' => self.sync(unit, pairs),
            b'p' => self.secret(unit),
            b'd' | b'c' | b'f' => self.copy(kind, unit),
            b'X' => pairs.push(alone(&Place::of(unit), self.session.request(Operation::Terminate))),
            _ => {}
        }
        true
    }

    /// Takes the byte that says whether the server encrypts: what it was asked, if that was seen.
    pub(super) fn encryption(&mut self, byte: char, unit: &Unit, pairs: &mut Vec<Pair>) -> Option<Operation> {
        let open = self.order.oldest()?;
        let operation = open.request.operation;
        if !matches!(operation, Operation::SslRequest | Operation::GssEncRequest) {
            return None;
        }
        let mut answer = Answer::new(Place::with_header(unit, 1));
        answer.response.encryption = Some(byte);
        open.answer = Some(answer);
        self.order.answered(pairs);
        Some(operation)
    }

    /// Bytes of memory held, about.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.session.memory_bytes() + self.order.memory_bytes()
    }

    fn query(&mut self, unit: &Unit, pairs: &mut Vec<Pair>) {
        let mut place = Place::of(unit);
        let (query, is_cut) = wire::next_query(&mut Cursor::new(&unit.kept));
        place.cut(is_cut);
        let mut request = self.session.request(Operation::Query);
        request.query = Some(query);
        request.messages.push('Q');
        self.order.push(Open::new(place, request), pairs);
    }

    fn function_call(&mut self, unit: &Unit, pairs: &mut Vec<Pair>) {
        let mut place = Place::of(unit);
        place.cut(unit.is_cut());
        let mut cursor = Cursor::new(&unit.kept);
        let mut request = self.session.request(Operation::FunctionCall);
        request.function = cursor.u32_be();
        request.parameters = wire::bind(&mut cursor, &[]).0;
        request.messages.push('F');
        self.order.push(Open::new(place, request), pairs);
    }

    /// The extended query that `unit` belongs to, a new one if need be.
    fn building(&mut self, kind: char, unit: &Unit, pairs: &mut Vec<Pair>) -> Option<&mut Open> {
        if self.order.newest().is_some_and(|open| open.building) {
            let open = self.order.newest()?;
            open.place.extend(unit);
            if open.request.messages.len() < STEPS_MAX {
                open.request.messages.push(kind);
            }
        } else {
            let mut open = Open::new(Place::of(unit), self.session.request(Operation::Prepare));
            open.building = true;
            open.request.messages.push(kind);
            self.order.push(open, pairs);
        }
        self.order.newest()
    }

    fn step(&mut self, kind: char, step: Step, unit: &Unit, pairs: &mut Vec<Pair>) {
        let Some(open) = self.building(kind, unit, pairs) else { return };
        open.steps.push_back(step);
        if open.steps.len() > STEPS_MAX {
            self.order.give_up(pairs);
            self.order.client_gap();
        }
    }

    fn parse(&mut self, unit: &Unit, pairs: &mut Vec<Pair>) {
        let mut cursor = Cursor::new(&unit.kept);
        let name = wire::next_name(&mut cursor).unwrap_or_default();
        let (query, truncated) = wire::next_query(&mut cursor);
        let type_ids = wire::type_ids(&mut cursor);
        let statement = Statement { query: query.clone(), truncated, type_ids, ..Statement::default() };
        self.session.prepare(&name, statement);
        self.step('P', Step::Parse, unit, pairs);
        if let Some(open) = self.order.newest() {
            open.place.cut(truncated);
            open.request.query = Some(query);
            open.request.statement = Some(name);
        }
    }

    fn bind(&mut self, unit: &Unit, pairs: &mut Vec<Pair>) {
        let mut cursor = Cursor::new(&unit.kept);
        let name = wire::next_name(&mut cursor).unwrap_or_default();
        let statement = wire::next_name(&mut cursor).unwrap_or_default();
        let known = self.session.statement(&statement);
        let type_ids = known.map(|known| known.type_ids.clone()).unwrap_or_default();
        let serial = known.map(|known| known.serial);
        let query = known.map(|known| (known.query.clone(), known.truncated));
        let columns = known.map(|known| known.columns.clone()).unwrap_or_default();
        let (parameters, formats) = wire::bind(&mut cursor, &type_ids);
        let portal = Portal { statement, serial, query, columns, parameters, formats };
        self.session.bind(&name, portal.clone());
        self.step('B', Step::Bind, unit, pairs);
        if let Some(open) = self.order.newest() {
            open.place.cut(unit.is_cut());
            fill(open, &name, &portal);
        }
    }

    fn describe_or_close(&mut self, kind: u8, unit: &Unit, pairs: &mut Vec<Pair>) {
        let mut cursor = Cursor::new(&unit.kept);
        let of_statement = cursor.byte() == Some(b'S');
        let name = wire::next_name(&mut cursor).unwrap_or_default();
        let known = self.session.statement(&name).filter(|_| of_statement);
        let query = known.map(|known| known.query.clone());
        let serial = known.map(|known| known.serial);
        let step = match (kind, of_statement) {
            (b'C', true) => {
                self.session.close_statement(&name);
                Step::Close
            }
            (b'C', false) => {
                self.session.close_portal(&name);
                Step::Close
            }
            (_, true) => Step::DescribeStatement(name.clone(), serial),
            (_, false) => Step::DescribePortal,
        };
        self.step(char::from(kind), step, unit, pairs);
        if let Some(open) = self.order.newest() {
            let request = &mut open.request;
            request.query = request.query.take().or(query);
            let field = if of_statement { &mut request.statement } else { &mut request.portal };
            field.get_or_insert(name);
        }
    }

    fn execute(&mut self, unit: &Unit, pairs: &mut Vec<Pair>) {
        let mut cursor = Cursor::new(&unit.kept);
        let name = wire::next_name(&mut cursor).unwrap_or_default();
        let portal = self.session.portal(&name).cloned();
        self.step('E', Step::Execute, unit, pairs);
        let Some(open) = self.order.newest() else { return };
        open.request.operation = Operation::Execute;
        open.request.rows_max = cursor.u32_be().unwrap_or_default();
        open.building = false;
        match portal {
            // The Bind of this very message is told already.
            Some(_) if open.request.portal.as_ref() == Some(&name) && open.request.messages.contains('B') => {
            }
            Some(portal) => fill(open, &name, &portal),
            None => open.request.portal = Some(name),
        }
    }

    /// Flush: what was asked is answered without an Execute.
    fn end_building(&mut self, unit: &Unit) {
        if let Some(open) = self.order.newest() {
            open.building = false;
            open.place.extend(unit);
        }
    }

    fn sync(&mut self, unit: &Unit, pairs: &mut Vec<Pair>) {
        match self.order.newest().filter(|open| !open.is_whole()) {
            Some(open) => {
                open.building = false;
                open.place.extend(unit);
            }
            None => {
                let mut request = self.session.request(Operation::Sync);
                request.messages.push('S');
                // A Sync alone is answered like a query of nothing.
                return self.order.push(Open::new(Place::of(unit), request), pairs);
            }
        }
        self.order.push_sync(pairs);
    }

    /// A password, a hash of one, or a SASL message: all come with the same type.
    fn secret(&mut self, unit: &Unit) {
        let Some(open) = self.order.newest().filter(|open| open.request.operation == Operation::Startup)
        else {
            return;
        };
        open.place.extend(unit);
        let request = &mut open.request;
        request.messages.push('p');
        if request.secrets.len() >= SECRETS_MAX {
            open.place.cut(true);
            return;
        }
        // SASLInitialResponse: the mechanism, and the length of the rest; a password is one text.
        let mut cursor = Cursor::new(&unit.kept);
        let mechanism = cursor.until_zero().filter(|_| cursor.rest().len() >= 4);
        if request.mechanism.is_none() && request.secrets.is_empty() {
            request.mechanism = mechanism.map(wire::name);
        }
        let secret = unit.kept.get(..SECRET_BYTES_MAX).unwrap_or(&unit.kept);
        open.place.cut(secret.len() < unit.kept.len() || unit.is_cut());
        open.request.secrets.push(secret.to_vec());
    }

    fn copy(&mut self, kind: u8, unit: &Unit) {
        let body_bytes_max = self.body_bytes_max;
        let Some(open) = self.order.newest_request() else { return };
        open.place.extend(unit);
        let copy = open.request.copy.get_or_insert_default();
        match kind {
            b'd' => {
                copy.push(unit, body_bytes_max.saturating_sub(copy.data.len()));
                let truncated = copy.truncated;
                open.place.cut(truncated);
            }
            b'c' => copy.end = CopyEnd::Done,
            _ => {
                copy.end = CopyEnd::Failed(wire::next_name(&mut Cursor::new(&unit.kept)).unwrap_or_default())
            }
        }
    }
}

/// Tells a request what its portal says.
fn fill(open: &mut Open, name: &str, portal: &Portal) {
    let request = &mut open.request;
    if let Some((query, truncated)) = &portal.query {
        request.query = Some(query.clone());
        open.place.cut(*truncated);
    }
    request.statement = Some(portal.statement.clone());
    request.portal = Some(name.to_owned());
    request.parameters = portal.parameters.clone();
    open.columns_of = portal.serial.map(|serial| (portal.statement.clone(), serial));
    open.columns = portal.columns.clone();
    open.formats = portal.formats.clone();
}

/// A request that is never answered.
fn alone(place: &Place, request: Request) -> Pair {
    let request = Some(place.message(Content::PostgresRequest(Box::new(request))));
    Pair { request_direction: Direction::ToServer, request, response: None }
}

/// Gives values types that were told after the Bind.
pub(super) fn set_types(parameters: &mut [Parameter], type_ids: &[u32]) {
    for (parameter, type_id) in parameters.iter_mut().zip(type_ids) {
        parameter.type_id = *type_id;
    }
}
