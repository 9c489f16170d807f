//! Whether it is well, for whoever watches over it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::recording::{disk, index_lag, is_recording};
use crate::dto::value;
use crate::http::answer::Answer;
use crate::http::app::{App, Duty};
use crate::http::problem::Problem;
use crate::instant;

/// How it is.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `ok`, or what is wrong.
    status: String,
}

/// Whether this process answers.
#[utoipa::path(get, path = "/healthz", tag = "Health", responses((status = 200, description = "It does", body = Health)))]
pub async fn alive() -> Answer {
    Answer::of(&value(&Health { status: "ok".to_owned() }))
}

/// Whether the recordings can be asked, and are recorded where this server's process should.
#[utoipa::path(get, path = "/readyz", tag = "Health", responses(
    (status = 200, description = "They can", body = Health), (status = 503, description = "They can't", body = Health)))]
pub async fn ready(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let of = Arc::clone(&app);
    let checked = app.ask(move |data, _| {
        data.segments()?;
        let is_silent = of.duty == Duty::Records && !is_recording(&of.recorder_status(), instant::now());
        Ok(if is_silent { "the recorder does not write" } else { "ok" })
    });
    let status = checked.await?;
    let code = if status == "ok" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((code, Answer::of(&value(&Health { status: status.to_owned() }))).into_response())
}

/// What is counted, for Prometheus (OpenMetrics).
#[utoipa::path(get, path = "/metrics", tag = "Health", responses(
    (status = 200, description = "Metrics", body = String, content_type = "application/openmetrics-text")))]
pub async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let of = Arc::clone(&app);
    let text = app.ask(move |data, _| {
        let (segments, _) = data.segments()?;
        let (stats, lag) = (data.stats()?, index_lag(&segments));
        Ok(of.metrics.text(&stats, lag.segments_waiting, disk(&of).free_bytes))
    });
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, kind)], text.await?).into_response())
}
