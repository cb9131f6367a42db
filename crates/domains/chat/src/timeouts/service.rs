//! Silencing for a while, and lifting that.

use std::sync::Arc;

use kernel::{AccountId, BroadcastId, Caller, Clock, Page, Snowflake, limits};
use ports::sql::Database;

use super::model::{Row, Timeout};
use super::store;
use crate::Parts;
use crate::error::{Error, checked_reason};
use crate::mod_log::{self, Act};
use crate::moderators::Moderators;
use crate::needs::Names;
use crate::person::People;

/// The timeouts of all rooms.
pub struct Timeouts {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    names: Arc<dyn Names>,
    moderators: Arc<Moderators>,
}

impl Timeouts {
    /// The timeouts slice on these parts.
    pub fn new(parts: &Parts, moderators: Arc<Moderators>) -> Self {
        Self {
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            database: parts.database.clone(),
            names: parts.names.clone(),
            moderators,
        }
    }

    /// Silences `account` in the broadcast's room for `seconds` from now on; a timeout it has already is replaced.
    pub async fn time_out(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        account: AccountId,
        seconds: u32,
        reason: Option<String>,
    ) -> Result<Timeout, Error> {
        let (acting, _) = self.moderators.in_room(caller, broadcast).await?;
        if !limits::TIMEOUT_SECONDS.contains(&seconds) {
            return Err(Error::Seconds(seconds));
        }
        let reason = checked_reason(reason)?;
        let person = self.moderators.silenceable(&acting, account).await?;
        let record = acting.record(&self.ids, &*self.clock, Act::TimedOut).about(account).in_room(broadcast);
        let record = record.detailed(seconds.to_string()).because(reason.clone());
        let until = record.at.plus_millis(i64::from(seconds) * 1_000);
        let row = Row { account, until, reason, at: record.at };
        let mut tx = self.database.write().await?;
        store::set(&mut tx, broadcast, &row, acting.by).await?;
        mod_log::record(&mut tx, &record).await?;
        tx.commit().await?;
        metrics::counter!("madang_chat_timeouts_total").increment(1);
        Ok(Timeout { account: person, until: row.until, reason: row.reason, at: row.at })
    }

    /// Lets `account` write again; it may already.
    pub async fn lift(&self, caller: &Caller, broadcast: BroadcastId, account: AccountId) -> Result<(), Error> {
        let (acting, _) = self.moderators.in_room(caller, broadcast).await?;
        let mut tx = self.database.write().await?;
        if store::lift(&mut tx, broadcast, account).await? {
            let record = acting.record(&self.ids, &*self.clock, Act::TimeoutLifted).about(account).in_room(broadcast);
            mod_log::record(&mut tx, &record).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The timeouts of a room that have not ended, for its moderators, behind the account `after`.
    pub async fn list(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Page<Timeout>, Error> {
        self.moderators.in_room(caller, broadcast).await?;
        let rows = store::page(&self.database, broadcast, self.clock.now(), after, limit + 1).await?;
        let page = Page::cut(rows, limit as usize, |row| row.account.to_string());
        let people = People::of(&*self.names, page.items.iter().map(|row| row.account)).await?;
        Ok(page.map(|row| Timeout {
            account: people.person(row.account),
            until: row.until,
            reason: row.reason,
            at: row.at,
        }))
    }
}
