//! Facts about broadcasts.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::{AccountId, BroadcastId, Timestamp};

/// Where a broadcast is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BroadcastState {
    /// Made, and scheduled for later.
    Created,
    /// Waiting for its stream or its start.
    Ready,
    /// On air.
    Live,
    /// On air, but the host has stopped the picture for a while.
    Paused,
    /// Over. Final.
    Ended,
}

/// Where a broadcast's media bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StreamState {
    /// No publisher has come yet, or the show is over.
    Absent,
    /// A publisher is sending.
    Arriving,
    /// The publisher went away; the grace time runs.
    Interrupted,
}

/// A broadcast was created or changed its state or its stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BroadcastChanged {
    /// Which broadcast.
    pub broadcast: BroadcastId,
    /// Whose.
    pub host: AccountId,
    /// Its state now.
    pub state: BroadcastState,
    /// Its stream now.
    pub stream: StreamState,
    /// The publish epoch now: grows by one with each publisher session; 0 before the first.
    pub publish_epoch: i64,
    /// When.
    pub at: Timestamp,
}

impl Event for BroadcastChanged {
    const KIND: &'static str = "live.broadcast_changed";
    fn key(&self) -> String {
        self.broadcast.to_string()
    }
}
