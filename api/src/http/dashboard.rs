//! The page: files that `web/` was built into, compiled in, into debug builds too: a server reads no files but recordings.
//!
//! Its views are paths that only the page knows, so what is no file and has no dot is the page. Where `web/` was not
//! built, a page says how.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::problem::{Kind, Problem};

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Files;

const INDEX: &str = "index.html";
/// Files below carry a digest in their names: what has the name has the content, for ever.
const HASHED: &str = "assets/";

/// What the page may load and do.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

const NOT_BUILT: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>Remora</title>
<h1>The dashboard is not in this program</h1>
<p>It was not built when <code>remora</code> was. <code>make build</code> builds both.
<p>The API answers all the same: <a href=/api/v1/docs>its reference</a>.
</html>";

/// The page itself.
pub async fn index(headers: HeaderMap) -> Response {
    page(&headers)
}

/// A file of the page, or the page.
pub async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let is_file = path.rsplit('/').next().unwrap_or_default().contains('.');
    let is_view = !is_file && path.split('/').next() != Some("api");
    match Files::get(&path) {
        Some(file) if path != INDEX => given(&path, &file, &headers),
        _ if path == INDEX || is_view => page(&headers),
        _ => Problem::new(Kind::NotFound, "the dashboard has no such file").into_response(),
    }
}

fn given(path: &str, file: &EmbeddedFile, asked: &HeaderMap) -> Response {
    let tag = tag(file);
    let caching = if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let mut headers = HeaderMap::new();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    let kind = HeaderValue::from_str(file.metadata.mimetype());
    headers.insert(CONTENT_TYPE, kind.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    let is_known = tag.is_some() && asked.get(IF_NONE_MATCH) == tag.as_ref();
    headers.extend(tag.map(|tag| (ETAG, tag)));
    if is_known {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, file.data.to_vec()).into_response()
}

fn tag(file: &EmbeddedFile) -> Option<HeaderValue> {
    let digest = file.metadata.sha256_hash();
    let digits: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&format!("\"{digits}\"")).ok()
}

/// The page, or how to build it.
fn page(asked: &HeaderMap) -> Response {
    match Files::get(INDEX) {
        Some(file) => given(INDEX, &file, asked),
        None => ([(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"))], NOT_BUILT)
            .into_response(),
    }
}
