//! The hearts that are kept, as any process can tell them.

use std::sync::Arc;

use kernel::{AccountId, BroadcastId, events::live::BroadcastState};
use ports::sql::Database;

use super::{Error, store};
use crate::needs::Shows;

/// Tells what is kept.
pub struct KeptHearts {
    database: Database,
    shows: Arc<dyn Shows>,
}

impl std::fmt::Debug for KeptHearts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeptHearts")
    }
}

impl KeptHearts {
    /// The hearts that `database` keeps of these shows.
    pub fn new(database: Database, shows: Arc<dyn Shows>) -> Self {
        Self { database, shows }
    }

    /// All hearts of a broadcast.
    pub async fn total(&self, broadcast: BroadcastId) -> Result<u64, Error> {
        Ok(store::totals(&self.database, &[broadcast]).await?.remove(&broadcast).unwrap_or_default())
    }

    /// The steps of a broadcast's timeline that have hearts: position in milliseconds and hearts.
    pub async fn timeline(&self, broadcast: BroadcastId) -> Result<Vec<(i64, u64)>, Error> {
        Ok(store::timeline(&self.database, broadcast).await?)
    }

    /// The accounts with the most hearts, most first.
    pub async fn fans(&self, broadcast: BroadcastId, limit: u32) -> Result<Vec<(AccountId, u64)>, Error> {
        Ok(store::fans(&self.database, broadcast, limit).await?)
    }

    /// Whether there is such a broadcast, and it is not somebody's plan.
    pub(super) async fn require_shown(&self, broadcast: BroadcastId) -> Result<(), Error> {
        let show = self.shows.show(broadcast).await?;
        let shown = show.is_some_and(|show| !matches!(show.state, BroadcastState::Created | BroadcastState::Ready));
        if shown { Ok(()) } else { Err(Error::NoBroadcast) }
    }
}
