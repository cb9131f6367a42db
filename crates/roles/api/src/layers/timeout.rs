//! Ends documented requests that take too long, their body's arrival included.

use std::time::Duration;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use rest::problem_response;

use crate::problems;

/// The layer.
pub(crate) async fn limit(State(at_most): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(at_most, next.run(request)).await {
        Ok(response) => response,
        Err(_) => problem_response(&problems::timed_out()),
    }
}
