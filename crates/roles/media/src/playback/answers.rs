//! Answers and their headers.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use kernel::Problem;

use super::{
    error::PlaybackError,
    range::{self, Asked},
};
use crate::needs::NodeAnswer;

/// How long an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// For ever: the name never means anything else.
    Forever,
    /// Not at all: the next part, or the host, may change it at any moment.
    NotAtAll,
    /// For this many seconds.
    Seconds(u16),
    /// Not for others than who asked.
    Private,
}

impl Holds {
    fn header(self) -> HeaderValue {
        match self {
            Self::Forever => HeaderValue::from_static("public, max-age=31536000, immutable"),
            Self::NotAtAll => HeaderValue::from_static("no-cache"),
            Self::Private => HeaderValue::from_static("private, no-store"),
            Self::Seconds(seconds) => HeaderValue::from_str(&format!("public, max-age={seconds}"))
                .unwrap_or(HeaderValue::from_static("no-cache")),
        }
    }
}

pub(super) const PLAYLIST: HeaderValue = HeaderValue::from_static("application/vnd.apple.mpegurl");
pub(super) const VIDEO: HeaderValue = HeaderValue::from_static("video/mp4");
pub(super) const SEGMENT: HeaderValue = HeaderValue::from_static("video/iso.segment");
pub(super) const JPEG: HeaderValue = HeaderValue::from_static("image/jpeg");
pub(super) const SVG: HeaderValue = HeaderValue::from_static("image/svg+xml");

const ANYONE: (HeaderName, HeaderValue) = (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));

/// What it is said to be, and nothing a browser guesses.
const AS_SAID: (HeaderName, HeaderValue) = (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));

/// A file, or the range of it that was asked for.
pub(super) fn file(
    request: &HeaderMap,
    kind: HeaderValue,
    holds: Holds,
    bytes: Bytes,
) -> Result<Response, PlaybackError> {
    let length = bytes.len();
    let header = request.get(header::RANGE).and_then(|value| value.to_str().ok());
    let (status, body, part) = match range::asked(header, length) {
        Asked::Whole => (StatusCode::OK, bytes, None),
        Asked::Some(range) => {
            let part = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            (StatusCode::PARTIAL_CONTENT, bytes.slice(range), Some(part))
        }
        Asked::Outside => return Err(PlaybackError::Range { length }),
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::CACHE_CONTROL, holds.header());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(ANYONE.0, ANYONE.1);
    headers.insert(AS_SAID.0, AS_SAID.1);
    if let Some(part) = part.and_then(|part| HeaderValue::try_from(part).ok()) {
        headers.insert(header::CONTENT_RANGE, part);
    }
    Ok(response)
}

/// A text or picture that is never asked for in ranges.
pub(super) fn whole(kind: HeaderValue, holds: Holds, bytes: Bytes) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, holds.header()), ANYONE, AS_SAID];
    (headers, Body::from(bytes)).into_response()
}

/// What another process answered, in its words.
pub(super) fn passed_on(answer: &NodeAnswer) -> Response {
    let mut response = Response::new(Body::from(answer.body.clone()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    let said = [
        (header::CONTENT_TYPE, &answer.content_type),
        (header::CACHE_CONTROL, &answer.cache_control),
        (header::RETRY_AFTER, &answer.retry_after),
    ];
    for (name, value) in said.into_iter().filter(|(_, value)| !value.is_empty()) {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    headers.insert(ANYONE.0, ANYONE.1);
    headers.insert(AS_SAID.0, AS_SAID.1);
    response
}

/// Lets an answer hold no longer than for so many seconds: what stands in front of the site does not know when an address
/// runs out.
pub(super) fn hold_no_longer(response: &mut Response, left_s: i64) {
    let headers = response.headers_mut();
    let said = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
    let Some(rest) = said.and_then(|said| said.strip_prefix("public, max-age=")) else { return };
    let (seconds, more) = rest.split_at(rest.find(',').unwrap_or(rest.len()));
    let holds_s = seconds.parse::<i64>().unwrap_or_default().min(left_s.max(0));
    if let Ok(value) = HeaderValue::try_from(format!("public, max-age={holds_s}{more}")) {
        headers.insert(header::CACHE_CONTROL, value);
    }
}

/// The file is there, for whoever asks with GET.
pub(super) fn elsewhere(address: &str, holds: Holds) -> Response {
    // The store writes addresses in ASCII; one that is none leads nowhere.
    let address = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static(""));
    let headers = [(header::LOCATION, address), (header::CACHE_CONTROL, holds.header()), ANYONE];
    (StatusCode::TEMPORARY_REDIRECT, headers).into_response()
}

/// The answer to a request that failed.
pub(super) fn failure(error: PlaybackError) -> Response {
    let length = if let PlaybackError::Range { length } = error { Some(length) } else { None };
    let mut response = rest::problem_response(&Problem::from(error));
    let headers = response.headers_mut();
    headers.insert(ANYONE.0, ANYONE.1);
    headers.insert(AS_SAID.0, AS_SAID.1);
    if let Some(all) = length.and_then(|length| HeaderValue::try_from(format!("bytes */{length}")).ok()) {
        headers.insert(header::CONTENT_RANGE, all);
    }
    response
}

/// The answer to a browser that asks whether a player on another site may fetch.
pub(super) fn preflight() -> Response {
    let methods = (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD"));
    let headers = (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Range"));
    let age = (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    (StatusCode::NO_CONTENT, [ANYONE, methods, headers, age]).into_response()
}
