//! Algorithms, and the key each of them may be used with.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

use super::public_key::PublicKey;

/// How a token was signed (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names are those of the RFC")]
pub enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
}

impl Algorithm {
    /// The algorithm of this name; `none` is none.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "HS256" => Self::Hs256,
            "HS384" => Self::Hs384,
            "HS512" => Self::Hs512,
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "PS384" => Self::Ps384,
            "PS512" => Self::Ps512,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            _ => return None,
        })
    }

    /// Whether both sides share its key.
    pub(super) fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

/// A key that signs tokens.
#[derive(Clone)]
pub(super) enum Key {
    Secret(Vec<u8>),
    Public(PublicKey),
}

impl Key {
    /// Whether `signature` is that of `message` by this key. A key of another kind than the algorithm's signs nothing.
    pub(super) fn signs(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Self::Secret(secret), Algorithm::Hs256) => mac::<Hmac<Sha256>>(secret, message, signature),
            (Self::Secret(secret), Algorithm::Hs384) => mac::<Hmac<Sha384>>(secret, message, signature),
            (Self::Secret(secret), Algorithm::Hs512) => mac::<Hmac<Sha512>>(secret, message, signature),
            (Self::Secret(_), _) => false,
            (Self::Public(key), algorithm) => key.signs(algorithm, message, signature),
        }
    }
}

/// In constant time.
fn mac<M: Mac + KeyInit>(secret: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let Ok(mac) = <M as KeyInit>::new_from_slice(secret) else { return false };
    mac.chain_update(message).verify_slice(signature).is_ok()
}
