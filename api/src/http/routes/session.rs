//! A session for a browser, in exchange for the token.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::accept::Peer;
use crate::http::access;
use crate::http::app::App;
use crate::http::guard::spend;
use crate::http::problem::{Kind, Problem};
use crate::http::rate::Cost;

/// Longest body.
const BODY_BYTES_MAX: usize = 4 << 10;
/// It has so long to come.
const BODY_TIME_MAX: Duration = Duration::from_secs(5);

/// What a session is begun with.
#[derive(Deserialize, ToSchema)]
pub struct Credentials {
    /// The token that was told at the start, or that the file holds.
    token: String,
}

/// Begin a session.
///
/// For browsers, which can't send a header with streams and downloads: the answer sets a cookie for twelve hours.
#[utoipa::path(post, path = "/session", tag = "Access", request_body = Credentials, responses((status = 204, description = "It has begun, or none is needed")))]
pub async fn begin(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
    body: Body,
) -> Result<Response, Problem> {
    let read = tokio::time::timeout(BODY_TIME_MAX, to_bytes(body, BODY_BYTES_MAX)).await;
    let body = match read {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(Problem::new(Kind::LongBody, "a token is not that long")),
        Err(_) => return Err(Problem::new(Kind::Slow, "the body did not come")),
    };
    let credentials: Credentials =
        serde_json::from_slice(&body).map_err(|_| Problem::request("expected a body {\"token\": TEXT}"))?;
    let begun = access::begin(&app.config.access, &credentials.token, app.config.tls.is_some());
    match begun {
        Ok(cookie) => {
            let mut response = StatusCode::NO_CONTENT.into_response();
            let cookie = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok());
            response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
            Ok(response)
        }
        Err(refused) => {
            spend(&app.rates, peer.map(|Extension(peer)| peer.0.ip()), Cost::WrongToken)?;
            Err(refused.problem())
        }
    }
}

/// End a session.
#[utoipa::path(delete, path = "/session", tag = "Access", responses((status = 204, description = "It has ended")))]
pub async fn end() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let cookie = HeaderValue::from_str(&access::end()).ok();
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}
