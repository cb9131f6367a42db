//! The way to the process that counts the crowd, for hearts and beats that came over a realtime connection elsewhere.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, Uri, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use kernel::Problem;
use serde::Deserialize;

use super::CrowdTaker;

/// An answer's bytes at the most.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Seconds after which trying again may help.
const RETRY_AFTER_S: u64 = 1;

/// Takes hearts and beats to another process's HTTP routes. That process has to trust this one's word on who the client is
/// (`api.trusted_proxies`).
pub(crate) struct CrowdAtBurst {
    hearts: Uri,
    beats: Uri,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl CrowdAtBurst {
    /// The routes under `url`, e.g. `http://10.0.0.7:8080`.
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        let base = url.trim_end_matches('/');
        let route = |path: &str| format!("{base}{path}").parse::<Uri>().map_err(|_| format!("{url:?} is no address"));
        let (hearts, beats) = (route("/api/v1/hearts")?, route("/api/v1/beats")?);
        if hearts.scheme_str() != Some("http") || hearts.host().is_none() {
            return Err("an address that begins with http:// is expected".into());
        }
        Ok(Self { hearts, beats, client: Client::builder(TokioExecutor::new()).build(HttpConnector::new()) })
    }

    async fn post(&self, route: &Uri, body: Bytes, client: IpAddr) -> Result<Bytes, Problem> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(route)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-forwarded-for", client.to_string())
            .body(Full::new(body))
            .map_err(|_| Problem::internal())?;
        let asked = async {
            let answer = self.client.request(request).await.map_err(|error| error.to_string())?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
            Ok::<_, String>((status, body.map_err(|error| error.to_string())?.to_bytes()))
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok((200..300, body))) => Ok(body),
            Ok(Ok((status, body))) => Err(told(status, &body)),
            Ok(Err(error)) => Err(away(&error)),
            Err(_) => Err(away(&format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }
}

#[async_trait]
impl CrowdTaker for CrowdAtBurst {
    async fn hearts(&self, batch: Bytes, client: IpAddr) -> Result<Bytes, Problem> {
        self.post(&self.hearts, batch, client).await
    }

    async fn beat(&self, beat: Bytes, client: IpAddr) -> Result<(), Problem> {
        self.post(&self.beats, beat, client).await.map(|_| ())
    }
}

/// As much of a problem+json document as a realtime client is told.
#[derive(Deserialize)]
struct Told {
    detail: String,
    retry_after_s: Option<u64>,
}

/// The other process's problem, as if it were this one's.
fn told(status: u16, body: &[u8]) -> Problem {
    let Ok(Told { detail, retry_after_s }) = serde_json::from_slice(body) else {
        return away(&format!("it answered with {status}"));
    };
    let problem = Problem { status, ..Problem::unavailable("crowd_elsewhere", detail) };
    match retry_after_s {
        Some(seconds) => problem.retry_after(seconds),
        None => problem,
    }
}

fn away(error: &str) -> Problem {
    tracing::debug!(error, "the process that counts the crowd cannot be asked");
    let detail = "Hearts and beats cannot be taken right now; try again in a moment.";
    Problem::unavailable("try_again", detail).retry_after(RETRY_AFTER_S)
}
