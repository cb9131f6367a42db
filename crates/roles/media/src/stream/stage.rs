//! The stages of a show, as the media role needs to know them.

use kernel::Timestamp;

/// What is done with a broadcast's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Before the show: packaged in memory for the host alone, not recorded.
    Preview,
    /// On air: packaged for everyone, recorded.
    Live {
        /// Position 0 of the broadcast's timeline. Counts the first time; the show keeps it.
        timeline_start: Timestamp,
    },
    /// On air, but frames are dropped until the show goes on.
    Paused,
    /// Over: the playlist is finished, the recording sealed. Final.
    Ended,
}
