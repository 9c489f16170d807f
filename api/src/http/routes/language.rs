//! Help with writing filters.

use std::sync::Arc;

use axum::extract::State;
use indexer::entry;
use indexer::{FieldCatalog, FieldPath};
use kfl::reference::{FUNCTIONS, MACROS, OPERATORS, WORDS};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::dto::help::{
    Completion, Completions, Field, Formatted, Function, KflError, KflWarning, RightKfl, Validation,
    Vocabulary, Word, WrongKfl,
};
use crate::dto::{value, words};
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::asked::Asked;
use crate::http::policy::Policy;
use crate::http::problem::Problem;
use crate::instant;

/// A filter.
#[derive(Deserialize, IntoParams, Debug)]
#[into_params(parameter_in = Query)]
pub struct Text {
    /// The text, in KFL.
    #[serde(default)]
    q: String,
}

/// Whether a text is KFL, and where it is not.
#[utoipa::path(get, path = "/kfl/validate", tag = "Filters", params(Text), responses((status = 200, description = "Right or wrong", body = Validation)))]
pub async fn validate(Asked(Text { q }): Asked<Text>) -> Answer {
    Answer::of(&value(&validated(&q)))
}

fn validated(text: &str) -> Validation {
    let query = match kfl::parse(text, instant::now().millis()) {
        Ok(query) => query,
        Err(error) => {
            let kfl::SyntaxError { message, hint, span, .. } = error;
            let error = KflError { message, start: span.start, end: span.end, suggestion: hint };
            return Validation::Wrong(WrongKfl { ok: false, error });
        }
    };
    let warnings = query.unknown_fields(&FieldCatalog::without_values()).into_iter().map(|field| {
        let path = field.path.to_string();
        KflWarning {
            message: format!("no field is called `{path}`"),
            path,
            start: field.span.start,
            end: field.span.end,
            suggestion: field.suggestion,
        }
    });
    let needs_bodies = query.expression().reads_everything()
        || query.expression().paths().into_iter().any(entry::reads_bodies);
    Validation::Right(RightKfl {
        ok: true,
        canonical: query.expression().to_string(),
        warnings: warnings.collect(),
        needs_bodies,
    })
}

/// A text as it should be written.
#[utoipa::path(get, path = "/kfl/format", tag = "Filters", params(Text), responses((status = 200, description = "The text", body = Formatted)))]
pub async fn format(Asked(Text { q }): Asked<Text>) -> Result<Answer, Problem> {
    Ok(Answer::of(&value(&Formatted { formatted: kfl::format(&q)? })))
}

/// A filter on its way.
#[derive(Deserialize, IntoParams, Debug)]
#[into_params(parameter_in = Query)]
pub struct Begun {
    /// The text, as far as it is written.
    #[serde(default)]
    q: String,
    /// Byte of the text, in UTF-8, that the cursor stands before. Absent: the end.
    #[param(minimum = 0, maximum = 65536)]
    cursor: Option<u64>,
}

/// What may come next in a text.
///
/// Behind a comparison, the most frequent values of the field in the latest parts of the recording.
#[utoipa::path(get, path = "/kfl/complete", tag = "Filters", params(Begun), responses((status = 200, description = "Completions", body = Completions)))]
pub async fn complete(State(app): State<Arc<App>>, Asked(asked): Asked<Begun>) -> Result<Answer, Problem> {
    let most = u64::try_from(kfl::TEXT_BYTES_MAX).unwrap_or(u64::MAX);
    if let Some(cursor) = asked.cursor.filter(|cursor| *cursor > most) {
        return Err(Problem::request(format!("cursor: no text has {cursor} bytes, the longest {most}")));
    }
    let policy = app.config.policy.clone();
    let completed = app.ask(move |data, _| {
        let end = asked.q.len();
        let cursor = asked.cursor.and_then(|at| usize::try_from(at).ok()).unwrap_or(end).min(end);
        let catalog = Shown { catalog: FieldCatalog::of(data), policy };
        let completions = kfl::complete(&asked.q, cursor, &catalog);
        let items = completions.items.into_iter().map(|item| Completion {
            text: item.text,
            kind: words::completion(item.kind),
            documentation: item.documentation,
        });
        let (start, end) = (completions.replaces.start, completions.replaces.end);
        Ok(value(&Completions { items: items.collect(), start, end }))
    });
    Ok(Answer::of(&completed.await?))
}

/// What may be completed: no values of what is not shown.
struct Shown<'d> {
    catalog: FieldCatalog<'d>,
    policy: Policy,
}

impl kfl::Catalog for Shown<'_> {
    fn fields(&self) -> Vec<kfl::Field<'_>> {
        self.catalog.fields()
    }

    fn values(&self, path: &str) -> Vec<Value> {
        let is_shown = self.policy.is_empty()
            || FieldPath::new(path).is_ok_and(|path| !self.policy.may_be_seen(path.path()));
        if is_shown { self.catalog.values(path) } else { Vec::new() }
    }
}

/// Everything that a filter may be made of.
#[utoipa::path(get, path = "/fields", tag = "Filters", responses((status = 200, description = "Fields, words, functions", body = Vocabulary)))]
pub async fn fields() -> Answer {
    let field = |field: &entry::Field, protocol: Option<&'static str>, bodies: &[&[&str]]| Field {
        path: field.path,
        documentation: field.meaning,
        kind: words::field(field),
        indexed: !words::is_body(field, bodies),
        protocol,
    };
    let mut fields: Vec<Field> = entry::COMMON.iter().map(|common| field(common, None, &[])).collect();
    for protocol in entry::ALL {
        let of_protocol = protocol.fields.iter();
        fields.extend(of_protocol.map(|one| field(one, Some(protocol.macro_name), protocol.bodies)));
    }
    let word = |(name, documentation): &(&'static str, &'static str)| Word { name, documentation };
    let function = |function: &kfl::reference::FunctionDoc| Function {
        name: function.name,
        signature: function.signature,
        documentation: function.meaning,
    };
    Answer::of(&value(&Vocabulary {
        fields,
        macros: MACROS.iter().map(word).collect(),
        functions: FUNCTIONS.iter().map(function).collect(),
        operators: OPERATORS.iter().map(word).collect(),
        words: WORDS.iter().map(word).collect(),
    }))
}
