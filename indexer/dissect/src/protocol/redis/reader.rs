//! Puts the values of one direction together, byte by byte as they come.
//!
//! A value may be nested and may be large, so the reader keeps where it is ([`Open`]) instead of starting
//! over with every packet. What is kept is capped; what isn't kept is counted to its end.

use serde::{Deserialize, Serialize};

use super::build::{HEAD_BYTES, HEAD_ITEMS, Hole, Open};
use super::frame::{self, Header, INLINE_BYTES_MAX, Malformed};
use super::message::{Blob, Data, Items, Kind, Value};
use super::snapshot::Snapshot;
use crate::protocol::Mark;
use crate::protocol::pending::Input;

/// What one side speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Grammar {
    /// Arrays of strings, or lines of text.
    Commands,
    /// Any value.
    Replies,
    /// The data set for a replica; then commands.
    Snapshot,
}

/// The state of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub struct Reader {
    body_bytes_max: usize,
    grammar: Grammar,
    open: Option<Open>,
    snapshot: Option<Snapshot>,
}

/// Something whole, and where its bytes were.
#[derive(Debug)]
pub struct Unit {
    /// What it is.
    pub thing: Thing,
    /// The packet of its first byte.
    pub first: Mark,
    /// The packet of its last byte.
    pub last: Mark,
    /// Its bytes in the stream.
    pub wire_bytes: u64,
    /// Of which were never seen.
    pub gap_bytes: u64,
    /// Whether the limit cut what is kept.
    pub truncated: bool,
    /// Whether its end was not seen.
    pub is_cut: bool,
    /// Bytes of memory that all of it takes, kept or not.
    pub whole_bytes: u64,
}

/// What a unit is.
#[derive(Debug)]
pub enum Thing {
    /// A value, and what was said about it.
    Value(Value, Option<Value>),
    /// The words of a line, and how many there were.
    Inline(Vec<Blob>, u64),
    /// A data set of so many bytes.
    Snapshot(u64),
    /// Bytes between values that mean nothing: empty lines, empty arrays.
    Nothing,
}

impl Reader {
    /// Nothing read yet.
    #[must_use]
    pub fn new(grammar: Grammar, body_bytes_max: usize) -> Self {
        Self { body_bytes_max, grammar, open: None, snapshot: None }
    }

    /// From the next value on so many bytes are kept.
    pub fn set_limit(&mut self, body_bytes_max: usize) {
        self.body_bytes_max = body_bytes_max;
    }

    /// What is spoken.
    #[must_use]
    pub fn grammar(&self) -> Grammar {
        self.grammar
    }

    /// From the next byte on something else is spoken.
    pub fn speak(&mut self, grammar: Grammar) {
        self.grammar = grammar;
    }

