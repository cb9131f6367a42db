//! What a site may set about hearts.

use std::num::NonZeroU32;

use kernel::{Adjustable, Rate, limits};
use serde::Deserialize;

/// Settings of hearts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Taps in one batch, up to 256.
    pub taps_per_batch_max: usize,
    /// Taps of one session, `120/10s` or `off`: twelve a second is what fast fingers do; ten seconds' worth may come at
    /// once, because taps gather while there is no network.
    pub taps_per_session: Adjustable<Rate>,
    /// Taps of one account over all its sessions, `240/10s` or `off`.
    pub taps_per_viewer: Adjustable<Rate>,
    /// Taps of one address (an IPv4 address or an IPv6 /64), `12000/10s` or `off`. Wide enough for many people behind
    /// one address.
    pub taps_per_address: Adjustable<Rate>,
    /// How far behind the live edge hearts may be tapped, in milliseconds: at least the player's window for going back.
    pub behind_live_max_ms: u32,
    /// How far a position may be outside of what is possible, in milliseconds.
    pub position_tolerance_ms: u32,
    /// Sessions of one broadcast whose hearts are in memory, at the most.
    pub sessions_per_broadcast_max: usize,
    /// Batches of one broadcast that wait to be kept, at the most: reached only when the store fails for long.
    pub unsaved_batches_max: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            taps_per_batch_max: 120,
            taps_per_session: in_ten_seconds(120).into(),
            taps_per_viewer: in_ten_seconds(240).into(),
            taps_per_address: in_ten_seconds(12_000).into(),
            behind_live_max_ms: 10 * 60 * 1000,
            position_tolerance_ms: 10_000,
            sessions_per_broadcast_max: 200_000,
            unsaved_batches_max: 500_000,
        }
    }
}

const fn in_ten_seconds(count: u32) -> Rate {
    Rate::AtMost { count: NonZeroU32::MIN.saturating_add(count - 1), period_ms: 10_000 }
}

impl Settings {
    /// Taps in one batch that could ever pass: no more than the session's rate allows at once.
    pub(super) fn taps_max(&self) -> usize {
        let at_once = match self.taps_per_session.get() {
            Rate::Off => usize::MAX,
            Rate::AtMost { count, .. } => count.get() as usize,
        };
        self.taps_per_batch_max.min(limits::HEART_TAPS).min(at_once)
    }
}
