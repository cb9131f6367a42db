//! Who may silence whom, and for how long.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{AccountId, BroadcastId, Caller, Clock, Page, Timestamp};
use ports::sql::Database;

use super::model::{REASON_CHARS, Row, SECONDS, TimedOutAccount, Timeout};
use super::{Error, store};
use crate::Parts;
use crate::needs::{Name, Names, NeedError, RoomInfo, Rooms, Silences};

/// The timeouts of all rooms.
pub struct Moderation {
    clock: Arc<dyn Clock>,
    database: Database,
    rooms: Arc<dyn Rooms>,
    names: Arc<dyn Names>,
}

impl Moderation {
    /// The moderation slice on these parts.
    pub fn new(parts: &Parts) -> Self {
        Self {
            clock: parts.clock.clone(),
            database: parts.database.clone(),
            rooms: parts.rooms.clone(),
            names: parts.names.clone(),
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
        let (moderator, room) = self.moderator(caller, broadcast).await?;
        if !SECONDS.contains(&seconds) {
            return Err(Error::Seconds(seconds));
        }
        let reason = reason.map(|reason| reason.trim().to_owned()).filter(|reason| !reason.is_empty());
        let fits = |reason: &String| reason.chars().count() <= REASON_CHARS && !reason.contains(char::is_control);
        if !reason.as_ref().is_none_or(fits) {
            return Err(Error::Reason);
        }
        if account == room.host {
            return Err(Error::Host);
        }
        let name = self.names.names(&[account]).await?.remove(&account).ok_or(Error::AccountUnknown)?;
        let at = self.clock.now();
        let row = Row { account, until: at.plus_millis(i64::from(seconds) * 1_000), reason, at };
        store::set(&self.database, broadcast, &row, moderator).await?;
        metrics::counter!("madang_chat_timeouts_total").increment(1);
        Ok(shown(row, Some(name)))
    }

    /// Lets `account` write again; it may already.
    pub async fn lift(&self, caller: &Caller, broadcast: BroadcastId, account: AccountId) -> Result<(), Error> {
        self.moderator(caller, broadcast).await?;
        Ok(store::lift(&self.database, broadcast, account).await?)
    }

    /// The timeouts of a room that have not ended, for its moderators, behind the account `after`.
    pub async fn timeouts(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Page<Timeout>, Error> {
        self.moderator(caller, broadcast).await?;
        let rows = store::page(&self.database, broadcast, self.clock.now(), after, limit + 1).await?;
        let page = Page::cut(rows, limit as usize, |row| row.account.to_string());
        let accounts: Vec<AccountId> = page.items.iter().map(|row| row.account).collect();
        let mut names = self.names.names(&accounts).await?;
        Ok(page.map(|row| {
            let name = names.remove(&row.account);
            shown(row, name)
        }))
    }

    async fn moderator(&self, caller: &Caller, broadcast: BroadcastId) -> Result<(AccountId, RoomInfo), Error> {
        let identity = caller.identity.as_ref().ok_or(Error::SignInRequired)?;
        let room = self.rooms.room(broadcast).await?.ok_or(Error::BroadcastUnknown)?;
        if identity.admin || identity.account == room.host {
            Ok((identity.account, room))
        } else {
            Err(Error::NotAllowed)
        }
    }
}

#[async_trait]
impl Silences for Moderation {
    async fn silenced_until(&self, broadcast: BroadcastId, account: AccountId) -> Result<Option<Timestamp>, NeedError> {
        let until = store::until(&self.database, broadcast, account).await;
        let until = until.map_err(|error| NeedError(format!("timeouts: {error}")))?;
        let now = self.clock.now();
        Ok(until.filter(|until| *until > now))
    }
}

fn shown(row: Row, name: Option<Name>) -> Timeout {
    let (handle, display_name) = name.map(|name| (name.handle, name.display_name)).unwrap_or_default();
    let account = TimedOutAccount { id: row.account, handle, display_name };
    Timeout { account, until: row.until, reason: row.reason, at: row.at }
}
