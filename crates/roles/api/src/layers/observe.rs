//! Watches documented requests: an id for each, counts and durations by route, one log line at debug level.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use rest::ClientAddress;
use tracing::Instrument;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 64;

/// Makes ids for requests that bring none: what the process drew at its start, and a count.
#[derive(Debug)]
pub(crate) struct RequestIds {
    process: u32,
    count: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The hasher's keys are random for each process; an id has to be unlike others, not secret.
        let drawn = RandomState::new().hash_one(std::process::id());
        Self { process: drawn as u32, count: AtomicU64::new(0) }
    }

    fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let plain = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            (1..=LONGEST_REQUEST_ID).contains(&bytes.len())
                && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
        };
        if let Some(brought) = headers.get(REQUEST_ID).filter(plain) {
            return brought.clone();
        }
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let made = format!("{:08x}-{count:x}", self.process);
        HeaderValue::try_from(made).unwrap_or(HeaderValue::from_static("unknown"))
    }
}

/// The layer.
pub(crate) async fn watch(
    State(ids): State<Arc<RequestIds>>,
    address: ClientAddress,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let id = ids.of(request.headers());
    let method = name(request.method());
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default(), method, path);
    let began = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let elapsed = began.elapsed();
    let status = response.status();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str).to_owned();
    metrics::histogram!("madang_http_request_duration_seconds", "route" => route.clone(), "method" => method)
        .record(elapsed);
    let labels = [("route", route), ("method", method.to_owned()), ("status", status.as_str().to_owned())];
    metrics::counter!("madang_http_requests_total", &labels).increment(1);
    span.in_scope(|| {
        tracing::debug!(status = status.as_u16(), elapsed_ms = elapsed.as_millis() as u64, address = %address.0, "answered");
    });
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// A method's name for metrics: a client cannot make up new ones.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PATCH => "PATCH",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
