//! Looks at the certificate's files from time to time, and takes over what has changed.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{
    certificate::{CertificateError, Files, Look},
    shown::Shown,
};

/// The files, and how they looked when they were read last.
pub(crate) struct Watch {
    files: Files,
    every: Duration,
    seen: Look,
    shown: Arc<Shown>,
}

impl Watch {
    /// Reads the files for the first time.
    pub(super) fn begin(files: Files, every: Duration, shown: Arc<Shown>) -> Result<Self, CertificateError> {
        // Before they are read: what is written meanwhile is seen with the next look.
        let seen = files.look();
        shown.show(files.read()?);
        Ok(Self { files, every, seen, shown })
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
                self.shown.show(certificate);
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
