//! Reading the log.

use std::sync::Arc;

use kernel::{AccountId, Caller, ModLogId, Page};
use ports::sql::Database;

use super::{ModLogEntry, store};
use crate::Parts;
use crate::error::Error;
use crate::moderators::Moderators;
use crate::needs::Names;
use crate::person::People;

/// The moderation log of all channels.
pub struct ModLog {
    database: Database,
    names: Arc<dyn Names>,
    moderators: Arc<Moderators>,
}

impl ModLog {
    /// The log on these parts.
    pub fn new(parts: &Parts, moderators: Arc<Moderators>) -> Self {
        Self { database: parts.database.clone(), names: parts.names.clone(), moderators }
    }

    /// What was done in a channel before the entry `before`, latest first; for its moderators.
    pub async fn entries(
        &self,
        caller: &Caller,
        channel: &str,
        before: Option<ModLogId>,
        limit: u32,
    ) -> Result<Page<ModLogEntry>, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let rows = store::page(&self.database, acting.host, before, limit + 1).await?;
        let page = Page::cut(rows, limit as usize, |row| row.id.to_string());
        let mut accounts: Vec<AccountId> = page.items.iter().map(|row| row.moderator).collect();
        accounts.extend(page.items.iter().filter_map(|row| row.account));
        let people = People::of(&*self.names, accounts).await?;
        Ok(page.map(|row| ModLogEntry {
            id: row.id,
            at: row.at,
            moderator: people.person(row.moderator),
            act: row.act,
            account: row.account.map(|account| people.person(account)),
            broadcast: row.broadcast,
            detail: row.detail,
            reason: row.reason,
        }))
    }
}
