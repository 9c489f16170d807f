//! Who may ask: looked at before anything is read of what is asked.
//!
//! A page of another site runs in the same browser as ours and can send requests here, with our cookie, too, where the
//! browser lets it; a name that it owns can be made to lead to this address (DNS rebinding). So the name that a request
//! was sent to must be ours, and what a browser says of where a request comes from must be us. An address can't be
//! rebound: any is as good as ours.

use std::sync::Arc;
use std::time::Instant;

use axum::body::HttpBody;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CONTENT_LENGTH, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::accept::Peer;
use super::app::App;
use super::problem::{Kind, Problem};
use super::rate::{Cost, Rates};
use super::{access, headers};

/// Longest path and query string.
const URI_BYTES_MAX: usize = 16 << 10;
/// Longest body that is looked at.
const BODY_BYTES_MAX: u64 = 16 << 10;

/// Lets a request pass, or says why not.
pub async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let (began, is_page) = (Instant::now(), !is_protected(request.uri().path()));
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let mut response = match pass(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    headers::secure(response.headers_mut(), is_page);
    let route = route.as_deref().unwrap_or("none");
    app.metrics.answered(route, response.status().as_u16(), began.elapsed());
    response
}

fn pass(app: &App, request: &Request) -> Result<(), Problem> {
    let (uri, headers) = (request.uri(), request.headers());
    let host = host(uri, headers)?;
    if !is_ours(&host, &app.config.hosts) {
        let why = format!("{} is no name of this server; --allow-host makes it one", host.host());
        return Err(Problem::new(Kind::Host, why));
    }
    from_us(headers, &host, uri.path(), request.method())?;
    let length = uri.path_and_query().map_or(0, |asked| asked.as_str().len());
    if length > URI_BYTES_MAX {
        return Err(Problem::new(
            Kind::LongUri,
            format!("a request's path and query have at most {URI_BYTES_MAX} bytes"),
        ));
    }
    let announced = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if request.body().size_hint().lower().max(announced.unwrap_or(0)) > BODY_BYTES_MAX {
        return Err(Problem::new(
            Kind::LongBody,
            format!("a request's body has at most {BODY_BYTES_MAX} bytes"),
        ));
    }
    let peer = request.extensions().get::<Peer>().map(|peer| peer.0.ip());
    spend(&app.rates, peer, Cost::Request)?;
    if is_protected(uri.path()) && !is_open(uri.path()) {
        let checked = access::check(&app.config.access, headers);
        if checked == Err(access::Refused::Wrong) {
            spend(&app.rates, peer, Cost::WrongToken)?;
        }
        checked.map_err(access::Refused::problem)?;
    }
    Ok(())
}

/// Counts what someone asks.
///
/// # Errors
/// When that was too much of late.
pub fn spend(rates: &Rates, peer: Option<std::net::IpAddr>, cost: Cost) -> Result<(), Problem> {
    let Some(peer) = peer else { return Ok(()) };
    rates.spend(peer, cost, Instant::now()).map_err(|seconds| {
        let problem = Problem::new(Kind::TooOften, "this address asks too often; ask again later");
        Problem { retry_after_s: Some(seconds), ..problem }
    })
}

/// What tells of recordings.
fn is_protected(path: &str) -> bool {
    path.starts_with("/api/") || path == "/metrics"
}

/// What of that needs no token: where one is given for a session.
fn is_open(path: &str) -> bool {
    path == "/api/v1/session"
}

/// The name that a request was sent to.
fn host(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Problem> {
    let mut named = headers.get_all(HOST).iter();
    let (one, more) = (named.next(), named.next());
    let wrong = || Problem::request("a request names its host, once");
    if more.is_some() {
        return Err(wrong());
    }
    let host = one.and_then(|host| host.to_str().ok()).and_then(|host| host.parse::<Authority>().ok());
    let host = host.ok_or_else(wrong)?;
    match uri.authority() {
        Some(other) if other != &host => Err(Problem::request("a request names one host, not two")),
        _ => Ok(host),
    }
}

fn is_ours(host: &Authority, allowed: &[String]) -> bool {
    let name = host.host().trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    address.parse::<std::net::IpAddr>().is_ok()
        || name == "localhost"
        || name.ends_with(".localhost")
        || allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&name))
}

/// Whether a browser that says where a request comes from says that it comes from us. The page itself may be linked to.
fn from_us(headers: &HeaderMap, host: &Authority, path: &str, method: &Method) -> Result<(), Problem> {
    let foreign = || Problem::new(Kind::Foreign, "pages of other sites may not ask here");
    for origin in headers.get_all(ORIGIN) {
        let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        if !origin.is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host.as_str())) {
            return Err(foreign());
        }
    }
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_foreign = matches!(said("sec-fetch-site"), "cross-site" | "same-site");
    let is_visit = said("sec-fetch-mode") == "navigate"
        && said("sec-fetch-dest") == "document"
        && method == Method::GET
        && !is_protected(path);
    if is_foreign && !is_visit { Err(foreign()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_rebound_are_not_ours() {
        let is_ours = |host: &str| is_ours(&host.parse().unwrap(), &["remora.example".to_owned()]);
        for host in [
            "localhost:8898",
            "LOCALHOST",
            "127.0.0.1:1",
            "[::1]:8898",
            "10.0.0.7",
            "a.localhost",
            "Remora.Example:443",
        ] {
            assert!(is_ours(host), "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "x.remora.example", "notlocalhost"]
        {
            assert!(!is_ours(host), "{host}");
        }
    }

    #[test]
    fn other_sites_may_link_to_the_page_and_no_more() {
        let asked = |lines: &[(&'static str, &'static str)], path: &str| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, axum::http::HeaderValue::from_static(value));
            }
            from_us(&headers, &"127.0.0.1:8898".parse().unwrap(), path, &Method::GET).is_ok()
        };
        assert!(asked(&[], "/api/v1/stats"));
        assert!(asked(&[("origin", "http://127.0.0.1:8898")], "/api/v1/stats"));
        assert!(asked(&[("sec-fetch-site", "same-origin")], "/api/v1/stats"));
        for origin in ["null", "http://evil.example", "http://127.0.0.1:9999", "http://localhost:8898"] {
            assert!(!asked(&[("origin", origin)], "/api/v1/stats"), "{origin}");
        }
        let visit = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert!(asked(&visit, "/traffic"));
        assert!(!asked(&visit, "/api/v1/export"));
        let image =
            [("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")];
        assert!(!asked(&image, "/traffic"));
    }
}
