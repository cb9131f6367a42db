//! Routes of the crowd, which a server answers so often that finding them must cost nothing.

use std::{net::IpAddr, pin::Pin};

use axum::{
    body::Bytes,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use kernel::Problem;
use serde::Serialize;

/// An answer on its way.
pub type Answering<'a> = Pin<Box<dyn Future<Output = DirectAnswer> + Send + 'a>>;

/// A `POST` route that is found by its path alone and wants nothing but the whole body and the client's address.
///
/// It is documented and reachable as a route of a router as well; the shell only takes the shorter way to it.
pub trait Direct: Send + Sync + 'static {
    /// The path, without parameters.
    fn path(&self) -> &'static str;

    /// Bytes of a body at the most.
    fn body_bytes_max(&self) -> usize;

    /// Answers a request with this body, from a client at this address (see [`crate::ClientAddress`]).
    fn answer(&self, body: Bytes, client: IpAddr) -> Answering<'_>;
}

/// A short answer that no cache may keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectAnswer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The media type of the body; none without a body.
    pub content_type: Option<&'static str>,
    /// Seconds after which the same request may succeed.
    pub retry_after_s: Option<u64>,
    /// One more header.
    pub header: Option<(&'static str, &'static str)>,
    /// The body.
    pub body: Vec<u8>,
}

impl DirectAnswer {
    /// Done, and nothing to say.
    pub fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, content_type: None, retry_after_s: None, header: None, body: Vec::new() }
    }

    /// Done, with a value.
    pub fn json(value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self {
                status: StatusCode::OK,
                content_type: Some("application/json"),
                retry_after_s: None,
                header: None,
                body,
            },
            Err(_) => Problem::internal().into(),
        }
    }
}

impl From<Problem> for DirectAnswer {
    fn from(problem: Problem) -> Self {
        Self {
            status: StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type: Some("application/problem+json"),
            retry_after_s: problem.retry_after_s,
            header: None,
            body: serde_json::to_vec(&problem).unwrap_or_default(),
        }
    }
}

impl IntoResponse for DirectAnswer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        if let Some(content_type) = self.content_type {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some((name, value)) = self.header {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
