//! What may be written at a place of a query, with a line on each.
//!
//! A query under way is seldom right, so nothing is parsed: the words before the cursor tell whether a field, a
//! value or an operator comes next, and which have been begun.

use std::ops::Range;

use serde_json::Value;

use crate::catalog::Catalog;
use crate::expression::Literal;
use crate::reference::{FUNCTIONS, MACROS, OPERATORS, WORDS};
use crate::scan::{TEXT_BYTES_MAX, token_length};

/// What may stand at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completions {
    /// The bytes of the text that a completion takes the place of.
    pub replaces: Range<usize>,
    /// The best first.
    pub items: Vec<Completion>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// What to write.
    pub text: String,
    /// What it is.
    pub kind: CompletionKind,
    /// What it means, in a line.
    pub documentation: String,
}

/// What a completion is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompletionKind {
    /// A field of the records.
    Field,
    /// A value that was seen in a field.
    Value,
    /// A word that stands for a protocol.
    Protocol,
    /// A function.
    Function,
    /// What stands between two operands.
    Operator,
    /// Another word of the language.
    Word,
}

/// So many are offered.
const ITEMS_MAX: usize = 50;

/// What may be written at byte `cursor` of `text`.
///
/// ```
/// let fields = [kfl::Field { path: "response.status", meaning: "status code" }];
/// let completions = kfl::complete("http and resp", 13, fields.as_slice());
/// assert_eq!(completions.replaces, 9..13);
/// assert_eq!(completions.items[0].text, "response.status");
/// assert_eq!(completions.items[0].documentation, "status code");
/// ```
#[must_use]
pub fn complete<C: Catalog + ?Sized>(text: &str, cursor: usize, catalog: &C) -> Completions {
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let before = text.get(..cursor).unwrap_or_default();
    let tokens = if before.len() > TEXT_BYTES_MAX { None } else { tokens(before) };
    let Some(tokens) = tokens else { return Completions { replaces: cursor..cursor, items: Vec::new() } };
    let begun = begun(&tokens, cursor);
    let (context, partial) = tokens.split_at_checked(begun).unwrap_or((&tokens, &[]));
    let start = partial.first().map_or(cursor, |token| token.at);
    let mut offer = Offer { partial: before.get(start..).unwrap_or_default(), items: Vec::new() };
    if wants_operand(context) {
        if let Some(path) = compared(context) {
            offer.values(&path, catalog);
        }
        if !offer.partial.starts_with(QUOTES) {
            offer.operands(catalog);
        }
    } else {
        for (sign, meaning) in OPERATORS {
            offer.add(sign, CompletionKind::Operator, meaning);
        }
    }
    offer.items.truncate(ITEMS_MAX);
    Completions { replaces: start..cursor, items: offer.items }
}

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// A word, a quoted text or a sign, and where it begins. A text that is not closed ends with the last token.
struct Token<'t> {
    at: usize,
    text: &'t str,
}

/// The tokens; `None` within a remark.
fn tokens(before: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut at = 0;
    while let Some(rest) = before.get(at..).filter(|rest| !rest.is_empty()) {
        let is_remark = rest.starts_with("//") || rest.starts_with("/*");
        let length = match token_length(rest) {
            Ok(length) if is_remark && rest.starts_with("//") && length == rest.len() => return None,
            Ok(length) => length,
            Err(_) if is_remark => return None,
            Err(_) => rest.len(),
        };
        let text = rest.get(..length).unwrap_or(rest);
        if !is_remark && !text.trim().is_empty() {
            tokens.push(Token { at, text });
        }
        at += text.len().max(1);
    }
    Some(tokens)
}

