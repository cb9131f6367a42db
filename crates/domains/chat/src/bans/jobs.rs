//! Forgets bans of addresses that have ended, and addresses that were known for a day.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use ports::work::{Place, Schedule, WorkError};

use super::Bans;

const EVERY: Duration = Duration::from_secs(60 * 60);

/// Drops bans of addresses that have ended.
pub struct DropExpired(pub Arc<Bans>);

#[async_trait]
impl Schedule for DropExpired {
    fn name(&self) -> &'static str {
        "chat-drop-expired-address-bans"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    async fn run(&self) -> Result<(), WorkError> {
        let dropped = self.0.drop_expired().await?;
        tracing::debug!(dropped, "bans of addresses dropped");
        Ok(())
    }
}

/// Forgets from where accounts wrote more than a day ago.
pub struct ForgetAddresses(pub Arc<Bans>);

#[async_trait]
impl Schedule for ForgetAddresses {
    fn name(&self) -> &'static str {
        "chat-forget-addresses"
    }

    fn place(&self) -> Place {
        Place::Memory
    }

    fn every(&self) -> Duration {
        EVERY
    }

    async fn run(&self) -> Result<(), WorkError> {
        self.0.forget_addresses();
        Ok(())
    }
}
