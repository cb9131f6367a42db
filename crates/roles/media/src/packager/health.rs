//! What the host is told about the incoming stream.

use kernel::Timestamp;
use serde::Serialize;

/// The incoming stream, as measured over the last seconds.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StreamHealth {
    /// Whether a publisher is there.
    pub connected: bool,
    /// The publish epoch; 0 before the first.
    pub publish_epoch: i64,
    /// Since when this publisher has been there.
    pub since: Option<Timestamp>,
    /// The picture, once its settings have come.
    pub video: Option<VideoHealth>,
    /// The sound, once its settings have come.
    pub audio: Option<AudioHealth>,
    /// What the host should look into.
    pub warnings: Vec<Warning>,
}

/// The incoming picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VideoHealth {
    /// Its codec by its RFC 6381 name.
    pub codec: String,
    /// Width in pixels.
    pub width: u16,
    /// Height in pixels.
    pub height: u16,
    /// Frames per second; 0 until measured.
    pub fps: f64,
    /// Bits per second.
    pub bitrate_bps: u64,
    /// Milliseconds between the last two keyframes.
    pub keyframe_interval_ms: Option<u32>,
}

/// The incoming sound.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AudioHealth {
    /// Its codec by its RFC 6381 name.
    pub codec: String,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u8,
    /// Bits per second.
    pub bitrate_bps: u64,
}

/// One thing the host should look into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// A stable word: `keyframe_interval`, `no_audio`, `no_video`, `bitrate_unstable`, `timestamps_jumped`,
    /// `settings_unusable`, `recording_behind`.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

impl Warning {
    pub(crate) fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}
