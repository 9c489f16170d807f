//! What can be asked, by path.

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{Extensions, HeaderMap, StatusCode, Uri, Version};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{any, get};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer::Answer;
use super::app::App;
use super::guard::guard;
use super::problem::{Kind, Problem};
use super::{dashboard, openapi, reference};

mod entries;
mod evidence;
mod export;
mod health;
mod language;
mod recording;
mod retention;
mod session;
mod stream;
mod totals;

pub use session::Credentials;

/// Everything that is answered.
pub fn router(app: Arc<App>) -> Router {
    let (router, api) = described().split_for_parts();
    let document = openapi::document(&api);
    let (page, document) = (reference::page(&document), Answer::of(&document));
    Router::new()
        .merge(router)
        .route("/api/v1/openapi.json", get(move || async { document }))
        .route("/api/v1/docs", get(move || async { Html(page) }))
        .route("/api", any(nothing))
        .route("/api/", any(nothing))
        .route("/api/{*path}", any(nothing))
        .route("/", get(dashboard::index))
        .route("/{*path}", get(dashboard::file))
        .fallback(nothing)
        .method_not_allowed_fallback(no_such_method)
        .layer(CompressionLayer::new().compress_when(is_worth_it))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// What the API's document describes.
fn described() -> OpenApiRouter<Arc<App>> {
    let api = OpenApiRouter::new()
        .routes(routes!(entries::list))
        .routes(routes!(stream::stream))
        .routes(routes!(entries::one))
        .routes(routes!(evidence::packets))
        .routes(routes!(evidence::conversation))
        .routes(routes!(export::export))
        .routes(routes!(totals::histogram))
        .routes(routes!(totals::top))
        .routes(routes!(totals::map))
        .routes(routes!(totals::endpoints))
        .routes(routes!(totals::diff))
        .routes(routes!(recording::coverage))
        .routes(routes!(recording::segments))
        .routes(routes!(recording::stats))
        .routes(routes!(language::validate))
        .routes(routes!(language::format))
        .routes(routes!(language::complete))
        .routes(routes!(language::fields))
        .routes(routes!(session::begin, session::end));
    OpenApiRouter::with_openapi(openapi::Document::openapi())
        .nest("/api/v1", api)
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
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
