//! Header lists: names and values in the order they came, as far as they could be known.
//!
//! Most of what HPACK sends are references into a table that grows with the connection. Who joins in the
//! middle lacks what was said before: such a name or value is [`Text::Unknown`], never a guess.

use serde::{Deserialize, Serialize};

/// A name or a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Text<'a> {
    /// As sent.
    Known(&'a [u8]),
    /// A reference to something that was said before anybody listened.
    Unknown,
}

impl<'a> Text<'a> {
    /// The bytes, if they are known.
    #[must_use]
    pub fn known(self) -> Option<&'a [u8]> {
        match self {
            Self::Known(bytes) => Some(bytes),
            Self::Unknown => None,
        }
    }

    /// Whether it is known to be `text`. Names are sent in lower case (RFC 9113 §8.2), and forgiven others.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        self.known().is_some_and(|bytes| bytes.eq_ignore_ascii_case(text.as_bytes()))
    }
}

impl std::fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(bytes) => write!(f, "{:?}", String::from_utf8_lossy(bytes)),
            Self::Unknown => f.write_str("?"),
        }
    }
}

/// One field line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// Its name; those of pseudo-headers begin with a colon.
    pub name: Text<'a>,
    /// Its value.
    pub value: Text<'a>,
}

impl Header<'_> {
    /// Whether it is known to be a pseudo-header (RFC 9113 §8.3).
    #[must_use]
    pub fn is_pseudo(&self) -> bool {
        self.name.known().is_some_and(|name| name.first() == Some(&b':'))
    }
}

/// Field lines in order, pseudo-headers among them as they were sent.
///
/// One buffer holds the text of all, so that a block costs two allocations, not forty.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HeaderList {
    text: Vec<u8>,
    fields: Vec<Field>,
    /// Whether a limit of ours left lines out.
    pub truncated: bool,
    /// Whether lines are missing because a gap or damage cut the block, or because it was never seen.
    pub cut: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Field {
    name: Span,
    value: Span,
}

/// A part of `text`; `None` is unknown.
type Span = Option<(u32, u32)>;

impl HeaderList {
    /// Most lines kept of one list; servers allow about 100.
    pub const FIELDS_MAX: usize = 1024;
    /// Most bytes of names and values kept of one list; servers allow 8 to 64 KiB.
    pub const TEXT_BYTES_MAX: usize = 256 * 1024;

    /// Of a block that was never seen.
    #[must_use]
    pub fn missing() -> Self {
        Self { cut: true, ..Self::default() }
    }

    /// Adds a line, if there is room for it.
    pub fn push(&mut self, header: Header<'_>) {
        let bytes = |text: Text<'_>| text.known().map_or(0, <[u8]>::len);
        let room = Self::TEXT_BYTES_MAX.saturating_sub(self.text.len());
        if self.fields.len() >= Self::FIELDS_MAX || bytes(header.name) + bytes(header.value) > room {
            self.truncated = true;
            return;
        }
        let field = Field { name: self.keep(header.name), value: self.keep(header.value) };
        self.fields.push(field);
    }

    /// Gives back memory that is held for more lines.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.fields.shrink_to_fit();
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = Header<'_>> {
        self.fields.iter().map(|field| Header { name: self.text(field.name), value: self.text(field.value) })
    }

    /// Every known value of the field `name`, in order.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |header| header.name.is(name)).filter_map(|header| header.value.known())
    }

    /// The first known value of the field `name`. That there is none doesn't mean that none was sent: see
    /// [`is_whole`](Self::is_whole).
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&[u8]> {
        self.iter().filter(|header| header.name.is(name)).find_map(|header| header.value.known())
    }

    /// Whether every line is here and known.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let known = |field: &Field| field.name.is_some() && field.value.is_some();
        !self.truncated && !self.cut && self.fields.iter().all(known)
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.text.capacity() + self.fields.capacity() * size_of::<Field>()
    }

    fn keep(&mut self, text: Text<'_>) -> Span {
        let start = u32::try_from(self.text.len()).ok()?;
        self.text.extend_from_slice(text.known()?);
        Some((start, u32::try_from(self.text.len()).ok()?))
    }

    fn text(&self, span: Span) -> Text<'_> {
        let index = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        let bytes = span.and_then(|(start, end)| self.text.get(index(start)..index(end)));
        bytes.map_or(Text::Unknown, Text::Known)
    }
}

impl std::fmt::Debug for HeaderList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter().map(|header| (header.name, header.value))).finish()?;
        f.write_str(if self.truncated { " truncated" } else { "" })?;
        f.write_str(if self.cut { " cut" } else { "" })
    }
}

impl<'a> FromIterator<(&'a [u8], &'a [u8])> for HeaderList {
    fn from_iter<I: IntoIterator<Item = (&'a [u8], &'a [u8])>>(lines: I) -> Self {
        let mut list = Self::default();
        for (name, value) in lines {
            list.push(Header { name: Text::Known(name), value: Text::Known(value) });
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_order_repeats_and_what_is_not_known() {
        let mut list: HeaderList =
            [(":status", "200"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("empty", "")]
                .into_iter()
                .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
                .collect();
        assert!(list.is_whole());
        list.push(Header { name: Text::Known(b"server"), value: Text::Unknown });
        list.push(Header { name: Text::Unknown, value: Text::Known(b"x") });
        assert_eq!(
            format!("{list:?}"),
            r#"{":status": "200", "set-cookie": "a=1", "set-cookie": "b=2", "empty": "", "server": ?, ?: "x"}"#
        );
        assert_eq!(list.values("Set-Cookie").count(), 2);
        assert_eq!((list.value("server"), list.value("empty")), (None, Some(b"".as_slice())));
        assert!(!list.is_whole());
    }

    #[test]
    fn lists_are_bounded() {
        let mut list = HeaderList::default();
        for _ in 0..=HeaderList::FIELDS_MAX {
            list.push(Header { name: Text::Unknown, value: Text::Known(&[b'x'; 1000]) });
        }
        assert!(list.truncated && list.memory_bytes() < 1024 * 1024);
    }
}
