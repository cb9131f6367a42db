//! What can be set for packaging, recording and playback.

use serde::Deserialize;

/// Settings of the media role's playback half.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MediaSettings {
    /// How far back viewers of a live show can go, in minutes.
    pub window_minutes: u32,
    /// Megabytes of memory for recorded files that are being watched, of all shows together.
    pub cache_megabytes: u32,
    /// Days after which recordings are deleted; 0 keeps them.
    pub retention_days: u32,
    /// Whether viewers fetch the segments of replays from the store of blobs themselves, where it has addresses (S3).
    pub replays_from_store: bool,
    /// The program that takes pictures of live shows; empty: no pictures are taken.
    pub ffmpeg: String,
}

impl Default for MediaSettings {
    fn default() -> Self {
        Self {
            window_minutes: 10,
            cache_megabytes: 64,
            retention_days: 0,
            replays_from_store: false,
            ffmpeg: "ffmpeg".into(),
        }
    }
}
