//! Who is asking: the API shell resolves credentials once and leaves the [`Caller`] in the request.

use std::net::{IpAddr, Ipv4Addr};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use kernel::{Caller, Identity, Problem};

use crate::ApiError;

/// The cookie that carries the web UI's session token.
pub const SESSION_COOKIE: &str = "madang_session";

/// The caller, signed in or not.
#[derive(Debug, Clone)]
pub struct Visitor(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let caller = parts.extensions.get::<Caller>().cloned();
        // A router that is used without the shell has no callers it could trust: everyone is anonymous.
        Ok(Self(caller.unwrap_or_else(|| Caller::anonymous(IpAddr::V4(Ipv4Addr::UNSPECIFIED)))))
    }
}

/// A signed-in caller; anyone else is answered with 401.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The account.
    pub identity: Identity,
    /// The whole caller.
    pub caller: Caller,
}

impl<S: Send + Sync> FromRequestParts<S> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Visitor(caller) = Visitor::from_request_parts(parts, state).await?;
        let identity = require_account(&caller)?.clone();
        Ok(Self { identity, caller })
    }
}

/// The caller's identity, or the problem that asks to sign in.
pub fn require_account(caller: &Caller) -> Result<&Identity, Problem> {
    caller.identity.as_deref().ok_or_else(|| Problem::unauthorized("sign_in_required", "Sign in to do this."))
}

/// The session token a request carries, not yet checked: `Authorization: Bearer …`, else the session cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials(pub Option<String>);

impl Credentials {
    /// Reads the token out of the headers.
    pub fn of(headers: &HeaderMap) -> Self {
        Self(bearer(headers).or_else(|| cookie(headers)).map(str::to_owned))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Credentials {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.headers))
    }
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(name, value)| (name == SESSION_COOKIE).then_some(value))
}
