//! Counting what the room log holds.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use kernel::events::chat::MessagesPosted;
use kernel::{AccountId, BroadcastId, Clock};
use ports::room_log::{READ_MAX, RoomLog};
use ports::sql::{Database, SqlError};

use super::{Spoken, store};
use crate::Parts;
use crate::messages::{Error, HistoryItem, room_name};

/// What a broadcast's room came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MessageTotal {
    /// Messages, also those that were deleted later.
    pub messages: u64,
    /// Accounts that wrote at least one.
    pub chatters: u64,
    /// The accounts that wrote most, with their messages.
    pub top: Vec<(AccountId, u64)>,
}

/// The message counts of all rooms.
pub struct MessageCounts {
    clock: Arc<dyn Clock>,
    database: Database,
    log: Arc<dyn RoomLog>,
    spoken: Arc<Spoken>,
}

impl MessageCounts {
    /// The counts on these parts.
    pub(crate) fn new(parts: &Parts, spoken: Arc<Spoken>) -> Self {
        Self { clock: parts.clock.clone(), database: parts.database.clone(), log: parts.log.clone(), spoken }
    }

    /// What a room came to by now, and the `top` accounts.
    pub async fn total(&self, broadcast: BroadcastId, top: u32) -> Result<MessageTotal, Error> {
        self.count(broadcast).await?;
        let (messages, chatters) = store::total(&self.database, broadcast).await?;
        Ok(MessageTotal { messages, chatters, top: store::top(&self.database, broadcast, top).await? })
    }

    /// Writes down in which rooms something was said here since the last time.
    pub(super) async fn tell(&self) -> Result<(), Error> {
        let rooms = self.spoken.take();
        if rooms.is_empty() {
            return Ok(());
        }
        let told = self.write_down(&rooms).await;
        if told.is_err() {
            rooms.into_iter().for_each(|broadcast| self.spoken.in_room(broadcast));
        }
        Ok(told?)
    }

    async fn write_down(&self, rooms: &HashSet<BroadcastId>) -> Result<(), SqlError> {
        let (mut tx, at) = (self.database.write().await?, self.clock.now());
        for &broadcast in rooms {
            tx.emit(&MessagesPosted { broadcast, at }, at).await?;
        }
        tx.commit().await
    }

    /// Counts what a room's log holds beyond what is counted.
    pub(super) async fn count(&self, broadcast: BroadcastId) -> Result<(), Error> {
        let room = room_name(broadcast);
        loop {
            let before = store::through(&self.database, broadcast).await?;
            let records = self.log.read(&room, before + 1, READ_MAX).await?;
            let Some(last) = records.last() else { return Ok(()) };
            let mut counts: HashMap<AccountId, i64> = HashMap::new();
            for record in &records {
                let author = match serde_json::from_slice(&record.data)? {
                    HistoryItem::Message(message) => Some(message.account.id),
                    HistoryItem::Deleted(tombstone) => tombstone.author,
                    _ => None,
                };
                if let Some(author) = author {
                    *counts.entry(author).or_default() += 1;
                }
            }
            store::add(&self.database, broadcast, before, last.offset, &counts).await?;
        }
    }
}
