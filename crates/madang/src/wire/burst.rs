//! The way to the processes that count the crowd, for hearts and beats that came over a realtime connection elsewhere.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

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

/// Takes hearts and beats to the HTTP routes of other processes, by turns; one that cannot be reached is passed over. They have to
/// trust this one's word on who the client is (`api.trusted_proxies`).
pub(crate) struct CrowdAtBurst {
    bursts: Vec<Routes>,
    turn: AtomicUsize,
    client: Client<HttpConnector, Full<Bytes>>,
}

struct Routes {
    hearts: Uri,
    beats: Uri,
}

/// What became of a request.
enum Asked {
    Answered(Result<Bytes, Problem>),
    /// It has not got there.
    Unreachable(String),
}

impl CrowdAtBurst {
    /// The routes under `urls`, e.g. `http://10.0.0.7:8080,http://10.0.0.8:8080`.
    pub(crate) fn new(urls: &str) -> Result<Self, String> {
        let bursts = urls.split(',').map(|url| Routes::new(url.trim())).collect::<Result<Vec<_>, _>>()?;
        let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
        Ok(Self { bursts, turn: AtomicUsize::new(0), client })
    }

    async fn post(&self, route: impl Fn(&Routes) -> &Uri, body: &Bytes, client: IpAddr) -> Result<Bytes, Problem> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.bursts.len();
        let mut reason = String::new();
        for burst in self.bursts.iter().cycle().skip(first).take(self.bursts.len()) {
            match self.ask(route(burst), body, client).await {
                Asked::Answered(answer) => return answer,
                Asked::Unreachable(error) => reason = error,
            }
        }
        Err(away(&reason))
    }

    async fn ask(&self, route: &Uri, body: &Bytes, client: IpAddr) -> Asked {
        let request = Request::builder()
            .method(Method::POST)
            .uri(route)
            .header(header::CONTENT_TYPE, "application/json")
            .header("x-forwarded-for", client.to_string())
            .body(Full::new(body.clone()));
        let Ok(request) = request else { return Asked::Answered(Err(Problem::internal())) };
        let asked = async {
            let answer = match self.client.request(request).await {
                Ok(answer) => answer,
                Err(error) if error.is_connect() => return Asked::Unreachable(error.to_string()),
                Err(error) => return Asked::Answered(Err(away(&error.to_string()))),
            };
            let status = answer.status().as_u16();
            Asked::Answered(match Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await {
                Ok(body) if (200..300).contains(&status) => Ok(body.to_bytes()),
                Ok(body) => Err(told(status, &body.to_bytes())),
                Err(error) => Err(away(&error.to_string())),
            })
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(asked) => asked,
            Err(_) => Asked::Answered(Err(away(&format!("no answer within {} s", PATIENCE.as_secs())))),
        }
    }
}

impl Routes {
    fn new(url: &str) -> Result<Self, String> {
        let base = url.trim_end_matches('/');
        let route = |path: &str| format!("{base}{path}").parse::<Uri>().map_err(|_| format!("{url:?} is no address"));
        let (hearts, beats) = (route("/api/v1/hearts")?, route("/api/v1/beats")?);
        if hearts.scheme_str() != Some("http") || hearts.host().is_none() {
            return Err(format!("{url:?}: an address that begins with http:// is expected"));
        }
        Ok(Self { hearts, beats })
    }
}

#[async_trait]
impl CrowdTaker for CrowdAtBurst {
    async fn hearts(&self, batch: Bytes, client: IpAddr) -> Result<Bytes, Problem> {
        self.post(|burst| &burst.hearts, &batch, client).await
    }

    async fn beat(&self, beat: Bytes, client: IpAddr) -> Result<(), Problem> {
        self.post(|burst| &burst.beats, &beat, client).await.map(|_| ())
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
    tracing::debug!(error, "no process that counts the crowd can be asked");
    let detail = "Hearts and beats cannot be taken right now; try again in a moment.";
    Problem::unavailable("try_again", detail).retry_after(RETRY_AFTER_S)
}
