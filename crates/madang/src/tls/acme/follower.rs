//! What a process shows, as it stands in the records of the site.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::{
    sql::Database,
    work::{Place, Schedule, WorkError},
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
    sign::CertifiedKey,
};
use tokio::sync::Mutex;

use super::{AcmeError, store};
use crate::tls::shown::Shown;

/// How often it is looked.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// Shows in this process what is kept.
pub(crate) struct Follower {
    records: Database,
    shown: Arc<Shown>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    version: i64,
    challenges: Vec<(String, Vec<u8>)>,
}

impl Follower {
    /// Follows what is kept in `records`.
    pub(in crate::tls) fn new(records: Database, shown: Arc<Shown>) -> Self {
        Self { records, shown, seen: Mutex::default() }
    }

    /// Looks now.
    pub(crate) async fn look(&self) -> Result<(), AcmeError> {
        let mut seen = self.seen.lock().await;
        if store::version(&self.records).await? != seen.version {
            let kept = store::certificate(&self.records).await?;
            // Looked at once, whatever it is worth. None: it was taken away, and the next one has the first number again.
            seen.version = kept.as_ref().map_or(0, |kept| kept.version);
            if let Some(kept) = kept {
                self.shown.show(certified(&kept.chain, &kept.key)?);
                tracing::info!(names = kept.names, "a certificate of the authority is shown from now on");
            }
        }
        let challenges = store::challenges(&self.records).await?;
        if challenges != seen.challenges {
            let answers = challenges.iter().map(|(name, digest)| Ok((name.clone(), Arc::new(answer(name, digest)?))));
            self.shown.answer(answers.collect::<Result<HashMap<_, _>, AcmeError>>()?);
            seen.challenges = challenges;
        }
        Ok(())
    }
}

#[async_trait]
impl Schedule for Follower {
    fn name(&self) -> &'static str {
        "tls.certificate"
    }

    /// Each process speaks TLS for itself.
    fn place(&self) -> Place {
        Place::Memory
    }

    fn every(&self) -> Duration {
        EVERY
    }

    async fn run(&self) -> Result<(), WorkError> {
        Ok(self.look().await?)
    }
}

/// A chain and the key that has to fit.
pub(super) fn certified(chain: &str, key: &[u8]) -> Result<CertifiedKey, AcmeError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain.as_bytes()).collect();
    let certified = with_key(chain.map_err(|error| AcmeError::Unusable(error.to_string()))?, key)?;
    certified.keys_match().map_err(unusable)?;
    Ok(certified)
}

/// The certificate that shows the authority who has a name (RFC 8737 §3).
fn answer(name: &str, digest: &[u8]) -> Result<CertifiedKey, AcmeError> {
    let key = KeyPair::generate()?;
    let mut own = CertificateParams::new([name.to_owned()])?;
    own.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    with_key(vec![own.self_signed(&key)?.der().clone()], &key.serialize_der())
}

fn with_key(chain: Vec<CertificateDer<'static>>, key: &[u8]) -> Result<CertifiedKey, AcmeError> {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    Ok(CertifiedKey::new(chain, ring::sign::any_supported_type(&key).map_err(unusable)?))
}

fn unusable(error: rustls::Error) -> AcmeError {
    AcmeError::Unusable(error.to_string())
}

#[cfg(test)]
mod tests {
    use engines::testing::databases;
    use ports::sqlx;

    use super::*;
    use crate::tls::acme::MIGRATION;

    /// A certificate as it is kept, and as it is shown.
    fn made() -> (String, Vec<u8>, CertificateDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(["live.madang.test".to_owned()]).unwrap().self_signed(&key).unwrap();
        (own.pem(), key.serialize_der(), own.der().clone())
    }

    #[tokio::test]
    async fn a_certificate_is_shown_that_comes_after_one_that_was_taken_away() {
        for db in databases(&[&[MIGRATION]]).await {
            let shown = Arc::new(Shown::default());
            let follower = Follower::new(db.database.clone(), shown.clone());
            for _ in 0..2 {
                let (chain, key, own) = made();
                store::keep(&db.database, "live.madang.test", &chain, &key).await.unwrap();
                follower.look().await.unwrap();
                assert_eq!(shown.certificate().unwrap().cert, [own], "{}", db.engine);
                let mut tx = db.database.write().await.unwrap();
                sqlx::query("DELETE FROM tls_certificates").execute(tx.conn()).await.unwrap();
                tx.commit().await.unwrap();
                follower.look().await.unwrap();
                assert!(shown.certificate().is_some(), "{}: it is shown on", db.engine);
            }
        }
    }
}
