//! The settings of chat.

use std::num::NonZeroU32;

use kernel::{Adjustable, Rate};
use serde::Deserialize;

use crate::room_settings::Emotes;

/// What an operator can set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Messages an account may send in any window of that length; five times as many for the host in its own room.
    /// Each process counts for itself.
    pub rate: Adjustable<Rate>,
    /// Messages a room takes from all its viewers together. Each process counts for itself.
    pub room_rate: Adjustable<Rate>,
    /// Seconds for which a room stays open after its broadcast ended.
    pub after_end_s: u32,
    /// The emotes of the site, as `code=emoji`.
    pub emotes: Emotes,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rate: Rate::AtMost { count: NonZeroU32::MIN.saturating_add(19), period_ms: 30_000 }.into(),
            room_rate: Rate::AtMost { count: NonZeroU32::MIN.saturating_add(1_999), period_ms: 10_000 }.into(),
            after_end_s: 0,
            emotes: Emotes::default(),
        }
    }
}
