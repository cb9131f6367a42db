//! Headers that tell browsers what not to do.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, header},
    middleware::Next,
    response::Response,
};

use crate::Origin;

/// What pages of this site may load (Content Security Policy Level 3).
#[derive(Debug)]
pub(crate) struct ContentPolicy(HeaderValue);

impl ContentPolicy {
    /// Scripts and styles of this site alone; pictures, playlists and media from where media is played from too; media and
    /// workers also from memory, as players make them.
    pub(crate) fn new(media_origins: &[Origin]) -> Self {
        let media: String = media_origins.iter().map(|origin| format!(" {origin}")).collect();
        let text = format!(
            "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:{media}; \
             media-src 'self' blob:{media}; connect-src 'self'{media}; worker-src 'self' blob:; font-src 'self' data:; \
             object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        );
        // An origin is printable ASCII; were it not, nothing may be loaded.
        Self(HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("default-src 'none'")))
    }
}

/// The layer that adds the security headers.
pub(crate) async fn harden(State(policy): State<Arc<ContentPolicy>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.0.clone());
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, header::X_FRAME_OPTIONS, "DENY");
    set(headers, header::REFERRER_POLICY, "strict-origin-when-cross-origin");
    response
}

/// The layer that keeps answers of the API out of caches, unless a route says otherwise.
pub(crate) async fn keep_private(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let private = HeaderValue::from_static("no-store");
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(private);
    response
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &'static str) {
    headers.insert(name, HeaderValue::from_static(value));
}
