//! Writes a query as it should be written: the same words, with the blanks where they help.
//!
//! Every token stays, remarks too; only blanks change, and the spelling of words that have several: `&&` is
//! `and`, `||` is `or`, capitals are small, `'x'` is `"x"`. So a formatted text means what it meant.

use std::collections::BTreeMap;

use pest::Parser;
use pest::iterators::Pairs;

use crate::error::SyntaxError;
use crate::explain;
use crate::grammar::{Grammar, Rule};
use crate::scan::{self, token_length};

/// Formats `text`. It needs to have the form of a query; whether it means anything, [`crate::parse`] tells.
///
/// # Errors
/// When it has not: what is wrong, and where.
///
/// ```
/// let formatted = kfl::format("http&&( response . status>=400||!tls )")?;
/// assert_eq!(formatted, "http and (response.status >= 400 or !tls)");
/// assert_eq!(kfl::format(&formatted)?, formatted);
/// # Ok::<(), kfl::SyntaxError>(())
/// ```
pub fn format(text: &str) -> Result<String, SyntaxError> {
    scan::check(text)?;
    let pairs = Grammar::parse(Rule::query, text).map_err(|error| explain::unexpected(text, &error))?;
    let tokens = tokens(text, &places(pairs));
    let mut written = String::with_capacity(text.len());
    let mut last: Option<&Token> = None;
    for token in &tokens {
        match last {
            Some(last) if last.text.starts_with("//") => written.push('\n'),
            Some(last) if needs_blank(last, token) => written.push(' '),
            _ => {}
        }
        written.push_str(&token.text);
        last = Some(token);
    }
    // A text that is almost too long may become so.
    if written.len() > scan::TEXT_BYTES_MAX { Ok(text.to_owned()) } else { Ok(written) }
}

/// A piece of the text, and whether blanks stand around it.
struct Token {
    text: String,
    before: bool,
    after: bool,
}

/// What the grammar says of a place.
#[derive(Clone, Copy)]
enum Place {
    /// Stands between two sides.
    Between(&'static str),
    /// The same, as it is written.
    BetweenAsWritten,
    /// `not`, which a blank follows.
    Not,
    /// A token whose characters belong together.
    Atom,
    /// A text in quotes.
    Text,
    /// `..` between the ends of a range.
    Dots,
    /// `name:`, without a blank before the colon.
    Tag,
}

fn tokens(text: &str, places: &Places) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some((end, place)) = places.get(&at) {
            let written = text.get(at..*end).unwrap_or_default();
            tokens.push(placed(written, *place));
            at = *end;
            continue;
        }
        let dots = rest.len() - rest.trim_start_matches('.').len();
        let length = token_length(rest).unwrap_or(1).max(dots).max(1);
        let written = rest.get(..length).unwrap_or(rest);
        at += written.len();
        if written.trim().is_empty() {
            continue;
        }
        let is_remark = written.starts_with("//") || written.starts_with("/*");
        tokens.push(Token {
            text: written.trim_end().to_owned(),
            before: is_remark,
            after: is_remark || written == ",",
        });
    }
    tokens
}

/// Where what begins, where it ends, and what it is.
type Places = BTreeMap<usize, (usize, Place)>;

fn places(pairs: Pairs<'_, Rule>) -> Places {
    let mut places = BTreeMap::new();
    for pair in pairs.flatten() {
        let place = match pair.as_rule() {
            Rule::or => Place::Between("or"),
            Rule::and => Place::Between("and"),
            Rule::eq => Place::Between("=="),
            Rule::ne | Rule::order_op | Rule::arithmetic_op => Place::BetweenAsWritten,
            Rule::in_op if pair.as_str().len() > "in".len() => Place::Between("not in"),
            Rule::in_op => Place::Between("in"),
            Rule::not if pair.as_str() == "!" => Place::Atom,
            Rule::not => Place::Not,
            Rule::range_op => Place::Dots,
            Rule::string => Place::Text,
            Rule::tag => Place::Tag,
            Rule::regex | Rule::number | Rule::quantity | Rule::address | Rule::constant => Place::Atom,
            _ => continue,
        };
        let span = pair.as_span();
        places.insert(span.start(), (span.end(), place));
    }
    places
}

fn placed(written: &str, place: Place) -> Token {
    let (text, before, after) = match place {
        Place::Between(text) => (text.to_owned(), true, true),
        Place::BetweenAsWritten => (written.to_owned(), true, true),
        Place::Not => ("not".to_owned(), false, true),
        Place::Atom | Place::Dots => (written.to_owned(), false, false),
        Place::Text => (with_double_quotes(written), false, false),
        Place::Tag => {
            let name = written.trim_end().trim_end_matches(':').trim_end();
            // A remark between a name and its colon stays where it is.
            (format!("{name}:"), false, true)
        }
    };
    Token { text, before, after }
}

/// `'x'` as `"x"`, where that needs no other change.
fn with_double_quotes(written: &str) -> String {
    let inner = written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    match inner.filter(|inner| !inner.contains(['"', '\\'])) {
        Some(inner) => format!("\"{inner}\""),
        None => written.to_owned(),
    }
}

fn needs_blank(last: &Token, next: &Token) -> bool {
    if last.after || next.before {
        return !last.text.ends_with(['(', '[']) || !is_closing(next);
    }
    // Two words would become one, and two signs another one.
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let (end, start) = (last.text.chars().next_back(), next.text.chars().next());
    let words = end.is_some_and(is_part) && start.is_some_and(is_part);
    let points = end == Some('.') && start == Some('.');
    words || points
}

fn is_closing(token: &Token) -> bool {
    token.text.starts_with([')', ']'])
}
