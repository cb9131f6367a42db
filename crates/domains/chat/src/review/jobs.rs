//! Finishes approvals that were cut off, and forgets messages that waited too long.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Schedule, WorkError};

use super::Review;

/// Publishes messages whose approval was kept, but not their publication.
pub struct FinishApprovals(pub Arc<Review>);

#[async_trait]
impl Schedule for FinishApprovals {
    fn name(&self) -> &'static str {
        "chat-finish-approvals"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(5)
    }

    async fn run(&self) -> Result<(), WorkError> {
        Ok(self.0.finish_approvals().await?)
    }
}

/// Drops held messages whose time is over.
pub struct DropExpired(pub Arc<Review>);

#[async_trait]
impl Schedule for DropExpired {
    fn name(&self) -> &'static str {
        "chat-drop-expired-held-messages"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(60 * 60)
    }

    async fn run(&self) -> Result<(), WorkError> {
        let dropped = self.0.drop_expired().await?;
        tracing::debug!(dropped, "held messages dropped whose time was over");
        Ok(())
    }
}
