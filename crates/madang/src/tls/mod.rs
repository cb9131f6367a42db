//! TLS with a certificate from files, which are looked at again while the process runs.
//!
//! Promise: what a new connection is shown is the certificate as it stands in the files, at most one look late; a pair of
//! files that cannot be used is told in the log and changes nothing.

mod certificate;
mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use rustls::{ServerConfig, crypto::ring};
use serde::Deserialize;

pub(crate) use certificate::CertificateError;
use certificate::Files;
pub(crate) use watch::Watch;

/// How TLS is spoken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSettings {
    /// The file with the chain, the own certificate first (PEM).
    pub(crate) certificate: PathBuf,
    /// The file with its key (PEM).
    pub(crate) key: PathBuf,
    /// How often the files are looked at.
    pub(crate) look_every_ms: u64,
}

impl TlsSettings {
    /// Whether TLS is spoken.
    pub(crate) fn is_on(&self) -> bool {
        !self.certificate.as_os_str().is_empty() && !self.key.as_os_str().is_empty()
    }

    /// The setting that is missing where the other one is set.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        match (self.certificate.as_os_str().is_empty(), self.key.as_os_str().is_empty()) {
            (true, false) => Some("tls.certificate"),
            (false, true) => Some("tls.key"),
            _ => None,
        }
    }

    /// Reads the files; none when TLS is not spoken.
    pub(crate) fn open(&self) -> Result<Option<Tls>, CertificateError> {
        if !self.is_on() {
            return Ok(None);
        }
        let files = Files { certificate: self.certificate.clone(), key: self.key.clone() };
        let watch = Watch::begin(files, Duration::from_millis(self.look_every_ms.max(1)))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Protocol)?
            .with_no_client_auth()
            .with_cert_resolver(watch.certificate());
        // Who comes again need not prove everything anew; without it 256 clients were remembered.
        config.ticketer = ring::Ticketer::new().map_err(CertificateError::Protocol)?;
        Ok(Some(Tls { config: Arc::new(config), watch }))
    }
}

/// TLS that is spoken.
pub(crate) struct Tls {
    /// For whoever accepts connections.
    pub(crate) config: Arc<ServerConfig>,
    /// Keeps the certificate as it is in the files.
    pub(crate) watch: Watch,
}
