//! What can be asked, by path.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{Extensions, HeaderMap, StatusCode, Uri, Version};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::app::App;
use super::dashboard;
use super::guard::guard;
use super::problem::{Kind, Problem};

mod entries;
mod evidence;
mod export;
mod health;
mod language;
mod recording;
mod session;
mod stream;
mod totals;

/// Everything that is answered.
pub fn router(app: Arc<App>) -> Router {
    let api = Router::new()
        .route("/entries", get(entries::list))
        .route("/entries/stream", get(stream::stream))
        .route("/entries/{id}", get(entries::one))
        .route("/entries/{id}/packets", get(evidence::packets))
        .route("/entries/{id}/stream", get(evidence::conversation))
        .route("/export", get(export::export))
        .route("/histogram", get(totals::histogram))
        .route("/top", get(totals::top))
        .route("/map", get(totals::map))
        .route("/endpoints", get(totals::endpoints))
        .route("/diff", get(totals::diff))
        .route("/coverage", get(recording::coverage))
        .route("/segments", get(recording::segments))
        .route("/stats", get(recording::stats))
        .route("/kfl/validate", get(language::validate))
        .route("/kfl/format", get(language::format))
        .route("/kfl/complete", get(language::complete))
        .route("/fields", get(language::fields))
        .route("/session", post(session::begin).delete(session::end))
        .fallback(nothing)
        .method_not_allowed_fallback(no_such_method);
    Router::new()
        .nest("/api/v1", api)
        .route("/api", get(nothing))
        .route("/api/{*path}", get(nothing))
        .route("/healthz", get(health::alive))
        .route("/", get(dashboard::index))
        .route("/{*path}", get(dashboard::file))
        .fallback(nothing)
        .method_not_allowed_fallback(no_such_method)
        .layer(CompressionLayer::new().compress_when(is_worth_it))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// Files to take away are compressed already, or large; events must leave at once.
fn is_worth_it(status: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_text = [
        "application/json",
        "application/problem+json",
        "text/html",
        "text/css",
        "text/javascript",
        "image/svg+xml",
    ];
    status == StatusCode::OK
        && !headers.contains_key(CONTENT_DISPOSITION)
        && is_text.iter().any(|text| kind.starts_with(text))
}

/// What panicked is told by the panic's own message on stderr.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Problem::failed(&"a panic").into_response()
}

async fn nothing(uri: Uri) -> Problem {
    Problem::new(Kind::NotFound, format!("nothing can be asked at {}", uri.path()))
}

async fn no_such_method() -> Problem {
    Problem::new(Kind::Method, "this path answers other methods; the header Allow names them")
}
