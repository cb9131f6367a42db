//! Finding out who may moderate; appointing and dismissing.

use std::sync::Arc;

use kernel::{AccountId, BroadcastId, Caller, Clock, Identity, Snowflake, limits};
use ports::sql::Database;

use super::store::{self, Appointed};
use super::{Acting, Moderator, Role};
use crate::Parts;
use crate::error::Error;
use crate::mod_log::{self, Act};
use crate::needs::{Names, RoomInfo, Rooms};
use crate::order::{ChannelOrder, Order};
use crate::person::{People, Person};

/// The moderators of all channels.
pub struct Moderators {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    rooms: Arc<dyn Rooms>,
    names: Arc<dyn Names>,
    order: Arc<Order>,
}

impl Moderators {
    /// The moderators slice on these parts.
    pub(crate) fn new(parts: &Parts, order: Arc<Order>) -> Self {
        Self {
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            database: parts.database.clone(),
            rooms: parts.rooms.clone(),
            names: parts.names.clone(),
            order,
        }
    }

    /// Makes an account, by its handle, a moderator of the channel; it may be one already.
    pub async fn appoint(&self, caller: &Caller, channel: &str, handle: &str) -> Result<Person, Error> {
        let acting = self.streamer(caller, channel).await?;
        let (account, name) = self.names.by_handle(handle).await?.ok_or(Error::AccountUnknown)?;
        let person = Person::new(account, Some(name));
        if account == acting.host {
            return Ok(person);
        }
        let record = acting.record(&self.ids, &*self.clock, Act::ModeratorAppointed).about(account);
        let mut tx = self.database.write().await?;
        match store::insert(&mut tx, acting.host, account, acting.by, record.at).await? {
            Appointed::Now => mod_log::record(&mut tx, &record).await?,
            Appointed::Before => (),
            Appointed::Full => return Err(Error::Full { what: "moderators", limit: limits::MODERATORS }),
        }
        tx.commit().await?;
        self.order.changed(acting.host);
        Ok(person)
    }

    /// Ends an account's moderation of the channel; it may have ended. A moderator may end their own.
    pub async fn dismiss(&self, caller: &Caller, channel: &str, account: AccountId) -> Result<(), Error> {
        let acting = self.in_channel(caller, channel).await?;
        if !acting.role.appoints() && account != acting.by {
            return Err(Error::NotStreamer);
        }
        let mut tx = self.database.write().await?;
        if store::delete(&mut tx, acting.host, account).await? {
            let record = acting.record(&self.ids, &*self.clock, Act::ModeratorDismissed).about(account);
            mod_log::record(&mut tx, &record).await?;
        }
        tx.commit().await?;
        self.order.changed(acting.host);
        Ok(())
    }

    /// The moderators of a channel, for them and the streamer.
    pub async fn list(&self, caller: &Caller, channel: &str) -> Result<Vec<Moderator>, Error> {
        let acting = self.in_channel(caller, channel).await?;
        let rows = store::all(&self.database, acting.host).await?;
        let people = People::of(&*self.names, rows.iter().map(|(account, _)| *account)).await?;
        Ok(rows.into_iter().map(|(account, at)| Moderator { account: people.person(account), at }).collect())
    }

    /// The caller as a moderator of the channel with this handle.
    pub(crate) async fn in_channel(&self, caller: &Caller, channel: &str) -> Result<Acting, Error> {
        let identity = caller.identity.as_deref().ok_or(Error::SignInRequired)?;
        let host = self.channel(channel).await?;
        self.acting(identity, host).await
    }

    /// The caller as a moderator of the broadcast's room.
    pub(crate) async fn in_room(&self, caller: &Caller, broadcast: BroadcastId) -> Result<(Acting, RoomInfo), Error> {
        let identity = caller.identity.as_deref().ok_or(Error::SignInRequired)?;
        let room = self.rooms.room(broadcast).await?.ok_or(Error::BroadcastUnknown)?;
        Ok((self.acting(identity, room.host).await?, room))
    }

    /// Whose channel this is.
    pub(crate) async fn channel(&self, handle: &str) -> Result<AccountId, Error> {
        Ok(self.names.by_handle(handle).await?.ok_or(Error::ChannelUnknown)?.0)
    }

    /// The account, if it exists and the moderator may silence it.
    pub(crate) async fn silenceable(&self, acting: &Acting, account: AccountId) -> Result<Person, Error> {
        let name = self.names.names(&[account]).await?.remove(&account).ok_or(Error::AccountUnknown)?;
        let role = role_of(account, false, acting.host, &*self.order.of(acting.host).await?);
        if acting.role.silences(role) { Ok(Person::new(account, Some(name))) } else { Err(Error::Protected) }
    }

    async fn streamer(&self, caller: &Caller, channel: &str) -> Result<Acting, Error> {
        let acting = self.in_channel(caller, channel).await?;
        if acting.role.appoints() { Ok(acting) } else { Err(Error::NotStreamer) }
    }

    async fn acting(&self, identity: &Identity, host: AccountId) -> Result<Acting, Error> {
        let role = role_of(identity.account, identity.admin, host, &*self.order.of(host).await?);
        if role.moderates() { Ok(Acting { by: identity.account, role, host }) } else { Err(Error::NotAllowed) }
    }
}

/// What an account is in the channel of `host`.
pub(crate) fn role_of(account: AccountId, admin: bool, host: AccountId, order: &ChannelOrder) -> Role {
    match () {
        () if account == host => Role::Host,
        () if admin => Role::Administrator,
        () if order.moderators.contains(&account) => Role::Moderator,
        () => Role::Viewer,
    }
}
