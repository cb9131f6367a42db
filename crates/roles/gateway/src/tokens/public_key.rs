//! Public keys: read from PEM (RFC 7468) or from a JSON Web Key (RFC 7517), and what they signed.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;

use super::Algorithm;

/// A public key of a kind some algorithm is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum PublicKey {
    /// Modulus and exponent, big-endian.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// A point of P-256, uncompressed.
    P256(Vec<u8>),
    /// A point of P-384, uncompressed.
    P384(Vec<u8>),
}

/// One key of a set; fields of other kinds of keys and uses are not looked at.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(default)]
pub(super) struct WebKey {
    pub(super) kty: String,
    pub(super) kid: String,
    pub(super) crv: String,
    /// `sig`, or nothing, for keys that sign.
    #[serde(rename = "use")]
    pub(super) usage: String,
    pub(super) n: String,
    pub(super) e: String,
    pub(super) x: String,
    pub(super) y: String,
}

impl PublicKey {
    /// The key in a PEM text: `PUBLIC KEY` (RFC 5280) or `RSA PUBLIC KEY` (RFC 8017).
    pub(super) fn from_pem(text: &str) -> Result<Self, String> {
        let encoded: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(encoded).map_err(|_| "it is no PEM text".to_owned())?;
        Self::from_der(&der).ok_or_else(|| "it is no public key of RSA, P-256 or P-384".to_owned())
    }

    fn from_der(der: &[u8]) -> Option<Self> {
        let (outer, _) = element(der, SEQUENCE)?;
        // SubjectPublicKeyInfo: what kind of key it is, then the key in a bit string. RSAPublicKey: two numbers.
        let Some((_, rest)) = element(outer, SEQUENCE) else { return Self::from_rsa_numbers(outer) };
        let (bits, _) = element(rest, BIT_STRING)?;
        let key = bits.strip_prefix(&[0])?;
        match (key.first(), key.len()) {
            (Some(4), 65) => Some(Self::P256(key.to_vec())),
            (Some(4), 97) => Some(Self::P384(key.to_vec())),
            _ => Self::from_rsa_numbers(element(key, SEQUENCE)?.0),
        }
    }

    fn from_rsa_numbers(numbers: &[u8]) -> Option<Self> {
        let (modulus, rest) = element(numbers, INTEGER)?;
        let (exponent, _) = element(rest, INTEGER)?;
        Some(Self::Rsa { modulus: without_zeros(modulus), exponent: without_zeros(exponent) })
    }

    /// The key of a set's entry; none when it is of a kind that signs no tokens here.
    pub(super) fn from_web_key(key: &WebKey) -> Option<Self> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        if !["", "sig"].contains(&key.usage.as_str()) {
            return None;
        }
        match (key.kty.as_str(), key.crv.as_str()) {
            ("RSA", _) => {
                Some(Self::Rsa { modulus: without_zeros(&bytes(&key.n)?), exponent: without_zeros(&bytes(&key.e)?) })
            }
            ("EC", "P-256") => Some(Self::P256(point(&bytes(&key.x)?, &bytes(&key.y)?, 32)?)),
            ("EC", "P-384") => Some(Self::P384(point(&bytes(&key.x)?, &bytes(&key.y)?, 48)?)),
            _ => None,
        }
    }

    pub(super) fn signs(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let on_curve = |way: &'static dyn VerificationAlgorithm, point: &[u8]| {
            UnparsedPublicKey::new(way, point).verify(message, signature).is_ok()
        };
        match (self, algorithm) {
            (Self::P256(point), Algorithm::Es256) => on_curve(&signature::ECDSA_P256_SHA256_FIXED, point),
            (Self::P384(point), Algorithm::Es384) => on_curve(&signature::ECDSA_P384_SHA384_FIXED, point),
            (Self::Rsa { modulus, exponent }, algorithm) => {
                let way = match algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
                    Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
                    _ => return false,
                };
                RsaPublicKeyComponents { n: modulus, e: exponent }.verify(way, message, signature).is_ok()
            }
            _ => false,
        }
    }
}

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;
const INTEGER: u8 = 0x02;

/// The content of the DER element (X.690) that begins `input`, if it has this tag, and what follows it.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (first, rest) = input.split_first().filter(|(first, _)| **first == tag)?;
    debug_assert_eq!(*first, tag);
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

fn without_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

fn point(x: &[u8], y: &[u8], size: usize) -> Option<Vec<u8>> {
    (x.len() == size && y.len() == size).then(|| [&[4], x, y].concat())
}
