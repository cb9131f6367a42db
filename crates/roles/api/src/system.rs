//! The site's own routes: is it alive, is it ready, what does it count, what can it do, what is it called.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Check, Readiness, gzip, pages::File};

const READINESS_TIME: Duration = Duration::from_secs(5);

/// What a page has to know about the site before anything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Site {
    /// What it is called.
    pub name: String,
    /// The language to begin with, `ko` or `en`.
    pub locale_default: String,
    /// Whether visitors can create accounts.
    pub registration_open: bool,
    /// What the operator wants everybody to read now; empty: nothing.
    pub notice: String,
    /// The version of the server.
    pub version: String,
}

/// What the site is called, and how it begins.
#[utoipa::path(get, path = "/api/v1/site", operation_id = "site", tag = "system",
    responses((status = 200, description = "The site", body = Site)))]
async fn about(State(site): State<AskSite>) -> Json<Site> {
    Json(site())
}

/// Tells what the site says of itself at the moment.
pub(crate) type AskSite = Arc<dyn Fn() -> Site + Send + Sync>;

/// The documented routes of the shell itself.
pub(crate) fn documented(site: AskSite) -> OpenApiRouter {
    OpenApiRouter::new().routes(routes!(about)).with_state(site)
}

/// The same where only the document matters.
pub(crate) fn documented_for_document() -> OpenApiRouter {
    let (name, locale_default, notice, version) = Default::default();
    let site = Site { name, locale_default, registration_open: false, notice, version };
    documented(Arc::new(move || site.clone()))
}

/// The routes for operators and programs.
pub(crate) fn undocumented<S: Clone + Send + Sync + 'static>(
    ready: Arc<dyn Readiness>,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    document: String,
) -> Router<S> {
    let document = bytes::Bytes::from(document);
    let compressed = gzip::compress(&document, gzip::Effort::Once);
    let document = Arc::new(File::new("openapi.json", document, None, compressed));
    Router::new()
        .route("/healthz", get(|| async { uncached(Json(json!({ "status": "ok" }))) }))
        .route("/readyz", get(move || readiness(ready.clone())))
        .route("/metrics", get(move || exposition(metrics.clone())))
        .route("/openapi.json", get(move |headers: HeaderMap| async move { document.answer(&headers) }))
}

async fn readiness(ready: Arc<dyn Readiness>) -> Response {
    let checks = tokio::time::timeout(READINESS_TIME, ready.checks()).await.unwrap_or_else(|_| {
        let reason = format!("the checks did not end within {} s", READINESS_TIME.as_secs());
        vec![Check { name: "readiness", result: Err(reason) }]
    });
    let all_well = checks.iter().all(|check| check.result.is_ok());
    let listed: Vec<_> = checks
        .iter()
        .map(|check| match &check.result {
            Ok(()) => json!({ "name": check.name, "ok": true }),
            Err(reason) => json!({ "name": check.name, "ok": false, "reason": reason }),
        })
        .collect();
    let (status, word) =
        if all_well { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not_ready") };
    uncached((status, Json(json!({ "status": word, "checks": listed }))))
}

async fn exposition(metrics: Arc<dyn Fn() -> String + Send + Sync>) -> Response {
    let mut text = metrics();
    if !text.is_empty() && !text.ends_with('\n') {
        // Writing to a String cannot fail.
        let _ = writeln!(text);
    }
    uncached(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

fn uncached(response: impl IntoResponse) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], response).into_response()
}
