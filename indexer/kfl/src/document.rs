//! Reads the documents that a record holds as texts: JSON and XML, plain or in base64.
//!
//! A document is read when a query first looks into it, and once for each record: what was read stays until
//! the record has been answered for.

use std::cell::{Cell, OnceCell};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::path::Encoding;
use crate::xml;

/// A longer text is no document.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 16 << 20;
/// So many documents of one record are read; in further ones nothing is found.
const DOCUMENTS_MAX: usize = 1024;

/// A record under question, and what was read of the documents in it.
#[derive(Clone, Copy)]
pub(crate) struct Record<'r> {
    pub root: &'r Value,
    pub documents: &'r Documents,
}

/// Documents read so far. Each stays where it is, so that values can be borrowed from it while others are added.
#[derive(Default)]
pub(crate) struct Documents {
    /// By where their texts lie, so that none is looked for long. Made when the first is read.
    chains: OnceCell<Vec<Chain>>,
    count: Cell<usize>,
}

/// How many chains there are.
const CHAINS: usize = 64;

/// Documents one behind the other.
#[derive(Default)]
struct Chain {
    read: OnceCell<Document>,
    next: OnceCell<Box<Chain>>,
}

struct Document {
    /// Where the text begins, which tells texts of one record apart.
    text: *const u8,
    encoding: Encoding,
    value: Option<Value>,
}

impl Documents {
    /// The document that `text` writes.
    pub(crate) fn read<'d>(&'d self, text: &str, encoding: Encoding) -> Option<&'d Value> {
        let chains = self.chains.get_or_init(|| (0..CHAINS).map(|_| Chain::default()).collect());
        // Texts lie at multiples of some bytes.
        let mut place = chains.get((text.as_ptr().addr() >> 4) % CHAINS)?;
        loop {
            let document = match place.read.get() {
                Some(document) => document,
                None if self.count.get() >= DOCUMENTS_MAX => return None,
                None => {
                    self.count.set(self.count.get() + 1);
                    let value = decode(text, encoding).map(|(value, _)| value);
                    place.read.get_or_init(|| Document { text: text.as_ptr(), encoding, value })
                }
            };
            if document.text == text.as_ptr() && document.encoding == encoding {
                return document.value.as_ref();
            }
            place = place.next.get_or_init(Box::default);
        }
    }
}

impl Drop for Chain {
    /// One after another: as a chain within a chain they would need as much stack as there are documents.
    fn drop(&mut self) {
        let mut next = self.next.take();
        while let Some(mut place) = next {
            next = place.next.take();
        }
    }
}

/// How a document was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapping {
    Plain,
    Base64,
}

/// The document that `text` writes, plain or else in base64.
fn decode(text: &str, encoding: Encoding) -> Option<(Value, Wrapping)> {
    with_text(text, |text| match encoding {
        Encoding::Json => serde_json::from_str(text).ok(),
        Encoding::Xml => xml::read(text).map(|document| document.to_value()),
    })
}

/// What `read` makes of `text`, or else of what that is the base64 of.
fn with_text<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<(T, Wrapping)> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return None;
    }
    if let Some(read) = read(text) {
        return Some((read, Wrapping::Plain));
    }
    let decoded = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
    read(&decoded).map(|read| (read, Wrapping::Base64))
}

/// `text` after `change` of the document that it writes, if that changes anything.
pub(crate) fn changed(text: &str, encoding: Encoding, change: impl Fn(&mut Value)) -> Option<String> {
    let (written, wrapping) = with_text(text, |text| match encoding {
        Encoding::Json => {
            let value: Value = serde_json::from_str(text).ok()?;
            let mut changed = value.clone();
            change(&mut changed);
            Some((changed != value).then(|| changed.to_string()))
        }
        Encoding::Xml => {
            let document = xml::read(text)?;
            let mut value = document.to_value();
            change(&mut value);
            let mut contents = Vec::new();
            document.changed_contents(&value, &mut contents);
            Some((!contents.is_empty()).then(|| replaced(text, &contents)))
        }
    })?;
    let written = written?;
    Some(match wrapping {
        Wrapping::Plain => written,
        Wrapping::Base64 => STANDARD.encode(written),
    })
}

/// `text` with other content in some places, which are in its order.
fn replaced(text: &str, contents: &[(std::ops::Range<usize>, String)]) -> String {
    let mut written = String::with_capacity(text.len());
    let mut at = 0;
    for (place, content) in contents {
        written.push_str(text.get(at..place.start).unwrap_or_default());
        written.push_str(content);
        at = place.end;
    }
    written.push_str(text.get(at..).unwrap_or_default());
    written
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{DOCUMENTS_MAX, Documents, changed};
    use crate::path::Encoding;

    #[test]
    fn a_text_is_read_once() {
        let documents = Documents::default();
        let text = "{\"a\": 1}".to_owned();
        let first = documents.read(&text, Encoding::Json).unwrap();
        assert!(std::ptr::eq(first, documents.read(&text, Encoding::Json).unwrap()));
        assert_eq!(documents.read(&text, Encoding::Xml), None);
        assert_eq!(documents.read("eyJhIjoxfQ==", Encoding::Json), Some(&json!({"a": 1})));
        assert_eq!(documents.read("eyJhIjox", Encoding::Json), None);
    }

    #[test]
    fn so_many_are_read_and_no_more() {
        let documents = Documents::default();
        let texts: Vec<String> = (0..DOCUMENTS_MAX + 1).map(|number| number.to_string()).collect();
        let read = texts.iter().filter(|text| documents.read(text, Encoding::Json).is_some()).count();
        assert_eq!(read, DOCUMENTS_MAX);
    }

    #[test]
    fn changes_keep_the_wrapping() {
        let change = |value: &mut Value| value["a"] = "x".into();
        assert_eq!(changed("{\"a\":1}", Encoding::Json, change).as_deref(), Some("{\"a\":\"x\"}"));
        assert_eq!(changed("eyJhIjoxfQ==", Encoding::Json, change).as_deref(), Some("eyJhIjoieCJ9"));
        let xml = "<a k='1'> 1<b/></a>";
        assert_eq!(changed(xml, Encoding::Xml, change).as_deref(), Some("<a k='1'>x</a>"));
        assert_eq!(changed(xml, Encoding::Xml, |_| ()), None);
        assert_eq!(changed("no", Encoding::Json, |_| ()), None);
    }
}
