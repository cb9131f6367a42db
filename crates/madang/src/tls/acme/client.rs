//! The way to the authority.

use std::{path::Path, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Limited;
use hyper::Request;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::AcmeError;

/// How long an answer may take to begin.
const PATIENCE: Duration = Duration::from_secs(30);
/// An answer's bytes at the most; a chain has some kilobytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Speaks HTTPS with the authority.
pub(super) struct AuthorityClient(Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>);

impl AuthorityClient {
    /// Believes the certificates in this file; with an empty path those of this machine.
    pub(super) fn new(roots: &Path) -> Result<Self, AcmeError> {
        let builder = HttpsConnectorBuilder::new();
        let builder = if roots.as_os_str().is_empty() {
            builder.with_native_roots().map_err(AcmeError::NativeRoots)?
        } else {
            builder.with_tls_config(believing(roots)?)
        };
        let connector = builder.https_only().enable_http1().build();
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }
}

fn believing(path: &Path) -> Result<ClientConfig, AcmeError> {
    let wrong = |reason: String| AcmeError::Roots { path: path.display().to_string(), reason };
    let file = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&file) {
        let certificate = certificate.map_err(|error| wrong(format!("is no PEM: {error}")))?;
        roots.add(certificate).map_err(|error| wrong(format!("holds a certificate that cannot be used: {error}")))?;
    }
    if roots.is_empty() {
        return Err(wrong("holds no certificate in PEM".into()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

impl HttpClient for AuthorityClient {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let asked = self.0.request(request);
        Box::pin(async move {
            let answer = tokio::time::timeout(PATIENCE, asked).await;
            let answer = answer.map_err(|_| other(format!("no answer within {} s", PATIENCE.as_secs())))?;
            let answer = answer.map_err(|error| other(with_causes(&error)))?;
            Ok(BytesResponse::from(answer.map(|body| Limited::new(body, ANSWER_BYTES_MAX))))
        })
    }
}

fn other(reason: String) -> Error {
    Error::Other(format!("the authority cannot be reached: {reason}").into())
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        told = format!("{told}: {deeper}");
        cause = deeper.source();
    }
    told
}
