//! The session's text: who watches what since when, and a signature.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use kernel::{BroadcastId, PlaybackId, Timestamp};
use sha2::Sha256;

use super::{Viewer, keyed::keyed};

/// One player's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The player.
    pub playback: PlaybackId,
    /// What it plays.
    pub broadcast: BroadcastId,
    /// Who watches.
    pub viewer: Viewer,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is no longer good.
    pub expires_at: Timestamp,
}

/// The text is not a session of this site, or it has expired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSession {
    /// Not made here, or changed since.
    #[error("The session is not one of this site; ask for one with POST /api/v1/playbacks.")]
    Forged,
    /// Its time is over.
    #[error("The session has expired; ask for a new one with POST /api/v1/playbacks.")]
    Expired,
}

const FIELDS_BYTES: usize = 5 * 8;
const SIGNATURE_BYTES: usize = 16;
const SESSION_BYTES: usize = FIELDS_BYTES + SIGNATURE_BYTES;
const SESSION_CHARS: usize = (SESSION_BYTES * 4).div_ceil(3);
// Another kind of text signed with the same key can then never pass for a session.
const PURPOSE: &[u8] = b"madang playback session 1";

/// Signs and reads sessions: base64url (RFC 4648 §5, no padding) of five big-endian 64-bit fields and the first 16 bytes
/// of their HMAC-SHA-256 (RFC 2104; truncation: §5).
#[derive(Clone)]
pub struct Sessions {
    keyed: Hmac<Sha256>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    /// Signs with `secret`.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self { keyed: keyed(secret, PURPOSE) }
    }

    /// The session as text, 75 characters.
    pub fn sign(&self, session: &Session) -> String {
        let mut bytes = [0; SESSION_BYTES];
        let (fields, signature) = bytes.split_at_mut(FIELDS_BYTES);
        let numbers = [
            session.playback.raw(),
            session.broadcast.raw(),
            session.viewer.raw(),
            session.issued_at.as_millis(),
            session.expires_at.as_millis(),
        ];
        for (field, number) in fields.chunks_exact_mut(8).zip(numbers) {
            field.copy_from_slice(&number.to_be_bytes());
        }
        let whole = self.keyed.clone().chain_update(&*fields).finalize().into_bytes();
        signature.copy_from_slice(&whole[..SIGNATURE_BYTES]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The session a text stands for, if it was signed here and is good at the time `now`.
    pub fn read(&self, text: &str, now: Timestamp) -> Result<Session, InvalidSession> {
        // The decoder wants room for whole groups of four characters.
        let mut room = [0; SESSION_CHARS.div_ceil(4) * 3];
        if text.len() != SESSION_CHARS {
            return Err(InvalidSession::Forged);
        }
        let decoded = URL_SAFE_NO_PAD.decode_slice(text, &mut room).map_err(|_| InvalidSession::Forged)?;
        let bytes = room.get(..decoded).ok_or(InvalidSession::Forged)?;
        let (fields, signature) = bytes.split_at_checked(FIELDS_BYTES).ok_or(InvalidSession::Forged)?;
        if signature.len() != SIGNATURE_BYTES {
            return Err(InvalidSession::Forged);
        }
        let signed = self.keyed.clone().chain_update(fields);
        signed.verify_truncated_left(signature).map_err(|_| InvalidSession::Forged)?;
        let session = from_fields(fields);
        if session.expires_at <= now { Err(InvalidSession::Expired) } else { Ok(session) }
    }
}

fn from_fields(fields: &[u8]) -> Session {
    let mut numbers = [0; FIELDS_BYTES / 8];
    for (number, field) in numbers.iter_mut().zip(fields.as_chunks::<8>().0) {
        *number = i64::from_be_bytes(*field);
    }
    let [playback, broadcast, viewer, issued_at, expires_at] = numbers;
    Session {
        playback: PlaybackId::from_raw(playback),
        broadcast: BroadcastId::from_raw(broadcast),
        viewer: Viewer::from_raw(viewer),
        issued_at: Timestamp::from_millis(issued_at),
        expires_at: Timestamp::from_millis(expires_at),
    }
}
