//! All routes under one roof, each kind with its layers.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};

use crate::{
    Parts, Settings,
    layers::{caller, compress, guard, headers, observe, panics, rate, timeout},
    openapi,
    origin::Origins,
    pages::Pages,
    problems, system,
};

/// Paths below which nothing is a page of the web UI.
const NOT_PAGES: [&str; 3] = ["/api/", "/live/", "/connection/"];

/// The sites whose pages may change things here.
pub(crate) fn trusted_origins(settings: &Settings) -> Arc<Origins> {
    Arc::new(Origins::new(settings.allowed_origins.iter().chain(settings.public_url.origin()).cloned()))
}

/// Puts the router together.
pub(crate) fn assemble(settings: &Settings, parts: Parts, origins: Arc<Origins>, pages: Pages) -> Router {
    let Parts { api, lean, realtime, ready, metrics, authenticator, clock, site, media_origins, .. } = parts;
    let (api, api_document) = api.merge(system::documented(site)).split_for_parts();
    let (lean, lean_document) = lean.split_for_parts();
    let document = openapi::render(api_document, lean_document);

    let limiter = Arc::new(rate::Limiter::new(settings.request_rate.clone(), clock));
    let policy = Arc::new(headers::ContentPolicy::new(&media_origins));
    let request_ids = Arc::new(observe::RequestIds::new());
    let api = api
        .method_not_allowed_fallback(problems::method_not_allowed)
        // From the innermost to the outermost.
        .layer(from_fn_with_state(authenticator, caller::resolve))
        .layer(from_fn_with_state(origins.clone(), guard::refuse_foreign_pages))
        .layer(from_fn_with_state(settings.request_timeout(), timeout::limit))
        .layer(from_fn_with_state(limiter, rate::limit))
        .layer(from_fn(compress::shrink))
        .layer(from_fn(headers::keep_private))
        .layer(from_fn(panics::catch))
        .layer(from_fn_with_state(policy.clone(), headers::harden))
        .layer(from_fn_with_state(request_ids.clone(), observe::watch));
    let lean = lean.method_not_allowed_fallback(problems::method_not_allowed);
    let realtime = realtime.layer(from_fn_with_state(origins, guard::refuse_foreign_connections));
    let rest = system::undocumented(ready, metrics, document)
        .method_not_allowed_fallback(problems::method_not_allowed)
        .fallback(page_or_problem)
        .with_state(Arc::new(pages))
        .layer(from_fn_with_state(policy, headers::harden))
        .layer(from_fn_with_state(request_ids, observe::watch));
    api.merge(lean).merge(realtime).merge(rest)
}

async fn page_or_problem(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    if NOT_PAGES.iter().any(|prefix| request.uri().path().starts_with(prefix)) {
        return rest::problem_response(&problems::not_found());
    }
    pages.answer(request.method(), request.uri().path(), request.headers()).into_response()
}