/// The number of the token with which the path or word begins that the cursor stands behind.
fn begun(tokens: &[Token<'_>], cursor: usize) -> usize {
    let mut begun = tokens.len();
    let mut end = cursor;
    for (number, token) in tokens.iter().enumerate().rev() {
        if token.at + token.text.len() != end || !is_path_part(tokens, number) {
            break;
        }
        begun = number;
        end = token.at;
        // A text is part of a path only in brackets.
        let in_brackets = number.checked_sub(1).and_then(|before| tokens.get(before));
        if token.text.starts_with(QUOTES) && in_brackets.is_none_or(|before| before.text != "[") {
            break;
        }
    }
    begun
}

fn is_path_part(tokens: &[Token<'_>], number: usize) -> bool {
    let text =
        |number: Option<usize>| number.and_then(|number| tokens.get(number)).map_or("", |token| token.text);
    let before = text(number.checked_sub(1));
    match text(Some(number)) {
        "." | "]" => true,
        // A list, unless a path goes on.
        "[" => is_word(before) && !is_operator_word(before) || matches!(before, "]" | ")"),
        "*" => matches!(before, "." | "["),
        word => is_word(word) || word.starts_with(QUOTES),
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphanumeric() || first == '_')
}

fn is_operator_word(text: &str) -> bool {
    ["and", "or", "not", "in"].iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether an operand comes after these tokens.
fn wants_operand(context: &[Token<'_>]) -> bool {
    let Some((last, before)) = context.split_last() else { return true };
    let follows_dot = before.last().is_some_and(|token| token.text == ".");
    if is_word(last.text) {
        return !follows_dot && !before.is_empty() && is_operator_word(last.text);
    }
    matches!(last.text, "=" | "!" | "<" | ">" | "&" | "|" | "(" | "[" | "," | ":" | "+" | "-" | "/" | "%")
}

/// The path that what comes next is compared with: `a.b` of `a.b == ` and of `a.b in ("x", `.
fn compared(context: &[Token<'_>]) -> Option<String> {
    let mut rest = context;
    let last = rest.last()?.text;
    if matches!(last, "(" | "[" | ",") {
        // Within a list: only values and commas, back to the word before it.
        let opened = rest.iter().rposition(|token| matches!(token.text, "(" | "["))?;
        rest = rest.get(..opened)?;
        if !rest.last()?.text.eq_ignore_ascii_case("in") {
            return None;
        }
    }
    let is_comparison = |token: &Token<'_>| {
        matches!(token.text, "=" | "!" | "<" | ">")
            || ["in", "not"].iter().any(|word| word.eq_ignore_ascii_case(token.text))
    };
    let path_end = rest.iter().rposition(|token| !is_comparison(token))? + 1;
    if path_end == rest.len() {
        return None;
    }
    let path = rest.get(..path_end)?;
    let end = path.last().map(|token| token.at + token.text.len())?;
    let begun = begun(path, end);
    let parts: String = path.get(begun..)?.iter().map(|token| token.text).collect();
    Some(plain(&parts)).filter(|path| !path.is_empty())
}

/// A path as catalogs write it: dots between names, `*` for what is in brackets without being a name.
fn plain(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    for part in path.split(['.', '[']) {
        let part = part.trim_end_matches(']').trim_matches(QUOTES);
        if part.is_empty() {
            continue;
        }
        if !plain.is_empty() {
            plain.push('.');
        }
        let is_index = part.bytes().all(|byte| byte.is_ascii_digit());
        plain.push_str(if is_index { "*" } else { part });
    }
    plain
}

/// Completions of what was begun.
struct Offer<'t> {
    partial: &'t str,
    items: Vec<Completion>,
}

impl Offer<'_> {
    /// Adds `text` if it is what was begun.
    fn add(&mut self, text: &str, kind: CompletionKind, documentation: &str) {
        let begins =
            text.get(..self.partial.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(self.partial));
        if begins {
            self.push(text.to_owned(), kind, documentation);
        }
    }

    fn push(&mut self, text: String, kind: CompletionKind, documentation: &str) {
        if !self.items.iter().any(|item| item.text == text) {
            self.items.push(Completion { text, kind, documentation: documentation.to_owned() });
        }
    }

    fn values<C: Catalog + ?Sized>(&mut self, path: &str, catalog: &C) {
        for value in catalog.values(path).into_iter().take(ITEMS_MAX) {
            let literal = match value {
                Value::Null => Literal::Nil,
                Value::Bool(value) => Literal::Bool(value),
                Value::Number(number) => Literal::Number(number),
                Value::String(text) => Literal::Text(text),
                Value::Array(_) | Value::Object(_) => continue,
            };
            self.add(&literal.to_string(), CompletionKind::Value, &format!("a value of {path}"));
        }
    }

    fn operands<C: Catalog + ?Sized>(&mut self, catalog: &C) {
        let fields = catalog.fields();
        for field in &fields {
            if self.items.len() < ITEMS_MAX {
                self.add(field.path, CompletionKind::Field, field.meaning);
            }
        }
        if let Some((subject, begun)) = self.partial.rsplit_once('.') {
            self.methods(subject, begun);
        } else {
            for (name, meaning) in MACROS {
                self.add(name, CompletionKind::Protocol, meaning);
            }
            for function in FUNCTIONS.iter().filter(|function| !function.is_method()) {
                self.add(function.signature, CompletionKind::Function, function.meaning);
            }
            for (word, meaning) in WORDS {
                self.add(word, CompletionKind::Word, meaning);
            }
        }
        // Then fields that have it somewhere else.
        let sought = self.partial.to_lowercase();
        for field in fields.iter().filter(|_| sought.len() > 1) {
            if self.items.len() < ITEMS_MAX && field.path.to_lowercase().contains(&sought) {
                self.push(field.path.to_owned(), CompletionKind::Field, field.meaning);
            }
        }
    }

    /// The functions behind a path.
    fn methods(&mut self, subject: &str, begun: &str) {
        for function in FUNCTIONS.iter().filter(|function| function.is_method()) {
            let begins =
                function.name.get(..begun.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(begun));
            if let Some(call) =
                function.signature.strip_prefix("path").filter(|_| begins && !subject.is_empty())
            {
                self.push(format!("{subject}{call}"), CompletionKind::Function, function.meaning);
            }
        }
    }
}
