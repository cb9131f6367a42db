//! Forgets timeouts that have ended.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::Clock;
use ports::sql::Database;
use ports::work::{Schedule, WorkError};

use super::store;

const EVERY: Duration = Duration::from_secs(60 * 60);

/// Drops the rows of timeouts that have ended. Rooms do not depend on it: a timeout ends by its own time.
pub struct DropExpired {
    clock: Arc<dyn Clock>,
    database: Database,
}

impl DropExpired {
    /// The schedule on this database.
    pub fn new(clock: Arc<dyn Clock>, database: Database) -> Self {
        Self { clock, database }
    }
}

#[async_trait]
impl Schedule for DropExpired {
    fn name(&self) -> &'static str {
        "chat-drop-expired-timeouts"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    async fn run(&self) -> Result<(), WorkError> {
        let dropped = store::drop_expired(&self.database, self.clock.now()).await?;
        tracing::debug!(dropped, "expired timeouts dropped");
        Ok(())
    }
}
