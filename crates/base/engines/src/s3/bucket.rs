//! The bucket itself: whether it is there, and its rules.

use std::fmt::Write as _;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use hyper::{Method, Request, StatusCode, header};
use md5::{Digest, Md5};
use object_store::aws::{AwsAuthorizer, AwsCredentialProvider};

use super::{line::Dial, location::S3Location};

/// A bucket, asked directly: each request once.
pub(super) struct Bucket {
    url: String,
    region: String,
    dial: Dial,
    credentials: AwsCredentialProvider,
}

/// What it answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// What was asked for, or code and message of why it is not.
    pub(super) body: Bytes,
}

impl Answer {
    /// Why it was not done.
    pub(super) fn complaint(&self) -> String {
        let mut text = self.status.to_string();
        if !self.body.is_empty() {
            // Writing into a string cannot fail.
            let _ = write!(text, ", {}", String::from_utf8_lossy(&self.body));
        }
        text
    }
}

impl Bucket {
    pub(super) fn new(location: &S3Location, dial: Dial, credentials: AwsCredentialProvider) -> Self {
        Self { url: location.url(), region: location.region.clone(), dial, credentials }
    }

    /// Whether it can be used now.
    pub(super) async fn is_there(&self) -> Result<(), String> {
        let answer = self.ask(Method::HEAD, "", Bytes::new()).await?;
        if answer.status.is_success() { Ok(()) } else { Err(answer.complaint()) }
    }

    /// Asks it something.
    pub(super) async fn ask(&self, method: Method, query: &str, body: Bytes) -> Result<Answer, String> {
        let mut request = Request::builder().method(method).uri(format!("{}{query}", self.url));
        if !body.is_empty() {
            // Rules are not taken without it.
            let sum = BASE64_STANDARD.encode(Md5::digest(&body));
            request = request.header("content-md5", sum).header(header::CONTENT_TYPE, "application/xml");
        }
        let mut request = request.body(body.into()).map_err(|error| error.to_string())?;
        let credential = self.credentials.get_credential().await.map_err(|error| error.to_string())?;
        let signer = AwsAuthorizer::new(&credential, "s3", &self.region);
        signer.try_authorize(&mut request, None).map_err(|error| error.to_string())?;
        let (parts, body) = self.dial.send(request).await.map_err(|error| error.to_string())?.into_parts();
        let body = body.bytes().await.map_err(|error| error.to_string())?;
        Ok(Answer { status: parts.status, body })
    }
}
