//! The words that JSON and tables have for what fields and completions are.

use indexer::entry::{Field, Kind};
use kfl::CompletionKind;

/// What a field holds.
pub const fn field(field: &Field) -> &'static str {
    match field.kind {
        Kind::Text => "text",
        Kind::Number => "number",
        Kind::Boolean => "boolean",
        Kind::Any => "any",
    }
}

/// Whether a field lies in what rows leave out.
pub fn is_body(field: &Field, bodies: &[&[&str]]) -> bool {
    bodies.iter().any(|body| {
        let parts: Vec<_> = field.path.split('.').collect();
        parts.len() >= body.len()
            && parts.iter().zip(*body).all(|(part, of_body)| part == of_body || *of_body == "*")
    })
}

/// What a completion is.
pub const fn completion(kind: CompletionKind) -> &'static str {
    match kind {
        CompletionKind::Field => "field",
        CompletionKind::Value => "value",
        CompletionKind::Protocol => "protocol",
        CompletionKind::Function => "function",
        CompletionKind::Operator => "operator",
        CompletionKind::Word => "word",
    }
}
