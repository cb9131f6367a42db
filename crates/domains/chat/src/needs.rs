//! What chat wants of others: narrow traits, wired in the binary.

use std::collections::HashMap;

use async_trait::async_trait;
use kernel::{AccountId, BroadcastId, Timestamp};

/// Somebody else could not answer; the sentence is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NeedError(pub String);

/// As much of a broadcast as its room needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoomInfo {
    /// Whose show it is.
    pub host: AccountId,
    /// Whether the broadcast is not over: created, ready, live or paused.
    pub open: bool,
    /// When it ended, if it is over.
    pub ended_at: Option<Timestamp>,
}

/// Knows broadcasts (the live domain).
#[async_trait]
pub trait Rooms: Send + Sync + 'static {
    /// The room of a broadcast, or `None` when there is no such broadcast.
    async fn room(&self, broadcast: BroadcastId) -> Result<Option<RoomInfo>, NeedError>;
    /// The broadcasts of a host that are not over.
    async fn open_rooms(&self, host: AccountId) -> Result<Vec<BroadcastId>, NeedError>;
}

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
    /// The account with this handle, in any case of letters.
    async fn by_handle(&self, handle: &str) -> Result<Option<(AccountId, Name)>, NeedError>;
}
