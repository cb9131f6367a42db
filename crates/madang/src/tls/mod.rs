//! TLS with a certificate from files, which are looked at again while the process runs, or from a certificate authority, which is
//! asked for one ([`acme`]).
//!
//! Promise: what a new connection is shown is the certificate as it stands in the files, or in the records of the site, at most one look
//! late; one that cannot be used is told in the log and changes nothing. Connections that are open go on with what they began with.

pub(crate) mod acme;
mod certificate;
mod shown;
mod validity;
mod watch;

use std::{path::PathBuf, sync::Arc, time::Duration};

use ports::sql::Database;
use rustls::{ServerConfig, crypto::ring};
use serde::Deserialize;

use acme::{ACME_TLS_1, AcmeSettings, Follower};
pub(crate) use certificate::CertificateError;
use certificate::Files;
use shown::Shown;
pub(crate) use watch::Watch;

/// How TLS is spoken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSettings {
    /// The file with the chain, the own certificate first (PEM).
    pub(crate) certificate: PathBuf,
    /// The file with its key (PEM).
    pub(crate) key: PathBuf,
    /// How often the files are looked at, and how often it is looked whether a certificate is to be renewed.
    pub(crate) look_every_ms: u64,
    /// Where a certificate comes from without files.
    pub(crate) acme: AcmeSettings,
}

impl TlsSettings {
    /// Whether TLS is spoken.
    pub(crate) fn is_on(&self) -> bool {
        self.has_files() || self.acme.is_on()
    }

    fn has_files(&self) -> bool {
        !self.certificate.as_os_str().is_empty() && !self.key.as_os_str().is_empty()
    }

    /// A setting that cannot be meant, and why.
    pub(crate) fn trouble(&self) -> Option<(&'static str, String)> {
        const BOTH: &str = "it is not set, and TLS needs both a certificate and its key";
        match (self.certificate.as_os_str().is_empty(), self.key.as_os_str().is_empty()) {
            (true, false) => Some(("tls.certificate", BOTH.into())),
            (false, true) => Some(("tls.key", BOTH.into())),
            (false, false) if self.acme.is_on() => {
                let reason = "a certificate comes from files (tls.certificate) or from an authority, not from both";
                Some(("tls.acme.domains", reason.into()))
            }
            _ => self.acme.trouble(),
        }
    }

    /// How often somebody looks.
    pub(crate) fn look_every(&self) -> Duration {
        Duration::from_millis(self.look_every_ms.max(1))
    }

    /// Reads the files; none when TLS is not spoken.
    pub(crate) fn open(&self) -> Result<Option<Tls>, CertificateError> {
        if !self.is_on() {
            return Ok(None);
        }
        if self.acme.is_on() {
            self.acme.check()?;
        }
        let shown = Arc::<Shown>::default();
        let watch = if self.has_files() {
            let files = Files { certificate: self.certificate.clone(), key: self.key.clone() };
            Some(Watch::begin(files, self.look_every(), shown.clone())?)
        } else {
            None
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Protocol)?
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        // Who comes again need not prove everything anew; without it 256 clients were remembered.
        config.ticketer = ring::Ticketer::new().map_err(CertificateError::Protocol)?;
        Ok(Some(Tls { config: Arc::new(config), watch, shown }))
    }
}

/// TLS that is spoken.
pub(crate) struct Tls {
    /// For whoever accepts connections.
    pub(crate) config: Arc<ServerConfig>,
    /// Keeps the certificate as it is in the files; none where it does not come from files.
    pub(crate) watch: Option<Watch>,
    shown: Arc<Shown>,
}

impl Tls {
    /// The same for HTTP, whose port answers the certificate authority.
    pub(crate) fn for_http(&self) -> api::Tls {
        api::Tls {
            config: self.config.clone(),
            is_certified: self.shown.is_certified(),
            only_shaking_hands: vec![ACME_TLS_1.to_vec()],
        }
    }

    /// Keeps the certificate as it is in the records of the site; none where it comes from files.
    pub(crate) fn follower(&self, records: &Database) -> Option<Arc<Follower>> {
        let is_from_records = self.watch.is_none();
        is_from_records.then(|| Arc::new(Follower::new(records.clone(), self.shown.clone())))
    }
}
