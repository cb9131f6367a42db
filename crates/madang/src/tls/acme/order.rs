//! One order: names are proved, a certificate is made of them (RFC 8555 §7.4).

use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use std::time::Duration;

use super::AcmeError;

/// How long the authority may look at the names, and make the certificate.
const POLLING: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(120));

/// What came of it.
pub(super) struct Got {
    /// PEM, the own certificate first.
    pub(super) chain: String,
    /// PKCS #8 as DER.
    pub(super) key: Vec<u8>,
}

/// An order that waits for proofs.
pub(super) struct Open(Order);

impl Open {
    /// Orders a certificate for these names. By name: what has to be shown for it; names that are proved already are not among them.
    pub(super) async fn place(
        account: &Account,
        names: &[String],
    ) -> Result<(Self, Vec<(String, Vec<u8>)>), AcmeError> {
        let identifiers: Vec<_> = names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
        let mut to_show = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status != AuthorizationStatus::Pending {
                continue;
            }
            let name = authorization.identifier().to_string();
            let challenge = authorization.challenge(ChallengeType::TlsAlpn01);
            let challenge = challenge.ok_or_else(|| AcmeError::NoChallenge(name.clone()))?;
            to_show.push((name, challenge.key_authorization().digest().as_ref().to_vec()));
        }
        Ok((Self(order), to_show))
    }

    /// Lets the authority look at what is shown by now, and has the certificate made.
    pub(super) async fn fulfil(self, names: &[String]) -> Result<Got, AcmeError> {
        let Self(mut order) = self;
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status != AuthorizationStatus::Pending {
                continue;
            }
            if let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) {
                challenge.set_ready().await?;
            }
        }
        if order.poll_ready(&POLLING).await? != OrderStatus::Ready {
            return Err(AcmeError::Refused(reasons(&mut order).await?));
        }
        let key = KeyPair::generate()?;
        let mut wanted = CertificateParams::new(names)?;
        wanted.distinguished_name = DistinguishedName::new();
        order.finalize_csr(wanted.serialize_request(&key)?.der()).await?;
        let chain = order.poll_certificate(&POLLING).await?;
        Ok(Got { chain, key: key.serialize_der() })
    }
}

/// Why names were not proved, in the authority's words.
async fn reasons(order: &mut Order) -> Result<String, AcmeError> {
    let mut told = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        let name = authorization.identifier().to_string();
        let now = authorization.refresh().await?;
        let problems = now.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        told.extend(problems.map(|problem| format!("{name}: {problem}")));
    }
    Ok(if told.is_empty() { "it does not say why".into() } else { told.join("; ") })
}
