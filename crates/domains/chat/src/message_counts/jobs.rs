//! Keeps the counts close to the logs, so that a report has little left to read: who takes messages tells of it, and a
//! worker counts.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::BroadcastId;
use kernel::events::{
    Event,
    chat::MessagesPosted,
    live::{BroadcastChanged, BroadcastState},
};
use ports::event_log::Fact;
use ports::work::{Place, Reaction, Schedule, WorkError};

use super::MessageCounts;

/// Writes down in which rooms something was said.
pub struct TellOfMessages(pub Arc<MessageCounts>);

#[async_trait]
impl Schedule for TellOfMessages {
    fn name(&self) -> &'static str {
        "chat-tell-of-messages"
    }

    /// What was said through this process is known to it alone.
    fn place(&self) -> Place {
        Place::Memory
    }

    fn every(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn run(&self) -> Result<(), WorkError> {
        Ok(self.0.tell().await?)
    }

    async fn finish(&self) -> Result<(), WorkError> {
        self.run().await
    }
}

/// The name of [`CountMessages`].
pub const COUNT_MESSAGES: &str = "chat-count-messages";

/// Counts the messages of a room when something was said in it, and when its show is over: what a process that died had not
/// told of is found then.
pub struct CountMessages(pub Arc<MessageCounts>);

impl CountMessages {
    fn room(fact: &Fact) -> Result<Option<BroadcastId>, serde_json::Error> {
        if fact.kind == MessagesPosted::KIND {
            return Ok(Some(serde_json::from_str::<MessagesPosted>(&fact.payload)?.broadcast));
        }
        let changed: BroadcastChanged = serde_json::from_str(&fact.payload)?;
        Ok((changed.state == BroadcastState::Ended).then_some(changed.broadcast))
    }
}

#[async_trait]
impl Reaction for CountMessages {
    fn name(&self) -> &'static str {
        COUNT_MESSAGES
    }

    fn kinds(&self) -> &'static [&'static str] {
        &[MessagesPosted::KIND, BroadcastChanged::KIND]
    }

    async fn react(&self, fact: &Fact) -> Result<(), WorkError> {
        if let Some(broadcast) = Self::room(fact)? {
            self.0.count(broadcast).await?;
        }
        Ok(())
    }
}
