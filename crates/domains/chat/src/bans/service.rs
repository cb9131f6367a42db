//! Banning accounts and addresses, and lifting that again.

use std::sync::Arc;

use kernel::{AccountId, AddressBanId, Caller, Clock, Page, Snowflake, limits};
use ports::sql::{Database, SqlError};

use super::model::{AddressRow, BanRow, DAYS_UNSAID};
use super::store::{self, Inserted};
use super::{AddressBan, AddressRange, AuthorAddresses, Ban, NewAddressBan, NewBan};
use crate::Parts;
use crate::error::{Error, checked_reason};
use crate::mod_log::{self, Act};
use crate::moderators::{Acting, Moderators};
use crate::needs::Names;
use crate::order::Order;
use crate::person::People;

/// The bans of all channels.
pub struct Bans {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    names: Arc<dyn Names>,
    moderators: Arc<Moderators>,
    order: Arc<Order>,
    addresses: Arc<AuthorAddresses>,
}

impl Bans {
    /// The bans slice on these parts.
    pub(crate) fn new(
        parts: &Parts,
        moderators: Arc<Moderators>,
        order: Arc<Order>,
        addresses: Arc<AuthorAddresses>,
    ) -> Self {
        Self {
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            database: parts.database.clone(),
            names: parts.names.clone(),
            moderators,
            order,
            addresses,
        }
    }

    /// Bans an account from a channel's chat; it may be banned already.
    pub async fn ban(&self, caller: &Caller, channel: &str, new: NewBan) -> Result<(), Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let reason = checked_reason(new.reason)?;
        self.moderators.silenceable(&acting, new.account).await?;
        let record = acting.record(&self.ids, &*self.clock, Act::Banned).about(new.account).because(reason.clone());
        let row = BanRow { account: new.account, reason, at: record.at };
        let mut tx = self.database.write().await?;
        match store::insert(&mut tx, acting.host, &row, acting.by).await? {
            Inserted::Now => mod_log::record(&mut tx, &record).await?,
            Inserted::Before => (),
            Inserted::Full => return Err(Error::Full { what: "banned accounts", limit: limits::BANS }),
        }
        tx.commit().await?;
        metrics::counter!("madang_chat_bans_total").increment(1);
        Ok(())
    }

    /// Lifts the ban of an account; there may be none.
    pub async fn unban(&self, caller: &Caller, channel: &str, account: AccountId) -> Result<(), Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let mut tx = self.database.write().await?;
        if store::delete(&mut tx, acting.host, account).await? {
            let record = acting.record(&self.ids, &*self.clock, Act::Unbanned).about(account);
            mod_log::record(&mut tx, &record).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The banned accounts of a channel behind the account `after`; for its moderators.
    pub async fn list(
        &self,
        caller: &Caller,
        channel: &str,
        after: Option<AccountId>,
        limit: u32,
    ) -> Result<Page<Ban>, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let rows = store::page(&self.database, acting.host, after, limit + 1).await?;
        let page = Page::cut(rows, limit as usize, |row| row.account.to_string());
        let people = People::of(&*self.names, page.items.iter().map(|row| row.account)).await?;
        Ok(page.map(|row| Ban { account: people.person(row.account), reason: row.reason, at: row.at }))
    }

    /// Bans an address from a channel's chat for some days.
    pub async fn ban_address(&self, caller: &Caller, channel: &str, new: NewAddressBan) -> Result<AddressBan, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let reason = checked_reason(new.reason.clone())?;
        let days = new.days.unwrap_or(DAYS_UNSAID);
        if !limits::ADDRESS_BAN_DAYS.contains(&days) {
            let rule = format!("An address is banned for 1 to {} days.", limits::ADDRESS_BAN_DAYS.end());
            return Err(Error::Value { field: "days", rule });
        }
        let range = self.range(&acting, &new).await?;
        let mut record = acting.record(&self.ids, &*self.clock, Act::AddressBanned).because(reason.clone());
        record.account = new.account;
        record.detail = new.account.is_none().then(|| range.to_string());
        let row = AddressRow {
            id: AddressBanId::from_raw(self.ids.next(record.at)),
            range,
            account: new.account,
            reason,
            at: record.at,
            until: record.at.plus_millis(i64::from(days) * 24 * 60 * 60 * 1_000),
        };
        let mut tx = self.database.write().await?;
        if !store::insert_range(&mut tx, acting.host, &row, acting.by).await? {
            return Err(Error::Full { what: "banned addresses", limit: limits::ADDRESS_BANS });
        }
        mod_log::record(&mut tx, &record).await?;
        tx.commit().await?;
        self.order.changed(acting.host);
        metrics::counter!("madang_chat_address_bans_total").increment(1);
        let people = People::of(&*self.names, row.account).await?;
        Ok(shown(row, &people))
    }

    /// Lifts the ban of an address.
    pub async fn unban_address(&self, caller: &Caller, channel: &str, id: AddressBanId) -> Result<(), Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let mut tx = self.database.write().await?;
        let row = store::delete_range(&mut tx, acting.host, id).await?.ok_or(Error::Unknown("ban of an address"))?;
        let mut record = acting.record(&self.ids, &*self.clock, Act::AddressUnbanned);
        record.account = row.account;
        record.detail = row.account.is_none().then(|| row.range.to_string());
        mod_log::record(&mut tx, &record).await?;
        tx.commit().await?;
        self.order.changed(acting.host);
        Ok(())
    }

    /// The banned addresses of a channel behind the id `after`; for its moderators.
    pub async fn addresses(
        &self,
        caller: &Caller,
        channel: &str,
        after: Option<AddressBanId>,
        limit: u32,
    ) -> Result<Page<AddressBan>, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let rows = store::range_page(&self.database, acting.host, self.clock.now(), after, limit + 1).await?;
        let page = Page::cut(rows, limit as usize, |row| row.id.to_string());
        let people = People::of(&*self.names, page.items.iter().filter_map(|row| row.account)).await?;
        Ok(page.map(|row| shown(row, &people)))
    }

    /// Forgets bans of addresses that have ended.
    pub(super) async fn drop_expired(&self) -> Result<u64, SqlError> {
        store::drop_expired(&self.database, self.clock.now()).await
    }

    /// Forgets addresses that were known for a day.
    pub(super) fn forget_addresses(&self) {
        self.addresses.forget_old(self.clock.now());
    }

    #[cfg(test)]
    pub(super) fn addresses_known(&self) -> usize {
        self.addresses.known()
    }

    async fn range(&self, acting: &Acting, new: &NewAddressBan) -> Result<AddressRange, Error> {
        match (new.account, &new.range) {
            (Some(account), None) => {
                self.moderators.silenceable(acting, account).await?;
                let address = self.addresses.of(acting.host, account, self.clock.now()).ok_or(Error::AddressUnknown)?;
                Ok(AddressRange::of_customer(address))
            }
            (None, Some(range)) => range
                .parse()
                .map_err(|error: super::range::InvalidRange| Error::Value { field: "range", rule: format!("{error}") }),
            _ => Err(Error::Value { field: "account", rule: "Give either an account or a range.".into() }),
        }
    }
}

fn shown(row: AddressRow, people: &People) -> AddressBan {
    AddressBan {
        id: row.id,
        range: row.account.is_none().then(|| row.range.to_string()),
        account: row.account.map(|account| people.person(account)),
        reason: row.reason,
        at: row.at,
        until: row.until,
    }
}
