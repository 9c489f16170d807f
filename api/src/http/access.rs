//! The token that is needed where others can reach the server, and the session that a browser has instead.
//!
//! A browser can't send a header with a stream of events or a download: it gives its token once, and gets a cookie
//! that scripts can't read and other sites can't send. The cookie says when it ends, and is good for this run only.

use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use segment::Timestamp;
use segment::time::NANOS_PER_SECOND;
use subtle::ConstantTimeEq;

use super::problem::{Kind, Problem};
use crate::instant;

/// The cookie's name.
const COOKIE_NAME: &str = "remora_session";
/// How long a session lasts.
const SESSION_S: i64 = 12 * 3_600;
/// A token has at least so many characters.
pub const TOKEN_CHARACTERS_MIN: usize = 16;

/// Who may ask.
#[derive(Clone)]
pub enum Access {
    /// Whoever reaches the server: nobody but who is on this machine.
    Anyone,
    /// Who has the token.
    Token(Box<Keys>),
}

/// What tells who has the token.
#[derive(Clone)]
pub struct Keys {
    /// Of the token, so that what is compared has one length.
    token: blake3::Hash,
    /// Made anew each time, never told: what sessions are sealed with.
    session: [u8; 32],
}

/// Why someone may not ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Neither a token nor a session came with it.
    Nothing,
    /// What came is none, or none any more.
    Wrong,
}

impl Refused {
    /// In words.
    pub fn problem(self) -> Problem {
        let why = match self {
            Self::Nothing => "a token is needed here: Authorization: Bearer TOKEN, or POST /api/v1/session",
            Self::Wrong => "the token or the session is wrong, or over",
        };
        Problem::new(Kind::Token, why)
    }
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Anyone => "Anyone",
            Self::Token(_) => "Token",
        })
    }
}

impl Access {
    /// For who has this token; `random` is a number that nobody knows.
    pub fn token(token: &str, random: [u8; 32]) -> Self {
        Self::Token(Box::new(Keys { token: blake3::hash(token.as_bytes()), session: random }))
    }
}

impl Keys {
    fn is_token(&self, token: &str) -> bool {
        blake3::hash(token.as_bytes()).as_bytes().ct_eq(self.token.as_bytes()).into()
    }

    fn seal(&self, until_s: &str) -> blake3::Hash {
        blake3::keyed_hash(&self.session, until_s.as_bytes())
    }

    fn is_session(&self, cookie: &str, now: Timestamp) -> bool {
        let Some((until, seal)) = cookie.split_once('.') else { return false };
        let is_sealed: bool = self.seal(until).to_hex().as_bytes().ct_eq(seal.as_bytes()).into();
        is_sealed && until.parse().is_ok_and(|until: i64| now.nanos() / NANOS_PER_SECOND < until)
    }

    /// The header that begins a session.
    fn cookie(&self, now: Timestamp, is_tls: bool) -> String {
        let until = (now.nanos() / NANOS_PER_SECOND).saturating_add(SESSION_S).to_string();
        let seal = self.seal(&until).to_hex();
        let secure = if is_tls { "; Secure" } else { "" };
        format!(
            "{COOKIE_NAME}={until}.{seal}; Path=/; Max-Age={SESSION_S}; HttpOnly; SameSite=Strict{secure}"
        )
    }
}

/// The header that begins a session for who has the token.
///
/// # Errors
/// When it is another one.
pub fn begin(access: &Access, token: &str, is_tls: bool) -> Result<Option<String>, Refused> {
    match access {
        Access::Anyone => Ok(None),
        Access::Token(keys) if keys.is_token(token) => Ok(Some(keys.cookie(instant::now(), is_tls))),
        Access::Token(_) => Err(Refused::Wrong),
    }
}

/// The header that ends a session.
pub fn end() -> String {
    format!("{COOKIE_NAME}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict")
}

/// Whether who sent these headers may ask.
///
/// # Errors
/// If not.
pub fn check(access: &Access, headers: &HeaderMap) -> Result<(), Refused> {
    let Access::Token(keys) = access else { return Ok(()) };
    if let Some(given) = headers.get(AUTHORIZATION) {
        let token = given.to_str().ok().and_then(|given| given.split_once(' '));
        let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let is_right = token.is_some_and(|(_, token)| keys.is_token(token.trim()));
        return if is_right { Ok(()) } else { Err(Refused::Wrong) };
    }
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let cookies = lines.flat_map(|line| line.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    let mut refused = Refused::Nothing;
    for (_, cookie) in cookies.filter(|(name, _)| *name == COOKIE_NAME) {
        if keys.is_session(cookie, instant::now()) {
            return Ok(());
        }
        refused = Refused::Wrong;
    }
    Err(refused)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_token_and_its_session_are_let_in_and_nothing_else() {
        let access = Access::token("0123456789abcdef", [7; 32]);
        let by_token = |token: &str| check(&access, &with(AUTHORIZATION, token));
        assert_eq!(by_token("Bearer 0123456789abcdef"), Ok(()));
        for wrong in ["Bearer 0123456789abcdeg", "Bearer ", "Basic 0123456789abcdef", "0123456789abcdef"] {
            assert_eq!(by_token(wrong), Err(Refused::Wrong), "{wrong}");
        }
        assert_eq!(check(&access, &HeaderMap::new()), Err(Refused::Nothing));
        assert_eq!(begin(&access, "x", false), Err(Refused::Wrong));
        let cookie = begin(&access, "0123456789abcdef", true).unwrap().unwrap();
        assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
        let pair = cookie.split(';').next().unwrap();
        assert_eq!(check(&access, &with(COOKIE, &format!("a=b; {pair}"))), Ok(()));
        let later = pair.replacen("remora_session=", "remora_session=9", 1);
        for wrong in [later.as_str(), "remora_session=", "remora_session=1.2", &pair[..pair.len() - 1]] {
            assert_eq!(check(&access, &with(COOKIE, wrong)), Err(Refused::Wrong), "{wrong}");
        }
        assert_eq!(
            check(&Access::token("0123456789abcdef", [8; 32]), &with(COOKIE, pair)),
            Err(Refused::Wrong)
        );
    }

    #[test]
    fn sessions_end() {
        let keys = Keys { token: blake3::hash(b""), session: [0; 32] };
        let cookie = |until: &str| format!("{until}.{}", keys.seal(until).to_hex());
        assert!(keys.is_session(&cookie("100"), Timestamp::from_nanos(99 * NANOS_PER_SECOND)));
        assert!(!keys.is_session(&cookie("100"), Timestamp::from_nanos(100 * NANOS_PER_SECOND)));
        assert!(!keys.is_session(&cookie("x"), Timestamp::from_nanos(0)));
    }
}
