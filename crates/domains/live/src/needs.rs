//! What the live domain wants of others, and what its slices want of each other: narrow traits, wired in the binary.
//!
//! Promise: nothing here keeps anything. A need that cannot answer says so with [`NeedError`]; the slice that asked
//! decides whether it can go on without.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{
    AccountId, BroadcastId, Timestamp,
    events::live::{BroadcastState, StreamState},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody else could not answer; the sentence is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NeedError(pub String);

/// How an account is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// Its unique name.
    pub handle: String,
    /// The name shown to others.
    pub display_name: String,
}

/// Knows accounts by name (the people domain).
#[async_trait]
pub trait Names: Send + Sync + 'static {
    /// The names of these accounts; accounts that do not exist are left out.
    async fn names(&self, accounts: &[AccountId]) -> Result<HashMap<AccountId, Name>, NeedError>;
    /// The account with this handle, if there is one.
    async fn by_handle(&self, handle: &str) -> Result<Option<AccountId>, NeedError>;
}

/// What the media role does with a broadcast's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The host alone may see it; nothing is recorded.
    Preview,
    /// On air. `timeline_start` is the moment of position 0, once it is known.
    Live {
        /// Position 0 as kept by the broadcast; `None` before the first live part.
        timeline_start: Option<Timestamp>,
    },
    /// On air, the picture stopped by the host.
    Paused,
    /// Over: the recording is sealed, the playlist finished, the publisher gone.
    Ended,
}

/// Carries the streams (the media role).
#[async_trait]
pub trait Media: Send + Sync + 'static {
    /// Makes the stream be at this stage. Idempotent; called again and again.
    async fn set_stage(&self, broadcast: BroadcastId, stage: Stage);
    /// The moment of position 0 of the broadcast's timeline, once its first live part exists.
    fn timeline_start(&self, broadcast: BroadcastId) -> Option<Timestamp>;
    /// Whether an ended broadcast's recording is kept. An error means that nobody can tell at the moment.
    async fn has_replay(&self, broadcast: BroadcastId) -> Result<bool, NeedError>;
    /// Removes the recording; none there is no error.
    async fn delete_recording(&self, broadcast: BroadcastId) -> Result<(), NeedError>;
    /// How the incoming stream is doing: `{connected, publish_epoch, since?, video?, audio?, warnings}`; `None` when
    /// no stream is known.
    fn health(&self, broadcast: BroadcastId) -> Option<serde_json::Value>;
    /// Closes the publisher's connection, if there is one.
    async fn disconnect(&self, broadcast: BroadcastId);
}

/// As much of a broadcast as counting its crowd needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Show {
    /// Whose it is.
    pub host: AccountId,
    /// Where it is in its life.
    pub state: BroadcastState,
    /// Where its stream is.
    pub stream: StreamState,
    /// When it first went live.
    pub started_at: Option<Timestamp>,
    /// The moment of position 0 of its timeline, once known.
    pub timeline_start: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// Knows broadcasts (implemented by the broadcasts slice; answers from memory when it can).
#[async_trait]
pub trait Shows: Send + Sync + 'static {
    /// The broadcast, or `None` when there is none with this id. At most a second old.
    async fn show(&self, broadcast: BroadcastId) -> Result<Option<Show>, NeedError>;
}

/// How many watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct ViewerCounts {
    /// Playback sessions whose lease has not run out.
    pub concurrent: u64,
    /// Different viewers so far.
    pub unique: u64,
    /// The most at one moment so far.
    pub peak: u64,
}

/// How the players of a broadcast are doing, as they say on their beats.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct PlayerHealth {
    /// Playback sessions now.
    pub sessions: u64,
    /// Stalls per minute, over all sessions of the last minute.
    pub stalls_per_minute: f64,
    /// The median bits per second the players see, when any said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bitrate_bps: Option<u64>,
    /// How many milliseconds the players are behind what is live, as a median, when any said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind_live_ms: Option<u64>,
}

/// The crowd of a running broadcast, from memory (implemented by the viewers and hearts slices).
pub trait Audience: Send + Sync + 'static {
    /// How many watch.
    fn counts(&self, broadcast: BroadcastId) -> ViewerCounts;
    /// Hearts so far.
    fn hearts(&self, broadcast: BroadcastId) -> u64;
    /// How its players are doing.
    fn players(&self, broadcast: BroadcastId) -> PlayerHealth;
}

/// What a broadcast came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Total {
    /// Its viewers; none concurrent once it is over.
    pub viewers: ViewerCounts,
    /// Its hearts.
    pub hearts: u64,
}

/// What broadcasts that are over came to, from the store (implemented by the viewers and hearts slices).
#[async_trait]
pub trait Totals: Send + Sync + 'static {
    /// The totals of these broadcasts (a page of them); broadcasts nobody watched are left out.
    async fn totals(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError>;
}

/// What was said in a broadcast's room.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChatTotal {
    /// Messages.
    pub messages: u64,
    /// Accounts that wrote at least one.
    pub chatters: u64,
    /// The accounts that wrote most, with their messages.
    pub top: Vec<(AccountId, u64)>,
}

/// Knows what is said (the chat domain).
#[async_trait]
pub trait Chats: Send + Sync + 'static {
    /// What was said in a broadcast's room by now, with the `top` accounts.
    async fn total(&self, broadcast: BroadcastId, top: u32) -> Result<ChatTotal, NeedError>;
}
