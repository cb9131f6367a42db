//! Sends long JSON answers compressed: histories and lists shrink to a fifth, and phones are on slow networks.
//!
//! Only what is read (GET): answers to sign-ins carry tokens, and the length of a compressed secret tells about it.

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use kernel::Problem;
use rest::problem_response;

use crate::{
    gzip::{self, Effort},
    pages::Encoding,
};

/// Shorter ones fit into a packet or two as they are.
const WORTH_BYTES: u64 = 2 * 1024;
/// Longer ones would keep the thread too long.
const TOO_LONG_BYTES: u64 = 1024 * 1024;

/// The layer.
pub(crate) async fn shrink(request: Request, next: Next) -> Response {
    let is_wanted = *request.method() == Method::GET && Encoding::Gzip.is_accepted(request.headers());
    let mut response = next.run(request).await;
    let length = response.body().size_hint().exact().unwrap_or_default();
    if !is_json(response.headers()) || response.status() != StatusCode::OK || length < WORTH_BYTES {
        return response;
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept-encoding"));
    if !is_wanted || length > TOO_LONG_BYTES {
        return response;
    }
    let (mut head, body) = response.into_parts();
    // The body is in memory already, because its length is known.
    let Ok(text) = to_bytes(body, TOO_LONG_BYTES as usize).await else { return problem_response(&Problem::internal()) };
    let Some(compressed) = gzip::compress(&text, Effort::EachTime) else {
        return Response::from_parts(head, Body::from(text));
    };
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(Encoding::Gzip.name()));
    Response::from_parts(head, Body::from(compressed))
}

fn is_json(headers: &HeaderMap) -> bool {
    let is_plain = !headers.contains_key(header::CONTENT_ENCODING);
    is_plain && headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/json")
}
