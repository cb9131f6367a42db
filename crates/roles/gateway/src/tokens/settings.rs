//! Which tokens are believed.

use serde::Deserialize;

/// The keys that sign tokens, and what a token has to say of itself. Without any key no token is believed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenSettings {
    /// The secret of HS256, HS384 and HS512.
    pub hmac_secret_key: String,
    /// The public key of RS… and PS…, as PEM.
    pub rsa_public_key: String,
    /// The public key of ES256 (on P-256) or ES384 (on P-384), as PEM.
    pub ecdsa_public_key: String,
    /// Where public keys are fetched from: a JSON Web Key Set.
    pub jwks_public_endpoint: String,
    /// Who a token has to be for (`aud`); empty: anybody.
    pub audience: String,
    /// Who has to have issued a token (`iss`); empty: anybody.
    pub issuer: String,
}
