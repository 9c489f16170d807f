//! Entries as they come, as events of a server (the HTML standard's `EventSource`).
//!
//! The past comes first, as fast as it is read. Then what happens, whether it is read or not: a reader that is too slow
//! misses entries, and is told how many. Each event has an id to go on behind.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use indexer::{Beginning, Budget, Cancel, Data, Followed, Position, QueryOptions};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use crate::dto;
use crate::dto::entry::{StreamEvent, summarise};
use crate::format::json;
use crate::http::app::App;
use crate::http::asked::{self, Asked};
use crate::http::feed::{Feed, Refused, feed};
use crate::http::metrics::Counted;
use crate::http::pool::{CancelOnDrop, MEMORY_BYTES_MAX};
use crate::http::position::{self, Base, Place};
use crate::http::problem::Problem;
use crate::instant;

/// Which entries.
#[derive(Deserialize, IntoParams, Debug)]
#[into_params(parameter_in = Query)]
pub struct Streamed {
    /// What to find, in KFL. Empty: everything.
    #[serde(default)]
    q: String,
    /// First instant inside; absent: the beginning of what is recorded. `now`: nothing but what comes.
    from: Option<String>,
    /// Go on behind an event of this stream (its id), or behind an entry of a page (its `coverage.next`). The header
    /// `Last-Event-ID`, which a browser sends when it connects again, goes before.
    cursor: Option<String>,
}

/// Entries as they come (server-sent events).
///
/// Events: `entry` (an entry without bodies), `skipped` (`{count}`: what a reader was too slow for; null where nobody knows
/// how many), `caughtUp` (`{time}`: the past was told, what follows happens now), `coverage` (what is covered has
/// changed), `problem` (why the stream ends). An event's id is where to go on behind it, without a hole and without a double.
#[utoipa::path(get, path = "/entries/stream", tag = "Entries",
    params(Streamed, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was received")),
    responses((status = 200, description = "Events", body = StreamEvent, content_type = "text/event-stream")))]
pub async fn stream(
    State(app): State<Arc<App>>,
    Asked(asked): Asked<Streamed>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let now = instant::now();
    let query = app.filter(&asked.q, now)?;
    let range = asked::range(["from", "to"], asked.from.as_deref(), None, now)?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let cursor = last.or(asked.cursor).filter(|cursor| !cursor.is_empty());
    let place = match &cursor {
        Some(cursor) => app.bases.place(cursor)?,
        None => Place::Known(Beginning::First),
    };
    let seat = app.streams.place().await?;
    let guard = CancelOnDrop(Cancel::default());
    let cancel = guard.0.clone();
    let (feed, body) = feed(guard);
    let budget = Budget { time_max: None, read_bytes_max: None, memory_bytes_max: MEMORY_BYTES_MAX, cancel };
    tokio::task::spawn_blocking(move || {
        let (_seat, _counted) = (seat, Counted::of(&app.metrics.streams));
        let mut telling = Telling { feed, app: &app, base: None, is_live: false, missed: 0 };
        let options = QueryOptions { range, budget, ..QueryOptions::default() };
        telling.run(&app.data, &query, options, place);
    });
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::new(body.kept_alive())).into_response())
}

/// Tells a reader what there is.
struct Telling<'a> {
    feed: Feed,
    app: &'a App,
    /// How far chains had come at the beginning, where there are many.
    base: Option<Option<Arc<Base>>>,
    /// Whether what is told happens now.
    is_live: bool,
    /// Entries that the reader was too slow for, and was not told of yet.
    missed: u64,
}

impl Telling<'_> {
    fn run(&mut self, data: &Data, query: &kfl::Query, mut options: QueryOptions, place: Place) {
        let beginning = match place {
            Place::Known(beginning) => beginning,
            Place::Forgotten => {
                // How many were missed nobody knows.
                let _ = self.feed.give(event("skipped", None, &json!({ "count": null })));
                options.range = asked::since(instant::now());
                Beginning::First
            }
        };
        let ended = data.follow_from(query, &options, beginning, &mut |told| match self.tell(told) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        let problem = match ended {
            Ok(coverage) if coverage.truncated => {
                let _ = self.feed.offer(event("coverage", None, &dto::coverage(&coverage)));
                Problem::request("the answer was cut; ask for less, or go on behind the last entry")
            }
            Ok(_) => return,
            Err(error) => Problem::from(error),
        };
        let _ = self.feed.offer(event("problem", None, &problem.document()));
    }

    fn tell(&mut self, told: Followed<'_>) -> Result<(), Refused> {
        match told {
            Followed::Entry(mut entry, position) => {
                self.app.config.policy.apply(&mut entry);
                summarise(&mut entry);
                let id = self.id(position);
                if !self.is_live {
                    return self.feed.give(event("entry", Some(&id), &entry));
                }
                self.tell_missed(&id)?;
                if self.missed > 0 || self.offer(event("entry", Some(&id), &entry))? == Taken::No {
                    self.missed += 1;
                    self.app.metrics.skipped.inc();
                }
                Ok(())
            }
            Followed::CaughtUp(position) => {
                self.is_live = true;
                let id = self.id(position);
                let time = instant::rfc3339(instant::now());
                self.feed.give(event("caughtUp", Some(&id), &json!({ "time": time })))
            }
            Followed::Looked(position) if self.missed > 0 => {
                let id = self.id(position);
                self.tell_missed(&id)
            }
            Followed::Looked(_) => Ok(()),
            Followed::Coverage(coverage) => {
                self.offer(event("coverage", None, &dto::coverage(coverage))).map(|_| ())
            }
        }
    }

    fn id(&mut self, position: &Position) -> String {
        let base = self.base.get_or_insert_with(|| self.app.bases.keep(position));
        position::text(position, base.as_deref())
    }

    /// Says how many entries were missed, once there is room to say it.
    fn tell_missed(&mut self, id: &str) -> Result<(), Refused> {
        if self.missed > 0 {
            let skipped = event("skipped", Some(id), &json!({ "count": self.missed }));
            if self.offer(skipped)? == Taken::Yes {
                self.missed = 0;
            }
        }
        Ok(())
    }

    fn offer(&self, event: Bytes) -> Result<Taken, Refused> {
        match self.feed.offer(event) {
            Ok(()) => Ok(Taken::Yes),
            Err(Refused::Full) => Ok(Taken::No),
            Err(Refused::Closed) => Err(Refused::Closed),
        }
    }
}

/// Whether there was room.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    Yes,
    No,
}

/// An event. JSON on one line has no line end in it.
fn event(name: &str, id: Option<&str>, data: &Value) -> Bytes {
    let mut text = Vec::new();
    if let Some(id) = id {
        text.extend_from_slice(format!("id: {id}\n").as_bytes());
    }
    text.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
    // Writing to memory can't fail.
    let _ = json::write_line(&mut text, data);
    text.push(b'\n');
    text.into()
}
