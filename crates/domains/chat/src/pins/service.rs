//! Pinning and unpinning.

use std::sync::Arc;

use kernel::{BroadcastId, Caller, Clock, MessageId, Snowflake, Timestamp};
use ports::sql::Database;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store::{self, Pin};
use crate::Parts;
use crate::error::Error;
use crate::messages::{self, Message, Messages, Notice};
use crate::mod_log::{self, Act};
use crate::moderators::Moderators;
use crate::needs::Names;
use crate::person::{People, Person};

/// What is pinned in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PinnedMessage {
    /// The message.
    pub message: Message,
    /// Who pinned it.
    pub by: Person,
    /// Since when.
    pub at: Timestamp,
}

/// The pinned messages of all rooms.
pub struct Pins {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    names: Arc<dyn Names>,
    moderators: Arc<Moderators>,
    messages: Arc<Messages>,
}

impl Pins {
    /// The pins slice on these parts.
    pub fn new(parts: &Parts, moderators: Arc<Moderators>, messages: Arc<Messages>) -> Self {
        Self {
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            database: parts.database.clone(),
            names: parts.names.clone(),
            moderators,
            messages,
        }
    }

    /// Pins a message of the room, in place of the one that is pinned.
    pub async fn pin(&self, caller: &Caller, broadcast: BroadcastId, message: MessageId) -> Result<(), Error> {
        let (acting, _) = self.moderators.in_room(caller, broadcast).await?;
        let message = self.messages.find(broadcast, message).await?;
        let record = acting.record(&self.ids, &*self.clock, Act::MessagePinned).about(message.account.id);
        let record = record.in_room(broadcast).of_message(message.id).detailed(&message.text);
        let pin = Pin { message: message.id, message_offset: message.offset, by: acting.by, at: record.at };
        let mut tx = self.database.write().await?;
        store::put(&mut tx, broadcast, &pin).await?;
        mod_log::record(&mut tx, &record).await?;
        tx.commit().await?;
        self.tell(broadcast, Notice::pinned(message.id, message.offset)).await;
        Ok(())
    }

    /// Takes the pinned message down; there may be none.
    pub async fn unpin(&self, caller: &Caller, broadcast: BroadcastId) -> Result<(), Error> {
        let (acting, _) = self.moderators.in_room(caller, broadcast).await?;
        let mut tx = self.database.write().await?;
        let Some(message) = store::delete(&mut tx, broadcast).await? else { return Ok(()) };
        let record = acting.record(&self.ids, &*self.clock, Act::MessageUnpinned);
        mod_log::record(&mut tx, &record.in_room(broadcast).of_message(message)).await?;
        tx.commit().await?;
        self.tell(broadcast, Notice::unpinned(message)).await;
        Ok(())
    }

    /// What is pinned in a room.
    pub async fn pinned(&self, broadcast: BroadcastId) -> Result<Option<PinnedMessage>, Error> {
        let Some(pin) = store::of(&self.database, broadcast).await? else { return Ok(None) };
        match self.messages.at(broadcast, pin.message_offset).await {
            Ok(message) => {
                let by = People::of(&*self.names, [pin.by]).await?.person(pin.by);
                Ok(Some(PinnedMessage { message, by, at: pin.at }))
            }
            Err(messages::Error::MessageDeleted | messages::Error::MessageUnknown) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn tell(&self, broadcast: BroadcastId, notice: Notice) {
        if let Err(error) = self.messages.tell(broadcast, notice).await {
            tracing::warn!(%broadcast, %error, "a pin holds, but the room's readers were not told");
        }
    }
}
