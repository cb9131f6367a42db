//! Fetches the public keys that sign clients' tokens.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use gateway::tokens::KeySource;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{StatusCode, Uri};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// A key set's bytes at the most.
const BYTES_MAX: usize = 256 << 10;
/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A key set at an address.
pub(crate) struct HttpKeySource {
    endpoint: Uri,
    client: Way,
}

enum Way {
    Plain(Client<HttpConnector, Empty<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Empty<Bytes>>),
}

impl HttpKeySource {
    /// The set at `endpoint`: `https://…`, or `http://…` where the way there is trusted.
    pub(crate) fn new(endpoint: &str) -> Result<Self, String> {
        let endpoint: Uri = endpoint.parse().map_err(|_| format!("{endpoint:?} is no address"))?;
        let builder = || Client::builder(TokioExecutor::new());
        let client = match endpoint.scheme_str() {
            Some("http") => Way::Plain(builder().build(HttpConnector::new())),
            Some("https") => {
                let tls = hyper_rustls::HttpsConnectorBuilder::new()
                    .with_native_roots()
                    .map_err(|error| format!("this machine's certificates cannot be read: {error}"))?;
                Way::Tls(builder().build(tls.https_only().enable_http1().build()))
            }
            _ => return Err("an address that begins with https:// or http:// is expected".into()),
        };
        Ok(Self { endpoint, client })
    }

    async fn get(&self) -> Result<Bytes, String> {
        let answer = match &self.client {
            Way::Plain(client) => client.get(self.endpoint.clone()).await,
            Way::Tls(client) => client.get(self.endpoint.clone()).await,
        };
        let answer = answer.map_err(|error| error.to_string())?;
        if answer.status() != StatusCode::OK {
            return Err(format!("{} answered with {}", self.endpoint, answer.status()));
        }
        let body = Limited::new(answer.into_body(), BYTES_MAX).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|error| error.to_string())
    }
}

#[async_trait]
impl KeySource for HttpKeySource {
    async fn fetch(&self) -> Result<Bytes, String> {
        let took_too_long = |_| format!("{} did not answer within {} s", self.endpoint, PATIENCE.as_secs());
        tokio::time::timeout(PATIENCE, self.get()).await.map_err(took_too_long)?
    }
}
