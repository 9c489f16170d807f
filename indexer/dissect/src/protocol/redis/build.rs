//! A value that has begun: the aggregates around the next byte, and the string it lies in.

use serde::{Deserialize, Serialize};

use super::frame::{self, Header, Malformed};
use super::message::{Blob, Data, Items, Kind, Value};
use super::reader::{Step, aggregate, is_of_command};
use crate::protocol::Mark;
use crate::protocol::pending::Input;

/// Deepest nesting that is read; Redis' own deepest reply (`COMMAND DOCS`) has nine levels.
pub const DEPTH_MAX: usize = 32;

/// Values of a message that are kept, and bytes of each of them, whatever the limit: a list of commands shows
/// their names and keys, and keeps nothing else of them.
pub const HEAD_ITEMS: usize = 16;
/// See [`HEAD_ITEMS`].
pub const HEAD_BYTES: usize = 512;

/// Bytes of `\r\n`.
const LINE_END_BYTES: u64 = 2;

/// Where bytes are missing.
#[derive(Debug)]
pub enum Hole {
    /// In a string: what follows is known.
    Inside,
    /// They are the end of the value, exactly.
    AtEnd(Value),
    /// Somewhere else: what follows is not known.
    Beyond,
}

/// A value under way.
#[derive(Debug, Serialize, Deserialize)]
pub struct Open {
    pub(super) first: Mark,
    pub(super) last: Mark,
    pub(super) wire_bytes: u64,
    pub(super) gap_bytes: u64,
    pub(super) truncated: bool,
    pub(super) attributes: Option<Value>,
    /// Bytes of memory that all of it takes, kept or not.
    pub(super) whole_bytes: u64,
    /// Bytes of memory that may still be kept.
    room: usize,
    kept_bytes: usize,
    levels: Vec<Level>,
    leaf: Option<Leaf>,
}

/// An aggregate that is not whole.
#[derive(Debug, Serialize, Deserialize)]
struct Level {
    kind: Kind,
    /// Values still to come; `None` until a `.`.
    left: Option<u64>,
    items: Items,
}

/// A string that is not whole.
#[derive(Debug, Serialize, Deserialize)]
enum Leaf {
    /// Ends with its line.
    Line { kind: Kind, blob: Blob, ends_in_cr: bool },
    /// So many bytes to come, then a line end.
    Bytes { kind: Kind, blob: Blob, left: u64, has_hole: bool },
    /// A string in parts; the next part begins.
    Parts { blob: Blob },
    /// So many bytes of one part to come, then a line end.
    Part { blob: Blob, left: u64 },
}

impl Open {
    pub(super) fn new(first: Mark, room: usize) -> Self {
        Self {
            first,
            last: first,
            wire_bytes: 0,
            gap_bytes: 0,
            truncated: false,
            attributes: None,
            whole_bytes: 0,
            room,
            kept_bytes: 0,
            levels: Vec::new(),
            leaf: None,
        }
    }

    /// Some of its bytes were consumed.
    pub(super) fn came(&mut self, bytes: u64, last: Mark) {
        if bytes > 0 {
            self.last = last;
        }
        self.count(bytes);
    }

    fn count(&mut self, bytes: u64) {
        self.wire_bytes = self.wire_bytes.saturating_add(bytes);
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.kept_bytes + self.levels.capacity() * size_of::<Level>()
    }

    /// Bytes were never seen.
    pub(super) fn gap(&mut self, length_bytes: u64) -> Hole {
        let Some(Leaf::Bytes { kind, blob, left, has_hole }) = &mut self.leaf else { return Hole::Beyond };
        if length_bytes == 0 {
            return Hole::Beyond;
        }
        let is_last = self.levels.iter().all(|level| level.left == Some(1));
        let is_end = is_last && length_bytes == left.saturating_add(LINE_END_BYTES);
        if length_bytes > *left && !is_end {
            return Hole::Beyond;
        }
        blob.length_bytes = blob.length_bytes.saturating_add(length_bytes.min(*left));
        *left = left.saturating_sub(length_bytes);
        *has_hole = true;
        let end = is_end.then(|| (*kind, std::mem::take(blob)));
        self.gap_bytes = self.gap_bytes.saturating_add(length_bytes);
        self.count(length_bytes);
        let Some((kind, blob)) = end else { return Hole::Inside };
        self.leaf = None;
        match self.put(Value { kind, data: Data::Bytes(blob) }) {
            Step::Done(value) => Hole::AtEnd(value),
            Step::On => Hole::Inside,
        }
    }

