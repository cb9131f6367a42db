//! What a browser adds by itself: the session cookie, and whether the connection is encrypted.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, request::Parts},
};

use crate::{Credentials, SESSION_COOKIE};

/// Whether the client reached us over https, as far as the API shell can tell: left in the request's extensions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Https(pub bool);

impl<S: Send + Sync> FromRequestParts<S> for Https {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().copied().unwrap_or_default())
    }
}

/// The token of the session cookie, when it is what the request is authenticated by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieToken(pub Option<String>);

impl CookieToken {
    /// Reads it out of the headers; none when there is a bearer token.
    pub fn of(headers: &HeaderMap) -> Self {
        if crate::caller::bearer(headers).is_some() { Self(None) } else { Self(Credentials::of(headers).0) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CookieToken {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// The `Set-Cookie` value that keeps `token` for `lifetime_s` seconds; an empty token and 0 seconds clear it.
///
/// A token with characters a cookie cannot carry (RFC 6265 section 4.1.1) is not kept: the cookie is cleared.
pub fn session_cookie(token: &str, lifetime_s: i64, https: Https) -> HeaderValue {
    let fits = token.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte));
    let (token, lifetime_s) = if fits { (token, lifetime_s) } else { ("", 0) };
    let secure = if https.0 { "; Secure" } else { "" };
    let text = format!("{SESSION_COOKIE}={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age={lifetime_s}{secure}");
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}
