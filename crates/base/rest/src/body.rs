//! JSON bodies. `text/plain` is taken too, because `navigator.sendBeacon` sends it.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    response::IntoResponse,
};
use kernel::{Problem, limits};
use serde::de::DeserializeOwned;

use crate::ApiError;

/// A JSON body of type `T`; anything else is answered with 400, 413 or 422 and a sentence.
#[derive(Debug, Clone)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.into_response().status() == 413 {
                Problem::too_large(
                    "body_too_large",
                    format!("The body is larger than {} bytes.", limits::JSON_BODY_BYTES),
                )
            } else {
                Problem::bad_request("body_unreadable", "The body ended early or could not be read.")
            }
        })?;
        parse(&bytes).map(Body)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let problem = match error.classify() {
            serde_json::error::Category::Data => {
                Problem::invalid("invalid_body", format!("The body does not fit: {error}."))
            }
            _ => Problem::bad_request("invalid_json", format!("The body is not JSON: {error}.")),
        };
        problem.into()
    })
}
