//! The line to S3: requests are sent one at a time on each connection, bounded in number and in time, and tried again.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{Method, StatusCode, header};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connect, HttpConnector},
    },
    rt::{TokioExecutor, TokioTimer},
};
use object_store::{
    BackoffConfig, ClientOptions, RetryConfig,
    client::{self, HttpClient, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse, HttpService},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout},
};

use super::location::S3Location;

/// Requests under way at the most.
pub(super) const REQUESTS_MAX: usize = 64;
/// How often a request is tried again.
const RETRIES_MAX: usize = 9;
/// After so long it is not tried again.
pub(super) const RETRY_FOR: Duration = Duration::from_secs(20);
/// How long to wait before the first time it is tried again, and at the most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);
/// How long an answer may take…
const ANSWER: Duration = Duration::from_secs(5);
/// …besides what its bytes take at this many in a second, either way.
const BYTES_PER_S: u64 = 128 << 10;
/// How long a connection is kept that nobody uses.
const IDLE: Duration = Duration::from_secs(20);
/// Bytes of a complaint that are read.
const COMPLAINT_BYTES_MAX: usize = 16 << 10;

/// How requests are tried again. All of ours may be: a blob that is put, a part, a removal are the same the second time.
pub(super) fn retries() -> RetryConfig {
    let (init_backoff, max_backoff) = PAUSES;
    let backoff = BackoffConfig { init_backoff, max_backoff, base: 2. };
    RetryConfig { backoff, max_retries: RETRIES_MAX, retry_timeout: RETRY_FOR }
}

/// Connects to one server.
#[derive(Debug, Clone)]
pub(super) struct Dial(HttpClient);

impl Dial {
    /// The line to where the bucket is.
    pub(super) fn to(location: &S3Location) -> Result<Self, String> {
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT));
        tcp.set_nodelay(true);
        if location.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://")) {
            return Ok(Self(HttpClient::new(Line::over(tcp))));
        }
        tcp.enforce_http(false);
        let tls = HttpsConnectorBuilder::new()
            .with_native_roots()
            .map_err(|error| format!("this machine's certificates cannot be read: {error}"))?;
        Ok(Self(HttpClient::new(Line::over(tls.https_only().enable_http1().wrap_connector(tcp)))))
    }

    /// Sends one request, once.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.0.execute(request).await
    }
}

impl client::HttpConnector for Dial {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(self.0.clone())
    }
}

#[derive(Debug)]
struct Line<C> {
    client: Client<C, HttpRequestBody>,
    places: Arc<Semaphore>,
}

impl<C: Connect + Clone + Send + Sync + 'static> Line<C> {
    fn over(connector: C) -> Self {
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(REQUESTS_MAX)
            .build(connector);
        Self { client, places: Arc::new(Semaphore::new(REQUESTS_MAX)) }
    }

    /// One attempt: the request, and the whole answer to it.
    async fn exchange(&self, request: HttpRequest) -> Result<(StatusCode, HttpResponse), HttpError> {
        let sending = time_for(request.body().content_length() as u64);
        let answer = timeout(sending, self.client.request(request)).await.map_err(|_| silent(sending))?;
        let (parts, body) = answer.map_err(|error| broken(&error))?.into_parts();
        let length =
            parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        let reading = time_for(length.unwrap_or(0));
        let body = async {
            if parts.status.is_success() {
                return Ok::<Bytes, HttpError>(body.collect().await.map_err(|error| broken(&error))?.to_bytes());
            }
            let text = Limited::new(body, COMPLAINT_BYTES_MAX).collect().await;
            Ok(complaint(&text.map(http_body_util::Collected::to_bytes).unwrap_or_default()))
        };
        let body = timeout(reading, body).await.map_err(|_| silent(reading))??;
        Ok((parts.status, HttpResponse::from_parts(parts, body.into())))
    }
}

#[async_trait]
impl<C: std::fmt::Debug + Connect + Clone + Send + Sync + 'static> HttpService for Line<C> {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // Nobody closes the semaphore.
        let _place = self.places.acquire().await.ok();
        let method = label(request.method());
        let begun = Instant::now();
        let answer = self.exchange(request).await;
        let outcome = match &answer {
            Ok((status, _)) if status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS => "refused",
            Ok(_) => "answered",
            Err(_) => "broken",
        };
        metrics::counter!("madang_s3_requests_total", "method" => method, "outcome" => outcome).increment(1);
        metrics::histogram!("madang_s3_request_seconds", "method" => method).record(begun.elapsed().as_secs_f64());
        answer.map(|(_, response)| response)
    }
}

fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::PUT => "PUT",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

fn time_for(bytes: u64) -> Duration {
    ANSWER + Duration::from_secs(bytes / BYTES_PER_S)
}

/// An attempt failed on the way.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Trouble(String);

// The kind says that it may be tried again, also where the answer was lost and not the request.
fn broken(error: &(dyn Error + 'static)) -> HttpError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    HttpError::new(HttpErrorKind::Request, Trouble(text))
}

fn silent(after: Duration) -> HttpError {
    HttpError::new(HttpErrorKind::Request, Trouble(format!("no answer within {} s", after.as_secs())))
}

/// Code and message of what S3 answers a request with that it does not do. The rest repeats keys and signatures.
fn complaint(body: &[u8]) -> Bytes {
    let text = String::from_utf8_lossy(body);
    let between = |tag: &str| text.split_once(&format!("<{tag}>"))?.1.split_once('<').map(|(value, _)| value);
    let (code, message) = (between("Code").unwrap_or_default(), between("Message").unwrap_or_default());
    Bytes::from(format!("{code}: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_its_code_and_message_and_nothing_of_who_asked() {
        let body = "<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.</Message>\
                    <AWSAccessKeyId>AKIA</AWSAccessKeyId><StringToSign>AWS4</StringToSign></Error>";
        assert_eq!(complaint(body.as_bytes()), "SignatureDoesNotMatch: It does not match.");
        assert_eq!(complaint(b"<html>\xff"), ": ");
    }

    #[test]
    fn an_attempt_has_time_for_its_bytes() {
        assert_eq!(time_for(0), ANSWER);
        assert_eq!(time_for(8 << 20), ANSWER + Duration::from_secs(64));
    }
}
