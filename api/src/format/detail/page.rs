//! What details are written on: headings, named values, trees, tables and bodies, all harmless to a terminal.

use std::fmt::Write;

use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::format::body::{self, Body};
use crate::terminal::escape;
use crate::terminal::paint::{Paint, Style};

/// Most bytes of a binary body that are shown.
const HEXDUMP_BYTES_MAX: usize = 4 << 10;
/// Most characters of a text that are shown; `--json` has the whole.
const TEXT_CHARACTERS_MAX: usize = 64 << 10;
/// Most lines of trees and rows of tables on a page; `--json` has all of them.
const LINES_MAX: usize = 2000;
/// Widest that a column of a table grows.
const COLUMN_WIDTH_MAX: usize = 60;
/// What is said where one of the limits cut.
const CUT: &str = "… (cut; --json has all of it)";

/// A text under way.
pub struct Page {
    text: String,
    paint: Paint,
    /// Lines that trees and tables may still take.
    lines_left: usize,
}

impl Page {
    /// An empty page.
    pub const fn new(paint: Paint) -> Self {
        Self { text: String::new(), paint, lines_left: LINES_MAX }
    }

    /// What was written.
    pub fn into_text(self) -> String {
        self.text
    }

    /// An empty line.
    pub fn gap(&mut self) {
        self.text.push('\n');
    }

    /// One line of what the wire said.
    pub fn line(&mut self, text: &str) {
        self.styled(Style::Normal, text);
    }

    /// One line in a colour.
    pub fn styled(&mut self, style: Style, text: &str) {
        let _ = writeln!(self.text, "{}", self.paint.of(style, escape::line(text)));
    }

    /// A heading with an empty line above.
    pub fn heading(&mut self, text: &str) {
        self.gap();
        self.styled(Style::Heading, text);
    }

    /// A line of the page's head: the name to the right of its column, so that the values begin below each other.
    pub fn field(&mut self, name: &str, value: &str) {
        let name = self.paint.of(Style::Faint, format!("{:>10}", escape::line(name)));
        let _ = writeln!(self.text, "{name}  {}", escape::line(value));
    }

    /// `  name: value`.
    pub fn named(&mut self, name: &str, value: &str) {
        let name = self.paint.of(Style::Faint, escape::line(name));
        let _ = writeln!(self.text, "  {name}: {}", escape::line(value));
    }

    /// Text of several lines, up to a limit; lines may end as in MIME.
    pub fn block(&mut self, text: &str) {
        let text = text.replace("\r\n", "\n");
        let (shown, is_cut) = match text.char_indices().nth(TEXT_CHARACTERS_MAX) {
            None => (text.trim_end_matches('\n'), false),
            Some((cut, _)) => (text.get(..cut).unwrap_or_default(), true),
        };
        let _ = writeln!(self.text, "{}", escape::block(shown));
        if is_cut {
            self.styled(Style::Notice, CUT);
        }
    }

    /// A value as indented JSON.
    pub fn json(&mut self, value: &Value) {
        self.block(&serde_json::to_string_pretty(value).unwrap_or_default());
    }

    /// The body in `content`, an object with `text` and perhaps `encoding`: JSON indented, other text as it is,
    /// anything else as a hex dump. `false` where there is none.
    pub fn body(&mut self, content: &Value) -> bool {
        let body = body::of(content);
        match &body {
            None => {}
            Some(Body::Bytes(bytes)) => self.text.push_str(&body::hexdump(bytes, HEXDUMP_BYTES_MAX)),
            Some(Body::Text(text)) => match serde_json::from_str::<Value>(text) {
                Ok(json @ (Value::Object(_) | Value::Array(_))) => self.json(&json),
                _ => self.block(text),
            },
        }
        if content["truncated"] == true {
            self.styled(Style::Notice, "(the body was longer than the limit)");
        }
        body.is_some()
    }

    /// A value below its name, what is nested in it indented; what is empty is left out.
    pub fn tree(&mut self, name: &str, value: &Value) {
        self.branch(1, name, value);
    }

