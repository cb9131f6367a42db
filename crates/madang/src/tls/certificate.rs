//! A certificate and its key, read from files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustls::{
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};

use super::acme::AcmeError;

/// What a file may have at the most; a chain has some kilobytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Why TLS cannot be spoken; each names its setting.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error("tls.{setting} cannot be used: {path} cannot be read: {source}", path = path.display())]
    Unreadable { setting: &'static str, path: PathBuf, source: io::Error },
    #[error("tls.certificate cannot be used: {path} holds no certificate in PEM: {reason}", path = path.display())]
    NoCertificate { path: PathBuf, reason: pem::Error },
    #[error("tls.key cannot be used: {path} holds no private key in PEM: {reason}", path = path.display())]
    NoKey { path: PathBuf, reason: pem::Error },
    #[error("tls.key cannot be used: {0}")]
    Key(rustls::Error),
    #[error("tls.key cannot be used: it is not the key of the certificate in tls.certificate")]
    Mismatch,
    #[error("tls.certificate cannot be used: {0}")]
    Certificate(rustls::Error),
    #[error("TLS cannot be spoken: {0}")]
    Protocol(rustls::Error),
    #[error(transparent)]
    Authority(#[from] AcmeError),
}

/// Where they are.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// How the files looked: equal when nobody has written to them since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look([Option<(SystemTime, u64)>; 2]);

impl Files {
    /// Looks at them.
    pub(super) fn look(&self) -> Look {
        let of = |path: &Path| {
            let about = fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        Look([of(&self.certificate), of(&self.key)])
    }

    /// Reads both. The key has to fit.
    pub(super) fn read(&self) -> Result<CertifiedKey, CertificateError> {
        let chain = read("certificate", &self.certificate)?;
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&chain).collect();
        let no_certificate = |reason| CertificateError::NoCertificate { path: self.certificate.clone(), reason };
        let chain = chain.map_err(no_certificate)?;
        if chain.is_empty() {
            return Err(no_certificate(pem::Error::NoItemsFound));
        }
        let key = read("key", &self.key)?;
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|reason| CertificateError::NoKey { path: self.key.clone(), reason })?;
        let key = ring::sign::any_supported_type(&key).map_err(CertificateError::Key)?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) => Ok(certified),
            Err(rustls::Error::InconsistentKeys(_)) => Err(CertificateError::Mismatch),
            Err(error) => Err(CertificateError::Certificate(error)),
        }
    }
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, CertificateError> {
    let unreadable = |source| CertificateError::Unreadable { setting, path: path.to_owned(), source };
    if fs::metadata(path).map_err(unreadable)?.len() > FILE_BYTES_MAX {
        return Err(unreadable(io::ErrorKind::FileTooLarge.into()));
    }
    fs::read(path).map_err(unreadable)
}