    /// Whether something has begun that is not over.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open.is_some() || self.snapshot.is_some()
    }

    /// The next whole thing in `input`; `None` asks for more.
    ///
    /// # Errors
    /// If the bytes are no RESP; what had begun is still open, for [`Reader::cut_off`].
    pub fn next(&mut self, input: &mut Input<'_>) -> Result<Option<Unit>, Malformed> {
        if self.grammar == Grammar::Snapshot && self.open.is_none() {
            return self.next_of_snapshot(input);
        }
        if self.open.is_none() {
            let Some(&first) = input.rest().first() else { return Ok(None) };
            if matches!(first, b'\r' | b'\n') {
                return Ok(Some(nothing(input, 1)));
            }
            if self.grammar == Grammar::Commands && first != b'*' {
                return self.inline(input);
            }
            self.open = Some(Open::new(input.next_mark(), self.body_bytes_max));
        }
        let Some(mut open) = self.open.take() else { return Ok(None) };
        let is_command = self.grammar == Grammar::Commands;
        while !input.rest().is_empty() {
            let before = input.at();
            let step = open.step(input, is_command);
            open.came(input.at().saturating_sub(before), input.last_mark());
            match step {
                Ok(Step::Done(value)) => return Ok(Some(self.done(open, value))),
                Ok(Step::On) if input.at() > before => {}
                Ok(Step::On) => break,
                Err(malformed) => {
                    self.open = Some(open);
                    return Err(malformed);
                }
            }
        }
        self.open = Some(open);
        Ok(None)
    }

    fn done(&self, open: Open, value: Value) -> Unit {
        let is_empty = self.grammar == Grammar::Commands && value.items().is_empty() && !open.truncated;
        let thing = if is_empty { Thing::Nothing } else { Thing::Value(value, open.attributes) };
        Unit {
            thing,
            first: open.first,
            last: open.last,
            wire_bytes: open.wire_bytes,
            gap_bytes: open.gap_bytes,
            truncated: open.truncated,
            is_cut: false,
            whole_bytes: open.whole_bytes,
        }
    }

    /// A command that is a line of text.
    fn inline(&self, input: &mut Input<'_>) -> Result<Option<Unit>, Malformed> {
        let Some((line, length)) = frame::inline_line(input.rest()) else {
            let is_long = input.rest().len() > INLINE_BYTES_MAX;
            let text = input.rest();
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            return if is_long || !frame::is_inline(text) { Err(Malformed) } else { Ok(None) };
        };
        if line.len() > INLINE_BYTES_MAX || !frame::is_inline(line) {
            return Err(Malformed);
        }
        // Open quotes are an error of the client's, which the server answers; the line stays whole.
        let words = frame::words(line).unwrap_or_else(|| vec![line.to_vec()]);
        let mut room = self.body_bytes_max;
        let mut kept: Vec<Blob> = Vec::new();
        let count = words.len();
        let mut whole_bytes: u64 = 0;
        for mut word in words {
            let length_bytes = super::count(word.len());
            let size = word.len().saturating_add(size_of::<Value>());
            whole_bytes = whole_bytes.saturating_add(super::count(size));
            let is_head = kept.len() < HEAD_ITEMS;
            if room == 0 && !is_head {
                continue;
            }
            word.truncate(if is_head { room.max(HEAD_BYTES) } else { room });
            room = room.saturating_sub(size);
            kept.push(Blob { bytes: word, length_bytes });
        }
        if count == 0 {
            return Ok(Some(nothing(input, length)));
        }
        let truncated = kept.len() < count || kept.iter().any(|word| !word.is_whole());
        let first = input.next_mark();
        input.advance(length);
        let thing = Thing::Inline(kept, super::count(count));
        Ok(Some(Unit {
            thing,
            first,
            last: input.last_mark(),
            wire_bytes: super::count(length),
            gap_bytes: 0,
            truncated,
            is_cut: false,
            whole_bytes,
        }))
    }

    /// The data set, or an answer in its place.
    fn next_of_snapshot(&mut self, input: &mut Input<'_>) -> Result<Option<Unit>, Malformed> {
        if self.snapshot.is_none() {
            match input.rest().first() {
                None => return Ok(None),
                // A master that still saves sends line ends, so that the replica waits.
                Some(b'\n' | b'\r') => return Ok(Some(nothing(input, 1))),
                Some(b'$') => match Snapshot::begin(input)? {
                    None => return Ok(None),
                    begun => self.snapshot = begun,
                },
                Some(_) => {
                    self.grammar = Grammar::Replies;
                    return self.next(input);
                }
            }
        }
        let Some(snapshot) = &mut self.snapshot else { return Ok(None) };
        let unit = snapshot.read(input);
        if unit.is_some() {
            self.snapshot = None;
            self.grammar = Grammar::Commands;
        }
        Ok(unit)
    }

    /// Bytes were never seen. `Some` if one knows what follows: they lay inside a string, or were the end of
    /// a value, which is told.
    pub fn gap(&mut self, length_bytes: u64) -> Option<Option<Unit>> {
        if let Some(snapshot) = &mut self.snapshot {
            return snapshot.gap(length_bytes).then_some(None);
        }
        match self.open.as_mut()?.gap(length_bytes) {
            Hole::Beyond => None,
            Hole::Inside => Some(None),
            Hole::AtEnd(value) => {
                let open = self.open.take()?;
                Some(Some(self.done(open, value)))
            }
        }
    }

    /// What is open gets no more bytes: it is told as far as it came, if it says anything, and otherwise how
    /// many bytes of it were seen.
    pub fn cut_off(&mut self) -> Result<Unit, u64> {
        if let Some(snapshot) = self.snapshot.take() {
            return Ok(snapshot.cut_off());
        }
        let Some(mut open) = self.open.take() else { return Err(0) };
        let Open { first, last, wire_bytes, gap_bytes, truncated, whole_bytes, .. } = open;
        let attributes = open.attributes.take();
        let says_something = |value: &Value| {
            let first = value.items().first().map(|value| &value.data);
            self.grammar != Grammar::Commands || matches!(first, Some(Data::Bytes(name)) if name.is_whole())
        };
        let thing = open
            .cut_off()
            .filter(says_something)
            .map(|value| Thing::Value(value, attributes))
            .ok_or(wire_bytes.saturating_sub(gap_bytes))?;
        Ok(Unit { thing, first, last, wire_bytes, gap_bytes, truncated, is_cut: true, whole_bytes })
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.open.as_ref().map_or(0, Open::memory_bytes)
    }
}

/// How far a step came.
#[derive(Debug)]
pub enum Step {
    /// The value is whole.
    Done(Value),
    /// It goes on; if nothing was consumed, with more bytes.
    On,
}

fn nothing(input: &mut Input<'_>, length: usize) -> Unit {
    let first = input.next_mark();
    let wire_bytes = super::count(input.advance(length).len());
    Unit {
        thing: Thing::Nothing,
        first,
        last: input.last_mark(),
        wire_bytes,
        gap_bytes: 0,
        truncated: false,
        is_cut: false,
        whole_bytes: 0,
    }
}

/// Whether `header` may stand in a command: an array of strings, nothing else.
pub fn is_of_command(header: Header, depth: usize) -> bool {
    match header {
        Header::Items(Kind::Array, _) | Header::Null(Kind::Array) => depth == 0,
        Header::Bytes(Kind::BulkString, _) => depth == 1,
        _ => false,
    }
}

/// An aggregate as a value.
pub fn aggregate(kind: Kind, items: Items) -> Value {
    Value { kind, data: Data::Items(items) }
}
