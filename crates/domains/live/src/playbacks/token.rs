//! The token in the path of an address: who has it may watch one show until it runs out.
//!
//! It names no viewer, so that everybody who asks within a stretch of time has the same address, and what stands in front of
//! the site keeps one copy for all of them. Relative addresses in a playlist stay behind the token by themselves.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use kernel::{BroadcastId, Timestamp};
use sha2::Sha256;

use super::keyed::keyed;

/// What the holder of a token may see of its show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admits {
    /// What is public, or was.
    Watching,
    /// That, and what comes before it.
    Preview,
}

/// Why a text admits nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Not made here, or changed since.
    #[error("The address is not signed by this site; ask for the broadcast again.")]
    Forged,
    /// It is another show's.
    #[error("The address is signed for another broadcast.")]
    OtherShow,
    /// Its time is over.
    #[error("The address has run out; ask for the broadcast again.")]
    Expired,
}

/// A token that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// What it admits to.
    pub admits: Admits,
    /// From when on it is no longer good.
    pub expires_at: Timestamp,
}

const FIELDS_BYTES: usize = 1 + 8 + 8;
const SIGNATURE_BYTES: usize = 16;
const TOKEN_BYTES: usize = FIELDS_BYTES + SIGNATURE_BYTES;
/// Whole groups of four characters, so that each token has one spelling.
const TOKEN_CHARS: usize = TOKEN_BYTES / 3 * 4;
// A text signed with the same key for another purpose never passes for a token.
const PURPOSE: &[u8] = b"madang playback address 1";
/// A lifetime is at least so many stretches, in which everybody is given the same token.
const STRETCHES: i64 = 4;

/// Signs and reads tokens: base64url (RFC 4648 §5) of what it admits to, the broadcast, the end (both big-endian 64-bit), and the
/// first 16 bytes of their HMAC-SHA-256 (RFC 2104; truncation: §5).
#[derive(Clone)]
pub struct PlaybackTokens {
    keyed: Hmac<Sha256>,
    lifetime_ms: i64,
}

impl std::fmt::Debug for PlaybackTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlaybackTokens")
    }
}

impl PlaybackTokens {
    /// Signs with `secret`; a token is good for `lifetime_ms` and up to a quarter more.
    pub fn new(secret: &[u8; 32], lifetime_ms: i64) -> Self {
        Self { keyed: keyed(secret, PURPOSE), lifetime_ms: lifetime_ms.max(STRETCHES) }
    }

    /// The token that everybody is given who asks about now, 44 characters.
    pub fn sign(&self, broadcast: BroadcastId, admits: Admits, now: Timestamp) -> String {
        let stretch_ms = self.lifetime_ms / STRETCHES;
        let expires_at_ms = (now.as_millis() / stretch_ms + STRETCHES + 1) * stretch_ms;
        let mut bytes = [0; TOKEN_BYTES];
        let (fields, signature) = bytes.split_at_mut(FIELDS_BYTES);
        let kind = [if admits == Admits::Preview { b'p' } else { b'w' }];
        let numbers = [broadcast.raw().to_be_bytes(), expires_at_ms.to_be_bytes()];
        let all = kind.iter().chain(numbers.as_flattened());
        fields.iter_mut().zip(all).for_each(|(field, byte)| *field = *byte);
        let whole = self.keyed.clone().chain_update(&*fields).finalize().into_bytes();
        signature.copy_from_slice(&whole[..SIGNATURE_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What a text admits to at the time `now`, if it was signed here for this broadcast.
    ///
    /// # Errors
    /// [`InvalidToken`] says what is wrong with it.
    pub fn read(&self, text: &str, broadcast: BroadcastId, now: Timestamp) -> Result<Admission, InvalidToken> {
        let mut bytes = [0; TOKEN_BYTES];
        if text.len() != TOKEN_CHARS {
            return Err(InvalidToken::Forged);
        }
        URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).map_err(|_| InvalidToken::Forged)?;
        let (fields, signature) = bytes.split_at(FIELDS_BYTES);
        let signed = self.keyed.clone().chain_update(fields);
        signed.verify_truncated_left(signature).map_err(|_| InvalidToken::Forged)?;
        let (kind, numbers) = fields.split_at(1);
        let mut numbers = numbers.as_chunks::<8>().0.iter().map(|number| i64::from_be_bytes(*number));
        let (of, expires_at) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
        let expires_at = Timestamp::from_millis(expires_at);
        if of != broadcast.raw() {
            return Err(InvalidToken::OtherShow);
        }
        if expires_at <= now {
            return Err(InvalidToken::Expired);
        }
        Ok(Admission { admits: if kind == b"p" { Admits::Preview } else { Admits::Watching }, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHOW: BroadcastId = BroadcastId::from_raw(5);
    const HOUR_MS: i64 = 3_600_000;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_token_is_good_for_its_show_and_its_time_and_everybody_has_the_same() {
        let tokens = PlaybackTokens::new(&[3; 32], 4 * HOUR_MS);
        let token = tokens.sign(SHOW, Admits::Watching, at(10 * HOUR_MS));
        assert_eq!(token, tokens.sign(SHOW, Admits::Watching, at(11 * HOUR_MS - 1)), "within a quarter of its life");
        assert_ne!(token, tokens.sign(SHOW, Admits::Watching, at(11 * HOUR_MS)));
        let read = |token: &str, show, ms| tokens.read(token, show, at(ms));
        let admission = read(&token, SHOW, 15 * HOUR_MS - 1).unwrap();
        assert_eq!((admission.admits, admission.expires_at), (Admits::Watching, at(15 * HOUR_MS)));
        assert_eq!(read(&token, SHOW, 15 * HOUR_MS), Err(InvalidToken::Expired));
        assert_eq!(read(&token, BroadcastId::from_raw(6), 0), Err(InvalidToken::OtherShow));
        let other_site = PlaybackTokens::new(&[4; 32], 4 * HOUR_MS);
        assert_eq!(other_site.read(&token, SHOW, at(0)), Err(InvalidToken::Forged));
        let preview = tokens.sign(SHOW, Admits::Preview, at(0));
        assert_eq!(read(&preview, SHOW, 0).unwrap().admits, Admits::Preview);
    }

    proptest! {
        #[test]
        fn a_changed_token_is_none(place in 0..44_usize, to in "[A-Za-z0-9_-]") {
            let tokens = PlaybackTokens::new(&[3; 32], HOUR_MS);
            let token = tokens.sign(SHOW, Admits::Watching, at(0));
            prop_assert_eq!(token.len(), 44);
            let mut changed = token.clone();
            changed.replace_range(place..=place, &to);
            if changed != token {
                prop_assert_eq!(tokens.read(&changed, SHOW, at(0)), Err(InvalidToken::Forged));
            }
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,60}") {
            let read = PlaybackTokens::new(&[3; 32], HOUR_MS).read(&text, SHOW, at(0));
            prop_assert_eq!(read, Err(InvalidToken::Forged));
        }
    }
}
