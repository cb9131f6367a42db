//! Keeps the counts close to the logs, so that a report has little left to read.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Place, Schedule, WorkError};

use super::MessageCounts;

/// Counts the rooms in which something was said.
pub struct KeepCounts(pub Arc<MessageCounts>);

#[async_trait]
impl Schedule for KeepCounts {
    fn name(&self) -> &'static str {
        "chat-keep-message-counts"
    }

    /// What was said through this process is known to it alone.
    fn place(&self) -> Place {
        Place::Memory
    }

    fn every(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn run(&self) -> Result<(), WorkError> {
        Ok(self.0.keep().await?)
    }
}
