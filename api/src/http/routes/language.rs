//! Help with writing filters.

use std::sync::Arc;

use axum::extract::State;
use indexer::entry::{self, Field};
use indexer::{FieldCatalog, FieldPath};
use kfl::reference::{FUNCTIONS, MACROS, OPERATORS, WORDS};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::dto::words;
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::asked::Asked;
use crate::http::policy::Policy;
use crate::http::problem::Problem;
use crate::instant;

/// A filter.
#[derive(Deserialize, IntoParams, Debug)]
pub struct Text {
    /// The text, in KFL.
    #[serde(default)]
    q: String,
}

/// `GET /kfl/validate`.
pub async fn validate(Asked(Text { q }): Asked<Text>) -> Answer {
    Answer::of(&validated(&q))
}

fn validated(text: &str) -> Value {
    let query = match kfl::parse(text, instant::now().millis()) {
        Ok(query) => query,
        Err(error) => {
            return json!({ "ok": false, "error": {
                "message": error.message, "start": error.span.start, "end": error.span.end,
                "suggestion": error.hint,
            } });
        }
    };
    let warnings = query.unknown_fields(&FieldCatalog::without_values()).into_iter().map(|field| {
        let path = field.path.to_string();
        json!({
            "path": path,
            "start": field.span.start,
            "end": field.span.end,
            "suggestion": field.suggestion,
            "message": format!("no field is called `{path}`"),
        })
    });
    let needs_bodies = query.expression().reads_everything()
        || query.expression().paths().into_iter().any(entry::reads_bodies);
    json!({
        "ok": true,
        "canonical": query.expression().to_string(),
        "warnings": warnings.collect::<Vec<_>>(),
        "needsBodies": needs_bodies,
    })
}

/// `GET /kfl/format`.
pub async fn format(Asked(Text { q }): Asked<Text>) -> Result<Answer, Problem> {
    Ok(Answer::of(&json!({ "formatted": kfl::format(&q)? })))
}

/// A filter on its way.
#[derive(Deserialize, IntoParams, Debug)]
pub struct Begun {
    /// The text, as far as it is written.
    #[serde(default)]
    q: String,
    /// Byte of the text, in UTF-8, that the cursor stands before. Absent: the end.
    cursor: Option<u64>,
}

/// `GET /kfl/complete`.
pub async fn complete(State(app): State<Arc<App>>, Asked(asked): Asked<Begun>) -> Result<Answer, Problem> {
    let policy = app.config.policy.clone();
    let completed = app.ask(move |data, _| {
        let end = asked.q.len();
        let cursor = asked.cursor.and_then(|at| usize::try_from(at).ok()).unwrap_or(end).min(end);
        let completions = kfl::complete(&asked.q, cursor, &Shown { catalog: FieldCatalog::of(data), policy });
        let items = completions.items.iter().map(|item| {
            json!({
                "text": item.text, "kind": words::completion(item.kind), "documentation": item.documentation,
            })
        });
        Ok(json!({
            "items": items.collect::<Vec<_>>(),
            "start": completions.replaces.start,
            "end": completions.replaces.end,
        }))
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

/// `GET /fields`.
pub async fn fields() -> Answer {
    let field = |field: &Field, protocol: Option<&str>, bodies: &[&[&str]]| {
        json!({
            "path": field.path,
            "documentation": field.meaning,
            "kind": words::field(field),
            "indexed": !words::is_body(field, bodies),
            "protocol": protocol,
        })
    };
    let mut fields: Vec<Value> = entry::COMMON.iter().map(|common| field(common, None, &[])).collect();
    for protocol in entry::ALL {
        let of_protocol = protocol.fields.iter();
        fields.extend(of_protocol.map(|one| field(one, Some(protocol.macro_name), protocol.bodies)));
    }
    let named = |(name, meaning): &(&str, &str)| json!({ "name": name, "documentation": meaning });
    let functions = FUNCTIONS.iter().map(|function| {
        json!({ "name": function.name, "signature": function.signature, "documentation": function.meaning })
    });
    Answer::of(&json!({
        "fields": fields,
        "macros": MACROS.iter().map(named).collect::<Vec<_>>(),
        "functions": functions.collect::<Vec<_>>(),
        "operators": OPERATORS.iter().map(named).collect::<Vec<_>>(),
        "words": WORDS.iter().map(named).collect::<Vec<_>>(),
    }))
}
