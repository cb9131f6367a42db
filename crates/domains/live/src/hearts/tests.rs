//! Batches count once or not at all, whatever clients, the store and the process do.

mod model;
mod rules;
mod two_processes;

use super::Settings;
use crate::crowd;

/// The rates off, so that only the rules of counting are at work.
fn without_rates() -> crowd::Settings {
    let off = kernel::Rate::Off;
    let hearts = Settings {
        taps_per_session: off.into(),
        taps_per_viewer: off.into(),
        taps_per_address: off.into(),
        behind_live_max_ms: u32::MAX,
        ..Settings::default()
    };
    crowd::Settings { hearts, ..crowd::Settings::default() }
}
