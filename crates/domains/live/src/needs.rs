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

/// What is done with a broadcast's stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// The host alone may see it; nothing is recorded.
    Preview,
    /// On air.
    Live {
        /// The moment of position 0.
        timeline_start: Timestamp,
    },
    /// On air, the picture stopped by the host.
    Paused,
    /// Over: the recording is sealed, the playlist finished, the publisher gone.
    Ended,
}

impl Stage {
    /// Whether it is the same stage, whenever the show began.
    pub fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }
}

/// One process's hold of a show's stream, and how far it has come. When the stream moves to another process, that one begins
/// a take behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Take {
    /// 0 for the first; else the publish epoch with which it began.
    pub number: i64,
    /// The next media sequence number.
    pub sequence: i64,
    /// The discontinuities so far.
    pub discontinuities: i64,
}

/// A stream as the process that has it sees it now.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamNow {
    /// Its take.
    pub take: Take,
    /// The publish epoch of the latest publisher; 0 before the first.
    pub publish_epoch: i64,
    /// Whether that publisher is there.
    pub connected: bool,
    /// Whether it has sent a picture or a sound.
    pub sends: bool,
    /// How it is doing, for its host: `{connected, publish_epoch, since?, video?, audio?, warnings}`.
    pub health: serde_json::Value,
}

/// The other processes of the site. One of them has the stream, and looks at its row every second; told of a change, at once.
pub trait OtherProcesses: Send + Sync + 'static {
    /// What is to become of the broadcast's stream was decided here. May be lost; must return at once.
    fn changed(&self, broadcast: BroadcastId);
}

/// The streams of this process (the media role): those whose publisher it has or had, and whose recording is in its
/// spool. It makes and keeps them; what is to become of them it is told by nobody: [`crate::Broadcasts`] looks at the
/// broadcasts' rows, within the same process.
#[async_trait]
pub trait OwnStreams: Send + Sync + 'static {
    /// Names the spool; the same after every restart.
    fn owner(&self) -> &str;
    /// Where other processes of the site reach this one.
    fn address(&self) -> &str;
    /// The broadcasts of which something is here: a stream, or a recording on its way to the blobs.
    fn held(&self) -> Vec<BroadcastId>;
    /// The stage of a stream that is here.
    fn stage(&self, broadcast: BroadcastId) -> Option<Stage>;
    /// How a stream that is here is doing.
    fn now(&self, broadcast: BroadcastId) -> Option<StreamNow>;
    /// Whether the recording of a show that is over is on its way to the blobs.
    fn is_sealing(&self, broadcast: BroadcastId) -> bool;
    /// This process is given the broadcast's publisher: its stream is here from now on, as this take, at this stage.
    async fn expect(&self, broadcast: BroadcastId, take: Take, stage: Stage);
    /// Another process has the stream: what is here of this take is completed and sealed, and nothing more is made. Where it
    /// is not here, nothing happens.
    async fn let_go(&self, broadcast: BroadcastId, take: i64);
    /// Moves a stream that is here to this stage; where there is none, nothing happens. Idempotent.
    async fn set_stage(&self, broadcast: BroadcastId, stage: Stage);
    /// Closes the publisher's connection, if there is one.
    async fn disconnect(&self, broadcast: BroadcastId);
    /// Lets go of everything that was recorded, here and among the blobs. Idempotent.
    async fn forget(&self, broadcast: BroadcastId) -> Result<(), NeedError>;
}

/// The recordings of the site (blobs), which every process sees that has the blobs.
#[async_trait]
pub trait Recordings: Send + Sync + 'static {
    /// Whether an ended broadcast's recording is kept. An error means that nobody can tell at the moment.
    async fn has_replay(&self, broadcast: BroadcastId) -> Result<bool, NeedError>;
    /// Removes the recording; none there is no error.
    async fn remove(&self, broadcast: BroadcastId) -> Result<(), NeedError>;
    /// Whether they were marked so.
    async fn has_mark(&self, mark: &str) -> Result<bool, NeedError>;
    /// Marks them; a mark lasts.
    async fn set_mark(&self, mark: &str) -> Result<(), NeedError>;
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
    /// The moment of position 0 of its timeline, once it has begun.
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

/// The crowds of running broadcasts, about a second old at the most (implemented by [`crate::reports`]: from the memory of
/// the process that counts them, or from the rows it writes).
#[async_trait]
pub trait Audience: Send + Sync + 'static {
    /// The crowds of these broadcasts (a page of them); those nobody has watched are left out.
    async fn crowds(&self, broadcasts: &[BroadcastId]) -> Result<HashMap<BroadcastId, Total>, NeedError>;
    /// How its players are doing.
    async fn players(&self, broadcast: BroadcastId) -> Result<PlayerHealth, NeedError>;
}

/// What a broadcast came to, so far.
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
