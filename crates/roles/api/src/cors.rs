//! Lets the pages of the sites an operator listed use the API (CORS, as the Fetch Standard defines it).
//!
//! Promise: a listed page can send what the API documents and read every answer of it, refusals included, with its user's
//! cookie where the browser sends one; any other page gets no word of permission. No list: nothing is looked at.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header},
    response::Response,
};

use crate::{Origin, Settings};

/// Below this are the routes a listed page may use.
const API: &str = "/api/";
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, idempotency-key");
/// What a page may read of an answer besides what every page may.
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after, x-request-id");
/// How long a browser may remember the permission, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const ORIGIN: HeaderName = HeaderName::from_static("origin");

/// The listed sites.
#[derive(Debug, Clone)]
pub(crate) struct Cors {
    allowed: Vec<Origin>,
}

/// What a request's answer needs.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The page's origin, when it is listed.
    permitted: Option<HeaderValue>,
    is_preflight: bool,
}

impl Cors {
    /// None when no site is listed.
    pub(crate) fn new(settings: &Settings) -> Option<Self> {
        let allowed = settings.allowed_origins.clone();
        (!allowed.is_empty()).then_some(Self { allowed })
    }

    /// What has to be done about this request; none when it is not for the API.
    pub(crate) fn judge<B>(&self, request: &Request<B>) -> Option<Reply> {
        if !request.uri().path().starts_with(API) {
            return None;
        }
        let origin = request.headers().get(header::ORIGIN);
        let permitted = origin.filter(|origin| self.lists(origin)).cloned();
        let asks_method = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        let is_preflight = permitted.is_some() && *request.method() == Method::OPTIONS && asks_method;
        Some(Reply { permitted, is_preflight })
    }

    fn lists(&self, origin: &HeaderValue) -> bool {
        let listed = |allowed: &Origin| allowed.as_str().as_bytes().eq_ignore_ascii_case(origin.as_bytes());
        self.allowed.iter().any(listed)
    }
}

impl Reply {
    /// The whole answer to a browser that asks whether it may send the page's request.
    pub(crate) fn preflight(&self) -> Option<Response> {
        if !self.is_preflight {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        self.stamp(headers);
        Some(response)
    }

    /// Adds to an answer who may read it.
    pub(crate) fn stamp(&self, headers: &mut HeaderMap) {
        // Also where it is not permitted: a cache must not give one page's answer to another's.
        headers.append(header::VARY, HeaderValue::from_name(ORIGIN));
        if let Some(origin) = &self.permitted {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}
