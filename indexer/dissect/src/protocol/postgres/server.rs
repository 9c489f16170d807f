//! What the server's messages mean.

use crate::protocol::cursor::Cursor;
use crate::protocol::postgres::client::{Conversation, set_types};
use crate::protocol::postgres::message::{Async, CopyEnd, Event};
use crate::protocol::postgres::open::{Answer, Open, Place, Step};
use crate::protocol::postgres::result::{Column, ResultEnd};
use crate::protocol::postgres::wire;
use crate::protocol::unit::Unit;
use crate::protocol::{Content, Direction, Pair};

/// Most bytes kept of the value that a function returned.
const FUNCTION_RESULT_BYTES_MAX: usize = 4096;

/// The server says what doesn't answer what was asked: something was missed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unexpected;

impl Conversation {
    /// Takes a message of the server.
    pub(super) fn server(&mut self, kind: u8, unit: &Unit, pairs: &mut Vec<Pair>) -> Result<(), Unexpected> {
        match kind {
            b'Z' => {
                let transaction = unit.kept.first().copied().map_or('?', char::from);
                self.order.ready(unit, transaction, pairs);
                return Ok(());
            }
            b'A' => {
                self.event(kind, unit, pairs);
                return Ok(());
            }
            b'N' | b'S' | b'E' if self.order.is_idle() => {
                self.event(kind, unit, pairs);
                return Ok(());
            }
            _ => {}
        }
        let body_bytes_max = self.body_bytes_max;
        let Some(open) = self.order.current(pairs) else {
            let answer = self.order.orphan(unit);
            answer.place.extend(unit);
            tell(answer, kind, unit, body_bytes_max);
            return Ok(());
        };
        let step = if open.is_whole() { None } else { Some(next_step(open, kind)?) };
        let answer = open.answer.get_or_insert_with(|| Answer::new(Place::empty(unit)));
        answer.place.extend(unit);
        if let Some(Some(Step::DescribeStatement(name, serial))) = &step {
            self.described(kind, name.clone(), *serial, unit);
        } else if kind == b'D' && !(open.columns.is_empty() && open.columns_of.is_none()) {
            self.columns_known_before();
        }
        let Some(open) = self.order.oldest() else { return Ok(()) };
        if kind == b'T' && matches!(step, Some(Some(Step::DescribeStatement(..)))) {
            let formats = open.formats.clone();
            let mut columns = wire::columns(&unit.kept);
            set_formats(&mut columns, &formats);
            if let Some(answer) = open.answer.as_mut() {
                answer.response.columns = columns;
            }
            return Ok(());
        }
        if let Some(answer) = open.answer.as_mut() {
            tell(answer, kind, unit, body_bytes_max);
        }
        if kind == b'S'
            && let Some((name, value)) = wire::setting(&unit.kept)
            && name == "application_name"
        {
            self.session.rename_application(&value);
        }
        Ok(())
    }

    /// The server told what a statement takes and gives: later executions of it are read by that.
    fn described(&mut self, kind: u8, name: String, serial: Option<u64>, unit: &Unit) {
        let mut type_ids = Vec::new();
        if let Some(statement) = self.session.statement_of(&name, serial) {
            match kind {
                b't' => {
                    type_ids = wire::type_ids(&mut Cursor::new(&unit.kept));
                    statement.type_ids.clone_from(&type_ids);
                }
                b'T' => statement.columns = wire::columns(&unit.kept),
                _ => {}
            }
        }
        if let Some(open) = self.order.oldest()
            && open.columns_of == serial.map(|serial| (name, serial))
        {
            set_types(&mut open.request.parameters, &type_ids);
        }
    }

    /// Rows come without their description: a Describe of the statement may have told it before.
    fn columns_known_before(&mut self) {
        let Some(open) = self.order.oldest() else { return };
        let mut columns = std::mem::take(&mut open.columns);
        if let Some((name, serial)) = open.columns_of.take()
            && let Some(statement) = self.session.statement_of(&name, Some(serial))
        {
            columns.clone_from(&statement.columns);
        }
        set_formats(&mut columns, &open.formats);
        if let Some(answer) = open.answer.as_mut() {
            answer.known_columns(&columns);
        }
    }

