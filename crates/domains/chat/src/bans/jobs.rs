//! Forgets bans of addresses that have ended, and addresses that were known for a day.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Schedule, WorkError};

use super::Bans;

/// Drops what may not be known any longer.
pub struct DropExpired(pub Arc<Bans>);

#[async_trait]
impl Schedule for DropExpired {
    fn name(&self) -> &'static str {
        "chat-drop-expired-address-bans"
    }

    fn every(&self) -> Duration {
        Duration::from_secs(60 * 60)
    }

    async fn run(&self) -> Result<(), WorkError> {
        let dropped = self.0.forget_old().await?;
        tracing::debug!(dropped, "bans of addresses dropped");
        Ok(())
    }
}
