//! Entries: pages of them, and one in full.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use crate::dto;
use crate::dto::entry::{EntriesPage, Entry, summarise};
use crate::format::json;
use crate::http::answer::Answer;
use crate::http::app::App;
use crate::http::asked::{self, Asked};
use crate::http::pool::budget;
use crate::http::problem::Problem;
use crate::instant;
use indexer::QueryOptions;

use super::evidence::entry;

/// Entries of a page where nothing else is said.
const PAGE: u64 = 100;
/// Most entries of a page.
const PAGE_MAX: u64 = 1_000;
/// Most bytes of a page; a page that would be longer ends before, and says where the next one begins.
const PAGE_BYTES_MAX: usize = 16 << 20;

/// Which entries, and in which order.
#[derive(Deserialize, IntoParams, Debug)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// What to find, in KFL. Empty: everything.
    #[serde(default)]
    q: String,
    /// First instant inside: RFC 3339, Unix time (longer numbers are ms, µs, ns), `now`, or relative (`-15m`).
    from: Option<String>,
    /// First instant no longer inside.
    to: Option<String>,
    /// Most entries of the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u64>,
    /// Which come first.
    #[serde(default)]
    #[param(inline)]
    order: Order,
    /// Where the page before ended: its `coverage.next`.
    cursor: Option<String>,
}

/// Which entries come first.
#[derive(Deserialize, Clone, Copy, Default, Debug, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The earliest.
    Asc,
    /// The latest.
    #[default]
    Desc,
}

/// Entries that match a filter, a page of them.
///
/// Without bodies. `coverage.next` is the cursor of the page behind, and stays right whatever is recorded meanwhile.
#[utoipa::path(get, path = "/entries", tag = "Entries", params(Page), responses((status = 200, description = "A page", body = EntriesPage)))]
pub async fn list(State(app): State<Arc<App>>, Asked(asked): Asked<Page>) -> Result<Answer, Problem> {
    let now = instant::now();
    let query = app.filter(&asked.q, now)?;
    let range = asked::range(["from", "to"], asked.from.as_deref(), asked.to.as_deref(), now)?;
    let limit = asked::at_most("limit", asked.limit, PAGE, PAGE_MAX)?;
    let order = match asked.order {
        Order::Asc => indexer::Order::Ascending,
        Order::Desc => indexer::Order::Descending,
    };
    let after = asked.cursor.filter(|cursor| !cursor.is_empty());
    let after = after.as_deref().map(str::parse).transpose()?;
    let policy = app.config.policy.clone();
    let text = app.ask(move |data, cancel| {
        let options = QueryOptions { range, limit: Some(limit), order, after, budget: budget(cancel) };
        let mut text = b"{\"entries\":[".to_vec();
        let mut is_first = true;
        let coverage = data.query(&query, options, &mut |mut row: Value| {
            policy.apply(&mut row);
            summarise(&mut row);
            text.extend_from_slice(if is_first { b"\n" } else { b",\n" });
            is_first = false;
            // Writing to memory can't fail.
            let _ = json::write_compact(&mut text, &row);
            if text.len() < PAGE_BYTES_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        text.extend_from_slice(b"\n],\"coverage\":");
        json::write_compact(&mut text, &dto::coverage(&coverage))?;
        text.extend_from_slice(b"}\n");
        Ok(text)
    });
    Ok(Answer::text(text.await?))
}

/// One entry in full.
///
/// With bodies, which are dissected again from its packets.
#[utoipa::path(get, path = "/entries/{id}", tag = "Entries", params(("id" = String, Path, description = "Its id")),
    responses((status = 200, description = "The entry", body = Entry)))]
pub async fn one(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Answer, Problem> {
    let found = app.ask(move |data, _| entry(data, &id));
    let mut found = found.await?;
    app.config.policy.apply(&mut found);
    summarise(&mut found);
    Ok(Answer::of(&found))
}
