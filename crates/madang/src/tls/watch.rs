//! Looks at the certificate's files from time to time, and takes over what has changed.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_util::sync::CancellationToken;

use super::certificate::{CertificateError, Files, Look};

/// The certificate that new connections are shown.
pub(super) struct Shown(RwLock<Arc<CertifiedKey>>);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// The files, and how they looked when they were read last.
pub(crate) struct Watch {
    files: Files,
    every: Duration,
    seen: Look,
    shown: Arc<Shown>,
}

impl Watch {
    /// Reads the files for the first time.
    pub(super) fn begin(files: Files, every: Duration) -> Result<Self, CertificateError> {
        // Before they are read: what is written meanwhile is seen with the next look.
        let seen = files.look();
        let shown = Arc::new(Shown(RwLock::new(Arc::new(files.read()?))));
        Ok(Self { files, every, seen, shown })
    }

    /// What is shown, now and later.
    pub(super) fn certificate(&self) -> Arc<Shown> {
        self.shown.clone()
    }

    /// Looks until cancelled.
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        while cancel.run_until_cancelled(tokio::time::sleep(self.every)).await.is_some() {
            self.look();
        }
    }

    fn look(&mut self) {
        let now = self.files.look();
        if now == self.seen {
            return;
        }
        match self.files.read() {
            Ok(certificate) => {
                *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certificate);
                self.seen = now;
                tracing::info!("the certificate of tls.certificate was replaced");
            }
            // Said with every look until it is mended.
            Err(error) => {
                metrics::counter!("madang_tls_certificates_refused_total").increment(1);
                tracing::error!(%error, "the new certificate is not taken over; the old one stays");
            }
        }
    }
}
