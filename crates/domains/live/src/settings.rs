//! The settings of the live domain.

use std::num::NonZeroU32;

use kernel::{Adjustable, Rate};
use rest::HostName;
use serde::Deserialize;

use crate::crowd;

/// Stands in the ingest URL for the name by which the site was reached.
pub const HOST_PLACEHOLDER: &str = "{host}";

/// Settings of the live domain.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where encoders publish, as hosts are told it: `rtmp://host:port/live`. A [`HOST_PLACEHOLDER`] in it is replaced by
    /// the name by which the host came to the site.
    pub ingest_url: String,
    /// What stands before `/live/…` in playback and thumbnail addresses; empty: the site itself.
    pub playback_base_url: String,
    /// Whether shows are played only at addresses that are signed and run out.
    pub playback_tokens: bool,
    /// How long such an address is good at least, in minutes.
    pub playback_token_minutes: u32,
    /// Seconds a live broadcast waits for an encoder that went away, before it ends by itself.
    pub grace_s: u32,
    /// Seconds a broadcast may be paused, or live before any stream has come, before it ends by itself.
    pub pause_max_s: u32,
    /// Whether broadcasts can be created, with a lasting key too. Those that are there go on.
    pub new_broadcasts: Adjustable<bool>,
    /// How many broadcasts an account may create, with its lasting key too: `20/h`, or `off`.
    pub broadcast_rate: Adjustable<Rate>,
    /// Broadcasts of a channel that have not ended, at the most.
    pub open_broadcasts_max: u32,
    /// The crowd: playback sessions, viewers, hearts.
    pub crowd: crowd::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ingest_url: "rtmp://127.0.0.1:1935/live".into(),
            playback_base_url: String::new(),
            playback_tokens: false,
            playback_token_minutes: 24 * 60,
            grace_s: 30,
            pause_max_s: 30 * 60,
            new_broadcasts: true.into(),
            broadcast_rate: Rate::AtMost { count: NonZeroU32::MIN.saturating_add(19), period_ms: 3_600_000 }.into(),
            open_broadcasts_max: 10,
            crowd: crowd::Settings::default(),
        }
    }
}

/// The ingest URL for a client that came by `host`.
pub(crate) fn ingest_url(setting: &str, host: &HostName) -> String {
    setting.replace(HOST_PLACEHOLDER, &host.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ingest_url_names_the_host_the_client_came_by_only_where_it_is_left_open() {
        let host = HostName("studio.example".into());
        assert_eq!(ingest_url("rtmp://{host}:1935/live", &host), "rtmp://studio.example:1935/live");
        assert_eq!(ingest_url("rtmp://in.example/live", &host), "rtmp://in.example/live");
    }
}
