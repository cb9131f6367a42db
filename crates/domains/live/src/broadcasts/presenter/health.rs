//! How a broadcast's stream and players are doing, as its studio shows it.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::needs::PlayerHealth;

/// The picture of the incoming stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct VideoHealth {
    /// The codec, as media names it.
    pub codec: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second, measured.
    pub fps: Option<f64>,
    /// Bits per second, measured.
    pub bitrate_bps: Option<u64>,
    /// Milliseconds between keyframes, measured.
    pub keyframe_interval_ms: Option<u64>,
}

/// The sound of the incoming stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AudioHealth {
    /// The codec, as media names it.
    pub codec: String,
    /// Samples per second.
    pub sample_rate: u32,
    /// Channels.
    pub channels: u32,
    /// Bits per second, measured.
    pub bitrate_bps: Option<u64>,
}

/// Something the host should mend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
}

/// How a broadcast is doing.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Health {
    /// Whether a publisher is connected.
    pub connected: bool,
    /// The publish epoch; 0 before the first publisher.
    pub publish_epoch: i64,
    /// Since when the publisher is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The incoming picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<VideoHealth>,
    /// The incoming sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<AudioHealth>,
    /// What the host should mend.
    pub warnings: Vec<Warning>,
    /// How the players are doing.
    pub players: PlayerHealth,
}

/// The stream's part, as media says it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct StreamHealth {
    connected: bool,
    publish_epoch: Option<i64>,
    since: Option<Timestamp>,
    video: Option<VideoHealth>,
    audio: Option<AudioHealth>,
    warnings: Vec<Warning>,
}

impl Health {
    /// Puts together what media says of the stream and what the players say of themselves.
    pub(super) fn of(stream: Option<serde_json::Value>, publish_epoch: i64, players: PlayerHealth) -> Self {
        let stream = stream.map(serde_json::from_value).transpose().unwrap_or_else(|error| {
            tracing::error!(%error, "media speaks of a stream's health in other words than expected");
            None
        });
        let StreamHealth { connected, publish_epoch: streamed_epoch, since, video, audio, warnings } =
            stream.unwrap_or_default();
        let publish_epoch = streamed_epoch.unwrap_or(publish_epoch);
        Self { connected, publish_epoch, since, video, audio, warnings, players }
    }
}
