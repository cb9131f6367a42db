//! The settings of chat.

use std::num::NonZeroU32;

use kernel::Rate;
use serde::Deserialize;

/// What an operator can set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Messages an account may send in any window of that length; five times as many for the host in its own room.
    /// Each process counts for itself.
    pub rate: Rate,
    /// Seconds for which a room stays open after its broadcast ended.
    pub after_end_s: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rate: Rate::AtMost { count: NonZeroU32::MIN.saturating_add(19), period_ms: 30_000 }, after_end_s: 0 }
    }
}