    /// What came of it, if no more does; of an aggregate that says its length, the length is kept.
    pub(super) fn cut_off(mut self) -> Option<Value> {
        let part = match self.leaf.take() {
            Some(Leaf::Bytes { kind, mut blob, left, .. }) => {
                blob.length_bytes = blob.length_bytes.saturating_add(left);
                Some(Value { kind, data: Data::Bytes(blob) })
            }
            Some(Leaf::Line { kind, blob, .. }) => Some(Value { kind, data: Data::Bytes(blob) }),
            Some(Leaf::Parts { blob } | Leaf::Part { blob, .. }) => {
                Some(Value { kind: Kind::BulkString, data: Data::Bytes(blob) })
            }
            None => None,
        };
        self.levels.into_iter().rev().fold(part, |part, Level { kind, left, mut items }| {
            items.count = items.count.saturating_add(left.unwrap_or(0));
            items.values.extend(part);
            Some(aggregate(kind, items))
        })
    }

    /// Consumes the next part of the value.
    pub(super) fn step(&mut self, input: &mut Input<'_>, is_command: bool) -> Result<Step, Malformed> {
        match self.leaf.take() {
            None => self.header(input, is_command),
            Some(Leaf::Line { kind, blob, ends_in_cr }) => self.line(input, kind, blob, ends_in_cr),
            Some(Leaf::Bytes { kind, blob, left, has_hole }) => self.bytes(input, kind, blob, left, has_hole),
            Some(Leaf::Parts { blob }) => self.parts(input, blob),
            Some(Leaf::Part { blob, left }) => self.part(input, blob, left),
        }
    }

    fn header(&mut self, input: &mut Input<'_>, is_command: bool) -> Result<Step, Malformed> {
        let Some((header, length)) = frame::header(input.rest())? else { return Ok(Step::On) };
        if is_command && !is_of_command(header, self.levels.len()) {
            return Err(Malformed);
        }
        let text = input.advance(length);
        match header {
            Header::Line(kind) => {
                self.leaf = Some(Leaf::Line { kind, blob: Blob::default(), ends_in_cr: false });
            }
            Header::Bytes(kind, left) => {
                self.leaf = Some(Leaf::Bytes { kind, blob: Blob::default(), left, has_hole: false });
            }
            Header::Parts => self.leaf = Some(Leaf::Parts { blob: Blob::default() }),
            Header::Items(kind, 0) => return Ok(self.put(aggregate(kind, Items::default()))),
            Header::Items(kind, count) => self.deeper(kind, Some(count))?,
            Header::ItemsUntilEnd(kind) => self.deeper(kind, None)?,
            Header::End => return self.end(),
            Header::Integer(number) => {
                return Ok(self.put(Value { kind: Kind::Integer, data: Data::Integer(number) }));
            }
            Header::Null(kind) => return Ok(self.put(Value { kind, data: Data::Null })),
            Header::Boolean(is) => {
                return Ok(self.put(Value { kind: Kind::Boolean, data: Data::Boolean(is) }));
            }
            Header::Double => {
                let blob = Blob::whole(text.get(1..).unwrap_or_default().trim_ascii_end());
                return Ok(self.put(Value { kind: Kind::Double, data: Data::Bytes(blob) }));
            }
        }
        Ok(Step::On)
    }

    fn deeper(&mut self, kind: Kind, left: Option<u64>) -> Result<(), Malformed> {
        if self.levels.len() >= DEPTH_MAX {
            return Err(Malformed);
        }
        self.levels.push(Level { kind, left, items: Items::default() });
        Ok(())
    }

    fn end(&mut self) -> Result<Step, Malformed> {
        match self.levels.pop() {
            Some(Level { kind, left: None, items }) => Ok(self.put(aggregate(kind, items))),
            _ => Err(Malformed),
        }
    }

    /// A value is whole: it goes into the aggregate around it, which may be whole then, too.
    fn put(&mut self, mut value: Value) -> Step {
        loop {
            let depth = self.levels.len();
            let Some(level) = self.levels.last_mut() else {
                if value.kind == Kind::Attribute {
                    self.attributes = Some(value);
                    return Step::On;
                }
                return Step::Done(value);
            };
            let is_about_next = value.kind == Kind::Attribute;
            if !is_about_next {
                level.items.count = level.items.count.saturating_add(1);
                level.left = level.left.map(|left| left.saturating_sub(1));
            }
            let size = size_of::<Value>();
            self.whole_bytes = self.whole_bytes.saturating_add(super::count(size));
            let is_head = depth == 1 && level.items.values.len() < HEAD_ITEMS;
            if self.room >= size || is_head {
                self.room = self.room.saturating_sub(size);
                self.kept_bytes = self.kept_bytes.saturating_add(size);
                level.items.values.push(value);
            } else {
                self.truncated = true;
            }
            if level.left != Some(0) {
                return Step::On;
            }
            let Some(Level { kind, items, .. }) = self.levels.pop() else { return Step::On };
            value = aggregate(kind, items);
        }
    }

