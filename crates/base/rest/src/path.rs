//! Ids in paths.

use std::{fmt::Display, str::FromStr};

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use kernel::Problem;

use crate::ApiError;

/// The first (or only) parameter of the path, parsed. What does not parse names nothing: 404.
#[derive(Debug, Clone, Copy)]
pub struct PathId<T>(pub T);

impl<T, S> FromRequestParts<S> for PathId<T>
where
    T: FromStr,
    T::Err: Display,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let missing = || Problem::not_found("not_found", "There is nothing at this address.");
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| missing())?;
        let (_, text) = parameters.iter().next().ok_or_else(missing)?;
        let id = text.parse().map_err(|error: T::Err| Problem::not_found("not_found", error.to_string()))?;
        Ok(Self(id))
    }
}

/// The first two parameters of the path, parsed; used where a thing lies within another. What does not parse names
/// nothing: 404.
#[derive(Debug, Clone, Copy)]
pub struct PathIds<A, B>(pub A, pub B);

impl<A, B, S> FromRequestParts<S> for PathIds<A, B>
where
    A: FromStr,
    A::Err: Display,
    B: FromStr,
    B::Err: Display,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let missing = || Problem::not_found("not_found", "There is nothing at this address.");
        let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| missing())?;
        let mut texts = parameters.iter().map(|(_, text)| text);
        let (Some(outer), Some(inner)) = (texts.next(), texts.next()) else { return Err(missing().into()) };
        let outer = outer.parse().map_err(|error: A::Err| Problem::not_found("not_found", error.to_string()))?;
        let inner = inner.parse().map_err(|error: B::Err| Problem::not_found("not_found", error.to_string()))?;
        Ok(Self(outer, inner))
    }
}
