//! A small HTTP client of the server's own API, for the demo, the benches and the tests.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// Calls the API of one server, keeping connections open.
#[derive(Clone)]
pub struct ApiClient {
    server: SocketAddr,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// Why a call gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The connection failed, or the answer is not JSON.
    #[error("{0} did not answer: {1}")]
    Transport(String, Box<dyn std::error::Error + Send + Sync>),
    /// The answer is an error; `body` is its problem+json.
    #[error("{path} answered {status}: {body}")]
    Status {
        /// The path that was called.
        path: String,
        /// The HTTP status.
        status: u16,
        /// The body as text.
        body: String,
    },
}

impl ApiClient {
    /// A client of the server at this address.
    pub fn new(server: SocketAddr) -> Self {
        Self { server, http: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Posts JSON and gives the JSON that comes back (`null` for an empty answer).
    pub async fn post(&self, path: &str, token: Option<&str>, body: &Value) -> Result<Value, CallError> {
        self.call(Method::POST, path, token, body).await
    }

    /// Gets JSON.
    pub async fn get(&self, path: &str, token: Option<&str>) -> Result<Value, CallError> {
        self.call(Method::GET, path, token, &Value::Null).await
    }

    /// Calls any method with JSON.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &Value,
    ) -> Result<Value, CallError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| CallError::Transport(path.to_owned(), error);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.server))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::from(body.to_string())).map_err(|error| failed(error.into()))?;
        let response = self.http.request(request).await.map_err(|error| failed(error.into()))?;
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(|error| failed(error.into()))?.to_bytes();
        if !status.is_success() {
            let body = String::from_utf8_lossy(&bytes).into_owned();
            return Err(CallError::Status { path: path.to_owned(), status: status.as_u16(), body });
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))
    }

    /// Gets the bytes of any answer, with its status.
    pub async fn fetch(&self, path: &str) -> Result<(u16, Bytes), CallError> {
        self.fetch_as(None, path).await
    }

    /// The same as somebody.
    pub async fn fetch_as(&self, token: Option<&str>, path: &str) -> Result<(u16, Bytes), CallError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| CallError::Transport(path.to_owned(), error);
        let mut request = Request::get(format!("http://{}{path}", self.server));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Full::default()).map_err(|error| failed(error.into()))?;
        let response = self.http.request(request).await.map_err(|error| failed(error.into()))?;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.map_err(|error| failed(error.into()))?.to_bytes();
        Ok((status, bytes))
    }
}
