//! What a channel is, and the rule for titles.

use kernel::{AccountId, BroadcastId, ChannelId, Timestamp, limits};

use super::Error;

/// A streamer's permanent place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// The channel.
    pub id: ChannelId,
    /// Whose it is.
    pub account: AccountId,
    /// The title of broadcasts that begin with the lasting key.
    pub default_title: String,
    /// Whether a lasting stream key was made.
    pub has_stream_key: bool,
}

/// What a channel refused last to an encoder that goes on after the end of its show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The show that ended under the encoder.
    pub(crate) ended: BroadcastId,
    /// When it was refused.
    pub(crate) at: Timestamp,
    /// Until when it is refused.
    pub(crate) until: Timestamp,
}

/// A title as it is kept: trimmed, one line, within its limit.
pub(crate) fn checked_title(text: &str) -> Result<String, Error> {
    let title = text.trim();
    let characters = title.chars().count();
    if !limits::TITLE_CHARS.contains(&characters) {
        return Err(Error::TitleLength { characters });
    }
    if title.chars().any(char::is_control) {
        return Err(Error::TitleControlCharacter);
    }
    Ok(title.to_owned())
}
