//! What a site may set about playback sessions.

use std::num::NonZeroU32;

use kernel::Rate;
use serde::Deserialize;

/// Settings of playback sessions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long a session is good, in milliseconds. A player that goes on longer asks for a new one.
    pub session_lifetime_ms: u32,
    /// How often a player sends a beat, in milliseconds.
    pub beat_every_ms: u32,
    /// New sessions per address (an IPv4 address or an IPv6 /64): `300/min`, or `off`. Wide enough for many people
    /// behind one address.
    pub sessions_per_address: Rate,
    /// Players of one address that count at the same time; 0 switches the limit off.
    pub players_per_address_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            session_lifetime_ms: 24 * 60 * 60 * 1000,
            beat_every_ms: 5_000,
            sessions_per_address: Rate::AtMost { count: NonZeroU32::MIN.saturating_add(299), period_ms: 60_000 },
            players_per_address_max: 500,
        }
    }
}