    fn branch(&mut self, depth: usize, name: &str, value: &Value) {
        let nested: Vec<(String, &Value)> = match value {
            Value::Object(object) => object.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(list) if !list.iter().any(|item| item.is_object() || item.is_array()) => {
                let items: Vec<String> = list.iter().map(plain).collect();
                return self.leaf(depth, name, &items.join(", "));
            }
            Value::Array(list) => list.iter().map(|value| ("-".to_owned(), value)).collect(),
            scalar => return self.leaf(depth, name, &plain(scalar)),
        };
        if !nested.iter().all(|(_, value)| is_empty(value)) && self.leaf_line(depth, name) {
            for (name, value) in nested.iter().filter(|(_, value)| !is_empty(value)) {
                self.branch(depth + 1, name, value);
            }
        }
    }

    fn leaf(&mut self, depth: usize, name: &str, value: &str) {
        if self.may_take_line() {
            let name = self.paint.of(Style::Faint, escape::line(name));
            let _ = writeln!(self.text, "{:1$}{name}: {2}", "", depth * 2, escape::line(value));
        }
    }

    fn leaf_line(&mut self, depth: usize, name: &str) -> bool {
        let may = self.may_take_line();
        if may {
            let name = self.paint.of(Style::Faint, escape::line(name));
            let _ = writeln!(self.text, "{:1$}{name}:", "", depth * 2);
        }
        may
    }

    /// Takes one of the lines that are left; says so once there is none.
    fn may_take_line(&mut self) -> bool {
        let may = self.lines_left > 1;
        if self.lines_left == 1 {
            self.styled(Style::Notice, CUT);
        }
        self.lines_left = self.lines_left.saturating_sub(1);
        may
    }

    /// Rows below their titles, as database clients print them.
    pub fn table(&mut self, titles: &[String], rows: &[Vec<String>]) {
        let cell = |text: &String| shortened(&escape::line(text));
        let titles: Vec<String> = titles.iter().map(cell).collect();
        let shown: Vec<Vec<String>> =
            rows.iter().take(self.lines_left).map(|row| row.iter().map(cell).collect()).collect();
        let widths: Vec<usize> = (0..titles.len())
            .map(|at| {
                let cells = shown.iter().filter_map(|row| row.get(at));
                cells.chain(titles.get(at)).map(|text| text.width()).max().unwrap_or_default()
            })
            .collect();
        let joined = |row: &[String]| {
            let cells = row.iter().zip(&widths);
            let padded: Vec<String> = cells
                .map(|(text, width)| text.clone() + &" ".repeat(width.saturating_sub(text.width())))
                .collect();
            format!(" {}", padded.join(" | ")).trim_end().to_owned()
        };
        self.styled(Style::Faint, &joined(&titles));
        let rules: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
        self.styled(Style::Faint, &rules.join("+"));
        for row in &shown {
            self.line(&joined(row));
        }
        self.lines_left -= shown.len();
        if shown.len() < rows.len() {
            self.styled(Style::Notice, CUT);
        }
    }
}

/// A scalar as it is, anything else as JSON.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Whether there is nothing in it to show.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

fn shortened(text: &str) -> String {
    if text.width() <= COLUMN_WIDTH_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(COLUMN_WIDTH_MAX - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tree_shows_what_is_nested_and_leaves_out_what_is_empty() {
        let mut page = Page::new(Paint::Plain);
        let value =
            json!({ "topics": [{ "name": "orders", "ids": [1, 2] }, { "name": "\u{1b}[2J" }], "none": {} });
        page.tree("payload", &value);
        let expected = "  payload:\n    topics:\n      -:\n        ids: 1, 2\n        name: orders\n      -:\n        name: \\x1b[2J\n";
        assert_eq!(page.into_text(), expected);
    }

    #[test]
    fn a_table_keeps_its_columns() {
        let mut page = Page::new(Paint::Plain);
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        page.table(&row(["id", "name"]), &[row(["1", "a\tb"]), row(["22", "日本"])]);
        assert_eq!(page.into_text(), " id | name\n----+------\n 1  | a\\tb\n 22 | 日本\n");
    }

    #[test]
    fn long_pages_are_cut_and_say_so() {
        let mut page = Page::new(Paint::Plain);
        page.tree("list", &json!((0..5000).map(|n| json!({ "n": n })).collect::<Vec<_>>()));
        page.table(&["n".to_owned()], &[vec!["1".to_owned()]]);
        page.block(&"x".repeat(TEXT_CHARACTERS_MAX + 1));
        let text = page.into_text();
        assert_eq!(text.matches(CUT).count(), 3);
        assert!(text.lines().count() < LINES_MAX + 10);
    }
}
