//! What somebody signed in with, in its own words.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};

/// Characters that are kept.
const CHARACTERS_MAX: usize = 200;

/// The name a browser or an app gives itself (`User-Agent`); empty when it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Device(String);

impl Device {
    /// As much of it as is kept.
    pub fn new(name: &str) -> Self {
        Self(name.trim().chars().filter(|letter| !letter.is_control()).take(CHARACTERS_MAX).collect())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Device {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let name = parts.headers.get(header::USER_AGENT).and_then(|name| name.to_str().ok());
        Ok(Self::new(name.unwrap_or_default()))
    }
}
