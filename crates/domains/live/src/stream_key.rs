//! Stream keys: what an encoder shows to publish. Shown once, kept as a hash.
//!
//! Promise: 160 unpredictable bits each, so a plain SHA-256 is enough to keep and to look them up; the prefix says what
//! a key opens, and nothing else does.

use std::fmt::Write;

use kernel::{Random, random::RandomError};
use sha2::{Digest, Sha256};

/// Longest key that is looked up, in bytes.
const KEY_BYTES_MAX: usize = 64;
const RANDOM_BYTES: usize = 20;

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// One broadcast, as long as it has not ended.
    Broadcast,
    /// A channel, whatever it shows.
    Channel,
}

impl KeyKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Broadcast => "bk_",
            Self::Channel => "ck_",
        }
    }

    /// What this key would open, if it is a key at all.
    pub(crate) fn of(key: &str) -> Option<Self> {
        let short = key.len() <= KEY_BYTES_MAX;
        [Self::Broadcast, Self::Channel].into_iter().find(|kind| short && key.starts_with(kind.prefix()))
    }
}

/// A new key.
pub(crate) fn generate(kind: KeyKind, random: &dyn Random) -> Result<String, RandomError> {
    let mut bytes = [0; RANDOM_BYTES];
    random.fill(&mut bytes)?;
    Ok(format!("{}{}", kind.prefix(), hex(&bytes)))
}

/// What is kept of a key.
pub(crate) fn hash(key: &str) -> String {
    hex(&Sha256::digest(key.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use engines::system::SystemRandom;

    use super::*;

    #[test]
    fn keys_differ_say_what_they_open_and_are_kept_as_a_hash() {
        let first = generate(KeyKind::Channel, &SystemRandom).unwrap();
        let second = generate(KeyKind::Channel, &SystemRandom).unwrap();
        assert_ne!(first, second);
        assert_eq!(KeyKind::of(&first), Some(KeyKind::Channel));
        assert_eq!(KeyKind::of(&generate(KeyKind::Broadcast, &SystemRandom).unwrap()), Some(KeyKind::Broadcast));
        assert_eq!(KeyKind::of("live"), None);
        assert_eq!(KeyKind::of(&format!("ck_{}", "0".repeat(70))), None);
        assert!(!hash(&first).contains(&first[3..]));
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
