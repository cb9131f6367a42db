//! A panic in a handler of a documented route is one 500, with its request's id in the log and the answer.

use std::panic::AssertUnwindSafe;

use axum::{extract::Request, middleware::Next, response::Response};
use futures_util::FutureExt;

use rest::problem_response;

use crate::front;

/// The layer.
pub(crate) async fn catch(request: Request, next: Next) -> Response {
    // Nothing of the request is used after a panic, so nothing half-changed is seen.
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    answer.await.unwrap_or_else(|panic| problem_response(&front::panicked(&*panic)))
}
