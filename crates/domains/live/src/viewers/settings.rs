//! What a site may set about viewers.

use serde::Deserialize;

/// Settings of viewers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Players of one broadcast that count at the same time.
    pub players_per_broadcast_max: u32,
    /// Players of all broadcasts together that count at the same time.
    pub players_max: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { players_per_broadcast_max: 100_000, players_max: 250_000 }
    }
}