    /// What the server says unasked.
    fn event(&mut self, kind: u8, unit: &Unit, pairs: &mut Vec<Pair>) {
        let event =
            match kind {
                b'A' => wire::notification(&unit.kept)
                    .map(|(process, channel, payload)| Event::Notification { process, channel, payload }),
                b'S' => wire::setting(&unit.kept).map(|(name, value)| Event::ParameterStatus(name, value)),
                b'E' => Some(Event::Error(wire::report(&unit.kept))),
                _ => Some(Event::Notice(wire::report(&unit.kept))),
            };
        let Some(event) = event else { return };
        let (user, database) = self.session.identity();
        let mut place = Place::of(unit);
        place.cut(unit.is_cut());
        let content = Content::PostgresAsync(Box::new(Async { event, user, database }));
        let request = Some(place.message(content));
        pairs.push(Pair { request_direction: Direction::ToClient, request, response: None });
    }
}

/// The step that this message answers, if it answers one, taken off where it ends the step.
fn next_step(open: &mut Open, kind: u8) -> Result<Option<Step>, Unexpected> {
    if kind == b'E' {
        // Everything up to the next Sync is skipped.
        open.steps.clear();
        open.building = false;
        return Ok(None);
    }
    if matches!(kind, b'N' | b'S') {
        return Ok(None);
    }
    let step = open.steps.front().cloned().ok_or(Unexpected)?;
    let (fits, ends) = match step {
        Step::Parse => (kind == b'1', true),
        Step::Bind => (kind == b'2', true),
        Step::Close => (kind == b'3', true),
        Step::DescribeStatement(..) => (matches!(kind, b't' | b'T' | b'n'), kind != b't'),
        Step::DescribePortal => (matches!(kind, b'T' | b'n'), true),
        Step::Execute => (b"DCIsGHWdcT".contains(&kind), matches!(kind, b'C' | b'I' | b's')),
    };
    if !fits {
        return Err(Unexpected);
    }
    if ends {
        open.steps.pop_front();
    }
    Ok(Some(step))
}

/// Adds what a message says to an answer.
fn tell(answer: &mut Answer, kind: u8, unit: &Unit, body_bytes_max: usize) {
    let body = unit.kept.as_slice();
    answer.place.cut(unit.is_cut() && !matches!(kind, b'D' | b'd') && unit.gap_bytes == 0);
    match kind {
        b'T' => answer.columns(wire::columns(body)),
        b't' => answer.response.parameter_types = wire::type_ids(&mut Cursor::new(body)),
        b'D' => answer.row(unit, body_bytes_max),
        b'C' => answer.complete(wire::next_name(&mut Cursor::new(body)).unwrap_or_default()),
        b'I' => answer.end_result(ResultEnd::Empty),
        b's' => answer.end_result(ResultEnd::Suspended),
        b'H' | b'W' => answer.copy_end(CopyEnd::Open),
        b'd' => answer.copy_data(unit, body_bytes_max),
        b'c' => answer.copy_end(CopyEnd::Done),
        b'E' => {
            // The first error is the cause of those behind it.
            let report = wire::report(body);
            answer.end_result(ResultEnd::Open);
            answer.response.error.get_or_insert_with(|| Box::new(report));
        }
        b'N' => answer.add(|response| &mut response.notices, wire::report(body)),
        b'S' => {
            if let Some(setting) = wire::setting(body) {
                answer.add(|response| &mut response.parameters, setting);
            }
        }
        b'R' => {
            if let Some(authentication) = wire::authentication(body) {
                answer.add(|response| &mut response.authentication, authentication);
            }
        }
        b'K' => answer.response.process = Cursor::new(body).u32_be(),
        b'v' => answer.response.minor_version = Cursor::new(body).u32_be(),
        b'V' => {
            let value = wire::next_value(&mut Cursor::new(body)).flatten();
            let kept = value.map(|value| value.get(..FUNCTION_RESULT_BYTES_MAX).unwrap_or(value).to_vec());
            answer.response.function_result = Some(kept);
        }
        _ => {}
    }
}

fn set_formats(columns: &mut [Column], formats: &[super::message::Format]) {
    for (index, column) in columns.iter_mut().enumerate() {
        column.format = wire::format_at(formats, index);
    }
}
