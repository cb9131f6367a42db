//! Whether a token is believed, and what it says.

use std::sync::Arc;

use kernel::{Clock, Timestamp};
use serde::de::DeserializeOwned;

use super::{
    ConnectionClaims, SubscriptionClaims, TokenSettings,
    claims::{Common, RawConnection, RawSubscription},
    key_set::{KeySet, KeySource},
    keys::Key,
    public_key::PublicKey,
    signed::Signed,
};

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It has run out: its holder fetches a new one.
    #[error("the token has run out")]
    Expired,
    /// It is none of ours.
    #[error("the token is none of ours")]
    Invalid,
    /// The keys cannot be fetched now.
    #[error("the keys that sign tokens cannot be fetched")]
    Unavailable,
}

/// Checks tokens.
pub struct Verifier {
    keys: Vec<Key>,
    key_set: Option<KeySet>,
    audience: String,
    issuer: String,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// A verifier by these settings; `source` fetches what stands at the endpoint they name. An error names the setting that
    /// cannot be used.
    pub fn new(
        settings: &TokenSettings,
        source: Option<Arc<dyn KeySource>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let mut keys = Vec::new();
        if !settings.hmac_secret_key.is_empty() {
            keys.push(Key::Secret(settings.hmac_secret_key.clone().into_bytes()));
        }
        for (name, text) in
            [("rsa_public_key", &settings.rsa_public_key), ("ecdsa_public_key", &settings.ecdsa_public_key)]
        {
            if !text.is_empty() {
                let key = PublicKey::from_pem(text).map_err(|error| format!("{name} cannot be used: {error}"))?;
                if matches!(key, PublicKey::Rsa { .. }) != (name == "rsa_public_key") {
                    return Err(format!("{name} cannot be used: it is a key of another kind"));
                }
                keys.push(Key::Public(key));
            }
        }
        let key_set = source.map(|source| KeySet::new(source, clock.clone()));
        Ok(Self { keys, key_set, audience: settings.audience.clone(), issuer: settings.issuer.clone(), clock })
    }

    /// Whether there is any key: without one no token is believed.
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty() || self.key_set.is_some()
    }

    /// What a connection token says.
    pub async fn connection(&self, token: &str) -> Result<ConnectionClaims, TokenError> {
        let (payload, common) = self.check(token).await?;
        let raw: RawConnection = parse(&payload)?;
        raw.claims(&common).ok_or(TokenError::Invalid)
    }

    /// What a subscription token says.
    pub async fn subscription(&self, token: &str) -> Result<SubscriptionClaims, TokenError> {
        let (payload, common) = self.check(token).await?;
        let raw: RawSubscription = parse(&payload)?;
        raw.claims(&payload, &common).ok_or(TokenError::Invalid)
    }

    async fn check(&self, token: &str) -> Result<(Vec<u8>, Common), TokenError> {
        let signed = Signed::parse(token).ok_or(TokenError::Invalid)?;
        if !self.is_ours(&signed).await? {
            return Err(TokenError::Invalid);
        }
        let payload = signed.payload().ok_or(TokenError::Invalid)?;
        let common: Common = parse(&payload)?;
        self.judge(&common, self.clock.now())?;
        Ok((payload, common))
    }

    async fn is_ours(&self, signed: &Signed<'_>) -> Result<bool, TokenError> {
        let Signed { algorithm, message, signature, .. } = signed;
        if self.keys.iter().any(|key| key.signs(*algorithm, message, signature)) {
            return Ok(true);
        }
        match &self.key_set {
            Some(set) if !algorithm.is_symmetric() => {
                Ok(set.find(&signed.key).await?.iter().any(|key| key.signs(*algorithm, message, signature)))
            }
            _ => Ok(false),
        }
    }

    fn judge(&self, common: &Common, now: Timestamp) -> Result<(), TokenError> {
        let meant_for_us =
            self.audience.is_empty() || common.aud.as_ref().is_some_and(|aud| aud.contains(&self.audience));
        let issued_by_ours = self.issuer.is_empty() || common.iss.as_deref() == Some(self.issuer.as_str());
        if !meant_for_us || !issued_by_ours || common.nbf.is_some_and(|nbf| now < nbf.moment()) {
            return Err(TokenError::Invalid);
        }
        if common.exp.is_some_and(|exp| now >= exp.moment()) {
            return Err(TokenError::Expired);
        }
        Ok(())
    }
}

fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, TokenError> {
    serde_json::from_slice(payload).map_err(|_| TokenError::Invalid)
}
