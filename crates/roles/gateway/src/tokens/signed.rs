//! A token, taken apart (RFC 7515 §3.1): what was signed, the signature, and which key it names.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;

use super::Algorithm;

/// A token's bytes at the most.
pub(super) const TOKEN_BYTES_MAX: usize = 16 << 10;

/// A token whose signature has not been checked.
pub(super) struct Signed<'a> {
    pub(super) algorithm: Algorithm,
    /// The key it names; empty for none.
    pub(super) key: String,
    pub(super) message: &'a [u8],
    pub(super) signature: Vec<u8>,
    payload: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    /// Extensions that have to be understood; none are.
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

impl<'a> Signed<'a> {
    /// Takes `token` apart; none when it is no token.
    pub(super) fn parse(token: &'a str) -> Option<Self> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.crit.is_some() {
            return None;
        }
        Some(Self {
            algorithm: Algorithm::named(&header.alg)?,
            key: header.kid,
            message: signed.as_bytes(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
            payload,
        })
    }

    /// What it says; to be asked only when the signature is good.
    pub(super) fn payload(&self) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(self.payload).ok()
    }
}
