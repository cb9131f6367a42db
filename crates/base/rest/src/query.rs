//! Query strings, and those of paged lists.

use axum::{
    extract::{FromRequestParts, Query as AxumQuery},
    http::request::Parts,
};
use kernel::{Problem, limits};
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use crate::ApiError;

/// The query string as `T`; a wrong one is answered with 400 and a sentence.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = AxumQuery::<T>::from_request_parts(parts, state).await;
        let AxumQuery(value) =
            query.map_err(|error| Problem::bad_request("invalid_query", format!("{}.", error.body_text())))?;
        Ok(Self(value))
    }
}

/// `?cursor=&limit=` of a paged list.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Entries on the page: 1 to 200, 50 unless said.
    pub limit: Option<u32>,
}

impl PageQuery {
    /// The number of entries asked for, within its limits.
    pub fn limit(&self) -> Result<u32, ApiError> {
        match self.limit.unwrap_or(limits::PAGE_DEFAULT) {
            limit if (1..=limits::PAGE_MAX).contains(&limit) => Ok(limit),
            limit => {
                let detail = format!("limit is {limit}; 1 to {} entries fit on a page.", limits::PAGE_MAX);
                Err(Problem::invalid("invalid_limit", detail).field("limit").into())
            }
        }
    }

    /// The cursor as an id or number, if one was sent.
    pub fn cursor_as<T: std::str::FromStr>(&self) -> Result<Option<T>, ApiError> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let wrong = || Problem::invalid("invalid_cursor", "The cursor is not one of this list.").field("cursor");
        text.parse().map(Some).map_err(|_| wrong().into())
    }
}
