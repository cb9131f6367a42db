//! Forgets old entries.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kernel::Clock;
use ports::sql::Database;
use ports::work::{Schedule, WorkError};

use super::{model::KEPT_MS, store};

const EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// Drops entries whose time is over.
pub struct DropOld {
    clock: Arc<dyn Clock>,
    database: Database,
}

impl DropOld {
    /// The schedule on this database.
    pub fn new(clock: Arc<dyn Clock>, database: Database) -> Self {
        Self { clock, database }
    }
}

#[async_trait]
impl Schedule for DropOld {
    fn name(&self) -> &'static str {
        "chat-drop-old-mod-log"
    }

    fn every(&self) -> Duration {
        EVERY
    }

    async fn run(&self) -> Result<(), WorkError> {
        let dropped = store::drop_old(&self.database, self.clock.now().plus_millis(-KEPT_MS)).await?;
        tracing::debug!(dropped, "old entries of the moderation log dropped");
        Ok(())
    }
}
