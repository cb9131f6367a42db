//! Chat as a whole: its slices put together.

use std::sync::Arc;

use kernel::{AccountId, BroadcastId, Caller, Clock, MessageId, Page, Snowflake};
use ports::{bus::Bus, room_log::RoomLog, sql::Database};
use serde_json::value::RawValue;

use crate::messages::{self, Message, Messages};
use crate::moderation::{self, Moderation, Timeout};
use crate::needs::{Names, Rooms};
use crate::settings::Settings;

/// What chat stands on.
#[derive(Clone)]
pub struct Parts {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Makes the ids of messages; its node is leased to this process.
    pub ids: Arc<Snowflake>,
    /// Has [`crate::MIGRATIONS`].
    pub database: Database,
    /// Keeps the messages.
    pub log: Arc<dyn RoomLog>,
    /// Carries what was kept to the readers.
    pub bus: Arc<dyn Bus>,
    /// Knows broadcasts.
    pub rooms: Arc<dyn Rooms>,
    /// Knows accounts by name.
    pub names: Arc<dyn Names>,
}

/// Posting, reading and moderating, for HTTP and for the realtime connection alike.
pub struct Chat {
    messages: Arc<Messages>,
    moderation: Arc<Moderation>,
}

impl Chat {
    /// Puts chat together. Nothing runs before the first message.
    pub fn new(parts: Parts, settings: &Settings) -> Self {
        let moderation = Arc::new(Moderation::new(&parts));
        Self { messages: Arc::new(Messages::new(&parts, moderation.clone(), settings)), moderation }
    }

    /// Posts a message; see [`Messages::post`].
    pub async fn post(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        text: String,
        client_id: Option<String>,
    ) -> Result<Message, messages::Error> {
        self.messages.post(caller, broadcast, text, client_id).await
    }

    /// A page of the room's log; see [`Messages::history`].
    pub async fn history(
        &self,
        broadcast: BroadcastId,
        before_offset: Option<u64>,
        limit: u32,
    ) -> Result<Page<Box<RawValue>>, messages::Error> {
        self.messages.history(broadcast, before_offset, limit).await
    }

    /// Deletes a message; see [`Messages::delete`].
    pub async fn delete(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        message: MessageId,
    ) -> Result<(), messages::Error> {
        self.messages.delete(caller, broadcast, message).await
    }

    /// Silences an account for a while; see [`Moderation::time_out`].
    pub async fn time_out(
        &self,
        caller: &Caller,
        broadcast: BroadcastId,
        account: AccountId,
        seconds: u32,
        reason: Option<String>,
    ) -> Result<Timeout, moderation::Error> {
        self.moderation.time_out(caller, broadcast, account, seconds, reason).await
    }

    /// The messages slice.
    pub fn messages(&self) -> &Arc<Messages> {
        &self.messages
    }

    /// The moderation slice.
    pub fn moderation(&self) -> &Arc<Moderation> {
        &self.moderation
    }
}
