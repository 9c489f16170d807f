//! Finds names of fields that no record has: a typing error should not look like "no traffic".

use std::ops::Range;

use crate::catalog::{Catalog, Field};
use crate::error::SyntaxError;
use crate::functions;
use crate::path::{Path, Step};
use crate::query::Query;
use crate::reference::MACROS;

/// So many names are reported; who mistyped more will ask again.
const REPORTED_MAX: usize = 16;

/// A field that the caller's catalog doesn't know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// As it is written.
    pub path: Path,
    /// Its bytes of the text.
    pub span: Range<usize>,
    /// The nearest one that the catalog knows.
    pub suggestion: Option<String>,
}

impl UnknownField {
    /// The same as a message with the place in `text` marked.
    #[must_use]
    pub fn mark(&self, text: &str) -> SyntaxError {
        let error = SyntaxError::new(text, self.span.clone(), format!("no field is called `{}`", self.path));
        match &self.suggestion {
            Some(near) => error.with_hint(format!("did you mean `{near}`?")),
            None => error,
        }
    }
}

impl Query {
    /// The fields of the text that `catalog` doesn't know, each with its place and the nearest one that it
    /// does. The query is right all the same: a record may have more than its catalog tells.
    ///
    /// ```
    /// let fields = [kfl::Field { path: "response.status", meaning: "status code" }];
    /// let query = kfl::parse("response.statsu >= 400", 0)?;
    /// let unknown = query.unknown_fields(fields.as_slice());
    /// assert_eq!(unknown[0].path.to_string(), "response.statsu");
    /// assert_eq!(unknown[0].suggestion.as_deref(), Some("response.status"));
    /// # Ok::<(), kfl::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn unknown_fields<C: Catalog + ?Sized>(&self, catalog: &C) -> Vec<UnknownField> {
        let fields = catalog.fields();
        self.fields()
            .filter(|(path, _)| !fields.iter().any(|field| is_described(&path.0, field)))
            .take(REPORTED_MAX)
            .map(|(path, span)| UnknownField {
                path: path.clone(),
                span,
                suggestion: nearest(path, &fields).map(str::to_owned),
            })
            .collect()
    }
}

/// Whether a field has this path, or lies below it, or has keys of any name where it leads further.
fn is_described(steps: &[Step], field: &Field<'_>) -> bool {
    let mut parts = field.path.split('.').peekable();
    for step in steps {
        match step {
            // What a document says is in no catalog.
            Step::Decoded(_) => return true,
            // Wherever it is, something must be called so.
            Step::Recursive(name) => return field.path.split('.').any(|part| part == name || part == "*"),
            Step::Key(_) | Step::Index(_) | Step::Every => {}
        }
        let Some(part) = parts.next() else { return false };
        let fits = match step {
            Step::Key(key) => part == key || part == "*",
            Step::Index(_) => part == "*",
            _ => true,
        };
        if !fits {
            // A list stands for its elements, but a name must be right.
            return false;
        }
        if part == "*" && parts.peek().is_none() {
            return true;
        }
    }
    true
}

fn nearest<'f>(path: &Path, fields: &[Field<'f>]) -> Option<&'f str> {
    let spelled = path.to_string();
    // A word alone may be meant for a protocol.
    let words = MACROS.iter().map(|(word, _)| *word).filter(|_| path.0.len() == 1);
    let near = functions::nearest(&spelled, fields.iter().map(|field| field.path).chain(words));
    near.or_else(|| {
        let Some(Step::Key(last)) = path.0.last() else { return None };
        // The right name in a wrong place.
        let place = fields.iter().find(|field| field.path.rsplit('.').next() == Some(last.as_str()));
        place.map(|field| field.path)
    })
}

#[cfg(test)]
mod tests {
    use crate::catalog::Field;

    #[test]
    fn names_are_compared_with_the_catalog() {
        let fields: Vec<Field<'_>> =
            ["request.headers.*", "response.status", "request.lines.*.count", "src.ip"]
                .into_iter()
                .map(|path| Field { path, meaning: "" })
                .collect();
        let unknown = |text: &str| {
            let query = crate::parse(text, 0).unwrap();
            let unknown = query.unknown_fields(fields.as_slice());
            unknown
                .into_iter()
                .map(|field| field.mark(text))
                .map(|error| error.hint.unwrap_or(error.message))
                .collect::<Vec<_>>()
                .join("; ")
        };
        assert_eq!(
            unknown("request.headers[\"x-y\"] == 1 and request.lines[3].count > 1 and request == nil"),
            ""
        );
        assert_eq!(
            unknown("request.lines.*.count == 1 and ..count == 1 and request.headers.a.json().b == 1"),
            ""
        );
        assert_eq!(unknown("request.status == 1"), "did you mean `response.status`?");
        assert_eq!(unknown("postgres"), "did you mean `postgresql`?");
        assert_eq!(unknown("source.ip == 1"), "did you mean `src.ip`?");
        assert_eq!(unknown("nowhere.at.all == 1"), "no field is called `nowhere.at.all`");
        // A header may be called anything.
        assert_eq!(unknown("..nowhere == 1 or src.ip.x == 1"), "did you mean `src.ip`?");
    }
}
