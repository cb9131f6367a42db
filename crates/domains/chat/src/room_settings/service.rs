//! Reading and changing the modes.

use std::sync::Arc;

use kernel::{AccountId, Caller, Clock, Snowflake};
use ports::sql::Database;

use super::{RoomSettings, RoomSettingsChange, store};
use crate::Parts;
use crate::error::Error;
use crate::messages::{Messages, Notice};
use crate::mod_log::{self, Act};
use crate::moderators::Moderators;
use crate::needs::Rooms;
use crate::order::Order;

/// Where moderators change the modes of their channels' chats.
pub struct RoomSettingsDesk {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    rooms: Arc<dyn Rooms>,
    moderators: Arc<Moderators>,
    messages: Arc<Messages>,
    order: Arc<Order>,
}

impl RoomSettingsDesk {
    /// The slice on these parts.
    pub(crate) fn new(parts: &Parts, moderators: Arc<Moderators>, messages: Arc<Messages>, order: Arc<Order>) -> Self {
        Self {
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            database: parts.database.clone(),
            rooms: parts.rooms.clone(),
            moderators,
            messages,
            order,
        }
    }

    /// The settings of a channel, for anyone.
    pub async fn read(&self, channel: &str) -> Result<RoomSettings, Error> {
        let host = self.moderators.channel(channel).await?;
        Ok(self.order.of(host).await?.settings)
    }

    /// Changes the settings of a channel; they hold at once, and the readers of its open rooms are told.
    pub async fn change(
        &self,
        caller: &Caller,
        channel: &str,
        change: &RoomSettingsChange,
    ) -> Result<RoomSettings, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let mut tx = self.database.write().await?;
        let before = store::hold(&mut tx, acting.host, self.clock.now()).await?;
        let settings = before.with(change)?;
        let changes = before.changes_to(&settings);
        if changes.is_empty() {
            return Ok(settings);
        }
        let record = acting.record(&self.ids, &*self.clock, Act::SettingsChanged).detailed(changes);
        store::write(&mut tx, acting.host, &settings, record.at).await?;
        mod_log::record(&mut tx, &record).await?;
        tx.commit().await?;
        self.order.changed(acting.host);
        self.tell(acting.host, settings).await?;
        Ok(settings)
    }

    /// Tells the readers of the host's open rooms, until what they were told last is what holds: another desk may have changed more
    /// meanwhile, and told it first.
    async fn tell(&self, host: AccountId, mut settings: RoomSettings) -> Result<(), Error> {
        loop {
            for broadcast in self.rooms.open_rooms(host).await? {
                let told = self.messages.tell(broadcast, Notice::room_changed(settings)).await;
                if let Err(error) = told {
                    tracing::warn!(%broadcast, %error, "the room's settings hold, but its readers were not told");
                }
            }
            let told = std::mem::replace(&mut settings, store::read(&self.database, host).await?);
            if told == settings {
                return Ok(());
            }
        }
    }
}
