//! Counting what the room log holds.

use std::{collections::HashMap, sync::Arc};

use kernel::{AccountId, BroadcastId};
use ports::room_log::{READ_MAX, RoomLog};
use ports::sql::Database;

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
    database: Database,
    log: Arc<dyn RoomLog>,
    spoken: Arc<Spoken>,
}

impl MessageCounts {
    /// The counts on these parts.
    pub(crate) fn new(parts: &Parts, spoken: Arc<Spoken>) -> Self {
        Self { database: parts.database.clone(), log: parts.log.clone(), spoken }
    }

    /// What a room came to by now, and the `top` accounts.
    pub async fn total(&self, broadcast: BroadcastId, top: u32) -> Result<MessageTotal, Error> {
        self.count(broadcast).await?;
        let (messages, chatters) = store::total(&self.database, broadcast).await?;
        Ok(MessageTotal { messages, chatters, top: store::top(&self.database, broadcast, top).await? })
    }

    /// Counts the rooms in which something was said.
    pub(super) async fn keep(&self) -> Result<(), Error> {
        for broadcast in self.spoken.take() {
            if let Err(error) = self.count(broadcast).await {
                self.spoken.in_room(broadcast);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn count(&self, broadcast: BroadcastId) -> Result<(), Error> {
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
