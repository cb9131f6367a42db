//! Approving members.

use std::sync::Arc;

use kernel::{AccountId, Caller, Clock, Page, Snowflake, Timestamp, limits};
use ports::sql::Database;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::{self, Approved};
use crate::Parts;
use crate::error::Error;
use crate::mod_log::{self, Act};
use crate::moderators::Moderators;
use crate::needs::Names;
use crate::person::{People, Person};

/// An approved member of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// Who.
    pub account: Person,
    /// Since when.
    pub at: Timestamp,
}

/// The approved members of all channels.
pub struct Members {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    names: Arc<dyn Names>,
    moderators: Arc<Moderators>,
}

impl Members {
    /// The members slice on these parts.
    pub fn new(parts: &Parts, moderators: Arc<Moderators>) -> Self {
        Self {
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            database: parts.database.clone(),
            names: parts.names.clone(),
            moderators,
        }
    }

    /// Approves an account, by its handle; it may be approved already.
    pub async fn approve(&self, caller: &Caller, channel: &str, handle: &str) -> Result<Person, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let (account, name) = self.names.by_handle(handle).await?.ok_or(Error::AccountUnknown)?;
        let record = acting.record(&self.ids, &*self.clock, Act::MemberApproved).about(account);
        let mut tx = self.database.write().await?;
        match store::insert(&mut tx, acting.host, account, acting.by, record.at).await? {
            Approved::Now => mod_log::record(&mut tx, &record).await?,
            Approved::Before => (),
            Approved::Full => return Err(Error::Full { what: "members", limit: limits::MEMBERS }),
        }
        tx.commit().await?;
        Ok(Person::new(account, Some(name)))
    }

    /// Takes an approval back; there may be none.
    pub async fn remove(&self, caller: &Caller, channel: &str, account: AccountId) -> Result<(), Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let mut tx = self.database.write().await?;
        if store::delete(&mut tx, acting.host, account).await? {
            let record = acting.record(&self.ids, &*self.clock, Act::MemberRemoved).about(account);
            mod_log::record(&mut tx, &record).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The approved members of a channel behind the account `after`; for its moderators.
    pub async fn list(
        &self,
        caller: &Caller,
        channel: &str,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Page<Member>, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let rows = store::page(&self.database, acting.host, after, limit + 1).await?;
        let page = Page::cut(rows, limit as usize, |(account, _)| account.to_string());
        let people = People::of(&*self.names, page.items.iter().map(|(account, _)| *account)).await?;
        Ok(page.map(|(account, at)| Member { account: people.person(account), at }))
    }
}