    /// A string that ends with its line.
    fn line(
        &mut self,
        input: &mut Input<'_>,
        kind: Kind,
        mut blob: Blob,
        ends_in_cr: bool,
    ) -> Result<Step, Malformed> {
        let end = memchr::memchr(b'\n', input.rest());
        let text = input.advance(end.map_or(usize::MAX, |end| end.saturating_add(1)));
        let Some(text) = text.strip_suffix(b"\n") else {
            let ends_in_cr = text.ends_with(b"\r");
            self.keep(&mut blob, text);
            self.leaf = Some(Leaf::Line { kind, blob, ends_in_cr });
            return Ok(Step::On);
        };
        if !(text.ends_with(b"\r") || text.is_empty() && ends_in_cr) {
            return Err(Malformed);
        }
        self.keep(&mut blob, text);
        if blob.is_whole() {
            blob.bytes.pop();
        }
        blob.length_bytes = blob.length_bytes.saturating_sub(1);
        Ok(self.put(Value { kind, data: Data::Bytes(blob) }))
    }

    /// A string of a known length.
    fn bytes(
        &mut self,
        input: &mut Input<'_>,
        kind: Kind,
        mut blob: Blob,
        left: u64,
        has_hole: bool,
    ) -> Result<Step, Malformed> {
        if left == 0 {
            match line_end(input)? {
                true => return Ok(self.put(Value { kind, data: Data::Bytes(blob) })),
                false => self.leaf = Some(Leaf::Bytes { kind, blob, left, has_hole }),
            }
            return Ok(Step::On);
        }
        let taken = input.advance(usize::try_from(left).unwrap_or(usize::MAX));
        // Behind a hole nothing is kept: it would stand in the wrong place.
        if has_hole {
            blob.length_bytes = blob.length_bytes.saturating_add(super::count(taken.len()));
        } else {
            self.keep(&mut blob, taken);
        }
        let left = left.saturating_sub(super::count(taken.len()));
        self.leaf = Some(Leaf::Bytes { kind, blob, left, has_hole });
        Ok(Step::On)
    }

    /// A string in parts, where a part begins.
    fn parts(&mut self, input: &mut Input<'_>, blob: Blob) -> Result<Step, Malformed> {
        match frame::part(input.rest())? {
            None => self.leaf = Some(Leaf::Parts { blob }),
            Some((0, length)) => {
                input.advance(length);
                return Ok(self.put(Value { kind: Kind::BulkString, data: Data::Bytes(blob) }));
            }
            Some((left, length)) => {
                input.advance(length);
                self.leaf = Some(Leaf::Part { blob, left });
            }
        }
        Ok(Step::On)
    }

    fn part(&mut self, input: &mut Input<'_>, mut blob: Blob, left: u64) -> Result<Step, Malformed> {
        if left == 0 {
            self.leaf = Some(if line_end(input)? { Leaf::Parts { blob } } else { Leaf::Part { blob, left } });
            return Ok(Step::On);
        }
        let taken = input.advance(usize::try_from(left).unwrap_or(usize::MAX));
        self.keep(&mut blob, taken);
        self.leaf = Some(Leaf::Part { blob, left: left.saturating_sub(super::count(taken.len())) });
        Ok(Step::On)
    }

    /// Keeps as many bytes as there is room for.
    fn keep(&mut self, blob: &mut Blob, bytes: &[u8]) {
        let is_head = match self.levels.as_slice() {
            [] => true,
            [level] => level.items.values.len() < HEAD_ITEMS,
            _ => false,
        };
        let head = if is_head { HEAD_BYTES.saturating_sub(blob.bytes.len()) } else { 0 };
        let kept = bytes.get(..self.room.max(head)).unwrap_or(bytes);
        self.whole_bytes = self.whole_bytes.saturating_add(super::count(bytes.len()));
        // Once a byte was left out, what comes later would stand in its place.
        if blob.is_whole() {
            blob.bytes.extend_from_slice(kept);
            self.room = self.room.saturating_sub(kept.len());
            self.kept_bytes = self.kept_bytes.saturating_add(kept.len());
            self.truncated |= kept.len() < bytes.len();
        } else {
            self.truncated |= !bytes.is_empty();
        }
        blob.length_bytes = blob.length_bytes.saturating_add(super::count(bytes.len()));
    }
}

/// Consumes a line end, if it is there.
fn line_end(input: &mut Input<'_>) -> Result<bool, Malformed> {
    match input.rest() {
        [b'\r', b'\n', ..] => {
            input.advance(2);
            Ok(true)
        }
        [] | [b'\r'] => Ok(false),
        _ => Err(Malformed),
    }
}
