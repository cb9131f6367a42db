//! The longest part, as `EXT-X-PART-INF` announces it.

use super::sample::{TICKS_PER_MS, Ticks};

/// What is announced is rounded up to this, so that the jitter of millisecond timestamps does not change it.
const STEP: Ticks = 10 * TICKS_PER_MS;

/// Grows with the longest part and never shrinks. It is settled before the first playlist is served, because that one
/// waits for a whole segment.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PartTarget(Ticks);

impl PartTarget {
    /// Takes the length of a part into account.
    pub(crate) fn cover(&mut self, part: Ticks) {
        if part > self.0 {
            self.0 = (part + TICKS_PER_MS + STEP - 1) / STEP * STEP;
        }
    }

    /// The announced length.
    pub(crate) fn ticks(self) -> Ticks {
        self.0.max(STEP)
    }
}
