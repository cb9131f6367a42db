//! Refuses what another site's page makes a browser do here.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use rest::{CookieToken, Credentials, problem_response};

use crate::{origin::Origins, problems};

/// The layer of documented routes: a request that changes something must not come from a foreign page, unless it brings
/// a bearer token, which no page can add without knowing it.
pub(crate) async fn refuse_foreign_pages(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Response {
    let changes_nothing = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let headers = request.headers();
    let has_bearer = Credentials::of(headers).0.is_some() && CookieToken::of(headers).0.is_none();
    if changes_nothing || has_bearer || origins.permit(headers) { next.run(request).await } else { refusal() }
}

/// The layer of realtime routes: whatever the method, because a WebSocket begins with GET and carries the cookie.
pub(crate) async fn refuse_foreign_connections(
    State(origins): State<Arc<Origins>>,
    request: Request,
    next: Next,
) -> Response {
    if origins.permit(request.headers()) { next.run(request).await } else { refusal() }
}

fn refusal() -> Response {
    problem_response(&problems::foreign_origin())
}
