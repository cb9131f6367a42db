//! Deciding on held messages.

use std::sync::Arc;

use kernel::{Caller, Clock, MessageId, Page, Snowflake};
use ports::sql::{Database, SqlError};

use super::model::{HeldRow, ReviewItem, State};
use super::store;
use crate::Parts;
use crate::error::Error;
use crate::messages::{self, Message, Messages};
use crate::mod_log::{self, Act};
use crate::moderators::{Acting, Moderators};
use crate::needs::Names;
use crate::person::People;

/// Approvals read at once.
const PAGE: u32 = 200;

/// Where moderators review what is held.
pub struct Review {
    clock: Arc<dyn Clock>,
    ids: Arc<Snowflake>,
    database: Database,
    names: Arc<dyn Names>,
    moderators: Arc<Moderators>,
    messages: Arc<Messages>,
}

impl Review {
    /// The review slice on these parts.
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

    /// What waits in a channel behind the message `after`, oldest first; for its moderators.
    pub async fn waiting(
        &self,
        caller: &Caller,
        channel: &str,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Page<ReviewItem>, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let rows = store::waiting(&self.database, acting.host, self.clock.now(), after, limit + 1).await?;
        let page = Page::cut(rows, limit as usize, |row| row.id.to_string());
        let people = People::of(&*self.names, page.items.iter().map(|row| row.account)).await?;
        Ok(page.map(|row| ReviewItem {
            id: row.id,
            broadcast: row.broadcast,
            account: people.person(row.account),
            expires_at: row.expires_at(),
            text: row.text,
            word: row.word,
            at: row.at,
        }))
    }

    /// Publishes a held message in its room, now.
    pub async fn approve(&self, caller: &Caller, channel: &str, id: MessageId) -> Result<Message, Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let row = store::by_id(&self.database, acting.host, id).await?.ok_or(Error::Unknown("held message"))?;
        self.messages.check_open(row.broadcast).await?;
        self.decide(&acting, &row, State::Approving, Act::HeldApproved).await?;
        self.publish(row).await
    }

    /// Refuses a held message.
    pub async fn reject(&self, caller: &Caller, channel: &str, id: MessageId) -> Result<(), Error> {
        let acting = self.moderators.in_channel(caller, channel).await?;
        let row = store::by_id(&self.database, acting.host, id).await?.ok_or(Error::Unknown("held message"))?;
        self.decide(&acting, &row, State::Rejected, Act::HeldRejected).await
    }

    /// Publishes approved messages whose publication was cut off. One that cannot be published stops no other.
    pub(super) async fn finish_approvals(&self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let page = store::unpublished(&self.database, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for row in page {
                let id = row.id;
                match self.publish(row).await {
                    Ok(_) | Err(Error::Message(messages::Error::MessageDeleted)) => (),
                    Err(error) => tracing::warn!(%id, %error, "an approved message is not published yet"),
                }
            }
        }
    }

    /// Forgets messages whose time is over.
    pub(super) async fn drop_expired(&self) -> Result<u64, SqlError> {
        store::drop_expired(&self.database, self.clock.now()).await
    }

    async fn decide(&self, acting: &Acting, row: &HeldRow, state: State, act: Act) -> Result<(), Error> {
        let record = acting.record(&self.ids, &*self.clock, act).about(row.account).in_room(row.broadcast);
        let record = record.of_message(row.id).detailed(&row.text);
        let mut tx = self.database.write().await?;
        if !store::decide(&mut tx, row.id, state, acting.by, record.at).await? {
            return Err(Error::Decided);
        }
        mod_log::record(&mut tx, &record).await?;
        Ok(tx.commit().await?)
    }

    /// Harmless when done twice: the message's id is its key in the room log.
    async fn publish(&self, row: HeldRow) -> Result<Message, Error> {
        let id = row.id;
        let published = self.messages.publish_held(row).await;
        // Published before, and deleted since.
        if matches!(published, Ok(_) | Err(messages::Error::MessageDeleted)) {
            store::published(&self.database, id).await?;
        }
        Ok(published?)
    }
}
