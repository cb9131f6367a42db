//! The way to the other processes of a site that package streams.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, Uri, header};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use media::needs::{ASKED_BY_NODE, NodeAnswer, NodeAway, Nodes};

/// A file's bytes at the most: a long segment of a good picture has a tenth of it.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How long a connection may take to be made.
const CONNECT_PATIENCE: Duration = Duration::from_secs(1);

/// Asks them over HTTP.
pub(crate) struct MediaNodes(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>);

impl MediaNodes {
    /// Asks those at `http://…`, and at `https://…` where their certificates are good.
    pub(crate) fn new() -> Result<Self, String> {
        let mut plain = HttpConnector::new();
        plain.set_connect_timeout(Some(CONNECT_PATIENCE));
        plain.set_nodelay(true);
        plain.enforce_http(false);
        let tls = hyper_rustls::HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| format!("this machine's certificates cannot be read: {error}"))?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(plain);
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }
}

#[async_trait]
impl Nodes for MediaNodes {
    async fn fetch(&self, address: &str, path: &str, session_token: Option<&str>) -> Result<NodeAnswer, NodeAway> {
        let away = |error: &dyn std::fmt::Display| NodeAway(format!("{address}: {error}"));
        let uri: Uri = format!("{}{path}", address.trim_end_matches('/')).parse().map_err(|error| away(&error))?;
        let mut request = Request::get(uri).header(ASKED_BY_NODE, "1");
        if let Some(token) = session_token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Empty::new()).map_err(|error| away(&error))?;
        let answer = self.0.request(request).await.map_err(|error| away(&error))?;
        let (head, body) = answer.into_parts();
        let said = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| away(&error))?;
        Ok(NodeAnswer {
            status: head.status.as_u16(),
            content_type: said(header::CONTENT_TYPE),
            cache_control: said(header::CACHE_CONTROL),
            retry_after: said(header::RETRY_AFTER),
            body: body.to_bytes(),
        })
    }
}
