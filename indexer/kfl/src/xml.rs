//! Reads XML: elements and their text.
//!
//! What is read has the shape that queries ask of: an element with elements is an object of them by name, one
//! without is its text; several of a name are a list. Attributes, remarks and processing instructions are
//! passed over. So is what surrounds elements between them, as layout is.
//!
//! This is no judge of documents: what a browser would read is read, as far as it goes, but tags must be
//! closed in their order. No entity is defined by a document, so none can grow.

use std::ops::Range;

use serde_json::{Map, Value};

/// An element, and where its content lies in the text.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    children: Vec<Element>,
    text: String,
    content: Range<usize>,
}

/// How deep elements may nest: reading them back is recursive.
const DEPTH_MAX: usize = 100;
/// How many elements one document may have.
const ELEMENTS_MAX: usize = 100_000;

/// The document that `text` writes: an element without a name around its outermost one.
pub(crate) fn read(text: &str) -> Option<Element> {
    let mut open = vec![Element::default()];
    let mut elements = 0usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (before, markup) = match rest.find('<') {
            Some(start) => rest.split_at_checked(start)?,
            None => (rest, ""),
        };
        push_text(open.last_mut()?, before);
        at += before.len();
        if let Some(name) = markup.strip_prefix("</") {
            let end = name.find('>')?;
            let mut element = open.pop()?;
            if element.name != name.get(..end)?.trim_end() {
                return None;
            }
            element.content.end = at;
            open.last_mut()?.children.push(element);
            at += 2 + end + 1;
        } else if let Some(length) = passed_over(markup, open.last_mut()?)? {
            at += length;
        } else if !markup.is_empty() {
            elements += 1;
            if elements > ELEMENTS_MAX || open.len() > DEPTH_MAX {
                return None;
            }
            let length = tag_length(markup)?;
            let tag = markup.get(1..length - 1)?;
            let is_whole = tag.ends_with('/');
            let tag = tag.strip_suffix('/').unwrap_or(tag);
            let name = tag.split(|letter: char| letter.is_ascii_whitespace()).next()?;
            if !name.starts_with(|first: char| first.is_alphabetic() || first == '_') {
                return None;
            }
            at += length;
            let element = Element { name: name.to_owned(), content: at..at, ..Element::default() };
            if is_whole {
                open.last_mut()?.children.push(element);
            } else {
                open.push(element);
            }
        }
    }
    let document = open.pop()?;
    let is_alone = document.text.trim().is_empty() && document.children.len() == 1;
    (open.is_empty() && is_alone).then_some(document)
}

/// The length of a tag with its brackets; quoted values may hold `>`.
fn tag_length(markup: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in markup.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), closing) if open == closing => quote = None,
            _ => {}
        }
    }
    None
}

/// The length of what is no tag; `Some(None)` if `markup` begins with one. The text of a CDATA section is kept.
#[allow(clippy::option_option, reason = "not closed, a tag, or so long")]
fn passed_over(markup: &str, element: &mut Element) -> Option<Option<usize>> {
    let through = |start: usize, end: &str| {
        markup.get(start..).and_then(|rest| rest.find(end)).map(|length| start + length + end.len())
    };
    if markup.starts_with("<!--") {
        return through(4, "-->").map(Some);
    }
    if markup.starts_with("<![CDATA[") {
        let length = through(9, "]]>")?;
        element.text.push_str(markup.get(9..length - 3)?);
        return Some(Some(length));
    }
    if markup.starts_with("<?") {
        return through(2, "?>").map(Some);
    }
    if markup.starts_with("<!") {
        // A document type; one that defines entities has brackets.
        let end = through(2, ">")?;
        let has_brackets = markup.get(..end).is_some_and(|declared| declared.contains('['));
        return if has_brackets { through(2, "]>").map(Some) } else { Some(Some(end)) };
    }
    Some(None)
}

/// Adds text with its references replaced by what they stand for.
fn push_text(element: &mut Element, text: &str) {
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        element.text.push_str(before);
        let reference = after.split_once(';').and_then(|(name, after)| Some((referred(name)?, after)));
        match reference {
            Some((letter, after)) => {
                element.text.push(letter);
                rest = after;
            }
            None => {
                element.text.push('&');
                rest = after;
            }
        }
    }
    element.text.push_str(rest);
}

fn referred(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

impl Element {
    /// As a query sees it.
    pub(crate) fn to_value(&self) -> Value {
        if self.children.is_empty() {
            return Value::from(self.text.trim());
        }
        let mut fields = Map::new();
        for child in &self.children {
            let value = child.to_value();
            match fields.get_mut(&child.name) {
                None => drop(fields.insert(child.name.clone(), value)),
                Some(Value::Array(several)) => several.push(value),
                // An element's own value is never a list, so this is the first of several.
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Value::Object(fields)
    }

    /// Where in the text the content lies of what was changed from `self.to_value()` to `changed`: wherever
    /// that has a text and this has another one, or elements.
    pub(crate) fn changed_contents(&self, changed: &Value, found: &mut Vec<(Range<usize>, String)>) {
        let Value::Object(fields) = changed else {
            if let Some(text) =
                changed.as_str().filter(|text| !self.children.is_empty() || *text != self.text.trim())
            {
                found.push((self.content.clone(), text.to_owned()));
            }
            return;
        };
        let mut seen: Map<String, Value> = Map::new();
        for child in &self.children {
            let number = seen.entry(child.name.clone()).or_insert(Value::from(0u64));
            let index = number.as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(0);
            *number = Value::from(index + 1);
            match fields.get(&child.name) {
                Some(Value::Array(several)) => {
                    if let Some(value) = several.get(index) {
                        child.changed_contents(value, found);
                    }
                }
                Some(value) => child.changed_contents(value, found),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::read;

    #[test]
    fn elements_become_objects_lists_and_texts() {
        let text = "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x \"y\">]><a k='>'>\n <b>1 &lt; 2</b><b/>\
                    <c><d><![CDATA[<x>]]></d></c><!-- <e> --></a>";
        assert_eq!(read(text).unwrap().to_value(), json!({"a": {"b": ["1 < 2", ""], "c": {"d": "<x>"}}}));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        let deep = "<a>".repeat(1000) + &"</a>".repeat(1000);
        let wide = format!("<a>{}</a>", "<b/>".repeat(200_000));
        for text in [
            "", "hello", "<a>", "</a>", "<a></b>", "<a/><b/>", "<a", "<!--", "<1/>", "<>", "a < b",
            "<a b='>", "x<a/>", &deep, &wide,
        ] {
            assert!(read(text).is_none(), "{text:.20}");
        }
    }

    #[test]
    fn references_don_t_grow() {
        assert_eq!(
            read("<a>&lol;&#65;&#x1F600;&#xd800;&</a>").unwrap().to_value(),
            json!({"a": "&lol;A😀&#xd800;&"})
        );
    }
}
