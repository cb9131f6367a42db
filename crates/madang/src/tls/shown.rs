//! What clients are shown when they speak TLS: the certificate, and to a certificate authority that looks who has a name, the
//! answer to that.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::{acme::ACME_TLS_1, validity::Validity};

/// The certificate that new connections are shown, and answers to challenges by name (RFC 8737).
#[derive(Default)]
pub(super) struct Shown {
    certificate: RwLock<Option<Arc<CertifiedKey>>>,
    answers: RwLock<HashMap<String, Arc<CertifiedKey>>>,
    is_certified: Arc<AtomicBool>,
}

impl Shown {
    /// Shows this one from now on.
    pub(super) fn show(&self, certificate: CertifiedKey) {
        if let Some(validity) = certificate.cert.first().and_then(|own| Validity::of(own)) {
            metrics::gauge!("madang_tls_certificate_expires_seconds").set(validity.until_s as f64);
        }
        *self.certificate.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(certificate));
        self.is_certified.store(true, Ordering::Release);
    }

    /// Gives these answers from now on, and no others.
    pub(super) fn answer(&self, answers: HashMap<String, Arc<CertifiedKey>>) {
        *self.answers.write().unwrap_or_else(PoisonError::into_inner) = answers;
    }

    /// What is shown.
    pub(super) fn certificate(&self) -> Option<Arc<CertifiedKey>> {
        self.certificate.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is a certificate by now.
    pub(super) fn is_certified(&self) -> Arc<AtomicBool> {
        self.is_certified.clone()
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if hello.alpn().is_some_and(|mut protocols| protocols.any(|protocol| protocol == ACME_TLS_1)) {
            let name = hello.server_name()?.to_ascii_lowercase();
            return self.answers.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        }
        self.certificate()
    }
}
